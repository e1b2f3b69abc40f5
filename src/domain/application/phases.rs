//! The lifecycle in miniature: what the results of an operation say about each phase of the sync.
//!
//! A controller records only tasks it has touched. So a phase whose recorded tasks are all done may still have waves to
//! come, and counts as done only when a later phase has begun or the operation has succeeded.

use crate::domain::hook::SyncPhase;
use crate::domain::operation::{HookPhase, OperationPhase};

/// What is known of one phase of the last attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PhaseState {
    /// No task of the phase was recorded: not reached, or it has none.
    #[default]
    Absent,
    /// Under way.
    Running,
    /// Every task ended well, and more cannot come.
    Succeeded,
    /// A task failed.
    Failed,
    /// The attempt ended while the phase was under way.
    Stopped,
    /// A task is in a state that is not known.
    Unknown,
}

/// One phase of the last attempt.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PhaseSummary {
    /// The state of all its tasks together.
    pub state: PhaseState,
    /// The first hook of the phase that failed, by name; `Kind/name` of the first failed resource if no hook failed.
    /// Bounded. `None` unless the phase failed.
    pub failed: Option<Box<str>>,
}

/// What is asked of one task's result.
pub(super) struct Task<'a> {
    pub(super) phase: Option<SyncPhase>,
    pub(super) is_hook: bool,
    pub(super) is_failed: bool,
    pub(super) hook_phase: Option<HookPhase>,
    pub(super) kind: &'a str,
    pub(super) name: &'a str,
}

/// The tasks of each phase, counted as they are read.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally([PhaseTally; 4]);

#[derive(Debug, Clone, Default)]
struct PhaseTally {
    touched: bool,
    running: bool,
    unknown: bool,
    failed: Option<Failed>,
}

#[derive(Debug, Clone)]
struct Failed {
    is_hook: bool,
    name: Box<str>,
}

impl Tally {
    pub(super) fn add(&mut self, task: &Task<'_>) {
        let Some(tally) = task.phase.and_then(|phase| self.0.get_mut(phase as usize)) else { return };
        tally.touched = true;
        if task.is_failed {
            if tally.failed.as_ref().is_none_or(|first| task.is_hook && !first.is_hook) {
                let name = super::summary::bounded(task.name);
                let name =
                    if task.is_hook { name } else { format!("{}/{name}", super::summary::bounded(task.kind)).into() };
                tally.failed = Some(Failed { is_hook: task.is_hook, name });
            }
            return;
        }
        match task.hook_phase {
            Some(HookPhase::Succeeded) => {}
            Some(HookPhase::Running | HookPhase::Terminating) => tally.running = true,
            // Failed and Error are failures; none is an unknown word, or a task that was never started.
            Some(HookPhase::Failed | HookPhase::Error) | None => tally.unknown = true,
        }
    }

    /// The phases in the order in which they run. `over`: the attempt has ended.
    pub(super) fn finish(self, operation: Option<OperationPhase>, over: bool) -> [PhaseSummary; 4] {
        let touched = self.0.each_ref().map(|tally| tally.touched);
        let mut later = [false; 4];
        // A SyncFail task proves nothing about the phase that was cut short by the failure.
        later[0] = touched[1] || touched[2];
        later[1] = touched[2];
        later[3] = over;
        let succeeded = operation == Some(OperationPhase::Succeeded);
        let mut later = later.into_iter();
        self.0.map(|tally| {
            let later = later.next().unwrap_or_default();
            let unfinished = if over { PhaseState::Stopped } else { PhaseState::Running };
            let state = match tally {
                PhaseTally { touched: false, .. } => PhaseState::Absent,
                PhaseTally { failed: Some(_), .. } => PhaseState::Failed,
                // Argo CD does not wait for the health of the last wave: it stays Running for ever.
                PhaseTally { running: true, .. } if !succeeded => unfinished,
                PhaseTally { unknown: true, .. } => PhaseState::Unknown,
                _ if succeeded || later => PhaseState::Succeeded,
                _ => unfinished,
            };
            PhaseSummary { state, failed: tally.failed.map(|failed| failed.name) }
        })
    }
}
