//! Logs that outlive their hook: restarts, retries, several boathooks, other kinds of hooks.

use boathook::argo::{Live, LogLines};
use boathook::clock::Clock;
use boathook::domain::application::AppKey;
use boathook::domain::live::{LogFilter, LogMessage, LogSource, SourceEnd, WatchState, Watched};
use boathook::sim::logs::RunKey;
use boathook::sim::resource::{APPLICATIONS, JOBS, PODS, WORKFLOWS};
use boathook::sim::server::Simulator;
use boathook::store::{KeptLog, OperationId, State};
use serde_json::{Value, json};

use super::hooks::{STARTED, at, ended, key, pod, put_job, up};
use super::world::{Picture, World, hook_result, options, put, running, simulator};

fn run(pod: &str, container: &str, restart: u32) -> RunKey {
    RunKey { pod: pod.to_owned(), container: container.to_owned(), restart }
}

/// What is kept of an attempt.
pub(super) fn kept(world: &World, app: &AppKey, retry_count: i64) -> Vec<KeptLog> {
    let id = OperationId { started_at: STARTED.parse().unwrap(), retry_count };
    let state = State::new(world.home.path().join("state"));
    state.operation(&world.live.stored(app), id).logs().unwrap()
}

pub(super) fn text(log: &KeptLog) -> String {
    let mut reader = log.read().unwrap();
    let mut text = String::new();
    while let Some(line) = reader.next_line().unwrap() {
        text.push_str(&String::from_utf8_lossy(&line.text));
        text.push('\n');
    }
    text
}

/// Takes in events until so many logs of an attempt are complete.
pub(super) async fn until_complete(world: &mut World, app: &AppKey, retry_count: i64, count: usize) -> Vec<KeptLog> {
    let (live, state) = (world.live.clone(), State::new(world.home.path().join("state")));
    let id = OperationId { started_at: STARTED.parse().unwrap(), retry_count };
    let complete = || {
        let logs = state.operation(&live.stored(app), id).logs().unwrap_or_default();
        logs.iter().filter(|log| log.info.complete).count() >= count
    };
    world.until("the logs are complete", |_| complete()).await;
    kept(world, app, retry_count)
}

/// Reads a live stream until a line of this text has come.
pub(super) async fn until_line(live: &Live, app: &AppKey, wanted: &str) {
    let mut lines = live.logs(app, LogFilter { follow: true, all_attempts: true, ..LogFilter::default() });
    until_line_of(&mut lines, wanted).await;
}

/// Reads a stream until a line of this text has come; all lines up to it.
pub(super) async fn until_line_of(lines: &mut LogLines, wanted: &str) -> Vec<(Option<LogSource>, String)> {
    let mut sources: Vec<LogSource> = Vec::new();
    let mut all = Vec::new();
    let wait = async {
        while let Some(message) = lines.recv().await {
            match message {
                LogMessage::Source(source) => sources.push(source),
                LogMessage::Lines(lines) => {
                    for line in lines {
                        let source = sources.iter().find(|source| source.id == line.source).cloned();
                        all.push((source, String::from_utf8_lossy(&line.text).into_owned()));
                    }
                }
                _ => {}
            }
            if all.iter().any(|(_, text)| text == wanted) {
                return;
            }
        }
        panic!("the stream ended before {wanted:?} came");
    };
    Clock::real().timeout(std::time::Duration::from_secs(60), wait).await.expect("the line never came");
    all
}

pub(super) async fn started() -> (World, AppKey, String) {
    started_in(World::new().await).await
}

/// An operation whose hook's Job is there and has no pod yet: the world, the application, and the Job's UID.
pub(super) async fn started_in(mut world: World) -> (World, AppKey, String) {
    world.put_app(running("a", &json!([hook_result("migrate", "Running")])));
    world.until_live().await;
    // What comes and goes before the first list is complete is never told.
    let hooks = ["jobs", "pods"].map(|kind| Watched::Hooks { kind: kind.into(), namespace: "shop".into() });
    let is_live = |picture: &Picture| hooks.iter().all(|one| picture.watches.get(one) == Some(&WatchState::Live));
    world.until("hooks are watched", is_live).await;
    let app = world.key("a");
    let job = put_job(&world);
    (world, app, job)
}

