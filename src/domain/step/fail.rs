//! The end of an attempt: success, or failure with its SyncFail hooks.

use super::board::{Board, Next};
use super::message::{self, ALL_TASKS_RUN, APPLY_FAILED, NO_MORE_TASKS, SYNC_FAIL_FAILED, TASKS_FAILED};
use super::results::TaskState;
use super::types::{Action, DeleteReason};
use crate::domain::hook::DeletePolicy;
use crate::domain::operation::{HookPhase, OperationPhase, ResultStatus, TaskResult};

impl Board<'_> {
    /// The tasks that failed, SyncFail hooks apart.
    pub(super) fn failed(&self) -> Vec<usize> {
        self.tasks_where(false, |state| state == TaskState::Failed)
    }

    /// After a failure: hooks are deleted whose policy says so, then all SyncFail hooks run together, then it is over.
    /// How a SyncFail hook ends changes nothing; that it could not be applied is told.
    pub(super) fn fail(&mut self) -> Option<Next> {
        let failed = self.failed();
        if failed.is_empty() {
            return None;
        }
        let deletions = self.deletions(DeletePolicy::HookFailed, DeleteReason::HookFailed);
        if !deletions.is_empty() {
            return Some(Next::act(deletions));
        }
        let sync_fail = self.tasks_where(true, |state| state == TaskState::Pending);
        if let Some(next) = self.run(&sync_fail) {
            return Some(next);
        }
        let mut message = self.failure(&failed);
        let reasons: Vec<&str> = self.reasons(&self.tasks_where(true, |state| state == TaskState::Failed));
        if !reasons.is_empty() {
            message.push_str(&message::with_reasons(SYNC_FAIL_FAILED, reasons));
        }
        Some(self.finish(OperationPhase::Failed, &message))
    }

    /// What the operation says of its failure.
    fn failure(&self, failed: &[usize]) -> String {
        let ran_sync_fail = !self.tasks_where(true, |state| state != TaskState::Pending).is_empty();
        let message =
            if !ran_sync_fail && self.nothing_was_applied_beside(failed) { APPLY_FAILED } else { TASKS_FAILED };
        message::with_reasons(message, self.reasons(failed))
    }

    /// Whether the wave failed as a whole: nothing in it could be applied.
    fn nothing_was_applied_beside(&self, failed: &[usize]) -> bool {
        let steps: Vec<_> = self.tasks_at(failed).into_iter().map(crate::domain::plan::Task::step).collect();
        let could_not_be_applied = |result: &TaskResult| {
            result.status == Some(ResultStatus::SyncFailed) && result.hook_phase == Some(HookPhase::Failed)
        };
        let is_beside = |index: &usize| self.task(*index).is_some_and(|task| steps.contains(&task.step()));
        self.taking_part().filter(is_beside).all(|index| {
            self.result(index)
                .is_none_or(|result| could_not_be_applied(result) || result.status != Some(ResultStatus::Synced))
                && !self.failed_otherwise(index)
        })
    }

    /// Failed after it was applied, or because it went missing.
    fn failed_otherwise(&self, index: usize) -> bool {
        self.result(index).is_some_and(|result| {
            result.hook_phase == Some(HookPhase::Error)
                || result.hook_phase == Some(HookPhase::Failed) && result.status != Some(ResultStatus::SyncFailed)
        })
    }

    fn reasons(&self, indices: &[usize]) -> Vec<&str> {
        let results = indices.iter().filter_map(|index| self.result(*index));
        let unapplied = results.filter(|result| result.status == Some(ResultStatus::SyncFailed));
        unapplied.map(|result| result.message.as_str()).collect()
    }

    /// A failure is told while hooks of the same wave still run.
    pub(super) fn mention_failure(&mut self) {
        let failed = self.failed();
        if !failed.is_empty() {
            let failure = self.failure(&failed);
            self.state.message = format!("{} ({failure})", self.state.message);
        }
    }

    /// Nothing is left to do.
    pub(super) fn succeed(&mut self) -> Option<Next> {
        if !self.tasks_where(false, |state| state == TaskState::Pending).is_empty() {
            return None;
        }
        let deletions = self.deletions(DeletePolicy::HookSucceeded, DeleteReason::HookSucceeded);
        if !deletions.is_empty() {
            return Some(Next::act(deletions));
        }
        let message = if self.last_wave_without_hook().is_some() { ALL_TASKS_RUN } else { NO_MORE_TASKS };
        Some(self.finish(OperationPhase::Succeeded, message))
    }

    /// Deletes the finished hooks of this operation with a policy, whatever became of each of them.
    pub(super) fn deletions(&self, policy: DeletePolicy, why: DeleteReason) -> Vec<Action> {
        let delete = |index: usize| {
            let task = self.task(index).filter(|task| task.has_policy(policy))?;
            self.delete(&task.id, &task.object, self.finished_hook(index)?, why)
        };
        (0..self.plan.tasks.len()).filter_map(delete).collect()
    }
}
