//! What can go wrong with a request to Kubernetes.

use std::error::Error;
use std::time::Duration;

use serde_json::Value;

use super::causes::causes;

/// An answer of the API server that is not a success: its `Status`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApiError {
    /// HTTP code.
    pub code: u16,
    /// `reason`: `NotFound`, `Conflict`, `AlreadyExists`, `Invalid`, `Forbidden`, `Expired`, ...
    pub reason: String,
    /// The server's words, bounded.
    pub message: String,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
}

/// Longest message that is kept.
const MAX_MESSAGE: usize = 4096;

impl ApiError {
    pub(crate) fn read(code: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let status: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |field: &str| status.get(field).and_then(Value::as_str).unwrap_or_default();
        let message = match text("message") {
            "" => String::from_utf8_lossy(body).chars().take(MAX_MESSAGE).collect(),
            message => message.chars().take(MAX_MESSAGE).collect(),
        };
        let after = status.pointer("/details/retryAfterSeconds").and_then(Value::as_u64).map(Duration::from_secs);
        Self { code, reason: text("reason").to_owned(), message, retry_after: retry_after.or(after) }
    }
}

/// Why a request gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// The server refused.
    #[error("{action}: {} ({})", status.message, status.code)]
    Api {
        /// What was attempted, on what.
        action: String,
        /// The server's answer.
        status: ApiError,
    },
    /// No connection: nothing was sent. Trying again may help.
    #[error("{action}: the API server cannot be reached: {reason}")]
    Unreachable {
        /// What was attempted, on what.
        action: String,
        /// The causes, outermost first.
        reason: String,
    },
    /// A read got no complete answer. Trying again may help.
    #[error("{action}: no complete answer: {reason}")]
    NoAnswer {
        /// What was attempted, on what.
        action: String,
        /// The causes, outermost first.
        reason: String,
    },
    /// A write was sent, and no answer came, or one that does not tell (408, 500, 502, 503, 504: a timeout, a proxy, a
    /// storage that did not answer): it may or may not have happened. Never send it again unseen.
    #[error("{action}: no clear answer, so it is not known whether it happened: {reason}")]
    OutcomeUnknown {
        /// What was attempted, on what.
        action: String,
        /// The causes, outermost first.
        reason: String,
        /// The server's answer, where there was one.
        status: Option<ApiError>,
    },
    /// Credentials could not be had (an exec plugin failed, a token file is missing, ...).
    #[error("{action}: no valid credentials: {reason}")]
    Credentials {
        /// What was attempted, on what.
        action: String,
        /// The causes, outermost first.
        reason: String,
    },
    /// An answer that cannot be read, or is larger than is read.
    #[error("{action}: the answer cannot be read: {reason}")]
    Unreadable {
        /// What was attempted, on what.
        action: String,
        /// Why.
        reason: String,
    },
    /// A name that cannot be part of a request.
    #[error("{action}: {name:?} cannot be a name in Kubernetes")]
    Name {
        /// What was attempted, on what.
        action: String,
        /// The name.
        name: String,
    },
    /// The cluster does not have this kind.
    #[error("{action}: the cluster does not know the kind {kind}")]
    UnknownKind {
        /// What was attempted, on what.
        action: String,
        /// Group and kind.
        kind: String,
    },
}

