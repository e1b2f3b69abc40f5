//! Every kind of request: shown as a value first, guarded, written down, and what becomes of it when something is in the
//! way.

use std::time::Duration;

use boathook::clock::Clock;
use boathook::domain::application::AppSummary;
use boathook::domain::live::Outcome;
use boathook::domain::operation::{Info, Retry, Selector, Strategy};
use boathook::domain::project::Decision;
use boathook::domain::request::{
    AutoSync, Changed, Confirmation, Controller, HookJob, Refusal, Request, SyncOrder, WriteTarget,
};
use boathook::domain::scenario::{AccessRule, Pattern};
use boathook::sim::faults::{Action, Failure, Fault, requests};
use boathook::sim::resource::{APP_PROJECTS, JOBS, LEASES, STATEFUL_SETS};
use boathook::sim::server::{Simulator, SimulatorOptions};
use boathook::store::{RequestEntry, RequestLog, State};
use serde_json::{Value, json};

use super::world::{World, app, put, simulator};
use crate::asked::{self, REVISION, automated, busy, deleting, failed, ghost};

fn sync(change: impl FnOnce(&mut SyncOrder)) -> Request {
    let mut order = SyncOrder::default();
    change(&mut order);
    Request::Sync(Box::new(order))
}

fn kinds() -> Vec<(Value, Request)> {
    let mut kinds = asked::kinds("shop");
    kinds.push((failed(), Request::Resume));
    kinds
}

/// A world in which somebody can carry out the request: a resume only the engine can.
async fn world_for(simulator: Simulator, app: Value, request: &Request) -> World {
    let mut world = world_of(simulator, app).await;
    if *request == Request::Resume {
        run_engine(&mut world).await;
    }
    world
}

/// From now on the engine acts, and not Argo CD.
async fn run_engine(world: &mut World) {
    world.simulator.store().remove_raw(&STATEFUL_SETS, "argocd", "argocd-application-controller");
    let lease = json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": "boathook-engine", "namespace": "argocd" },
        "spec": { "holderIdentity": "one", "leaseDurationSeconds": 3600, "renewTime": Clock::real().now().to_string() } });
    put(&world.simulator, &LEASES, lease);
    let key = world.open("a").await;
    world.until("the engine", |picture| picture.controllers.get(&key) == Some(&Controller::Engine)).await;
}

fn hook() -> HookJob {
    asked::hook("shop")
}

fn put_hook(simulator: &Simulator) {
    put(
        simulator,
        &JOBS,
        json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "migrate", "namespace": "shop",
            "annotations": { "argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/tracking-id": "a:batch/Job:shop/migrate" } },
          "spec": { "template": { "spec": { "restartPolicy": "Never", "containers": [{ "name": "c", "image": "i" }] } } },
          "status": { "conditions": [{ "type": "Complete", "status": "True" }] } }),
    );
}

async fn world_of(simulator: Simulator, app: Value) -> World {
    put_hook(&simulator);
    let mut world = World::with(simulator, |_| ()).await;
    world.put_app(app);
    world.until_live().await;
    world
}

fn log(world: &World) -> Vec<RequestEntry> {
    RequestLog::new(&State::new(world.home.path().join("state"))).entries().unwrap()
}

/// The write that a request makes, by verb and resource.
fn write_of(request: &Request) -> boathook::domain::scenario::RequestMatch {
    match request {
        Request::FailHook(_) => requests(&["patch"], &["jobs/status"]),
        Request::RerunHook { .. } => requests(&["create"], &["jobs"]),
        _ => requests(&["patch"], &["applications"]),
    }
}

#[tokio::test]
async fn each_is_shown_before_it_is_sent_and_is_in_the_log() {
    for (app, request) in kinds() {
        let mut world = world_for(simulator(), app, &request).await;
        let key = world.key("a");
        let shown = world.live.preview(&key, request.clone()).await.unwrap();
        assert_eq!(shown.refusals, [], "{request:?}");
        let write = shown.write.unwrap();
        assert!(!write.says.is_empty() && write.says.iter().all(|line| !line.is_empty()), "{request:?}");
        assert_eq!(write.target == WriteTarget::Application, request.hook().is_none(), "{request:?}");
        assert!(log(&world).is_empty(), "showing sends nothing");
        let id = world.live.send(&key, request.clone(), Some(shown.seen));
        world.until("the request is over", |picture| picture.outcomes.contains_key(&id)).await;
        assert_eq!(world.picture.outcomes[&id], Outcome::Written, "{request:?}");
        let sent = &world.picture.writes[&id];
        assert_eq!(sent.says.len(), write.says.len(), "{request:?}: what was shown is what is sent");
        let log = log(&world);
        assert_eq!(log.iter().map(|entry| entry.result.as_str()).collect::<Vec<_>>(), ["", "written"], "{request:?}");
        assert!(log.iter().all(|entry| entry.at.is_some() && !entry.body.is_null() && entry.request == request.name()));
        assert_eq!(log[0].verb, if matches!(request, Request::RerunHook { .. }) { "create" } else { "patch" });
    }
}

