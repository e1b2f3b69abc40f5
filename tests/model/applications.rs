//! Reading Applications: what the fields mean, what happens to wrong ones, and that both ways to the compact form agree.

use boathook::domain::application::{AppSummary, Application, PhaseState, RefreshKind, Revision, SyncStatus};
use boathook::domain::health::HealthStatus;
use boathook::domain::hook::SyncPhase;
use serde_json::{Value, json};

use crate::large;
use crate::recordings::applications;

fn read(value: &Value) -> Application {
    Application::from_json("c", value).0
}

/// The compact form, decoded from bytes; asserted to be the one derived from the full form.
fn summary(value: &Value) -> AppSummary {
    let decoded = AppSummary::from_json("c", value.to_string().as_bytes()).unwrap();
    assert_eq!(decoded, AppSummary::of(&read(value)));
    decoded
}

#[test]
fn applications_of_the_recordings_are_read_without_a_problem() {
    for event in applications() {
        let (application, problems) = Application::from_json("c", &event.object);
        assert!(problems.is_empty(), "{}: {problems:?}", event.at);
        assert_eq!(&*application.key.namespace, "argocd");
        assert!(application.status.sync.status.is_some(), "{}", event.at);
        let summary = summary(&event.object);
        assert_eq!(summary.busy, application.is_busy());
        assert_eq!(summary.is_done(), application.is_done());
        assert_eq!(summary.has_ghost_operation(), application.has_ghost_operation());
        assert_eq!(summary.is_waiting_for_retry(), application.is_waiting_for_retry());
        assert_eq!(summary.is_pending(), application.is_pending());
        assert!(matches!(summary.revision, Revision::Commit(_)), "{}", event.at);
        assert_eq!(summary.revision.to_string(), application.revision());
    }
}

/// The last word on each recorded operation.
#[test]
fn applications_of_the_recordings_show_their_lifecycle() {
    use PhaseState::{Absent, Failed, Succeeded};
    let expected = [
        ("abort", [Failed, Absent, Absent, Succeeded], Some("db-migrate")),
        ("article", [Succeeded, Succeeded, Succeeded, Absent], None),
        ("article-apply-only", [Absent, Succeeded, Absent, Absent], None),
        ("article-dryrun", [Succeeded, Succeeded, Succeeded, Absent], None),
        ("flaky-retry", [Succeeded, Succeeded, Absent, Absent], None),
        ("podhook", [Succeeded, Succeeded, Absent, Absent], None),
        ("terminated", [Failed, Absent, Absent, Absent], Some("long-migration")),
        ("waves", [Succeeded, Succeeded, Succeeded, Absent], None),
        ("waves-selective", [Absent, Succeeded, Absent, Absent], None),
    ];
    for (name, phases, failed) in expected {
        let last = applications().into_iter().rfind(|event| event.at.split(':').next() == Some(name)).unwrap();
        let operation = summary(&last.object).operation.unwrap();
        assert_eq!(operation.phases.each_ref().map(|phase| phase.state), phases, "{name}");
        let first_failed = operation.phases.iter().find_map(|phase| phase.failed.as_deref());
        assert_eq!(first_failed, failed, "{name}");
    }
}

