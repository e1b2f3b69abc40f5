//! The parts of an operation, its state and its results, with Argo CD's field names.

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::hook::{HookType, SyncPhase};
use crate::domain::manifest::ObjectKey;

/// `.operation`: a request to the controller. Its presence is the lock: see the crate docs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Operation {
    /// Who asked. The name is a label, not a proof: the client writes it.
    pub initiated_by: InitiatedBy,
    /// Free name and value pairs.
    pub info: Vec<Info>,
    /// How often a failed attempt is repeated.
    pub retry: Retry,
    /// What to sync. Argo CD ends an operation without it as `Error`.
    pub sync: Option<SyncRequest>,
}

/// `initiatedBy`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InitiatedBy {
    /// Name of the user, empty if unknown or automated.
    pub username: String,
    /// Started by the controller itself.
    pub automated: bool,
}

/// One entry of `info`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
}

/// `retry`: how often and how patiently a failed attempt is repeated.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Retry {
    /// Negative: without limit. Zero: never.
    pub limit: i64,
    /// The wait between attempts; `None` is Argo CD's default (5 s, factor 2, at most 3 min).
    pub backoff: Option<Backoff>,
    /// Resolve the revision anew for each attempt.
    pub refresh: bool,
}

/// `retry.backoff`, as written: durations are bare seconds or Go durations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backoff {
    /// First wait.
    pub duration: String,
    /// What the wait is multiplied with each time.
    pub factor: Option<i64>,
    /// Longest wait.
    pub max_duration: String,
}

/// `operation.sync`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SyncRequest {
    /// Revision of a single source; empty: the source's target revision.
    pub revision: String,
    /// Revisions of several sources, by index.
    pub revisions: Vec<String>,
    /// Delete what Git has no more.
    pub prune: bool,
    /// Change nothing.
    pub dry_run: bool,
    /// With hooks or without.
    pub strategy: Strategy,
    /// Only these objects; empty: all. Hooks do not run in a selective sync.
    pub resources: Vec<Selector>,
    /// Source instead of the spec's (rollback), as written.
    pub source: Option<Value>,
    /// Sources instead of the spec's, as written.
    pub sources: Vec<Value>,
    /// JSON manifests instead of a repository's.
    pub manifests: Vec<String>,
    /// `Key=value` strings; the only ones the controller looks at.
    pub sync_options: Vec<String>,
    /// How often self-heal tried this already.
    pub auto_heal_attempts: i64,
}

/// `syncStrategy`: absent or empty is hook; where both are written, `apply` wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Hooks run.
    Hook {
        /// `kubectl apply --force`.
        force: bool,
    },
    /// No hooks run.
    Apply {
        /// `kubectl apply --force`.
        force: bool,
    },
}

impl Default for Strategy {
    fn default() -> Self {
        Self::Hook { force: false }
    }
}

/// One entry of `sync.resources`: group, kind and name must be equal, the namespace only if given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector {
    /// API group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Namespace, empty: any.
    pub namespace: String,
}

/// `operationState.phase`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum OperationPhase {
    /// In progress, or waiting for its next attempt (then `finishedAt` is set).
    Running,
    /// Somebody asked for its end.
    Terminating,
    /// Done.
    Succeeded,
    /// Work was attempted and did not succeed.
    Failed,
    /// A precondition did not hold, or the controller had a problem.
    Error,
}

impl OperationPhase {
    /// Whether nothing more happens.
    pub const fn is_completed(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Error)
    }
}

/// `status.operationState`: how far the operation is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OperationState {
    /// Copy of the request; the controller works from it.
    pub operation: Operation,
    /// `None` where it is missing or a word that is not known: never shown as good.
    pub phase: Option<OperationPhase>,
    /// The controller's own words.
    pub message: String,
    /// Begin of the first attempt; retries do not change it.
    pub started_at: Option<Timestamp>,
    /// End; beside `Running`: the end of an attempt that will be repeated.
    pub finished_at: Option<Timestamp>,
    /// Attempts repeated so far.
    pub retry_count: i64,
    /// What was done.
    pub sync_result: Option<SyncResult>,
}

