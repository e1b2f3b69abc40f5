//! The program `boathook`: arguments, then the screen, or one of its commands.

use std::io::{IsTerminal, Write, stderr, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use boathook::argo::{Namespaces, Options};
use boathook::cli::{self, Cli, Context, DemoArgs, EngineArgs, Exit, ScreenArgs, SimArgs, Surroundings};
use boathook::clock::Clock;
use boathook::config::Config;
use boathook::demo::{Demo, DemoError, DemoOptions, EngineRunError, SimulatorError, run_engine, run_simulator};
use boathook::telemetry::{self, Crashes, Telemetry, TelemetryError};
use boathook::tui::{self, Colors, Session, Settings, Source};
use etcetera::BaseStrategy as _;

fn main() -> ExitCode {
    cli::complete();
    let cli = Cli::read();
    let columns = stdout().is_terminal().then(|| crossterm::terminal::size().map_or(80, |(columns, _)| columns));
    if let Some(args) = cli.simulator() {
        return simulate(args).into();
    }
    if let Some(args) = cli.engine() {
        return operate(args, cli.look()).into();
    }
    if let Some(args) = cli.demo() {
        return told(settings(cli.look()).and_then(|(settings, _)| demo(args, settings))).into();
    }
    if let Some(args) = cli.screen() {
        return told(settings(args).and_then(|(settings, config)| screen(args, settings, &config))).into();
    }
    match surroundings(&cli, Context::new(columns))
        .and_then(|surroundings| block_on(cli::run(&cli, &surroundings, &Clock::real())))
    {
        Ok(exit) => exit.into(),
        Err(failure) => told(Err(failure)).into(),
    }
}

/// What a command knows of the place it runs in.
fn surroundings(cli: &Cli, output: Context) -> Result<Surroundings, Failure> {
    let (state, cache) = folders();
    let can_ask = stdin().is_terminal() || stderr().is_terminal();
    // What asks no cluster works with a broken configuration too.
    let config = if cli.needs_cluster() { Some(config(cli.look())?.0) } else { None };
    let repositories = config.as_ref().map(|config| Surroundings::repositories(config, cache)).unwrap_or_default();
    let capture = config.as_ref().map(Surroundings::capture).unwrap_or_default();
    let read_only = config.is_some_and(|config| config.read_only);
    Ok(Surroundings { output, can_ask, state, repositories, capture, read_only })
}

/// Where logs and history are kept, and where repositories.
fn folders() -> (Option<PathBuf>, Option<PathBuf>) {
    let base = etcetera::choose_base_strategy().ok();
    let state = base.as_ref().and_then(etcetera::BaseStrategy::state_dir).map(|folder| folder.join("boathook"));
    (state, base.map(|base| base.cache_dir().join("boathook").join("git")))
}

/// What went wrong, and the exit code for it.
struct Failure {
    words: String,
    exit: Exit,
}

impl Failure {
    fn new(exit: Exit, error: &dyn std::error::Error) -> Self {
        Self { words: error.to_string(), exit }
    }
}

fn told(result: Result<(), Failure>) -> Exit {
    let Err(failure) = result else { return Exit::Success };
    // On a closed standard error there is nobody to tell.
    let _ = writeln!(stderr(), "boathook: {}", failure.words);
    failure.exit
}

/// The configuration: defaults, file, environment, flags.
fn config(args: &ScreenArgs) -> Result<(Config, Option<PathBuf>), Failure> {
    let wrong = |error: &dyn std::error::Error| Failure::new(Exit::Findings, error);
    let folder = etcetera::choose_base_strategy().ok().map(|strategy| strategy.config_dir().join("boathook"));
    let mut config = Config::new().map_err(|error| wrong(&error))?;
    let beside = |name: &str| folder.as_ref().map(|folder| folder.join(name));
    if let Some(file) = args.config.clone().or_else(|| beside("config.yaml"))
        && let Some(text) = read(&file, args.config.is_some())?
    {
        config = config.with(&file.display().to_string(), &text).map_err(|error| wrong(&error))?;
    }
    if let Some(file) = beside("keys.yaml")
        && let Some(text) = read(&file, false)?
    {
        config = config.with_keys(&file.display().to_string(), &text).map_err(|error| wrong(&error))?;
    }
    let variables =
        env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    config = config.with_environment(variables).map_err(|error| wrong(&error))?;
    if let Some(theme) = &args.theme {
        config.theme.clone_from(theme);
    }
    config.read_only |= args.read_only;
    Ok((config, folder))
}

/// How the screen looks and works, and the configuration that says so.
fn settings(args: &ScreenArgs) -> Result<(Settings, Config), Failure> {
    let (config, folder) = config(args)?;
    let themes = folder.map(|folder| themes(&folder.join("themes"))).unwrap_or_default();
    let settings = Settings::new(&config, Colors::of(|name| env::var(name).ok()), themes);
    Ok((settings.map_err(|error| Failure::new(Exit::Findings, &error))?, config))
}

/// The text of a file; `None` where there is none and none is needed.
fn read(file: &Path, needed: bool) -> Result<Option<String>, Failure> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !needed => Ok(None),
        Err(error) => {
            let words = format!("cannot read {}: {error}", file.display());
            Err(Failure { words, exit: Exit::Findings })
        }
    }
}

