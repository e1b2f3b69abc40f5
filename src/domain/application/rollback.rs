//! What a rollback goes back to. Argo CD writes an entry of history for a sync that succeeded, and for no other: after a
//! failure the newest entry is not what was applied last, but the last that was well.

use super::types::{Application, HistoryEntry};
use crate::domain::operation::OperationPhase;

impl Application {
    /// Whether the newest entry of the history is what was applied last; `false`: a later sync to something else has
    /// failed, or there is no entry.
    pub fn is_newest_deployed(&self) -> bool {
        let Some(newest) = self.status.history.last() else { return false };
        let Some(state) = &self.status.operation_state else { return true };
        let is_dry = state.operation.sync.as_ref().is_none_or(|sync| sync.dry_run);
        let has_failed = matches!(state.phase, Some(OperationPhase::Failed | OperationPhase::Error));
        // One that failed before it came to any object has changed nothing.
        let Some(result) = state.sync_result.as_ref().filter(|result| !result.resources.is_empty()) else {
            return true;
        };
        is_dry || !has_failed || newest.is_of(&result.revision, &result.revisions)
    }

    /// The entry that a rollback goes back to when none is named: the last before what was applied last that is something
    /// else. `None`: there is none.
    pub fn rollback_entry(&self) -> Option<&HistoryEntry> {
        let mut entries = self.status.history.iter().rev();
        if !self.is_newest_deployed() {
            return entries.next();
        }
        let newest = entries.next()?;
        entries.find(|entry| !entry.is_the_same_as(newest))
    }
}

impl HistoryEntry {
    /// Whether it deployed the same.
    fn is_the_same_as(&self, other: &Self) -> bool {
        let of = |entry: &Self| (entry.source.clone(), entry.sources.clone());
        self.is_of(&other.revision, &other.revisions) && of(self) == of(other)
    }

    fn is_of(&self, revision: &str, revisions: &[String]) -> bool {
        if self.revisions.is_empty() && revisions.is_empty() {
            self.revision == revision
        } else {
            self.revisions == revisions
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222";

    fn with(history: &[&str], phase: &str, dry_run: bool, result: &Value) -> Application {
        let entry = |(id, revision): (usize, &&str)| json!({"id": id, "revision": revision});
        let entries: Vec<Value> = history.iter().enumerate().map(entry).collect();
        let object = json!({"metadata": {"name": "shop", "namespace": "argocd"}, "status": {"history": entries,
            "operationState": {"phase": phase, "operation": {"sync": {"dryRun": dry_run}},
                "startedAt": "2026-11-22T03:00:00Z", "finishedAt": "2026-11-22T03:01:00Z", "syncResult": result}}});
        Application::from_json("c", &object).0
    }

    #[test]
    fn after_a_failure_the_newest_entry_is_the_last_that_was_well() {
        let result = |revision: &str| json!({"revision": revision, "resources": [{"kind": "Job", "name": "migrate", "hookPhase": "Failed"}]});
        let nothing = json!({"revision": TWO, "resources": []});
        for (history, phase, dry_run, result, expected) in [
            (&[ONE][..], "Failed", false, result(TWO), Some(0)),
            (&[ONE], "Error", false, result(TWO), Some(0)),
            (&[TWO, ONE], "Failed", false, result(TWO), Some(1)),
            (&[TWO, ONE], "Succeeded", false, result(ONE), Some(0)),
            (&[ONE], "Succeeded", false, result(ONE), None),
            // What is deployed was synced twice.
            (&[TWO, ONE, ONE], "Succeeded", false, result(ONE), Some(0)),
            (&[ONE, ONE], "Succeeded", false, result(ONE), None),
            (&[TWO, ONE, TWO], "Succeeded", false, result(TWO), Some(1)),
            // What is deployed was synced once more, and that failed.
            (&[TWO, ONE], "Failed", false, result(ONE), Some(0)),
            (&[TWO, ONE], "Failed", true, result(TWO), Some(0)),
            (&[TWO, ONE], "Error", false, nothing, Some(0)),
            (&[TWO, ONE], "Error", false, Value::Null, Some(0)),
            (&[], "Failed", false, result(TWO), None),
        ] {
            let application = with(history, phase, dry_run, &result);
            let found = application.rollback_entry().map(|entry| entry.id);
            assert_eq!(found, expected, "{history:?} {phase} {dry_run}: {:?}", application.status.operation_state);
        }
    }

    #[test]
    fn of_several_sources_all_revisions_count() {
        let object = json!({"metadata": {"name": "shop", "namespace": "argocd"}, "status": {
            "history": [{"id": 1, "revisions": [ONE, TWO]}, {"id": 2, "revisions": [ONE, ONE]}],
            "operationState": {"phase": "Failed", "operation": {"sync": {}}, "syncResult": {"revisions": [ONE, TWO],
                "resources": [{"kind": "Job", "name": "migrate", "hookPhase": "Failed"}]}}}});
        let mut application = Application::from_json("c", &object).0;
        assert_eq!(application.rollback_entry().map(|entry| entry.id), Some(2));
        if let Some(result) = application.status.operation_state.as_mut().and_then(|state| state.sync_result.as_mut()) {
            result.revisions = vec![ONE.to_owned(), ONE.to_owned()];
        }
        assert_eq!(application.rollback_entry().map(|entry| entry.id), Some(1));
    }
}