/// A container's status between, before and after restarts.
fn restarted(job: &str, restart: u32, state: &Value, last: Option<Value>) -> Value {
    let mut pod = pod(job, "pod-1", state, restart);
    pod["spec"]["restartPolicy"] = json!("OnFailure");
    if let Some(last) = last {
        pod["status"]["containerStatuses"][0]["lastState"] = last;
    }
    pod
}

#[tokio::test]
async fn every_run_of_a_restarted_container_is_kept() {
    let (mut world, app, job) = started().await;
    let logs = world.simulator.logs().clone();
    logs.start(&run("pod-1", "main", 0));
    logs.write(&run("pod-1", "main", 0), at(0), b"first");
    put(&world.simulator, &PODS, restarted(&job, 0, &up(), None));
    until_line(&world.live, &app, "first").await;
    logs.write(&run("pod-1", "main", 0), at(100), b"first fails");
    logs.end(&run("pod-1", "main", 0));
    // It waits, and the API gives the log of the run before; then it runs again in the same second.
    let waiting = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
    put(&world.simulator, &PODS, restarted(&job, 0, &waiting, Some(ended(1))));
    logs.start(&run("pod-1", "main", 1));
    logs.write(&run("pod-1", "main", 1), at(200), b"second");
    put(&world.simulator, &PODS, restarted(&job, 1, &up(), Some(ended(1))));
    until_line(&world.live, &app, "second").await;
    logs.end(&run("pod-1", "main", 1));
    put(&world.simulator, &PODS, restarted(&job, 1, &ended(0), Some(ended(1))));
    let mut kept = until_complete(&mut world, &app, 0, 2).await;
    kept.sort_by_key(|log| log.info.restart);
    let told: Vec<_> = kept.iter().map(|log| (text(log), log.info.exit.as_ref().and_then(|exit| exit.code))).collect();
    assert_eq!(told, [("first\nfirst fails\n".to_owned(), Some(1)), ("second\n".to_owned(), Some(0))]);
}

#[tokio::test]
async fn the_run_before_a_restart_is_read_by_who_comes_late() {
    let simulator = simulator();
    let logs = simulator.logs().clone();
    for (restart, line) in [(0, &b"lost"[..]), (1, b"previous"), (2, b"current")] {
        let run = run("pod-1", "main", restart);
        logs.start(&run);
        logs.write(&run, at(i64::from(restart) * 1000), line);
        if restart < 2 {
            logs.end(&run);
        }
    }
    put(&simulator, &APPLICATIONS, running("a", &json!([hook_result("migrate", "Running")])));
    let mut world = World::with(simulator, |_| ()).await;
    let job = put_job(&world);
    put(&world.simulator, &PODS, restarted(&job, 2, &up(), Some(ended(1))));
    let app = world.key("a");
    until_line(&world.live, &app, "current").await;
    logs.end(&run("pod-1", "main", 2));
    put(&world.simulator, &PODS, restarted(&job, 2, &ended(0), Some(ended(1))));
    let kept = until_complete(&mut world, &app, 0, 2).await;
    let mut told: Vec<_> = kept.iter().map(|log| (log.info.restart, text(log))).collect();
    told.sort();
    assert_eq!(told, [(1, "previous\n".to_owned()), (2, "current\n".to_owned())], "the API gives only two of them");
}

/// A connection that is cut while the container restarts: what comes next is another run's.
#[tokio::test]
async fn a_reconnect_does_not_take_the_next_run_for_the_one_before() {
    use boathook::sim::faults::{Action, Fault, WatchOrder, requests};
    let (mut world, app, job) = started().await;
    let logs = world.simulator.logs().clone();
    logs.start(&run("pod-1", "main", 0));
    put(&world.simulator, &PODS, restarted(&job, 0, &up(), None));
    logs.write(&run("pod-1", "main", 0), at(0), b"first");
    until_line(&world.live, &app, "first").await;
    // The watch of pods says nothing more, while logs are cut.
    world.simulator.faults().order(requests(&["watch"], &["pods"]), WatchOrder::Stall);
    let cut = world.simulator.faults().add(Fault::new(requests(&["get"], &["pods/log"]), Action::Cut).times(2));
    logs.write(&run("pod-1", "main", 0), at(100), b"first fails");
    logs.end(&run("pod-1", "main", 0));
    logs.start(&run("pod-1", "main", 1));
    logs.write(&run("pod-1", "main", 1), at(200), b"second");
    put(&world.simulator, &PODS, restarted(&job, 1, &up(), Some(ended(1))));
    let faults = world.simulator.faults().clone();
    let clock = Clock::real();
    clock.timeout(std::time::Duration::from_secs(60), faults.until_met(cut, 2)).await.expect("no reconnect");
    // The watch is made anew and tells of the restart.
    world.simulator.restart().await.unwrap();
    until_line(&world.live, &app, "second").await;
    logs.end(&run("pod-1", "main", 1));
    put(&world.simulator, &PODS, restarted(&job, 1, &ended(0), Some(ended(1))));
    let kept = until_complete(&mut world, &app, 0, 2).await;
    let mut told: Vec<_> = kept.iter().map(|log| (log.info.restart, text(log))).collect();
    told.sort();
    assert_eq!(told, [(0, "first\nfirst fails\n".to_owned()), (1, "second\n".to_owned())]);
}

