//! Outcomes of actions become results and memories.

use std::collections::{HashMap, HashSet};

use jiff::SignedDuration;

use super::board::Board;
use super::message::{self, HOOK_TERMINATED, NOT_DELETED, PRUNED};
use super::results::{TaskState, Verdict, put};
use super::types::{ApplyResult, Delete, DeleteReason, DeleteResult, Outcome};
use crate::domain::hook::SyncPhase;
use crate::domain::manifest::ObjectKey;
use crate::domain::operation::{HookPhase, OperationPhase, ResultStatus, TaskResult};
use crate::domain::plan::TaskId;

/// How long a trial may go without an answer, and the creation of the destination's namespace.
const GIVE_UP: SignedDuration = SignedDuration::from_mins(5);

fn is_answered(outcome: &Outcome) -> bool {
    let is_open = matches!(
        outcome,
        Outcome::Apply { result: ApplyResult::Unknown(_), .. } | Outcome::Read { result: Err(_), .. }
    );
    !is_open
}

impl Board<'_> {
    /// Takes in what came of the actions of the step before.
    pub(super) fn absorb(&mut self) {
        if self.input.seen.outcomes.is_empty() {
            return;
        }
        if self.input.seen.outcomes.iter().all(is_answered) {
            self.memory.unanswered = None;
            if message::is_waiting_for_api_server(&self.state.message) {
                self.state.message.clear();
            }
        }
        let plan = self.plan;
        let by_id: HashMap<&TaskId, usize> =
            plan.tasks.iter().enumerate().rev().map(|(index, task)| (&task.id, index)).collect();
        for outcome in &self.input.seen.outcomes {
            match outcome {
                Outcome::Apply { task, dry_run, result } => {
                    if let Some(index) = by_id.get(task) {
                        self.absorb_apply(*index, *dry_run, result);
                    }
                }
                Outcome::Delete { delete, result } => {
                    self.absorb_delete(by_id.get(&delete.task).copied(), delete, result);
                }
                Outcome::RemoveFinalizer { task, uid, result } => {
                    self.memory.released.insert(uid.clone());
                    if result.is_err() && self.state.phase == Some(OperationPhase::Terminating) {
                        self.memory.termination_failed = true;
                    } else if let Err(error) = result {
                        let message = format!("failed to remove hook finalizer: {error}");
                        self.record_error(by_id.get(task).copied(), task, message);
                    }
                }
                Outcome::Read { .. } => {}
            }
        }
    }

    fn absorb_apply(&mut self, index: usize, dry_run: bool, result: &ApplyResult) {
        let Some(task) = self.task(index) else { return };
        match (dry_run, result) {
            (true, ApplyResult::Done { .. } | ApplyResult::AlreadyExists) if !self.plan.dry_run => {
                self.memory.tried.insert(task.id.clone());
            }
            (true, ApplyResult::Done { change, .. }) => {
                let message = message::applied(&task.object, *change, true);
                self.record(index, Verdict::done(ResultStatus::Synced, message));
            }
            (true, ApplyResult::AlreadyExists) => {
                let message = message::applied(&task.object, super::Change::Configured, true);
                self.record(index, Verdict::done(ResultStatus::Synced, message));
            }
            (_, ApplyResult::Failed(error)) => {
                self.memory.trial_failed |= dry_run;
                self.record(index, Verdict::not_applied(error.clone()));
            }
            (false, ApplyResult::Done { change, object }) => {
                self.remember(&task.object, object);
                self.memory.applied = Some((self.input.now, task.step()));
                self.has_applied = true;
                // A predecessor that was released and then changed into the hook has the finalizer again.
                self.memory.released.remove(object.uid());
                if !self.state_of(index).is_completed() {
                    self.record(index, Verdict::running(message::applied(&task.object, *change, false)));
                }
            }
            (false, ApplyResult::AlreadyExists) => drop(self.memory.taken.insert(task.object.clone())),
            (_, ApplyResult::Unknown(why)) => {
                self.leave_unanswered(why);
                if task.is_hook() && !dry_run {
                    self.memory.taken.insert(task.object.clone());
                } else if self.is_given_up() && (dry_run || self.is_destination_namespace(task)) {
                    self.memory.trial_failed |= dry_run;
                    self.record(index, Verdict::not_applied(why.clone()));
                }
            }
        }
    }

    /// Before anything is applied, it does no harm to end the operation.
    fn is_given_up(&self) -> bool {
        let since = self.memory.unanswered.as_ref().map(|unanswered| unanswered.since);
        since.is_some_and(|since| self.input.now.duration_since(since) >= GIVE_UP)
    }

    fn absorb_delete(&mut self, index: Option<usize>, delete: &Delete, result: &DeleteResult) {
        match result {
            DeleteResult::Accepted => drop(self.memory.deleting.insert(delete.uid.clone())),
            DeleteResult::Gone => drop(self.memory.gone.insert(delete.uid.clone())),
            DeleteResult::Failed(_) => drop(self.memory.undeletable.insert(delete.uid.clone())),
        }
        let failed = match result {
            DeleteResult::Failed(error) => Some(error),
            DeleteResult::Accepted | DeleteResult::Gone => None,
        };
        match (delete.why, failed) {
            (DeleteReason::Prune, None) => {
                if let Some(task) = index.and_then(|index| self.task(index)) {
                    self.memory.applied = Some((self.input.now, task.step()));
                }
                if let Some(index) = index {
                    self.record(index, Verdict::done(ResultStatus::Pruned, PRUNED));
                }
            }
            (DeleteReason::Prune | DeleteReason::BeforeHookCreation | DeleteReason::EndedPredecessor, Some(error)) => {
                if let Some(index) = index {
                    self.record(index, Verdict::not_applied(format!("failed to delete resource: {error}")));
                }
            }
            (DeleteReason::HookSucceeded | DeleteReason::HookFailed, Some(error)) => {
                let message = format!("failed to delete resource: {error}");
                self.record_by_id(&delete.task, Verdict { status: None, phase: None, message });
            }
            (DeleteReason::Terminated, None) => {
                let message = HOOK_TERMINATED.to_owned();
                self.record_terminated(&delete.task, HookPhase::Failed, message);
            }
            (DeleteReason::Terminated, Some(error)) => {
                self.record_terminated(&delete.task, HookPhase::Error, format!("{NOT_DELETED} {error}"));
            }
            (_, None) => {}
        }
    }

    /// A prune that was asked for, that nobody heard of again, and that the plan knows no more, is done.
    pub(super) fn settle_lost_prunes(&mut self) {
        let is_open =
            |entry: &TaskResult| entry.status.is_none() && entry.hook_phase.is_none() && entry.hook_type.is_none();
        if !self.results().iter().any(is_open) {
            return;
        }
        let planned: HashSet<(&ObjectKey, Option<SyncPhase>)> =
            self.plan.tasks.iter().map(|task| (&task.id.key, Some(task.phase()))).collect();
        let results = self.state.sync_result.iter_mut().flat_map(|result| &mut result.resources);
        for entry in results.filter(|entry| is_open(entry)) {
            if !planned.contains(&(&entry.key, entry.phase())) {
                put(entry, Verdict::done(ResultStatus::Pruned, PRUNED));
            }
        }
    }

    /// A hook whose finalizer cannot be removed has failed, whatever it did itself.
    fn record_error(&mut self, index: Option<usize>, id: &TaskId, message: String) {
        let pending = index.is_some_and(|index| self.state_of(index) == TaskState::Pending);
        match index.filter(|_| pending) {
            Some(index) => self.record(index, Verdict::not_applied(message)),
            None => self.record_by_id(id, Verdict { status: None, phase: Some(HookPhase::Error), message }),
        }
    }

    pub(super) fn record_terminated(&mut self, id: &TaskId, phase: HookPhase, message: String) {
        self.record_by_id(id, Verdict { status: None, phase: Some(phase), message });
    }

    /// Changes the result of a task that may not be in the plan; nothing happens if there is none.
    pub(super) fn record_by_id(&mut self, id: &TaskId, verdict: Verdict) {
        let results = self.state.sync_result.as_mut().map(|result| &mut result.resources);
        let entry =
            results.into_iter().flatten().find(|result| result.key == id.key && result.phase() == Some(id.phase));
        if let Some(entry) = entry {
            put(entry, verdict);
        }
    }
}
