//! How a log ends: when it is called complete, when it is said that there may be more, and what fills no disk.

use std::time::Duration;

use boathook::clock::Clock;
use boathook::domain::application::AppKey;
use boathook::domain::live::{LogFilter, SourceEnd};
use boathook::domain::timeline::TaskPhase;
use boathook::sim::faults::{Action, Failure, Fault, requests};
use boathook::sim::resource::{JOBS, PODS};
use boathook::sim::server::{Simulator, SimulatorOptions};
use boathook::store::{KeptLog, LogInfo, LogWriter, OperationFolder, OperationId, State};
use serde_json::json;

use super::capture::{kept, started, started_in, text, until_complete, until_line, until_line_of};
use super::hooks::{STARTED, at, ended, key, pod, task, up, view};
use super::world::{Picture, World, hook_result, put, running, simulator};

/// What is lost of the only log that is kept; `None`: it is complete.
fn lost(log: &KeptLog) -> Option<&str> {
    assert_eq!(log.info.complete, log.info.lost.is_none(), "{:?}", log.info);
    log.info.lost.as_deref()
}

/// A hook whose first line has come.
async fn first_line() -> (World, AppKey, String) {
    let (world, app, job) = started().await;
    let logs = world.simulator.logs();
    logs.start(&key("pod-1"));
    logs.write(&key("pod-1"), at(0), b"one");
    put(&world.simulator, &PODS, pod(&job, "pod-1", &up(), 0));
    until_line(&world.live, &app, "one").await;
    (world, app, job)
}

fn exit(picture: &Picture, app: &AppKey) -> Option<i32> {
    view(picture, app)?.task(&task(TaskPhase::PreSync))?.exit.as_ref()?.code
}

fn remove_pod(world: &World) {
    world.simulator.store().remove_raw(&JOBS, "shop", "migrate");
    world.simulator.store().remove_raw(&PODS, "shop", "migrate-x1");
}

/// A kubelet tells that a container has ended before it lets its pod go.
#[tokio::test]
async fn a_pod_deleted_by_policy_is_read_to_its_end() {
    let (mut world, app, job) = first_line().await;
    put(&world.simulator, &PODS, pod(&job, "pod-1", &ended(0), 0));
    world.until("its end", |picture| exit(picture, &app) == Some(0)).await;
    // The object goes first; the last words are still on their way.
    remove_pod(&world);
    let logs = world.simulator.logs();
    logs.write(&key("pod-1"), at(500), b"last words");
    logs.end(&key("pod-1"));
    logs.forget("pod-1");
    let kept = until_complete(&mut world, &app, 0, 1).await;
    assert_eq!(text(&kept[0]), "one\nlast words\n");
}

/// The stream ends, and only with the pod's removal it is told that the container has.
#[tokio::test]
async fn an_end_that_is_told_as_the_pod_goes_is_an_end() {
    let (mut world, app, job) = first_line().await;
    let pods = requests(&["get"], &["pods/log"]);
    let gone = Failure::Server { code: 404, message: "pods \"migrate-x1\" not found".to_owned() };
    let gone = world.simulator.faults().add(Fault::new(pods, Action::Fail(gone)));
    let logs = world.simulator.logs();
    logs.write(&key("pod-1"), at(500), b"last words");
    logs.end(&key("pod-1"));
    // To who reads it, the pod is gone before the watch says how it ended.
    let faults = world.simulator.faults().clone();
    Clock::real().timeout(Duration::from_secs(60), faults.until_met(gone, 1)).await.expect("it is not read again");
    put(&world.simulator, &PODS, pod(&job, "pod-1", &ended(0), 0));
    remove_pod(&world);
    let kept = until_complete(&mut world, &app, 0, 1).await;
    assert_eq!(text(&kept[0]), "one\nlast words\n");
}

/// Its object is gone while its container still writes: whether the stream ended with it nobody can tell any more.
#[tokio::test]
async fn of_a_pod_deleted_by_force_it_is_said_that_there_may_be_more() {
    let (mut world, app, _) = first_line().await;
    remove_pod(&world);
    let logs = world.simulator.logs();
    logs.write(&key("pod-1"), at(500), b"last words");
    logs.end(&key("pod-1"));
    logs.forget("pod-1");
    world.until("it is told", |picture| !picture.notices.is_empty()).await;
    let kept = kept(&world, &app, 0);
    assert_eq!(text(&kept[0]), "one\nlast words\n", "what came is kept");
    assert!(lost(&kept[0]).unwrap().contains("before its end was seen"), "{:?}", kept[0].info);
}

