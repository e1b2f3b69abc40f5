//! What the engine adds to a sync, how it copes with many applications, and what it costs while nothing happens. Prints its
//! figures; there is nothing to fail. The simulated cluster runs on the same two threads, except for memory and CPU, which
//! are those of the program alone.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark ends by panicking and prints its figures"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use boathook::clock::Clock;
use boathook::cluster::{Target, connect};
use boathook::domain::scenario::World;
use boathook::engine::{Engine, EngineOptions, Handle};
use boathook::git::FileRepositories;
use boathook::sim::resource::{APPLICATIONS, CONFIG_MAPS, GroupResource, JOBS};
use boathook::sim::server::{Simulator, SimulatorOptions, write_kubeconfig};
use boathook::sim::store::{EventKind, Part, StoreOptions, WriteOptions};
use jiff::SignedDuration;
use serde_json::{Value, json};

const WAVES: usize = 60;
const MANY: usize = 500;
const IDLE: usize = 2_000;
const IDLE_SECONDS: u64 = 20;
/// Ends it where something stands still, and says what.
const PATIENCE: Duration = Duration::from_secs(175);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let figures = async {
        hooks().await;
        waves().await;
        for workers in [2, 20] {
            many(workers).await;
        }
        idle().await;
    };
    let is_over = runtime.block_on(Clock::real().timeout(PATIENCE, figures)).is_ok();
    assert!(is_over, "it did not end in {PATIENCE:?}: what follows the last figure stands still");
}

/// A simulated cluster, and a repository.
struct Setting {
    simulator: Simulator,
    folder: tempfile::TempDir,
}

