//! The list of applications.

use std::fmt::Write;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr as _;

use super::bar::bar;
use super::columns::{Columns, heading};
use super::draw::{Canvas, cell};
use super::phases;
use super::spots::Spot;
use super::times::{ago, clock};
use crate::domain::application::{AppSummary, Doing, Revision, SyncStatus};
use crate::domain::health::HealthStatus;
use crate::domain::live::WatchState;
use crate::domain::text;
use crate::tui::model::{Connection, FLASH_SECONDS, Known, Model, Row, Standing};
use crate::tui::theme::Role;

/// The row of the screen on which the first application stands.
const FIRST_ROW: u16 = 2;

pub(super) fn draw(canvas: &mut Canvas<'_>, model: &Model, area: Rect) {
    bar(canvas, model, Rect { height: 1, ..area });
    let columns = Columns::for_model(area.width, model);
    heading(canvas, model, &columns, Rect { y: area.y + 1, height: 1, ..area });
    let rows = Rect { y: area.y + FIRST_ROW, height: area.height.saturating_sub(FIRST_ROW), ..area };
    if model.fleet.shown() == 0 {
        nothing(canvas, model, rows);
        return;
    }
    let rows = interruption(canvas, model, rows);
    let height = usize::from(rows.height);
    let last_top = model.fleet.shown().saturating_sub(height);
    let top = model.fleet.top.min(last_top);
    for (place, row) in model.fleet.window(top, height).enumerate() {
        let y = rows.y + u16::try_from(place).unwrap_or(u16::MAX);
        let line = Rect { y, height: 1, ..rows };
        let selected = top + place == model.fleet.cursor();
        draw_row(canvas, model, &columns, row, selected, line);
        canvas.spot(line, || Spot::Application(row.key.clone()));
    }
}

/// Why the list is old, below it. Gives the room that is left.
fn interruption(canvas: &mut Canvas<'_>, model: &Model, area: Rect) -> Rect {
    let Some(WatchState::Interrupted { error, retry_in, .. }) = model.fleet_watch().map(|watch| &watch.state) else {
        return area;
    };
    if area.height < 4 {
        return area;
    }
    let words =
        format!(" what is shown is old: {}; tried again {}", text::one_line(error, 160), retry(model, *retry_in));
    let line = Rect { y: area.bottom() - 1, height: 1, ..area };
    canvas.line(line, &[(Role::Warning, &words)]);
    Rect { height: area.height - 1, ..area }
}

/// When it is tried again, in words.
pub(super) fn retry(model: &Model, retry_in: std::time::Duration) -> String {
    let at = model.fleet_watch().map_or(model.now, |watch| watch.at);
    let until = at.checked_add(jiff::SignedDuration::try_from(retry_in).unwrap_or_default());
    let left = until.map_or(0, |until| until.as_second() - model.now.as_second());
    if left > 0 { format!("in {left}s") } else { "now".to_owned() }
}

fn draw_row(canvas: &mut Canvas<'_>, model: &Model, columns: &Columns, row: &Row, selected: bool, area: Rect) {
    let is_new = row.changed.is_some_and(|at| model.now.as_second() - at.as_second() <= FLASH_SECONDS);
    let is_marked = model.fleet.marks.contains(&row.key);
    let name = if is_marked {
        Role::Marked
    } else if is_new {
        Role::Changed
    } else {
        match row.standing() {
            Standing::Failed | Standing::Ghost | Standing::Degraded => Role::Bad,
            Standing::Stuck => Role::Warning,
            Standing::Syncing => Role::Strong,
            _ => Role::Text,
        }
    };
    // Told by signs too: › the selected, * marked, ~ just changed.
    let sign = match (selected, is_marked, is_new) {
        (_, true, _) => "*",
        (_, _, true) => "~",
        (true, ..) => "›",
        _ => " ",
    };
    let mut spans = vec![
        Span::styled(if selected { "›" } else { " " }, canvas.style(Role::Strong)),
        Span::styled(if sign == "›" { " " } else { sign }, canvas.style(name)),
    ];
    let mut put = |role: Role, text: &str, width: usize| {
        if width > 0 {
            spans.push(Span::styled(format!("{} ", cell(text, width)), canvas.style(role)));
        }
    };
    let shown = if model.namespace.is_none() {
        format!("{}/{}", row.key.namespace, row.key.name)
    } else {
        row.key.name.to_string()
    };
    put(name, &shown, columns.name);
    put(Role::Dim, row.project(), columns.project);
    if let Known::Unreadable(reason) = &row.known {
        put(Role::Bad, "unreadable", columns.sync + 1);
        put(Role::Bad, reason, columns.health + columns.phases + columns.revision);
    } else {
        let (role, word) = sync(row);
        put(role, word, columns.sync);
        let (role, word) = health(row);
        put(role, word, columns.health);
        spans.extend(phases::spans(canvas, model, row, columns.phases));
        spans.push(Span::raw(" "));
        spans.extend(target(canvas, columns, row));
        let last = last(model, row, columns.last < 14);
        spans.push(Span::styled(cell(&last, columns.last), canvas.style(Role::Dim)));
    }
    canvas.spans(area, Line::from(spans));
    if selected {
        canvas.fill(area, Role::Selected);
    }
}

