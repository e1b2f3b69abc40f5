//! Entries of `syncResult.resources`.

use serde_json::Value;

use crate::domain::hook::{HookType, SyncPhase};
use crate::domain::manifest::Object;
use crate::domain::operation::{HookPhase, ResultStatus, TaskResult};
use crate::domain::plan::Task;

/// How far a task is, by its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TaskState {
    /// Not begun.
    Pending,
    /// Applied, not settled.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
}

impl TaskState {
    pub(super) fn of(result: Option<&TaskResult>) -> Self {
        match result.and_then(|result| Some((result.hook_phase?, result.status))) {
            None => Self::Pending,
            Some((HookPhase::Running | HookPhase::Terminating, _)) => Self::Running,
            Some((_, Some(ResultStatus::SyncFailed)) | (HookPhase::Failed | HookPhase::Error, _)) => Self::Failed,
            Some((HookPhase::Succeeded, _)) => Self::Succeeded,
        }
    }

    pub(super) const fn is_completed(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// What a result says: the status, how far the task is, and why.
pub(super) struct Verdict {
    pub(super) status: Option<ResultStatus>,
    pub(super) phase: Option<HookPhase>,
    pub(super) message: String,
}

impl Verdict {
    /// Applied, not settled.
    pub(super) fn running(message: String) -> Self {
        Self { status: Some(ResultStatus::Synced), phase: Some(HookPhase::Running), message }
    }

    /// Could not be applied, deleted or tried.
    pub(super) fn not_applied(message: String) -> Self {
        Self { status: Some(ResultStatus::SyncFailed), phase: Some(HookPhase::Failed), message }
    }

    /// Done at once: a prune, or anything in a dry run.
    pub(super) fn done(status: ResultStatus, message: impl Into<String>) -> Self {
        Self { status: Some(status), phase: Some(HookPhase::Succeeded), message: message.into() }
    }
}

/// An entry for a task that had none.
pub(super) fn new_entry(task: &Task) -> TaskResult {
    TaskResult {
        key: task.id.key.clone(),
        version: task.version.clone(),
        status: None,
        hook_type: task.hook().map(|hook| hook.hook_type),
        hook_phase: None,
        sync_phase: Some(task.phase()),
        message: String::new(),
        images: task.target.as_deref().or(task.live.as_deref()).map(images).unwrap_or_default(),
    }
}

/// Puts a verdict into an entry. An empty message leaves the one before.
pub(super) fn put(entry: &mut TaskResult, verdict: Verdict) {
    if verdict.status.is_some() {
        entry.status = verdict.status;
    }
    if verdict.phase.is_some() {
        entry.hook_phase = verdict.phase;
    }
    if !verdict.message.is_empty() {
        entry.message = verdict.message;
    }
}

/// An entry for a hook of which only the live object is known.
pub(super) fn entry_of_live(object: &Object, destination: &str, phase: SyncPhase) -> TaskResult {
    let mut key = object.key();
    if key.namespace.is_empty() {
        destination.clone_into(&mut key.namespace);
    }
    TaskResult {
        key,
        version: object.version().to_owned(),
        status: None,
        hook_type: Some(HookType::from(phase)),
        hook_phase: None,
        sync_phase: Some(phase),
        message: String::new(),
        images: images(object),
    }
}

/// The images of a workload's containers, as Argo CD lists them: without init containers, repeated where written twice.
fn images(object: &Object) -> Vec<String> {
    const PODS: [&[&str]; 3] =
        [&["spec"], &["spec", "template", "spec"], &["spec", "jobTemplate", "spec", "template", "spec"]];
    let pods = PODS.into_iter().filter_map(|path| object.at(path));
    let containers = pods.filter_map(|pod| pod.get("containers").and_then(Value::as_array)).flatten();
    containers.filter_map(|container| Some(container.get("image")?.as_str()?.to_owned())).collect()
}
