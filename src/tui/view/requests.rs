//! What was sent in this session, and what came of it.

use ratatui::layout::Rect;

use super::draw::{Canvas, wrapped};
use crate::domain::live::RequestState;
use crate::domain::operation::OperationPhase;
use crate::domain::text;
use crate::tui::model::{Model, RequestEntry};
use crate::tui::theme::Role;
use crate::tui::update::outcome_text;

fn lines(model: &Model, width: usize) -> Vec<(Role, String)> {
    let mut lines = Vec::new();
    // The latest first.
    for entry in model.requests.values().rev() {
        let about = format!(
            " {}  {}  {}",
            entry.at.strftime("%H:%M:%S"),
            entry.update.name,
            text::one_line(&entry.update.key.to_string(), 120)
        );
        lines.push((Role::Strong, about));
        for says in &entry.says {
            lines.extend(
                wrapped(&text::one_line(says, 300), width.saturating_sub(12))
                    .into_iter()
                    .map(|line| (Role::Dim, format!("           {line}"))),
            );
        }
        let (role, words) = match &entry.update.state {
            RequestState::Sent(_) => (Role::Waiting, "sent, no answer yet".to_owned()),
            RequestState::Ended(outcome) => {
                (if outcome.is_written() { Role::Good } else { Role::Bad }, outcome_text(outcome))
            }
        };
        let is_written = matches!(&entry.update.state, RequestState::Ended(outcome) if outcome.is_written());
        let came = is_written.then(|| came_of(entry)).flatten();
        for (role, words) in [Some((role, words)), came].into_iter().flatten() {
            let parts = wrapped(&words, width.saturating_sub(12));
            lines.extend(parts.into_iter().map(|line| (role, format!("           {line}"))));
        }
    }
    if lines.is_empty() {
        lines.push((Role::Dim, "  Nothing was sent in this session.".to_owned()));
    }
    lines
}

/// What its operation has come to, in words.
fn came_of(entry: &RequestEntry) -> Option<(Role, String)> {
    let Some(operation) = &entry.operation else {
        return entry.begins().then(|| (Role::Waiting, "no controller was seen to begin it yet".to_owned()));
    };
    let message = text::one_line(&operation.message, 300);
    let tail = if message.is_empty() { String::new() } else { format!(": {message}") };
    let took = operation.started_at.zip(operation.finished_at);
    let took = took.map_or_else(String::new, |(begin, end)| {
        format!(" after {}", text::duration(end.duration_since(begin).as_secs()))
    });
    let what = if operation.dry_run { "the dry run" } else { "the operation" };
    Some(match operation.phase {
        Some(OperationPhase::Succeeded) => (Role::Good, format!("{what} succeeded{took}{tail}")),
        Some(OperationPhase::Failed) => (Role::Bad, format!("{what} failed{took}{tail}")),
        Some(OperationPhase::Error) => (Role::Bad, format!("{what} ended in an error{took}{tail}")),
        Some(OperationPhase::Terminating) => (Role::Waiting, format!("{what} is being ended{tail}")),
        Some(OperationPhase::Running) | None => (Role::Running, format!("{what} runs{tail}")),
    })
}

/// How many lines there are.
pub(in crate::tui) fn height(model: &Model) -> usize {
    lines(model, usize::from(model.size.0)).len()
}

pub(super) fn draw(canvas: &mut Canvas<'_>, model: &Model, top: usize, area: Rect) {
    canvas.fill(Rect { height: 1, ..area }, Role::Bar);
    canvas.line(area, &[(Role::Bar, " boathook  requests of this session, in UTC")]);
    let lines = lines(model, usize::from(area.width));
    let height = usize::from(area.height.saturating_sub(1));
    let top = top.min(lines.len().saturating_sub(height));
    for (row, (role, line)) in lines.iter().skip(top).take(height).enumerate() {
        canvas.line(Rect { y: area.y + 1 + u16::try_from(row).unwrap_or(0), height: 1, ..area }, &[(*role, line)]);
    }
}
