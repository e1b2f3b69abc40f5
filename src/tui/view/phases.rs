//! The lifecycle in miniature.

use ratatui::text::Span;

use super::draw::{Canvas, cell};
use crate::domain::application::PhaseState;
use crate::domain::hook::SyncPhase;
use crate::domain::timeline::{TaskPhase, TaskState};
use crate::tui::model::{Model, Row};
use crate::tui::theme::{Role, Theme};

/// One phase: name, state, and what failed in it.
struct Part {
    name: &'static str,
    state: TaskState,
    failed: Option<String>,
}

/// The cell, in exactly this width.
pub(super) fn spans(canvas: &Canvas<'_>, model: &Model, row: &Row, width: usize) -> Vec<Span<'static>> {
    let parts = parts(model, row);
    if let Some(part) = parts.iter().find(|part| part.failed.is_some()) {
        let name = part.failed.as_deref().unwrap_or_default();
        let text = cell(&format!("{} {} {name}", part.name, part.state.symbol()), width);
        return vec![Span::styled(text, canvas.style(Theme::role_of(part.state)))];
    }
    let mut spans = Vec::new();
    let mut left = width;
    // Where there is little room, names and signs stand close together.
    let gap = if width < 20 { "" } else { " " };
    for part in parts {
        let used = part.name.len() + 2 + gap.len();
        if used > left + 1 {
            break;
        }
        // The last one does without the space behind it.
        let space = if used <= left { " " } else { "" };
        left = left.saturating_sub(used);
        spans.push(Span::styled(format!("{}{gap}", part.name), canvas.style(Role::Dim)));
        spans.push(Span::styled(format!("{}{space}", part.state.symbol()), canvas.style(Theme::role_of(part.state))));
    }
    spans.push(Span::raw(" ".repeat(left)));
    spans
}

fn parts(model: &Model, row: &Row) -> Vec<Part> {
    let Some(summary) = row.summary() else { return Vec::new() };
    // What its hooks themselves say is newer than what the controller has recorded.
    if let Some(details) = model.details.get(&row.key).filter(|details| !details.view.phases.is_empty()) {
        let lifecycle = details.view.lifecycle();
        if let Some((phase, state, failed)) = lifecycle.failing {
            return vec![Part { name: phase.short(), state, failed: Some(failed) }];
        }
        return lifecycle
            .phases
            .iter()
            .map(|(phase, state)| Part { name: phase.short(), state: *state, failed: None })
            .collect();
    }
    let Some(operation) = &summary.operation else { return Vec::new() };
    let mut parts = Vec::new();
    for phase in SyncPhase::ALL {
        let own = operation.phase_of(phase);
        let state = match own.state {
            PhaseState::Absent => continue,
            PhaseState::Running => TaskState::Running,
            PhaseState::Succeeded => TaskState::Succeeded,
            PhaseState::Failed => TaskState::Failed,
            PhaseState::Stopped => TaskState::Stopped,
            PhaseState::Unknown => TaskState::Unknown,
        };
        parts.push(Part {
            name: TaskPhase::from(phase).short(),
            state,
            failed: own.failed.as_deref().map(str::to_owned),
        });
    }
    parts
}
