//! One step in the making: the plan, the recorded results and what is seen, put side by side.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::mark::Mark;
use super::results::{TaskState, Verdict, new_entry, put};
use super::types::{
    Action, Delete, DeleteReason, Memo, Memory, Outcome, Progress, Render, StepInput, Unanswered, Wait, WaitFor,
};
use crate::domain::hook::SyncPhase;
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::names;
use crate::domain::operation::{OperationState, TaskResult};
use crate::domain::plan::{Plan, Role, Task, TaskId};

/// How long an answer of the API server is relied on while no watch confirms it.
pub(super) const RECHECK: SignedDuration = SignedDuration::from_secs(5);
/// First pause after a request without an answer. Each further one is twice as long, up to [`RECHECK`].
const FIRST_PAUSE: SignedDuration = SignedDuration::from_millis(250);

/// What a stage of a step decided: nothing further happens in this step.
#[derive(Default)]
pub(super) struct Next {
    pub(super) actions: Vec<Action>,
    pub(super) wait: Option<Wait>,
    pub(super) render: Option<Render>,
}

impl Next {
    pub(super) fn act(actions: Vec<Action>) -> Self {
        Self { actions, ..Self::default() }
    }

    pub(super) fn wait(what: WaitFor, until: Option<Timestamp>) -> Self {
        Self { wait: Some(Wait { what, until }), ..Self::default() }
    }
}

/// What is seen of a task's object.
pub(super) enum View<'b> {
    /// No such object.
    Absent,
    /// The task's own: for a hook, created by this attempt for this phase; else whatever has the key.
    Own(&'b Arc<Object>),
    /// A hook's predecessor, or somebody else's object.
    Other(&'b Arc<Object>),
}

/// One step in the making.
pub(super) struct Board<'a> {
    pub(super) plan: &'a Plan,
    pub(super) input: &'a StepInput<'a>,
    pub(super) state: OperationState,
    pub(super) memory: Memory,
    pub(super) mark: Mark,
    /// For each task of the plan its result, if there is one.
    entries: Vec<Option<usize>>,
    /// Something was applied since the step before.
    pub(super) has_applied: bool,
    /// What was read from the API server for this step.
    pub(super) reads: HashMap<&'a ObjectKey, Option<&'a Arc<Object>>>,
}

impl<'a> Board<'a> {
    pub(super) fn new(input: &'a StepInput<'a>, progress: &Progress) -> Self {
        let mut board = Self {
            plan: input.plan,
            input,
            mark: Mark::of(&progress.state),
            entries: entries(input.plan, &progress.state),
            state: progress.state.clone(),
            memory: progress.memory.clone(),
            has_applied: false,
            reads: HashMap::new(),
        };
        board.take_reads();
        board.forget_what_watches_have_seen();
        board
    }

    fn take_reads(&mut self) {
        for outcome in &self.input.seen.outcomes {
            if let Outcome::Read { object, result } = outcome {
                match result {
                    Ok(found) => {
                        self.reads.insert(object, found.as_ref());
                        self.memory.taken.remove(object);
                        match found {
                            Some(found) => self.remember(object, found),
                            None => drop(self.memory.memos.remove(object)),
                        }
                    }
                    Err(error) => self.leave_unanswered(error),
                }
            }
        }
    }

    /// Keeps an answer of the API server until a watch has caught up with it.
    pub(super) fn remember(&mut self, key: &ObjectKey, object: &Arc<Object>) {
        let memo = Memo { object: Arc::clone(object), at: self.input.now };
        self.memory.memos.insert(key.clone(), memo);
    }

    fn forget_what_watches_have_seen(&mut self) {
        let watched = &self.input.seen.objects;
        self.memory.memos.retain(|key, memo| !watched.get(key).is_some_and(|seen| has_caught_up(seen, &memo.object)));
    }

    /// The object under a key, as far as known: what the API server answered last, or else what a watch saw last.
    pub(super) fn look(&self, key: &ObjectKey) -> Option<&Arc<Object>> {
        let found = match (self.reads.get(key), self.memory.memos.get(key)) {
            (Some(read), _) => *read,
            (None, Some(memo)) => Some(&memo.object),
            (None, None) => self.input.seen.objects.get(key),
        };
        found.filter(|object| !self.memory.gone.contains(object.uid()))
    }

