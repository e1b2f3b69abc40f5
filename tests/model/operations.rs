//! Reading and writing operations and their states.

use boathook::domain::hook::{HookType, SyncPhase};
use boathook::domain::operation::{Operation, OperationPhase, OperationState, Strategy};
use serde_json::{Value, json};

use crate::recordings::applications;

#[test]
fn operations_of_the_recordings_are_written_as_they_were_read() {
    let (mut operations, mut states) = (0, 0);
    for event in applications() {
        if let Some(written) = event.object.get("operation").filter(|operation| !operation.is_null()) {
            let (operation, problems) = Operation::from_json(written);
            assert!(problems.is_empty(), "{}: {problems:?}", event.at);
            let mut written = written.clone();
            // Argo CD's own writing has it always, a client's need not.
            written.as_object_mut().unwrap().entry("retry").or_insert_with(|| json!({}));
            assert_eq!(operation.to_json(), written, "{}", event.at);
            operations += 1;
        }
        if let Some(written) = event.object["status"].get("operationState") {
            let (state, problems) = OperationState::from_json(written);
            assert!(problems.is_empty(), "{}: {problems:?}", event.at);
            assert_eq!(&state.to_json(), written, "{}", event.at);
            states += 1;
        }
    }
    assert!(operations > 20 && states > 50, "{operations} operations, {states} states");
}

#[test]
fn operations_full_and_empty_are_written_as_they_were_read() {
    let full = json!({
        "initiatedBy": {"username": "alice", "automated": true},
        "info": [{"name": "Reason", "value": ""}],
        "retry": {"limit": -1, "refresh": true, "backoff": {"duration": "5s", "factor": 0, "maxDuration": "3m"}},
        "sync": {
            "revision": "6f1c0aa", "revisions": ["a", "b"], "prune": true, "dryRun": true,
            "syncStrategy": {"apply": {"force": true}},
            "resources": [{"group": "apps", "kind": "Deployment", "name": "web", "namespace": "shop"}],
            "source": {"repoURL": "https://git.example.com/x"}, "sources": [{"repoURL": "y"}],
            "manifests": ["{}"], "syncOptions": ["CreateNamespace=true"], "autoHealAttemptsCount": 3
        }
    });
    let (operation, problems) = Operation::from_json(&full);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(operation.to_json(), full);
    let empty = Operation::from_json(&json!({})).0;
    assert_eq!(empty, Operation::default());
    assert_eq!(empty.to_json(), json!({"initiatedBy": {}, "retry": {}}));
    assert_eq!(Operation::from_json(&json!({"sync": {}})).0.sync.unwrap().strategy, Strategy::Hook { force: false });
}

#[test]
fn operations_strategy_apply_wins() {
    for (strategy, expected) in [
        (json!({}), Strategy::Hook { force: false }),
        (json!({"hook": {}}), Strategy::Hook { force: false }),
        (json!({"hook": {"force": true}}), Strategy::Hook { force: true }),
        (json!({"apply": {}}), Strategy::Apply { force: false }),
        (json!({"hook": {"force": true}, "apply": {}}), Strategy::Apply { force: false }),
        (json!({"hook": null, "apply": null}), Strategy::Hook { force: false }),
    ] {
        let operation = Operation::from_json(&json!({"sync": {"syncStrategy": strategy}})).0;
        assert_eq!(operation.sync.unwrap().strategy, expected, "{strategy}");
    }
}

#[test]
fn operations_report_what_cannot_be_read_and_keep_the_rest() {
    let (state, problems) = OperationState::from_json(&json!({
        "phase": "Dancing", "message": 7, "startedAt": "yesterday", "finishedAt": "2026-08-23T10:01:07Z",
        "retryCount": 1.5, "operation": [], "syncResult": {"revision": "abc", "resources": [
            {"kind": "Job", "name": "a", "hookPhase": "Succeeded", "syncPhase": "PreSync"},
            "nonsense",
            {"kind": {}, "name": "b", "hookType": "presync", "status": "Fine", "images": ["x", 1]}
        ]}
    }));
    let found: Vec<String> = problems.list().iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "operation: expected an object, found a list",
            "phase: expected the phase of an operation, found \"Dancing\"",
            "message: expected a string, found a number",
            "startedAt: expected an RFC 3339 time, found \"yesterday\"",
            "retryCount: expected a whole number, found a number",
            "syncResult.resources[1]: expected an object, found \"nonsense\"",
            "syncResult.resources[2].kind: expected a string, found an object",
            "syncResult.resources[2].status: expected the status of a result, found \"Fine\"",
            "syncResult.resources[2].hookType: expected the kind of a hook, found \"presync\"",
            "syncResult.resources[2].images[1]: expected a string, found a number",
        ]
    );
    assert_eq!(state.phase, None);
    assert!(state.finished_at.is_some());
    assert!(!state.is_completed(), "an unknown phase is not over");
    let result = state.sync_result.unwrap();
    assert_eq!(result.revision, "abc");
    assert_eq!(result.resources.len(), 2);
    for wrong in [json!(null), json!(3), json!("x"), json!([1, 2])] {
        let (operation, problems) = Operation::from_json(&wrong);
        assert_eq!(operation, Operation::default());
        assert_eq!(problems.list().len(), 1, "{wrong}");
    }
}

#[test]
fn operations_problems_are_bounded() {
    let resources: Vec<Value> = (0..5_000).map(|index| json!({"kind": index, "name": index})).collect();
    let (state, problems) = OperationState::from_json(&json!({"syncResult": {"resources": resources}}));
    assert_eq!(state.sync_result.unwrap().resources.len(), 5_000);
    assert_eq!((problems.list().len(), problems.more()), (100, 9_900));
}

#[test]
fn operations_of_a_deletion_keep_their_phase() {
    let written = json!({"operation": {"initiatedBy": {}, "retry": {}}, "phase": "Running", "syncResult": {"revision": "",
        "resources": [{"group": "batch", "version": "v1", "kind": "Job", "namespace": "x", "name": "y",
            "hookType": "PreDelete", "hookPhase": "Running", "syncPhase": "PreDelete"}]}});
    let (state, problems) = OperationState::from_json(&written);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(state.to_json(), written);
    let task = &state.sync_result.unwrap().resources[0];
    assert_eq!((task.phase(), task.hook_type), (None, Some(HookType::PreDelete)));
}

#[test]
fn operations_tasks_without_a_phase_belong_to_their_hooks() {
    let task = |value: Value| {
        let state = OperationState::from_json(&json!({"syncResult": {"resources": [value]}})).0;
        state.sync_result.unwrap().resources[0].phase()
    };
    assert_eq!(task(json!({"hookType": "PostSync"})), Some(SyncPhase::PostSync));
    assert_eq!(task(json!({"hookType": "PostSync", "syncPhase": "SyncFail"})), Some(SyncPhase::SyncFail));
    assert_eq!(task(json!({"syncPhase": "Sync"})), Some(SyncPhase::Sync));
    assert_eq!(task(json!({})), None);
}

#[test]
fn operations_waiting_for_a_retry_say_when() {
    let (state, _) = OperationState::from_json(&json!({
        "phase": "Running", "retryCount": 1, "finishedAt": "2026-08-23T10:01:07Z", "operation": {"retry": {"limit": 2}}
    }));
    assert_eq!(state.phase, Some(OperationPhase::Running));
    assert!(state.is_waiting_for_retry() && !state.is_completed());
    assert_eq!(state.next_attempt().unwrap().unwrap().to_string(), "2026-08-23T10:01:17Z");
    assert_eq!(OperationState::default().next_attempt(), None);
}
