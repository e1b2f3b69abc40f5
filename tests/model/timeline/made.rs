//! What the recordings do not hold, one case at a time.

use std::sync::Arc;

use boathook::domain::event::Change::{Applied, Deleted, Listed};
use boathook::domain::event::WatchEvent;
use boathook::domain::health::waiting::ReasonKind;
use boathook::domain::hook::SyncPhase::{PostSync, PreSync, Sync, SyncFail};
use boathook::domain::manifest::Object;
use boathook::domain::timeline::{OperationStatus, PodState, Progress, TaskPhase, TaskState};
use serde_json::{Value, json};

use super::world::{World, job, job_key, planned, pod, result};

const TEN: &str = "2026-08-23T10:00:00Z";

/// An operation that began at ten, before our eyes.
fn begun() -> World {
    let mut world = World::new();
    world.application(Listed, &Value::Null, &Value::Null);
    world.running(TEN, &[]);
    world
}

/// With a hook whose pod runs.
fn with_running_hook() -> World {
    let mut world = begun();
    world.see(Applied, job(&world, "j1", "PreSync", "migrate"));
    world.see(Applied, pod(&world, "p1", "j1", "Running", None));
    world
}

#[test]
fn timeline_of_nothing_is_empty() {
    let view = World::new().view();
    assert_eq!((view.state, view.phases.len()), (OperationStatus::None, 0));
    assert_eq!(view.lifecycle().to_string(), "");
}