    /// When to ask again, while the API server does not answer.
    pub(super) fn pause(&self) -> Option<Timestamp> {
        let unanswered = self.memory.unanswered.as_ref()?;
        let factor = 2_i32.saturating_pow(unanswered.times.saturating_sub(1));
        let pause = FIRST_PAUSE.checked_mul(factor).unwrap_or(RECHECK).min(RECHECK);
        let again = unanswered.at.saturating_add(pause).ok()?;
        (again > self.input.now).then_some(again)
    }

    /// Notes that a request got no answer.
    pub(super) fn leave_unanswered(&mut self, why: &str) {
        let now = self.input.now;
        let known = self.memory.unanswered.take();
        // Those of one step count once.
        let times = known.as_ref().map_or(1, |known| known.times.saturating_add(u32::from(known.at != now)));
        let since = known.map_or(now, |known| known.since);
        self.memory.unanswered = Some(Unanswered { since, at: now, times, why: why.to_owned() });
    }

    /// When the knowledge of an object has to be refreshed: it rests on an answer that no watch has confirmed.
    pub(super) fn recheck_at(&self, key: &ObjectKey) -> Option<Timestamp> {
        let memo = self.memory.memos.get(key)?;
        Some(memo.at.saturating_add(RECHECK).unwrap_or(Timestamp::MAX))
    }

