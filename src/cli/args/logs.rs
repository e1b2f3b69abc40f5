//! `logs`.

use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCompleter;
use jiff::Timestamp;

use super::connect::ConnectArgs;
use super::format::Format;
use super::wait::{duration, phase};
use crate::cli::complete::{application_names, formats, hook_names};
use crate::domain::timeline::TaskPhase;

/// Print the logs of hooks, of running ones as of those that are kept
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_LOGS)]
pub(in crate::cli) struct LogsArgs {
    /// The application
    #[arg(value_name = "[NAMESPACE/]NAME", add = ArgValueCompleter::new(application_names))]
    pub name: String,
    /// The hook, by name or by kind and name; without it, all hooks of the operation
    #[arg(value_name = "[KIND/]HOOK", add = ArgValueCompleter::new(hook_names))]
    pub hook: Option<String>,
    /// Print new lines until the operation is over
    #[arg(short, long)]
    pub follow: bool,
    /// Of all attempts of the operation, not only the last
    #[arg(long)]
    pub all_attempts: bool,
    /// Only what is younger than this
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub since: Option<Duration>,
    /// With the time of each line
    #[arg(long)]
    pub timestamps: bool,
    /// Only of this phase
    #[arg(long, value_name = "PHASE", value_parser = phase)]
    pub phase: Option<TaskPhase>,
    /// Only of this container
    #[arg(short, long, value_name = "NAME")]
    pub container: Option<String>,
    /// Of the operation that began at this time, as get history shows it; without it, of the last one
    #[arg(long, value_name = "TIME")]
    pub operation: Option<Timestamp>,
    /// text, json (an object a line) or yaml
    #[arg(short, long, default_value = "text", value_name = "FORMAT", add = ArgValueCompleter::new(formats))]
    pub output: Format,
    #[command(flatten)]
    pub connect: ConnectArgs,
}

const AFTER_LOGS: &str = "\
Exit codes:
  0  they are printed
  1  the Application cannot be read; the configuration is wrong, or cannot be read
  2  the arguments make no sense
  8  there is no such application, hook or log
  9  the cluster does not permit it
 10  the cluster cannot be reached
 70  a fault of boathook itself, or the output cannot be written
130  interrupted

Examples:
  boathook logs checkout
  boathook logs checkout db-migrate -f --timestamps
  boathook logs checkout --all-attempts --since 1h";
