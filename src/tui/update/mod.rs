//! The one function that changes the model: a message in, effects out, nothing else.

mod apply;
mod available;
mod command;
mod dialogs;
mod dispatch;
mod input;
mod live;
mod logs;
mod motion;

pub(super) use available::{waits_for_prune, why_not};
pub(super) use command::COMMANDS;
pub use dispatch::update;
pub(super) use live::outcome_text;
