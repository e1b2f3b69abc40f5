//! The requests.

use crate::domain::operation::{Info, Retry, Selector, Strategy};

/// Something an operator asks of one application.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// A sync.
    Sync(Box<SyncOrder>),
    /// The end of the running operation: running hooks are deleted, `SyncFail` hooks do not run.
    Abort,
    /// The last operation once more, at its revision and with its options.
    Retry,
    /// The failed operation from where it failed, without repeating what succeeded. Only boathook's engine can.
    Resume,
    /// A comparison with Git.
    Refresh {
        /// Render the manifests anew too.
        hard: bool,
    },
    /// What was deployed before.
    Rollback {
        /// Entry of the history.
        id: i64,
        /// Delete what that entry did not have.
        prune: bool,
        /// Run the hooks of that revision; Argo CD itself does not.
        hooks: bool,
    },
    /// Automated sync, on or off.
    AutoSync(AutoSync),
    /// The word that a prune or a deletion waits for.
    Confirm(Confirmation),
    /// A ghost operation declared failed, so that the application can be used again.
    RepairGhost,
    /// A hook's Job failed as the Job controller would fail it, so that `SyncFail` hooks run.
    FailHook(HookJob),
    /// A hook's Job run once more by itself, outside of any operation.
    RerunHook {
        /// The Job.
        hook: HookJob,
        /// The reason, for who reads it later.
        why: String,
    },
}

/// The Job of a hook, in the cluster where the application's hooks run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HookJob {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// UID; empty: whatever has the name.
    pub uid: String,
}

impl Request {
    /// The word for it in dialogs, commands and the log of requests.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sync(_) => "sync",
            Self::Abort => "abort",
            Self::Retry => "retry",
            Self::Resume => "resume",
            Self::Refresh { .. } => "refresh",
            Self::Rollback { .. } => "rollback",
            Self::AutoSync(_) => "auto-sync",
            Self::Confirm(Confirmation::Prune) => "approve prune",
            Self::Confirm(Confirmation::Delete) => "approve delete",
            Self::RepairGhost => "repair",
            Self::FailHook(_) => "fail hook",
            Self::RerunHook { .. } => "re-run hook",
        }
    }

    /// The hook it is about; then the Job is written and not the Application.
    pub const fn hook(&self) -> Option<&HookJob> {
        match self {
            Self::FailHook(hook) | Self::RerunHook { hook, .. } => Some(hook),
            _ => None,
        }
    }

    /// Whether it writes `.operation`: then a controller must be there to act on it.
    pub const fn starts_operation(&self) -> bool {
        matches!(self, Self::Sync(_) | Self::Retry | Self::Resume | Self::Rollback { .. })
    }
}

/// What a sync is asked with.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SyncOrder {
    /// Revision of a single source; empty: the target revision. A full commit pins the sync to what was reviewed.
    pub revision: String,
    /// Revisions of several sources, one each; empty: their target revisions.
    pub revisions: Vec<String>,
    /// Delete what Git has no more.
    pub prune: bool,
    /// Change nothing.
    pub dry_run: bool,
    /// With hooks or without, and with force.
    pub strategy: Strategy,
    /// Only these objects; empty: all. Then no hooks run and no history is written.
    pub resources: Vec<Selector>,
    /// `Key=value`; `None`: those of the application's sync policy. The controller looks at no others.
    pub sync_options: Option<Vec<String>>,
    /// `None`: that of the application's sync policy.
    pub retry: Option<Retry>,
    /// Name and value pairs, for example a reason.
    pub info: Vec<Info>,
}

/// A change of automated sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutoSync {
    /// On. A flag that is `None` keeps its value.
    On {
        /// Delete what Git has no more.
        prune: Option<bool>,
        /// Repair what was changed in the cluster.
        self_heal: Option<bool>,
    },
    /// Off; the other flags are kept.
    Off,
}

/// What is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// The prune that the running operation waits with.
    Prune,
    /// The deletion of the application's objects.
    Delete,
}
