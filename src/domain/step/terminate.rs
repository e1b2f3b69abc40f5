//! The end that somebody asked for, or that the timeout brought.
//!
//! It needs no plan: what runs is in the results, and on the objects that carry this attempt's mark.

use std::collections::HashSet;
use std::sync::Arc;

use super::board::{Board, Next};
use super::mark::Mark;
use super::message::{self, HOOK_TERMINATED, TERMINATED, TERMINATION_HAD_ERRORS};
use super::results::{TaskState, Verdict, entry_of_live, put};
use super::types::{Action, Change, DeleteReason, WaitFor};
use crate::domain::health::hook_task;
use crate::domain::hook::{DeletePolicy, delete_policies};
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::operation::{HookPhase, OperationPhase, TaskResult};
use crate::domain::plan::TaskId;

/// A hook of this operation: its result, and its object if it is there.
struct HookOfAttempt {
    id: TaskId,
    key: ObjectKey,
    live: Option<Arc<Object>>,
    state: TaskState,
}

impl Board<'_> {
    /// Ends the operation: what has ended is recorded, what runs is deleted, ordinary objects stay as they are. No
    /// SyncFail hook runs, and nothing is repeated.
    pub(super) fn terminate(&mut self) -> Next {
        if let Some(next) = self.look_for_lost_hooks() {
            return next;
        }
        self.adopt_marked();
        let hooks = self.hooks_of_attempt();
        self.judge_hooks(&hooks);
        let hooks = self.hooks_of_attempt();
        let actions = self.end_hooks(&hooks);
        if !actions.is_empty() {
            return match self.pause() {
                Some(again) if actions.iter().all(|action| matches!(action, Action::Read { .. })) => {
                    Next::wait(WaitFor::ApiServer, Some(again))
                }
                _ => Next::act(actions),
            };
        }
        let is_undeleted = |entry: &TaskResult| {
            entry.hook_phase == Some(HookPhase::Error) && entry.message.starts_with(message::NOT_DELETED)
        };
        if self.memory.termination_failed || self.results().iter().any(is_undeleted) {
            self.finish(OperationPhase::Error, TERMINATION_HAD_ERRORS)
        } else {
            self.finish(OperationPhase::Failed, TERMINATED)
        }
    }

    /// A hook may have been created whose record was lost, and that no watch has seen yet. It can only be one of the
    /// next wave, or a SyncFail hook.
    fn look_for_lost_hooks(&mut self) -> Option<Next> {
        if self.memory.swept || self.plan.dry_run {
            return None;
        }
        if let Some(again) = self.pause() {
            return Some(Next::wait(WaitFor::ApiServer, Some(again)));
        }
        self.memory.swept = true;
        let pending = self.tasks_where(false, |state| state == TaskState::Pending);
        let step = pending.first().and_then(|index| self.task(*index)).map(crate::domain::plan::Task::step);
        let next_wave =
            pending.into_iter().filter(|index| self.task(*index).map(crate::domain::plan::Task::step) == step);
        let sync_fail = self.tasks_where(true, |state| state == TaskState::Pending);
        let tasks: Vec<usize> = next_wave.chain(sync_fail).collect();
        let actions: Vec<Action> = (self.tasks_at(&tasks).into_iter())
            .filter(|task| task.is_hook())
            .map(|task| Action::Read { object: task.object.clone() })
            .collect();
        (!actions.is_empty()).then(|| Next::act(actions))
    }

    /// Gives every object with this attempt's mark a result.
    fn adopt_marked(&mut self) {
        let watched = self.input.seen.objects.values();
        let answered = self.memory.memos.values().map(|memo| &memo.object);
        let marked = watched.chain(answered).filter_map(|object| {
            let phase = Mark::phase_on(object)?;
            self.is_marked(object, phase)
                .then(|| (entry_of_live(object, &self.plan.destination_namespace, phase), object))
        });
        let known: HashSet<(&ObjectKey, _)> = self.results().iter().map(|entry| (&entry.key, entry.phase())).collect();
        let mut lost: Vec<TaskResult> = Vec::new();
        for (mut entry, object) in marked {
            let is_known = known.contains(&(&entry.key, entry.phase()))
                || lost.iter().any(|other| other.key == entry.key && other.phase() == entry.phase());
            if !is_known {
                put(&mut entry, Verdict::running(message::applied(&object.key(), Change::Created, false)));
                lost.push(entry);
            }
        }
        if !lost.is_empty() {
            lost.sort_by(|one, other| (one.phase(), &one.key).cmp(&(other.phase(), &other.key)));
            self.results_mut().append(&mut lost);
        }
    }

    fn hooks_of_attempt(&self) -> Vec<HookOfAttempt> {
        let hook = |entry: &TaskResult| {
            entry.hook_type?;
            let phase = entry.phase()?;
            let id = TaskId { key: entry.key.clone(), phase };
            let key = self.key_in_cluster(&id);
            let live = self.look(&key).filter(|live| self.is_marked(live, phase)).cloned();
            Some(HookOfAttempt { id, key, live, state: TaskState::of(Some(entry)) })
        };
        self.results().iter().filter_map(hook).collect()
    }

    /// Results name a cluster-scoped object with a namespace; the plan knows better, and so does the object itself.
    fn key_in_cluster(&self, id: &TaskId) -> ObjectKey {
        if let Some(task) = self.plan.tasks.iter().find(|task| task.id == *id) {
            return task.object.clone();
        }
        let cluster_scoped = ObjectKey { namespace: String::new(), ..id.key.clone() };
        if self.look(&cluster_scoped).is_some() { cluster_scoped } else { id.key.clone() }
    }

    /// Records what has ended by itself.
    fn judge_hooks(&mut self, hooks: &[HookOfAttempt]) {
        for hook in hooks.iter().filter(|hook| hook.state == TaskState::Running) {
            if let Some(live) = &hook.live {
                let health = hook_task(live);
                if health.phase.is_completed() && health.phase != HookPhase::Error {
                    self.record_terminated(&hook.id, health.phase, health.message);
                }
            }
        }
    }

    /// Releases and deletes; a hook that is known to be gone is recorded at once.
    fn end_hooks(&mut self, hooks: &[HookOfAttempt]) -> Vec<Action> {
        let mut actions = Vec::new();
        for hook in hooks {
            let is_running = hook.state == TaskState::Running;
            let Some(live) = &hook.live else {
                if is_running && !self.reads.contains_key(&hook.key) {
                    actions.push(Action::Read { object: hook.key.clone() });
                } else if is_running {
                    self.record_terminated(&hook.id, HookPhase::Failed, HOOK_TERMINATED.to_owned());
                }
                continue;
            };
            if let Some(release) = self.release(&hook.id, &hook.key, live) {
                actions.push(release);
            } else if is_running {
                match self.delete(&hook.id, &hook.key, live, DeleteReason::Terminated) {
                    Some(delete) => actions.push(delete),
                    None => self.record_terminated(&hook.id, HookPhase::Failed, HOOK_TERMINATED.to_owned()),
                }
            } else if delete_policies(live).contains(DeletePolicy::HookFailed) {
                actions.extend(self.delete(&hook.id, &hook.key, live, DeleteReason::HookFailed));
            }
        }
        actions
    }
}