#[tokio::test]
async fn a_retry_that_recreates_the_hook_keeps_both_attempts() {
    let (mut world, app, job) = started().await;
    let logs = world.simulator.logs().clone();
    logs.start(&key("pod-1"));
    logs.write(&key("pod-1"), at(0), b"attempt one");
    logs.end(&key("pod-1"));
    put(&world.simulator, &PODS, pod(&job, "pod-1", &ended(1), 0));
    assert_eq!(text(&until_complete(&mut world, &app, 0, 1).await[0]), "attempt one\n");
    // What Argo CD does: the results go, the hook is deleted and made again under its name, its pod likewise.
    let mut again = running("a", &json!([]));
    again["status"]["operationState"]["retryCount"] = json!(1);
    world.put_app(again);
    world.simulator.store().remove_raw(&JOBS, "shop", "migrate");
    world.simulator.store().remove_raw(&PODS, "shop", "migrate-x1");
    logs.forget("pod-1");
    let mut again = running("a", &json!([hook_result("migrate", "Running")]));
    again["status"]["operationState"]["retryCount"] = json!(1);
    world.put_app(again);
    let job = put(
        &world.simulator,
        &JOBS,
        json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "migrate", "namespace": "shop", "uid": "job-2", "creationTimestamp": "2026-11-22T11:01:01Z",
            "annotations": { "argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/tracking-id": "a:batch/Job:shop/migrate" } },
          "spec": { "backoffLimit": 1 }, "status": { "active": 1 } }),
    );
    let job = job["metadata"]["uid"].as_str().unwrap().to_owned();
    logs.start(&key("pod-2"));
    logs.write(&key("pod-2"), at(60_000), b"attempt two");
    let mut second = pod(&job, "pod-2", &up(), 0);
    second["metadata"]["creationTimestamp"] = json!("2026-11-22T11:01:02Z");
    put(&world.simulator, &PODS, second.clone());
    until_line(&world.live, &app, "attempt two").await;
    logs.end(&key("pod-2"));
    second["status"] = pod(&job, "pod-2", &ended(0), 0)["status"].clone();
    put(&world.simulator, &PODS, second);
    assert_eq!(text(&until_complete(&mut world, &app, 1, 1).await[0]), "attempt two\n");
    assert_eq!(text(&kept(&world, &app, 0)[0]), "attempt one\n");
    let filter = LogFilter { all_attempts: true, ..LogFilter::default() };
    let read: Vec<_> =
        world.logs("a", filter).await.into_iter().map(|(source, text, _)| (source.attempt, text)).collect();
    assert_eq!(read, [(0, b"attempt one\n".to_vec()), (1, b"attempt two\n".to_vec())]);
    let last: Vec<_> = world.logs("a", LogFilter::default()).await;
    assert_eq!(last.len(), 1, "only the last attempt, if not all are asked for");
}

