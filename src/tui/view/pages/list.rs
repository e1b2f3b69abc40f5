//! A list about one application: the rows, and below them the selected one in full.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::{events, git, history, resources, texts};
use crate::domain::text;
use crate::tui::model::{Details, Model, Page, PageKind, PageRow, Parts, RowId, TextAbout, plain};
use crate::tui::theme::Role;
use crate::tui::view::draw::{Canvas, wrapped};
use crate::tui::view::spots::Spot;
use crate::tui::view::times::age;

/// The rows of a list, those that its filter leaves out not among them.
pub(in crate::tui) fn rows(model: &Model, page: &Page) -> Vec<PageRow> {
    let Some(details) = model.details.get(&page.key) else { return Vec::new() };
    let mut rows = match page.kind {
        PageKind::Git => git::rows(model, details),
        PageKind::Resources => resources::rows(model, details, page),
        PageKind::History => history::rows(model, details),
        PageKind::Operation(started, retries) => history::tasks(details, started, retries),
        PageKind::Events => events::rows(model, details),
    };
    if !page.filter.is_empty() {
        // Headings stay: they say what the rows are.
        rows.retain(|row| row.id.is_none() || page.shows(&plain(&row.parts)));
    }
    rows
}

/// A row that cannot be selected.
pub(super) fn says(role: Role, words: impl Into<String>) -> PageRow {
    PageRow { id: None, parts: vec![(role, words.into())] }
}

pub(super) fn row(id: RowId, parts: Parts) -> PageRow {
    PageRow { id: Some(id), parts }
}

pub(in crate::tui::view) fn draw(canvas: &mut Canvas<'_>, model: &Model, page: &Page, area: Rect) {
    let Some(details) = model.details.get(&page.key) else { return };
    bar(canvas, model, page, details, Rect { height: 1, ..area });
    let rest = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let rows = rows(model, page);
    let selected = page.selected(&rows).map(|(place, id)| (place, id.clone()));
    // Below the list what is selected, where both have room.
    let below = selected.as_ref().filter(|_| rest.height >= 14).map(|(_, id)| preview(model, page, id, area.width));
    let below = below.filter(|lines| !lines.is_empty()).unwrap_or_default();
    let wanted = u16::try_from(rows.len()).unwrap_or(u16::MAX);
    let most = if below.is_empty() { rest.height } else { rest.height.saturating_sub(rest.height / 2) };
    let listed = Rect { height: wanted.min(most).max(1), ..rest };
    list(canvas, &rows, selected.as_ref().map(|(place, _)| *place), listed);
    if below.is_empty() {
        return;
    }
    let line = Rect { y: listed.bottom(), height: 1, ..rest };
    canvas.line(line, &[(Role::Border, &"─".repeat(usize::from(area.width)))]);
    let text = Rect { y: line.y + 1, height: rest.bottom().saturating_sub(line.y + 1), ..rest };
    for (place, parts) in below.iter().take(usize::from(text.height)).enumerate() {
        draw_parts(canvas, parts, Rect { y: text.y + u16::try_from(place).unwrap_or(0), height: 1, ..text });
    }
    if below.len() > usize::from(text.height) {
        let key = model.settings.keymap.key(crate::tui::action::Action::PageOpen);
        let more = format!(" {} more lines: {key} ", below.len() - usize::from(text.height));
        canvas.right(line, Role::Dim, &more);
    }
}