/// What the application does, or how it compares with Git.
fn sync(row: &Row) -> (Role, &'static str) {
    let doing = row.summary().map_or_else(|| Doing::of_sync(row.sync()), AppSummary::doing);
    let role = match doing {
        Doing::Stranded => Role::Bad,
        Doing::Requested | Doing::Retrying | Doing::Compared(SyncStatus::OutOfSync) => Role::Waiting,
        // It waits for a person, not for the cluster.
        Doing::Deleting | Doing::Aborting | Doing::Confirm => Role::Warning,
        Doing::Syncing => Role::Running,
        Doing::Compared(SyncStatus::Synced) => Role::Good,
        Doing::Compared(SyncStatus::Unknown) | Doing::NotCompared => Role::Unknown,
    };
    (role, doing.as_str())
}

fn health(row: &Row) -> (Role, &'static str) {
    row.health().map_or((Role::Unknown, "?"), |health| (health_role(health), health.as_str()))
}

/// The colour of a health.
pub(super) const fn health_role(health: HealthStatus) -> Role {
    match health {
        HealthStatus::Healthy => Role::Good,
        HealthStatus::Progressing => Role::Running,
        HealthStatus::Suspended => Role::Waiting,
        HealthStatus::Degraded => Role::Bad,
        HealthStatus::Missing => Role::Warning,
        HealthStatus::Unknown => Role::Unknown,
    }
}

fn revision(row: &Row) -> String {
    let revision = row.revision();
    let short = short(&revision.to_string());
    let source = row.revisions.as_ref().and_then(|revisions| revisions.sources.first());
    let commits =
        source.into_iter().flat_map(|source| source.target.iter().chain(&source.deployed).chain(&source.commits));
    let subject =
        commits.into_iter().find(|commit| commit.sha == revision.to_string()).map(|commit| commit.subject.as_str());
    match subject {
        Some(subject) => format!("{short} {subject}"),
        None => short,
    }
}

/// A commit in seven digits; a chart's version as it is.
pub(super) fn short(revision: &str) -> String {
    match Revision::new(revision) {
        Revision::Commit(_) => revision.chars().take(7).collect(),
        _ => text::one_line(revision, 24),
    }
}

/// The revision and how far behind it is: beside it, or in a column of its own.
fn target(canvas: &Canvas<'_>, columns: &Columns, row: &Row) -> [Span<'static>; 2] {
    let (role, behind) = behind(row);
    let (first, second) = if columns.behind > 0 {
        (columns.revision + 1, columns.behind + 1)
    } else if matches!(role, Role::Dim) {
        // Nothing to say beside it.
        (columns.revision + 1, 0)
    } else {
        let own = behind.width() + 2;
        (columns.revision.saturating_sub(own) + 1, own)
    };
    let behind = if columns.behind > 0 { behind } else { format!("+{behind}") };
    let in_cell = |text: &str, width: usize| match width.checked_sub(1) {
        Some(width) => cell(text, width) + " ",
        None => String::new(),
    };
    [
        Span::styled(in_cell(&revision(row), first), canvas.style(Role::Text)),
        Span::styled(in_cell(&behind, second), canvas.style(role)),
    ]
}

fn behind(row: &Row) -> (Role, String) {
    match row.revisions.as_ref().and_then(|revisions| revisions.sources.first()) {
        None => (Role::Dim, String::new()),
        Some(source) if source.problem.is_some() => (Role::Unknown, "?".to_owned()),
        Some(source) if source.behind == 0 => (Role::Dim, "-".to_owned()),
        Some(source) => (Role::Waiting, format!("{}{}", source.behind, if source.truncated { "+" } else { "" })),
    }
}

/// When the last operation was, or how long this one has run, and who asked.
fn last(model: &Model, row: &Row, is_narrow: bool) -> String {
    let Some(summary) = row.summary() else { return String::new() };
    let Some(operation) = &summary.operation else { return "never".to_owned() };
    let who = if operation.automated { "auto" } else { &*operation.username };
    let dry = if operation.dry_run { "dry run " } else { "" };
    match (operation.started_at, summary.is_done()) {
        (None, _) => format!("{dry}{who}"),
        (Some(started), false) => format!("{} {dry}{who}", clock(started, model.now)),
        (Some(started), true) => {
            let word = if is_narrow { "" } else { "ago " };
            format!("{} {word}{dry}{who}", ago(operation.finished_at.unwrap_or(started), model.now))
        }
    }
}

fn nothing(canvas: &mut Canvas<'_>, model: &Model, area: Rect) {
    let words = if !model.fleet.is_empty() {
        let mut words = String::from("No application matches");
        if !model.fleet.filter.text.is_empty() {
            let _ = write!(words, " {}", text::one_line(&model.fleet.filter.text, 60));
        }
        if model.fleet.filter.faults {
            words.push_str(": none needs somebody");
        }
        words + ". esc shows all."
    } else if model.fleet.is_complete {
        match &model.namespace {
            Some(namespace) => format!("There are no applications in the namespace {namespace}."),
            None => "There are no applications in any namespace.".to_owned(),
        }
    } else if let Connection::Preparing(what) = &model.connection {
        what.clone()
    } else {
        "Reading the applications ...".to_owned()
    };
    let line = Rect { y: area.y + area.height / 3, height: 1, x: area.x + 2, width: area.width.saturating_sub(2) };
    canvas.line(line, &[(Role::Dim, &words)]);
}
