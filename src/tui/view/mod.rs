//! What the model looks like. Views only read the model; rows are made for what is visible only.

mod ansi;
mod application;
mod applications;
mod approvals;
mod bar;
mod columns;
mod connection;
mod dialog;
mod draw;
mod footer;
mod help;
mod log;
mod pages;
mod panels;
mod phases;
mod plan;
mod requests;
mod root;
mod spots;
mod targets;
mod times;
mod title;

pub(super) use approvals::last_scroll;
pub(super) use help::height as help_height;
pub(super) use log::rows as log_rows;
pub(super) use pages::{last_top_of_text, page_rows, text_of};
pub(super) use requests::height as requests_height;
pub use root::view;
pub(super) use spots::{Spot, spot};
pub(super) use title::title;
