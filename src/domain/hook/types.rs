//! The words of hooks: phases, kinds and delete policies, spelt as Argo CD spells them.

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

    /// The phase that is spelt so; case matters.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.as_str() == name)
    }

    /// The name as Argo CD writes it in annotations and results.
    pub const fn as_str(self) -> &'static str {
        self.hook_type().as_str()
    }

    /// The kind of hook that runs in this phase.
    pub const fn hook_type(self) -> HookType {
        match self {
            Self::PreSync => HookType::PreSync,
            Self::Sync => HookType::Sync,
            Self::PostSync => HookType::PostSync,
            Self::SyncFail => HookType::SyncFail,
        }
    }
}

impl From<SyncPhase> for HookType {
    fn from(phase: SyncPhase) -> Self {
        phase.hook_type()
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
    /// All kinds: those of a sync in the order in which they run, then the others.
    pub const ALL: [Self; 7] =
        [Self::PreSync, Self::Sync, Self::PostSync, Self::SyncFail, Self::Skip, Self::PreDelete, Self::PostDelete];

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

    /// The kind that is spelt so; case matters.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The kind that Argo CD makes of a word of Helm's; case matters. `None` for words that are no hook to Argo CD.
    pub fn from_helm_name(name: &str) -> Option<Self> {
        match name {
            "pre-install" | "pre-upgrade" => Some(Self::PreSync),
            "post-install" | "post-upgrade" => Some(Self::PostSync),
            "pre-delete" => Some(Self::PreDelete),
            "post-delete" => Some(Self::PostDelete),
            _ => None,
        }
    }

    /// The phase of a sync that the kind stands for; `None` for `Skip` and the delete hooks.
    pub const fn sync_phase(self) -> Option<SyncPhase> {
        match self {
            Self::PreSync => Some(SyncPhase::PreSync),
            Self::Sync => Some(SyncPhase::Sync),
            Self::PostSync => Some(SyncPhase::PostSync),
            Self::SyncFail => Some(SyncPhase::SyncFail),
            Self::Skip | Self::PreDelete | Self::PostDelete => None,
        }
    }

    /// The phase of a deletion that the kind stands for; `None` for all others.
    pub const fn delete_phase(self) -> Option<DeletePhase> {
        match self {
            Self::PreDelete => Some(DeletePhase::PreDelete),
            Self::PostDelete => Some(DeletePhase::PostDelete),
            _ => None,
        }
    }
}

impl fmt::Display for HookType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// The phase of an Application's deletion in which a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum DeletePhase {
    /// Before the Application's resources are deleted.
    PreDelete,
    /// After the Application's resources are deleted.
    PostDelete,
}

impl DeletePhase {
    /// Both phases in the order in which they run.
    pub const ALL: [Self; 2] = [Self::PreDelete, Self::PostDelete];

    /// The name as Argo CD writes it.
    pub const fn as_str(self) -> &'static str {
        self.hook_type().as_str()
    }

    /// The kind of hook that runs in this phase.
    pub const fn hook_type(self) -> HookType {
        match self {
            Self::PreDelete => HookType::PreDelete,
            Self::PostDelete => HookType::PostDelete,
        }
    }
}

impl fmt::Display for DeletePhase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl From<DeletePhase> for HookType {
    fn from(phase: DeletePhase) -> Self {
        phase.hook_type()
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

impl DeletePolicy {
    /// All policies.
    pub const ALL: [Self; 3] = [Self::BeforeHookCreation, Self::HookSucceeded, Self::HookFailed];

    /// The name as Argo CD writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BeforeHookCreation => "BeforeHookCreation",
            Self::HookSucceeded => "HookSucceeded",
            Self::HookFailed => "HookFailed",
        }
    }

    /// The policy that Argo CD spells so; case matters.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == name)
    }

    /// The policy that Helm spells so; case matters.
    pub fn from_helm_name(name: &str) -> Option<Self> {
        match name {
            "before-hook-creation" => Some(Self::BeforeHookCreation),
            "hook-succeeded" => Some(Self::HookSucceeded),
            "hook-failed" => Some(Self::HookFailed),
            _ => None,
        }
    }
}

impl fmt::Display for DeletePolicy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}
