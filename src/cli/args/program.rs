//! The program's own arguments, and those of the commands that need no live view.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use clap_complete::ArgValueCompleter;
use jiff::SignedDuration;

use super::about::{CompletionsArgs, ConfigArgs, ManArgs, VersionArgs};
use super::act::{ActArgs, ApproveArgs, RefreshArgs, RerunArgs, RollbackArgs, SyncArgs};
use super::connect::{ConnectArgs, GitArgs};
use super::get::GetArgs;
use super::logs::LogsArgs;
use super::wait::{WaitArgs, WatchArgs};
use crate::cli::complete::{application_names, context_names};
use crate::cli::exit::Exit;
use crate::domain::findings::{Code, Severity};
use crate::domain::operation::{Selector, parse_duration};

/// The lifecycle of Argo CD syncs and their hooks, in a terminal
#[derive(Debug, Parser)]
#[command(name = "boathook", version, propagate_version = false, disable_help_subcommand = true)]
#[command(after_long_help = after_all())]
pub struct Cli {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<Command>,
    #[command(flatten)]
    pub(in crate::cli) screen: ScreenArgs,
    /// Colour the output
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(in crate::cli) color: Color,
}

/// What every exit code means.
fn after_all() -> String {
    let codes = Exit::ALL.map(|exit| format!("{:>3}  {}", exit.code(), exit.words()));
    format!("Exit codes; of several applications the highest of 3 to 10:\n{}", codes.join("\n"))
}

/// When to colour the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Also into files and pipes
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    Get(GetArgs),
    Sync(Box<SyncArgs>),
    Wait(WaitArgs),
    Watch(WatchArgs),
    Logs(LogsArgs),
    /// End the running operation; its running hooks are deleted
    Abort(ActArgs),
    /// Repeat the last sync, at its revision and with its options: all phases run again
    Retry(ActArgs),
    /// Go on with the failed sync where it failed; what succeeded is not repeated (boathook's engine only)
    Resume(ActArgs),
    Rerun(RerunArgs),
    Rollback(RollbackArgs),
    Refresh(RefreshArgs),
    Approve(ApproveArgs),
    Plan(PlanArgs),
    Demo(DemoArgs),
    Sim(SimArgs),
    Engine(EngineArgs),
    Config(ConfigArgs),
    Version(VersionArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

impl Command {
    /// Its name, for those that are no commands on a live view.
    const fn name(&self) -> &'static str {
        match self {
            Self::Plan(args) if args.app.app.is_none() => "plan",
            Self::Demo(_) => "demo",
            Self::Sim(_) => "sim",
            Self::Engine(_) => "engine",
            Self::Config(_) => "config",
            Self::Version(_) => "version",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
            _ => "live",
        }
    }
}

/// What the program is called.
const PROGRAM: &str = "boathook";

/// How this process was called: as a plugin of kubectl, or by its own name.
pub(in crate::cli) fn called_as() -> &'static str {
    let name = std::env::args_os().next().map(PathBuf::from);
    let is_plugin = name.as_ref().and_then(|name| name.file_stem()).is_some_and(|stem| stem == "kubectl-boathook");
    if is_plugin { "kubectl boathook" } else { PROGRAM }
}

impl Cli {
    /// The arguments of this process; ends it with help or a complaint where they make no sense. Under the name
    /// `kubectl-boathook` it is a plugin of kubectl, and calls itself so.
    pub fn read() -> Self {
        let mut command = Self::command();
        if called_as() != PROGRAM {
            command = command.bin_name(called_as());
        }
        Self::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
    }

    /// The arguments of `sim`, which the program runs itself: it puts together what the command line does not know.
    pub fn simulator(&self) -> Option<&SimArgs> {
        if let Some(Command::Sim(args)) = &self.command { Some(args) } else { None }
    }

    /// The arguments of `engine`, which the program runs itself too.
    pub fn engine(&self) -> Option<&EngineArgs> {
        if let Some(Command::Engine(args)) = &self.command { Some(args) } else { None }
    }

