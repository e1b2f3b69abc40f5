//! What names a task of an operation, and the states it can be in.

use std::fmt;

use crate::domain::hook::{HookType, SyncPhase};
use crate::domain::manifest::ObjectKey;
use crate::domain::operation::TaskResult;

/// The phase a task is shown under, in the order of the panels: the phases of a sync, and those of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskPhase {
    /// Before the Application's resources are deleted.
    PreDelete,
    /// Before everything.
    PreSync,
    /// With the ordinary resources.
    Sync,
    /// After the Sync phase.
    PostSync,
    /// Only after a failure.
    SyncFail,
    /// After the Application's resources are deleted.
    PostDelete,
    /// The controller wrote none, or a word that is not known.
    Unknown,
}

impl TaskPhase {
    /// All, in the order of the panels.
    pub const ALL: [Self; 7] =
        [Self::PreDelete, Self::PreSync, Self::Sync, Self::PostSync, Self::SyncFail, Self::PostDelete, Self::Unknown];

    /// The phase with this name.
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|phase| phase.as_str() == name).unwrap_or(Self::Unknown)
    }

    /// The phase of a result. Of delete hooks only the kind of hook tells it.
    pub(super) fn of_result(result: &TaskResult) -> Self {
        match (result.sync_phase, result.hook_type) {
            (Some(phase), _) => phase.into(),
            (None, Some(HookType::PreDelete)) => Self::PreDelete,
            (None, Some(HookType::PostDelete)) => Self::PostDelete,
            (None, _) => Self::Unknown,
        }
    }

    /// The name, as Argo CD writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PreDelete => "PreDelete",
            Self::PreSync => "PreSync",
            Self::Sync => "Sync",
            Self::PostSync => "PostSync",
            Self::SyncFail => "SyncFail",
            Self::PostDelete => "PostDelete",
            Self::Unknown => "unknown phase",
        }
    }

    /// The name where there is little room.
    pub const fn short(self) -> &'static str {
        match self {
            Self::PreDelete => "PreDel",
            Self::PreSync => "Pre",
            Self::Sync => "Sync",
            Self::PostSync => "Post",
            Self::SyncFail => "Fail",
            Self::PostDelete => "PostDel",
            Self::Unknown => "?",
        }
    }

    /// The phase of a sync; `None` for the others.
    pub const fn sync_phase(self) -> Option<SyncPhase> {
        match self {
            Self::PreSync => Some(SyncPhase::PreSync),
            Self::Sync => Some(SyncPhase::Sync),
            Self::PostSync => Some(SyncPhase::PostSync),
            Self::SyncFail => Some(SyncPhase::SyncFail),
            Self::PreDelete | Self::PostDelete | Self::Unknown => None,
        }
    }
}

impl From<SyncPhase> for TaskPhase {
    fn from(phase: SyncPhase) -> Self {
        match phase {
            SyncPhase::PreSync => Self::PreSync,
            SyncPhase::Sync => Self::Sync,
            SyncPhase::PostSync => Self::PostSync,
            SyncPhase::SyncFail => Self::SyncFail,
        }
    }
}

impl fmt::Display for TaskPhase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// What names a task: an object in a phase. One object has a task in each phase it is a hook of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskKey {
    /// The phase.
    pub phase: TaskPhase,
    /// The object.
    pub object: ObjectKey,
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskState {
    /// Its turn has not come.
    ToCome,
    /// It was begun and waits for something; see the reason.
    Waiting,
    /// At work.
    Running,
    /// Ended well.
    Succeeded,
    /// Applied by an operation that ended without awaiting its health: neither good nor bad is known.
    Applied,
    /// Ended badly.
    Failed,
    /// Taken away while it ran: how it would have ended is not known.
    Stopped,
    /// Deleted, as asked for.
    Pruned,
    /// Not done in this operation, and will not be.
    Skipped,
    /// Nothing that can be trusted is known of it.
    Unknown,
}

impl TaskState {
    /// All states.
    pub const ALL: [Self; 10] = [
        Self::ToCome,
        Self::Waiting,
        Self::Running,
        Self::Succeeded,
        Self::Applied,
        Self::Failed,
        Self::Stopped,
        Self::Pruned,
        Self::Skipped,
        Self::Unknown,
    ];

    /// Whether it was begun and has not ended.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Waiting | Self::Running)
    }

    /// Whether it is known to have come to a good end.
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Succeeded | Self::Applied | Self::Pruned)
    }

    /// Whether an operator should look at it.
    pub const fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Stopped)
    }

    /// Lower-case words for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ToCome => "to come",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Applied => "applied",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Pruned => "pruned",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
        }
    }

    /// One character for it; differs between states without colour.
    pub const fn symbol(self) -> char {
        match self {
            Self::ToCome => '○',
            Self::Waiting => '◌',
            Self::Running => '◐',
            Self::Succeeded => '✔',
            Self::Applied => '✓',
            Self::Failed => '✖',
            Self::Stopped => '■',
            Self::Pruned => '✂',
            Self::Skipped => '–',
            Self::Unknown => '?',
        }
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}