#[test]
fn applications_lifecycle_is_never_greener_than_what_is_known() {
    use PhaseState::{Absent, Failed, Running, Stopped, Succeeded, Unknown};
    let (running, succeeded) = (("Running", false), ("Succeeded", true));
    let (failed, waiting, unknown) = (("Failed", true), ("Running", true), ("Dancing", false));
    // Tasks as syncPhase, hookPhase, status.
    let done = |phase| (phase, "Succeeded", "Synced");
    let cases = [
        (running, vec![], [Absent; 4]),
        (running, vec![("PreSync", "Running", "Synced")], [Running, Absent, Absent, Absent]),
        // All that was touched is done, but waves may follow.
        (running, vec![done("PreSync")], [Running, Absent, Absent, Absent]),
        (running, vec![done("PreSync"), ("Sync", "Running", "Synced")], [Succeeded, Running, Absent, Absent]),
        (
            running,
            vec![done("PreSync"), done("Sync"), ("PostSync", "Running", "")],
            [Succeeded, Succeeded, Running, Absent],
        ),
        (succeeded, vec![done("PreSync"), done("Sync"), done("PostSync")], [Succeeded, Succeeded, Succeeded, Absent]),
        // The last wave is never waited for.
        (succeeded, vec![("Sync", "Running", "Synced")], [Absent, Succeeded, Absent, Absent]),
        (failed, vec![("Sync", "Running", "Synced"), ("Sync", "Failed", "Synced")], [Absent, Failed, Absent, Absent]),
        (failed, vec![done("PreSync"), ("Sync", "Running", "Synced")], [Succeeded, Stopped, Absent, Absent]),
        // Terminated between two waves.
        (failed, vec![done("PreSync")], [Stopped, Absent, Absent, Absent]),
        (
            waiting,
            vec![("PreSync", "Failed", "Synced"), ("PreSync", "Running", "Synced")],
            [Failed, Absent, Absent, Absent],
        ),
        (waiting, vec![("PreSync", "Running", "Synced")], [Stopped, Absent, Absent, Absent]),
        (running, vec![("PreSync", "Error", ""), ("SyncFail", "Running", "")], [Failed, Absent, Absent, Running]),
        (failed, vec![("PreSync", "Failed", ""), done("SyncFail")], [Failed, Absent, Absent, Succeeded]),
        // The failure is elsewhere: a SyncFail hook proves nothing about a phase that was cut short.
        (running, vec![done("Sync"), ("SyncFail", "Running", "")], [Absent, Running, Absent, Running]),
        (failed, vec![("Sync", "", "SyncFailed")], [Absent, Failed, Absent, Absent]),
        (running, vec![("Sync", "", "Synced")], [Absent, Unknown, Absent, Absent]),
        (succeeded, vec![("Sync", "Splendid", "Synced")], [Absent, Unknown, Absent, Absent]),
        (unknown, vec![done("PreSync"), ("Sync", "Running", "")], [Succeeded, Running, Absent, Absent]),
        (unknown, vec![done("Sync")], [Absent, Running, Absent, Absent]),
    ];
    for ((phase, finished), tasks, expected) in cases {
        let finished = finished.then_some("2026-08-23T10:01:07Z");
        let task = |(phase, hook, status): &(&str, &str, &str)| json!({"kind": "Job", "name": "j", "syncPhase": phase, "hookPhase": hook, "status": status});
        let resources: Vec<Value> = tasks.iter().map(task).collect();
        let value = json!({"status": {"operationState":
            {"phase": phase, "finishedAt": finished, "syncResult": {"resources": resources}}}});
        let operation = summary(&value).operation.unwrap();
        assert_eq!(operation.phases.map(|phase| phase.state), expected, "{phase} {tasks:?}");
    }
}

#[test]
fn applications_name_the_first_failed_hook_before_a_resource() {
    let failed = |resources: Value| {
        let value = json!({"status": {"operationState": {"phase": "Failed", "syncResult": {"resources": resources}}}});
        summary(&value).operation.unwrap().phase_of(SyncPhase::Sync).failed.clone()
    };
    let resource = json!({"kind": "Service", "name": "web", "syncPhase": "Sync", "status": "SyncFailed"});
    let hook = |name: &str| json!({"kind": "Job", "name": name, "hookType": "Sync", "syncPhase": "Sync", "hookPhase": "Failed"});
    assert_eq!(failed(json!([resource])).as_deref(), Some("Service/web"));
    assert_eq!(failed(json!([resource, hook("one"), hook("two")])).as_deref(), Some("one"));
    assert_eq!(failed(json!([])), None);
}

