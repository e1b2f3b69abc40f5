//! The whole screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::draw::Canvas;
use super::spots::Spot;
use super::{application, applications, approvals, connection, dialog, footer, help, log, pages, requests};
use crate::tui::model::{Model, Screen};
use crate::tui::theme::Role;

/// Less than this cannot be read.
const LEAST: (u16, u16) = (40, 8);

/// Draws the model. Gives the place of the cursor, where text is typed.
pub fn view(model: &Model, area: Rect, buffer: &mut Buffer) -> Option<(u16, u16)> {
    onto(model, area, buffer, None)
}

/// The same, noting what is where.
pub(super) fn onto(
    model: &Model,
    area: Rect,
    buffer: &mut Buffer,
    spots: Option<&mut Vec<(Rect, Spot)>>,
) -> Option<(u16, u16)> {
    let mut canvas = Canvas { buffer, theme: &model.settings.theme, spots };
    canvas.fill(area, Role::Text);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let words = format!("at least {}x{}", LEAST.0, LEAST.1);
        canvas.line(area, &[(Role::Warning, &words)]);
        return None;
    }
    let body = Rect { height: area.height - 1, ..area };
    let bottom = Rect { y: area.bottom() - 1, height: 1, ..area };
    match model.screen() {
        Screen::Applications if connection::is_needed(model) => connection::draw(&mut canvas, model, body),
        Screen::Applications => applications::draw(&mut canvas, model, body),
        Screen::Application(screen) => application::draw(&mut canvas, model, screen, body),
        Screen::Page(page) => pages::draw_page(&mut canvas, model, page, body),
        Screen::Text(text) => pages::draw_text(&mut canvas, model, text, body),
        Screen::Approvals(open) => approvals::draw(&mut canvas, model, open, body),
        Screen::Log => log::draw(&mut canvas, model, body),
        Screen::Requests { top } => requests::draw(&mut canvas, model, *top, body),
        Screen::Help { top } => help::draw(&mut canvas, model, *top, body),
    }
    let cursor = footer::draw(&mut canvas, model, bottom);
    match &model.dialog {
        Some(open) => dialog::draw(&mut canvas, model, open, body),
        None => cursor,
    }
}
