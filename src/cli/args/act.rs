//! The commands that ask for something: `sync`, `abort`, `retry`, `resume`, `rerun`, `rollback`, `refresh`, `approve`.

use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use clap_complete::ArgValueCompleter;

use super::connect::{ConnectArgs, GitArgs};
use super::format::Format;
use super::program::selector;
use super::target::TargetArgs;
use super::wait::duration;
use crate::cli::complete::{application_names, formats, history_ids, hook_names};
use crate::domain::operation::{Info, Selector};

/// What every command has that asks for something.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct AnswerArgs {
    /// Do not ask; without a terminal nothing is asked anyway
    #[arg(short, long)]
    pub yes: bool,
    /// text, json (an object a line), yaml, name or jsonpath=PATH
    #[arg(short, long, default_value = "text", value_name = "FORMAT", add = ArgValueCompleter::new(formats))]
    pub output: Format,
}

/// Following an operation to its end.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Following")]
pub(in crate::cli) struct FollowArgs {
    /// Follow the operation to its end; the exit code says how it ended
    #[arg(short, long)]
    pub wait: bool,
    /// Follow no longer than this, counted from when the cluster has taken the request; the operation goes on
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "wait")]
    pub timeout: Option<Duration>,
    /// Abort what is not over when the time is
    #[arg(long, requires = "timeout")]
    pub abort_on_timeout: bool,
    /// Lines of each failed hook's log that are shown at the end
    #[arg(long, default_value_t = 50, value_name = "LINES")]
    pub log_lines: usize,
}

/// Sync applications, with all their hooks
///
/// Shows first what the sync would do, and syncs to exactly the commits that were shown, unless automated sync is on.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
#[command(after_long_help = AFTER_SYNC)]
pub(in crate::cli) struct SyncArgs {
    #[command(flatten)]
    pub targets: TargetArgs,
    /// Sync to this branch, tag or commit; of several sources one each, in their order
    #[arg(long = "revision", value_name = "REVISION", value_parser = NonEmptyStringValueParser::new())]
    pub revisions: Vec<String>,
    /// Delete what Git has no more
    #[arg(long)]
    pub prune: bool,
    /// Show what the sync would do, and stop
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    /// Let the controller try the sync, and change nothing
    #[arg(long)]
    pub server_dry_run: bool,
    /// Run no hooks (strategy apply)
    #[arg(long, visible_alias = "no-hooks")]
    pub apply_only: bool,
    /// Delete and make anew what cannot be changed
    #[arg(long)]
    pub force: bool,
    /// Sync this object only (without hooks); may be repeated
    #[arg(long = "resource", value_name = "GROUP:KIND:NAME", value_parser = selector)]
    pub resources: Vec<Selector>,
    /// Option of the sync beside those of the sync policy; may be repeated
    #[arg(long = "sync-option", value_name = "KEY=VALUE")]
    pub sync_options: Vec<String>,
    /// Repeat a failed attempt so often, in place of what the sync policy says; negative: without limit
    #[arg(long, value_name = "TIMES", allow_negative_numbers = true)]
    pub retry_limit: Option<i64>,
    /// The wait before the first repetition
    #[arg(long, value_name = "DURATION", requires = "retry_limit", value_parser = written_duration)]
    pub retry_backoff: Option<String>,
    /// The longest wait between attempts
    #[arg(long, value_name = "DURATION", requires = "retry_limit", value_parser = written_duration)]
    pub retry_backoff_max: Option<String>,
    /// Note in the operation, for example ticket=1234; may be repeated
    #[arg(long = "info", value_name = "NAME=VALUE", value_parser = info)]
    pub infos: Vec<Info>,
    #[command(flatten)]
    pub answer: AnswerArgs,
    #[command(flatten)]
    pub follow: FollowArgs,
    #[command(flatten)]
    pub git: GitArgs,
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Asking for something that needs no more words: `abort`, `retry` and `resume`.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_ACT)]
pub(in crate::cli) struct ActArgs {
    #[command(flatten)]
    pub targets: TargetArgs,
    /// Show what would be asked for, or why it would be refused, and stop
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    #[command(flatten)]
    pub answer: AnswerArgs,
    #[command(flatten)]
    pub follow: FollowArgs,
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Run the Job of a hook once more by itself, outside of any operation
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_ACT)]
pub(in crate::cli) struct RerunArgs {
    /// The application
    #[arg(value_name = "[NAMESPACE/]NAME", add = ArgValueCompleter::new(application_names))]
    pub name: String,
    /// The hook
    #[arg(value_name = "HOOK", add = ArgValueCompleter::new(hook_names))]
    pub hook: String,
    /// The reason, for who reads it later
    #[arg(long, default_value = "", value_name = "TEXT", hide_default_value = true)]
    pub why: String,
    #[command(flatten)]
    pub answer: AnswerArgs,
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Deploy once more what was deployed before
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_ACT)]
pub(in crate::cli) struct RollbackArgs {
    /// The application
    #[arg(value_name = "[NAMESPACE/]NAME", add = ArgValueCompleter::new(application_names))]
    pub name: String,
    /// Entry of its history; without it, the one before the last
    #[arg(value_name = "ID", add = ArgValueCompleter::new(history_ids))]
    pub id: Option<i64>,
    /// Delete what that entry did not have
    #[arg(long)]
    pub prune: bool,
    /// Run the hooks of that revision; Argo CD itself does not
    #[arg(long)]
    pub hooks: bool,
    /// Show what would be asked for, or why it would be refused, and stop
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    #[command(flatten)]
    pub answer: AnswerArgs,
    #[command(flatten)]
    pub follow: FollowArgs,
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Compare applications with Git
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_ACT)]
pub(in crate::cli) struct RefreshArgs {
    #[command(flatten)]
    pub targets: TargetArgs,
    /// Render the manifests anew too
    #[arg(long)]
    pub hard: bool,
    /// Wait until it is done
    #[arg(short, long)]
    pub wait: bool,
    /// Wait no longer than this
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "wait")]
    pub timeout: Option<Duration>,
    #[command(flatten)]
    pub answer: AnswerArgs,
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Approve a sync of a revision that was reviewed, or what a prune or a deletion waits for
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_ACT, group(clap::ArgGroup::new("what").required(true).args(["revision", "prune", "delete"])))]
pub(in crate::cli) struct ApproveArgs {
    /// The application
    #[arg(value_name = "[NAMESPACE/]NAME", add = ArgValueCompleter::new(application_names))]
    pub name: String,
    /// Sync to exactly this commit, and only if it is what the target means now
    #[arg(long, value_name = "COMMIT", value_parser = NonEmptyStringValueParser::new())]
    pub revision: Option<String>,
    /// Let the running operation delete the objects that wait for it
    #[arg(long)]
    pub prune: bool,
    /// Let the application's objects be deleted that wait for it
    #[arg(long)]
    pub delete: bool,
    #[command(flatten)]
    pub answer: AnswerArgs,
    #[command(flatten)]
    pub follow: FollowArgs,
    #[command(flatten)]
    pub git: GitArgs,
    #[command(flatten)]
    pub connect: ConnectArgs,
}

