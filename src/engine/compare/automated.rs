//! Automated sync: whether a comparison is followed by an operation.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::entry::Entry;
use crate::domain::application::{Application, SyncStatus};
use crate::domain::operation::{
    InitiatedBy, Operation, OperationPhase, OperationState, Retry, Selector, Strategy, SyncRequest,
};

/// Attempts of an operation that the spec says nothing about.
const ATTEMPTS: i64 = 5;
/// First pause between two repairs of the same revision; it triples.
const FIRST_PAUSE: i64 = 2;
/// Longest one.
const LONGEST_PAUSE: i64 = 300;
/// After so long without a repair the pauses begin anew.
const COOLDOWN: i64 = 330;

/// What automated sync does after a comparison.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    /// Nothing.
    Nothing,
    /// Nothing yet.
    Later(SignedDuration),
    /// It does not go on, which is a `SyncError`.
    Stuck(String),
    /// An operation.
    Start(Box<Operation>),
}

/// What a comparison found.
pub(super) struct Found<'a> {
    /// Sync status of the application.
    pub(super) status: SyncStatus,
    /// The revisions it was compared with.
    pub(super) revisions: &'a [String],
    /// The objects.
    pub(super) entries: &'a [Entry],
}

/// Decides. Sync windows are the caller's.
pub(super) fn automated(application: &Application, found: &Found<'_>, now: Timestamp) -> Verdict {
    let policy = &application.spec.sync_policy;
    let Some(settings) = policy.automated.filter(|_| application.spec.is_automated()) else { return Verdict::Nothing };
    if application.operation.is_some() || application.metadata.deleting || found.status != SyncStatus::OutOfSync {
        return Verdict::Nothing;
    }
    let managed: Vec<&Entry> = found.entries.iter().filter(|entry| !entry.is_hook()).collect();
    let differing: Vec<&Entry> =
        managed.iter().copied().filter(|entry| entry.status != Some(SyncStatus::Synced)).collect();
    if !settings.prune && differing.iter().all(|entry| entry.requires_pruning) {
        return Verdict::Nothing;
    }
    let revisions = found.revisions.join(" ");
    let mut request = SyncRequest {
        prune: settings.prune,
        sync_options: policy.sync_options.clone(),
        strategy: Strategy::default(),
        ..SyncRequest::default()
    };
    if application.spec.has_multiple_sources() {
        request.revisions = found.revisions.to_vec();
        request.sources = written(application);
    } else {
        request.revision = found.revisions.first().cloned().unwrap_or_default();
        request.source = written(application).into_iter().next();
    }
    if let Some(last) = attempt(application, found.revisions) {
        if last.phase != Some(OperationPhase::Succeeded) {
            return Verdict::Stuck(format!("Failed last sync attempt to [{revisions}]: {}", last.message));
        }
        if !settings.self_heal {
            return Verdict::Nothing;
        }
        let since = last.finished_at.map_or(i64::MAX, |end| now.as_second().saturating_sub(end.as_second()));
        let before = last.operation.sync.as_ref().map_or(0, |sync| sync.auto_heal_attempts);
        let before = if since >= COOLDOWN { 0 } else { before };
        let left = pause(before).saturating_sub(since);
        if left > 0 {
            return Verdict::Later(SignedDuration::from_secs(left));
        }
        request.auto_heal_attempts = before.saturating_add(1);
        request.resources = differing.iter().map(|entry| selector(entry)).collect();
    }
    let is_wiped_out = !managed.is_empty() && managed.iter().all(|entry| entry.requires_pruning);
    if settings.prune && !settings.allow_empty && is_wiped_out {
        let message = format!("Skipping sync attempt to [{revisions}]: auto-sync will wipe out all resources");
        return Verdict::Stuck(message);
    }
    Verdict::Start(Box::new(Operation {
        initiated_by: InitiatedBy { automated: true, ..InitiatedBy::default() },
        retry: policy.retry.clone().unwrap_or(Retry { limit: ATTEMPTS, ..Retry::default() }),
        sync: Some(request),
        info: Vec::new(),
    }))
}

fn written(application: &Application) -> Vec<Value> {
    application.spec.effective_sources().iter().map(|source| source.written.clone()).collect()
}

fn selector(entry: &Entry) -> Selector {
    let key = &entry.key;
    Selector {
        group: key.group.clone(),
        kind: key.kind.clone(),
        name: key.name.clone(),
        namespace: key.namespace.clone(),
    }
}

/// Seconds until the next repair after so many.
fn pause(repairs: i64) -> i64 {
    let mut pause = 0;
    for repair in 0..repairs.clamp(0, 10) {
        pause = if repair == 0 { FIRST_PAUSE } else { (pause * 3).min(LONGEST_PAUSE) };
    }
    pause
}

