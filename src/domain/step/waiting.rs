//! Between waves: hooks that run, objects that are not healthy yet, prunes that are not gone yet.

use super::board::{Board, Next, View};
use super::message;
use super::results::{TaskState, Verdict};
use super::types::{Action, Change, WaitFor};
use crate::domain::health::{hook_task, resource_task};
use crate::domain::hook::SyncPhase;
use crate::domain::operation::{HookPhase, ResultStatus};
use crate::domain::plan::Task;

impl Board<'_> {
    /// Takes over hooks of this attempt whose record was lost: they carry its mark.
    pub(super) fn adopt(&mut self) {
        for index in 0..self.plan.tasks.len() {
            let Some(task) = self.task(index) else { continue };
            if task.is_hook()
                && self.state_of(index) == TaskState::Pending
                && let View::Own(_) = self.view(task)
            {
                self.record(index, Verdict::running(message::applied(&task.object, Change::Created, false)));
            }
        }
    }

    /// What was just applied is shown as running once, even if it is done by now: then nobody misses it.
    pub(super) fn show_what_was_applied(&mut self) -> Option<Next> {
        let awaited = if self.has_applied { self.awaited() } else { Vec::new() };
        if awaited.is_empty() {
            return None;
        }
        self.say_what_runs(&awaited);
        Some(Next::wait(WaitFor::Tasks(awaited), Some(self.input.now)))
    }

    /// Records how far the tasks are that are waited for, by their live objects. Nobody looks at the others: the last
    /// wave without a hook stays as it was applied, in Argo CD as well.
    pub(super) fn judge(&mut self) {
        for index in self.awaited() {
            if let Some(verdict) = self.task(index).and_then(|task| self.verdict(task)) {
                self.record(index, verdict);
            }
        }
    }

    fn verdict(&self, task: &Task) -> Option<Verdict> {
        let View::Own(live) = self.view(task) else { return None };
        let health = if task.is_hook() { hook_task(live) } else { resource_task(live) };
        if task.is_hook() && live.is_deleting() && health.phase == HookPhase::Running {
            let message = format!("hook {} was deleted while it was running", task.object);
            return Some(Verdict { status: None, phase: Some(HookPhase::Failed), message });
        }
        Some(Verdict { status: None, phase: Some(health.phase), message: health.message })
    }

    /// Nothing goes on while a hook runs. In a sync of several waves nothing goes on either while an ordinary object is
    /// not healthy, but for the last wave, which is awaited only if it has a hook. Once something failed, only hooks are
    /// waited for: the failure is not held back by objects that never become healthy.
    pub(super) fn wait_for_running(&mut self) -> Option<Next> {
        loop {
            let awaited = self.awaited();
            if awaited.is_empty() {
                return None;
            }
            let missing: Vec<usize> =
                awaited.iter().copied().filter(|index| self.is_known_to_be_missing(*index)).collect();
            if missing.is_empty() {
                return Some(self.wait_for(awaited));
            }
            for index in missing {
                if let Some(task) = self.task(index) {
                    let message = format!("Resource {} is missing, it might have been deleted", task.object);
                    let (status, phase) = (Some(ResultStatus::SyncFailed), Some(HookPhase::Error));
                    self.record(index, Verdict { status, phase, message });
                }
            }
        }
    }

    fn awaited(&self) -> Vec<usize> {
        let running: Vec<usize> =
            self.taking_part().filter(|index| self.state_of(*index) == TaskState::Running).collect();
        if running.is_empty() {
            return running;
        }
        let has_failed = !self.failed().is_empty();
        let step = |index: usize| self.task(index).map(Task::step);
        let all: Vec<usize> = self.taking_part().collect();
        let has_several_waves = all.first().map(|index| step(*index)) != all.last().map(|index| step(*index));
        let last = self.last_wave_without_hook();
        let is_awaited = |index: &usize| {
            let is_hook = self.task(*index).is_some_and(Task::is_hook);
            is_hook || has_several_waves && !has_failed && step(*index) != last
        };
        running.into_iter().filter(is_awaited).collect()
    }

    /// The last wave that runs without a failure, if it has no hook.
    pub(super) fn last_wave_without_hook(&self) -> Option<(SyncPhase, i64)> {
        let tasks = self.taking_part().filter_map(|index| self.task(index));
        let tasks: Vec<&Task> = tasks.filter(|task| task.phase() != SyncPhase::SyncFail).collect();
        let last = tasks.iter().map(|task| task.step()).max()?;
        (!tasks.iter().any(|task| task.step() == last && task.is_hook())).then_some(last)
    }

    /// The API server itself was asked, and has no such object, or another one.
    fn is_known_to_be_missing(&self, index: usize) -> bool {
        let Some(task) = self.task(index) else { return false };
        self.reads.contains_key(&task.object) && !matches!(self.view(task), View::Own(_))
    }

    fn say_what_runs(&mut self, awaited: &[usize]) {
        let tasks = self.tasks_at(awaited);
        self.state.message = message::waiting(&tasks);
        if tasks.iter().any(|task| task.phase() != SyncPhase::SyncFail) {
            self.mention_failure();
        }
    }

    fn wait_for(&mut self, awaited: Vec<usize>) -> Next {
        self.say_what_runs(&awaited);
        let tasks = self.tasks_at(&awaited);
        let now = self.input.now;
        let mut until = None;
        let mut actions = Vec::new();
        if let Some(again) = self.pause() {
            until = Some(again);
        } else {
            for task in tasks {
                let recheck = self.recheck_at(&task.object);
                let is_own = matches!(self.view(task), View::Own(_));
                if !is_own || recheck.is_some_and(|at| at <= now) {
                    actions.push(Action::Read { object: task.object.clone() });
                } else if let Some(at) = recheck {
                    until = Some(until.map_or(at, |until: jiff::Timestamp| until.min(at)));
                }
            }
        }
        Next { actions, ..Next::wait(WaitFor::Tasks(awaited), until) }
    }

    /// Prunes run wave by wave, and a wave is over when its objects are gone.
    pub(super) fn wait_for_pruned(&mut self) -> Option<Next> {
        let is_going = |index: &usize| {
            self.task(*index).is_some_and(|task| {
                task.is_prune()
                    && self.look(&task.object).is_some_and(|live| {
                        live.uid() == task.live_uid()
                            && (live.is_deleting() || self.memory.deleting.contains(live.uid()))
                    })
            })
        };
        let pruned =
            |index: &usize| self.result(*index).is_some_and(|result| result.status == Some(ResultStatus::Pruned));
        let going: Vec<usize> = self.taking_part().filter(pruned).filter(is_going).collect();
        if going.is_empty() {
            return None;
        }
        self.state.message = message::waiting_for_deletion(&self.tasks_at(&going));
        Some(Next::wait(WaitFor::Deletion(going), None))
    }

    /// A hook's object is held by a finalizer until its result is recorded.
    pub(super) fn release_finished_hooks(&mut self) -> Option<Next> {
        let actions: Vec<Action> = self.releases();
        (!actions.is_empty()).then(|| Next::act(actions))
    }

    pub(super) fn releases(&self) -> Vec<Action> {
        let release = |index: usize| {
            let (task, live) = (self.task(index)?, self.finished_hook(index)?);
            self.release(&task.id, &task.object, live)
        };
        (0..self.plan.tasks.len()).filter_map(release).collect()
    }
}