/// Longer than anything that is kept of a line, and read twice.
#[tokio::test]
async fn a_line_that_is_too_long_is_cut_once_and_told() {
    let (mut world, app, job) = first_line().await;
    let logs = world.simulator.logs().clone();
    let long = vec![b'x'; (8 << 20) + 70];
    logs.write(&key("pod-1"), at(1), &long);
    logs.write(&key("pod-1"), at(2), b"two");
    until_line(&world.live, &app, "two").await;
    // Its readers come to an end, and what they have read is there again.
    logs.forget("pod-1");
    logs.start(&key("pod-1"));
    for (index, line) in (0..).zip([&b"one"[..], &long, b"two", b"three"]) {
        logs.write(&key("pod-1"), at(index), line);
    }
    until_line(&world.live, &app, "three").await;
    logs.end(&key("pod-1"));
    put(&world.simulator, &PODS, pod(&job, "pod-1", &ended(0), 0));
    world.until("it is told", |picture| !picture.notices.is_empty()).await;
    let kept = kept(&world, &app, 0);
    assert!(lost(&kept[0]).unwrap().contains("a line is longer than 8 MiB"), "{:?}", kept[0].info);
    let lengths: Vec<usize> = text(&kept[0]).lines().map(str::len).collect();
    assert_eq!(lengths, [3, 8 << 20, 3, 5]);
    let read = world.logs("a", LogFilter::default()).await;
    assert!(matches!(&read[0].2, SourceEnd::Lost(_)), "{:?}", read[0].2);
}

/// Its kubelet restarts, and before it can be read again it is deleted: what it wrote in between nobody has.
#[tokio::test]
async fn a_log_whose_end_nobody_saw_is_not_called_complete() {
    let (clock, driver) = Clock::driven("2026-11-22T12:00:00Z".parse().unwrap());
    let options = SimulatorOptions { controllers: false, clock, ..SimulatorOptions::default() };
    let (mut world, app, job) = started_in(World::with(Simulator::start(options).unwrap(), |_| ()).await).await;
    let logs = world.simulator.logs().clone();
    logs.start(&key("pod-1"));
    logs.write(&key("pod-1"), at(0), b"one");
    put(&world.simulator, &PODS, pod(&job, "pod-1", &up(), 0));
    until_line(&world.live, &app, "one").await;
    // The stream ends as if the container had; it is asked for once more, and that waits until the pod is gone.
    let faults = world.simulator.faults().clone();
    let seconds = Duration::from_secs;
    let delay = faults.add(Fault::new(requests(&["get"], &["pods/log"]), Action::Delay(seconds(5))).times(1));
    logs.forget("pod-1");
    Clock::real().timeout(seconds(60), faults.until_met(delay, 1)).await.expect("it is not read again");
    driver.wait_for_sleepers(1).await;
    world.simulator.store().remove_raw(&PODS, "shop", "migrate-x1");
    driver.advance(seconds(6));
    world.until("it is told", |picture| !picture.notices.is_empty()).await;
    let kept = kept(&world, &app, 0);
    assert_eq!(text(&kept[0]), "one\n");
    assert!(lost(&kept[0]).is_some(), "{:?}", kept[0].info);
}

/// Of a log that cannot be read it is said so, and not that there is nothing in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_cannot_be_read_now_is_not_told_as_all_there_is() {
    let (clock, driver) = Clock::driven("2026-11-22T12:00:00Z".parse().unwrap());
    let world = World::with_clock(simulator(), &clock, |_| ()).await;
    let (mut world, _, job) = started_in(world).await;
    let failing = Action::Fail(Failure::Server { code: 500, message: String::new() });
    let failing = world.simulator.faults().add(Fault::new(requests(&[], &["pods/log"]), failing));
    let logs = world.simulator.logs().clone();
    logs.start(&key("pod-1"));
    logs.write(&key("pod-1"), at(0), b"not to be had");
    put(&world.simulator, &PODS, pod(&job, "pod-1", &up(), 0));
    world.until("it runs", |picture| !picture.objects_of.is_empty()).await;
    let faults = world.simulator.faults().clone();
    Clock::real().timeout(Duration::from_secs(60), faults.until_met(failing, 1)).await.expect("it is never asked for");
    // However long one waits for it.
    let told = tokio::select! {
        told = world.logs("a", LogFilter::default()) => told,
        () = driver.pass_waits(Duration::from_secs(1)) => unreachable!("it goes on until it is dropped"),
    };
    assert!(matches!(&told[0].2, SourceEnd::Lost(_)), "{:?}", told[0].2);
}