fn written_duration(text: &str) -> Result<String, String> {
    duration(text).map(|_| text.to_owned())
}

fn info(text: &str) -> Result<Info, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok(Info { name: name.trim().to_owned(), value: value.to_owned() })
        }
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

const AFTER_SYNC: &str = "\
Exit codes; of several applications the highest of 3 to 10:
  0  every sync was asked for; with --wait: succeeded
  1  what was asked for is not in Git, and nothing was sent; with --dry-run: or the plan is not known;
     the configuration is wrong, or cannot be read
  2  the arguments make no sense
  3  a sync failed, and no hook did
  4  a hook failed
  5  a sync was aborted
  6  the time was over before; the sync goes on, unless --abort-on-timeout
  7  refused: a window, another operation, read-only, no controller, or answered with no; with
     --wait: another operation has begun before its end was seen
  8  there is no such application, or no object that --resource means
  9  the cluster does not permit it
 10  the cluster cannot be reached
 70  a fault of boathook itself, or the output cannot be written
130  interrupted; the sync goes on

Examples:
  boathook sync checkout --dry-run
  boathook sync checkout -y --wait --timeout 10m
  boathook sync -l team=shop -y --wait -o json
  boathook sync checkout --resource apps:Deployment:web";

const AFTER_ACT: &str = "\
Exit codes; of several applications the highest of 3 to 10:
  0  it was asked for; with --wait: it is done
  1  the Application cannot be read; the configuration is wrong, or cannot be read
  2  the arguments make no sense
  3  a sync failed, and no hook did
  4  a hook failed
  5  a sync was aborted
  6  the time was over before
  7  refused: there is nothing to do it to, a window, another operation, read-only, no
     controller, or answered with no; with --wait: another operation has begun before its end was seen
  8  there is no such application, or hook
  9  the cluster does not permit it
 10  the cluster cannot be reached
 70  a fault of boathook itself, or the output cannot be written
130  interrupted";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_names_and_values() {
        assert_eq!(info("ticket=12=3"), Ok(Info { name: "ticket".to_owned(), value: "12=3".to_owned() }));
        assert!(info("ticket").is_err() && info("=x").is_err());
    }
}
