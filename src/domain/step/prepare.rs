//! Before the first wave: what cannot be carried out at all, the destination's namespace, and the trial.

use std::sync::Arc;

use super::board::{Board, Next};
use super::message::{self, DRY_RUN_FAILED, NAMESPACE_FAILED, NO_MORE_TASKS, PRUNED_DRY_RUN};
use super::results::{TaskState, Verdict};
use super::types::{Action, Apply, Method};
use crate::domain::operation::{OperationPhase, ResultStatus};
use crate::domain::plan::{DryRun, Task, runs_to_completion};

impl Board<'_> {
    /// One task that cannot be carried out ends the operation before anything is applied.
    pub(super) fn refuse_invalid_plan(&mut self) -> Option<Next> {
        let invalid: Vec<(usize, &str)> = (self.plan.tasks.iter().enumerate())
            .filter_map(|(index, task)| Some((index, task.invalid.as_deref()?)))
            .collect();
        if invalid.is_empty() {
            return None;
        }
        for (index, reason) in &invalid {
            let message = (*reason).to_owned();
            self.record(*index, Verdict { status: Some(ResultStatus::SyncFailed), phase: None, message });
        }
        let message = message::not_valid(invalid.into_iter().map(|(_, reason)| reason));
        Some(self.finish(OperationPhase::Failed, &message))
    }

    /// A dry run tries all tasks at once and changes nothing: no wave, no hook's deletion, no approval is waited for.
    pub(super) fn try_everything_in_a_dry_run(&mut self) -> Option<Next> {
        if !self.plan.dry_run {
            return None;
        }
        let mut actions = Vec::new();
        for index in self.pending_in_any_phase() {
            let Some(task) = self.task(index) else { continue };
            match (task.is_prune(), task.dry_run) {
                (true, _) => {
                    let verdict = self.prune_refused(task);
                    let verdict = verdict.unwrap_or_else(|| Verdict::done(ResultStatus::Pruned, PRUNED_DRY_RUN));
                    self.record(index, verdict);
                }
                (false, DryRun::Possible) => actions.extend(self.apply(task, true)),
                (false, why) => self.record(index, Verdict::done(ResultStatus::Synced, not_tried(why))),
            }
        }
        if !actions.is_empty() {
            return self.pause_for_api_server().or_else(|| Some(Next::act(actions)));
        }
        let failed = self.taking_part().any(|index| self.state_of(index) == TaskState::Failed);
        Some(if failed {
            self.finish(OperationPhase::Failed, DRY_RUN_FAILED)
        } else {
            self.finish(OperationPhase::Succeeded, NO_MORE_TASKS)
        })
    }

    /// The destination's namespace comes before everything, even before other tasks are tried.
    pub(super) fn create_namespace(&mut self) -> Option<Next> {
        if self.has_started() {
            return None;
        }
        let wanted = self.taking_part().find(|index| {
            self.task(*index).is_some_and(|task| {
                // Announced, and never heard of again: it may exist by now, and is applied once more to be sure.
                self.is_destination_namespace(task) && (self.is_uncreated(task) || self.result(*index).is_some())
            })
        })?;
        match self.state_of(wanted) {
            TaskState::Pending => {
                if let Some(pause) = self.pause_for_api_server() {
                    return Some(pause);
                }
                self.announce(wanted);
                Some(Next::act(self.apply(self.task(wanted)?, false).into_iter().collect()))
            }
            TaskState::Failed => {
                let reason = self.result(wanted).map(|result| result.message.clone()).unwrap_or_default();
                let message = message::with_reasons(NAMESPACE_FAILED, [reason.as_str()]);
                Some(self.finish(OperationPhase::Failed, &message))
            }
            TaskState::Running | TaskState::Succeeded => None,
        }
    }

    fn is_uncreated(&self, namespace: &Task) -> bool {
        self.look(&namespace.object).is_none()
    }

    /// Everything is tried before anything is applied. Only failures are recorded, and no SyncFail hook runs for them.
    pub(super) fn try_before_applying(&mut self) -> Option<Next> {
        if self.memory.trial_failed {
            return Some(self.finish(OperationPhase::Failed, DRY_RUN_FAILED));
        }
        if self.has_started() {
            return None;
        }
        let mut actions = Vec::new();
        for index in self.pending_in_any_phase() {
            let Some(task) = self.task(index) else { continue };
            if !task.is_prune() && task.dry_run == DryRun::Possible && !self.memory.tried.contains(&task.id) {
                actions.extend(self.apply(task, true));
            }
        }
        if actions.is_empty() {
            return None;
        }
        self.pause_for_api_server().or_else(|| Some(Next::act(actions)))
    }

    /// Whether anything was done in this attempt, apart from the destination's namespace.
    pub(super) fn has_started(&self) -> bool {
        self.results().iter().any(|result| {
            let key = &result.key;
            let is_namespace = key.group.is_empty() && key.kind == "Namespace";
            !(is_namespace && key.name == self.plan.destination_namespace)
        })
    }

    fn pending_in_any_phase(&self) -> Vec<usize> {
        self.taking_part().filter(|index| self.state_of(*index) == TaskState::Pending).collect()
    }

    /// The request that applies a task's object, or tries to.
    pub(super) fn apply(&self, task: &Task, dry_run: bool) -> Option<Action> {
        let target = task.target.as_ref()?;
        let key = &task.object;
        let is_created = task.is_hook() && runs_to_completion(&key.group, &key.kind);
        let manifest = if task.is_hook() { self.mark.put_on(target, task.phase()) } else { Arc::clone(target) };
        Some(Action::Apply(Box::new(Apply {
            task: task.id.clone(),
            object: key.clone(),
            manifest,
            method: if is_created { Method::Create } else { Method::Apply },
            rule: task.apply,
            dry_run,
        })))
    }
}

/// What a dry run says of an object that cannot be tried.
const fn not_tried(why: DryRun) -> &'static str {
    match why {
        DryRun::Possible => "",
        DryRun::KindComesWithTheSync => "not tried: its kind comes with the sync (dry run)",
        DryRun::KindIsMissing => "not tried: its kind does not exist yet (dry run)",
        DryRun::NamespaceComesWithTheSync => "not tried: its namespace comes with the sync (dry run)",
    }
}