/// A right is given later, or a webhook that decides on it was only not there.
#[tokio::test]
async fn a_log_that_may_not_be_read_is_read_once_it_may() {
    let (mut world, app, job) = started().await;
    let faults = world.simulator.faults().clone();
    faults.add(Fault::new(requests(&["get"], &["pods/log"]), Action::Fail(Failure::Forbidden)));
    let logs = world.simulator.logs().clone();
    logs.start(&key("pod-1"));
    logs.write(&key("pod-1"), at(0), b"one");
    put(&world.simulator, &PODS, pod(&job, "pod-1", &up(), 0));
    let mut lines = world.live.logs(&app, LogFilter { follow: true, ..LogFilter::default() });
    world.until("it is told", |picture| !picture.notices.is_empty()).await;
    let refused = kept(&world, &app, 0);
    assert!(lost(&refused[0]).unwrap().contains("403"), "{:?}", refused[0].info);
    let told = world.logs("a", LogFilter::default()).await;
    assert!(matches!(&told[0].2, SourceEnd::Lost(reason) if reason.contains("403")), "{:?}", told[0].2);
    faults.clear();
    // Also to who was told that it is not to be had.
    until_line_of(&mut lines, "one").await;
    logs.end(&key("pod-1"));
    put(&world.simulator, &PODS, pod(&job, "pod-1", &ended(0), 0));
    let kept = until_complete(&mut world, &app, 0, 1).await;
    assert_eq!((text(&kept[0]).as_str(), lost(&kept[0])), ("one\n", None));
    assert_eq!(world.picture.notices.len(), 1, "once: {:?}", world.picture.notices);
}

/// Where the logs of the operation are kept.
fn folder(world: &World, app: &AppKey) -> OperationFolder {
    let id = OperationId { started_at: STARTED.parse().unwrap(), retry_count: 0 };
    State::new(world.home.path().join("state")).operation(&world.live.stored(app), id)
}

/// The log of the hook's only pod.
fn info() -> LogInfo {
    LogInfo {
        phase: "PreSync".to_owned(),
        hook_kind: "Job".to_owned(),
        hook: "migrate".to_owned(),
        pod: "migrate-x1".to_owned(),
        pod_uid: "pod-1".to_owned(),
        container: "main".to_owned(),
        ..LogInfo::default()
    }
}

/// Another boathook has the folder of the operation, and has written the first line of a log; who reads beside it.
async fn beside(world: World) -> (World, LogWriter, std::fs::File) {
    let (mut world, app, job) = started_in(world).await;
    let folder = folder(&world, &app);
    let lock = folder.lock().unwrap();
    let mut writer = folder.write_log(&info()).unwrap();
    writer.line(&at(0).to_string(), b"one").unwrap();
    writer.flush().unwrap();
    let logs = world.simulator.logs();
    logs.start(&key("pod-1"));
    logs.write(&key("pod-1"), at(0), b"one");
    put(&world.simulator, &PODS, pod(&job, "pod-1", &up(), 0));
    world
        .until("it is another's", |picture| picture.notices.iter().any(|notice| notice.contains("another boathook")))
        .await;
    (world, writer, lock)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_beside_a_boathook_that_is_behind_is_told() {
    let (clock, driver) = Clock::driven("2026-11-22T12:00:00Z".parse().unwrap());
    let (world, _writer, _lock) = beside(World::with_clock(simulator(), &clock, |_| ()).await).await;
    world.simulator.logs().write(&key("pod-1"), at(10), b"two");
    // However long one waits for the other.
    let told = tokio::select! {
        told = world.logs("a", LogFilter::default()) => told,
        () = driver.pass_waits(Duration::from_secs(1)) => unreachable!("it goes on until it is dropped"),
    };
    assert_eq!(told[0].1, b"one\n");
    assert!(matches!(&told[0].2, SourceEnd::Lost(reason) if reason.contains("another boathook")), "{:?}", told[0].2);
}

/// The clock stands still: nobody waits for more than there is.
#[tokio::test]
async fn who_reads_beside_a_boathook_that_is_not_behind_has_it_all() {
    let (clock, _driver) = Clock::driven("2026-11-22T12:00:00Z".parse().unwrap());
    let (world, mut writer, _lock) = beside(World::with_clock(simulator(), &clock, |_| ()).await).await;
    world.simulator.logs().write(&key("pod-1"), at(10), b"two");
    writer.line(&at(10).to_string(), b"two").unwrap();
    writer.flush().unwrap();
    let told = world.logs("a", LogFilter::default()).await;
    assert_eq!((told[0].1.as_slice(), &told[0].2), (&b"one\ntwo\n"[..], &SourceEnd::Open));
}

/// The boathook that followed it was killed, and its pod is gone.
#[tokio::test]
async fn a_kept_log_that_nobody_followed_to_its_end_says_so() {
    let mut world = World::new().await;
    let mut done = running("a", &json!([hook_result("migrate", "Succeeded")]));
    done.as_object_mut().unwrap().remove("operation");
    done["status"]["operationState"]["phase"] = json!("Succeeded");
    done["status"]["operationState"]["finishedAt"] = json!("2026-11-22T11:01:00Z");
    world.put_app(done);
    world.until_live().await;
    let app = world.open("a").await;
    world.until("the operation is written down", |picture| !picture.records.is_empty()).await;
    let mut writer = folder(&world, &app).write_log(&info()).unwrap();
    writer.line(&at(0).to_string(), b"one").unwrap();
    writer.flush().unwrap();
    let told = world.logs("a", LogFilter::default()).await;
    assert_eq!(told[0].1, b"one\n");
    assert!(matches!(&told[0].2, SourceEnd::Lost(reason) if reason.contains("not followed")), "{:?}", told[0].2);
}

/// Who asked for a sync and waited for its end leaves at once; its hook's last lines must not be lost with that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_of_a_container_that_has_ended_is_read_before_the_live_view_ends() {
    let (mut world, app, job) = started().await;
    let logs = world.simulator.logs().clone();
    logs.start(&key("pod-1"));
    logs.write(&key("pod-1"), at(0), b"first");
    put(&world.simulator, &PODS, pod(&job, "pod-1", &up(), 0));
    until_line(&world.live, &app, "first").await;
    let failing = Action::Fail(Failure::Server { code: 500, message: String::new() });
    world.simulator.faults().add(Fault::new(requests(&[], &["pods/log"]), failing).times(1));
    logs.write(&key("pod-1"), at(1), b"last");
    logs.end(&key("pod-1"));
    put(&world.simulator, &PODS, pod(&job, "pod-1", &ended(3), 0));
    world.until("its end", |picture| exit(picture, &app) == Some(3)).await;
    world.live.stop().await;
    let kept = kept(&world, &app, 0);
    assert_eq!((text(&kept[0]).as_str(), kept[0].info.complete), ("first\nlast\n", true));
}

