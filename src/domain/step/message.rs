//! The words of `operationState.message` and of results, as Argo CD writes them.

use super::types::Change;
use crate::domain::manifest::ObjectKey;
use crate::domain::plan::Task;

pub(super) const ALL_TASKS_RUN: &str = "successfully synced (all tasks run)";
pub(super) const NO_MORE_TASKS: &str = "successfully synced (no more tasks)";
pub(super) const DRY_RUN_FAILED: &str = "one or more objects failed to apply (dry run)";
pub(super) const APPLY_FAILED: &str = "one or more objects failed to apply";
pub(super) const TASKS_FAILED: &str = "one or more synchronization tasks completed unsuccessfully";
pub(super) const NOT_VALID: &str = "one or more synchronization tasks are not valid";
pub(super) const NAMESPACE_FAILED: &str = "the namespace failed to apply";
pub(super) const SYNC_FAIL_FAILED: &str = "\none or more SyncFail hooks failed";
pub(super) const TERMINATED: &str = "Operation terminated";
pub(super) const TERMINATION_HAD_ERRORS: &str = "Operation termination had errors";
pub(super) const TERMINATING_TIMEOUT: &str = "operation is terminating due to timeout";
pub(super) const BY_TIMEOUT: &str = ", triggered by controller sync timeout";
pub(super) const HOOK_TERMINATED: &str = "Terminated";
pub(super) const NOT_DELETED: &str = "Failed to delete:";
const NO_ANSWER: &str = "waiting for an answer of the API server: ";
pub(super) const PRUNED: &str = "pruned";
pub(super) const PRUNED_DRY_RUN: &str = "pruned (dry run)";
pub(super) const REQUIRES_PRUNING: &str = "ignored (requires pruning)";
pub(super) const NO_PRUNE: &str = "ignored (no prune)";

/// An object as kubectl prints it: `configmap/a`, `job.batch/b`.
pub fn printed_name(object: &ObjectKey) -> String {
    let kind = object.kind.to_lowercase();
    match object.group.as_str() {
        "" => format!("{kind}/{}", object.name),
        group => format!("{kind}.{group}/{}", object.name),
    }
}

/// What became of an object, as kubectl prints it.
pub(super) fn applied(object: &ObjectKey, change: Change, dry_run: bool) -> String {
    let word = match change {
        Change::Created => "created",
        Change::Configured => "configured",
        Change::Unchanged => "unchanged",
        Change::ServerSideApplied => "serverside-applied",
        Change::Replaced => "replaced",
    };
    let suffix = if dry_run { " (dry run)" } else { "" };
    // Argo CD updates these two instead of replacing them, and says so in its own words.
    if change == Change::Replaced && ["Namespace", "CustomResourceDefinition"].contains(&object.kind.as_str()) {
        return format!("{}/{} updated{suffix}", object.kind, object.name);
    }
    format!("{} {word}{suffix}", printed_name(object))
}

/// What an operation waits for: the first hook is named, or else the first object, and the others are counted.
pub(super) fn waiting(tasks: &[&Task]) -> String {
    let hook = tasks.iter().find(|task| task.is_hook());
    let (verb, named) = match (hook, tasks.first()) {
        (Some(hook), _) => ("completion of hook ", *hook),
        (None, Some(first)) => ("healthy state of ", *first),
        (None, None) => return String::new(),
    };
    format!("waiting for {verb}{}{}", named.object, more(tasks))
}

/// What an operation waits for before a hook can be created, and whose it is if it is another application's.
pub(super) fn waiting_for_predecessor(tasks: &[&Task], whose: Option<&str>) -> String {
    let whose = whose.map(|name| format!(" (a hook of that name is running for application {name})"));
    format!("{}{}", waiting(tasks), whose.unwrap_or_default())
}

/// What an operation waits for to be deleted.
pub(super) fn waiting_for_deletion(tasks: &[&Task]) -> String {
    let Some(named) = tasks.iter().find(|task| task.is_hook()).or(tasks.first()) else { return String::new() };
    let hook = if named.is_hook() { "hook " } else { "" };
    format!("waiting for deletion of {hook}{}{}", named.object, more(tasks))
}

/// What keeps an operation from going on while requests get no answer.
pub(super) fn waiting_for_api_server(why: &str) -> String {
    format!("{NO_ANSWER}{why}")
}

/// Whether a message says that.
pub(super) fn is_waiting_for_api_server(message: &str) -> bool {
    message.starts_with(NO_ANSWER)
}

/// What somebody has to approve the pruning of.
pub(super) fn waiting_for_approval(tasks: &[&Task]) -> String {
    let Some(named) = tasks.first() else { return String::new() };
    format!("waiting for pruning confirmation of {}{}", named.object, more(tasks))
}

fn more(tasks: &[&Task]) -> String {
    let noun = if tasks.iter().all(|task| task.is_hook()) { "hooks" } else { "resources" };
    match tasks.len() {
        0 | 1 => String::new(),
        count => format!(" and {} more {noun}", count - 1),
    }
}

/// A message with the reasons behind it, each once, in the order of the tasks.
pub(super) fn with_reasons<'a>(message: &str, reasons: impl IntoIterator<Item = &'a str>) -> String {
    joined(message, ", reason: ", ",", reasons)
}

/// The message of a plan that cannot be carried out.
pub(super) fn not_valid<'a>(reasons: impl IntoIterator<Item = &'a str>) -> String {
    joined(NOT_VALID, ": ", "; ", reasons)
}

fn joined<'a>(message: &str, before: &str, between: &str, reasons: impl IntoIterator<Item = &'a str>) -> String {
    let mut distinct: Vec<&str> = Vec::new();
    for reason in reasons {
        if !reason.is_empty() && !distinct.contains(&reason) {
            distinct.push(reason);
        }
    }
    if distinct.is_empty() { message.to_owned() } else { format!("{message}{before}{}", distinct.join(between)) }
}
