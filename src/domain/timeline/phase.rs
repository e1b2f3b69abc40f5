//! Tasks into waves and phases, and their totals.

use jiff::Timestamp;

use super::elapsed::Moment;
use super::facts::OperationFacts;
use super::task::{TaskPhase, TaskState};
use super::view::{Counts, PhaseView, TaskView, WaveView};

/// Groups tasks, which are in order, each with its wave.
pub(super) fn group(
    tasks: Vec<(Option<i64>, TaskView)>,
    operation: Option<&OperationFacts>,
    has_plan: bool,
    now: Timestamp,
) -> Vec<PhaseView> {
    let mut phases: Vec<(TaskPhase, Vec<WaveView>)> = Vec::new();
    for (wave, task) in tasks {
        if phases.last().is_none_or(|(phase, _)| *phase != task.key.phase) {
            phases.push((task.key.phase, Vec::new()));
        }
        let Some((_, waves)) = phases.last_mut() else { continue };
        match waves.last_mut() {
            Some(last) if last.wave == wave => last.tasks.push(task),
            _ => waves.push(WaveView { wave, tasks: vec![task] }),
        }
    }
    let is_over = operation.is_some_and(OperationFacts::is_over);
    // From the last to the first: whether a phase is done shows in those after it.
    let mut is_later_begun = false;
    let mut views = Vec::with_capacity(phases.len());
    for (phase, waves) in phases.into_iter().rev() {
        let view = totals(phase, waves, has_plan || is_over || is_later_begun, now);
        is_later_begun |= !matches!(view.state, TaskState::ToCome | TaskState::Skipped);
        views.push(view);
    }
    views.reverse();
    views
}

/// `is_complete`: no tasks can come in this phase but those that are known.
fn totals(phase: TaskPhase, waves: Vec<WaveView>, is_complete: bool, now: Timestamp) -> PhaseView {
    let tasks = || waves.iter().flat_map(|wave| &wave.tasks);
    let mut counts = Counts::default();
    let mut started = Moment::default();
    let mut ended = Moment::default();
    for task in tasks() {
        counts.add(task.state);
        started = started.earlier(task.started);
        ended = ended.later(task.ended);
    }
    let state = state(&counts, is_complete);
    let end = if state.is_active() { Moment::observed(now) } else { ended };
    PhaseView { phase, state, elapsed: started.until(end), counts, waves }
}

/// The states of all tasks of a phase in one: the worst first, then what is not over.
fn state(counts: &Counts, is_complete: bool) -> TaskState {
    let any = |state| counts.of(state) > 0;
    let all = |state| counts.of(state) == counts.total();
    let first = [TaskState::Failed, TaskState::Stopped].into_iter().find(|state| any(*state));
    if let Some(bad) = first {
        bad
    } else if any(TaskState::Running) || any(TaskState::Waiting) {
        TaskState::Running
    } else if any(TaskState::Unknown) {
        TaskState::Unknown
    } else if all(TaskState::ToCome) {
        TaskState::ToCome
    } else if all(TaskState::Skipped) {
        TaskState::Skipped
    } else if any(TaskState::ToCome) && !all_but_skipped(counts, TaskState::ToCome) || !is_complete {
        TaskState::Running
    } else if any(TaskState::ToCome) {
        TaskState::ToCome
    } else if any(TaskState::Applied) {
        TaskState::Applied
    } else {
        TaskState::Succeeded
    }
}

fn all_but_skipped(counts: &Counts, state: TaskState) -> bool {
    counts.of(state) + counts.of(TaskState::Skipped) == counts.total()
}