#[test]
fn timeline_shows_a_hook_before_anything_is_recorded_of_it() {
    let mut world = with_running_hook();
    world.wait(6.2);
    let task = world.task(PreSync, "migrate");
    assert_eq!((task.state, task.elapsed.unwrap().to_string().as_str()), (TaskState::Running, "6.2s"));
    assert!(task.is_hook && !task.is_recorded);

    // A hook of another Application in the same namespace is none of ours.
    let mut other = job(&world, "x1", "PreSync", "others");
    other["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] = json!("other:batch/Job:prod/others");
    world.see(Applied, other);
    assert_eq!(world.view().tasks().count(), 1);
}

#[test]
fn timeline_gives_a_recreated_hook_nothing_of_its_predecessor() {
    let mut world = World::new();
    world.application(Listed, &Value::Null, &Value::Null);
    let mut old = job(&world, "old", "PreSync", "migrate");
    old["status"] = json!({"conditions": [{"type": "Failed", "status": "True", "message": "old"}]});
    world.see(Listed, old.clone());
    world.see(Listed, pod(&world, "oldpod", "old", "Failed", Some(9)));
    world.wait(60.0);
    let start = world.second();
    world.timeline.set_plan([planned(PreSync, 0, "migrate")]);
    world.running(&start, &[]);

    let task = world.task(PreSync, "migrate");
    assert_eq!((task.state, task.exit, task.attempts.len()), (TaskState::ToCome, None, 0));
    assert_eq!(task.predecessor.unwrap().uid, "old");

    old["metadata"]["deletionTimestamp"] = json!(world.second());
    old["metadata"]["finalizers"] = json!(["example.com/backup"]);
    world.see(Applied, old.clone());
    let task = world.task(PreSync, "migrate");
    assert_eq!(task.state, TaskState::Waiting);
    let reasons: Vec<_> = task.reasons.iter().map(|reason| reason.kind).collect();
    assert_eq!(reasons, [ReasonKind::HeldByFinalizer]);

    world.see(Deleted, old);
    world.see(Applied, job(&world, "new", "PreSync", "migrate"));
    let task = world.task(PreSync, "migrate");
    assert_eq!((task.state, task.predecessor, task.exit), (TaskState::Waiting, None, None));
    assert_eq!(task.attempts.iter().map(|attempt| attempt.uid.as_str()).collect::<Vec<_>>(), ["new"]);
}

#[test]
fn timeline_says_at_least_where_it_joined_late() {
    let mut world = World::new();
    let state = json!({"phase": "Running", "startedAt": "2026-08-23T09:59:00Z", "syncResult": {"resources": [
        result("PreSync", "migrate", "Running"), result("PreSync", "seed", "Succeeded"),
    ]}});
    world.application(Listed, &json!({"sync": {}}), &state);
    world.wait(42.0);
    let view = world.view();
    assert!(view.joined_late);
    assert_eq!(view.elapsed.unwrap().to_string(), "1m 42s");
    assert_eq!(world.task(PreSync, "migrate").elapsed.unwrap().to_string(), ">=42s");
    // Begun and ended before we looked: nobody can say.
    assert_eq!(world.task(PreSync, "seed").elapsed, None);

    // The object knows when it was created, to the second.
    let mut migrate = job(&world, "j1", "PreSync", "migrate");
    migrate["metadata"]["creationTimestamp"] = json!("2026-08-23T09:59:02Z");
    world.see(Listed, migrate);
    assert_eq!(world.task(PreSync, "migrate").elapsed.unwrap().to_string(), "1m 40s");
}

#[test]
fn timeline_with_a_plan_shows_what_is_to_come() {
    let mut world = World::new();
    world.application(Listed, &Value::Null, &Value::Null);
    world.timeline.set_plan([
        planned(SyncFail, 0, "page"),
        planned(PostSync, 1, "warm"),
        planned(PostSync, 0, "smoke"),
        planned(PreSync, 0, "migrate"),
        planned(PreSync, -5, "backup"),
    ]);
    assert_eq!(world.view().lifecycle().to_string(), "Pre ○ Post ○");

    world.running(TEN, &[result("PreSync", "backup", "Succeeded"), result("PreSync", "migrate", "Running")]);
    assert_eq!(world.view().lifecycle().to_string(), "Pre ◐ Post ○");
    // Every planned task of the phase is done, so the phase is.
    let done = [result("PreSync", "backup", "Succeeded"), result("PreSync", "migrate", "Succeeded")];
    world.running(TEN, &done);
    assert_eq!(world.view().lifecycle().to_string(), "Pre ✔ Post ○");
    let view = world.view();
    let order: Vec<_> = view.tasks().map(|task| task.key.object.name.as_str()).collect();
    assert_eq!(order, ["backup", "migrate", "smoke", "warm", "page"]);
    let waves: Vec<_> = view.phases[0].waves.iter().map(|wave| wave.wave).collect();
    assert_eq!(waves, [Some(-5), Some(0)]);

    world.over("Succeeded", TEN, &done);
    assert_eq!(world.state(PostSync, "smoke"), TaskState::Skipped, "it never ran, and is not good");
    assert_eq!(world.state(SyncFail, "page"), TaskState::Skipped);
    assert_eq!(world.view().lifecycle().to_string(), "Pre ✔ Post –");
}

#[test]
fn timeline_without_a_plan_does_not_call_a_phase_done_while_a_wave_may_come() {
    let mut world = begun();
    world.running(TEN, &[result("PreSync", "backup", "Succeeded")]);
    assert_eq!(world.view().lifecycle().to_string(), "Pre ◐");
    world.running(TEN, &[result("PreSync", "backup", "Succeeded"), result("PostSync", "smoke", "Running")]);
    assert_eq!(world.view().lifecycle().to_string(), "Pre ✔ Post ◐");
}

#[test]
fn timeline_finds_the_planned_task_of_a_generated_name() {
    let mut world = begun();
    let mut smoke = planned(PostSync, 3, "smoke-");
    smoke.generate_name = Some("smoke-".to_owned());
    world.timeline.set_plan([smoke, planned(PostSync, 4, "smoke-test")]);
    world.running(TEN, &[result("PostSync", "smoke-6f1c0aa-postsync-1787479200", "Running")]);
    let view = world.view();
    let names: Vec<_> = view.tasks().map(|task| (task.key.object.name.as_str(), task.state)).collect();
    let expected = [("smoke-6f1c0aa-postsync-1787479200", TaskState::Running), ("smoke-test", TaskState::ToCome)];
    assert_eq!(names, expected);
}

#[test]
fn timeline_shows_no_hooks_to_come_where_none_run() {
    let mut world = World::new();
    world.application(Listed, &Value::Null, &Value::Null);
    world.timeline.set_plan([planned(PreSync, 0, "migrate")]);
    for sync in [json!({"syncStrategy": {"apply": {}}}), json!({"resources": [{"kind": "Service", "name": "web"}]})] {
        let operation = json!({"sync": sync});
        let state = json!({"phase": "Running", "startedAt": TEN, "operation": operation});
        world.application(Applied, &operation, &state);
        assert_eq!(world.state(PreSync, "migrate"), TaskState::Skipped);
        assert!(!world.view().runs_hooks());
    }
}

/// Phases of pods, and their indexes in an indexed Job.
type Pods = &'static [(&'static str, Option<i64>)];

