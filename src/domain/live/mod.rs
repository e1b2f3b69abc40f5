//! The stream of the live view: what is told about applications, operations, hooks, logs, revisions and requests. The
//! screen, the command line and recordings read the same events; whoever folds them has the same picture.

mod access;
mod event;
mod logs;
mod record;
mod requests;
mod revisions;

pub use access::{HookAccess, Need, Rights};
pub use event::{CaptureNotice, EarlyRow, KubernetesEvent, LiveEvent, WatchState, Watched};
pub use logs::{LogFilter, LogLine, LogMessage, LogSource, SourceEnd};
pub use record::{ExitRecord, OperationRecord, RunRecord, TaskRecord};
pub use requests::{Outcome, Preview, PreviewError, RequestId, RequestState, RequestUpdate};
pub use revisions::{
    ChangedFile, ChangedObject, CommitSummary, FileStatus, ObjectChange, RepositoryState, Review, RevisionNames,
    Revisions, SourceRevisions,
};
