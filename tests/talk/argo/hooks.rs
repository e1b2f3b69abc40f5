//! Hooks of operations that run: found, watched, and their logs kept.

use std::time::Duration;

use boathook::clock::Clock;
use boathook::domain::live::{HookAccess, LogFilter, SourceEnd, WatchState, Watched};
use boathook::domain::manifest::ObjectKey;
use boathook::domain::timeline::{OperationView, TaskKey, TaskPhase, TaskState};
use boathook::sim::faults::{Action, Fault, WatchOrder, requests};
use boathook::sim::logs::RunKey;
use boathook::sim::resource::{JOBS, PODS};
use boathook::sim::store::Random;
use boathook::store::{KeptLog, OperationId, State};
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::world::{Picture, World, app, hook_result, put, running};

pub(super) const STARTED: &str = "2026-11-22T11:00:00Z";

pub(super) fn task(phase: TaskPhase) -> TaskKey {
    TaskKey { phase, object: ObjectKey::new("batch", "Job", "shop", "migrate") }
}

/// The hook's Job, untracked by anything but the results; its UID.
pub(super) fn put_job(world: &World) -> String {
    let job = put(
        &world.simulator,
        &JOBS,
        json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "migrate", "namespace": "shop", "creationTimestamp": "2026-11-22T11:00:01Z",
            "annotations": { "argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/tracking-id": "a:batch/Job:shop/migrate" } },
          "spec": { "backoffLimit": 1, "completions": 1, "parallelism": 1 }, "status": { "active": 1 } }),
    );
    job["metadata"]["uid"].as_str().unwrap().to_owned()
}

pub(super) fn pod(job: &str, uid: &str, state: &Value, restart: u32) -> Value {
    let phase = match (state.get("running"), state.pointer("/terminated/exitCode").and_then(Value::as_i64)) {
        (Some(_), _) => "Running",
        (_, Some(0)) => "Succeeded",
        (_, Some(_)) => "Failed",
        _ => "Pending",
    };
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "migrate-x1", "namespace": "shop", "uid": uid, "creationTimestamp": "2026-11-22T11:00:01Z",
            "ownerReferences": [{ "apiVersion": "batch/v1", "kind": "Job", "name": "migrate", "uid": job, "controller": true }] },
        "spec": { "nodeName": "n", "restartPolicy": "Never", "containers": [{ "name": "main", "image": "i" }] },
        "status": { "phase": phase, "containerStatuses": [{ "name": "main", "restartCount": restart, "state": state }] } })
}

pub(super) fn up() -> Value {
    json!({ "running": { "startedAt": "2026-11-22T11:00:02Z" } })
}

pub(super) fn ended(code: i64) -> Value {
    json!({ "terminated": { "exitCode": code, "reason": "Error", "startedAt": "2026-11-22T11:00:02Z", "finishedAt": "2026-11-22T11:00:09Z" } })
}

pub(super) fn key(uid: &str) -> RunKey {
    RunKey { pod: uid.to_owned(), container: "main".to_owned(), restart: 0 }
}

pub(super) fn at(millis: i64) -> Timestamp {
    "2026-11-22T11:00:02Z".parse::<Timestamp>().unwrap() + millis.milliseconds()
}

pub(super) fn view(picture: &Picture, world_key: &boathook::domain::application::AppKey) -> Option<OperationView> {
    Some(picture.timelines.get(world_key)?.view(at(60_000)))
}

/// The number of pods that were seen.
pub(super) fn pods(picture: &Picture, world_key: &boathook::domain::application::AppKey) -> usize {
    let attempts = || Some(view(picture, world_key)?.task(&task(TaskPhase::PreSync))?.attempts.clone());
    attempts().unwrap_or_default().iter().map(|attempt| attempt.pods.len()).sum()
}

pub(super) fn state_of(picture: &Picture, world_key: &boathook::domain::application::AppKey) -> Option<TaskState> {
    Some(view(picture, world_key)?.task(&task(TaskPhase::PreSync))?.state)
}

