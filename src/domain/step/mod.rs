//! The state machine of a sync: what to do next, as one pure function of the plan, the recorded state, what is seen of
//! the cluster, and the time.
//!
//! # Driving it
//!
//! [`step`] answers with a new [`Progress`], [`Action`]s and perhaps a [`Wait`]. Whoever drives it does, in this order:
//!
//! 1. **Write** `progress.state` to the Application if it differs from what is there, guarded by `resourceVersion`. If
//!    that does not succeed, do nothing else: read the Application again and call `step` with what it says, with the
//!    *previous* memory and the *previous* outcomes.
//! 2. **Act.** Each action yields exactly one [`Outcome`]. [`Step::groups`] says what may run at the same time.
//! 3. **Call again** with the outcomes, at once. Without actions: when an object of the plan changed, the Application
//!    changed, or [`Wait::until`] has come. Outcomes are handed in once; nothing has to be called in intervals.
//!
//! Results are therefore always written before the object they were read from can go away, and what is not written is
//! not believed to have happened. The driver may die between any two requests: everything needed to go on is in the
//! written state and on the objects. [`Memory`] may be lost with it and is only there to save requests.
//!
//! A hook carries the operation and the attempt it was created for ([`Mark`]). One with the current mark is taken over
//! after a restart, any other is a predecessor's: it is never judged, whatever its name is. Hooks that run to completion
//! are created, never patched, so that a mark cannot get onto an object that ran before.
#![doc = include_str!("differences.md")]

mod absorb;
mod batch;
mod board;
mod fail;
mod finish;
mod mark;
mod message;
mod prepare;
mod results;
mod resume;
mod run;
mod terminate;
mod types;
mod waiting;

pub use finish::{end_in_error, end_in_failure};
pub use mark::Mark;
pub use message::printed_name;
pub use resume::{
    NOT_RESUMED, ResumeRefused, record_manifests, recorded_manifests, resumable, resume, resumed_operation,
};
pub use run::step;
pub use types::{
    Action, Apply, ApplyResult, Change, Delete, DeleteReason, DeleteResult, Memory, Method, Observation, Outcome,
    Progress, Render, Settings, Step, StepInput, Wait, WaitFor,
};
