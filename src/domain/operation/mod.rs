//! Operations: the request in `.operation`, the state in `status.operationState`, and the results in it.

mod duration;
mod read;
mod retry;
mod types;
mod write;

pub use duration::{BadDuration, parse_duration};
pub use types::{
    Backoff, HookPhase, Info, InitiatedBy, Operation, OperationPhase, OperationState, ResultStatus, Retry, Selector,
    Strategy, SyncRequest, SyncResult, TaskResult,
};
pub(crate) use types::{is_task_failed, task_phase};
