//! Requests on their way.

use jiff::Timestamp;

use crate::domain::application::AppKey;
use crate::domain::request::{Changed, Refusal, Write};

/// Names a request of this session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// A request that moved on.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestUpdate {
    /// The request.
    pub id: RequestId,
    /// The application.
    pub key: AppKey,
    /// What was asked, in one word.
    pub name: &'static str,
    /// When.
    pub at: Timestamp,
    /// How far it is.
    pub state: RequestState,
    /// The resourceVersion that the Application has by the write; empty: it was not written, or its version is not known.
    pub version: String,
}

/// How far a request is.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestState {
    /// The write is on its way.
    Sent(Write),
    /// It is over.
    Ended(Outcome),
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The API server has taken the write. What comes of it, the watch tells.
    Written,
    /// The API server has taken the write, but not all of it: its answer lacks these fields, as it does where the
    /// definition of the object does not know them. The rest is written.
    Dropped(Vec<String>),
    /// It was not sent.
    Refused(Vec<Refusal>),
    /// The application is not what it was when the operator asked; nothing was written. Ask again.
    Changed(Vec<Changed>),
    /// It cannot be built from the application as it is.
    Impossible(String),
    /// The API server did not take it.
    Failed {
        /// Its words.
        error: String,
        /// For lack of rights.
        denied: bool,
        /// The API server could not be reached: nothing was written.
        unreachable: bool,
    },
    /// No answer came. It was read back: `Some(true)`: it did happen, `Some(false)`: it did not, `None`: the cluster does
    /// not answer, so it is still not known. It is not sent again.
    Unknown {
        /// What reading back told.
        happened: Option<bool>,
        /// Why there was no answer.
        error: String,
    },
    /// The application, or the hook, does not exist.
    NotFound,
}

impl Outcome {
    /// Whether what was asked for is written.
    pub const fn is_written(&self) -> bool {
        matches!(self, Self::Written | Self::Unknown { happened: Some(true), .. })
    }
}

/// Why a request cannot be previewed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PreviewError {
    /// The Application does not exist.
    #[error("there is no Application {0}")]
    NotFound(AppKey),
    /// For lack of rights or credentials: the API server's words.
    #[error("{0}")]
    Denied(String),
    /// The API server does not answer, or cannot now; trying again may help.
    #[error("{0}")]
    Unreachable(String),
    /// The Application cannot be read: why. Trying again does not help.
    #[error("{0}")]
    Failed(String),
    /// The live view has ended.
    #[error("the live view has ended")]
    Ended,
}

/// A request before it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// What would be written; `Err`: why nothing can be.
    pub write: Result<Write, String>,
    /// Why it would be refused; empty: it may be sent.
    pub refusals: Vec<Refusal>,
    /// What to know of it although it may be sent, a sentence each.
    pub warnings: Vec<String>,
    /// What the decision rests on; hand it to `send`.
    pub seen: crate::domain::request::Seen,
}
