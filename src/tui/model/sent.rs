//! A request that was sent in this session, and what its operation has come to.

use jiff::Timestamp;

use crate::domain::application::{AppSummary, OperationSummary};
use crate::domain::live::{RequestState, RequestUpdate};

/// A request of this session.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::tui) struct RequestEntry {
    pub(in crate::tui) update: RequestUpdate,
    /// When it was sent.
    pub(in crate::tui) at: Timestamp,
    /// What was written, if it was sent.
    pub(in crate::tui) says: Vec<String>,
    /// The begin of the operation that was the last one when it was sent.
    before: Option<Timestamp>,
    /// The operation that it began, or that it ends, as far as it was seen. Another one does not take its place.
    pub(in crate::tui) operation: Option<OperationSummary>,
}

impl RequestEntry {
    /// A request about an application of which this is known.
    pub(in crate::tui) fn new(update: RequestUpdate, known: Option<&AppSummary>) -> Self {
        let operation = known.and_then(|known| known.operation.as_deref());
        let mut entry =
            Self { at: update.at, update, says: Vec::new(), before: operation.and_then(begin), operation: None };
        if let Some(known) = known {
            entry.see(known);
        }
        entry
    }

    /// Takes in how far it is.
    pub(in crate::tui) fn take(&mut self, update: RequestUpdate) {
        if let RequestState::Sent(write) = &update.state {
            self.says.clone_from(&write.says);
        }
        self.update = update;
    }

    /// Takes in what its application is now.
    pub(in crate::tui) fn see(&mut self, summary: &AppSummary) {
        let Some(operation) = summary.operation.as_deref().filter(|operation| begin(operation).is_some()) else {
            return;
        };
        let is_own = match (&self.operation, self.update.name) {
            (Some(own), _) => begin(own) == begin(operation),
            (None, _) if self.begins() => begin(operation) != self.before,
            (None, "abort" | "fail hook") => begin(operation) == self.before,
            (None, _) => false,
        };
        if is_own && summary.key == self.update.key {
            self.operation = Some(operation.clone());
        }
    }

    /// Whether a controller begins an operation by it.
    pub(in crate::tui) fn begins(&self) -> bool {
        matches!(self.update.name, "sync" | "retry" | "resume" | "rollback")
    }
}

/// When a controller has begun it; `None`: it is only requested.
fn begin(operation: &OperationSummary) -> Option<Timestamp> {
    operation.started_at.filter(|_| operation.accepted)
}