#[tokio::test]
async fn a_conflict_is_tried_once_more_and_an_answer_that_never_came_is_not() {
    let failed = |denied: bool| Outcome::Failed { error: String::new(), denied, unreachable: false };
    let unknown = |happened: bool| Outcome::Unknown { happened: Some(happened), error: String::new() };
    let table = [
        (Action::Fail(Failure::Conflict), Outcome::Written),
        (Action::CutAfter, unknown(true)),
        (Action::Cut, unknown(false)),
        (Action::Fail(Failure::Forbidden), failed(true)),
        (Action::Fail(Failure::TooManyRequests { retry_after: 1 }), failed(false)),
        (Action::Fail(Failure::Server { code: 500, message: String::new() }), unknown(false)),
        (Action::Fail(Failure::Server { code: 504, message: String::new() }), unknown(false)),
    ];
    // At the same time: to be sure that a write did not happen takes a moment each.
    let table = &table;
    futures::future::join_all(kinds().into_iter().map(|(app, request)| async move {
        let mut world = world_for(simulator(), app.clone(), &request).await;
        for (index, (action, expected)) in table.iter().enumerate() {
            let (jobs, _) = world.simulator.store().list(&JOBS, Some("shop"));
            for job in jobs {
                let value = job.value();
                let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap().to_owned();
                world.simulator.store().remove_raw(&JOBS, "shop", &name);
            }
            put_hook(&world.simulator);
            let mut app = app.clone();
            if request == Request::Abort {
                // Another operation each time: the aborts before see to it that theirs stay aborted.
                app["status"]["operationState"]["startedAt"] = json!(format!("2026-11-22T11:00:{index:02}Z"));
            }
            world.put_app(app);
            let before = log(&world).len();
            let fault = world.simulator.faults().add(Fault::new(write_of(&request), action.clone()).times(1));
            let mut outcome = world.ask("a", request.clone(), None).await;
            let words = match &mut outcome {
                Outcome::Unknown { error, .. } | Outcome::Failed { error, .. } => std::mem::take(error),
                _ => String::new(),
            };
            assert_eq!(outcome, *expected, "{request:?} {action:?}: {words}");
            assert_eq!(world.simulator.faults().met(fault), 1, "{request:?} {action:?}");
            let results: Vec<_> = log(&world).into_iter().skip(before).map(|entry| entry.result).collect();
            // Sent once, and once more only where the answer was that it did not happen because of another's write.
            let tries = if *expected == Outcome::Written { 2 } else { 1 };
            // What came of it in the end is there too.
            let looks = match expected {
                Outcome::Unknown { happened: Some(true), .. } => vec!["read back: it was written"],
                Outcome::Unknown { .. } => vec!["read back: it was not written"],
                _ => Vec::new(),
            };
            assert_eq!(results.len(), 2 * tries + looks.len(), "{request:?} {action:?}: {results:?}");
            assert!(looks.iter().all(|look| results.last().is_some_and(|last| last == look)), "{results:?}");
        }
    }))
    .await;
}

#[tokio::test]
async fn a_conflict_with_a_change_that_matters_is_told_and_nothing_is_written() {
    let (clock, driver) = Clock::driven("2026-11-22T12:00:00Z".parse().unwrap());
    let options = SimulatorOptions { controllers: false, clock, ..SimulatorOptions::default() };
    let mut world = world_of(Simulator::start(options).unwrap(), app("a")).await;
    let patches = requests(&["patch"], &["applications"]);
    let delay = Fault::new(patches, Action::Delay(Duration::from_secs(5))).times(1);
    let fault = world.simulator.faults().add(delay);
    let id = world.live.send(&world.key("a"), sync(|order| order.prune = true), None);
    world.until("it is on its way", |picture| picture.sent.contains_key(&id)).await;
    let faults = world.simulator.faults().clone();
    while faults.met(fault) == 0 {
        tokio::task::yield_now().await;
    }
    driver.wait_for_sleepers(1).await;
    let mut other = world.app("a");
    other["spec"]["source"]["targetRevision"] = json!("another-branch");
    world.put_app(other);
    driver.advance(Duration::from_secs(6));
    world.until("it is over", |picture| picture.outcomes.contains_key(&id)).await;
    assert_eq!(world.picture.outcomes[&id], Outcome::Changed(vec![Changed::Spec]));
    assert_eq!(world.app("a").get("operation"), None);
}

