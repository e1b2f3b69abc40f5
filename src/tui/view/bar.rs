//! The first line: where we are, how many applications are how, and how old that is.

use std::fmt::Write;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::draw::Canvas;
use super::times::age;
use crate::domain::live::WatchState;
use crate::domain::text;
use crate::tui::model::{Connection, Model};
use crate::tui::theme::Role;

/// Draws it.
pub(super) fn bar(canvas: &mut Canvas<'_>, model: &Model, area: Rect) {
    canvas.fill(area, Role::Bar);
    let place = format!("{} / {}", model.cluster, model.namespace.as_deref().unwrap_or("all namespaces"));
    let mut left = String::from(" boathook");
    if !model.settings.label.is_empty() {
        let _ = write!(left, " {}", model.settings.label);
    }
    let _ = write!(left, "  {}", text::one_line(&place, 60));
    let filter = filter(model);
    let (role, freshness) = freshness(model);
    let room = usize::from(area.width).saturating_sub(freshness.width() + 2);
    let parts = totals(model, room.saturating_sub(left.width() + filter.width()));
    let background = canvas.style(Role::Bar);
    let mut spans = vec![Span::styled(left, background)];
    if !filter.is_empty() {
        let style = background.patch(ratatui::style::Style { bg: None, ..canvas.style(Role::Warning) });
        spans.push(Span::styled(filter, style));
    }
    for (role, text) in parts {
        let style = background.patch(ratatui::style::Style { bg: None, ..canvas.style(role) });
        spans.push(Span::styled(text, style));
    }
    let room = u16::try_from(freshness.width() + 2).unwrap_or(u16::MAX);
    canvas.spans(Rect { width: area.width.saturating_sub(room), ..area }, Line::from(spans));
    let style = background.patch(ratatui::style::Style { bg: None, ..canvas.style(role) });
    let x = area.right().saturating_sub(room.min(area.width));
    canvas
        .spans(Rect { x, width: area.right() - x, ..area }, Line::from(Span::styled(format!(" {freshness} "), style)));
}

/// What the list leaves out: else a fleet of which one row is shown looks like a fleet of one.
fn filter(model: &Model) -> String {
    let filter = &model.fleet.filter;
    let text = text::one_line(filter.text.trim(), 24);
    match (text.is_empty(), filter.faults) {
        (true, false) => String::new(),
        (true, true) => "  only faults".to_owned(),
        (false, false) => format!("  only /{text}"),
        (false, true) => format!("  only faults /{text}"),
    }
}

/// How many applications are how, in so many cells: what matters less loses its words first, then its place.
fn totals(model: &Model, room: usize) -> Vec<(Role, String)> {
    let totals = model.fleet.totals;
    let shown = model.fleet.shown();
    let (role, all) = if shown == totals.all {
        (Role::Bar, totals.all.to_string())
    } else {
        (Role::Warning, format!("{shown} of {}", totals.all))
    };
    // Importance, colour, number, word, and what stands for the word where there is no room.
    let mut parts: Vec<(u8, Role, String, &str, &str)> =
        vec![(1, role, all, if totals.all == 1 { "app" } else { "apps" }, "apps")];
    for (rank, role, count, word, short) in [
        (0, Role::Bad, totals.failed, "failed", "✖"),
        (0, Role::Warning, totals.stuck, "stuck", "!"),
        (0, Role::Bad, totals.degraded, "degraded", "degr"),
        (2, Role::Running, totals.syncing, "syncing", "◐"),
        (3, Role::Waiting, totals.out_of_sync, "out of sync", "out"),
        (5, Role::Bar, totals.synced, "synced", "✔"),
    ] {
        if count > 0 {
            parts.push((rank, role, count.to_string(), word, short));
        }
    }
    if model.settings.read_only {
        parts.push((0, Role::Warning, String::new(), "read-only", "r/o"));
    }
    let text = |(_, _, count, word, _): &(u8, Role, String, &str, &str)| {
        let gap = if count.is_empty() { "" } else { " " };
        format!("  {count}{gap}{word}")
    };
    let width =
        |parts: &Vec<(u8, Role, String, &str, &str)>| parts.iter().map(|part| text(part).width()).sum::<usize>();
    for rank in (0..=5).rev() {
        if width(&parts) <= room {
            break;
        }
        for part in parts.iter_mut().filter(|part| part.0 == rank) {
            part.3 = part.4;
        }
    }
    for rank in (1..=5).rev() {
        if width(&parts) <= room {
            break;
        }
        parts.retain(|part| part.0 != rank);
    }
    parts.iter().map(|part| (part.1, text(part))).collect()
}

/// How old the data is.
fn freshness(model: &Model) -> (Role, String) {
    match (&model.connection, model.fleet_watch().map(|watch| &watch.state)) {
        (Connection::Ended, _) => (Role::Bad, "ended".to_owned()),
        (Connection::Preparing(_), _) => (Role::Warning, "preparing".to_owned()),
        (Connection::Failed(_), _) => (Role::Bad, "not connected".to_owned()),
        (_, Some(WatchState::Live)) => (Role::Bar, "live".to_owned()),
        (_, Some(WatchState::Absent { .. } | WatchState::Stopped)) => (Role::Bad, "not watched".to_owned()),
        (_, Some(WatchState::Interrupted { .. })) => match model.age() {
            Some(old) => (Role::Bad, format!("INTERRUPTED, {} old", age(old))),
            None => (Role::Bad, "not reached".to_owned()),
        },
        (_, Some(WatchState::Listing)) => match model.age().filter(|_| model.fleet.is_complete) {
            Some(old) => (Role::Warning, format!("reading, {} old", age(old))),
            None => (Role::Warning, "reading".to_owned()),
        },
        (_, None) => (Role::Warning, "connecting".to_owned()),
    }
}
