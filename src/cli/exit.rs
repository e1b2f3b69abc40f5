//! Exit codes.

use std::process::ExitCode;

/// How a command ended, as the calling script sees it. The numbers never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exit {
    /// 0: done, and nothing is wrong.
    Success,
    /// 1: findings or errors in the input.
    Findings,
    /// 2: the arguments make no sense.
    Usage,
    /// 3: a sync failed, and no hook did.
    SyncFailed,
    /// 4: a hook failed, and its sync with it.
    HookFailed,
    /// 5: a sync was aborted.
    Aborted,
    /// 6: the time was over before.
    TimedOut,
    /// 7: refused: a window, a conflict, read-only, no controller, or somebody else is at work.
    Refused,
    /// 8: it does not exist.
    NotFound,
    /// 9: the cluster does not permit it.
    NoAccess,
    /// 10: the cluster cannot be reached.
    Unreachable,
    /// 70: a fault of boathook itself, or of the machine it runs on.
    Internal,
    /// 130: interrupted.
    Interrupted,
}

impl Exit {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Success,
        Self::Findings,
        Self::Usage,
        Self::SyncFailed,
        Self::HookFailed,
        Self::Aborted,
        Self::TimedOut,
        Self::Refused,
        Self::NotFound,
        Self::NoAccess,
        Self::Unreachable,
        Self::Internal,
        Self::Interrupted,
    ];

    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::SyncFailed => 3,
            Self::HookFailed => 4,
            Self::Aborted => 5,
            Self::TimedOut => 6,
            Self::Refused => 7,
            Self::NotFound => 8,
            Self::NoAccess => 9,
            Self::Unreachable => 10,
            Self::Internal => 70,
            Self::Interrupted => 130,
        }
    }

    /// What it says, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Success => "done, and nothing is wrong",
            Self::Findings => "findings or errors in the input",
            Self::Usage => "the arguments make no sense",
            Self::SyncFailed => "a sync failed, and no hook did",
            Self::HookFailed => "a hook failed, and its sync with it",
            Self::Aborted => "a sync was aborted",
            Self::TimedOut => "the time was over before",
            Self::Refused => "refused: a window, a conflict, read-only, no controller, or somebody else is at work",
            Self::NotFound => "it does not exist",
            Self::NoAccess => "the cluster does not permit it",
            Self::Unreachable => "the cluster cannot be reached",
            Self::Internal => "a fault of boathook itself, or of the machine it runs on",
            Self::Interrupted => "interrupted",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_the_highest_counts_as_they_are_ordered() {
        assert!(Exit::ALL.is_sorted());
        assert!(Exit::ALL.map(Exit::code).is_sorted());
    }
}
