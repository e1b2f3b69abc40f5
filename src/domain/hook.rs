//! Hook kinds, delete policies and waves, as Argo CD reads them from an object's annotations.

use std::fmt;

/// The phase of a sync in which a task runs, in the order in which phases run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum SyncPhase {
    /// Before everything.
    PreSync,
    /// With the ordinary resources.
    Sync,
    /// After every task of the Sync phase is settled.
    PostSync,
    /// Only after a failure.
    SyncFail,
}

impl SyncPhase {
    /// All phases in the order in which they run.
    pub const ALL: [Self; 4] = [Self::PreSync, Self::Sync, Self::PostSync, Self::SyncFail];

    /// The name as Argo CD writes it in annotations and results.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PreSync => "PreSync",
            Self::Sync => "Sync",
            Self::PostSync => "PostSync",
            Self::SyncFail => "SyncFail",
        }
    }
}

impl fmt::Display for SyncPhase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// A value of the annotation `argocd.argoproj.io/hook`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum HookType {
    /// Runs in the PreSync phase.
    PreSync,
    /// Runs in the Sync phase.
    Sync,
    /// Runs in the PostSync phase.
    PostSync,
    /// Runs after a failure.
    SyncFail,
    /// Never applied.
    Skip,
    /// Runs before the Application's resources are deleted.
    PreDelete,
    /// Runs after the Application's resources are deleted.
    PostDelete,
}

impl HookType {
    /// The name as Argo CD writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PreSync => "PreSync",
            Self::Sync => "Sync",
            Self::PostSync => "PostSync",
            Self::SyncFail => "SyncFail",
            Self::Skip => "Skip",
            Self::PreDelete => "PreDelete",
            Self::PostDelete => "PostDelete",
        }
    }
}

impl fmt::Display for HookType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// When a hook's object is deleted (annotation `argocd.argoproj.io/hook-delete-policy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum DeletePolicy {
    /// A live predecessor is deleted when the hook's wave starts. The default.
    BeforeHookCreation,
    /// Deleted when the operation succeeded.
    HookSucceeded,
    /// Deleted when the operation failed.
    HookFailed,
}
