//! `wait` and `watch`.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCompleter;

use super::connect::ConnectArgs;
use super::format::Format;
use super::target::TargetArgs;
use crate::cli::complete::{conditions, formats};
use crate::domain::operation::parse_duration;
use crate::domain::timeline::TaskPhase;

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Condition {
    /// The cluster is as Git says.
    Synced,
    /// It is healthy.
    Healthy,
    /// No operation is in progress, and the last one succeeded.
    Operation,
    /// A phase of the operation is over.
    Phase(TaskPhase),
    /// A hook of the operation is over.
    Hook(String),
    /// The application is gone.
    Deleted,
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            None => match text {
                "synced" => Ok(Self::Synced),
                "healthy" => Ok(Self::Healthy),
                "operation" => Ok(Self::Operation),
                "deleted" => Ok(Self::Deleted),
                _ => Err("expected synced, healthy, operation, deleted, phase=PHASE or hook=NAME".to_owned()),
            },
            Some(("phase", name)) => phase(name).map(Self::Phase),
            Some(("hook", name)) if !name.is_empty() => Ok(Self::Hook(name.to_owned())),
            Some(_) => Err("expected phase=PreSync, Sync, PostSync or SyncFail, or hook=NAME".to_owned()),
        }
    }
}

/// The phases that may be named.
pub(in crate::cli) const PHASES: [TaskPhase; 6] = [
    TaskPhase::PreSync,
    TaskPhase::Sync,
    TaskPhase::PostSync,
    TaskPhase::SyncFail,
    TaskPhase::PreDelete,
    TaskPhase::PostDelete,
];

/// A phase by its name, however it is written.
pub(super) fn phase(name: &str) -> Result<TaskPhase, String> {
    let found = PHASES.into_iter().find(|phase| phase.as_str().eq_ignore_ascii_case(name));
    found.ok_or_else(|| "expected PreSync, Sync, PostSync, SyncFail, PreDelete or PostDelete".to_owned())
}

/// A duration of more than nothing, as Argo CD writes it.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let read = parse_duration(text).ok().and_then(|duration| Duration::try_from(duration).ok());
    read.filter(|duration| !duration.is_zero()).ok_or_else(|| "expected a duration, for example 90s or 5m".to_owned())
}

/// Wait until applications are as they should be
///
/// Without --for: until no operation is in progress, and they are synced and healthy.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_WAIT)]
pub(in crate::cli) struct WaitArgs {
    #[command(flatten)]
    pub targets: TargetArgs,
    /// synced, healthy, operation, deleted, phase=PHASE or hook=NAME; may be repeated: all must hold
    #[arg(long = "for", value_name = "CONDITION", add = ArgValueCompleter::new(conditions))]
    pub conditions: Vec<Condition>,
    /// Wait no longer than this, counted from when the applications, and their hooks if those are meant, have been read
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// text, json (an object a line), yaml, name or jsonpath=PATH
    #[arg(short, long, default_value = "text", value_name = "FORMAT", add = ArgValueCompleter::new(formats))]
    pub output: Format,
    #[command(flatten)]
    pub connect: ConnectArgs,
}

const AFTER_WAIT: &str = "\
Exit codes:
  0  all of it holds
  1  the configuration is wrong, or cannot be read
  2  the arguments make no sense
  3  the sync that was waited for failed
  4  a hook failed
  5  the sync was aborted
  6  the time was over before
  7  no controller acts on operations here: nothing will come of it
  8  there is no such application, or it is gone
  9  the cluster does not permit it
 10  the cluster cannot be reached
 70  a fault of boathook itself, or the output cannot be written
130  interrupted

Examples:
  boathook wait checkout --for synced --for healthy --timeout 5m
  boathook wait checkout --for hook=db-migrate
  boathook wait -l team=shop --for operation";

/// Print what changes in applications, until told to stop
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_WATCH)]
pub(in crate::cli) struct WatchArgs {
    #[command(flatten)]
    pub targets: TargetArgs,
    /// text, json (an object a line), yaml, name or jsonpath=PATH
    #[arg(short, long, default_value = "text", value_name = "FORMAT", add = ArgValueCompleter::new(formats))]
    pub output: Format,
    /// Stop after this time, counted from when the applications have been read
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,
    #[command(flatten)]
    pub connect: ConnectArgs,
}

const AFTER_WATCH: &str = "\
Exit codes:
  0  the time of --timeout is over, or nobody reads the output any more
  1  the configuration is wrong, or cannot be read
  2  the arguments make no sense
  8  there is no such application
  9  the cluster does not permit it
 10  the cluster cannot be reached
 70  a fault of boathook itself, or the output cannot be written
130  interrupted";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read() {
        for (text, expected) in [
            ("synced", Condition::Synced),
            ("healthy", Condition::Healthy),
            ("operation", Condition::Operation),
            ("deleted", Condition::Deleted),
            ("phase=postsync", Condition::Phase(TaskPhase::PostSync)),
            ("hook=db-migrate", Condition::Hook("db-migrate".to_owned())),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for bad in ["", "Synced ", "phase=", "phase=Later", "hook=", "other=1"] {
            assert!(bad.parse::<Condition>().is_err(), "{bad}");
        }
    }
}
