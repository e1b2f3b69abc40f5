//! What is remembered of an operation: the request, how far the controller says it is, and the results of every attempt.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::operation::{
    HookPhase, Operation, OperationPhase, OperationState, ResultStatus, Strategy, SyncRequest, TaskResult,
};
use crate::domain::timeline::elapsed::Moment;
use crate::domain::timeline::task::{TaskKey, TaskPhase};

/// One operation, known by its `startedAt` once the controller took it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::domain::timeline) struct OperationFacts {
    /// `startedAt`; `None` while it is only requested.
    pub started_at: Option<Timestamp>,
    /// The controller has taken it.
    pub accepted: bool,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// We looked before it began.
    pub seen_from_start: bool,
    /// `.operation` is there: the controller is at it, or will be.
    pub requested: bool,
    /// The request.
    pub request: Arc<Operation>,
    /// `phase`, `None` if missing or a word that is not known.
    pub phase: Option<OperationPhase>,
    /// The controller's words.
    pub message: String,
    /// `finishedAt`: of the operation, or of the attempt before the next.
    pub finished_at: Option<Timestamp>,
    /// `retryCount`.
    pub retry_count: i64,
    /// Revision, or revisions, that are synced; empty while unknown.
    pub revisions: Vec<String>,
    /// Each attempt by its number, from 0.
    pub attempts: BTreeMap<i64, AttemptFacts>,
}

/// One attempt of an operation.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::domain::timeline) struct AttemptFacts {
    /// Results by task.
    pub results: HashMap<TaskKey, ResultFacts>,
    /// `finishedAt` of an attempt that was followed, or will be, by another.
    pub ended_at: Option<Timestamp>,
    /// The controller's last words in it.
    pub message: String,
}

/// One entry of the results.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::domain::timeline) struct ResultFacts {
    /// Position among the results: the order in which tasks were first touched.
    pub order: usize,
    pub result: TaskResult,
    /// When it was first there.
    pub started: Moment,
    /// When it was first there as completed.
    pub completed: Moment,
}

impl OperationFacts {
    /// An operation that is there for the first time.
    pub(crate) fn new(at: Timestamp, seen_from_start: bool) -> Self {
        Self {
            started_at: None,
            accepted: false,
            first_seen: at,
            seen_from_start,
            requested: false,
            request: Arc::default(),
            phase: None,
            message: String::new(),
            finished_at: None,
            retry_count: 0,
            revisions: Vec::new(),
            attempts: BTreeMap::new(),
        }
    }

    /// The controller's state of it, as of `at`. `live`: this is news, not what we found when we came. `in_order`: the
    /// Application's version says that it is newer than what is known.
    pub(crate) fn update(&mut self, state: OperationState, at: Timestamp, live: bool, in_order: bool) {
        let completed = |phase: Option<OperationPhase>| phase.is_some_and(OperationPhase::is_completed);
        let is_again = completed(self.phase) && !completed(state.phase) && state.retry_count <= self.retry_count;
        if is_again && !in_order {
            // What is over does not begin again under the same start: this was said before.
            return;
        }
        let known = self.current();
        // What was requested when we came may still begin before our eyes.
        self.seen_from_start |= live && !self.accepted;
        self.accepted = true;
        self.started_at = state.started_at;
        self.request = Arc::new(state.operation);
        self.phase = state.phase;
        self.message = super::json::clip_message(&state.message);
        self.finished_at = state.finished_at;
        self.retry_count = state.retry_count;
        let number = self.current();
        if is_again || number < known {
            // The Application tells less than it did (a controller that worked on an old copy, a restored backup): what
            // it said of this attempt and of later ones is not so any more.
            self.attempts.retain(|earlier, _| *earlier < number);
        }
        let waits = self.waits_for_retry();
        let attempt = self.attempts.entry(number).or_default();
        attempt.message.clone_from(&self.message);
        if waits {
            attempt.ended_at = self.finished_at;
        }
        let Some(result) = state.sync_result else { return };
        if !result.revision.is_empty() {
            self.revisions = vec![result.revision];
        } else if !result.revisions.is_empty() {
            self.revisions = result.revisions;
        }
        for (order, result) in result.resources.into_iter().enumerate() {
            attempt.take(order, result, at, live);
        }
    }

    /// Whether an attempt has ended and the next is waited for: Argo CD writes that as `Running` with a `finishedAt`.
    pub(crate) fn waits_for_retry(&self) -> bool {
        self.phase == Some(OperationPhase::Running) && self.finished_at.is_some() && self.retry_count > 0
    }

    /// The number of the current attempt, from 0.
    pub(crate) fn current(&self) -> i64 {
        if self.waits_for_retry() { self.retry_count - 1 } else { self.retry_count }
    }

    /// Whether nothing more will happen in it.
    pub(crate) fn is_over(&self) -> bool {
        self.phase.is_some_and(OperationPhase::is_completed)
    }

    /// The attempt that an object created at this time belongs to.
    pub(crate) fn attempt_at(&self, created: Option<Timestamp>) -> i64 {
        let Some(created) = created else { return self.current() };
        let ended = self.attempts.iter().filter(|(_, attempt)| attempt.ended_at.is_some_and(|end| created <= end));
        ended.map(|(number, _)| *number).next().unwrap_or_else(|| self.current())
    }
}

impl AttemptFacts {
    fn take(&mut self, order: usize, result: TaskResult, at: Timestamp, live: bool) {
        let key = TaskKey { phase: TaskPhase::of_result(&result), object: result.key.clone() };
        let is_completed = is_completed(&result);
        let known = self.results.entry(key).or_insert_with(|| ResultFacts {
            order,
            result: result.clone(),
            started: Moment::seen(at, live),
            completed: Moment::default(),
        });
        if is_completed && known.completed.is_unknown() {
            known.completed = Moment::seen(at, live);
        }
        // Within an attempt a completed result may be corrected, never taken back.
        if is_completed || known.completed.is_unknown() {
            known.result = result;
        }
    }
}

/// Whether hooks run: not with strategy apply, nor when only some resources are synced.
pub(in crate::domain::timeline) fn runs_hooks(request: &Operation) -> bool {
    let with_hooks = |sync: &SyncRequest| matches!(sync.strategy, Strategy::Hook { .. }) && sync.resources.is_empty();
    request.sync.as_ref().is_none_or(with_hooks)
}

/// Whether the controller is done with a task.
fn is_completed(result: &TaskResult) -> bool {
    result.hook_phase.is_some_and(HookPhase::is_completed)
        || matches!(result.status, Some(ResultStatus::Pruned | ResultStatus::PruneSkipped | ResultStatus::SyncFailed))
}
