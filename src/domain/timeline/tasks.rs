//! The tasks of an operation: those that are planned, those that have results, and those whose objects are seen, each once.

use std::collections::HashMap;

use super::facts::{ObjectFacts, OperationFacts, ResultFacts, runs_hooks};
use super::fold::Timeline;
use super::task::{TaskKey, TaskPhase};
use crate::domain::manifest::ObjectKey;
use crate::domain::names;

/// What is known of a task before anything is judged.
pub(super) struct Draft<'a> {
    pub key: TaskKey,
    pub is_hook: bool,
    pub wave: Option<i64>,
    /// Position in the plan.
    planned: Option<usize>,
    /// Nothing has to be done for it, by the plan.
    pub is_skipped: bool,
    /// `generateName` of a planned hook.
    generate_name: Option<&'a str>,
    /// Its result in the current attempt.
    pub result: Option<&'a ResultFacts>,
    /// Position among the results, of this attempt or of one before.
    touched: Option<usize>,
}

/// The tasks of an operation, in the order in which they are shown within a phase.
#[derive(Default)]
pub(super) struct Drafts<'a> {
    pub tasks: Vec<Draft<'a>>,
    exact: HashMap<TaskKey, usize>,
    /// Planned tasks whose name is generated: few, and looked through for every object of another name.
    unnamed: Vec<usize>,
    by_name: HashMap<(String, String, String), Vec<usize>>,
}

impl<'a> Drafts<'a> {
    /// `objects` are those that were created for this operation.
    pub(crate) fn collect(
        timeline: &'a Timeline,
        operation: Option<&'a OperationFacts>,
        is_current: bool,
        objects: &[&'a ObjectFacts],
    ) -> Self {
        let mut drafts = Self::default();
        if is_current {
            drafts.take_plan(timeline, operation);
        }
        if let Some(operation) = operation {
            drafts.take_results(operation);
            if runs_hooks(&operation.request) {
                drafts.take_objects(timeline, operation, objects);
            }
        }
        drafts.find_waves(timeline, objects);
        drafts.sort();
        drafts
    }

    /// The tasks of an object: an object without namespace is also known by the destination's.
    pub(crate) fn of_object(&self, key: &ObjectKey) -> Vec<usize> {
        let candidates = self.by_name.get(&(key.group.clone(), key.kind.clone(), key.name.clone()));
        let same_place = |index: &&usize| {
            self.tasks.get(**index).is_some_and(|task| {
                let namespace = &task.key.object.namespace;
                *namespace == key.namespace || namespace.is_empty() || key.namespace.is_empty()
            })
        };
        candidates.into_iter().flatten().filter(same_place).copied().collect()
    }

    fn take_plan(&mut self, timeline: &'a Timeline, operation: Option<&OperationFacts>) {
        let runs_hooks = operation.is_none_or(|operation| runs_hooks(&operation.request));
        for (index, task) in timeline.plan.iter().enumerate() {
            let position = self.add(task.key.clone(), task.is_hook);
            if let Some(draft) = self.tasks.get_mut(position) {
                draft.wave = Some(task.wave);
                draft.planned = Some(index);
                draft.generate_name = task.generate_name.as_deref();
                self.unnamed.extend(task.generate_name.is_some().then_some(position));
                draft.is_skipped = task.is_skipped || (task.is_hook && !runs_hooks);
            }
        }
    }

    fn take_results(&mut self, operation: &'a OperationFacts) {
        let current = operation.attempts.get_key_value(&operation.current());
        let others = operation.attempts.iter().rev().filter(|(number, _)| **number != operation.current());
        for (number, attempt) in current.into_iter().chain(others) {
            let mut results: Vec<_> = attempt.results.iter().collect();
            results.sort_by_key(|(_, result)| result.order);
            for (key, result) in results {
                let is_hook = result.result.hook_type.is_some();
                let position = self.find(key).unwrap_or_else(|| self.add(key.clone(), is_hook));
                let Some(draft) = self.tasks.get_mut(position) else { continue };
                draft.is_hook |= is_hook;
                draft.touched = draft.touched.or(Some(result.order));
                if *number == operation.current() {
                    draft.result = Some(result);
                }
            }
        }
    }

    /// Hooks that are there before anything is recorded of them.
    fn take_objects(&mut self, timeline: &Timeline, operation: &OperationFacts, objects: &[&ObjectFacts]) {
        let deletes = operation.request.info.iter().any(|info| info.name == names::BOATHOOK_DELETE);
        for object in objects.iter().filter(|object| object.rerun.is_none() && timeline.tracks(object)) {
            let counts = |phase: &&TaskPhase| match phase {
                TaskPhase::PreDelete | TaskPhase::PostDelete => deletes,
                _ => !deletes,
            };
            // The name of a generated one says for which of its phases it was made.
            let named = |phase: &&TaskPhase| {
                let part = format!("-{}-", phase.as_str().to_ascii_lowercase());
                object.generate_name.is_empty() || object.key.name.contains(&part)
            };
            for phase in object.phases.iter().filter(counts).filter(named) {
                let key = TaskKey { phase: *phase, object: object.key.clone() };
                let position = self.find(&key).unwrap_or_else(|| self.add(key, true));
                if let Some(draft) = self.tasks.get_mut(position) {
                    draft.is_hook = true;
                }
            }
        }
    }

    fn find_waves(&mut self, timeline: &Timeline, objects: &[&ObjectFacts]) {
        let told: HashMap<&ObjectKey, i64> = objects.iter().map(|object| (&object.key, object.wave)).collect();
        for draft in self.tasks.iter_mut().filter(|draft| draft.wave.is_none()) {
            let key = &draft.key.object;
            let wave = told.get(key).or_else(|| timeline.waves.get(key)).copied();
            draft.wave = wave.or_else(|| {
                // A cluster-scoped object has the destination's namespace in results, and none of its own elsewhere.
                let bare = ObjectKey { namespace: String::new(), ..key.clone() };
                told.get(&bare).or_else(|| timeline.waves.get(&bare)).copied()
            });
        }
    }

    /// A task by its name; or a planned one whose name was not known yet, which gets this name.
    fn find(&mut self, key: &TaskKey) -> Option<usize> {
        if let Some(position) = self.exact.get(key).copied() {
            if let Some(draft) = self.tasks.get_mut(position) {
                draft.generate_name = None;
            }
            return Some(position);
        }
        let waits_for_name = |draft: &Draft<'_>| {
            let own = &draft.key.object;
            let prefix = draft.generate_name.filter(|prefix| !prefix.is_empty());
            draft.key.phase == key.phase
                && (&own.group, &own.kind, &own.namespace)
                    == (&key.object.group, &key.object.kind, &key.object.namespace)
                && prefix.is_some_and(|prefix| key.object.name.starts_with(prefix))
        };
        let waits = |position: &usize| self.tasks.get(*position).is_some_and(waits_for_name);
        let position = self.unnamed.iter().copied().find(waits)?;
        let draft = self.tasks.get_mut(position)?;
        draft.generate_name = None;
        draft.key = key.clone();
        self.index(key, position);
        Some(position)
    }