/// How a Job ends, told from its pods: its spec, the pods' phases in order, and the state after them.
#[test]
fn timeline_tells_the_end_of_a_job_from_its_pods_only_where_they_tell_it() {
    let one = |limit: i64| json!({"backoffLimit": limit});
    let cases: [(Value, Pods, TaskState); 14] = [
        (one(0), &[("Succeeded", None)], TaskState::Succeeded),
        (one(0), &[("Failed", None)], TaskState::Failed),
        (one(2), &[("Failed", None), ("Failed", None)], TaskState::Waiting),
        (one(2), &[("Failed", None), ("Failed", None), ("Failed", None)], TaskState::Failed),
        (one(2), &[("Failed", None), ("Running", None)], TaskState::Running),
        (one(2), &[("Failed", None), ("Succeeded", None)], TaskState::Succeeded),
        (json!({}), &[("Failed", None)], TaskState::Waiting),
        // What fails may be ignored, or fail the Job at once: only the Job knows.
        (json!({"backoffLimit": 0, "podFailurePolicy": {"rules": []}}), &[("Failed", None)], TaskState::Waiting),
        (json!({"backoffLimit": 0, "backoffLimitPerIndex": 1}), &[("Failed", None)], TaskState::Waiting),
        // Three of them are needed.
        (json!({"completions": 3}), &[("Succeeded", None), ("Succeeded", None)], TaskState::Waiting),
        (json!({"completions": 2}), &[("Succeeded", None), ("Succeeded", None)], TaskState::Succeeded),
        // Two for one index are one.
        (
            json!({"completions": 2, "completionMode": "Indexed"}),
            &[("Succeeded", Some(0)), ("Succeeded", Some(0))],
            TaskState::Waiting,
        ),
        (
            json!({"completions": 2, "completionMode": "Indexed"}),
            &[("Succeeded", Some(1)), ("Succeeded", Some(0))],
            TaskState::Succeeded,
        ),
        // A work queue ends when its pods agree.
        (json!({"completions": null, "parallelism": 2}), &[("Succeeded", None)], TaskState::Waiting),
    ];
    for (spec, pods, expected) in cases {
        let mut world = begun();
        let mut migrate = job(&world, "j1", "PreSync", "migrate");
        migrate["spec"].as_object_mut().unwrap().remove("backoffLimit");
        migrate["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        world.see(Applied, migrate);
        for (number, (phase, index)) in pods.iter().enumerate() {
            let exit = match *phase {
                "Succeeded" => Some(0),
                "Failed" => Some(7),
                _ => None,
            };
            let mut pod = pod(&world, &format!("p{number}"), "j1", phase, exit);
            if let Some(index) = index {
                pod["metadata"]["labels"] = json!({"batch.kubernetes.io/job-completion-index": index.to_string()});
            }
            world.see(Applied, pod);
            world.wait(1.5);
        }
        let task = world.task(PreSync, "migrate");
        assert_eq!(task.state, expected, "{spec} {pods:?}");
        assert_eq!(task.attempts[0].pods.len(), pods.len());
        let ended = !task.state.is_active();
        assert_eq!(task.ended.observed.is_some(), ended, "{spec}");
    }
}

/// The pods of a Job with restart policy `OnFailure` do not fail; only the Job says that it has.
#[test]
fn timeline_waits_for_the_word_of_a_job_whose_containers_restart() {
    let mut world = begun();
    let mut migrate = job(&world, "j1", "PreSync", "migrate");
    migrate["spec"]["backoffLimit"] = json!(3);
    migrate["spec"]["template"]["spec"]["restartPolicy"] = json!("OnFailure");
    world.see(Applied, migrate.clone());
    let mut restarted = pod(&world, "p1", "j1", "Running", None);
    restarted["status"]["containerStatuses"][0]["restartCount"] = json!(2);
    restarted["status"]["containerStatuses"][0]["lastState"] = json!({"terminated": {"exitCode": 5}});
    world.see(Applied, restarted);
    let task = world.task(PreSync, "migrate");
    assert_eq!((task.state, task.progress), (TaskState::Running, Some(Progress::Attempt { number: 3, of: 4 })));
    assert_eq!(task.attempts[0].pods[0].containers[0].restarts, 2);

    world.wait(2.0);
    migrate["status"] = json!({"failed": 1, "conditions": [
        {"type": "Failed", "status": "True", "message": "Job has reached the specified backoff limit"},
    ]});
    world.see(Applied, migrate);
    world.see(Deleted, pod(&world, "p1", "j1", "Running", None));
    let task = world.task(PreSync, "migrate");
    assert_eq!((task.state, task.message.as_str()), (TaskState::Failed, "Job has reached the specified backoff limit"));
    assert_eq!(task.attempts[0].pods[0].state, PodState::Stopped);
}

#[test]
fn timeline_says_why_a_hook_waits() {
    let reasons = |world: &World| -> Vec<ReasonKind> {
        let task = world.task(PreSync, "migrate");
        assert_eq!(task.state, TaskState::Waiting);
        task.reasons.iter().map(|reason| reason.kind).collect()
    };
    let mut world = begun();
    let mut migrate = job(&world, "j1", "PreSync", "migrate");
    world.see(Applied, migrate.clone());
    assert_eq!(reasons(&world), [ReasonKind::NotStarted]);

    // The Job itself says nothing of this; only an Event does.
    world.see(
        Applied,
        json!({
            "apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": "FailedCreate",
            "metadata": {"namespace": "prod", "name": "e1", "uid": "e1"}, "lastTimestamp": world.second(),
            "involvedObject": {"kind": "Job", "namespace": "prod", "name": "migrate", "uid": "j1"},
            "message": "Error creating: pods \"migrate-x\" is forbidden: exceeded quota: small",
        }),
    );
    assert!(reasons(&world).contains(&ReasonKind::Quota));

    let mut pulling = pod(&world, "p1", "j1", "Pending", None);
    pulling["status"]["containerStatuses"][0]["state"] = json!({"waiting": {"reason": "ImagePullBackOff"}});
    world.see(Applied, pulling);
    assert!(reasons(&world).contains(&ReasonKind::ImagePull));

    migrate["spec"]["suspend"] = json!(true);
    world.see(Applied, migrate);
    assert!(reasons(&world).contains(&ReasonKind::Suspended));
}

#[test]
fn timeline_believes_a_job_where_its_pods_are_not_shown() {
    let mut world = begun();
    let mut migrate = job(&world, "j1", "PreSync", "migrate");
    migrate["status"] = json!({"active": 1, "ready": 0});
    world.see(Applied, migrate.clone());
    assert_eq!(world.state(PreSync, "migrate"), TaskState::Waiting);
    migrate["status"] = json!({"active": 1, "ready": 1});
    world.see(Applied, migrate.clone());
    assert_eq!(world.state(PreSync, "migrate"), TaskState::Running);
    // Counted, and not yet said: one too many is the end.
    migrate["status"] = json!({"uncountedTerminatedPods": {"failed": ["p1"]}});
    world.see(Applied, migrate.clone());
    let task = world.task(PreSync, "migrate");
    assert_eq!((task.state, task.exit), (TaskState::Failed, None));
}

#[test]
fn timeline_shows_a_hook_taken_away_as_stopped_until_the_controller_says_more() {
    let mut world = with_running_hook();
    world.running(TEN, &[result("PreSync", "migrate", "Running")]);
    world.wait(3.0);
    world.see(Deleted, pod(&world, "p1", "j1", "Running", None));
    world.see(Deleted, job(&world, "j1", "PreSync", "migrate"));
    let task = world.task(PreSync, "migrate");
    assert_eq!((task.state, task.exit), (TaskState::Stopped, None));
    assert_eq!(world.view().lifecycle().to_string(), "Pre ■ migrate");

    // Nothing that comes late makes it run again.
    assert!(!world.see(Applied, job(&world, "j1", "PreSync", "migrate")));
    assert!(!world.see(Applied, pod(&world, "p1", "j1", "Running", None)));
    assert_eq!(world.state(PreSync, "migrate"), TaskState::Stopped);

    world.over("Failed", TEN, &[result("PreSync", "migrate", "Failed")]);
    let task = world.task(PreSync, "migrate");
    assert_eq!((task.state, task.message.as_str()), (TaskState::Failed, "migrate is Failed"));
}

#[test]
fn timeline_shows_the_controllers_verdict_where_it_contradicts_the_pods() {
    let mut world = with_running_hook();
    world.see(Applied, pod(&world, "p1", "j1", "Succeeded", Some(0)));
    assert_eq!(world.state(PreSync, "migrate"), TaskState::Succeeded);
    world.over("Failed", TEN, &[result("PreSync", "migrate", "Failed")]);
    let task = world.task(PreSync, "migrate");
    assert_eq!((task.state, task.exit.unwrap().code), (TaskState::Failed, Some(0)));
}

#[test]
fn timeline_shows_reruns_beside_the_hook() {
    let mut world = with_running_hook();
    world.see(Applied, pod(&world, "p1", "j1", "Failed", Some(3)));
    let mut again = job(&world, "r1", "PreSync", "migrate-rerun-x");
    again["metadata"]["annotations"] = json!({
        "boathook.dev/rerun-of": "migrate", "boathook.dev/rerun-by": "alice", "boathook.dev/rerun-why": "disk was full",
    });
    world.see(Applied, again);
    world.see(Applied, pod(&world, "rp1", "r1", "Succeeded", Some(0)));
    let task = world.task(PreSync, "migrate");
    assert_eq!(task.state, TaskState::Failed, "a run outside the operation does not change the operation");
    assert_eq!(task.attempts.len(), 1);
    let [rerun] = task.reruns.as_slice() else { panic!("{:?}", task.reruns) };
    assert_eq!((rerun.state, rerun.operation_attempt), (TaskState::Succeeded, None));
    assert_eq!(rerun.rerun.as_ref().unwrap().by, "alice");
    assert_eq!(world.view().tasks().count(), 1, "it is no task of its own");
}

#[test]
fn timeline_gives_each_phase_of_one_hook_its_own_runs_in_every_attempt() {
    let mut world = begun();
    let both = "PreSync,PostSync";
    world.see(Applied, job(&world, "a", both, "flags"));
    world.see(Applied, pod(&world, "ap", "a", "Succeeded", Some(0)));
    assert_eq!(world.state(PostSync, "flags"), TaskState::ToCome);
    // Not recorded yet: another object of the name repeats the same phase.
    let recorded = [result("PreSync", "flags", "Succeeded")];
    world.running(TEN, &recorded);
    world.wait(1.0);
    world.see(Applied, job(&world, "b", both, "flags"));
    world.see(Applied, pod(&world, "bp", "b", "Failed", Some(1)));
    assert_eq!(world.state(PreSync, "flags"), TaskState::Succeeded);
    assert_eq!(world.state(PostSync, "flags"), TaskState::Failed);

    // The whole operation is tried again.
    let retried = world.second();
    world.wait(5.0);
    let state = json!({"phase": "Running", "startedAt": TEN, "finishedAt": retried, "retryCount": 1});
    world.application(Applied, &json!({"sync": {}}), &state);
    assert_eq!(world.view().state, OperationStatus::WaitingForRetry);
    let state = json!({"phase": "Running", "startedAt": TEN, "retryCount": 1});
    world.application(Applied, &json!({"sync": {}}), &state);
    for phase in [PreSync, PostSync] {
        assert_eq!(world.state(phase, "flags"), TaskState::ToCome, "{phase}");
    }
    world.see(Applied, job(&world, "c", both, "flags"));
    let uids = |phase| -> Vec<(i64, String)> {
        let attempts = world.task(phase, "flags").attempts.into_iter();
        attempts.map(|attempt| (attempt.operation_attempt.unwrap(), attempt.uid)).collect()
    };
    assert_eq!(uids(PreSync), [(1, "a".to_owned()), (2, "c".to_owned())]);
    assert_eq!(uids(PostSync), [(1, "b".to_owned())]);
}

#[test]
fn timeline_starts_anew_with_a_new_operation_and_keeps_the_former() {
    let mut world = with_running_hook();
    world.see(Applied, pod(&world, "p1", "j1", "Failed", Some(3)));
    let failed = [result("PreSync", "migrate", "Failed")];
    world.over("Failed", TEN, &failed);
    world.wait(30.0);
    // Argo CD's own clients erase the old state with the request; others leave it.
    let old = json!({"phase": "Failed", "startedAt": TEN, "syncResult": {"resources": failed}});
    for state in [old, Value::Null] {
        world.application(Applied, &json!({"initiatedBy": {"username": "bob"}}), &state);
        let view = world.view();
        assert_eq!((view.state, view.tasks().count()), (OperationStatus::Requested, 0));
        assert_eq!(view.request.initiated_by.username, "bob");
    }
    let start = world.second();
    world.running(&start, &[]);
    assert_eq!(world.view().tasks().count(), 0, "{:#?}", world.view());
    assert!(!world.view().joined_late);
    world.wait(1.0);
    // What is still told of the former belongs to the former.
    world.see(Deleted, pod(&world, "p1", "j1", "Failed", Some(3)));
    assert_eq!(world.view().tasks().count(), 0);

    let former = world.timeline.take_former(world.now);
    let [former] = former.as_slice() else { panic!("{former:#?}") };
    assert_eq!((former.state, former.lifecycle().to_string().as_str()), (OperationStatus::Failed, "Pre ✖ migrate"));
    assert_eq!(former.task(&job_key(PreSync, "migrate")).unwrap().exit.as_ref().unwrap().code, Some(3));
    assert!(world.timeline.take_former(world.now).is_empty());
}

#[test]
fn timeline_returns_to_the_last_operation_where_a_request_is_taken_back() {
    let mut world = begun();
    let done = json!({"phase": "Succeeded", "startedAt": TEN, "syncResult": {"resources": []}});
    world.application(Applied, &Value::Null, &done);
    world.application(Applied, &json!({"sync": {}}), &done);
    assert_eq!(world.view().state, OperationStatus::Requested);
    world.application(Applied, &Value::Null, &done);
    assert_eq!(world.view().state, OperationStatus::Succeeded);
    assert!(world.timeline.take_former(world.now).is_empty());
}

#[test]
fn timeline_tells_no_more_than_the_application_where_its_state_is_taken_back() {
    let state = |phase: &str, attempt: i64, results: &[Value]| {
        let finished_at = (phase != "Running").then_some("2026-08-23T10:00:09Z");
        json!({
            "phase": phase, "startedAt": TEN, "finishedAt": finished_at, "retryCount": attempt,
            "syncResult": {"resources": results},
        })
    };
    let mut world = begun();
    world.application(
        Applied,
        &json!({"sync": {}}),
        &state("Running", 0, &[result("PreSync", "migrate", "Succeeded")]),
    );
    world.application(Applied, &json!({"sync": {}}), &state("Running", 1, &[result("PreSync", "migrate", "Running")]));
    world.application(Applied, &Value::Null, &state("Failed", 1, &[result("PreSync", "migrate", "Failed")]));
    let view = world.view();
    assert_eq!((view.attempt, view.state), (2, OperationStatus::Failed));

    // The same attempt, from before its end.
    world.application(Applied, &json!({"sync": {}}), &state("Running", 1, &[result("PreSync", "migrate", "Running")]));
    let view = world.view();
    assert_eq!((view.attempt, view.state), (2, OperationStatus::Running));
    assert_eq!(world.state(PreSync, "migrate"), TaskState::Running);

    // And from before the attempt.
    world.application(Applied, &json!({"sync": {}}), &state("Running", 0, &[]));
    let view = world.view();
    assert_eq!((view.attempt, view.state, view.tasks().count()), (1, OperationStatus::Running, 0));

    // What comes late says nothing.
    let uid = json!({"namespace": "argocd", "name": "shop", "uid": "app", "resourceVersion": "101"});
    let old = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": uid,
        "status": {"operationState": state("Failed", 1, &[])},
    });
    let object = Arc::new(Object::from_json(old).unwrap());
    assert!(!world.timeline.observe(&WatchEvent { at: world.now, change: Applied, object }));
    assert_eq!(world.view().state, OperationStatus::Running);
}