impl ClusterError {
    /// The server's answer, where there was one.
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Api { status, .. } | Self::OutcomeUnknown { status: Some(status), .. } => Some(status),
            _ => None,
        }
    }

    /// 404.
    pub fn is_not_found(&self) -> bool {
        self.has_code(404)
    }

    /// 409 because the object changed since it was read: the write did not happen.
    pub fn is_conflict(&self) -> bool {
        self.has_code(409) && !self.is_already_there()
    }

    /// 409 because an object of that name exists.
    pub fn is_already_there(&self) -> bool {
        self.api().is_some_and(|status| status.reason == "AlreadyExists")
    }

    /// 401 or 403.
    pub fn is_denied(&self) -> bool {
        self.has_code(401) || self.has_code(403)
    }

    /// 401: the server does not know who asks.
    pub fn is_unauthorized(&self) -> bool {
        self.has_code(401)
    }

    /// Whether nothing was heard from a server that would let us in.
    pub fn is_out_of_reach(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::NoAnswer { .. } | Self::Credentials { .. })
    }

    /// Whether it may be that the server is elsewhere now, or is to be opened by other credentials.
    pub fn may_have_moved(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Credentials { .. }) || self.is_unauthorized()
    }

    /// 410: a version or a page that the server has no more.
    pub fn is_expired(&self) -> bool {
        self.has_code(410)
    }

    /// Whether it is not known if a write happened.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::OutcomeUnknown { .. })
    }

    /// Whether the same request may succeed later without anybody changing anything. A list whose version is too old is
    /// begun anew.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::NoAnswer { .. } => true,
            Self::Api { status, .. } => matches!(status.code, 408 | 410 | 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }

    /// How long the server asks to wait before the next try.
    pub fn retry_after(&self) -> Option<Duration> {
        self.api().and_then(|status| status.retry_after)
    }

    fn has_code(&self, code: u16) -> bool {
        self.api().is_some_and(|status| status.code == code)
    }

    /// An answer that is not a success.
    pub(crate) fn from_status(action: String, is_write: bool, status: ApiError) -> Self {
        // What a server says that gave up half way, or a proxy before it, is nothing about what happened behind it.
        if is_write && matches!(status.code, 408 | 500 | 502 | 503 | 504) {
            let reason = format!("{} ({})", status.message, status.code);
            return Self::OutcomeUnknown { action, reason, status: Some(status) };
        }
        Self::Api { action, status }
    }

    /// An error of the kube crate, whose own texts repeat themselves and hide the cause.
    pub(crate) fn from_kube(action: &str, is_write: bool, error: &kube::Error) -> Self {
        let action = action.to_owned();
        if let kube::Error::Api(status) = error {
            let status = ApiError {
                code: status.code,
                reason: status.reason.clone(),
                message: status.message.chars().take(MAX_MESSAGE).collect(),
                retry_after: None,
            };
            return Self::from_status(action, is_write, status);
        }
        let reason = causes(error);
        if matches!(error, kube::Error::Auth(_)) {
            return Self::Credentials { action, reason };
        }
        if matches!(error, kube::Error::SerdeError(_) | kube::Error::FromUtf8(_)) {
            return Self::Unreadable { action, reason };
        }
        if never_sent(error) {
            Self::Unreachable { action, reason }
        } else if is_write {
            Self::OutcomeUnknown { action, reason, status: None }
        } else {
            Self::NoAnswer { action, reason }
        }
    }
}

/// Whether a connection was never made.
fn never_sent(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error
            .downcast_ref::<hyper_util::client::legacy::Error>()
            .is_some_and(hyper_util::client::legacy::Error::is_connect)
        {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_that_nothing_happened_is_a_refusal_of_a_write() {
        let answer = |code: u16, is_write: bool| {
            let status = ApiError { code, message: "words".to_owned(), ..ApiError::default() };
            ClusterError::from_status("patching Application argocd/a".to_owned(), is_write, status)
        };
        for code in [408, 500, 502, 503, 504] {
            let write = answer(code, true);
            assert!(write.is_outcome_unknown() && !write.is_transient(), "{code}: never sent again unseen");
            assert_eq!(write.api().map(|status| status.code), Some(code));
            assert!(write.to_string().contains("words"), "{write}");
            let read = answer(code, false);
            assert!(!read.is_outcome_unknown() && read.is_transient(), "{code}: a read is just tried again");
        }
        for code in [400, 401, 403, 404, 409, 413, 422, 429] {
            assert!(!answer(code, true).is_outcome_unknown(), "{code}");
        }
    }
}
