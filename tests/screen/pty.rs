//! The program itself, in a terminal of its own.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use portable_pty::{ChildKiller, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

/// Ends a test that would hang; nothing waits for it.
const PATIENCE: Duration = Duration::from_secs(150);

/// What the program has drawn so far.
struct Drawn {
    parser: vt100::Parser,
    bytes: Vec<u8>,
}

/// A program in a terminal, with folders of its own and a PATH on which there is only `git`.
pub(crate) struct Terminal {
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Option<Box<dyn Write + Send>>,
    drawn: Arc<(Mutex<Drawn>, Condvar)>,
    hung_up: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
    killer: Box<dyn ChildKiller + Send + Sync>,
    pid: u32,
    ended: mpsc::Receiver<ExitStatus>,
    modes: String,
    folder: tempfile::TempDir,
}

const fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { cols: columns, rows, pixel_width: 0, pixel_height: 0 }
}

fn cells(count: u16) -> std::num::NonZeroU16 {
    count.try_into().unwrap()
}

fn program() -> &'static str {
    env!("CARGO_BIN_EXE_boathook")
}

/// Where `git` is on this machine.
fn git() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path).map(|folder| folder.join("git")).find(|file| file.exists()).expect("there is no git")
}

impl Terminal {
    /// `boathook` with these arguments.
    pub(crate) fn boathook(args: &[&str]) -> Self {
        let mut command = CommandBuilder::new(program());
        command.args(args);
        Self::run(command, &[])
    }

    /// A program, with these variables beside its own.
    pub(crate) fn run(mut command: CommandBuilder, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["bin", "home", "tmp"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        symlink(git(), folder.path().join("bin/git")).unwrap();
        command.env_clear();
        for (name, value) in [("PATH", "bin"), ("HOME", "home"), ("TMPDIR", "tmp")] {
            command.env(name, folder.path().join(value));
        }
        command.env("TERM", "xterm-256color");
        command.env("KUBECONFIG", folder.path().join("home/no-kubeconfig"));
        for (name, value) in variables {
            command.env(name, value);
        }
        command.cwd(folder.path().join("home"));
        let pair = native_pty_system().openpty(size(120, 35)).unwrap();
        let modes = format!("{:?}", pair.master.get_termios().unwrap());
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let (killer, pid) = (child.clone_killer(), child.process_id().unwrap());
        let (sender, ended) = mpsc::channel();
        std::thread::spawn(move || sender.send(child.wait().unwrap()));
        let drawn = Drawn { parser: vt100::Parser::new(cells(35), cells(120), 0), bytes: Vec::new() };
        let drawn = Arc::new((Mutex::new(drawn), Condvar::new()));
        let hung_up = Arc::new(AtomicBool::new(false));
        let mut source = pair.master.try_clone_reader().unwrap();
        let (shared, stop) = (Arc::clone(&drawn), Arc::clone(&hung_up));
        let reader = std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(count @ 1..) = source.read(&mut buffer) {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let mut drawn = shared.0.lock().unwrap();
                drawn.parser.process(&buffer[..count]);
                drawn.bytes.extend_from_slice(&buffer[..count]);
                shared.1.notify_all();
            }
        });
        let writer = pair.master.take_writer().unwrap();
        Self {
            master: Some(pair.master),
            writer: Some(writer),
            drawn,
            hung_up,
            reader: Some(reader),
            killer,
            pid,
            ended,
            modes,
            folder,
        }
    }

    /// Waits until what is drawn is so.
    fn until_drawn(&self, what: &str, is_so: impl Fn(&Drawn) -> bool) {
        let drawn = self.drawn.0.lock().unwrap();
        let (drawn, waited) = self.drawn.1.wait_timeout_while(drawn, PATIENCE, |drawn| !is_so(drawn)).unwrap();
        let screen = drawn.parser.screen().contents();
        assert!(!waited.timed_out(), "{what}: it never is so:\n{screen}");
    }

    /// Waits until the screen is so.
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) {
        self.until_drawn(what, |drawn| is_so(&drawn.parser.screen().contents()));
    }

    /// Waits until a text is on the screen.
    pub(crate) fn shows(&self, text: &str) {
        self.until(text, |screen| screen.contains(text));
    }

    /// All that was written so far, sequences included.
    pub(crate) fn written(&self) -> String {
        String::from_utf8_lossy(&self.drawn.0.lock().unwrap().bytes).into_owned()
    }

    /// Types.
    pub(crate) fn press(&mut self, keys: &str) {
        let writer = self.writer.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    fn resize(&self, columns: u16, rows: u16) {
        // First the picture: what is drawn for the new size needs room.
        self.drawn.0.lock().unwrap().parser.screen_mut().set_size(cells(rows), cells(columns));
        self.master.as_ref().unwrap().resize(size(columns, rows)).unwrap();
    }

    /// Sends a signal to the program.
    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.pid).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    fn modes(&self) -> String {
        format!("{:?}", self.master.as_ref().unwrap().get_termios().unwrap())
    }

    /// Waits for the end of the program: its exit code.
    pub(crate) fn end(&self) -> u32 {
        let Ok(status) = self.ended.recv_timeout(PATIENCE) else {
            panic!("it does not end:\n{}", self.drawn.0.lock().unwrap().parser.screen().contents());
        };
        status.exit_code()
    }

    /// The terminal is as it was: its modes, the screen, the cursor, the mouse.
    pub(crate) fn is_given_back(&self) {
        self.until_drawn("the terminal is given back", |drawn| {
            let screen = drawn.parser.screen();
            !screen.alternate_screen()
                && !screen.hide_cursor()
                && !screen.bracketed_paste()
                && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
        });
        assert_eq!(self.modes(), self.modes, "the modes of the terminal");
    }

    /// What lies in the folder of temporary files.
    pub(crate) fn left_behind(&self) -> Vec<String> {
        names(&self.folder.path().join("tmp"))
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended, or a test fails.
        let _ = self.killer.kill();
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// The row of an application.
fn row<'a>(screen: &'a str, name: &str) -> &'a str {
    screen.lines().find(|line| line.split_whitespace().any(|word| word == name)).unwrap_or_default()
}