#[tokio::test]
async fn pods_and_workflows_are_hooks_too() {
    let (mut world, app, _) = started().await;
    let logs = world.simulator.logs().clone();
    let result = |group: &str, kind: &str, name: &str| {
        json!({ "group": group, "version": "v1", "kind": kind, "namespace": "shop", "name": name, "status": "Synced",
            "hookType": "PreSync", "hookPhase": "Running", "syncPhase": "PreSync", "message": "" })
    };
    world.put_app(running("a", &json!([result("", "Pod", "check"), result("argoproj.io", "Workflow", "flow")])));
    put(
        &world.simulator,
        &WORKFLOWS,
        json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": { "name": "flow", "namespace": "shop", "uid": "flow", "creationTimestamp": "2026-11-22T11:00:01Z",
            "annotations": { "argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/tracking-id": "a:argoproj.io/Workflow:shop/flow" } },
            "spec": {}, "status": { "phase": "Running" } }),
    );
    let made = |name: &str, owner: Option<&str>, state: &Value| {
        let mut pod = pod("flow", name, state, 0);
        pod["metadata"]["name"] = json!(name);
        if owner.is_some() {
            pod["metadata"]["ownerReferences"][0]["kind"] = json!("Workflow");
        } else {
            pod["metadata"].as_object_mut().unwrap().remove("ownerReferences");
            pod["metadata"]["annotations"] =
                json!({ "argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/tracking-id": "a:/Pod:shop/check" });
        }
        pod
    };
    for (name, owner) in [("check", None), ("flow-1", Some("flow")), ("flow-2", Some("flow"))] {
        logs.start(&key(name));
        logs.write(&key(name), at(0), format!("of {name}").as_bytes());
        put(&world.simulator, &PODS, made(name, owner, &up()));
        until_line(&world.live, &app, &format!("of {name}")).await;
        logs.end(&key(name));
        put(&world.simulator, &PODS, made(name, owner, &ended(0)));
    }
    let kept = until_complete(&mut world, &app, 0, 3).await;
    let mut told: Vec<_> =
        kept.iter().map(|log| (log.info.hook_kind.clone(), log.info.hook.clone(), text(log))).collect();
    told.sort();
    let expected =
        [("Pod", "check", "of check\n"), ("Workflow", "flow", "of flow-1\n"), ("Workflow", "flow", "of flow-2\n")];
    assert_eq!(told, expected.map(|(kind, hook, text)| (kind.to_owned(), hook.to_owned(), text.to_owned())));
}

/// A hook that is a pod has the same name in every attempt, and logs are asked for by name.
#[tokio::test]
async fn the_log_of_a_successor_is_not_taken_for_that_of_the_pod_before() {
    let (mut world, app, job) = started().await;
    let logs = world.simulator.logs().clone();
    logs.start(&key("pod-1"));
    logs.write(&key("pod-1"), at(0), b"first");
    put(&world.simulator, &PODS, pod(&job, "pod-1", &up(), 0));
    until_line(&world.live, &app, "first").await;
    // Its connection breaks, and meanwhile another pod has got its name.
    world.simulator.refuse_connections();
    logs.end(&key("pod-1"));
    world.simulator.store().remove_raw(&PODS, "shop", "migrate-x1");
    logs.start(&key("pod-2"));
    logs.write(&key("pod-2"), at(2_000), b"second");
    put(&world.simulator, &PODS, pod(&job, "pod-2", &up(), 0));
    world.simulator.accept_connections().await.unwrap();
    until_line(&world.live, &app, "second").await;
    logs.end(&key("pod-2"));
    put(&world.simulator, &PODS, pod(&job, "pod-2", &ended(0), 0));
    let kept = until_complete(&mut world, &app, 0, 1).await;
    let mut told: Vec<_> = kept.iter().map(|log| (log.info.pod_uid.clone(), text(log))).collect();
    told.sort();
    assert_eq!(told, [("pod-1".to_owned(), "first\n".to_owned()), ("pod-2".to_owned(), "second\n".to_owned())]);
}

#[tokio::test]
async fn lines_of_any_kind_are_kept_byte_for_byte_and_read_back() {
    let (mut world, app, job) = started().await;
    let logs = world.simulator.logs().clone();
    logs.start(&key("pod-1"));
    put(&world.simulator, &PODS, pod(&job, "pod-1", &up(), 0));
    let long = vec![b'x'; 1 << 20];
    let lines: [&[u8]; 6] =
        [b"with return\r", b"", b"\x1b]0;title\x07\x1b[2J", b"\xff\xfe\x00", &long, "é 界".as_bytes()];
    for (index, line) in (0..).zip(lines) {
        logs.write(&key("pod-1"), at(index), line);
    }
    until_line(&world.live, &app, "é 界").await;
    logs.write_last(&key("pod-1"), at(10), b"and no end");
    logs.end(&key("pod-1"));
    put(&world.simulator, &PODS, pod(&job, "pod-1", &ended(0), 0));
    let kept = until_complete(&mut world, &app, 0, 1).await;
    let mut reader = kept[0].read().unwrap();
    for line in lines.into_iter().chain([&b"and no end"[..]]) {
        let read = reader.next_line().unwrap().unwrap();
        assert!(read.text == line, "{:?}", String::from_utf8_lossy(line).chars().take(40).collect::<String>());
    }
    assert_eq!(reader.next_line().unwrap(), None);
    let shown = world.logs("a", LogFilter::default()).await;
    assert!(shown[0].1.starts_with(b"with return\n\n"), "what is shown has no carriage return at its end");
    assert_eq!(shown[0].2, SourceEnd::Complete);
}

