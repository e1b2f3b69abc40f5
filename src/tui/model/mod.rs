//! What the screen knows. One loop owns it; `update` changes it, views only read it.

mod approvals;
mod details;
mod dialog;
mod filter;
mod fleet;
mod log;
mod notice;
mod page;
mod row;
mod screen;
mod sent;
mod sort;
mod state;

pub(super) use approvals::{Approval, Approvals, Entry};
pub(super) use details::{Details, SeenObject, is_fault};
pub(super) use dialog::{Choice, Dialog, DialogKind, Field, MOST_PLANS, Target, Unseen};
pub(super) use filter::{Filter, sync_word};
pub(super) use log::{LogBuffer, LogLook, contains, is_error};
pub(super) use notice::Notice;
pub(super) use page::{Page, PageKind, PageRow, Parts, RowId, TextAbout, TextScreen, plain};
pub(super) use row::{FLASH_SECONDS, Known, Row, Standing};
pub(super) use screen::{AppScreen, Asked, Prompt, PromptKind, Screen};
pub(super) use sent::RequestEntry;
pub(super) use sort::Sort;
pub(super) use state::{Connection, WatchEntry};
pub use state::{Model, Settings};
