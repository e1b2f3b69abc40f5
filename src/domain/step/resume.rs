//! Continuing a failed operation from the hook that failed.

use jiff::Timestamp;

use super::results::TaskState;
use crate::domain::hook::SyncPhase;
use crate::domain::names;
use crate::domain::operation::{Info, Operation, OperationPhase, OperationState, SyncResult, TaskResult};

/// Why an operation cannot be resumed. Starting a new sync always helps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResumeRefused {
    /// Another operation ran since, or none is known.
    #[error("the operation to resume began at {wanted}, but the last one began at {found}")]
    OtherOperation {
        /// Start that was asked for.
        wanted: String,
        /// Start of the last operation.
        found: String,
    },
    /// It did not fail.
    #[error("only a failed operation can be resumed, and this one is {0}")]
    NotFailed(String),
    /// It was a dry run, which can be repeated at no cost.
    #[error("a dry run cannot be resumed")]
    DryRun,
    /// It recorded no digest of its manifests: it was not run by boathook's engine.
    #[error("the failed operation did not record which manifests it applied, so they cannot be compared")]
    ManifestsUnknown,
    /// The revision differs.
    #[error("the failed operation was at revision {recorded}, and the manifests are now those of {now}")]
    OtherRevision {
        /// The failed operation's.
        recorded: String,
        /// The present one.
        now: String,
    },
    /// The revision is the same, and yet other manifests were rendered (other values, another cluster, another program).
    #[error("the same revision now renders other manifests than those that the failed operation applied")]
    OtherManifests,
    /// Nothing in it succeeded.
    #[error("nothing in the failed operation succeeded, so there is nothing to continue from")]
    NothingSucceeded,
}

/// How the message of an operation begins that was to resume another, and was refused by who carries it out.
pub const NOT_RESUMED: &str = "the operation cannot be resumed: ";

/// The start of the operation that a request asks to resume, if it does.
pub fn resumed_operation(operation: &Operation) -> Option<&str> {
    info(operation, names::BOATHOOK_RESUME)
}

/// The digest of the manifests that an operation was started with, if it was recorded.
pub fn recorded_manifests(operation: &Operation) -> Option<&str> {
    info(operation, names::BOATHOOK_MANIFESTS)
}

/// Records the digest of the manifests (see [`manifest_digest`](crate::domain::plan::manifest_digest)) in the operation
/// as the state keeps it. To be done in the write that accepts an operation, and when a retry rendered them again.
pub fn record_manifests(state: &mut OperationState, digest: &str) {
    let infos = &mut state.operation.info;
    infos.retain(|info| info.name != names::BOATHOOK_MANIFESTS);
    infos.push(Info { name: names::BOATHOOK_MANIFESTS.to_owned(), value: digest.to_owned() });
}

/// The state with which a failed operation is continued: its request and what succeeded in it, without what failed.
///
/// `request` is the operation that asks for it; who asked and further `info` are taken from there, everything else from
/// the failed operation. `revisions` (by index of the sources) and `digest` are those of the manifests as they are now. Results of ordinary objects
/// that were applied but not settled are dropped: applying again does no harm. Those of SyncFail hooks are dropped: they
/// belong to the failure. The new operation begins later than the failed one, so that no hook of that one is taken for its
/// own.
pub fn resume(
    failed: &OperationState,
    request: &Operation,
    revisions: &[String],
    digest: &str,
    now: Timestamp,
) -> Result<OperationState, ResumeRefused> {
    check_operation(failed, request)?;
    let mut done = failed.sync_result.clone().unwrap_or_default();
    let recorded = if done.revisions.is_empty() { vec![done.revision.clone()] } else { done.revisions.clone() };
    if recorded != revisions {
        return Err(ResumeRefused::OtherRevision { recorded: recorded.join(" "), now: revisions.join(" ") });
    }
    match recorded_manifests(&failed.operation) {
        None => return Err(ResumeRefused::ManifestsUnknown),
        Some(recorded) if recorded != digest => return Err(ResumeRefused::OtherManifests),
        Some(_) => {}
    }
    let mut resources = std::mem::take(&mut done.resources);
    resources.retain(is_done);
    if resources.is_empty() {
        return Err(ResumeRefused::NothingSucceeded);
    }
    let mut state = OperationState {
        operation: continued(&failed.operation, request, &done.revision, &done.revisions),
        phase: Some(OperationPhase::Running),
        started_at: Some(later_than(failed.started_at, now)),
        sync_result: Some(SyncResult { resources, ..done }),
        ..OperationState::default()
    };
    record_manifests(&mut state, digest);
    Ok(state)
}

/// Whether a failed operation has something to continue from, as far as its own record tells: whether its manifests are
/// still the same is known only where they are rendered.
pub fn resumable(failed: &OperationState) -> Result<(), ResumeRefused> {
    check_state(failed)?;
    if recorded_manifests(&failed.operation).is_none() {
        return Err(ResumeRefused::ManifestsUnknown);
    }
    let mut resources = failed.sync_result.iter().flat_map(|result| &result.resources);
    if resources.any(is_done) { Ok(()) } else { Err(ResumeRefused::NothingSucceeded) }
}

/// Whether a result stands when its operation is resumed.
fn is_done(entry: &TaskResult) -> bool {
    entry.phase() != Some(SyncPhase::SyncFail) && TaskState::of(Some(entry)) == TaskState::Succeeded
}

fn check_operation(failed: &OperationState, request: &Operation) -> Result<(), ResumeRefused> {
    let text = |time: Option<Timestamp>| time.map_or_else(|| "an unknown time".to_owned(), |time| time.to_string());
    let wanted = resumed_operation(request).unwrap_or_default();
    let is_same = match (wanted.parse::<Timestamp>(), failed.started_at) {
        (Ok(wanted), Some(found)) => wanted.as_second() == found.as_second(),
        _ => false,
    };
    if !is_same {
        return Err(ResumeRefused::OtherOperation { wanted: wanted.to_owned(), found: text(failed.started_at) });
    }
    check_state(failed)
}

fn check_state(failed: &OperationState) -> Result<(), ResumeRefused> {
    match failed.phase {
        Some(OperationPhase::Failed | OperationPhase::Error) => {}
        Some(phase) => return Err(ResumeRefused::NotFailed(format!("{phase:?}"))),
        None => return Err(ResumeRefused::NotFailed("in an unknown phase".to_owned())),
    }
    if failed.operation.sync.as_ref().is_some_and(|sync| sync.dry_run) {
        return Err(ResumeRefused::DryRun);
    }
    Ok(())
}

/// The failed operation's request, in the name of whoever asks for it now, and pinned to its revisions.
fn continued(failed: &Operation, request: &Operation, revision: &str, revisions: &[String]) -> Operation {
    let mut operation =
        Operation { initiated_by: request.initiated_by.clone(), info: request.info.clone(), ..failed.clone() };
    if let Some(sync) = &mut operation.sync {
        revision.clone_into(&mut sync.revision);
        sync.revisions = revisions.to_vec();
    }
    operation
}

/// Now, in whole seconds, but at least a second after an earlier start.
fn later_than(earlier: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let seconds = earlier.map_or(now.as_second(), |earlier| now.as_second().max(earlier.as_second().saturating_add(1)));
    Timestamp::from_second(seconds).unwrap_or(now)
}

fn info<'a>(operation: &'a Operation, name: &str) -> Option<&'a str> {
    operation.info.iter().find(|info| info.name == name).map(|info| info.value.as_str())
}