#[tokio::test]
async fn a_log_goes_on_where_an_earlier_boathook_stopped() {
    let (world, app, job) = started().await;
    let World { simulator, home, live, .. } = world;
    let logs = simulator.logs().clone();
    logs.start(&key("pod-1"));
    logs.write(&key("pod-1"), at(0), b"before");
    logs.write(&key("pod-1"), at(0), b"before");
    put(&simulator, &PODS, pod(&job, "pod-1", &up(), 0));
    until_line(&live, &app, "before").await;
    live.stop().await;
    logs.write(&key("pod-1"), at(10), b"meanwhile");
    let (live, events) = Live::start(options(home.path()), &Clock::real()).await.unwrap();
    let mut world = World { simulator, home, live, events, picture: super::world::Picture::default() };
    until_line(&world.live, &app, "meanwhile").await;
    logs.write(&key("pod-1"), at(20), b"after");
    logs.end(&key("pod-1"));
    put(&world.simulator, &PODS, pod(&job, "pod-1", &ended(0), 0));
    let kept = until_complete(&mut world, &app, 0, 1).await;
    assert_eq!(text(&kept[0]), "before\nbefore\nmeanwhile\nafter\n");
}

#[tokio::test]
async fn two_boathooks_write_a_log_once_and_both_read_it() {
    let (mut world, app, job) = started().await;
    let logs = world.simulator.logs().clone();
    logs.start(&key("pod-1"));
    logs.write(&key("pod-1"), at(0), b"one");
    put(&world.simulator, &PODS, pod(&job, "pod-1", &up(), 0));
    until_line(&world.live, &app, "one").await;
    let (other, mut events) = second(&world.simulator, world.home.path()).await;
    let drain = tokio::spawn(async move { while events.recv().await.is_some() {} });
    until_line(&other, &app, "one").await;
    logs.write(&key("pod-1"), at(10), b"two");
    until_line(&other, &app, "two").await;
    logs.end(&key("pod-1"));
    put(&world.simulator, &PODS, pod(&job, "pod-1", &ended(0), 0));
    let kept = until_complete(&mut world, &app, 0, 1).await;
    assert_eq!(kept.iter().map(text).collect::<Vec<_>>(), ["one\ntwo\n"]);
    other.stop().await;
    drain.await.unwrap();
}

/// No event of the pod says that the one who wrote its log is gone.
#[tokio::test]
async fn the_second_of_two_boathooks_goes_on_where_the_first_ends() {
    let (world, app, job) = started().await;
    let logs = world.simulator.logs().clone();
    logs.start(&key("pod-1"));
    logs.write(&key("pod-1"), at(0), b"one");
    put(&world.simulator, &PODS, pod(&job, "pod-1", &up(), 0));
    until_line(&world.live, &app, "one").await;
    let World { simulator, home, live, events, .. } = world;
    let (other, mut told) = second(&simulator, home.path()).await;
    let drain = tokio::spawn(async move { while told.recv().await.is_some() {} });
    let mut lines = other.logs(&app, LogFilter { follow: true, ..LogFilter::default() });
    until_line_of(&mut lines, "one").await;
    live.stop().await;
    drop(events);
    logs.write(&key("pod-1"), at(10), b"two");
    let told = until_line_of(&mut lines, "two").await;
    assert_eq!(told.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), ["two"]);
    other.stop().await;
    drain.await.unwrap();
}