    /// What is seen of a task's object.
    pub(super) fn view(&self, task: &Task) -> View<'_> {
        match self.look(&task.object) {
            None => View::Absent,
            Some(object) if !task.is_hook() || self.is_marked(object, task.phase()) => View::Own(object),
            Some(object) => View::Other(object),
        }
    }

    /// Whether an object was created for this attempt, as a hook of a phase. An operation of another application may have
    /// begun in the same second.
    pub(super) fn is_marked(&self, object: &Object, phase: SyncPhase) -> bool {
        self.mark.is_on(object, phase) && {
            let key = object.key();
            let mut tasks = self.plan.tasks.iter().filter(|task| task.object == key);
            tasks.all(|task| task.other_application(object).is_none())
        }
    }

    /// A finished hook's object, which may also be one of the operation that is resumed.
    pub(super) fn finished_hook(&self, index: usize) -> Option<&Arc<Object>> {
        let task = self.task(index)?;
        if !task.is_hook() || !self.state_of(index).is_completed() {
            return None;
        }
        let object = self.look(&task.object)?;
        let is_resumed = self.state.operation.info.iter().any(|info| info.name == names::BOATHOOK_RESUME);
        let is_own = self.is_marked(object, task.phase());
        (is_own || is_resumed && Mark::any_is_on(object, task.phase())).then_some(object)
    }

    pub(super) fn task(&self, index: usize) -> Option<&'a Task> {
        self.plan.tasks.get(index)
    }

    pub(super) fn results(&self) -> &[TaskResult] {
        self.state.sync_result.as_ref().map_or(&[], |result| &result.resources)
    }

    pub(super) fn result(&self, index: usize) -> Option<&TaskResult> {
        self.results().get((*self.entries.get(index)?)?)
    }

    pub(super) fn state_of(&self, index: usize) -> TaskState {
        TaskState::of(self.result(index))
    }

    /// Records what became of a task.
    pub(super) fn record(&mut self, index: usize, verdict: Verdict) {
        let Some(task) = self.task(index) else { return };
        let known = self.entries.get(index).copied().flatten();
        let results = self.results_mut();
        let entry = known.unwrap_or_else(|| {
            results.push(new_entry(task));
            results.len() - 1
        });
        if let Some(result) = results.get_mut(entry) {
            put(result, verdict);
        }
        if known.is_none() {
            self.point_to(index, task, entry);
        }
    }

    fn point_to(&mut self, index: usize, task: &Task, entry: usize) {
        if let Some(slot) = self.entries.get_mut(index) {
            *slot = Some(entry);
        }
        if task.generated.is_some() {
            // Hooks whose generated names collide share an entry.
            for (_, slot) in self.plan.tasks.iter().zip(&mut self.entries).filter(|(other, _)| other.id == task.id) {
                *slot = Some(entry);
            }
        }
    }

    /// Gives a task an empty entry before its object is deleted or created: afterwards, a new plan may not know of it any
    /// more, and nobody would tell what was done.
    pub(super) fn announce(&mut self, index: usize) {
        self.record(index, Verdict { status: None, phase: None, message: String::new() });
    }

    /// The results, made where there are none yet.
    pub(super) fn results_mut(&mut self) -> &mut Vec<TaskResult> {
        let result = self.state.sync_result.get_or_insert_default();
        if result.revision.is_empty() && result.revisions.is_empty() {
            result.revision.clone_from(&self.plan.revision);
        }
        &mut result.resources
    }

    /// Indices of the tasks that take part: all but those for which nothing has to be done.
    pub(super) fn taking_part(&self) -> impl Iterator<Item = usize> + '_ {
        let tasks = self.plan.tasks.iter().enumerate();
        tasks.filter(|(index, task)| task.skip.is_none() || self.result(*index).is_some()).map(|(index, _)| index)
    }

    /// Indices of the tasks that take part and are of the phases that always run, or of `SyncFail`.
    pub(super) fn tasks_where(&self, sync_fail: bool, wanted: impl Fn(TaskState) -> bool) -> Vec<usize> {
        let matches = |index: &usize| {
            let is_sync_fail = self.task(*index).is_some_and(|task| task.phase() == SyncPhase::SyncFail);
            is_sync_fail == sync_fail && wanted(self.state_of(*index))
        };
        self.taking_part().filter(matches).collect()
    }

    pub(super) fn tasks_at(&self, indices: &[usize]) -> Vec<&'a Task> {
        indices.iter().filter_map(|index| self.task(*index)).collect()
    }

    /// Whether a task creates the destination's namespace.
    pub(super) fn is_destination_namespace(&self, task: &Task) -> bool {
        let object = &task.object;
        object.group.is_empty()
            && object.kind == "Namespace"
            && object.name == self.plan.destination_namespace
            && matches!(task.role, Role::Resource | Role::Namespace)
    }

    /// A deletion, unless it was asked for already, is under way or has failed before.
    pub(super) fn delete(&self, id: &TaskId, key: &ObjectKey, object: &Object, why: DeleteReason) -> Option<Action> {
        let uid = object.uid();
        let memory = &self.memory;
        let is_known = [&memory.deleting, &memory.gone, &memory.undeletable].iter().any(|uids| uids.contains(uid));
        (!is_known && !object.is_deleting()).then(|| {
            let (task, object, uid) = (id.clone(), key.clone(), uid.to_owned());
            Action::Delete(Box::new(Delete { task, object, uid, propagation: self.plan.propagation, why }))
        })
    }

    /// The removal of the hook finalizer, if the object has it and it was not tried before.
    pub(super) fn release(&self, id: &TaskId, key: &ObjectKey, object: &Object) -> Option<Action> {
        let has_it = object.finalizers().any(|finalizer| finalizer == names::HOOK_FINALIZER);
        let uid = object.uid();
        (has_it && !self.memory.released.contains(uid) && !self.memory.gone.contains(uid))
            .then(|| Action::RemoveFinalizer { task: id.clone(), object: key.clone(), uid: uid.to_owned() })
    }
}

/// For each task of the plan the index of its result.
fn entries(plan: &Plan, state: &OperationState) -> Vec<Option<usize>> {
    let results = state.sync_result.as_ref().map_or(&[][..], |result| &result.resources);
    let by_id: HashMap<(&ObjectKey, SyncPhase), usize> = results
        .iter()
        .enumerate()
        .filter_map(|(index, result)| Some(((&result.key, result.phase()?), index)))
        .collect();
    plan.tasks.iter().map(|task| by_id.get(&(&task.id.key, task.phase())).copied()).collect()
}

/// Whether a watch has seen what the API server answered. Resource versions of one kind can be compared as numbers.
fn has_caught_up(seen: &Object, answered: &Object) -> bool {
    let version = |object: &Object| {
        object.at(&["metadata", "resourceVersion"]).and_then(serde_json::Value::as_str).map(str::to_owned)
    };
    let (seen_version, answered_version) = (version(seen), version(answered));
    let number = |version: &Option<String>| version.as_ref().and_then(|version| version.parse::<u128>().ok());
    match (number(&seen_version), number(&answered_version)) {
        (Some(seen), Some(answered)) => seen >= answered,
        _ => seen.uid() == answered.uid(),
    }
}
