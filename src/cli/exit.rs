//! Exit codes.

use std::process::ExitCode;

/// How a command ended, as the calling script sees it. The numbers never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// 0: done, and nothing is wrong.
    Success,
    /// 1: findings or errors in the input.
    Findings,
    /// 2: the arguments make no sense.
    Usage,
    /// 7: refused: somebody else is at work.
    Refused,
    /// 9: the cluster does not permit it.
    NoAccess,
    /// 10: the cluster cannot be reached.
    Unreachable,
    /// 70: a fault of boathook itself, or of the machine it runs on.
    Internal,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Refused => 7,
            Self::NoAccess => 9,
            Self::Unreachable => 10,
            Self::Internal => 70,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