#[tokio::test]
async fn a_hook_that_ended_is_told_before_argo_cd_records_it() {
    let mut world = World::new().await;
    world.put_app(running("a", &json!([hook_result("migrate", "Running")])));
    let app = world.key("a");
    let job = put_job(&world);
    put(&world.simulator, &PODS, pod(&job, "pod-1", &up(), 0));
    world.until("the pod is seen", |picture| pods(picture, &app) == 1).await;
    assert!(matches!(world.picture.access[&app], HookAccess::Watched { .. }), "without anybody opening it");
    put(&world.simulator, &PODS, pod(&job, "pod-1", &ended(3), 0));
    world
        .until("the exit code", |picture| {
            let exit = || view(picture, &app)?.task(&task(TaskPhase::PreSync))?.exit.clone();
            exit().is_some_and(|exit| exit.code == Some(3))
        })
        .await;
}

#[tokio::test]
async fn a_pod_that_comes_before_its_job_is_told_after_it() {
    let mut world = World::new().await;
    put(&world.simulator, &PODS, pod("the-job", "pod-1", &up(), 0));
    world.put_app(running("a", &json!([hook_result("migrate", "Running")])));
    let app = world.key("a");
    let pods = Watched::Hooks { kind: "pods".into(), namespace: "shop".into() };
    world.until("pods are live", |picture| picture.watches.get(&pods) == Some(&WatchState::Live)).await;
    let mut job = json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "migrate", "namespace": "shop", "uid": "the-job", "creationTimestamp": "2026-11-22T11:00:01Z" },
        "spec": {}, "status": { "active": 1 } });
    job["spec"]["backoffLimit"] = json!(1);
    put(&world.simulator, &JOBS, job);
    world.until("both", |picture| state_of(picture, &app) == Some(TaskState::Running)).await;
}

#[tokio::test]
async fn a_log_outlives_its_pod_and_a_stream_reads_it_from_disk() {
    let mut world = World::new().await;
    world.put_app(running("a", &json!([hook_result("migrate", "Running")])));
    let app = world.key("a");
    let job = put_job(&world);
    let logs = world.simulator.logs().clone();
    logs.start(&key("pod-1"));
    for line in [&b"one"[..], b"two \x1b[31mred\x1b[0m", b"\xff\xfe not text"] {
        logs.write(&key("pod-1"), at(0), line);
    }
    put(&world.simulator, &PODS, pod(&job, "pod-1", &up(), 0));
    world.until("the pod is seen", |picture| pods(picture, &app) == 1).await;
    logs.write(&key("pod-1"), at(10), b"last");
    logs.end(&key("pod-1"));
    put(&world.simulator, &PODS, pod(&job, "pod-1", &ended(1), 0));
    let id = OperationId { started_at: STARTED.parse().unwrap(), retry_count: 0 };
    let folder = State::new(world.home.path().join("state")).operation(&world.live.stored(&app), id);
    let complete = || folder.logs().is_ok_and(|logs| logs.iter().any(|log| log.info.complete));
    world.until("the capture is complete", |_| complete()).await;
    world.simulator.store().remove_raw(&PODS, "shop", "migrate-x1");
    logs.forget("pod-1");
    let read = world.logs("a", LogFilter { hook: "migrate".into(), ..LogFilter::default() }).await;
    assert_eq!(read.len(), 1);
    let (source, text, end) = &read[0];
    assert_eq!(text, b"one\ntwo \x1b[31mred\x1b[0m\n\xff\xfe not text\nlast\n");
    assert_eq!((source.pod.as_str(), source.phase, end), ("migrate-x1", TaskPhase::PreSync, &SourceEnd::Complete));
    assert_eq!(folder.logs().unwrap()[0].info.exit.as_ref().unwrap().code, Some(1));
    let mut done = super::world::running("a", &json!([hook_result("migrate", "Failed")]));
    done["status"]["operationState"]["phase"] = json!("Failed");
    done["status"]["operationState"]["finishedAt"] = json!("2026-11-22T11:00:20Z");
    done.as_object_mut().unwrap().remove("operation");
    world.put_app(done);
    world.until("it is recorded", |picture| !picture.records.is_empty()).await;
    let history = world.live.history(&app).await.unwrap();
    assert_eq!((history.len(), history[0].phase.as_str(), history[0].initiated_by.as_str()), (1, "Failed", "alice"));
    assert_eq!(history[0].tasks[0].exit.as_ref().and_then(|exit| exit.code), Some(1));
}

