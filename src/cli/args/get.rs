//! `get`.

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;

use super::connect::ConnectArgs;
use super::format::Format;
use super::target::TargetArgs;
use crate::cli::complete::{application_names, formats_wide};

/// Show applications, and what is known of one
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_long_help = AFTER_GET)]
pub(in crate::cli) struct GetArgs {
    #[command(subcommand)]
    pub what: Option<GetWhat>,
    #[command(flatten)]
    pub apps: GetAppsArgs,
}

/// What of them.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum GetWhat {
    Apps(GetAppsArgs),
    App(GetAppArgs),
    /// Show the hooks of the last operation
    Hooks(GetAppArgs),
    /// Show what was deployed, and the operations that were followed from here
    History(GetAppArgs),
    /// Show the sync windows of the projects
    Windows(GetAppsArgs),
}

/// List applications
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_GET_ONE)]
pub(in crate::cli) struct GetAppsArgs {
    #[command(flatten)]
    pub targets: TargetArgs,
    /// text, wide, json, yaml, name or jsonpath=PATH
    #[arg(short, long, default_value = "text", value_name = "FORMAT", add = ArgValueCompleter::new(formats_wide))]
    pub output: Format,
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Show one application, its operation and its hooks
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_GET_ONE)]
pub(in crate::cli) struct GetAppArgs {
    /// The application
    #[arg(value_name = "[NAMESPACE/]NAME", add = ArgValueCompleter::new(application_names))]
    pub name: String,
    /// text, wide, json, yaml, name or jsonpath=PATH
    #[arg(short, long, default_value = "text", value_name = "FORMAT", add = ArgValueCompleter::new(formats_wide))]
    pub output: Format,
    #[command(flatten)]
    pub connect: ConnectArgs,
}

const AFTER_GET_ONE: &str = "\
Exit codes:
  0  it is shown
  1  the Application is there, but cannot be read; the configuration is wrong, or cannot be read
  2  the arguments make no sense
  8  there is no such application
  9  the cluster does not permit it
 10  the cluster cannot be reached
 70  a fault of boathook itself, or the output cannot be written
130  interrupted";

const AFTER_GET: &str = "\
Exit codes:
  0  it is shown
  1  the configuration is wrong, or cannot be read
  2  the arguments make no sense
  8  there is no such application
  9  the cluster does not permit it
 10  the cluster cannot be reached
 70  a fault of boathook itself, or the output cannot be written
130  interrupted

Examples:
  boathook get
  boathook get apps -l team=shop -o wide
  boathook get app checkout
  boathook get app checkout -o jsonpath=.operation.phase
  boathook sync $(boathook get apps -p shop -o name)";