fn list(canvas: &mut Canvas<'_>, rows: &[PageRow], at: Option<usize>, area: Rect) {
    let height = usize::from(area.height);
    let last = rows.len().saturating_sub(height);
    let top =
        at.map_or(0, |at| if at < height.saturating_sub(1) { 0 } else { at.saturating_sub(height / 2) }).min(last);
    for (place, row) in rows.iter().enumerate().skip(top).take(height) {
        let line = Rect { y: area.y + u16::try_from(place - top).unwrap_or(0), height: 1, ..area };
        let is_selected = at == Some(place);
        let sign = if is_selected { "›" } else { " " };
        let mut spans = vec![Span::styled(sign, canvas.style(Role::Strong))];
        spans.extend(row.parts.iter().map(|(role, text)| Span::styled(text.clone(), canvas.style(*role))));
        canvas.spans(line, Line::from(spans));
        if is_selected {
            canvas.fill(line, Role::Selected);
        }
        if let Some(id) = &row.id {
            canvas.spot(line, || Spot::Row(id.clone()));
        }
    }
    let below = rows.len().saturating_sub(top + height);
    if below > 0 {
        let line = Rect { y: area.bottom() - 1, height: 1, ..area };
        canvas.right(line, Role::Warning, &format!(" ↓ {below} more "));
    }
}

pub(super) fn draw_parts(canvas: &mut Canvas<'_>, parts: &Parts, area: Rect) {
    let parts: Vec<(Role, &str)> = parts.iter().map(|(role, text)| (*role, text.as_str())).collect();
    canvas.line(area, &parts);
}

/// The selected row in full.
fn preview(model: &Model, page: &Page, id: &RowId, width: u16) -> Vec<Parts> {
    let about = match id {
        RowId::Change(object) => TextAbout::Diff(Some(object.clone())),
        RowId::Operation(started, retries) => {
            let Some(details) = model.details.get(&page.key) else { return Vec::new() };
            return history::tasks(details, *started, *retries).into_iter().map(|row| row.parts).collect();
        }
        RowId::Application => return Vec::new(),
        id => TextAbout::Row(id.clone()),
    };
    let lines = texts::text(model, &page.key, &about).1;
    lines.iter().flat_map(|parts| folded(parts, usize::from(width))).collect()
}

/// A line as rows of a screen: one that is too long loses its colours after the first, not its words.
pub(super) fn folded(parts: &Parts, width: usize) -> Vec<Parts> {
    let whole = plain(parts);
    if whole.width() <= width {
        return vec![parts.clone()];
    }
    let role = parts.last().map_or(Role::Text, |(role, _)| *role);
    let indent = whole.len() - whole.trim_start().len();
    let indent = " ".repeat(indent.min(width / 2));
    let rows = wrapped(whole.trim_start(), width.saturating_sub(indent.len()));
    rows.into_iter().map(|row| vec![(role, format!("{indent}{row}"))]).collect()
}

fn bar(canvas: &mut Canvas<'_>, model: &Model, page: &Page, details: &Details, area: Rect) {
    canvas.fill(area, Role::Bar);
    let name = text::one_line(&page.key.name, 60);
    let what = match page.kind {
        PageKind::Git => "Git".to_owned(),
        PageKind::Resources => "resources".to_owned(),
        PageKind::History => "history".to_owned(),
        PageKind::Operation(started, _) => format!("operation of {}", started.strftime("%Y-%m-%d %H:%M:%S UTC")),
        PageKind::Events => "events".to_owned(),
    };
    let mut right = String::new();
    if !page.filter.is_empty() {
        right = format!("only {}  ", text::one_line(&page.filter, 30));
    }
    if !page.marks.is_empty() {
        right = format!("{right}{} marked  ", page.marks.len());
    }
    if let (PageKind::Git, Some(source)) =
        (page.kind, details.revisions.as_ref().and_then(|revisions| revisions.sources.first()))
    {
        let fetched = source.fetched.map(|at| crate::tui::view::times::ago(at, model.now));
        right =
            format!("{right}{} ", fetched.map_or_else(|| "not fetched".to_owned(), |ago| format!("fetched {ago} ago")));
    }
    if let Some(old) = model.age() {
        right = format!("{right}{} OLD ", age(old));
    }
    canvas.line(area, &[(Role::Bar, &format!(" {name}  {what}"))]);
    canvas.right(area, Role::Bar, &right);
}
