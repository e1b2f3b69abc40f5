//! The timeline of an operation: a plan, if there is one, merged with what was observed of the Application and of the
//! Jobs, Pods, Workflows and other objects of its hooks. It is what the phase panels show.
//!
//! Events are folded into facts, one object at a time ([`Timeline::observe`]); the facts are judged when the timeline is
//! read ([`Timeline::view`]). The judgement, in order:
//!
//! 1. A result that Argo CD has recorded as ended is what happened, whatever the pods say.
//! 2. Else the hook's own object and its pods are believed: Argo CD records a finished hook seconds later.
//! 3. Else a result that is recorded as running.
//! 4. Else the task is still to come, or was skipped if the operation is over.
//!
//! What is not known stays unknown: a pod that was deleted while it ran is stopped and not failed, a resource whose
//! health nobody awaited is applied and not succeeded, and a phase is not done while a later wave may come.

mod assign;
mod elapsed;
mod facts;
mod fold;
mod job;
mod lifecycle;
mod phase;
mod plan;
mod pods;
mod read;
mod run;
mod state;
mod task;
mod tasks;
mod told;
mod view;

pub use elapsed::{Elapsed, Moment, Precision};
pub use fold::Timeline;
pub use lifecycle::Lifecycle;
pub use plan::PlannedTask;
pub use task::{TaskKey, TaskPhase, TaskState};
pub use view::{
    AttemptView, ContainerKind, ContainerState, ContainerView, Counts, Exit, NodeView, OperationStatus, OperationView,
    PhaseView, PodState, PodView, Predecessor, Progress, Rerun, TaskView, WaveView,
};
