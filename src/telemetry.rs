//! What boathook says of itself: lines in a file and in a ring in memory, and a report when it crashes. Nothing of it
//! goes to the terminal, which belongs to the screen, and nothing anywhere else.

use std::backtrace::Backtrace;
use std::collections::VecDeque;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;
use tracing::Subscriber;
use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use crate::clock::Clock;

/// What is written where nobody says otherwise.
pub const FILTER: &str = "boathook=info,warn";
/// The file of the log within the state folder.
const FILE: &str = "boathook.log";
/// A file that is larger at the start is put aside, in place of the one before it.
const MOST_BYTES: u64 = 4 << 20;
/// Lines that the ring keeps.
const MOST_LINES: usize = 500;
/// Bytes of a line that the ring keeps.
const MOST_LINE: usize = 1000;

/// Why nothing is written.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter makes no sense.
    #[error("{filter:?} is no filter of log lines, such as boathook=debug,warn: {reason}")]
    Filter {
        /// As it was given.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The newest lines. Clones are the same ring.
#[derive(Debug, Clone, Default)]
pub struct Ring(Arc<Mutex<VecDeque<String>>>);

impl Ring {
    /// The lines, oldest first.
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn push(&self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for line in text.lines() {
            if lines.len() == MOST_LINES {
                lines.pop_front();
            }
            let end = (0..=MOST_LINE.min(line.len())).rev().find(|end| line.is_char_boundary(*end));
            lines.push_back(line.get(..end.unwrap_or_default()).unwrap_or_default().to_owned());
        }
    }
}

/// Where lines go: into the ring, and into the file if there is one.
#[derive(Debug, Clone)]
struct Out {
    ring: Ring,
    file: Option<NonBlocking>,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.ring.push(bytes);
        if let Some(file) = &mut self.file {
            // A full disk must not end the screen.
            let _ = file.write_all(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Out {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

struct Times(Clock);

impl FormatTime for Times {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{:.3}", self.0.now())
    }
}

/// The running log. Dropping it writes what is still on its way to the file.
#[derive(Debug)]
pub struct Telemetry {
    /// The newest lines.
    pub ring: Ring,
    _file: Option<WorkerGuard>,
}

/// Makes what takes the program's lines in: `folder` is the state folder, `None` for no file.
pub fn subscriber(
    folder: Option<&Path>,
    filter: &str,
    clock: &Clock,
) -> Result<(impl Subscriber + Send + Sync + use<>, Telemetry), TelemetryError> {
    let parsed = EnvFilter::try_new(filter)
        .map_err(|error| TelemetryError::Filter { filter: filter.to_owned(), reason: error.to_string() })?;
    let ring = Ring::default();
    let (file, guard) = match folder.map(open).transpose()? {
        Some(file) => {
            let (file, guard) = tracing_appender::non_blocking(file);
            (Some(file), Some(guard))
        }
        None => (None, None),
    };
    let out = Out { ring: ring.clone(), file };
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_timer(Times(clock.clone()))
        .with_env_filter(parsed)
        .with_writer(out)
        .finish();
    Ok((subscriber, Telemetry { ring, _file: guard }))
}

/// Takes in all lines of the program from now on.
pub fn start(folder: Option<&Path>, filter: &str, clock: &Clock) -> Result<Telemetry, TelemetryError> {
    let (subscriber, telemetry) = subscriber(folder, filter, clock)?;
    // Whoever was there first, a test for example, keeps it.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(telemetry)
}

/// Opens the log to append to it: several boathooks may write to one file.
fn open(folder: &Path) -> Result<File, TelemetryError> {
    let path = folder.join(FILE);
    let failed = |source| TelemetryError::File { path: path.clone(), source };
    make_folder(folder).map_err(failed)?;
    if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > MOST_BYTES) {
        fs::rename(&path, folder.join(format!("{FILE}.1"))).map_err(failed)?;
    }
    private(OpenOptions::new().create(true).append(true)).open(&path).map_err(failed)
}

/// Makes a folder that only its owner may look into.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// A new file is readable by its owner alone.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Takes note of panics: writes a report, and says so when the terminal is free again.
#[derive(Debug, Clone)]
pub struct Crashes {
    folder: PathBuf,
    ring: Ring,
    clock: Clock,
    happened: CancellationToken,
    first: Arc<Mutex<Option<Crash>>>,
}

/// A panic, anywhere in the program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it has crashed: {message} ({place}){}", .report.as_ref().map_or_else(
    |error| format!("\nno report was written: {error}"),
    |path| format!("\na report is in {}; please pass it on", path.display()),
))]
pub struct Crash {
    /// What it said.
    pub message: String,
    /// File and line.
    pub place: String,
    /// The report, or why there is none.
    pub report: Result<PathBuf, String>,
}