#[test]
fn applications_sources() {
    let first = |spec: Value| {
        let value = json!({"spec": spec});
        let application = read(&value);
        let summary = summary(&value);
        let of = application.spec.effective_sources();
        assert_eq!(summary.source_count as usize, of.len());
        summary.source.map(|source| format!("{} {} {}", source.repo_url, source.path, source.target_revision))
    };
    let single = json!({"repoURL": "one", "path": "a"});
    let several = json!([{"repoURL": "two", "targetRevision": "v2"}, {"repoURL": "three"}]);
    let hydrator = json!({"drySource": {"repoURL": "dry", "path": "x", "targetRevision": "main"},
        "syncSource": {"targetBranch": "env/prod", "path": "out"}});
    assert_eq!(first(json!({})), None);
    assert_eq!(first(json!({"source": single})).unwrap(), "one a HEAD");
    assert_eq!(first(json!({"source": single, "sources": several})).unwrap(), "two  v2");
    assert_eq!(first(json!({"source": single, "sources": []})).unwrap(), "one a HEAD");
    assert_eq!(first(json!({"source": single, "sources": [7]})).unwrap(), "one a HEAD");
    let all = json!({"source": single, "sources": several, "sourceHydrator": hydrator});
    assert_eq!(first(all).unwrap(), "dry out env/prod");
}

#[test]
fn applications_automated() {
    for (policy, expected) in [
        (json!(null), false),
        (json!({}), false),
        (json!({"automated": null}), false),
        (json!({"automated": {}}), true),
        (json!({"automated": {"enabled": null, "prune": true}}), true),
        (json!({"automated": {"enabled": true}}), true),
        (json!({"automated": {"enabled": false, "selfHeal": true}}), false),
        (json!({"automated": true}), false),
    ] {
        let value = json!({"spec": {"syncPolicy": policy}});
        assert_eq!(read(&value).spec.is_automated(), expected, "{policy}");
        assert_eq!(summary(&value).automated, expected, "{policy}");
    }
}

#[test]
fn applications_busy_ghost_pending_waiting_and_done() {
    let state = |phase: &str, finished: bool| {
        let finished = finished.then_some("2026-08-23T10:01:07Z");
        json!({"phase": phase, "startedAt": "2026-08-23T10:00:00Z", "finishedAt": finished})
    };
    // operation, operationState -> busy, ghost, pending, waiting, done
    let cases = [
        (json!(null), json!(null), [false, false, false, false, true]),
        (json!({}), json!(null), [true, false, true, false, false]),
        (json!({}), state("Running", false), [true, false, false, false, false]),
        (json!({}), state("Running", true), [true, false, false, true, false]),
        (json!(null), state("Running", false), [false, true, false, false, false]),
        (json!(null), state("Terminating", false), [false, true, false, false, false]),
        (json!({}), state("Succeeded", true), [true, false, true, false, false]),
        (json!(null), state("Succeeded", true), [false, false, false, false, true]),
        (json!(null), state("Failed", false), [false, false, false, false, false]),
        (json!(null), state("Dancing", true), [false, false, false, false, false]),
    ];
    for (operation, state, expected) in cases {
        let value = json!({"operation": operation, "status": {"operationState": state}});
        let (full, compact) = (read(&value), summary(&value));
        let of_full = [
            full.is_busy(),
            full.has_ghost_operation(),
            full.is_pending(),
            full.is_waiting_for_retry(),
            full.is_done(),
        ];
        let of_compact = [
            compact.busy,
            compact.has_ghost_operation(),
            compact.is_pending(),
            compact.is_waiting_for_retry(),
            compact.is_done(),
        ];
        assert_eq!(of_full, expected, "{value}");
        assert_eq!(of_compact, expected, "{value}");
    }
}