    /// The arguments of `demo`, which the program runs itself.
    pub fn demo(&self) -> Option<&DemoArgs> {
        if let Some(Command::Demo(args)) = &self.command { Some(args) } else { None }
    }

    /// The arguments of the screen, where no command is given.
    pub fn screen(&self) -> Option<&ScreenArgs> {
        self.command.is_none().then_some(&self.screen)
    }

    /// Whether the command talks to a cluster through the live view.
    pub fn needs_cluster(&self) -> bool {
        let others = [
            Some("plan"),
            Some("sim"),
            Some("engine"),
            Some("demo"),
            Some("config"),
            Some("version"),
            Some("completions"),
            Some("man"),
            None,
        ];
        !others.contains(&self.command.as_ref().map(Command::name))
    }

    /// How the screen looks, with whatever command.
    pub fn look(&self) -> &ScreenArgs {
        &self.screen
    }
}

/// How the screen is started.
#[derive(Debug, Clone, Args)]
pub struct ScreenArgs {
    /// Which cluster
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// Refuse everything that writes
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Configuration, in place of ~/.config/boathook/config.yaml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// dark, light, high-contrast, colour-blind, 16, mono, or one of your own
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<String>,
}

/// Show boathook at work, on a simulated cluster: needs nothing but git
#[derive(Debug, Clone, Args)]
#[command(after_long_help = AFTER_DEMO)]
pub struct DemoArgs {
    /// What happens: shop, calm, on-fire, fleet, or a file
    #[arg(long, default_value = "shop", value_name = "NAME|FILE")]
    pub scenario: String,
    /// How much faster than written everything happens
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
    /// Seed of everything random
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// Run a simulated Kubernetes on 127.0.0.1, until it is interrupted
///
/// Jobs, Pods, Deployments and Argo Workflows run there as a scenario says, and are executed nowhere. Any client can
/// use it: boathook, kubectl, Argo CD's tools.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = AFTER_SIM)]
pub struct SimArgs {
    /// Port to listen on; 0 lets the system choose one
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Write a kubeconfig with the address and a token
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// What the cluster is made of and does
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// How much faster than written scripted durations pass
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
    /// Seed of everything random but the token
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// Run the syncs of Applications, with all their hooks, where no Argo CD does; until it is interrupted
///
/// A controller for Application objects: whoever writes `.operation` gets a sync with its hooks and waves. Refuses to run
/// beside Argo CD's application controller or another engine.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = AFTER_ENGINE)]
pub struct EngineArgs {
    /// The kubeconfig; without it, as kubectl finds it, or the service account of the pod
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub context: Option<String>,
    /// Namespace of the Applications, `AppProjects` and Argo CD style Secrets
    #[arg(short, long, default_value = "argocd", value_name = "NAME")]
    pub namespace: String,
    /// Work for the Applications of all namespaces
    #[arg(long)]
    pub all_namespaces: bool,
    /// Make the definitions of Application and `AppProject` first, where there are none
    #[arg(long)]
    pub install_crds: bool,
    /// Where repositories are kept; of one folder there is one engine [default: boathook/engine in the cache folder]
    #[arg(long, value_name = "DIR")]
    pub repo_cache: Option<PathBuf>,
    /// How often each application is compared with Git, if nothing else asks for it
    #[arg(long, default_value = "180s", value_name = "DURATION", value_parser = interval)]
    pub interval: Duration,
    /// Pause between a wave and the next, between 0s and 1h; Argo CD has `ARGOCD_SYNC_WAVE_DELAY`
    #[arg(long, default_value = "2s", value_name = "DURATION", value_parser = wave_delay)]
    pub wave_delay: SignedDuration,
    /// Read repositories from file:// addresses too
    #[arg(long)]
    pub allow_file_repositories: bool,
    /// Serve /healthz and /metrics on this port of 127.0.0.1; 0 lets the system choose one
    #[arg(long, value_name = "PORT")]
    pub metrics_port: Option<u16>,
}

const AFTER_ENGINE: &str = "\
Exit codes:
  0  it was interrupted, and stopped cleanly
  2  the arguments make no sense
  7  Argo CD or another engine is at work, or the Lease is lost
  9  the cluster refuses what the engine cannot do without
 10  the cluster cannot be reached";

const AFTER_DEMO: &str = "\
Exit codes:
  0  it was ended
  1  the scenario or the configuration is wrong
  2  the arguments make no sense, or there is no terminal";

const AFTER_SIM: &str = "\
Exit codes:
  0  it was interrupted, and stopped cleanly
  1  the scenario is wrong, the port is taken, or the kubeconfig cannot be written
  2  the arguments make no sense";

fn interval(text: &str) -> Result<Duration, String> {
    let read = parse_duration(text).ok().and_then(|duration| Duration::try_from(duration).ok());
    let is_sensible = |duration: &Duration| (1..=86_400).contains(&duration.as_secs());
    read.filter(is_sensible).ok_or_else(|| "expected a duration between 1s and 24h, for example 90s or 5m".to_owned())
}

fn wave_delay(text: &str) -> Result<SignedDuration, String> {
    let is_sensible = |delay: &SignedDuration| (SignedDuration::ZERO..=SignedDuration::from_hours(1)).contains(delay);
    let read = parse_duration(text).ok().filter(is_sensible);
    read.ok_or_else(|| "expected a duration between 0s and 1h, for example 2s or 500ms".to_owned())
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (0.001..=1_000_000.0).contains(&speed) => Ok(speed),
        _ => Err("expected a number between 0.001 and 1000000".to_owned()),
    }
}

/// Show what a sync of these manifests would do, and what will not happen as written
///
/// Reads rendered manifests, phase by phase and wave by wave as Argo CD would apply them. Needs no cluster.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_PLAN)]
pub(in crate::cli) struct PlanArgs {
    /// Files or folders with manifests (folders with everything below: *.yaml, *.yml, *.json); - is standard input
    #[arg(required_unless_present_any = ["explain", "app"], conflicts_with = "app", value_name = "PATH")]
    pub paths: Vec<String>,
    /// How to print the plan
    #[arg(short, long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
    /// End with exit code 1 also if there are only warnings
    #[arg(long)]
    pub strict: bool,
    /// Namespace of the destination, for objects that name none
    #[arg(short, long, default_value = "", hide_default_value = true, value_name = "NAME")]
    pub namespace: String,
    /// The revision that is synced: a commit, or the version of a chart. Generated names contain it. With --app: a branch,
    /// tag or commit; of several sources one each, in their order
    #[arg(long = "revision", value_name = "REVISION", value_parser = NonEmptyStringValueParser::new())]
    pub revisions: Vec<String>,
    /// Option of the sync; may be repeated
    #[arg(long = "sync-option", value_name = "KEY=VALUE")]
    pub sync_options: Vec<String>,
    /// Plan a sync with the strategy apply: without hooks
    #[arg(long)]
    pub apply_only: bool,
    /// Plan a sync of this object only (without hooks); may be repeated
    #[arg(long = "resource", value_name = "GROUP:KIND:NAME", value_parser = selector)]
    pub resources: Vec<Selector>,
    /// Leave out findings with this code; may be repeated
    #[arg(long = "ignore", value_name = "CODE", value_parser = code)]
    pub ignored: Vec<Code>,
    /// Leave out findings below this severity
    #[arg(long, value_enum, default_value_t = Least::Note, value_name = "SEVERITY")]
    pub severity: Least,
    /// Explain a finding, or all, and read nothing
    #[arg(long, value_name = "CODE|all", conflicts_with = "paths", value_parser = explained)]
    pub explain: Option<Explained>,
    #[command(flatten)]
    pub app: AppPlanArgs,
}

impl PlanArgs {
    /// The revision of manifests in files.
    pub(in crate::cli) fn revision(&self) -> Option<&str> {
        self.revisions.first().map(String::as_str)
    }
}

/// The application whose sync is planned, in place of manifests.
#[derive(Debug, Args)]
pub(in crate::cli) struct AppPlanArgs {
    /// Plan the sync of this application, as Git and the cluster are now
    #[arg(long, value_name = "[NAMESPACE/]NAME", conflicts_with_all = ["namespace", "explain"], help_heading = "Cluster", add = ArgValueCompleter::new(application_names))]
    pub app: Option<String>,
    /// The kubeconfig; without it, as kubectl finds it
    #[arg(long, value_name = "FILE", requires = "app", help_heading = "Cluster")]
    pub kubeconfig: Option<PathBuf>,
    /// The context; without it, the current one
    #[arg(long, value_name = "NAME", requires = "app", help_heading = "Cluster", add = ArgValueCompleter::new(context_names))]
    pub context: Option<String>,
    #[command(flatten)]
    pub git: GitArgs,
}

impl AppPlanArgs {
    /// Which cluster.
    pub(in crate::cli) fn connect(&self) -> ConnectArgs {
        ConnectArgs { kubeconfig: self.kubeconfig.clone(), context: self.context.clone(), ..ConnectArgs::default() }
    }
}

const AFTER_PLAN: &str = "\
Exit codes:
  0  nothing is wrong (there may be warnings and notes)
  1  errors in the manifests; with --strict also warnings; with --app: or the plan is not known, or the
     configuration is wrong
  2  the arguments make no sense
  8  with --app: there is no such application
  9  with --app: the cluster does not permit it
 10  with --app: the cluster cannot be reached
 70  a fault of boathook itself, or the output cannot be written
130  with --app: interrupted

Examples:
  boathook plan deploy/
  helm template shop charts/shop | boathook plan -n shop -
  kustomize build overlays/prod | boathook plan --strict -
  boathook plan --explain hook-no-deadline
  boathook plan --app checkout --strict";

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Output {
    /// For people
    Text,
    /// For programs: kind Plan of boathook.dev/v1
    Json,
    /// The same, as YAML
    Yaml,
}

/// The least severity that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Least {
    /// Only errors
    Error,
    /// Errors and warnings
    Warning,
    /// Everything
    Note,
}