#[tokio::test]
async fn a_missing_right_is_known_before_and_named() {
    let deny = |verb: &str, resource: &str| AccessRule {
        allow: false,
        verbs: vec![Pattern::new(verb)],
        groups: Vec::new(),
        resources: vec![Pattern::new(resource)],
        namespaces: Vec::new(),
        names: Vec::new(),
        reason: String::new(),
    };
    for (app, request) in kinds() {
        let (verb, resource, right) = match &request {
            Request::FailHook(_) => ("patch", "jobs/status", "patch jobs/status.batch in namespace shop"),
            Request::RerunHook { .. } => ("create", "jobs", "create jobs.batch in namespace shop"),
            _ => ("patch", "applications", "patch applications.argoproj.io in namespace argocd"),
        };
        let simulator = simulator();
        simulator.access().restrict("admin", &[deny(verb, resource)]);
        let mut world = world_for(simulator, app, &request).await;
        let key = world.open("a").await;
        if request.hook().is_some() {
            world
                .until("the rights about hooks", |picture| {
                    picture.rights.iter().any(|rights| rights.namespace.as_deref() == Some("shop"))
                })
                .await;
        }
        let shown = world.live.preview(&key, request.clone()).await.unwrap();
        let expected = vec![Refusal::MissingRight(right.to_owned())];
        assert_eq!(shown.refusals, expected, "{request:?}");
        assert_eq!(world.ask("a", request.clone(), None).await, Outcome::Refused(expected), "{request:?}");
        assert!(log(&world).is_empty(), "nothing was sent");
    }
}

#[tokio::test]
async fn a_right_that_is_missing_elsewhere_stops_nothing_here() {
    let simulator = simulator();
    let rule = AccessRule {
        allow: false,
        verbs: vec![Pattern::new("create")],
        groups: Vec::new(),
        resources: vec![Pattern::new("jobs")],
        namespaces: vec![Pattern::new("warehouse")],
        names: Vec::new(),
        reason: String::new(),
    };
    simulator.access().restrict("admin", &[rule]);
    let mut world = world_of(simulator, busy()).await;
    let mut other = app("b");
    other["spec"]["destination"]["namespace"] = json!("warehouse");
    world.put_app(other);
    world.open("b").await;
    world.open("a").await;
    for namespace in ["warehouse", "shop"] {
        world
            .until("rights", |picture| {
                picture.rights.iter().any(|rights| rights.namespace.as_deref() == Some(namespace))
            })
            .await;
    }
    let rerun = Request::RerunHook { hook: hook(), why: "flaky".into() };
    assert_eq!(world.ask("a", rerun, None).await, Outcome::Written);
}

