//! What is kept on disk: captured logs, the history of operations, the log of requests, deferred approvals.
//!
//! `v1/<cluster>/<namespace>/<application>/<startedAt>-<retryCount>/<phase>-<kind>-<hook>/<pod>-<podUID>-<container>-<n>.log`,
//! beside each log a `.json` that says whose it is and how it ended, in each operation's folder an `operation.json`. Parts
//! of paths are percent-encoded and bounded: names come from a cluster. One process writes a folder, others read it.

mod clusters;
mod deferred;
mod error;
mod folder;
mod log;
mod operations;
mod path;
mod prune;
mod requests;

pub use clusters::Clusters;
pub use deferred::{Deferral, Deferrals};
pub use error::StoreError;
pub use folder::State;
pub use log::{KeptLine, KeptLog, LogInfo, LogReader, LogWriter};
pub use operations::{OperationFolder, OperationId};
pub use prune::{Pruned, prune};
pub use requests::{RequestEntry, RequestLog};
