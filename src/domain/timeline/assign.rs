//! Which object was created for which operation, attempt and task. Only names are given back to the controller; what an
//! object was made for has to be told from when it was made, unless the engine wrote it down.

use std::collections::BTreeMap;

use super::facts::{ObjectFacts, OperationFacts, ResultFacts};
use super::run::Run;
use super::task::{TaskKey, TaskPhase, TaskState};

/// Whether an object was created in this operation, and not before it, nor in the one after it.
pub(super) fn belongs(object: &ObjectFacts, operation: &OperationFacts, next: Option<&OperationFacts>) -> bool {
    if !operation.accepted {
        return false;
    }
    if let Some((started_at, _)) = object.operation {
        return operation.started_at == Some(started_at);
    }
    is_after_start(object, operation) && !next.is_some_and(|next| next.accepted && is_after_start(object, next))
}

fn is_after_start(object: &ObjectFacts, operation: &OperationFacts) -> bool {
    let by_record = match (object.created.recorded, operation.started_at) {
        (Some(created), Some(started)) => created >= started,
        _ => true,
    };
    // Two clusters, two clocks: what we saw created after we saw the operation begin belongs to it.
    let by_sight =
        operation.seen_from_start && object.created.observed.is_some_and(|created| created >= operation.first_seen);
    by_record || by_sight
}

/// The attempt of the operation that an object was created in.
pub(super) fn attempt(object: &ObjectFacts, operation: &OperationFacts) -> i64 {
    match object.operation {
        Some((_, retry_count)) => retry_count,
        None => operation.attempt_at(object.created.recorded),
    }
}

/// Runs of one name in one operation, by attempt and phase. `phases` are those the name has a task in, in their order;
/// `runs` are in the order of their creation.
///
/// With several phases the first object is the first phase's. Another one is a later phase's if the one before it has
/// ended and the controller has recorded as much; else it repeats the same phase.
pub(super) fn by_phase<'r, 'a>(
    runs: &'r [Run<'a>],
    phases: &[TaskPhase],
    operation: &OperationFacts,
) -> BTreeMap<(i64, TaskPhase), Vec<&'r Run<'a>>> {
    let mut assigned: BTreeMap<(i64, TaskPhase), Vec<&Run<'_>>> = BTreeMap::new();
    let mut latest: BTreeMap<i64, (usize, &Run<'_>)> = BTreeMap::new();
    for run in runs {
        let number = attempt(run.object, operation);
        let index = match latest.get(&number) {
            None => 0,
            Some((index, before)) => next_phase(*index, before, phases, number, operation),
        };
        let Some(phase) = phases.get(index) else { continue };
        latest.insert(number, (index, run));
        assigned.entry((number, *phase)).or_default().push(run);
    }
    assigned
}

fn next_phase(index: usize, before: &Run<'_>, phases: &[TaskPhase], number: i64, operation: &OperationFacts) -> usize {
    let result = |phase: TaskPhase| -> Option<&ResultFacts> {
        let key = TaskKey { phase, object: before.object.key.clone() };
        operation.attempts.get(&number)?.results.get(&key)
    };
    if !matches!(before.state, Some(TaskState::Succeeded | TaskState::Failed | TaskState::Stopped)) {
        return index;
    }
    let later = || phases.iter().enumerate().skip(index + 1);
    if let Some((begun, _)) = later().find(|(_, phase)| result(**phase).is_some()) {
        return begun;
    }
    let is_recorded =
        phases.get(index).and_then(|phase| result(*phase)).is_some_and(|result| !result.completed.is_unknown());
    if !is_recorded {
        return index;
    }
    let failed = before.state != Some(TaskState::Succeeded);
    let runs_next = |phase: TaskPhase| (phase == TaskPhase::SyncFail) == failed;
    later().find(|(_, phase)| runs_next(**phase)).map_or(index, |(later, _)| later)
}