#[tokio::test]
async fn what_speaks_against_a_request_is_known_before() {
    let with = |mut app: Value, path: &str, field: &str, value: Value| {
        app.pointer_mut(path).unwrap()[field] = value;
        app
    };
    let nothing = |words: &'static str| Refusal::Nothing(words);
    let rollback = || Request::Rollback { id: 3, prune: false, hooks: false };
    let mut automated_failed = failed();
    automated_failed["spec"]["syncPolicy"]["automated"] = json!({});
    let skipping = with(app("a"), "/metadata", "annotations", json!({ "argocd.argoproj.io/skip-reconcile": "true" }));
    let table: Vec<(Value, Request, Refusal)> = vec![
        (busy(), sync(|_| ()), Refusal::Busy { by: "alice".into() }),
        (deleting(), sync(|_| ()), Refusal::Deleting),
        (skipping, sync(|_| ()), Refusal::SkipsReconcile),
        (automated_failed, rollback(), Refusal::Automated),
        (automated(), sync(|order| order.revision = "v2".into()), Refusal::Automated),
        (
            app("a"),
            sync(|order| order.revisions = vec!["x".into(), "y".into()]),
            Refusal::Revisions { sources: 1, revisions: 2 },
        ),
        (failed(), Request::Resume, Refusal::OnlyEngine),
        (app("a"), Request::Retry, nothing("the last operation succeeded")),
        (app("a"), Request::Abort, nothing("no operation is in progress")),
        (app("a"), Request::AutoSync(AutoSync::Off), nothing("automated sync is off already")),
        (
            app("a"),
            Request::Confirm(Confirmation::Prune),
            nothing("no operation is in progress that could wait for it"),
        ),
        (app("a"), Request::Confirm(Confirmation::Delete), nothing("the application is not being deleted")),
        (app("a"), Request::RepairGhost, nothing("there is nothing to repair")),
        (app("a"), Request::FailHook(hook()), nothing("no operation is in progress")),
    ];
    for (app, request, expected) in table {
        let mut world = world_of(simulator(), app).await;
        let shown = world.live.preview(&world.key("a"), request.clone()).await.unwrap();
        assert_eq!(shown.refusals, std::slice::from_ref(&expected), "{request:?}");
        assert_eq!(world.ask("a", request.clone(), None).await, Outcome::Refused(vec![expected]), "{request:?}");
        assert!(log(&world).is_empty(), "nothing was sent");
    }
    // A dry run of another revision changes nothing that automated sync would undo.
    let mut world = world_of(simulator(), automated()).await;
    let dry = sync(|order| {
        order.revision = "v2".into();
        order.dry_run = true;
    });
    assert_eq!(world.ask("a", dry, None).await, Outcome::Written);
}

#[tokio::test]
async fn a_sync_window_denies_and_tells_when_it_does_not() {
    let mut world = world_of(simulator(), app("a")).await;
    let project = |windows: Value| {
        json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
            "metadata": { "name": "default", "namespace": "argocd" }, "spec": { "syncWindows": windows } })
    };
    let windows = json!([{ "kind": "deny", "schedule": "* * * * *", "duration": "24h", "applications": ["*"] }]);
    put(&world.simulator, &APP_PROJECTS, project(windows));
    let key = world.open("a").await;
    world.until("the window", |picture| picture.windows.get(&key).is_some_and(|window| !window.is_allowed())).await;
    let refused = world.ask("a", sync(|_| ()), None).await;
    assert!(matches!(&refused, Outcome::Refused(why) if matches!(why[..], [Refusal::Window(_)])), "{refused:?}");
    assert_eq!(world.ask("a", Request::Refresh { hard: false }, None).await, Outcome::Written, "only syncs are denied");
    put(&world.simulator, &APP_PROJECTS, project(json!([])));
    world.until("it is open", |picture| picture.windows.get(&key).is_some_and(Decision::is_allowed)).await;
    assert_eq!(world.ask("a", sync(|_| ()), None).await, Outcome::Written);
}

#[tokio::test]
async fn every_option_of_a_sync_is_written_as_argo_cd_reads_it() {
    type Change = Box<dyn FnOnce(&mut SyncOrder)>;
    let selector =
        Selector { group: "apps".into(), kind: "Deployment".into(), namespace: "shop".into(), name: "web".into() };
    let table: Vec<(Change, &str, Value)> = vec![
        (Box::new(|order| order.revision = REVISION.into()), "/revision", json!(REVISION)),
        (Box::new(|order| order.prune = true), "/prune", json!(true)),
        (Box::new(|order| order.dry_run = true), "/dryRun", json!(true)),
        (Box::new(|order| order.strategy = Strategy::Apply { force: false }), "/syncStrategy", json!({ "apply": {} })),
        (
            Box::new(|order| order.strategy = Strategy::Hook { force: true }),
            "/syncStrategy",
            json!({ "hook": { "force": true } }),
        ),
        (
            Box::new(move |order| order.resources = vec![selector]),
            "/resources",
            json!([{ "group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web" }]),
        ),
        (
            Box::new(|order| order.sync_options = Some(vec!["ServerSideApply=true".into(), "Replace=true".into()])),
            "/syncOptions",
            json!(["ServerSideApply=true", "Replace=true"]),
        ),
    ];
    for (change, path, expected) in table {
        let mut world = world_of(simulator(), app("a")).await;
        assert_eq!(world.ask("a", sync(change), None).await, Outcome::Written, "{path}");
        assert_eq!(world.app("a")["operation"]["sync"].pointer(path), Some(&expected), "{path}");
    }
    let mut world = world_of(simulator(), app("a")).await;
    let order = sync(|order| {
        order.retry = Some(Retry { limit: 7, ..Retry::default() });
        order.info = vec![Info { name: "Reason".into(), value: "release 42".into() }];
    });
    assert_eq!(world.ask("a", order, None).await, Outcome::Written);
    let operation = world.app("a")["operation"].clone();
    assert_eq!(operation["retry"]["limit"], 7);
    assert_eq!(operation["info"], json!([{ "name": "Reason", "value": "release 42" }]));
    assert_eq!(operation["initiatedBy"], json!({ "username": "admin" }));
}

