//! The Application object of Argo CD, read leniently: the full form of one that is looked at (`Application`), and the
//! compact form of the thousands in a list (`AppSummary`), decoded straight from the API server's bytes.

mod decode;
mod doing;
mod draft;
mod key;
mod meaning;
mod phases;
mod read;
mod rollback;
mod summary;
mod types;

pub use doing::{Doing, says_prune, waiting_for};
pub use key::AppKey;
pub use phases::{PhaseState, PhaseSummary};
pub use summary::{AppSummary, NotAnApplication, OperationSummary, Revision, SourceSummary};
pub use types::{
    AppHealth, Application, Automated, Condition, Destination, HistoryEntry, Metadata, RefreshKind, ResourceStatus,
    Source, Spec, Status, StatusSummary, SyncPolicy, SyncState, SyncStatus, annotations, finalizers,
};
