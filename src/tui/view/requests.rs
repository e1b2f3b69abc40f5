//! What was sent in this session, and what came of it.

use ratatui::layout::Rect;

use super::draw::{Canvas, wrapped};
use crate::domain::live::RequestState;
use crate::domain::text;
use crate::tui::model::Model;
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
        lines.extend(
            wrapped(&words, width.saturating_sub(12)).into_iter().map(|line| (role, format!("           {line}"))),
        );
    }
    if lines.is_empty() {
        lines.push((Role::Dim, "  Nothing was sent in this session.".to_owned()));
    }
    lines
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