#[test]
fn a_demo_needs_only_git_plays_and_leaves_nothing_behind() {
    let mut terminal = Terminal::boathook(&["demo", "--speed", "10"]);
    terminal.shows("storefront");
    terminal.until("a sync of alice is over", |screen| {
        let row = row(screen, "storefront");
        row.contains("Synced") && row.contains("Post ✔") && row.contains("s ago alice")
    });
    assert_eq!(terminal.left_behind().len(), 1, "all it writes lies in one folder");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    terminal.is_given_back();
    assert_eq!(terminal.left_behind(), Vec::<String>::new());
    assert_eq!(names(&terminal.home()), Vec::<String>::new(), "nothing was written to the home folder");
    let bytes = terminal.drawn.0.lock().unwrap().bytes.clone();
    let wrote = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(wrote(b"\x1b]0;boathook demo boathook-sim"), "the title was set");
    assert!(wrote(b"\x1b[22;0t") && wrote(b"\x1b[23;0t"), "and brought back");
}

#[test]
fn any_size_at_any_time() {
    let mut terminal = Terminal::boathook(&["demo", "--scenario", "calm", "--seed", "7"]);
    terminal.shows("orders");
    for step in 0_u16..60 {
        terminal.resize(20 + (step * 37) % 200, 3 + (step * 13) % 60);
    }
    for (columns, rows) in [(200, 60), (120, 35), (80, 24)] {
        terminal.resize(columns, rows);
        terminal.until("it is drawn anew", |screen| screen.contains("orders") && screen.contains("? help"));
    }
    terminal.press("/oven");
    terminal.until("keys are taken", |screen| screen.contains("oven") && !screen.contains("orders"));
    terminal.press("\rq");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    terminal.is_given_back();
}

#[test]
fn a_key_that_comes_with_a_resize_is_taken() {
    let mut terminal = Terminal::boathook(&["demo", "--scenario", "calm"]);
    terminal.shows("orders");
    for round in 0..200 {
        let (key, shown) = if round % 2 == 0 { ("?", "help: what can be done here") } else { ("q", "LAST SYNC") };
        terminal.resize(100 + round % 50, 30);
        terminal.press(key);
        terminal.shows(shown);
    }
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    terminal.is_given_back();
}

#[test]
fn it_goes_to_the_background_and_comes_back() {
    let script = r#"set -m; "$0" demo --scenario calm; echo IN THE SHELL; read -r line; fg; echo IT HAS ENDED"#;
    let mut command = CommandBuilder::new("/bin/sh");
    command.args(["-c", script, program()]);
    let mut terminal = Terminal::run(command, &[]);
    terminal.shows("orders");
    terminal.press("\x1a");
    terminal.shows("IN THE SHELL");
    terminal.is_given_back();
    terminal.press("\r");
    terminal.until_drawn("it is back", |drawn| {
        let screen = drawn.parser.screen();
        screen.alternate_screen() && screen.contents().contains("orders") && screen.contents().contains("? help")
    });
    terminal.press("?");
    terminal.shows("help: what can be done here");
    terminal.press("qq");
    terminal.shows("IT HAS ENDED");
    assert_eq!(terminal.end(), 0);
    terminal.is_given_back();
}