impl From<Least> for Severity {
    fn from(least: Least) -> Self {
        match least {
            Least::Error => Self::Error,
            Least::Warning => Self::Warning,
            Least::Note => Self::Note,
        }
    }
}

/// What to explain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Explained {
    One(Code),
    All,
}

fn code(text: &str) -> Result<Code, String> {
    text.parse().map_err(|_| match nearest(text) {
        Some(near) => format!("no finding has this code; did you mean {near}?"),
        None => "no finding has this code; see boathook plan --explain all".to_owned(),
    })
}

fn explained(text: &str) -> Result<Explained, String> {
    if text == "all" { Ok(Explained::All) } else { code(text).map(Explained::One) }
}

/// A code that contains what was written, or is contained in it.
fn nearest(text: &str) -> Option<Code> {
    Code::ALL
        .iter()
        .copied()
        .find(|code| !text.is_empty() && (code.as_str().contains(text) || text.contains(code.as_str())))
}

/// `GROUP:KIND:NAME`, the name perhaps with its namespace before a slash; the core group is empty.
pub(super) fn selector(text: &str) -> Result<Selector, String> {
    let [group, kind, name] = text.split(':').collect::<Vec<_>>()[..] else {
        return Err("expected GROUP:KIND:NAME, for example apps:Deployment:web or :ConfigMap:settings".to_owned());
    };
    let (namespace, name) = name.split_once('/').unwrap_or(("", name));
    if kind.is_empty() || name.is_empty() {
        return Err("kind and name must not be empty".to_owned());
    }
    Ok(Selector { group: group.into(), kind: kind.into(), name: name.into(), namespace: namespace.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_of_the_arguments_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_selector_is_group_kind_and_name() {
        let selected = selector(":ConfigMap:shop/settings").unwrap();
        assert_eq!((selected.group.as_str(), selected.kind.as_str()), ("", "ConfigMap"));
        assert_eq!((selected.namespace.as_str(), selected.name.as_str()), ("shop", "settings"));
        for bad in ["", "Job:x", "a:b:c:d", "::x", "batch:Job:"] {
            assert!(selector(bad).is_err(), "{bad}");
        }
    }
}