impl Crashes {
    /// Reports go into `folder`, with the lines of `ring`.
    pub fn new(folder: PathBuf, ring: Ring, clock: Clock) -> Self {
        Self { folder, ring, clock, happened: CancellationToken::new(), first: Arc::default() }
    }

    /// Cancelled by the first panic, on whatever thread: half a program shows old things as if they were new.
    pub fn happened(&self) -> CancellationToken {
        self.happened.clone()
    }

    /// Does some work, and tells of the first panic in it or in what it started.
    pub fn watch<T>(&self, work: impl FnOnce() -> T) -> Result<T, Crash> {
        let own = self.clone();
        std::panic::set_hook(Box::new(move |panic| own.take(panic)));
        let result = catch_unwind(AssertUnwindSafe(work));
        drop(std::panic::take_hook());
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (first, result) {
            (None, Ok(result)) => Ok(result),
            (Some(crash), _) => Err(crash),
            (None, Err(_)) => Err(Crash {
                message: "without a word".to_owned(),
                place: "unknown".to_owned(),
                report: Err("nothing is known of it".to_owned()),
            }),
        }
    }

    fn take(&self, panic: &PanicHookInfo<'_>) {
        let payload = panic.payload();
        let text =
            payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let message = text.unwrap_or("a panic without a text").to_owned();
        let place = panic.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
        let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
        let report = self.write(&message, &place, &thread, &Backtrace::force_capture());
        let crash = Crash { message, place, report: report.map_err(|error| error.to_string()) };
        self.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(crash);
        self.happened.cancel();
    }

    /// Writes a report: nothing of the environment or the arguments, which may hold secrets.
    fn write(&self, message: &str, place: &str, thread: &str, trace: &Backtrace) -> io::Result<PathBuf> {
        make_folder(&self.folder)?;
        let now = self.clock.now();
        let name = format!("crash-{}-{}.txt", now.strftime("%Y%m%dT%H%M%S%3fZ"), std::process::id());
        let path = self.folder.join(name);
        let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&path)?;
        writeln!(
            file,
            "boathook {} on {} {}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH
        )?;
        writeln!(file, "{now:.3}, thread {thread}\n\n{message}\nat {place}\n\n{trace}\n\nThe last lines of the log:")?;
        for line in self.ring.lines() {
            writeln!(file, "{line}")?;
        }
        file.sync_all()?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> Clock {
        Clock::driven("2026-11-22T03:07:42Z".parse().unwrap()).0
    }

    #[test]
    fn lines_go_to_the_file_and_the_ring() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let (subscriber, telemetry) = subscriber(Some(&state), "boathook=info,warn", &clock()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(name = "shop", "it syncs");
            tracing::debug!("not written");
        });
        let lines = telemetry.ring.lines();
        assert_eq!(lines, ["2026-11-22T03:07:42.000Z  INFO boathook::telemetry::tests: it syncs name=\"shop\""]);
        drop(telemetry);
        assert_eq!(fs::read_to_string(state.join(FILE)).unwrap(), format!("{}\n", lines[0]));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&state), mode(&state.join(FILE))), (0o700, 0o600));
        }
    }

    #[test]
    fn a_large_file_is_put_aside_and_the_ring_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let large = vec![b'x'; usize::try_from(MOST_BYTES).unwrap() + 1];
        fs::write(folder.path().join(FILE), large).unwrap();
        drop(open(folder.path()).unwrap());
        assert_eq!(fs::metadata(folder.path().join(FILE)).unwrap().len(), 0);
        assert!(folder.path().join("boathook.log.1").exists());
        let ring = Ring::default();
        for number in 0..MOST_LINES + 7 {
            ring.push(format!("{number} {}\n", "é".repeat(MOST_LINE)).as_bytes());
        }
        let lines = ring.lines();
        assert_eq!(lines.len(), MOST_LINES);
        assert!(lines[0].starts_with("7 é") && lines.iter().all(|line| line.len() <= MOST_LINE));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = start(None, "boathook=loud", &clock()).unwrap_err().to_string();
        assert!(error.starts_with("\"boathook=loud\" is no filter of log lines"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = start(Some(&file), FILTER, &clock()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot write {}", file.join(FILE).display())), "{error}");
    }
}