/// The log of the operation before is no answer to what the current one is doing.
#[tokio::test]
async fn the_logs_of_an_operation_are_not_those_of_the_one_before() {
    let (mut world, app, job) = started().await;
    let logs = world.simulator.logs().clone();
    logs.start(&key("pod-1"));
    logs.write(&key("pod-1"), at(0), b"old");
    logs.end(&key("pod-1"));
    put(&world.simulator, &PODS, pod(&job, "pod-1", &ended(0), 0));
    until_complete(&mut world, &app, 0, 1).await;
    world.simulator.store().remove_raw(&JOBS, "shop", "migrate");
    world.simulator.store().remove_raw(&PODS, "shop", "migrate-x1");
    logs.forget("pod-1");
    let begin = "2026-11-22T11:30:00Z";
    let mut next = running("a", &json!([hook_result("migrate", "Running")]));
    next["status"]["operationState"]["startedAt"] = json!(begin);
    let mut requested = next.clone();
    requested["status"].as_object_mut().unwrap().remove("operationState");
    world.put_app(requested);
    world.until("it is requested", |picture| picture.applications.get(&app).is_some_and(|own| own.is_pending())).await;
    let mut lines = world.live.logs(&app, LogFilter { follow: true, ..LogFilter::default() });
    world.put_app(next);
    let job = put(
        &world.simulator,
        &JOBS,
        json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "migrate", "namespace": "shop", "uid": "job-2", "creationTimestamp": "2026-11-22T11:30:01Z",
            "annotations": { "argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/tracking-id": "a:batch/Job:shop/migrate" } },
          "spec": { "backoffLimit": 1 }, "status": { "active": 1 } }),
    );
    let job = job["metadata"]["uid"].as_str().unwrap().to_owned();
    logs.start(&key("pod-2"));
    logs.write(&key("pod-2"), at(1_800_000), b"new");
    let mut second = pod(&job, "pod-2", &up(), 0);
    second["metadata"]["creationTimestamp"] = json!("2026-11-22T11:30:02Z");
    put(&world.simulator, &PODS, second);
    let told = until_line_of(&mut lines, "new").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0.as_ref().and_then(|source| source.operation), begin.parse().ok());
}

/// Another live view with the same folder.
async fn second(_: &Simulator, home: &std::path::Path) -> (Live, boathook::argo::Events) {
    Live::start(options(home), &Clock::real()).await.unwrap()
}

/// The clock of the second boathook stands still: nothing that waits would ever come to its end.
#[tokio::test]
async fn kept_logs_are_read_at_once_while_the_cluster_is_down() {
    let (mut world, app, job) = started().await;
    let logs = world.simulator.logs().clone();
    logs.start(&key("pod-1"));
    logs.write(&key("pod-1"), at(0), b"kept");
    logs.end(&key("pod-1"));
    put(&world.simulator, &PODS, pod(&job, "pod-1", &ended(0), 0));
    until_complete(&mut world, &app, 0, 1).await;
    world.live.stop().await;
    world.simulator.refuse_connections();
    let (clock, _driver) = Clock::driven("2026-11-22T12:00:00Z".parse().unwrap());
    let (live, _events) = Live::start(options(world.home.path()), &clock).await.unwrap();
    let operation: Option<jiff::Timestamp> = STARTED.parse().ok();
    for (name, operation, expected) in [("a", None, true), ("a", operation, true), ("nobody", None, false)] {
        let mut stream = live.logs(&world.key(name), LogFilter { operation, ..LogFilter::default() });
        let (mut lines, mut ends, mut problems) = (Vec::new(), Vec::new(), 0);
        let read = async {
            while let Some(message) = stream.recv().await {
                match message {
                    LogMessage::Lines(more) => {
                        lines.extend(more.iter().map(|line| String::from_utf8_lossy(&line.text).into_owned()));
                    }
                    LogMessage::Ended { end, .. } => ends.push(end),
                    LogMessage::Problem(_) => problems += 1,
                    _ => {}
                }
            }
        };
        Clock::real().timeout(std::time::Duration::from_secs(60), read).await.expect("it waits for the cluster");
        if expected {
            assert_eq!(
                (lines, ends, problems),
                (vec!["kept".to_owned()], vec![SourceEnd::Complete], 0),
                "{operation:?}"
            );
        } else {
            assert_eq!((lines.len(), ends.len(), problems), (0, 0, 1), "that there is none is not known");
        }
    }
    live.stop().await;
}
