//! Requests: what they write, and what becomes of them when something is in the way.

use boathook::domain::live::Outcome;
use boathook::domain::request::{AutoSync, Changed, Confirmation, HookJob, Refusal, Request, Seen, SyncOrder};
use boathook::sim::faults::{Action, Failure, Fault, requests};
use boathook::sim::resource::{JOBS, STATEFUL_SETS};
use boathook::store::{RequestLog, State};
use serde_json::{Value, json};

use super::world::{World, app, hook_result, put, running};

fn sync() -> Request {
    Request::Sync(Box::default())
}

fn patches() -> boathook::domain::scenario::RequestMatch {
    requests(&["patch"], &["applications"])
}

async fn world(app: Value) -> World {
    let mut world = World::new().await;
    world.put_app(app);
    world.until_live().await;
    world
}

#[tokio::test]
async fn a_sync_copies_options_and_retry_and_clears_the_last_state() {
    let mut world = world(app("a")).await;
    assert_eq!(world.ask("a", sync(), None).await, Outcome::Written);
    let app = world.app("a");
    assert_eq!(app["operation"]["sync"]["syncOptions"], json!(["CreateNamespace=true"]));
    assert_eq!(app["operation"]["retry"]["limit"], 2);
    assert_eq!(app["operation"]["initiatedBy"]["username"], "admin");
    assert_eq!(app["status"].get("operationState"), None, "or the controller would resume the last operation");
    assert_eq!(app["status"]["sync"]["status"], "Synced", "nothing else is touched");
    // A second one meets the first.
    let second = world.ask("a", sync(), None).await;
    assert_eq!(second, Outcome::Refused(vec![Refusal::Busy { by: "admin".to_owned() }]));
    let log = RequestLog::new(&State::new(world.home.path().join("state"))).entries().unwrap();
    assert_eq!(log.iter().map(|entry| entry.result.as_str()).collect::<Vec<_>>(), ["", "written"]);
    assert_eq!((log[0].verb.as_str(), log[0].object.as_str()), ("patch", "Application argocd/a"));
}

#[tokio::test]
async fn a_conflict_that_means_nothing_is_written_once_more() {
    let mut world = world(app("a")).await;
    let fault = world.simulator.faults().add(Fault::new(patches(), Action::Fail(Failure::Conflict)).times(1));
    assert_eq!(world.ask("a", sync(), None).await, Outcome::Written);
    assert_eq!(world.simulator.faults().met(fault), 1);
}

#[tokio::test]
async fn what_changed_since_it_was_seen_is_told_and_nothing_is_written() {
    let mut world = world(app("a")).await;
    let key = world.open("a").await;
    let seen = Seen::of(&world.picture.applications[&key], &world.picture.objects[&key]);
    // A write that means nothing: the controller compared again.
    let mut same = world.app("a");
    same["status"]["reconciledAt"] = json!("2026-11-22T12:00:00Z");
    world.put_app(same);
    assert_eq!(world.ask("a", Request::Refresh { hard: false }, Some(seen.clone())).await, Outcome::Written);
    let mut other = world.app("a");
    other["status"]["sync"]["revision"] = json!("9ab12cd000000000000000000000000000000000");
    world.put_app(other);
    assert_eq!(world.ask("a", sync(), Some(seen)).await, Outcome::Changed(vec![Changed::Revision]));
    assert_eq!(world.app("a").get("operation"), None);
}

#[tokio::test]
async fn a_write_without_an_answer_is_never_sent_again_but_looked_for() {
    for (action, happened) in [(Action::CutAfter, true), (Action::Cut, false)] {
        let mut world = world(app("a")).await;
        let fault = world.simulator.faults().add(Fault::new(patches(), action.clone()));
        let outcome = world.ask("a", sync(), None).await;
        let Outcome::Unknown { happened: told, .. } = &outcome else { panic!("{action:?}: {outcome:?}") };
        assert_eq!(*told, Some(happened), "{action:?}");
        assert_eq!(world.app("a").get("operation").is_some(), happened, "{action:?}");
        assert_eq!(world.simulator.faults().met(fault), 1, "sent once");
    }
}

#[tokio::test]
async fn without_a_controller_nothing_is_written() {
    let mut world = world(app("a")).await;
    world.simulator.store().remove_raw(&STATEFUL_SETS, "argocd", "argocd-application-controller");
    let key = world.open("a").await;
    let none = boathook::domain::request::Controller::None;
    world.until("nobody acts", |picture| picture.controllers.get(&key) == Some(&none)).await;
    assert_eq!(world.ask("a", sync(), None).await, Outcome::Refused(vec![Refusal::NoController]));
}

#[tokio::test]
async fn an_abort_marks_the_operation_and_leaves_the_request() {
    let mut world = world(running("a", &json!([hook_result("migrate", "Running")]))).await;
    assert_eq!(world.ask("a", Request::Abort, None).await, Outcome::Written);
    let app = world.app("a");
    assert_eq!(app["status"]["operationState"]["phase"], "Terminating");
    assert!(app["operation"].is_object(), "removing it would make a ghost");
    let again = world.ask("a", Request::Abort, None).await;
    assert!(matches!(again, Outcome::Refused(_)), "{again:?}");
}