#[test]
fn applications_settled_after_the_next_comparison() {
    let settled = |reconciled: &str, dry_run: bool| {
        read(&json!({"status": {"reconciledAt": reconciled, "operationState": {"phase": "Succeeded",
            "operation": {"sync": {"dryRun": dry_run}}, "finishedAt": "2026-08-23T10:01:07Z"}}}))
        .is_settled()
    };
    assert!(!settled("2026-08-23T10:01:06Z", false));
    assert!(settled("2026-08-23T10:01:07Z", false));
    assert!(settled("2026-08-23T10:01:06Z", true), "no comparison follows a dry run");
    assert!(read(&json!({})).is_settled());
}

#[test]
fn applications_annotations_labels_and_deletion() {
    let value = json!({"metadata": {"name": "a", "deletionTimestamp": "2026-08-23T10:01:07Z",
        "labels": {"team": "shop", "bad": 7, "app": "x"},
        "annotations": {"argocd.argoproj.io/refresh": "hard", "argocd.argoproj.io/skip-reconcile": "true"}}});
    let (full, problems) = Application::from_json("c", &value);
    assert_eq!(problems.list().len(), 1, "{problems:?}");
    assert_eq!(full.refresh(), Some(RefreshKind::Hard));
    assert!(full.skips_reconcile() && full.metadata.deleting);
    let compact = summary(&value);
    assert_eq!(compact.refresh, Some(RefreshKind::Hard));
    assert_eq!((compact.label("team"), compact.label("app"), compact.label("bad")), (Some("shop"), Some("x"), None));
    let normal = json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normally"}}});
    assert_eq!(summary(&normal).refresh, Some(RefreshKind::Normal));
    assert!(summary(&json!({"metadata": {"deletionTimestamp": 1.5}})).deleting, "unreadable is not alive");
}

#[test]
fn applications_wrong_types_lose_only_their_field() {
    let value = json!({
        "metadata": {"name": "checkout", "namespace": "argocd", "uid": ["x"], "labels": "none", "finalizers": 3},
        "spec": {"project": false, "source": "somewhere", "destination": {"server": {}, "namespace": "shop"}},
        "operation": "yes", "status": {"sync": {"status": "Synced", "revision": 12}, "health": {"status": "Splendid"},
        "conditions": [{}, 1, {}], "resources": {"a": 1}, "reconciledAt": [[[]]], "operationState": {"phase": "Failed",
        "message": {"deep": {"deeper": [1, 2, 3]}}, "syncResult": {"resources": [
            null, {"syncPhase": "PreSync", "hookType": "PreSync", "hookPhase": "Failed", "name": "migrate", "kind": 3}]}}}
    });
    let (full, problems) = Application::from_json("c", &value);
    let paths: Vec<&str> = problems.list().iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "metadata.uid",
            "metadata.finalizers",
            "metadata.labels",
            "spec.project",
            "spec.source",
            "spec.destination.server",
            "operation",
            "status.sync.revision",
            "status.health.status",
            "status.resources",
            "status.conditions[1]",
            "status.operationState.message",
            "status.operationState.syncResult.resources[0]",
            "status.operationState.syncResult.resources[1].kind",
            "status.reconciledAt",
        ]
    );
    assert_eq!(full.project(), "default");
    let compact = summary(&value);
    assert_eq!(compact.key.to_string(), "c/argocd/checkout");
    assert_eq!((compact.sync, compact.health), (Some(SyncStatus::Synced), None::<HealthStatus>));
    assert_eq!((compact.conditions, &*compact.destination_namespace, &*compact.project), (2, "shop", "default"));
    let operation = compact.operation.unwrap();
    assert_eq!(operation.phase_of(SyncPhase::PreSync).failed.as_deref(), Some("migrate"));
}

#[test]
fn applications_that_are_not_objects_are_empty_and_what_is_not_json_is_an_error() {
    for value in [json!(null), json!(1.5), json!("x"), json!([{}]), json!({})] {
        let compact = summary(&value);
        assert_eq!(&*compact.key.name, "");
    }
    for broken in ["", "{", "{\"metadata\":", "{\"status\":{]}"] {
        assert!(AppSummary::from_json("c", broken.as_bytes()).is_err(), "{broken}");
    }
}

