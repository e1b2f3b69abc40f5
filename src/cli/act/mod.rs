//! Asking for something, for one application or for many at once: what would be written is shown, the person is asked,
//! the requests are sent, and operations are followed to their end.
//!
//! - `job`: one application and what has become of it. `run`: previews, questions, requests, results.
//! - `ask`: the person's word. `follow`: operations to their end, told by `told` (a line a change) and `progress` (what moves, on a terminal).
//! - `own`: which operation is the one that was asked for.
//! - `logs`: the logs of the hooks that failed.

mod ask;
mod follow;
mod job;
mod logs;
mod own;
mod progress;
mod run;
mod told;

pub(super) use job::{Ended, Job};
pub(super) use logs::{text, whole};
pub(super) use run::Act;
