//! What the screen costs: a frame, a key, a change, and a process that has nothing to do. Prints its figures; there is
//! nothing to fail.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark ends by panicking and prints its figures"
)]

#[path = "../model/large.rs"]
#[expect(dead_code, reason = "the manifests are for another benchmark")]
mod large;

use std::fs;
use std::io::{self, Read as _, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use boathook::config::Config;
use boathook::domain::application::{AppSummary, Application};
use boathook::domain::live::{LiveEvent, WatchState, Watched};
use boathook::domain::manifest::Object;
use boathook::domain::scenario::World;
use boathook::sim::server::{Simulator, SimulatorOptions};
use boathook::tui::{Colors, Key, Message, Model, Settings, update, view};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use serde_json::{Value, json};

const SIZE: (u16, u16) = (200, 60);
const APPLICATIONS: usize = 10_000;
/// How long an idle process is looked at.
const IDLE: Duration = Duration::from_secs(20);

fn main() {
    let size = fs::metadata(env!("CARGO_BIN_EXE_boathook")).unwrap().len();
    println!("binary: {:.1} MB", size as f64 / 1e6);
    let before = resident("self");
    let mut model = fleet();
    println!("{APPLICATIONS} applications in the model: {} MB", (resident("self") - before) >> 20);
    frames(&mut model);
    bytes(&mut model);
    drop(model);
    for count in [10, APPLICATIONS] {
        process(count);
    }
}

fn summary(index: usize, phase: &str) -> Box<AppSummary> {
    let mut app = idle(index);
    let status = app.as_json_mut().get_mut("status").unwrap();
    status["operationState"]["phase"] = json!(phase);
    Box::new(AppSummary::of(&Application::read("bench", &Arc::new(app)).0))
}

fn tell(model: &mut Model, event: LiveEvent) {
    drop(update(model, Message::Live(Box::new(event))));
}

fn fleet() -> Model {
    let settings = Settings::new(&Config::new().unwrap(), Colors::Many, Vec::new()).unwrap();
    let mut model = Model::new(settings, "2026-11-22T10:01:00Z".parse().unwrap(), SIZE);
    let cluster: Arc<str> = Arc::from("bench");
    drop(update(&mut model, Message::Connected(Arc::clone(&cluster))));
    for index in 0..APPLICATIONS {
        tell(&mut model, LiveEvent::App(summary(index, "Succeeded")));
    }
    tell(&mut model, LiveEvent::FleetComplete { cluster: Arc::clone(&cluster), count: APPLICATIONS });
    tell(&mut model, LiveEvent::Watch { cluster, watched: Watched::Applications, state: WatchState::Live });
    model
}

/// Median and longest of many runs, in microseconds.
fn measure(what: &str, mut run: impl FnMut(usize)) {
    let mut times: Vec<Duration> = (0..301)
        .map(|index| {
            let begin = Instant::now();
            run(index);
            begin.elapsed()
        })
        .collect();
    times.sort();
    println!(
        "{what}: {} us (median), {} us (longest of {})",
        times[150].as_micros(),
        times[300].as_micros(),
        times.len()
    );
}

fn frames(model: &mut Model) {
    let area = Rect::new(0, 0, SIZE.0, SIZE.1);
    let mut buffer = Buffer::empty(area);
    let mut draw = |model: &mut Model| {
        model.settle();
        buffer.reset();
        view(model, area, &mut buffer);
    };
    draw(model);
    measure("a frame of 200x60", |_| draw(model));
    let down: Key = "j".parse().unwrap();
    measure("key to frame", |_| {
        drop(update(model, Message::Key(down.event())));
        draw(model);
    });
    let mut changes: Vec<Box<AppSummary>> =
        (0..301).map(|index| summary(index * 33, if index % 2 == 0 { "Failed" } else { "Succeeded" })).collect();
    measure("change of an application to frame", |_| {
        tell(model, LiveEvent::App(changes.pop().unwrap()));
        draw(model);
    });
}

#[derive(Clone, Default)]
struct Counter(Arc<AtomicUsize>);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(bytes.len(), Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn bytes(model: &mut Model) {
    let counter = Counter::default();
    let area = Rect::new(0, 0, SIZE.0, SIZE.1);
    let options = TerminalOptions { viewport: Viewport::Fixed(area) };
    let mut terminal = Terminal::with_options(CrosstermBackend::new(counter.clone()), options).unwrap();
    let mut draw = |model: &mut Model| {
        model.settle();
        terminal
            .draw(|frame| {
                view(model, area, frame.buffer_mut());
            })
            .unwrap();
        counter.0.swap(0, Ordering::Relaxed)
    };
    let whole = draw(model);
    // The rows of the list are sorted by name: this one is seen.
    drop(update(model, Message::Key("g".parse::<Key>().unwrap().event())));
    draw(model);
    tell(model, LiveEvent::App(summary(0, "Failed")));
    let change = draw(model);
    drop(update(model, Message::Key("j".parse::<Key>().unwrap().event())));
    let key = draw(model);
    println!(
        "bytes written: whole screen {whole}, one application that changes {change}, one row down {key}, nothing {}",
        draw(model)
    );
}

/// Resident memory in bytes.
fn resident(process: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

/// CPU time of a process, in clock ticks (100 a second).
fn ticks(process: &str) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// An Application to which nothing happens.
fn idle(index: usize) -> Object {
    let mut app: Value = serde_json::from_str(&large::application(index, 10)).unwrap();
    app["metadata"]["namespace"] = json!("argocd");
    app["metadata"]["name"] = json!(format!("app-{index}"));
    app.as_object_mut().unwrap().remove("operation");
    app["status"]["operationState"]["phase"] = json!("Succeeded");
    app["status"]["operationState"]["finishedAt"] = json!("2026-11-22T10:00:09Z");
    Object::from_json(app).unwrap()
}

/// What the terminal has been given.
struct Shown {
    screen: vt100::Parser,
    bytes: usize,
    /// When the first frame was there.
    first: Option<Duration>,
}

/// Waits until something is so, at most a minute.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{what} did not happen within a minute");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The program in a terminal, on a simulated cluster in this process where nothing happens.
fn process(count: usize) {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _inside = runtime.enter();
    let world = World {
        namespaces: vec!["argocd".to_owned(), "shop".to_owned()],
        objects: (0..count).map(idle).collect(),
        ..World::default()
    };
    let simulator = Simulator::start(SimulatorOptions { world, controllers: false, ..SimulatorOptions::default() });
    let simulator = simulator.unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    fs::write(&kubeconfig, simulator.kubeconfig()).unwrap();
    let pair = native_pty_system().openpty(PtySize { rows: SIZE.1, cols: SIZE.0, ..PtySize::default() }).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_boathook"));
    command.args(["--kubeconfig", kubeconfig.to_str().unwrap(), "-n", "argocd"]);
    command.env_clear();
    for (name, value) in [("HOME", folder.path().to_str().unwrap()), ("TERM", "xterm-256color"), ("PATH", "/usr/bin")] {
        command.env(name, value);
    }
    let begin = Instant::now();
    let mut child = pair.slave.spawn_command(command).unwrap();
    let mut reader = pair.master.try_clone_reader().unwrap();
    let shown = Arc::new(Mutex::new(Shown {
        screen: vt100::Parser::new(SIZE.1.try_into().unwrap(), SIZE.0.try_into().unwrap(), 0),
        bytes: 0,
        first: None,
    }));
    let told = Arc::clone(&shown);
    std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            let mut shown = told.lock().unwrap();
            shown.screen.process(&buffer[..count]);
            shown.bytes += count;
            if shown.first.is_none() && shown.screen.screen().contents().contains("boathook") {
                shown.first = Some(begin.elapsed());
            }
        }
    });
    let title = format!("{count} apps");
    wait_until("the whole list", || {
        let row = shown.lock().unwrap().screen.screen().rows(0, SIZE.0).next().unwrap();
        row.contains(&title) && row.contains("live")
    });
    let complete = begin.elapsed();
    // What has just changed is marked for some seconds, and the details of what is shown come in.
    let mut last = (0, Instant::now());
    wait_until("rest", || {
        let bytes = shown.lock().unwrap().bytes;
        if bytes != last.0 {
            last = (bytes, Instant::now());
        }
        last.1.elapsed() > Duration::from_secs(5)
    });
    let process = child.process_id().unwrap().to_string();
    let (before, bytes) = (ticks(&process), shown.lock().unwrap().bytes);
    std::thread::sleep(IDLE);
    let (after, now) = (ticks(&process), shown.lock().unwrap().bytes);
    let cpu = (after - before) as f64 / IDLE.as_secs_f64();
    println!(
        "{count} applications: first frame after {} ms, all of them after {} ms, {} MB resident, idle {cpu:.2} % of a core and {} bytes written in {} s",
        shown.lock().unwrap().first.unwrap().as_millis(),
        complete.as_millis(),
        resident(&process) >> 20,
        now - bytes,
        IDLE.as_secs(),
    );
    child.kill().unwrap();
    child.wait().unwrap();
    runtime.block_on(simulator.stop());
}
