//! How fast the live view is, and what it costs: one process serves, another is the client, so that memory and CPU are
//! the client's own. Prints its figures; there is nothing to fail.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark ends by panicking and prints its figures"
)]

#[path = "../model/large.rs"]
#[expect(dead_code, reason = "the manifests are for another benchmark")]
mod large;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use boathook::argo::{Live, Namespaces, Options};
use boathook::clock::Clock;
use boathook::domain::application::AppKey;
use boathook::domain::live::{CaptureNotice, LiveEvent, WatchState, Watched};
use boathook::sim::logs::RunKey;
use boathook::sim::resource::{APPLICATIONS, JOBS, NAMESPACES, PODS};
use boathook::sim::server::{Simulator, SimulatorOptions, write_kubeconfig};
use serde_json::{Value, json};

/// Names the folder with the kubeconfig: then this process is the client.
const CLIENT: &str = "BOATHOOK_BENCH_CLIENT";
const STAMP: &str = "bench/stamp";
/// Pods that end with much in their logs, all at once; and the lines of each: as many as a node keeps.
const TALKERS: usize = 4;
const LINES: i64 = 60_000;
const ENDED: usize = 100;
const SECONDS: u64 = 5;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    match std::env::var_os(CLIENT) {
        Some(folder) => runtime.block_on(client(folder.into())),
        None => {
            for count in [5_000, 10_000] {
                runtime.block_on(serve(count));
            }
        }
    }
}

fn now_ns() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()
}

/// Serves so many Applications, and does what the client waits for.
async fn serve(count: usize) {
    let simulator = Simulator::start(SimulatorOptions { controllers: false, ..SimulatorOptions::default() }).unwrap();
    let store = simulator.store().clone();
    for namespace in ["argocd", "shop"] {
        store.put_raw(&NAMESPACES, json!({ "metadata": { "name": namespace } }));
    }
    let app = |index: usize| -> Value {
        let mut app: Value = serde_json::from_str(&large::application(index, 40)).unwrap();
        app["metadata"]["namespace"] = json!("argocd");
        app["metadata"]["name"] = json!(format!("app-{index}"));
        app.as_object_mut().unwrap().remove("operation");
        app["status"]["operationState"]["phase"] = json!("Succeeded");
        app["status"]["operationState"]["finishedAt"] = json!("2026-11-22T10:00:09Z");
        app
    };
    for index in 0..count {
        store.put_raw(&APPLICATIONS, app(index));
    }
    let folder = tempfile::tempdir().unwrap();
    write_kubeconfig(&folder.path().join("kubeconfig"), &simulator.kubeconfig()).unwrap();
    let bytes: usize = store.list(&APPLICATIONS, None).0.iter().map(|stored| stored.json().len()).sum();
    println!("{count} Applications, {} MB of JSON", bytes >> 20);
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let streaming = "?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    for (what, accept, query) in [
        ("the table of them", table, "?includeObject=Metadata"),
        ("one list of them", "application/json", ""),
        ("a streaming list of them", "application/json", streaming),
    ] {
        let (read, took) = plain(&simulator, accept, query).await;
        println!("  the server's own time for {what}: {took} ms ({} MB, read and dropped)", read >> 20);
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .env(CLIENT, folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (sender, mut asked) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(sender.send(line))));
    let mut input = child.stdin.take().unwrap();
    while let Some(line) = asked.recv().await {
        match line.as_str() {
            "UPDATES" => {
                let clock = Clock::real();
                let mut tick = clock.interval(Duration::from_millis(10));
                for index in 0..usize::try_from(SECONDS * 100).unwrap() {
                    tick.tick().await;
                    let mut changed = app(index % count);
                    changed["metadata"]["labels"] = json!({ "tick": index.to_string() });
                    store.put_raw(&APPLICATIONS, changed);
                }
                input.write_all(b"done\n").unwrap();
            }
            "PODS" => pods(&simulator).await,
            "LOGS" => (0..TALKERS).for_each(|index| {
                store.put_raw(&PODS, pod(&format!("talker-{index}"), &ended()));
            }),
            line => println!("  {line}"),
        }
    }
    child.wait().unwrap();
}