#[test]
fn who_stops_it_from_outside_finds_it_drawn_when_it_goes_on() {
    let mut terminal = Terminal::boathook(&["demo", "--scenario", "calm"]);
    terminal.shows("orders");
    terminal.signal(rustix::process::Signal::STOP);
    // Somebody else writes over the screen.
    terminal.drawn.0.lock().unwrap().parser.process(b"\x1b[?1049l\x1b[2J");
    terminal.signal(rustix::process::Signal::CONT);
    terminal.until_drawn("it is back", |drawn| {
        let screen = drawn.parser.screen();
        screen.alternate_screen() && screen.contents().contains("orders")
    });
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    terminal.is_given_back();
}

#[test]
fn signals_end_it_as_a_key_does() {
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::HUP] {
        let terminal = Terminal::boathook(&["demo", "--scenario", "calm"]);
        terminal.shows("orders");
        terminal.signal(signal);
        assert_eq!(terminal.end(), 0);
        terminal.is_given_back();
        assert_eq!(terminal.left_behind(), Vec::<String>::new());
    }
}

#[test]
fn a_crash_gives_the_terminal_back_and_leaves_a_report() {
    let mut terminal = Terminal::boathook(&["demo", "--scenario", "calm"]);
    terminal.shows("orders");
    terminal.press(":panic\r");
    assert_eq!(terminal.end(), 70);
    terminal.is_given_back();
    terminal.shows("it has crashed: somebody asked for it");
    let left = terminal.left_behind();
    assert!(left.len() == 1 && left[0].starts_with("crash-"), "{left:?}");
    let report = fs::read_to_string(terminal.folder.path().join("tmp").join(&left[0])).unwrap();
    for part in ["boathook ", "somebody asked for it", "src/tui/update/command.rs", "The last lines of the log:"] {
        assert!(report.contains(part), "{part:?} is not in:\n{report}");
    }
}

#[test]
fn a_terminal_that_is_closed_ends_it() {
    let mut terminal = Terminal::boathook(&["demo", "--scenario", "calm"]);
    terminal.shows("orders");
    terminal.hung_up.store(true, Ordering::SeqCst);
    // What it draws for the key wakes the thread that reads, which then lets go of the terminal.
    terminal.press("j");
    terminal.reader.take().unwrap().join().unwrap();
    drop((terminal.writer.take(), terminal.master.take()));
    terminal.end();
    let temporary = terminal.folder.path().join("tmp");
    let left = terminal.left_behind();
    // Of a crash its report is what one wants to read.
    let reports: Vec<String> = left.iter().filter_map(|name| fs::read_to_string(temporary.join(name)).ok()).collect();
    assert!(left.is_empty(), "{left:?} {}", reports.concat());
}

#[test]
fn a_kubeconfig_that_is_missing_is_a_screen_that_tries_again() {
    let mut terminal = Terminal::boathook(&[]);
    terminal.shows("The kubeconfig cannot be used");
    let simulator = tokio::runtime::Runtime::new().unwrap();
    let running = simulator.block_on(async {
        boathook::sim::server::Simulator::start(boathook::sim::server::SimulatorOptions::default()).unwrap()
    });
    let path = terminal.home().join("no-kubeconfig");
    boathook::sim::server::write_kubeconfig(&path, &running.kubeconfig()).unwrap();
    terminal.until("it is connected", |screen| screen.contains("0 apps"));
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    terminal.is_given_back();
    assert_eq!(names(&terminal.home().join(".local/state/boathook")).first().map(String::as_str), Some("boathook.log"));
    simulator.block_on(running.stop());
}

#[test]
fn a_scenario_that_is_wrong_is_told_with_its_lines_and_no_screen() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.yaml");
    fs::write(&file, "apiVersion: boathook.dev/v1\nkind: Scenario\nname: mine\napplications: [{nam: a}]\n").unwrap();
    let terminal = Terminal::boathook(&["demo", "--scenario", file.to_str().unwrap()]);
    assert_eq!(terminal.end(), 1);
    terminal.shows("line 4: applications[0].nam: unknown key");
    let bytes = terminal.drawn.0.lock().unwrap().bytes.clone();
    assert!(!bytes.contains(&0x1b), "no screen was drawn");
    let terminal = Terminal::boathook(&["demo", "--scenario", "none-of-this-name"]);
    assert_eq!(terminal.end(), 1);
    terminal.shows("there is no scenario none-of-this-name (shop, calm, on-fire, fleet)");
}
