//! The lifecycle in miniature.

use ratatui::text::Span;

use super::draw::{Canvas, cell};
use crate::domain::application::{AppSummary, Doing, PhaseState};
use crate::domain::hook::SyncPhase;
use crate::domain::operation::OperationPhase;
use crate::domain::text;
use crate::domain::timeline::{OperationStatus, TaskPhase, TaskState};
use crate::tui::model::{Model, Row, Standing};
use crate::tui::theme::{Role, Theme};

/// The sign of what will not go on without help.
const STUCK: &str = "!";

/// What the cell says.
enum Said {
    /// How far each phase is.
    Phases(Vec<(&'static str, TaskState)>),
    /// What somebody should look at: it takes the place of the phases.
    Fault(Role, String),
}

/// The cell, in exactly this width.
pub(super) fn spans(canvas: &Canvas<'_>, model: &Model, row: &Row, width: usize) -> Vec<Span<'static>> {
    let parts = match said(model, row) {
        Said::Fault(role, words) => return vec![Span::styled(cell(&words, width), canvas.style(role))],
        Said::Phases(parts) => parts,
    };
    let mut spans = Vec::new();
    let mut left = width;
    // Where there is little room, names and signs stand close together.
    let gap = if width < 20 { "" } else { " " };
    for (name, state) in parts {
        let used = name.len() + 2 + gap.len();
        if used > left + 1 {
            break;
        }
        // The last one does without the space behind it.
        let space = if used <= left { " " } else { "" };
        left = left.saturating_sub(used);
        spans.push(Span::styled(format!("{name}{gap}"), canvas.style(Role::Dim)));
        spans.push(Span::styled(format!("{}{space}", state.symbol()), canvas.style(Theme::role_of(state))));
    }
    spans.push(Span::raw(" ".repeat(left)));
    spans
}

fn said(model: &Model, row: &Row) -> Said {
    let Some(summary) = row.summary() else { return Said::Phases(Vec::new()) };
    let fault = |phase: &str, state: TaskState, name: &str| {
        Said::Fault(Theme::role_of(state), format!("{phase} {} {name}", state.symbol()))
    };
    // What its hooks themselves say is newer than what the controller has recorded.
    let details = model.details.get(&row.key).filter(|details| !details.view.phases.is_empty());
    // Of what is only requested nothing is recorded: what its details tell may be of the one before.
    let details = details.filter(|details| !summary.is_pending() || details.view.state == OperationStatus::Requested);
    let lifecycle = details.map(|details| details.view.lifecycle());
    if let Some((phase, state, name)) = lifecycle.as_ref().and_then(|lifecycle| lifecycle.failing.as_ref()) {
        return fault(phase.short(), *state, name);
    }
    let recorded = summary.operation.iter().flat_map(|operation| {
        SyncPhase::ALL.into_iter().filter_map(|phase| {
            let own = operation.phase_of(phase);
            Some((TaskPhase::from(phase).short(), state_of(own.state)?, own.failed.as_deref()))
        })
    });
    if lifecycle.is_none()
        && let Some((phase, state, Some(name))) = recorded.clone().find(|(.., failed)| failed.is_some())
    {
        return fault(phase, state, name);
    }
    let phases: Vec<(&'static str, TaskState)> = match lifecycle {
        Some(lifecycle) => {
            lifecycle.phases.iter().map(|(phase, state)| (phase.short(), over(summary, *state))).collect()
        }
        None => recorded.map(|(phase, state, _)| (phase, state)).collect(),
    };
    if row.standing() == Standing::Stuck {
        let running = || phases.iter().find(|(_, state)| state.is_active()).map_or("Sync", |(phase, _)| *phase);
        let words = match &row.stuck {
            Some((phase, name)) if summary.doing() != Doing::Confirm => format!("{} {STUCK} {name}", phase.short()),
            _ => format!("{} {STUCK} confirm prune", running()),
        };
        return Said::Fault(Role::Warning, words);
    }
    // It failed, and no task says so: it did not come to any, or what it came to was well.
    let phase = summary.operation.as_ref().and_then(|operation| operation.phase);
    match (phase, &summary.operation) {
        (Some(phase @ (OperationPhase::Failed | OperationPhase::Error)), Some(operation))
            if summary.is_done() && !phases.iter().any(|(_, state)| state.is_bad()) =>
        {
            let (state, word) = (TaskState::Failed, if phase == OperationPhase::Error { "Error" } else { "Failed" });
            let why = text::one_line(&operation.message, 60);
            let between = if why.is_empty() { "" } else { ": " };
            Said::Fault(Theme::role_of(state), format!("{} {word}{between}{why}", state.symbol()))
        }
        _ => Said::Phases(phases),
    }
}

/// A phase as the list shows it. Whether an object is healthy too is told where it is looked at: of an operation that is
/// over, what was applied has succeeded, as the record says that stands for it where nobody looks.
fn over(summary: &AppSummary, state: TaskState) -> TaskState {
    if state == TaskState::Applied && summary.is_done() { TaskState::Succeeded } else { state }
}

const fn state_of(state: PhaseState) -> Option<TaskState> {
    Some(match state {
        PhaseState::Absent => return None,
        PhaseState::Running => TaskState::Running,
        PhaseState::Succeeded => TaskState::Succeeded,
        PhaseState::Failed => TaskState::Failed,
        PhaseState::Stopped => TaskState::Stopped,
        PhaseState::Unknown => TaskState::Unknown,
    })
}
