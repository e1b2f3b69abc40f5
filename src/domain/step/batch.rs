//! One wave: finalizers of predecessors, prunes, predecessors, applies, in this order.

use super::board::{Board, Next, View};
use super::message::{self, NO_PRUNE, PRUNED, REQUIRES_PRUNING};
use super::results::{TaskState, Verdict};
use super::types::{Action, DeleteReason, WaitFor};
use crate::domain::health::hook_task;
use crate::domain::hook::DeletePolicy;
use crate::domain::manifest::Object;
use crate::domain::operation::ResultStatus;
use crate::domain::plan::{Task, runs_to_completion};
use crate::domain::sync_options::Removal;

/// What has to happen with the object that lives under a hook's name before the hook can be created.
enum Predecessor {
    /// It goes.
    Delete(DeleteReason),
    /// It still runs, and no policy says that it may be deleted; or it is the hook of this other application.
    Await(Option<String>),
    /// It is changed into the hook.
    Patch,
}

impl Board<'_> {
    /// The first wave that has something left to do.
    pub(super) fn run_next_wave(&mut self) -> Option<Next> {
        let pending = self.tasks_where(false, |state| state == TaskState::Pending);
        let step = self.task(*pending.first()?)?.step();
        let batch: Vec<usize> =
            pending.into_iter().filter(|index| self.task(*index).is_some_and(|task| task.step() == step)).collect();
        if let Some((at, applied)) = self.memory.applied
            && applied != step
        {
            let until = at.saturating_add(self.input.settings.wave_delay).unwrap_or(jiff::Timestamp::MAX);
            if until > self.input.now {
                return Some(Next::wait(WaitFor::WaveDelay, Some(until)));
            }
        }
        self.run(&batch)
    }

    /// A wave that has begun runs as a whole: what was left pending when the driver died, or because a name was taken, does
    /// not wait for the hooks beside it. Unless something failed by then; SyncFail hooks all run in any case.
    pub(super) fn complete_wave(&mut self) -> Option<Next> {
        if !self.tasks_where(true, |state| state == TaskState::Running).is_empty() {
            return self.run(&self.tasks_where(true, |state| state == TaskState::Pending));
        }
        let running = self.tasks_where(false, |state| state == TaskState::Running);
        let step = self.task(*running.first()?)?.step();
        if !self.failed().is_empty() || self.plan.tasks.iter().any(|task| task.invalid.is_some()) {
            return None;
        }
        let mut pending = self.tasks_where(false, |state| state == TaskState::Pending);
        pending.retain(|index| self.task(*index).is_some_and(|task| task.step() == step && !task.is_prune()));
        if self.has_started() { self.run(&pending) } else { None }
    }

    /// Runs tasks together. `None` if there is nothing to do for them any more.
    pub(super) fn run(&mut self, batch: &[usize]) -> Option<Next> {
        let pause = if batch.is_empty() { None } else { self.pause_for_api_server() };
        pause
            .or_else(|| self.find_out(batch))
            .or_else(|| self.approve(batch))
            .or_else(|| self.prune(batch))
            .or_else(|| self.clear(batch))
            .or_else(|| self.apply_all(batch))
    }

    /// A server that does not answer is not asked at once again, and what it said instead is told.
    pub(super) fn pause_for_api_server(&mut self) -> Option<Next> {
        let until = self.pause()?;
        let why = self.memory.unanswered.as_ref().map_or("", |unanswered| unanswered.why.as_str());
        self.state.message = message::waiting_for_api_server(why);
        Some(Next::wait(WaitFor::ApiServer, Some(until)))
    }

    /// A create found a name taken, so somebody has to say by whom.
    fn find_out(&mut self, batch: &[usize]) -> Option<Next> {
        let is_taken = |task: &&Task| self.memory.taken.contains(&task.object);
        let actions: Vec<Action> = (self.tasks_at(batch).into_iter().filter(is_taken))
            .map(|task| Action::Read { object: task.object.clone() })
            .collect();
        (!actions.is_empty()).then(|| Next::act(actions))
    }

    /// A prune that asks for confirmation holds its whole wave, until somebody approves or the object is gone anyway.
    fn approve(&mut self, batch: &[usize]) -> Option<Next> {
        let (mut asking, mut actions) = (Vec::new(), Vec::new());
        for index in batch {
            let Some(task) = self.task(*index).filter(|task| self.needs_approval(task)) else { continue };
            match self.look(&task.object) {
                Some(live) if live.uid() == task.live_uid() && !live.is_deleting() => asking.push(*index),
                _ if self.reads.contains_key(&task.object) => {}
                Some(live) if live.uid() == task.live_uid() => {}
                _ => actions.push(Action::Read { object: task.object.clone() }),
            }
        }
        if asking.is_empty() && actions.is_empty() {
            return None;
        }
        let wait = if asking.is_empty() {
            Next::default()
        } else {
            self.state.message = message::waiting_for_approval(&self.tasks_at(&asking));
            Next::wait(WaitFor::Approval(asking), None)
        };
        Some(Next { actions, ..wait })
    }

    /// Whether an object may not be pruned before somebody approves it, and nobody did since the operation began.
    fn needs_approval(&self, task: &Task) -> bool {
        let is_approved = self.input.seen.approved.is_some_and(|approved| Some(approved) >= self.state.started_at);
        task.is_prune() && task.prune.removal == Removal::AfterConfirmation && !is_approved
    }

    fn prune(&mut self, batch: &[usize]) -> Option<Next> {
        let mut actions = Vec::new();
        for index in batch {
            let Some(task) = self.task(*index).filter(|task| task.is_prune()) else { continue };
            if let Some(verdict) = self.prune_refused(task) {
                self.record(*index, verdict);
                continue;
            }
            let seen = self.look(&task.object).filter(|live| live.uid() == task.live_uid());
            let live = seen.or(task.live.as_ref()).filter(|_| !self.needs_approval(task));
            match live.and_then(|live| self.delete(&task.id, &task.object, live, DeleteReason::Prune)) {
                Some(delete) => {
                    self.announce(*index);
                    actions.push(delete);
                }
                None => self.record(*index, Verdict::done(ResultStatus::Pruned, PRUNED)),
            }
        }
        (!actions.is_empty()).then(|| Next::act(actions))
    }

    /// Why an object is not pruned, if it is not.
    pub(super) fn prune_refused(&self, task: &Task) -> Option<Verdict> {
        let message = if !self.plan.prune {
            REQUIRES_PRUNING
        } else if task.prune.removal == Removal::Refused {
            NO_PRUNE
        } else {
            return None;
        };
        Some(Verdict::done(ResultStatus::PruneSkipped, message))
    }

    /// Predecessors of the hooks: deleted if they may be, awaited if they run. No hook runs beside its predecessor.
    fn clear(&mut self, batch: &[usize]) -> Option<Next> {
        let mut actions = Vec::new();
        let (mut going, mut running) = (Vec::new(), Vec::new());
        let mut whose = None;
        for index in batch {
            let Some(task) = self.task(*index).filter(|task| task.is_hook()) else { continue };
            let View::Other(live) = self.view(task) else { continue };
            match predecessor(task, live) {
                Predecessor::Patch => actions.extend(self.release(&task.id, &task.object, live)),
                Predecessor::Await(other) => {
                    running.push(*index);
                    whose = whose.or(other);
                }
                Predecessor::Delete(why) => {
                    going.push(*index);
                    match self.release(&task.id, &task.object, live) {
                        Some(release) => actions.push(release),
                        None => actions.extend(self.delete(&task.id, &task.object, live, why)),
                    }
                }
            }
        }
        let rechecks = [self.recheck(&going, &mut actions), self.recheck(&running, &mut actions)];
        let until = rechecks.into_iter().flatten().min();
        let wait = if !going.is_empty() {
            self.state.message = message::waiting_for_deletion(&self.tasks_at(&going));
            Next::wait(WaitFor::Deletion(going), until)
        } else if !running.is_empty() {
            self.state.message = message::waiting_for_predecessor(&self.tasks_at(&running), whose.as_deref());
            Next::wait(WaitFor::Predecessor(running), until)
        } else if !actions.is_empty() {
            Next::default()
        } else {
            return None;
        };
        Some(Next { actions, ..wait })
    }

    /// Reads again what no watch has confirmed for a while; when to do so next.
    fn recheck(&self, indices: &[usize], actions: &mut Vec<Action>) -> Option<jiff::Timestamp> {
        let mut next = None;
        for task in self.tasks_at(indices) {
            match self.recheck_at(&task.object) {
                Some(at) if at <= self.input.now => actions.push(Action::Read { object: task.object.clone() }),
                Some(at) => next = Some(next.map_or(at, |next: jiff::Timestamp| next.min(at))),
                None => {}
            }
        }
        next
    }

    fn apply_all(&mut self, batch: &[usize]) -> Option<Next> {
        let mut actions = Vec::new();
        for index in batch {
            if self.state_of(*index) == TaskState::Pending
                && let Some(apply) = self.task(*index).and_then(|task| self.apply(task, false))
            {
                if self.plan.out_of_sync_only && !self.task(*index).is_some_and(Task::is_hook) {
                    self.announce(*index);
                }
                actions.push(apply);
            }
        }
        (!actions.is_empty()).then(|| Next::act(actions))
    }
}

fn predecessor(task: &Task, live: &Object) -> Predecessor {
    let runs = || runs_to_completion(&task.object.group, &task.object.kind) && !hook_task(live).phase.is_completed();
    if live.is_deleting() {
        return Predecessor::Delete(DeleteReason::BeforeHookCreation);
    }
    // A policy speaks for the hooks of its own application.
    if let Some(other) = task.other_application(live).filter(|_| runs()) {
        return Predecessor::Await(Some(other));
    }
    if task.has_policy(DeletePolicy::BeforeHookCreation) {
        return Predecessor::Delete(DeleteReason::BeforeHookCreation);
    }
    if !runs_to_completion(&task.object.group, &task.object.kind) {
        return Predecessor::Patch;
    }
    if runs() { Predecessor::Await(None) } else { Predecessor::Delete(DeleteReason::EndedPredecessor) }
}