#[tokio::test]
async fn every_other_request_writes_what_it_says() {
    let mut failed = app("a");
    failed["status"]["operationState"]["phase"] = json!("Failed");
    failed["status"]["operationState"]["syncResult"] =
        json!({ "revision": "1111111111111111111111111111111111111111" });
    failed["status"]["operationState"]["operation"]["sync"]["syncOptions"] = json!(["Replace=true"]);
    failed["status"]["history"] = json!([{ "id": 3, "revision": "2222222222222222222222222222222222222222",
        "source": { "repoURL": "https://git.example.com/team/deploy.git", "path": "a" }, "deployedAt": "2026-11-21T10:00:00Z" }]);
    let mut ghost = running("a", &json!([]));
    ghost.as_object_mut().unwrap().remove("operation");
    let mut pruning = running("a", &json!([]));
    pruning["status"]["operationState"]["startedAt"] = json!("2036-01-01T00:00:00Z");
    let table: Vec<(Value, Request, &str, Value)> = vec![
        (failed.clone(), Request::Retry, "/operation/sync/revision", json!("1111111111111111111111111111111111111111")),
        (failed.clone(), Request::Retry, "/operation/sync/syncOptions", json!(["Replace=true"])),
        (
            failed.clone(),
            Request::Rollback { id: 3, prune: false, hooks: false },
            "/operation/sync/syncStrategy",
            json!({ "apply": {} }),
        ),
        (failed, Request::Rollback { id: 3, prune: false, hooks: true }, "/operation/sync/source/path", json!("a")),
        (app("a"), Request::Refresh { hard: true }, "/metadata/annotations/argocd.argoproj.io~1refresh", json!("hard")),
        (
            app("a"),
            Request::AutoSync(AutoSync::On { prune: Some(true), self_heal: None }),
            "/spec/syncPolicy/automated",
            json!({ "prune": true }),
        ),
        (
            pruning,
            Request::Confirm(Confirmation::Prune),
            "/metadata/annotations/argocd.argoproj.io~1deletion-approved",
            json!("2036-01-01T00:00:00Z"),
        ),
        (ghost, Request::RepairGhost, "/status/operationState/phase", json!("Failed")),
    ];
    for (before, request, path, expected) in table {
        let mut world = world(before).await;
        let outcome = world.ask("a", request.clone(), None).await;
        assert_eq!(outcome, Outcome::Written, "{request:?}");
        assert_eq!(world.app("a").pointer(path), Some(&expected), "{request:?}");
    }
}

#[tokio::test]
async fn a_hook_is_failed_cleanly_or_run_again_by_itself() {
    let mut world = world(running("a", &json!([hook_result("migrate", "Running")]))).await;
    let job = put(
        &world.simulator,
        &JOBS,
        json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "migrate", "namespace": "shop",
            "annotations": { "argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/tracking-id": "a:batch/Job:shop/migrate" } },
          "spec": { "template": { "spec": { "restartPolicy": "Never", "containers": [{ "name": "c", "image": "i" }] } } }, "status": {} }),
    );
    let uid = job["metadata"]["uid"].as_str().unwrap().to_owned();
    let hook = HookJob { namespace: "shop".into(), name: "migrate".into(), uid };
    let rerun = Request::RerunHook { hook: hook.clone(), why: "flaky".into() };
    assert!(matches!(world.ask("a", rerun.clone(), None).await, Outcome::Impossible(_)), "two would run at once");
    assert_eq!(world.ask("a", Request::FailHook(hook), None).await, Outcome::Written);
    let mut job = world.simulator.store().get(&JOBS, "shop", "migrate").unwrap().value().as_ref().clone();
    assert_eq!(job["status"]["conditions"][0]["type"], "FailureTarget");
    job["status"]["conditions"] = json!([{ "type": "Failed", "status": "True" }]);
    put(&world.simulator, &JOBS, job);
    assert_eq!(world.ask("a", rerun, None).await, Outcome::Written);
    let (jobs, _) = world.simulator.store().list(&JOBS, Some("shop"));
    assert_eq!(jobs.len(), 2);
    let gone = HookJob { uid: "another".into(), namespace: "shop".into(), name: "migrate".into() };
    assert!(matches!(world.ask("a", Request::FailHook(gone), None).await, Outcome::Impossible(_)));
}

#[tokio::test]
async fn read_only_writes_nothing_and_a_preview_never_does() {
    let mut world = World::with(super::world::simulator(), |options| options.read_only = true).await;
    world.put_app(app("a"));
    world.until_live().await;
    assert_eq!(world.ask("a", sync(), None).await, Outcome::Refused(vec![Refusal::ReadOnly]));
    let order = SyncOrder { prune: true, ..SyncOrder::default() };
    let preview = world.live.preview(&world.key("a"), Request::Sync(Box::new(order))).await.unwrap();
    assert_eq!(preview.refusals, [Refusal::ReadOnly]);
    assert!(preview.write.unwrap().says.iter().any(|line| line.contains("deletes")));
    assert_eq!(world.app("a").get("operation"), None);
    let missing = world.ask("nobody", sync(), None).await;
    assert_eq!(missing, Outcome::NotFound);
}

#[tokio::test]
async fn an_abort_on_its_way_is_finished_before_the_end() {
    let mut world = world(running("a", &json!([hook_result("migrate", "Running")]))).await;
    let delay = Action::Delay(std::time::Duration::from_millis(300));
    world.simulator.faults().add(Fault::new(patches(), delay));
    world.live.send(&world.key("a"), Request::Abort, None);
    world.live.stop().await;
    assert_eq!(world.app("a")["status"]["operationState"]["phase"], "Terminating");
    world.events.close();
}