/// A node that restarts its kubelet, or a proxy that has waited long enough: the stream ends as if the container had.
#[tokio::test]
async fn a_log_that_ends_before_its_container_is_followed_again() {
    let (mut world, app, job) = started().await;
    let logs = world.simulator.logs().clone();
    let write = |lines: &[&[u8]]| {
        logs.start(&key("pod-1"));
        (0..).zip(lines).for_each(|(index, line)| logs.write(&key("pod-1"), at(index), line));
    };
    write(&[b"one", b"two", b"two"]);
    put(&world.simulator, &PODS, pod(&job, "pod-1", &up(), 0));
    until_line(&world.live, &app, "two").await;
    for more in [b"three", b"four!"] {
        // Its readers come to an end, and what they have read is there again.
        logs.forget("pod-1");
        write(&[b"one", b"two", b"two", more]);
        until_line(&world.live, &app, std::str::from_utf8(more).unwrap()).await;
    }
    logs.end(&key("pod-1"));
    put(&world.simulator, &PODS, pod(&job, "pod-1", &ended(0), 0));
    let kept = until_complete(&mut world, &app, 0, 1).await;
    assert_eq!(text(&kept[0]), "one\ntwo\ntwo\nthree\nfour!\n");
}

#[tokio::test]
async fn a_hook_that_never_stops_talking_fills_no_disk() {
    let (mut world, app, job) =
        started_in(World::with(simulator(), |options| options.capture.quota = 20_000).await).await;
    let logs = world.simulator.logs().clone();
    logs.start(&key("pod-1"));
    for index in 0..1_000 {
        logs.write(&key("pod-1"), at(index), &[b'x'; 200]);
    }
    put(&world.simulator, &PODS, pod(&job, "pod-1", &up(), 0));
    world
        .until("it is told", |picture| picture.notices.iter().any(|notice| notice.contains("quota of 20000 bytes")))
        .await;
    let kept = kept(&world, &app, 0);
    assert!(text(&kept[0]).len() < 20_000, "{}", text(&kept[0]).len());
    assert!(kept[0].info.lost.as_ref().is_some_and(|lost| lost.contains("quota")), "{:?}", kept[0].info);
    let read = world.logs("a", LogFilter::default()).await;
    assert!(matches!(read[0].2, SourceEnd::Lost(_)), "who reads it knows that there was more");
}

#[tokio::test]
async fn switched_off_nothing_is_kept_and_logs_can_be_read_all_the_same() {
    let (world, app, job) = started_in(World::with(simulator(), |options| options.capture.enabled = false).await).await;
    let logs = world.simulator.logs().clone();
    logs.start(&key("pod-1"));
    logs.write(&key("pod-1"), at(0), b"one");
    put(&world.simulator, &PODS, pod(&job, "pod-1", &up(), 0));
    until_line(&world.live, &app, "one").await;
    assert!(kept(&world, &app, 0).is_empty());
}