/// The operator's own themes, by name and text. One that cannot be read is missed only when it is asked for.
fn themes(folder: &Path) -> Vec<(String, String)> {
    let files = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let themes = files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    themes.filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), fs::read_to_string(&path).ok()?))).collect()
}

fn screen(args: &ScreenArgs, settings: Settings, config: &Config) -> Result<(), Failure> {
    needs_terminal()?;
    let (state, cache) = folders();
    let clock = Clock::real();
    let (telemetry, crashes) = telemetry(state.as_deref(), &clock)?;
    let live = Options {
        kubeconfig: args.connect.kubeconfig.clone(),
        context: args.connect.context.clone(),
        namespaces: match &args.connect.namespace {
            _ if args.connect.all_namespaces => Namespaces::All,
            Some(namespace) => Namespaces::One(namespace.clone()),
            None => Namespaces::Find,
        },
        read_only: settings.read_only,
        state,
        capture: Surroundings::capture(config),
        repositories: Surroundings::repositories(config, cache),
        watch_operations: true,
    };
    let session = Session {
        live: Source::Ready(live),
        crashed: crashes.happened(),
        folder: working_folder(),
        own_log: telemetry.ring.clone(),
        clock,
    };
    watched(&crashes, async {
        tui::start(settings, session).await.map_err(|error| Failure::new(Exit::Internal, &error))
    })
}

fn demo(args: &DemoArgs, mut settings: Settings) -> Result<(), Failure> {
    needs_terminal()?;
    let options = DemoOptions { scenario: args.scenario.clone(), speed: args.speed, seed: args.seed };
    "demo".clone_into(&mut settings.label);
    let clock = Clock::real();
    // What a demo writes goes with it, but not the report of a crash.
    let (telemetry, crashes) = telemetry(None, &clock)?;
    let crashed = crashes.happened();
    let failed =
        |error: &DemoError| Failure::new(if error.is_input() { Exit::Findings } else { Exit::Internal }, error);
    watched(&crashes, async {
        let demo = Demo::prepare(options, clock.clone()).map_err(|error| failed(&error))?;
        let live = Options { read_only: settings.read_only, ..demo.live_options() };
        let (ready, is_ready) = tokio::sync::oneshot::channel();
        let start = demo.start();
        let running = tokio::spawn(async move {
            let result = start.await;
            // Who does not wait any more has quit.
            let _ = ready.send(result.is_ok());
            result
        });
        let live = async move {
            if is_ready.await.unwrap_or(false) { Ok(live) } else { Err(io::Error::other("the demo does not start")) }
        };
        let doing = "Making a cluster, repositories, and what was deployed before ...".to_owned();
        let live = Source::Later { doing, options: Box::pin(live) };
        let session =
            Session { live, crashed, folder: working_folder(), own_log: telemetry.ring.clone(), clock: clock.clone() };
        let result = tui::start(settings, session).await;
        if !running.is_finished() {
            // Somebody has quit before it began.
            running.abort();
        }
        match running.await {
            Ok(Ok(running)) => running.stop().await,
            Ok(Err(error)) => return Err(failed(&error)),
            Err(_) => {}
        }
        result.map_err(|error| Failure::new(Exit::Internal, &error))
    })
}

