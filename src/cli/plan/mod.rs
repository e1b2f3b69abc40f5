//! `boathook plan PATH...`: what a sync of these manifests would do, and what will not happen as written.

mod command;
mod explain;
mod files;
mod findings;
mod input;
mod json;
mod report;
mod text;

pub(super) use command::run;
