//! A text on a screen of its own.

use ratatui::layout::Rect;

use super::list::{draw_parts, folded};
use crate::domain::text;
use crate::tui::model::{Model, TextScreen};
use crate::tui::theme::Role;
use crate::tui::view::draw::Canvas;
use crate::tui::view::times::age;

/// The first line from which the rest of a text fills a screen of this size: it is not scrolled further.
pub(in crate::tui) fn last_top(screen: &TextScreen, width: u16, height: u16) -> usize {
    let mut room = usize::from(height);
    for (place, parts) in screen.lines.iter().enumerate().rev() {
        let rows = folded(parts, usize::from(width)).len();
        if rows > room {
            return (place + 1).min(screen.lines.len().saturating_sub(1));
        }
        room -= rows;
    }
    0
}

pub(in crate::tui::view) fn draw(canvas: &mut Canvas<'_>, model: &Model, screen: &TextScreen, area: Rect) {
    let top_line = Rect { height: 1, ..area };
    canvas.fill(top_line, Role::Bar);
    canvas.line(top_line, &[(Role::Bar, &format!(" {}", screen.title))]);
    let mut right = String::new();
    if !screen.search.is_empty() {
        let wanted = screen.search.to_lowercase();
        let hits = (0..screen.lines.len()).filter(|line| screen.line(*line).to_lowercase().contains(&wanted)).count();
        right = format!("{hits} × {}  ", text::one_line(&screen.search, 24));
    }
    if let Some(old) = model.age() {
        right = format!("{right}{} OLD  ", age(old));
    }
    let end = screen.lines.len();
    canvas.right(top_line, Role::Bar, &format!("{right}line {} of {end} ", (screen.top + 1).min(end)));
    let (mut y, bottom) = (area.y + 1, area.bottom());
    for (place, parts) in screen.lines.iter().enumerate().skip(screen.top) {
        for row in folded(parts, usize::from(area.width)) {
            if y >= bottom {
                return;
            }
            let line = Rect { y, height: 1, ..area };
            draw_parts(canvas, &row, line);
            if screen.current == Some(place) {
                canvas.fill(line, Role::Selected);
            }
            y += 1;
        }
    }
}
