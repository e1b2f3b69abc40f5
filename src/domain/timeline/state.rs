//! How far a task is: the controller's record, the object and its pods, and the operation, weighed against each other.

use super::elapsed::Moment;
use super::facts::{OperationFacts, ResultFacts};
use super::run::Run;
use super::task::TaskState;
use super::tasks::Draft;
use super::view::Exit;
use crate::domain::operation::{HookPhase, ResultStatus};

/// How far a task is, and why that is believed.
#[derive(Default)]
pub(super) struct Judgement {
    /// `None` only before it is judged.
    pub state: Option<TaskState>,
    pub started: Moment,
    pub ended: Moment,
    pub message: String,
    pub exit: Option<Exit>,
    /// The controller has recorded an end.
    pub is_recorded: bool,
}

/// Judges a task by its result and by its run in the current attempt. `is_blocked`: a predecessor has to go first.
pub(super) fn judge(
    draft: &Draft<'_>,
    run: Option<&Run<'_>>,
    operation: Option<&OperationFacts>,
    is_blocked: bool,
) -> Judgement {
    let mut judgement = Judgement::default();
    if let Some(result) = draft.result {
        judgement.message.clone_from(&result.result.message);
        judgement.started = result.started;
    }
    if let Some(run) = run {
        judgement.exit.clone_from(&run.exit);
        if draft.is_hook {
            judgement.started = run.object.created;
        }
    }
    // An end that the controller recorded is the truth it acts upon, whatever else was seen.
    if let Some(result) = draft.result
        && let Some(state) = recorded_end(result)
    {
        judgement.state = Some(state);
        judgement.is_recorded = true;
        let seen = run.filter(|run| !run.ended.is_unknown());
        judgement.ended = seen.map_or(result.completed, |run| run.ended);
        return judgement;
    }
    if let Some(run) = run
        && let Some(state) = run.state
    {
        judgement.state = Some(state);
        judgement.ended = run.ended;
        // What is recorded so far is about its creation.
        if !state.is_active() {
            judgement.message.clone_from(&run.message);
        }
        return judgement;
    }
    let state = match draft.result {
        Some(result) => unfinished(draft, result, operation),
        None if run.is_some() && draft.is_hook => TaskState::Running,
        None => untouched(draft, operation, is_blocked),
    };
    judgement.state = Some(state);
    judgement
}

/// What the controller recorded, if that is an end.
fn recorded_end(result: &ResultFacts) -> Option<TaskState> {
    let by_status = match result.result.status {
        Some(ResultStatus::Pruned) => Some(TaskState::Pruned),
        Some(ResultStatus::PruneSkipped) => Some(TaskState::Skipped),
        // It could not be applied; there may be no phase beside it.
        Some(ResultStatus::SyncFailed) => Some(TaskState::Failed),
        Some(ResultStatus::Synced) | None => None,
    };
    by_status.or(match result.result.hook_phase {
        Some(HookPhase::Succeeded) => Some(TaskState::Succeeded),
        Some(HookPhase::Failed | HookPhase::Error) => Some(TaskState::Failed),
        Some(HookPhase::Running | HookPhase::Terminating) | None => None,
    })
}

/// There is a result, and it is no end.
fn unfinished(draft: &Draft<'_>, result: &ResultFacts, operation: Option<&OperationFacts>) -> TaskState {
    let is_running = matches!(result.result.hook_phase, Some(HookPhase::Running | HookPhase::Terminating));
    let is_over = operation.is_some_and(OperationFacts::is_over);
    match (is_running, is_over) {
        (true, false) => TaskState::Running,
        // Argo CD does not wait for the resources of the last wave, and leaves their results so for ever.
        (true, true) if !draft.is_hook => TaskState::Applied,
        _ => TaskState::Unknown,
    }
}

/// There is neither a result nor an object.
fn untouched(draft: &Draft<'_>, operation: Option<&OperationFacts>, is_blocked: bool) -> TaskState {
    let is_over = operation.is_some_and(OperationFacts::is_over);
    if draft.is_skipped || is_over {
        TaskState::Skipped
    } else if is_blocked {
        TaskState::Waiting
    } else {
        TaskState::ToCome
    }
}