/// The last operation, if it was about these revisions of these sources. Where a source tracks another revision now does
/// not matter: what it was resolved to does. A dry run is no attempt.
fn attempt<'a>(application: &'a Application, revisions: &[String]) -> Option<&'a OperationState> {
    let state = application.status.operation_state.as_ref()?;
    let result = state.sync_result.as_ref()?;
    let is_dry = state.operation.sync.as_ref().is_none_or(|sync| sync.dry_run);
    let untracked = |source: &Value| {
        let mut source = source.clone();
        if let Some(fields) = source.as_object_mut() {
            fields.remove("targetRevision");
        }
        source
    };
    let (known, sources): (Vec<&String>, Vec<&Value>) = if application.spec.has_multiple_sources() {
        (result.revisions.iter().collect(), result.sources.iter().collect())
    } else {
        (vec![&result.revision], result.source.iter().collect())
    };
    let is_same = known.into_iter().eq(revisions)
        && sources.into_iter().map(untracked).eq(written(application).iter().map(untracked));
    (is_same && !is_dry).then_some(state)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::entry::example;
    use super::*;

    const NOW: &str = "2026-11-23T10:01:00Z";

    fn application(automated: &Value, last: &Value) -> Application {
        let source = json!({"repoURL": "https://example.com/r.git", "path": "."});
        let policy = json!({"automated": automated, "syncOptions": ["CreateNamespace=true"]});
        let object = json!({"metadata": {"name": "shop"}, "status": {"operationState": last},
            "spec": {"source": source, "destination": {}, "syncPolicy": policy}});
        Application::from_json("c", &object).0
    }

    fn last(phase: &str, revision: &str, heals: i64, end: &str) -> Value {
        let source = json!({"repoURL": "https://example.com/r.git", "path": "."});
        json!({"phase": phase, "message": "boom", "startedAt": "2026-11-23T10:00:00Z", "finishedAt": end,
            "operation": {"sync": {"autoHealAttemptsCount": heals}},
            "syncResult": {"revision": revision, "source": source}})
    }

    fn judge(settings: &Value, last: &Value, entries: &[Entry]) -> Verdict {
        let status = super::super::entry::sync_status(entries);
        let found = Found { status, revisions: &["abc".to_owned()], entries };
        automated(&application(settings, last), &found, NOW.parse().unwrap())
    }

    fn started(verdict: Verdict) -> SyncRequest {
        match verdict {
            Verdict::Start(operation) => {
                assert!(operation.initiated_by.automated);
                operation.sync.unwrap()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_new_revision_is_synced_whole_with_the_options_of_the_spec() {
        let changed = [example("Deployment", Some(SyncStatus::OutOfSync), None)];
        let request = started(judge(&json!({}), &Value::Null, &changed));
        assert_eq!((request.revision.as_str(), request.prune), ("abc", false));
        assert_eq!((request.resources.len(), request.sync_options.len()), (0, 1));
        let older = last("Failed", "former", 0, NOW);
        assert!(started(judge(&json!({"prune": true}), &older, &changed)).prune);
        for off in [Value::Null, json!({"enabled": false})] {
            assert_eq!(judge(&off, &Value::Null, &changed), Verdict::Nothing);
        }
        for status in [SyncStatus::Synced, SyncStatus::Unknown] {
            let entries = [example("Deployment", Some(status), None)];
            assert_eq!(judge(&json!({}), &Value::Null, &entries), Verdict::Nothing);
        }
    }

    #[test]
    fn an_attempt_is_not_repeated_but_healed_with_growing_pauses() {
        let changed = [
            example("Deployment", Some(SyncStatus::OutOfSync), None),
            example("ConfigMap", Some(SyncStatus::Synced), None),
            example("Job", None, None),
        ];
        let heal = json!({"selfHeal": true});
        let stuck = Verdict::Stuck("Failed last sync attempt to [abc]: boom".to_owned());
        assert_eq!(judge(&heal, &last("Failed", "abc", 0, NOW), &changed), stuck);
        assert_eq!(judge(&json!({}), &last("Succeeded", "abc", 0, NOW), &changed), Verdict::Nothing);
        let request = started(judge(&heal, &last("Succeeded", "abc", 0, NOW), &changed));
        assert_eq!((request.resources.len(), request.auto_heal_attempts), (1, 1));
        let later = |heals, end| judge(&heal, &last("Succeeded", "abc", heals, end), &changed);
        assert_eq!(later(1, NOW), Verdict::Later(SignedDuration::from_secs(2)));
        assert_eq!(later(2, "2026-11-23T10:00:58Z"), Verdict::Later(SignedDuration::from_secs(4)));
        assert_eq!(started(later(2, "2026-11-23T10:00:54Z")).auto_heal_attempts, 3);
        assert_eq!(later(99, NOW), Verdict::Later(SignedDuration::from_secs(300)));
        assert_eq!(started(later(99, "2026-11-23T09:55:00Z")).auto_heal_attempts, 1);
    }

    #[test]
    fn prunes_need_leave_and_never_wipe_everything_out() {
        let extra = Entry { requires_pruning: true, ..example("ConfigMap", Some(SyncStatus::OutOfSync), None) };
        let extra = [extra];
        assert_eq!(judge(&json!({}), &Value::Null, &extra), Verdict::Nothing);
        let message = "Skipping sync attempt to [abc]: auto-sync will wipe out all resources".to_owned();
        assert_eq!(judge(&json!({"prune": true}), &Value::Null, &extra), Verdict::Stuck(message));
        assert!(started(judge(&json!({"prune": true, "allowEmpty": true}), &Value::Null, &extra)).prune);
    }
}