    fn add(&mut self, key: TaskKey, is_hook: bool) -> usize {
        let position = self.tasks.len();
        self.index(&key, position);
        self.tasks.push(Draft {
            key,
            is_hook,
            wave: None,
            planned: None,
            is_skipped: false,
            generate_name: None,
            result: None,
            touched: None,
        });
        position
    }

    fn index(&mut self, key: &TaskKey, position: usize) {
        let name = (key.object.group.clone(), key.object.kind.clone(), key.object.name.clone());
        self.by_name.entry(name).or_default().push(position);
        self.exact.insert(key.clone(), position);
    }

    fn sort(&mut self) {
        // The name such a hook will get is not known before it gets it.
        for draft in &mut self.tasks {
            if let Some(prefix) = draft.generate_name {
                prefix.clone_into(&mut draft.key.object.name);
            }
        }
        let last = |position: Option<usize>| position.unwrap_or(usize::MAX);
        self.tasks.sort_by(|one, other| {
            let order = |draft: &Draft<'_>| {
                (draft.key.phase, draft.wave.unwrap_or(i64::MAX), last(draft.planned), last(draft.touched))
            };
            order(one).cmp(&order(other)).then_with(|| one.key.cmp(&other.key))
        });
        self.exact.clear();
        self.by_name.clear();
        let keys: Vec<TaskKey> = self.tasks.iter().map(|draft| draft.key.clone()).collect();
        for (position, key) in keys.iter().enumerate() {
            self.index(key, position);
        }
    }
}