#[test]
fn timeline_forgets_an_application_that_was_deleted_and_made_again() {
    let mut world = with_running_hook();
    world.see(
        Applied,
        json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"namespace": "argocd", "name": "shop", "uid": "another"},
        }),
    );
    assert_eq!(world.view().state, OperationStatus::None);
    assert_eq!(world.view().tasks().count(), 0);
}

#[test]
fn timeline_never_takes_an_unknown_word_for_a_good_one() {
    let mut world = begun();
    world.running(TEN, &[result("PreSync", "migrate", "Splendid")]);
    assert_eq!(world.state(PreSync, "migrate"), TaskState::Unknown);
    assert_eq!(world.view().lifecycle().to_string(), "Pre ?");
    let state = json!({"phase": "Splendid", "startedAt": TEN});
    world.application(Applied, &json!({"sync": {}}), &state);
    assert_eq!(world.view().state, OperationStatus::Unknown);
    // A phase of the sync that is not known has a place of its own.
    let mut odd = result("PreSync", "odd", "Succeeded");
    odd["syncPhase"] = json!("MidSync");
    world.running(TEN, &[odd]);
    assert!(world.view().phases.iter().any(|phase| phase.phase == TaskPhase::Unknown));
    // A hook that an operation left without a result.
    world.over("Error", TEN, &[result("PostSync", "smoke", "Running")]);
    assert_eq!(world.state(PostSync, "smoke"), TaskState::Unknown);
}

