//! The lifecycle of an operation in one line, for lists.

use std::fmt;

use super::task::{TaskPhase, TaskState};
use super::view::OperationView;

/// The phases of an operation and their states: `Pre ✔ Sync ◐ Post ○`, or what failed: `Pre ✖ db-migrate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifecycle {
    /// The phases that are known, with their states. `SyncFail` only if it ran.
    pub phases: Vec<(TaskPhase, TaskState)>,
    /// The first task that failed, or was stopped: its phase, its state, and the name of its object.
    pub failing: Option<(TaskPhase, TaskState, String)>,
}

impl Lifecycle {
    pub(super) fn of(view: &OperationView) -> Self {
        let shown = |phase: TaskPhase, state: TaskState| {
            phase != TaskPhase::SyncFail || !matches!(state, TaskState::ToCome | TaskState::Skipped)
        };
        let phases = view.phases.iter().map(|phase| (phase.phase, phase.state));
        let failing = view.tasks().find(|task| task.state.is_bad());
        Self {
            phases: phases.filter(|(phase, state)| shown(*phase, *state)).collect(),
            failing: failing.map(|task| (task.key.phase, task.state, task.key.object.name.clone())),
        }
    }
}

impl fmt::Display for Lifecycle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((phase, state, name)) = &self.failing {
            return formatter.pad(&format!("{} {} {name}", phase.short(), state.symbol()));
        }
        let phases = self.phases.iter().map(|(phase, state)| format!("{} {}", phase.short(), state.symbol()));
        formatter.pad(&phases.collect::<Vec<_>>().join(" "))
    }
}
