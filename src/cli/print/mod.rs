//! What commands print: text for people, documents for programs.

mod application;
mod document;
mod emit;
mod event;
mod printer;
mod table;
mod tasks;
mod words;

pub(super) use application::{ApplicationDocument, ConditionEntry, DetailsEntry, ListDocument, short_revisions};
pub(super) use document::{API_VERSION, Document, escaped};
pub(super) use emit::{print_all, print_one, print_tally};
pub(super) use event::{EventDocument, LogLineDocument, ResultDocument, Tally};
pub(super) use printer::{Printer, nobody_reads};
pub(super) use table::{Cell, Table, Tone};
pub(super) use tasks::{task_rows, title, tone};
pub(super) use words::{
    ago, exit_of, exit_of_view, has_done_nothing, health, last_sync, phases, revision, standing, took,
};