#[test]
fn timeline_tells_a_ghost() {
    let mut world = begun();
    assert!(!world.view().is_ghost);
    world.application(Applied, &Value::Null, &json!({"phase": "Running", "startedAt": TEN}));
    assert!(world.view().is_ghost);
    world.over("Failed", TEN, &[]);
    assert!(!world.view().is_ghost);
}

#[test]
fn timeline_shows_the_hooks_of_a_deletion() {
    let mut world = begun();
    let operation = json!({"info": [{"name": "boathook.dev/delete", "value": "true"}]});
    let results = [result("PreDelete", "drain", "Succeeded"), result("PostDelete", "sweep", "Running")];
    let state = json!({
        "phase": "Running", "startedAt": TEN, "operation": operation, "syncResult": {"resources": results},
    });
    world.application(Applied, &operation, &state);
    assert_eq!(world.view().lifecycle().to_string(), "PreDel ✔ PostDel ◐");
    // The object of such a hook is no task of a sync.
    let mut world = begun();
    world.see(Applied, job(&world, "d", "PreDelete", "drain"));
    assert_eq!(world.view().tasks().count(), 0);
}

/// A hook the engine created says for which operation and attempt; no clock is asked.
#[test]
fn timeline_believes_what_the_engine_wrote_on_its_hooks() {
    let mut world = begun();
    for (uid, operation, expected) in [("wrong", "2026-08-23T08:00:00Z/0", 0), ("right", "2026-08-23T10:00:00Z/0", 1)] {
        let mut hook = job(&world, uid, "Sync", "reindex");
        hook["metadata"]["creationTimestamp"] = json!("2026-08-23T09:00:00Z");
        hook["metadata"]["annotations"]["boathook.dev/operation"] = json!(operation);
        world.see(Applied, hook);
        let view = world.view();
        let attempts = view.task(&job_key(Sync, "reindex")).map_or(0, |task| task.attempts.len());
        assert_eq!(attempts, expected, "{uid}");
    }
}