#[tokio::test]
async fn an_abort_that_the_controller_writes_over_is_repeated() {
    let mut world = world_of(simulator(), busy()).await;
    let key = world.open("a").await;
    assert_eq!(world.ask("a", Request::Abort, None).await, Outcome::Written);
    // A controller that had read it before writes what it had read.
    let mut over = world.app("a");
    over["status"]["operationState"]["phase"] = json!("Running");
    over["status"]["operationState"]["message"] = json!("written over");
    world.put_app(over);
    world
        .until("it is aborted again", |picture| {
            let state = picture.applications.get(&key).and_then(|own| own.status.operation_state.as_ref());
            state.is_some_and(|state| {
                state.message == "written over" && format!("{:?}", state.phase) == "Some(Terminating)"
            })
        })
        .await;
    world.live.stop().await;
    let results: Vec<_> = log(&world).into_iter().map(|entry| entry.result).collect();
    assert_eq!(results, ["", "written", "", "written"], "what is written again is in the log too");
}

/// Within the second after an abort the application is synced again, or its retry begins: nobody has asked to abort that.
#[tokio::test]
async fn an_abort_never_ends_another_operation() {
    let change: [fn(&mut Value); 4] = [
        |next| next["status"]["operationState"]["startedAt"] = json!("2026-11-22T11:00:07Z"),
        |next| next["status"]["operationState"]["retryCount"] = json!(1),
        |next| next["metadata"]["uid"] = json!("another"),
        |next| next["operation"]["sync"]["revision"] = json!(REVISION),
    ];
    for change in change {
        let mut world = world_of(simulator(), busy()).await;
        assert_eq!(world.ask("a", Request::Abort, None).await, Outcome::Written);
        let mut next = busy();
        next["metadata"]["uid"] = world.app("a")["metadata"]["uid"].clone();
        change(&mut next);
        world.put_app(next);
        // It ends when the request has nothing left to do.
        world.live.stop().await;
        assert_eq!(world.app("a")["status"]["operationState"]["phase"], "Running");
        assert_eq!(log(&world).len(), 2, "nothing more was sent");
    }
}

#[tokio::test]
async fn the_engine_is_asked_to_resume_without_losing_the_state_it_resumes_from() {
    let mut world = world_of(simulator(), failed()).await;
    run_engine(&mut world).await;
    assert_eq!(world.ask("a", Request::Resume, None).await, Outcome::Written);
    let app = world.app("a");
    assert_eq!(app["operation"].get("sync"), None, "Argo CD would end it and run nothing");
    assert_eq!(app["operation"]["info"], json!([{ "name": "boathook.dev/resume", "value": "2026-11-22T10:00:00Z" }]));
    assert_eq!(app["status"]["operationState"]["syncResult"]["revision"], REVISION);
}

#[tokio::test]
async fn a_ghost_is_recognised_repaired_and_no_obstacle() {
    let mut world = world_of(simulator(), ghost()).await;
    let key = world.key("a");
    world.until("a ghost", |picture| picture.apps.get(&key).is_some_and(AppSummary::has_ghost_operation)).await;
    let shown = world.live.preview(&key, sync(|_| ())).await.unwrap();
    assert_eq!(shown.refusals, [], "a new operation clears it");
    assert_eq!(world.ask("a", Request::RepairGhost, None).await, Outcome::Written);
    let state = world.app("a")["status"]["operationState"].clone();
    assert_eq!(state["phase"], "Failed");
    assert!(state["finishedAt"].is_string());
    assert_eq!(state["startedAt"], "2026-11-22T11:00:00Z", "the rest of it stays");
    world.until("none any more", |picture| picture.apps.get(&key).is_some_and(|app| !app.has_ghost_operation())).await;
}