#[tokio::test]
async fn a_hook_without_access_says_what_is_missing() {
    let mut world = World::new().await;
    let mut app = app("a");
    app["spec"]["destination"] = json!({ "server": "https://elsewhere.example.com", "namespace": "shop" });
    world.put_app(app);
    let key = world.open("a").await;
    world.until("no access", |picture| matches!(picture.access.get(&key), Some(HookAccess::None { .. }))).await;
    let HookAccess::None { cluster, missing } = &world.picture.access[&key] else { panic!() };
    assert_eq!(&**cluster, "https://elsewhere.example.com");
    assert!(missing.contains("no cluster Secret for https://elsewhere.example.com in namespace argocd"), "{missing}");
    world.until("its row all the same", |picture| picture.apps.contains_key(&key)).await;
}

/// What a container writes in one line.
fn piece(random: &mut Random) -> Vec<u8> {
    match random.below(8) {
        0..3 => {
            let bytes = (0..random.below(40)).map(|_| u8::try_from(random.below(256)).unwrap());
            bytes.filter(|byte| *byte != b'\n').collect()
        }
        3..6 => b"the same line".to_vec(),
        6 => vec![b'x'; 70_000],
        _ => Vec::new(),
    }
}

/// Whatever containers write, whether they are run again, and whatever happens to the connections: what is on disk is what
/// they wrote.
async fn capture(seed: u64) {
    let context = format!("BOATHOOK_SEED={seed}");
    let mut random = Random::new(seed);
    let mut world = World::new().await;
    world.put_app(running("a", &json!([hook_result("migrate", "Running")])));
    let app = world.key("a");
    let job = put_job(&world);
    let logs = world.simulator.logs().clone();
    let faults = world.simulator.faults().clone();
    let runs = 1 + u32::try_from(random.below(2)).unwrap();
    let run = |restart: u32| RunKey { restart, ..key("pod-1") };
    let mut written = vec![Vec::new(); runs as usize];
    let mut now = 0;
    for restart in 0..runs {
        logs.start(&run(restart));
        let with = |state: &Value| {
            let mut pod = pod(&job, "pod-1", state, restart);
            pod["spec"]["restartPolicy"] = json!("OnFailure");
            if restart > 0 {
                pod["status"]["containerStatuses"][0]["lastState"] = ended(1);
            }
            pod
        };
        put(&world.simulator, &PODS, with(&up()));
        for _ in 0..random.below(20) {
            match random.below(12) {
                0 => {
                    faults.add(super::faults::fault(&mut random));
                }
                1 => {
                    let tails = requests(&["get"], &["pods/log"]);
                    let after = usize::try_from(random.below(400)).unwrap();
                    faults.add(Fault::new(tails, Action::Truncate { after }).times(1));
                }
                2 => {
                    faults.add(Fault::new(requests(&["get"], &["pods/log"]), Action::Cut).times(1));
                }
                3 => world.simulator.restart().await.unwrap(),
                4 => faults.order(requests(&["watch"], &[]), WatchOrder::Cut),
                5 => Clock::real().sleep(Duration::from_millis(random.below(10))).await,
                _ => {}
            }
            // Several lines a second, and at one time: a reconnect gets some of them again.
            now += [0, 1, 250, 1500][usize::try_from(random.below(4)).unwrap()];
            let line = piece(&mut random);
            logs.write(&run(restart), at(now), &line);
            written[restart as usize].push(line);
        }
        logs.end(&run(restart));
        put(&world.simulator, &PODS, with(&ended(i64::from(restart + 1 < runs))));
    }
    faults.clear();
    faults.order(requests(&["watch"], &[]), WatchOrder::Cut);
    let id = OperationId { started_at: STARTED.parse().unwrap(), retry_count: 0 };
    let (live, state) = (world.live.clone(), State::new(world.home.path().join("state")));
    let complete = || -> Vec<KeptLog> {
        let logs = state.operation(&live.stored(&app), id).logs().unwrap_or_default();
        logs.into_iter().filter(|log| log.info.complete).collect()
    };
    world.until(&format!("{context}: the logs are complete"), |_| complete().len() == written.len()).await;
    for log in complete() {
        let mut reader = log.read().unwrap();
        let read: Vec<Vec<u8>> = std::iter::from_fn(|| reader.next_line().unwrap()).map(|line| line.text).collect();
        let own = &written[log.info.restart as usize];
        assert_eq!(read.len(), own.len(), "{context}: lines of run {}", log.info.restart);
        assert!(read == *own, "{context}: the bytes of run {} differ", log.info.restart);
    }
    // What it writes must not come after the end of its folder.
    world.live.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_captured_is_what_was_written() {
    super::seeds::each(capture).await;
}
