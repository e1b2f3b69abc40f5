//! What the screen knows. One loop owns it; `update` changes it, views only read it.

mod approvals;
mod details;
mod dialog;
mod filter;
mod fleet;
mod log;
mod page;
mod screen;
mod state;

pub(super) use approvals::{Approval, Approvals, Entry, says_prune};
pub(super) use details::{Details, SeenObject, is_fault};
pub(super) use dialog::{Choice, Dialog, DialogKind, Field};
pub(super) use filter::{Filter, sync_word};
pub(super) use fleet::{FLASH_SECONDS, Known, Row, Sort, Standing};
pub(super) use log::{LogBuffer, LogLook, contains, is_error};
pub(super) use page::{Page, PageKind, PageRow, Parts, RowId, TextAbout, TextScreen, plain};
pub(super) use screen::{AppScreen, Prompt, PromptKind, Screen};
pub(super) use state::{Connection, NOTICE_SECONDS, RequestEntry, WatchEntry};
pub use state::{Model, Settings};
