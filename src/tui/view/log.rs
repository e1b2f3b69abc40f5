//! The log: below an application, and in full.

use std::fmt::Write;

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthChar;

use super::ansi;
use super::draw::{Canvas, cell};
use crate::domain::live::{LogLine, SourceEnd};
use crate::domain::text;
use crate::tui::model::{AppScreen, LogBuffer, LogLook, Model, contains, is_error};
use crate::tui::theme::Role;

/// The log in full.
pub(super) fn draw(canvas: &mut Canvas<'_>, model: &Model, area: Rect) {
    let Some(screen) = model.app_screen() else { return };
    let Some(log) = &screen.log else {
        canvas.fill(Rect { height: 1, ..area }, Role::Bar);
        canvas.line(area, &[(Role::Bar, " log")]);
        let line = Rect { x: area.x + 2, y: area.y + 2, width: area.width.saturating_sub(2), height: 1 };
        canvas.line(line, &[(Role::Dim, "No hook of this application has a log here.")]);
        return;
    };
    bar(canvas, model, screen, log, Rect { height: 1, ..area });
    lines(canvas, model, log, &screen.look, Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area });
}

/// The last lines.
pub(super) fn tail(canvas: &mut Canvas<'_>, model: &Model, screen: &AppScreen, area: Rect) {
    let Some(log) = &screen.log else { return };
    let mut title = format!("─ log {} ", name(log));
    let state = state(log, &LogLook::default());
    let _ = write!(title, "── {state} ");
    let fill = usize::from(area.width).saturating_sub(unicode_width::UnicodeWidthStr::width(title.as_str()));
    title.push_str(&"─".repeat(fill));
    canvas.line(area, &[(Role::Border, &title)]);
    let rest = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let look = LogLook { wrap: true, ..LogLook::default() };
    lines(canvas, model, log, &look, rest);
}

fn name(log: &LogBuffer) -> String {
    match &log.task {
        Some(task) => format!("{} / {}", task.phase, text::one_line(&task.object.name, 80)),
        None => "of all hooks".to_owned(),
    }
}

/// How the log stands: following, paused, ended.
fn state(log: &LogBuffer, look: &LogLook) -> String {
    let is_whole =
        !log.sources.is_empty() && log.sources.iter().all(|(_, end)| matches!(end, Some(SourceEnd::Complete)));
    if look.top.is_some() && !is_whole {
        let new = log.end().saturating_sub(look.paused_at);
        return if new == 0 { "paused".to_owned() } else { format!("paused, {new} new") };
    }
    let ends = log.sources.iter().map(|(_, end)| end);
    if log.sources.is_empty() {
        // Everything that there is was told; as long as the hook runs there may be more.
        return if log.is_over { "nothing was captured".to_owned() } else { "waiting for the first line".to_owned() };
    }
    if ends.clone().any(|end| matches!(end, Some(SourceEnd::Lost(_)))) {
        return "its end was not captured".to_owned();
    }
    if ends.clone().all(|end| matches!(end, Some(SourceEnd::Complete))) || log.is_over {
        return format!("complete, {} lines", log.end());
    }
    "following".to_owned()
}

fn bar(canvas: &mut Canvas<'_>, model: &Model, screen: &AppScreen, log: &LogBuffer, area: Rect) {
    canvas.fill(area, Role::Bar);
    let look = &screen.look;
    let mut left = format!(" {}  {}", text::one_line(&screen.key.name, 60), name(log));
    if let Some(source) = look.source.and_then(|id| log.source(id)) {
        let _ = write!(left, "  only {}/{}", text::one_line(&source.pod, 60), text::one_line(&source.container, 40));
    } else if log.sources.len() > 1 {
        let _ = write!(left, "  {} containers", log.sources.len());
    }
    if log.filter.all_attempts {
        left.push_str("  all attempts");
    }
    let mut right = state(log, look);
    if let Some(range) = look.range {
        let _ = write!(right, "  last {}", super::times::age(range));
    }
    if look.wrap {
        right.push_str("  wrap");
    }
    if !look.filter.is_empty() {
        let _ = write!(right, "  only {}", text::one_line(&look.filter, 24));
    }
    if !look.search.is_empty() {
        let count = (log.first..log.end())
            .filter(|number| log.get(*number).is_some_and(|line| look.shows(line, model.now) && look.is_match(line)))
            .take(1000)
            .count();
        let more = if count == 1000 { "+" } else { "" };
        let _ = write!(right, "  {count}{more} × {}", text::one_line(&look.search, 24));
    }
    if let Some(old) = model.age() {
        let _ = write!(right, "  {} OLD", super::times::age(old));
    }
    right.push(' ');
    let room = u16::try_from(right.chars().count()).unwrap_or(u16::MAX).min(area.width);
    canvas.line(Rect { width: area.width - room, ..area }, &[(Role::Bar, &left)]);
    canvas.right(area, Role::Bar, &right);
}