/// The destination's clock is behind Argo CD's: what we saw created after the operation began belongs to it.
#[test]
fn timeline_bears_two_clusters_with_two_clocks() {
    let mut world = begun();
    let mut hook = job(&world, "j1", "PreSync", "migrate");
    hook["metadata"]["creationTimestamp"] = json!("2026-08-23T09:59:55Z");
    world.see(Applied, hook.clone());
    assert_eq!(world.task(PreSync, "migrate").attempts.len(), 1);
    // What was there when we came is left over.
    let mut world = begun();
    world.see(Listed, hook);
    assert_eq!(world.view().tasks().count(), 0);
}

#[test]
fn timeline_says_what_a_resource_waits_for() {
    let mut world = begun();
    world.see(Listed, json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"namespace": "prod", "name": "web", "uid": "d1", "creationTimestamp": "2026-08-01T00:00:00Z"},
        "spec": {"replicas": 3}, "status": {"replicas": 3, "updatedReplicas": 3, "readyReplicas": 1, "availableReplicas": 1},
    }));
    let web = json!({
        "group": "apps", "kind": "Deployment", "namespace": "prod", "name": "web", "status": "Synced",
        "syncPhase": "Sync", "hookPhase": "Running", "message": "deployment.apps/web configured",
    });
    world.running(TEN, &[web]);
    let view = world.view();
    let task = view.tasks().next().unwrap();
    assert_eq!((task.state, task.is_hook, task.attempts.len()), (TaskState::Running, false, 0));
    assert!(task.reasons.iter().any(|reason| reason.kind == ReasonKind::Replicas), "{:?}", task.reasons);
    assert_eq!(task.predecessor, None);
}
