//! Lists about one application, and texts about one thing of it: what each row and each text says.

mod events;
mod git;
mod history;
mod list;
mod resources;
mod text;
mod texts;
mod yaml;

pub(super) use git::change_line;
pub(super) use list::draw as draw_page;
pub(in crate::tui) use list::rows as page_rows;
pub(super) use text::draw as draw_text;
pub(in crate::tui) use text::last_top as last_top_of_text;
pub(in crate::tui) use texts::text as text_of;
