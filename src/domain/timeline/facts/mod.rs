//! What is remembered of each object and each operation: small facts instead of whole objects, taken from each event
//! as it comes. Nothing here judges; see the module above.

mod job;
mod json;
mod object;
mod operation;
mod pod;
mod workflow;

pub(super) use job::JobFacts;
pub(super) use object::{Body, ObjectFacts};
pub(super) use operation::{OperationFacts, ResultFacts, runs_hooks};
pub(super) use pod::PodFacts;
pub(super) use workflow::WorkflowFacts;