impl Setting {
    fn new(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let world = World { namespaces: vec!["argocd".to_owned(), "shop".to_owned()], ..World::default() };
        let options = SimulatorOptions {
            world,
            speed: 1000.0,
            store: StoreOptions { history: 1_000_000, history_bytes: usize::MAX, ..StoreOptions::default() },
            ..SimulatorOptions::default()
        };
        let setting = Self { simulator: Simulator::start(options).unwrap(), folder: tempfile::tempdir().unwrap() };
        write_kubeconfig(&setting.path().join("kubeconfig"), &setting.simulator.kubeconfig()).unwrap();
        for (path, text) in files {
            let path = setting.path().join("work").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        for args in [
            &["init", "--quiet", "--initial-branch=main"][..],
            &["add", "--all"],
            &["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "--quiet", "-m", "first"],
        ] {
            assert!(
                Command::new("git").args(args).current_dir(setting.path().join("work")).status().unwrap().success()
            );
        }
        setting
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    async fn engine(&self, workers: usize) -> Handle {
        let target = Target::Kubeconfig { path: Some(self.path().join("kubeconfig")), context: None };
        let cluster = connect(&target, &Clock::real(), "boathook-engine").await.unwrap();
        let mut options = EngineOptions::new(self.path().join("cache"));
        options.file_repositories = FileRepositories::Allowed;
        options.wave_delay = SignedDuration::ZERO;
        options.workers = workers;
        Engine::start(cluster, options, Clock::real()).await.unwrap()
    }

    fn application(&self, name: &str) {
        let object = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": { "name": name, "namespace": "argocd" },
            "spec": { "project": "default",
                "source": { "repoURL": format!("file://{}", self.path().join("work").display()), "path": name },
                "destination": { "server": "https://kubernetes.default.svc", "namespace": "shop" } },
        });
        self.simulator.store().create(&APPLICATIONS, object, &WriteOptions::by("bench")).unwrap();
    }

    fn sync(&self, name: &str) {
        let options = WriteOptions::by("bench").part(Part::Whole);
        let operation = json!({ "sync": { "syncStrategy": { "hook": {} } } });
        let change = |current: &Value| {
            let mut current = current.clone();
            current["operation"] = operation.clone();
            Ok(current)
        };
        self.simulator.store().update(&APPLICATIONS, "argocd", name, &options, change).unwrap();
    }

    /// Waits until so many Applications are as wanted.
    async fn until(&self, count: usize, is_so: impl Fn(&Value) -> bool) {
        let (objects, mut changes) = self.simulator.store().list_and_watch(&APPLICATIONS);
        let state = |object: &Value| (object["metadata"]["name"].as_str().unwrap().to_owned(), is_so(object));
        let mut known: BTreeMap<String, bool> = objects.iter().map(|object| state(&object.value())).collect();
        while known.values().filter(|is_so| **is_so).count() < count {
            known.extend([state(&changes.next().await.unwrap().object.value())]);
        }
    }
}

fn is_synced(application: &Value) -> bool {
    application.get("operation").is_none() && application["status"]["operationState"]["phase"] == "Succeeded"
}

/// The time of each event, as its object's name and what happened.
async fn events(
    setting: &Setting,
    resource: GroupResource,
    count: usize,
    mut told: impl FnMut(EventKind, &Value) -> Option<(usize, &'static str)>,
) -> BTreeMap<(usize, &'static str), Instant> {
    let mut changes = setting.simulator.store().watch(&resource, setting.simulator.store().revision()).unwrap();
    let mut times = BTreeMap::new();
    while times.len() < count {
        let event = changes.next().await.unwrap();
        if let Some(key) = told(event.kind, &event.object.value()) {
            times.entry(key).or_insert_with(Instant::now);
        }
    }
    times
}

fn number(object: &Value) -> Option<usize> {
    object["metadata"]["name"].as_str()?.rsplit('-').next()?.parse().ok()
}

fn job(name: &str, wave: usize) -> String {
    format!(
        "---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\n  annotations: {{argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/sync-wave: \"{wave}\"}}\nspec:\n  backoffLimit: 0\n  template:\n    spec:\n      restartPolicy: Never\n      containers: [{{name: main, image: busybox, command: [run]}}]\n"
    )
}

fn map(name: &str, wave: usize) -> String {
    format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, annotations: {{argocd.argoproj.io/sync-wave: \"{wave}\"}}}}\ndata: {{a: b}}\n"
    )
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e3;
    println!("{what}: median {:.1} ms, p95 {:.1} ms, max {:.1} ms, of {}", at(50), at(95), at(100), times.len());
}

/// From a hook's Job being complete to the Job of the next wave being there.
async fn hooks() {
    let text = (0..WAVES).fold(String::new(), |mut text, wave| {
        let _ = write!(text, "{}", job(&format!("hook-{wave}"), wave));
        text
    });
    let setting = Setting::new([("app/all.yaml".to_owned(), text)]);
    let engine = setting.engine(20).await;
    setting.application("app");
    setting.until(1, |application| application["status"]["reconciledAt"].is_string()).await;
    let observed = events(&setting, JOBS, 2 * WAVES, |kind, job| {
        let conditions = job["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let is_complete = conditions.iter().any(|one| one["type"] == "Complete" && one["status"] == "True");
        let what = if kind == EventKind::Added { "made" } else { "complete" };
        (kind == EventKind::Added || is_complete).then(|| (number(job).unwrap(), what))
    });
    let begin = Instant::now();
    let (times, ()) = tokio::join!(observed, async { setting.sync("app") });
    println!("sync requested -> first hook made: {:.1} ms", (times[&(0, "made")] - begin).as_secs_f64() * 1e3);
    let overhead = (1..WAVES).map(|wave| times[&(wave, "made")] - times[&(wave - 1, "complete")]);
    show("hook complete -> next wave's hook made", overhead.collect());
    setting.until(1, is_synced).await;
    engine.stop().await;
}

/// From one wave's object to the next one's, where nothing is to be waited for.
async fn waves() {
    let text = (0..WAVES).fold(String::new(), |mut text, wave| {
        let _ = write!(text, "{}", map(&format!("map-{wave}"), wave));
        text
    });
    let setting = Setting::new([("app/all.yaml".to_owned(), text)]);
    let engine = setting.engine(20).await;
    setting.application("app");
    setting.until(1, |application| application["status"]["reconciledAt"].is_string()).await;
    let observed = events(&setting, CONFIG_MAPS, WAVES, |kind, map| {
        (kind == EventKind::Added).then(|| number(map).map(|wave| (wave, "made"))).flatten()
    });
    let (times, ()) = tokio::join!(observed, async { setting.sync("app") });
    show(
        "wave -> next wave, no hooks",
        (1..WAVES).map(|wave| times[&(wave, "made")] - times[&(wave - 1, "made")]).collect(),
    );
    setting.until(1, is_synced).await;
    engine.stop().await;
}

fn folders(count: usize, with_hook: bool) -> impl Iterator<Item = (String, String)> {
    (0..count).map(move |index| {
        let hook = if with_hook { job(&format!("hook-{index}"), 0) } else { String::new() };
        (format!("app-{index}/all.yaml"), map(&format!("map-{index}"), 0) + &hook)
    })
}

/// Many applications, each with a hook, asked to sync at once.
async fn many(workers: usize) {
    let setting = Setting::new(folders(MANY, true));
    for index in 0..MANY {
        setting.application(&format!("app-{index}"));
    }
    let engine = setting.engine(workers).await;
    setting.until(MANY, |application| application["status"]["reconciledAt"].is_string()).await;
    let begin = Instant::now();
    for index in 0..MANY {
        setting.sync(&format!("app-{index}"));
    }
    setting.until(MANY, is_synced).await;
    println!("{MANY} applications synced at once, {workers} workers: {:.1} s", begin.elapsed().as_secs_f64());
    engine.stop().await;
}

/// The program alone, after it has compared everything.
async fn idle() {
    let setting = Setting::new(folders(IDLE, false));
    for index in 0..IDLE {
        setting.application(&format!("app-{index}"));
    }
    let begin = Instant::now();
    let engine = Command::new(env!("CARGO_BIN_EXE_boathook"))
        .args(["engine", "--allow-file-repositories", "--interval", "1h", "--repo-cache"])
        .arg(setting.path().join("cache"))
        .env("KUBECONFIG", setting.path().join("kubeconfig"))
        .env("HOME", setting.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let engine = Program(engine);
    setting.until(IDLE, |application| application["status"]["reconciledAt"].is_string()).await;
    println!("{IDLE} applications compared for the first time: {:.1} s", begin.elapsed().as_secs_f64());
    Clock::real().sleep(Duration::from_secs(5)).await;
    let before = ticks(&engine.0);
    Clock::real().sleep(Duration::from_secs(IDLE_SECONDS)).await;
    // A tick is a hundredth of a second wherever Linux runs on machines of today.
    let percent = (ticks(&engine.0) - before) as f64 / IDLE_SECONDS as f64;
    println!("{IDLE} applications idle: {} MB resident, {percent:.2} % of one CPU", memory(&engine.0) / 1024);
}

/// The program, which does not outlive its benchmark.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// CPU time of a process, in ticks.
fn ticks(process: &Child) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// Resident memory of a process, in KB.
fn memory(process: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
