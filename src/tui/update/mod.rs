//! The one function that changes the model: a message in, effects out, nothing else.

mod answers;
mod apply;
mod approvals;
mod available;
mod command;
mod copy;
mod dialogs;
mod dispatch;
mod fields;
mod input;
mod live;
mod logs;
mod motion;
mod mouse;
mod pages;
mod waiting;
mod wants;

pub(super) use available::why_not;
pub(super) use command::COMMANDS;
pub use dispatch::update;
pub(super) use live::outcome_text;
pub use wants::wants;
