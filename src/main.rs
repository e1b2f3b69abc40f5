//! The program `boathook`: arguments, then the screen, or one of its commands.

use std::io::{IsTerminal, Write, stderr, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use boathook::argo::{Namespaces, Options, RepositoryOptions};
use boathook::cli::{self, Cli, Context, DemoArgs, EngineArgs, Exit, ScreenArgs, SimArgs, Surroundings};
use boathook::clock::Clock;
use boathook::config::Config;
use boathook::demo::{Demo, DemoOptions, EngineRunError, SimulatorError, run_engine, run_simulator};
use boathook::tui::{self, Colors, Session, Settings};
use etcetera::BaseStrategy as _;

fn main() -> ExitCode {
    cli::complete();
    let cli = Cli::read();
    let columns = stdout().is_terminal().then(|| crossterm::terminal::size().map_or(80, |(columns, _)| columns));
    if let Some(args) = cli.simulator() {
        return simulate(args).into();
    }
    if let Some(args) = cli.engine() {
        return operate(args).into();
    }
    if let Some(args) = cli.demo() {
        return told(settings(cli.look()).and_then(|settings| demo(args, settings))).into();
    }
    if let Some(args) = cli.screen() {
        return told(settings(args).and_then(|settings| screen(args, settings))).into();
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
    let can_ask = stdin().is_terminal() && stderr().is_terminal();
    let read_only = cli.needs_cluster() && config(cli.look())?.0.read_only;
    Ok(Surroundings { output, can_ask, state, cache, read_only })
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
    let file = args.config.clone().or_else(|| folder.as_ref().map(|folder| folder.join("config.yaml")));
    if let Some(file) = file {
        match fs::read_to_string(&file) {
            Ok(text) => config = config.with(&file.display().to_string(), &text).map_err(|error| wrong(&error))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound && args.config.is_none() => {}
            Err(error) => {
                let words = format!("cannot read {}: {error}", file.display());
                return Err(Failure { words, exit: Exit::Findings });
            }
        }
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

/// How the screen looks and works.
fn settings(args: &ScreenArgs) -> Result<Settings, Failure> {
    let (config, folder) = config(args)?;
    let themes = folder.map(|folder| themes(&folder.join("themes"))).unwrap_or_default();
    Settings::new(&config, Colors::of(|name| env::var(name).ok()), themes)
        .map_err(|error| Failure::new(Exit::Findings, &error))
}

/// The operator's own themes, by name and text. One that cannot be read is missed only when it is asked for.
fn themes(folder: &Path) -> Vec<(String, String)> {
    let files = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let themes = files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    themes.filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), fs::read_to_string(&path).ok()?))).collect()
}

fn screen(args: &ScreenArgs, settings: Settings) -> Result<(), Failure> {
    needs_terminal()?;
    let (state, cache) = folders();
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
        repositories: RepositoryOptions { cache, ..RepositoryOptions::default() },
        watch_operations: true,
        ..Options::default()
    };
    let session = Session { live, folder: working_folder(), clock: Clock::real() };
    block_on(tui::start(settings, session))?.map_err(|error| Failure::new(Exit::Internal, &error))
}

fn demo(args: &DemoArgs, mut settings: Settings) -> Result<(), Failure> {
    needs_terminal()?;
    let options = DemoOptions { scenario: args.scenario.clone(), speed: args.speed, seed: args.seed };
    "demo".clone_into(&mut settings.label);
    let clock = Clock::real();
    let played = async {
        let demo = Demo::start(&options, &clock)
            .await
            .map_err(|error| Failure::new(if error.is_input() { Exit::Findings } else { Exit::Internal }, &error))?;
        let live = Options { read_only: settings.read_only, ..demo.live_options() };
        let session = Session { live, folder: working_folder(), clock: clock.clone() };
        let result = tui::start(settings, session).await;
        demo.stop().await;
        result.map_err(|error| Failure::new(Exit::Internal, &error))
    };
    block_on(played)?
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

fn operate(args: &EngineArgs) -> Exit {
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
        .and_then(|runtime| runtime.block_on(run_engine(args, cache, Clock::real())));
    let Err(error) = ended else { return Exit::Success };
    // On a closed standard error there is nobody to tell.
    let _ = writeln!(stderr(), "boathook: {error}");
    error.exit()
}