/// Starts to take in what the program says of itself, and what to do when it crashes. Without a state folder, or where it
/// cannot be written, there is no file, and reports go to the folder of temporary files.
fn telemetry(state: Option<&Path>, clock: &Clock) -> Result<(Telemetry, Crashes), Failure> {
    let filter = env::var("BOATHOOK_LOG").unwrap_or_else(|_| telemetry::FILTER.to_owned());
    let telemetry = match telemetry::start(state, &filter, clock) {
        Err(TelemetryError::File { .. }) => telemetry::start(None, &filter, clock),
        started => started,
    };
    let telemetry = telemetry.map_err(|error| Failure::new(Exit::Usage, &error))?;
    let folder = state.map_or_else(env::temp_dir, Path::to_owned);
    let crashes = Crashes::new(folder, telemetry.ring.clone(), clock.clone());
    Ok((telemetry, crashes))
}

/// Runs what may crash, and says so where it did.
fn watched(crashes: &Crashes, work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    match crashes.watch(|| block_on(work)) {
        Ok(result) => result?,
        Err(crash) => Err(Failure::new(Exit::Internal, &crash)),
    }
}

fn needs_terminal() -> Result<(), Failure> {
    if stdout().is_terminal() {
        return Ok(());
    }
    let words = "the screen needs a terminal; see boathook --help for commands that do not".to_owned();
    Err(Failure { words, exit: Exit::Usage })
}

fn working_folder() -> PathBuf {
    env::current_dir().unwrap_or_default()
}

fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(Exit::Internal, &error))?;
    let output = runtime.block_on(future);
    // A task that blocks must not hold the terminal of somebody who has quit.
    runtime.shutdown_background();
    Ok(output)
}

fn simulate(args: &SimArgs) -> Exit {
    let ended = block_on(run_simulator(args, Clock::real()));
    told(ended.and_then(|ended| {
        ended.map_err(|error: SimulatorError| {
            Failure::new(if error.is_input() { Exit::Findings } else { Exit::Internal }, &error)
        })
    }))
}

fn operate(args: &EngineArgs, look: &ScreenArgs) -> Exit {
    if look.connect.namespace.is_some() || look.connect.all_namespaces {
        let words = "the namespace of an engine is written after the word engine: boathook engine -n NAME".to_owned();
        return told(Err(Failure { words, exit: Exit::Usage }));
    }
    // What is written before the command counts as well: an engine must not work on another cluster than was meant.
    let mut args = args.clone();
    args.kubeconfig = args.kubeconfig.or_else(|| look.connect.kubeconfig.clone());
    args.context = args.context.or_else(|| look.connect.context.clone());
    let is_read_only = match config(look) {
        Ok((config, _)) => config.read_only,
        Err(failure) => return told(Err(failure)),
    };
    if is_read_only {
        let words = "the engine changes clusters, and read-only is asked for (--read-only, or the configuration)";
        return told(Err(Failure { words: words.to_owned(), exit: Exit::Refused }));
    }
    let filter = tracing_subscriber::EnvFilter::try_from_env("BOATHOOK_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("boathook=info,error"));
    tracing_subscriber::fmt().with_writer(stderr).with_ansi(false).with_env_filter(filter).init();
    let cache = match etcetera::base_strategy::Xdg::new() {
        Ok(folders) => folders.cache_dir().join("boathook/engine"),
        Err(_) => std::env::temp_dir().join("boathook-engine"),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended = runtime
        .map_err(EngineRunError::Io)
        .and_then(|runtime| runtime.block_on(run_engine(&args, cache, Clock::real())));
    let Err(error) = ended else { return Exit::Success };
    // On a closed standard error there is nobody to tell.
    let _ = writeln!(stderr(), "boathook: {error}");
    error.exit()
}
