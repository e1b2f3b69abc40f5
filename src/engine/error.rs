//! Why an engine does not run.

use crate::cluster::ClusterError;

/// Why an engine does not start, or has stopped by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The cluster does not answer, or refuses what the engine cannot do without. See
    /// [`ClusterError::is_transient`] for whether trying again helps.
    #[error("the engine cannot start: {0}")]
    Cluster(#[from] ClusterError),
    /// There is no place for its Lease. Trying again helps when it is made.
    #[error(
        "there is no namespace {0} for the engine's Lease: make it (kubectl create namespace {0}), or name that of the \
         Applications with --namespace"
    )]
    NoNamespace(String),
    /// Somebody else works on the Applications. Trying again helps when that has ended.
    #[error("the engine does not run beside {0}")]
    OtherController(String),
    /// Somebody else has taken the Lease, and with it the right to work. Starting again helps once it is free.
    #[error("the engine stops: it has lost the Lease boathook-engine: {0}")]
    LeaseLost(String),
    /// An option that cannot be used.
    #[error("{option}: {reason}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}
