//! What an operator can ask for: each request as a value that says beforehand what it will write and why it may not be
//! sent. Building a write is pure; sending it, and meeting conflicts, is the live view's part.

mod build;
mod hook;
mod refusal;
mod seen;
mod types;

pub use build::{Context, Write, WriteBody, WriteTarget, build};
pub use hook::{fail_hook, rerun_hook};
pub use refusal::{Controller, Refusal, Situation, refusals, warnings};
pub use seen::{Changed, Seen};
pub use types::{AutoSync, Confirmation, HookJob, Request, SyncOrder};
