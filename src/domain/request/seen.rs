//! What an operator saw when asking. An Application is rewritten all the time, so that its resourceVersion says nothing
//! about whether anything changed that matters.

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::application::Application;
use crate::domain::manifest::Object;
use crate::domain::operation::OperationPhase;

use super::types::{Confirmation, Request};

/// The part of an Application on which a decision rests: spec, operation, the state's begin and phase, and the
/// revisions that were compared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Seen {
    uid: String,
    spec: Value,
    operation: Value,
    started_at: Option<Timestamp>,
    phase: Option<OperationPhase>,
    revisions: Vec<String>,
}

/// What is not as it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Changed {
    /// Another object of the same name.
    Identity,
    /// The spec.
    Spec,
    /// Somebody asked for an operation, or it ended.
    Operation,
    /// The operation moved to another phase, or another one began.
    Phase,
    /// The target moved to another commit.
    Revision,
}

impl Changed {
    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "the application was deleted and made anew",
            Self::Spec => "its spec was changed",
            Self::Operation => "an operation was requested or has ended",
            Self::Phase => "its operation moved on",
            Self::Revision => "its target moved to another commit",
        }
    }
}

impl Seen {
    /// What is to be seen of an application now. `object` is what `application` was read from.
    pub fn of(application: &Application, object: &Object) -> Self {
        let field = |name: &str| object.at(&[name]).cloned().unwrap_or_default();
        let state = application.status.operation_state.as_ref();
        let sync = &application.status.sync;
        let revisions = if sync.revisions.is_empty() { vec![sync.revision.clone()] } else { sync.revisions.clone() };
        Self {
            uid: application.metadata.uid.clone(),
            spec: field("spec"),
            operation: field("operation"),
            started_at: state.and_then(|state| state.started_at),
            phase: state.and_then(|state| state.phase),
            revisions,
        }
    }

    /// The UID of the application that was seen.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// When the operation began that was seen, if there was one.
    pub const fn started_at(&self) -> Option<Timestamp> {
        self.started_at
    }

    /// What differs now of what a request rests on. Empty: what was decided still holds.
    pub fn changed(&self, now: &Self, request: &Request) -> Vec<Changed> {
        let differs = [
            (Changed::Identity, self.uid != now.uid),
            (Changed::Spec, self.spec != now.spec),
            (Changed::Operation, self.operation != now.operation),
            (Changed::Phase, self.started_at != now.started_at || self.phase != now.phase),
            (Changed::Revision, self.revisions != now.revisions),
        ];
        let changed = differs.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| what);
        changed.filter(|what| matters(request, *what)).collect()
    }
}

/// Whether a request would be another one if this has changed: a retry takes the revision of the operation that it
/// repeats, so that it is nothing to it where the target is now; a comparison with Git is right whatever runs.
fn matters(request: &Request, what: Changed) -> bool {
    use Changed::{Identity, Operation, Phase, Revision, Spec};
    match request {
        Request::Sync(_) => true,
        Request::Retry | Request::Resume | Request::Rollback { .. } => what != Revision,
        Request::Abort | Request::RepairGhost | Request::FailHook(_) | Request::Confirm(Confirmation::Prune) => {
            matches!(what, Identity | Operation | Phase)
        }
        Request::AutoSync(_) => matches!(what, Identity | Spec),
        // The hook's Job is named by its UID.
        Request::Confirm(Confirmation::Delete) | Request::Refresh { .. } | Request::RerunHook { .. } => {
            what == Identity
        }
    }
}
