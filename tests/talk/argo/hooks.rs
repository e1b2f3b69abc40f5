//! Hooks of operations that run: found, watched, and their logs kept.

use boathook::domain::live::{HookAccess, LogFilter, SourceEnd, WatchState, Watched};
use boathook::domain::manifest::ObjectKey;
use boathook::domain::timeline::{OperationView, TaskKey, TaskPhase, TaskState};
use boathook::sim::faults::{Action, Fault, WatchOrder, requests};
use boathook::sim::logs::RunKey;
use boathook::sim::resource::{JOBS, PODS};
use boathook::store::{OperationId, State};
use jiff::{Timestamp, ToSpan as _};
use proptest::prelude::*;
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

/// What a container writes, in pieces, and what goes wrong meanwhile.
fn story() -> impl Strategy<Value = Vec<(Vec<u8>, u8)>> {
    let piece = prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| bytes.into_iter().filter(|byte| *byte != b'\n').collect()),
        4 => Just(b"the same line".to_vec()),
        1 => Just(vec![b'x'; 70_000]),
        3 => Just(Vec::new()),
    ];
    proptest::collection::vec((piece, 0..6_u8), 1..20)
}

/// What was written, line by line.
pub(super) fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    if lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    lines
}

pub(super) fn cases(most: u32) -> u32 {
    std::env::var("BOATHOOK_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(256_u32).min(most)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(24), failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a container writes, and whatever happens to the connections: what is on disk is what it wrote.
    #[test]
    fn what_is_captured_is_what_was_written(story in story()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(capture(&story));
    }
}

async fn capture(story: &[(Vec<u8>, u8)]) {
    let mut world = World::new().await;
    world.put_app(running("a", &json!([hook_result("migrate", "Running")])));
    let app = world.key("a");
    let job = put_job(&world);
    let logs = world.simulator.logs().clone();
    logs.start(&key("pod-1"));
    put(&world.simulator, &PODS, pod(&job, "pod-1", &up(), 0));
    let mut written = Vec::new();
    let faults = world.simulator.faults().clone();
    let tails = || requests(&["get"], &["pods/log"]);
    for (index, (piece, fault)) in (0_i64..).zip(story) {
        match fault {
            1 => drop(faults.add(Fault::new(tails(), Action::Truncate { after: 150 }).times(1))),
            2 => drop(faults.add(Fault::new(tails(), Action::Cut).times(1))),
            3 => drop(world.simulator.restart().await),
            4 => faults.order(requests(&["watch"], &[]), WatchOrder::Cut),
            _ => {}
        }
        // Several pieces a second: a reconnect gets some lines again.
        logs.write(&key("pod-1"), at(index * 250), piece);
        written.extend_from_slice(piece);
        written.push(b'\n');
    }
    faults.clear();
    logs.end(&key("pod-1"));
    put(&world.simulator, &PODS, pod(&job, "pod-1", &ended(0), 0));
    let id = OperationId { started_at: STARTED.parse().unwrap(), retry_count: 0 };
    let (live, state) = (world.live.clone(), State::new(world.home.path().join("state")));
    let folder = || state.operation(&live.stored(&app), id);
    let complete = || folder().logs().is_ok_and(|logs| logs.iter().any(|log| log.info.complete));
    world.until("the capture is complete", |_| complete()).await;
    let mut reader = folder().logs().unwrap()[0].read().unwrap();
    let mut read = Vec::new();
    while let Some(line) = reader.next_line().unwrap() {
        read.push(line.text);
    }
    assert_eq!(read.len(), lines(&written).len());
    assert!(read == lines(&written), "the bytes differ");
}