/// `operationState.syncResult`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SyncResult {
    /// One entry a task, in the order in which they were first touched.
    pub resources: Vec<TaskResult>,
    /// The revision of a single source.
    pub revision: String,
    /// The revisions of several sources.
    pub revisions: Vec<String>,
    /// Source, as written.
    pub source: Option<Value>,
    /// Sources, as written.
    pub sources: Vec<Value>,
    /// Labels and annotations of the namespace the operation created, as written.
    pub managed_namespace_metadata: Option<Value>,
}

/// One entry of `syncResult.resources`. An object has one entry for each phase it has a task in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskResult {
    /// The object. Of a cluster-scoped object the namespace is the destination's.
    pub key: ObjectKey,
    /// API version without group.
    pub version: String,
    /// What applying or pruning came to.
    pub status: Option<ResultStatus>,
    /// The hook's kind, `None` for ordinary resources.
    pub hook_type: Option<HookType>,
    /// How far the task is, also of tasks that are not hooks. `None`: never started.
    pub hook_phase: Option<HookPhase>,
    /// The phase of the task; `None` where a controller wrote none or an unknown one, and for the hooks of a deletion
    /// (`hook_type` is PreDelete or PostDelete then).
    pub sync_phase: Option<SyncPhase>,
    /// Last message.
    pub message: String,
    /// Images of the object, as far as known.
    pub images: Vec<String>,
}

/// `status` of a task's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum ResultStatus {
    /// Applied.
    Synced,
    /// Could not be applied, or failed afterwards.
    SyncFailed,
    /// Deleted.
    Pruned,
    /// Should be deleted, but was not asked for.
    PruneSkipped,
}

/// `hookPhase` of a task's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum HookPhase {
    /// Applied, not yet settled.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// Could not be judged.
    Error,
    /// Being ended (rarely written).
    Terminating,
}

impl HookPhase {
    /// Whether the task is over.
    pub const fn is_completed(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Error)
    }
}

impl TaskResult {
    /// The phase the task belongs to: `syncPhase`, or what the hook's kind says where a controller wrote none.
    /// `None` for the hooks of a deletion, and where neither is known.
    pub fn phase(&self) -> Option<SyncPhase> {
        task_phase(self.sync_phase, self.hook_type)
    }

    /// Whether the task failed: its hook or resource did, or it could not be applied.
    pub fn is_failed(&self) -> bool {
        is_task_failed(self.hook_phase, self.status)
    }
}

/// See [`TaskResult::phase`].
pub(crate) fn task_phase(sync_phase: Option<SyncPhase>, hook_type: Option<HookType>) -> Option<SyncPhase> {
    sync_phase.or(match hook_type {
        Some(HookType::PreSync) => Some(SyncPhase::PreSync),
        Some(HookType::Sync) => Some(SyncPhase::Sync),
        Some(HookType::PostSync) => Some(SyncPhase::PostSync),
        Some(HookType::SyncFail) => Some(SyncPhase::SyncFail),
        Some(HookType::Skip | HookType::PreDelete | HookType::PostDelete) | None => None,
    })
}

/// See [`TaskResult::is_failed`].
pub(crate) fn is_task_failed(hook_phase: Option<HookPhase>, status: Option<ResultStatus>) -> bool {
    matches!(hook_phase, Some(HookPhase::Failed | HookPhase::Error)) || status == Some(ResultStatus::SyncFailed)
}

impl OperationState {
    /// The attempt failed and will be repeated: `Running` although it has an end.
    pub fn is_waiting_for_retry(&self) -> bool {
        self.phase == Some(OperationPhase::Running) && self.finished_at.is_some()
    }

    /// Whether the operation is over: its phase is completed and its end is written. An unknown phase is not over.
    pub fn is_completed(&self) -> bool {
        self.phase.is_some_and(OperationPhase::is_completed) && self.finished_at.is_some()
    }
}
