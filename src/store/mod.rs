//! What is kept on disk: captured logs, the history of operations, the log of requests, deferred approvals.

mod error;

pub use error::StoreError;