/// What the server takes for the same bytes, read by a client that does nothing with them: up to the end of the answer,
/// or of the initial events.
async fn plain(simulator: &Simulator, accept: &str, query: &str) -> (usize, u128) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    const DONE: &[u8] = b"k8s.io/initial-events-end";
    let start = Instant::now();
    let address = simulator.url().trim_start_matches("http://").to_owned();
    let mut socket = tokio::net::TcpStream::connect(&address).await.unwrap();
    let request = format!(
        "GET /apis/argoproj.io/v1alpha1/namespaces/argocd/applications{query} HTTP/1.1\r\nHost: {address}\r\nAccept: {accept}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
        simulator.token()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let (mut read, mut buffer, mut tail) = (0, vec![0; 1 << 20], Vec::new());
    loop {
        let some = socket.read(&mut buffer).await.unwrap();
        read += some;
        // The word may be cut in two.
        tail.extend_from_slice(&buffer[..some]);
        tail.drain(..tail.len().saturating_sub(1024));
        if some == 0 || query.contains("watch") && tail.windows(DONE.len()).any(|own| own == DONE) {
            return (read, start.elapsed().as_millis());
        }
    }
}

fn running() -> Value {
    let operation = json!({ "sync": { "revision": "6f1c0aa000000000000000000000000000000000" } });
    json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": { "name": "busy", "namespace": "argocd", "uid": "busy" },
        "spec": { "project": "default", "source": { "repoURL": "https://git.example.com/x.git", "path": "." }, "destination": { "server": "https://kubernetes.default.svc", "namespace": "shop" } },
        "operation": operation,
        "status": { "operationState": { "phase": "Running", "startedAt": "2026-11-22T11:00:00Z", "operation": operation, "syncResult": { "revision": "6f1c0aa", "resources": [
            { "group": "batch", "version": "v1", "kind": "Job", "namespace": "shop", "name": "migrate", "status": "Synced", "hookType": "PreSync", "hookPhase": "Running", "syncPhase": "PreSync" }] } } } })
}

fn pod(name: &str, state: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "namespace": "shop", "uid": name, "creationTimestamp": "2026-11-22T11:00:01Z",
            "annotations": { STAMP: now_ns().to_string() },
            "ownerReferences": [{ "apiVersion": "batch/v1", "kind": "Job", "name": "migrate", "uid": "migrate", "controller": true }] },
        "spec": { "nodeName": "n", "restartPolicy": "Never", "containers": [{ "name": "main", "image": "i" }] },
        "status": { "phase": if state.get("running").is_some() { "Running" } else { "Succeeded" }, "containerStatuses": [{ "name": "main", "restartCount": 0, "state": state }] } })
}

fn ended() -> Value {
    json!({ "terminated": { "exitCode": 0, "finishedAt": "2026-11-22T11:00:09Z" } })
}

/// A hundred pods of a hook that run, and end one after the other; and the logs of those that are to come.
async fn pods(simulator: &Simulator) {
    let (store, clock) = (simulator.store(), Clock::real());
    store.put_raw(
        &JOBS,
        json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "migrate", "namespace": "shop", "uid": "migrate", "creationTimestamp": "2026-11-22T11:00:01Z" }, "status": {} }),
    );
    store.put_raw(&APPLICATIONS, running());
    let up = json!({ "running": { "startedAt": "2026-11-22T11:00:02Z" } });
    let run = |pod: String| RunKey { pod, container: "main".to_owned(), restart: 0 };
    for index in 0..ENDED {
        let name = format!("pod-{index}");
        simulator.logs().start(&run(name.clone()));
        store.put_raw(&PODS, pod(&name, &up));
    }
    let start: jiff::Timestamp = "2026-11-22T11:00:02Z".parse().unwrap();
    for index in 0..TALKERS {
        let key = run(format!("talker-{index}"));
        simulator.logs().start(&key);
        for line in 0..LINES {
            let at = start + jiff::SignedDuration::from_micros(line * 100);
            simulator.logs().write(&key, at, format!("line {line} of what a migration has to say").as_bytes());
        }
        simulator.logs().end(&key);
    }
    clock.sleep(Duration::from_secs(1)).await;
    for index in 0..ENDED {
        let name = format!("pod-{index}");
        simulator.logs().end(&run(name.clone()));
        store.put_raw(&PODS, pod(&name, &ended()));
        clock.sleep(Duration::from_millis(20)).await;
    }
}