#[test]
fn applications_in_a_list_are_small() {
    let json = large::application(7, 40);
    assert!((18_000..23_000).contains(&json.len()), "{}", json.len());
    let compact = AppSummary::from_json("c", json.as_bytes()).unwrap();
    assert_eq!(compact, AppSummary::of(&read(&serde_json::from_str(&json).unwrap())));
    let kept = compact.kept_bytes();
    assert!(kept <= 3_000, "{kept} bytes");
    assert!(kept <= 1_100, "no reason is known for more: {kept} bytes");
    let many = AppSummary::from_json("c", large::application(7, 5_000).as_bytes()).unwrap();
    assert_eq!(many.kept_bytes(), kept, "resources cost nothing");
}

#[test]
fn applications_of_a_hostile_size_are_cut() {
    let long = "\u{e9}".repeat(1 << 20);
    let label = |index: usize| (format!("{index:0999}"), json!(long.get(..2_000)));
    let labels: serde_json::Map<String, Value> = (0..1_000).map(label).collect();
    let value = json!({
        "metadata": {"name": long, "namespace": long, "uid": long, "resourceVersion": long},
        "spec": {"project": long, "destination": {"server": long, "name": long, "namespace": long},
            "source": {"repoURL": long, "path": long, "chart": long, "targetRevision": long}},
        "status": {"sync": {"revision": long}, "operationState": {"message": long, "phase": "Failed",
            "operation": {"initiatedBy": {"username": long}}, "syncResult": {"resources": [
                {"syncPhase": "PreSync", "hookPhase": "Failed", "kind": long, "name": long},
                {"syncPhase": "Sync", "hookPhase": "Failed", "kind": long, "name": long}]}}}
    });
    let compact = summary(&value);
    assert!(compact.kept_bytes() < 16_000, "{}", compact.kept_bytes());
    assert_eq!(compact.operation.unwrap().message.len(), AppSummary::LONGEST_MESSAGE);
    let labelled = summary(&json!({"metadata": {"labels": labels}}));
    assert_eq!(labelled.labels.len(), AppSummary::MOST_LABELS);
    assert!(labelled.kept_bytes() < 100_000, "{}", labelled.kept_bytes());
}

/// JSON allows it, and every reader has to choose the same one.
#[test]
fn applications_with_a_field_twice_have_the_last() {
    for json in [
        r#"{"metadata": {"name": "a", "labels": {"x": "1", "x": 2, "y": "1", "y": "2"}}, "metadata": {"labels": {"x": "1", "x": 2, "y": "1", "y": "2"}}}"#,
        r#"{"metadata": {"name": "a", "name": 3, "uid": 3, "uid": "b", "annotations": {"argocd.argoproj.io/refresh": "hard", "argocd.argoproj.io/refresh": null}}}"#,
        r#"{"operation": {}, "operation": 1, "status": {"operationState": {"phase": "Running", "phase": "Odd", "syncResult": {"resources": [
            {"syncPhase": "Sync", "hookPhase": "Failed", "hookPhase": "Succeeded"}], "resources": [{"syncPhase": "PreSync", "hookPhase": "Running"}]}}}}"#,
    ] {
        let compact = AppSummary::from_json("c", json.as_bytes()).unwrap();
        assert_eq!(compact, AppSummary::of(&read(&serde_json::from_str(json).unwrap())), "{json}");
    }
}

#[test]
fn applications_nested_without_end_lose_nothing_else() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let json =
        format!("{{\"metadata\": {{\"managedFields\": {deep}, \"uid\": {deep}, \"name\": \"a\"}}, \"x\": {deep}}}");
    let compact = AppSummary::from_json("c", json.as_bytes()).unwrap();
    assert_eq!((&*compact.key.name, &*compact.uid), ("a", ""));
}
