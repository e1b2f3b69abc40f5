//! Operations: the request in `.operation`, the state in `status.operationState`, and the results in it.

mod types;

pub use types::{
    Backoff, HookPhase, Info, InitiatedBy, Operation, OperationPhase, OperationState, ResultStatus, Retry, Selector,
    Strategy, SyncRequest, SyncResult, TaskResult,
};
