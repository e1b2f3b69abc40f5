//! What an application does, in the one word that a list has room for.

use super::summary::AppSummary;
use super::types::SyncStatus;
use crate::domain::operation::OperationPhase;

/// What an application does; while it does nothing, how it compares with Git.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Doing {
    /// It is being deleted.
    Deleting,
    /// An operation was left behind that nobody carries out any more.
    Stranded,
    /// An operation was asked for, and no controller has taken it yet.
    Requested,
    /// An attempt has failed, and the next one will begin.
    Retrying,
    /// Its operation is being ended.
    Aborting,
    /// Its operation waits for a person to confirm a prune.
    Confirm,
    /// Its operation runs.
    Syncing,
    /// It does nothing, and compares like this.
    Compared(SyncStatus),
    /// It does nothing, and was never compared.
    NotCompared,
}

impl Doing {
    /// While no operation is known: how it compares with Git.
    pub fn of_sync(sync: Option<SyncStatus>) -> Self {
        sync.map_or(Self::NotCompared, Self::Compared)
    }

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deleting => "Deleting",
            Self::Stranded => "Stranded",
            Self::Requested => "Requested",
            Self::Retrying => "Retrying",
            Self::Aborting => "Aborting",
            Self::Confirm => "Confirm",
            Self::Syncing => "Syncing",
            Self::Compared(SyncStatus::Synced) => "Synced",
            Self::Compared(SyncStatus::OutOfSync) => "OutOfSync",
            Self::Compared(SyncStatus::Unknown) => "Unknown",
            Self::NotCompared => "?",
        }
    }
}

impl AppSummary {
    /// What it does.
    pub fn doing(&self) -> Doing {
        let operation = self.operation.as_deref();
        if self.deleting {
            Doing::Deleting
        } else if self.has_ghost_operation() {
            Doing::Stranded
        } else if self.is_pending() {
            Doing::Requested
        } else if self.is_waiting_for_retry() {
            Doing::Retrying
        } else if operation.and_then(|own| own.phase) == Some(OperationPhase::Terminating) {
            Doing::Aborting
        } else if self.busy && operation.is_some_and(|own| says_prune(&own.message)) {
            Doing::Confirm
        } else if self.busy {
            Doing::Syncing
        } else {
            Doing::of_sync(self.sync)
        }
    }
}

/// Whether a message says that a prune waits for a confirmation, in the words of Argo CD.
pub fn says_prune(message: &str) -> bool {
    message.contains("waiting for pruning confirmation")
}

/// What a message says that waits to be pruned, as one says it: `PersistentVolumeClaim stock-2025 and 2 more resources`.
/// Empty: it says nothing of the kind. Argo CD names the first as group/kind/name and counts the others.
pub fn waiting_for(message: &str) -> String {
    let Some((_, named)) = message.split_once("waiting for pruning confirmation of ") else { return String::new() };
    let named = named.lines().next().unwrap_or_default().trim();
    let (object, more) = named.split_once(' ').unwrap_or((named, ""));
    let mut parts = object.rsplitn(3, '/');
    let (name, kind) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let words = format!("{kind} {name} {more}");
    crate::domain::text::one_line(words.trim(), 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_to_be_pruned_is_named() {
        for (message, expected) in [
            ("waiting for pruning confirmation of v1/ConfigMap/a", "ConfigMap a"),
            (
                "waiting for pruning confirmation of /PersistentVolumeClaim/stock-2025",
                "PersistentVolumeClaim stock-2025",
            ),
            (
                "waiting for pruning confirmation of apps/Deployment/web and 2 more resources",
                "Deployment web and 2 more resources",
            ),
            ("waiting for pruning confirmation of odd", "odd"),
            ("waiting for completion of hook batch/Job/a", ""),
        ] {
            assert_eq!(waiting_for(message), expected, "{message}");
        }
    }

    #[test]
    fn an_operation_says_more_than_a_comparison() {
        let word = |json: &str| AppSummary::from_json("c", json.as_bytes()).unwrap().doing().as_str();
        for (expected, parts) in [
            ("?", r#""status": {}"#),
            ("OutOfSync", r#""status": {"sync": {"status": "OutOfSync"}}"#),
            ("Stranded", r#""status": {"operationState": {"phase": "Running"}}"#),
            ("Requested", r#""operation": {"sync": {}}"#),
            ("Syncing", r#""operation": {"sync": {}}, "status": {"operationState": {"phase": "Running"}}"#),
            ("Aborting", r#""operation": {"sync": {}}, "status": {"operationState": {"phase": "Terminating"}}"#),
            (
                "Retrying",
                r#""operation": {"sync": {}}, "status": {"operationState": {"phase": "Running", "finishedAt": "2026-11-22T10:00:00Z"}}"#,
            ),
            (
                "Confirm",
                r#""operation": {"sync": {}}, "status": {"operationState": {"phase": "Running", "message": "waiting for pruning confirmation of v1/ConfigMap/a"}}"#,
            ),
        ] {
            assert_eq!(word(&format!(r#"{{"metadata": {{"name": "shop"}}, {parts}}}"#)), expected, "{parts}");
        }
        let deleted = r#"{"metadata": {"name": "shop", "deletionTimestamp": "2026-11-22T10:00:00Z"}, "operation": {}}"#;
        assert_eq!(word(deleted), "Deleting");
    }
}