fn lines(canvas: &mut Canvas<'_>, model: &Model, log: &LogBuffer, look: &LogLook, area: Rect) {
    let (height, width) = (usize::from(area.height), usize::from(area.width));
    if height == 0 {
        return;
    }
    if log.is_empty() {
        let words = match &log.problem {
            Some(problem) => text::one_line(problem, 300),
            None if log.is_over => "no lines were captured".to_owned(),
            None => String::new(),
        };
        canvas.line(area, &[(Role::Dim, &format!("  {words}"))]);
        return;
    }
    // Only what is seen is made: forwards from the first line, or backwards from the end.
    let mut rows: Vec<(Line<'static>, bool)> = Vec::new();
    let shown = |number: u64| log.get(number).filter(|line| look.shows(line, model.now));
    if let Some(top) = look.top {
        for number in top.max(log.first)..log.end() {
            if rows.len() >= height {
                break;
            }
            if let Some(line) = shown(number) {
                rows.extend(rendered(canvas, log, look, line, number, width));
            }
        }
    } else {
        for number in (log.first..log.end()).rev() {
            if rows.len() >= height {
                break;
            }
            if let Some(line) = shown(number) {
                rows.splice(0..0, rendered(canvas, log, look, line, number, width));
            }
        }
        let over = rows.len().saturating_sub(height);
        rows.drain(..over);
    }
    if rows.is_empty() {
        let words = if look.filter.is_empty() {
            "  no line is so new; 0 shows all".to_owned()
        } else {
            format!("  no line fits {}; & and an empty line show all", text::one_line(&look.filter, 60))
        };
        canvas.line(area, &[(Role::Dim, &words)]);
    }
    for (row, (line, is_current)) in rows.into_iter().take(height).enumerate() {
        let area = Rect { y: area.y + u16::try_from(row).unwrap_or(0), height: 1, ..area };
        canvas.spans(area, line);
        if is_current {
            canvas.fill(area, Role::Selected);
        }
    }
}

/// The width of the containers' names.
fn names(log: &LogBuffer) -> usize {
    let width = |name: &str| unicode_width::UnicodeWidthStr::width(text::one_line(name, 16).as_str());
    log.sources.iter().map(|(source, _)| width(&source.container)).max().unwrap_or_default().min(16)
}

/// How many rows of a screen of this width a line takes.
pub(in crate::tui) fn rows(log: &LogBuffer, look: &LogLook, line: &LogLine, width: usize) -> usize {
    if !look.wrap {
        return 1;
    }
    let times = if look.times { 13 } else { 0 };
    let source = if log.sources.len() > 1 && look.source.is_none() { names(log) + 1 } else { 0 };
    let room = width.saturating_sub(1 + times + source).max(10);
    ansi::line(&line.text, false, Style::new()).width().div_ceil(room).max(1)
}

/// A line as rows of the screen.
fn rendered(
    canvas: &Canvas<'_>,
    log: &LogBuffer,
    look: &LogLook,
    line: &LogLine,
    number: u64,
    width: usize,
) -> Vec<(Line<'static>, bool)> {
    let base = if is_error(line) { canvas.style(Role::Bad) } else { canvas.style(Role::Text) };
    let base = Style { bg: None, ..base };
    let mut content = ansi::line(&line.text, canvas.theme.log_colors, base);
    if line.truncated {
        content.spans.push(Span::styled(" … (the line was longer)", canvas.style(Role::Dim)));
    }
    if look.is_match(line) {
        content = marked(content, &look.search, canvas.style(Role::Match));
    }
    let mut before: Vec<Span<'static>> = vec![Span::raw(" ")];
    if look.times {
        let time = line.time.map_or_else(|| " ".repeat(12), |time| time.strftime("%H:%M:%S%.3f").to_string());
        before.push(Span::styled(format!("{time} "), canvas.style(Role::Dim)));
    }
    if log.sources.len() > 1 && look.source.is_none() {
        let source = log.source(line.source);
        let name = source.map(|source| source.container.as_str()).unwrap_or_default();
        before.push(Span::styled(format!("{} ", cell(name, names(log))), canvas.style(Role::Dim)));
    }
    let indent: usize = before.iter().map(Span::width).sum();
    let is_current = look.current == Some(number);
    if !look.wrap {
        before.extend(content.spans);
        return vec![(Line::from(before), is_current)];
    }
    let parts = broken(content, width.saturating_sub(indent).max(10));
    parts
        .into_iter()
        .enumerate()
        .map(|(place, spans)| {
            let mut row = if place == 0 { before.clone() } else { vec![Span::raw(" ".repeat(indent))] };
            row.extend(spans);
            (Line::from(row), is_current)
        })
        .collect()
}

/// A line in pieces of at most this width.
fn broken(line: Line<'static>, width: usize) -> Vec<Vec<Span<'static>>> {
    let (mut rows, mut row, mut used) = (Vec::new(), Vec::new(), 0);
    for span in line.spans {
        let mut piece = String::new();
        for c in span.content.chars() {
            let own = c.width().unwrap_or(0);
            if used + own > width {
                row.push(Span::styled(std::mem::take(&mut piece), span.style));
                rows.push(std::mem::take(&mut row));
                used = 0;
            }
            piece.push(c);
            used += own;
        }
        if !piece.is_empty() {
            row.push(Span::styled(piece, span.style));
        }
    }
    rows.push(row);
    rows
}

/// The line with what was searched for marked in it.
fn marked(line: Line<'static>, wanted: &str, style: Style) -> Line<'static> {
    let mut spans = Vec::new();
    let lower = wanted.to_lowercase();
    for span in line.spans {
        let text = span.content.as_ref();
        // Where lower case has other lengths, places would not fit.
        if !contains(text.as_bytes(), wanted) || text.to_lowercase().len() != text.len() {
            spans.push(span);
            continue;
        }
        let (searched, pattern) = if wanted.chars().any(char::is_uppercase) {
            (text.to_owned(), wanted)
        } else {
            (text.to_lowercase(), lower.as_str())
        };
        let mut from = 0;
        for (place, _) in searched.match_indices(pattern) {
            let end = place + pattern.len();
            if let (Some(before), Some(hit)) = (text.get(from..place), text.get(place..end)) {
                spans.push(Span::styled(before.to_owned(), span.style));
                spans.push(Span::styled(hit.to_owned(), style));
                from = end;
            }
        }
        spans.push(Span::styled(text.get(from..).unwrap_or_default().to_owned(), span.style));
    }
    Line::from(spans)
}