/// Resident memory now and at most, in MB, and CPU time.
fn usage() -> (u64, u64, Duration) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    };
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let ticks: u64 =
        stat.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2).map(|t| t.parse::<u64>().unwrap()).sum();
    (field("VmRSS:"), field("VmHWM:"), Duration::from_millis(ticks * 10))
}

async fn client(folder: std::path::PathBuf) {
    let clock = Clock::real();
    let base = usage().0;
    let start = Instant::now();
    let options = Options {
        kubeconfig: Some(folder.join("kubeconfig")),
        namespaces: Namespaces::One("argocd".to_owned()),
        state: Some(folder.join("state")),
        watch_operations: true,
        ..Options::default()
    };
    let (live, mut events) = Live::start(options, &clock).await.unwrap();
    let (mut rows, mut apps) = (0, 0_usize);
    loop {
        match events.recv().await.unwrap() {
            LiveEvent::EarlyRows(early) => {
                rows = early.len();
                println!("first rows ({rows}): {} ms", start.elapsed().as_millis());
            }
            LiveEvent::App(_) => apps += 1,
            LiveEvent::Watch { watched: Watched::Applications, state: WatchState::Live, .. } => break,
            _ => {}
        }
    }
    println!("whole fleet ({apps}): {} ms", start.elapsed().as_millis());
    let _ = rows;
    clock.sleep(Duration::from_secs(2)).await;
    while events.try_recv().is_ok() {}
    let loaded = usage();
    println!("memory once loaded: {} MB resident ({} MB before it began), at most {} MB", loaded.0, base, loaded.1);
    clock.sleep(Duration::from_secs(SECONDS)).await;
    let idle = usage().2.saturating_sub(loaded.2);
    println!("CPU while nothing changes: {:.2} % of a core", idle.as_secs_f64() * 100.0 / SECONDS as f64);
    let before = usage().2;
    println!("UPDATES");
    let done = tokio::task::spawn_blocking(|| std::io::stdin().lines().next());
    tokio::pin!(done);
    let mut updates = 0;
    loop {
        tokio::select! {
            _ = &mut done => break,
            event = events.recv() => updates += usize::from(matches!(event, Some(LiveEvent::App(_)))),
        }
    }
    let busy = usage().2.saturating_sub(before);
    println!("CPU at 100 updates/s: {:.1} % of a core ({updates} told)", busy.as_secs_f64() * 100.0 / SECONDS as f64);
    println!("PODS");
    let key = AppKey::new(live.cluster().clone(), "argocd", "busy");
    let mut delays: BTreeMap<String, u128> = BTreeMap::new();
    while delays.len() < ENDED {
        let LiveEvent::Observed { key: own, event } = events.recv().await.unwrap() else { continue };
        let state = |name: &str| event.object.at(&["status", "phase"]).and_then(Value::as_str) == Some(name);
        if own == key && event.object.kind() == "Pod" && state("Succeeded") {
            let stamp = event.object.annotation(STAMP).and_then(|stamp| stamp.parse::<u128>().ok()).unwrap();
            delays.entry(event.object.name().to_owned()).or_insert(now_ns() - stamp);
        }
    }
    let mut sorted: Vec<u128> = delays.into_values().collect();
    sorted.sort_unstable();
    let at = |share: usize| sorted[(sorted.len() - 1) * share / 100] as f64 / 1e6;
    println!("pod's end to event: median {:.1} ms, 99 % {:.1} ms, of {}", at(50), at(99), sorted.len());
    let began = Instant::now();
    println!("LOGS");
    let (mut complete, mut captured) = (0, 0);
    while complete < TALKERS {
        match events.recv().await.unwrap() {
            LiveEvent::Capture(CaptureNotice::Complete { source, lines, .. }) if source.starts_with("talker") => {
                (complete, captured) = (complete + 1, captured + lines);
            }
            LiveEvent::Capture(CaptureNotice::Lost { source, reason, .. }) if source.starts_with("talker") => {
                complete += 1;
                println!("LOST of {source}: {reason}");
            }
            _ => {}
        }
    }
    let took = began.elapsed();
    let written = u64::try_from(LINES).unwrap() * TALKERS as u64;
    println!(
        "log lines captured: {captured} of {written} in {} ms, {:.0} a second",
        took.as_millis(),
        captured as f64 / took.as_secs_f64()
    );
    live.stop().await;
}
