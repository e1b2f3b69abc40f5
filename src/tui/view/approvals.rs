//! The queue of what waits for a person: the entries, and of the selected one what would happen.

use ratatui::layout::Rect;

use super::applications::short;
use super::draw::{Canvas, cell, padded};
use super::pages::change_line;
use super::plan::planned;
use super::spots::Spot;
use super::times::{age, ago};
use crate::domain::application::{AppKey, waiting_for};
use crate::domain::request::Confirmation;
use crate::domain::text;
use crate::tui::action::Action;
use crate::tui::model::{Approval, Approvals, Details, Entry, Model, Parts, Screen};
use crate::tui::theme::Role;

pub(super) fn draw(canvas: &mut Canvas<'_>, model: &Model, approvals: &Approvals, area: Rect) {
    let queue = model.queue();
    bar(canvas, model, &queue, Rect { height: 1, ..area });
    let rest = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let Some((at, current)) = approvals.current(&queue) else {
        let line = Rect { y: rest.y + 1, height: 1, x: rest.x + 2, width: rest.width.saturating_sub(2) };
        let words =
            if model.fleet.is_complete { "Nothing waits for a person." } else { "Reading the applications ..." };
        canvas.line(line, &[(Role::Dim, words)]);
        return;
    };
    let height = listed(queue.len(), rest.height);
    let top = (at + 1).saturating_sub(usize::from(height)).max(at.saturating_sub(usize::from(height) / 2));
    let top = top.min(queue.len().saturating_sub(usize::from(height)));
    for (place, entry) in queue.iter().enumerate().skip(top).take(usize::from(height)) {
        let line = Rect { y: rest.y + u16::try_from(place - top).unwrap_or(0), height: 1, ..rest };
        draw_entry(canvas, model, entry, place == at, line);
        canvas.spot(line, || Spot::Entry(entry.key.clone()));
    }
    let more = queue.len().saturating_sub(top + usize::from(height));
    let line = Rect { y: rest.y + height, height: 1, ..rest };
    let name = format!("─ {} ", text::one_line(&current.key.name, 60));
    let fill = usize::from(rest.width).saturating_sub(unicode_width::UnicodeWidthStr::width(name.as_str()));
    canvas.line(line, &[(Role::Border, &format!("{name}{}", "─".repeat(fill)))]);
    if more > 0 {
        canvas.right(line, Role::Warning, &format!(" ↓ {more} more "));
    }
    let body = Rect { y: line.y + 1, height: rest.bottom().saturating_sub(line.y + 1), ..rest };
    canvas.spot(body, || Spot::Told);
    let lines = about(model, approvals, current, area.width);
    let room = usize::from(body.height);
    let scroll = approvals.scroll.min(lines.len().saturating_sub(room));
    for (place, parts) in lines.iter().skip(scroll).take(room).enumerate() {
        let parts: Vec<(Role, &str)> = parts.iter().map(|(role, text)| (*role, text.as_str())).collect();
        canvas.line(Rect { y: body.y + u16::try_from(place).unwrap_or(0), height: 1, ..body }, &parts);
    }
    let hidden = lines.len().saturating_sub(scroll + room);
    if hidden > 0 && room > 0 {
        let key = model.settings.keymap.key(Action::HalfDown);
        let line = Rect { y: body.bottom() - 1, height: 1, ..body };
        canvas.right(line, Role::Warning, &format!(" ↓ {hidden} more lines: {key} "));
    }
}

/// The rows of the queue itself.
fn listed(entries: usize, room: u16) -> u16 {
    u16::try_from(entries).unwrap_or(u16::MAX).min((room / 3).max(3))
}

/// How far what is told of the selected entry can be scrolled.
pub(in crate::tui) fn last_scroll(model: &Model) -> usize {
    let Screen::Approvals(approvals) = model.screen() else { return 0 };
    let queue = model.queue();
    let Some((_, current)) = approvals.current(&queue) else { return 0 };
    // Without the first line, the last, and the line between.
    let rest = model.size.1.saturating_sub(2);
    let room = rest.saturating_sub(listed(queue.len(), rest) + 1);
    about(model, approvals, current, model.size.0).len().saturating_sub(usize::from(room))
}

fn bar(canvas: &mut Canvas<'_>, model: &Model, queue: &[Entry<'_>], area: Rect) {
    canvas.fill(area, Role::Bar);
    let deferred = queue.iter().filter(|entry| entry.deferred.is_some()).count();
    let waiting = queue.len() - deferred;
    let word = if waiting == 1 { "waits" } else { "wait" };
    let mut left = format!(" approvals  {waiting} {word} for a person");
    if deferred > 0 {
        left = format!("{left}, {deferred} put off");
    }
    canvas.line(area, &[(Role::Bar, &left)]);
    if let Some(old) = model.age() {
        canvas.right(area, Role::Bar, &format!("{} OLD ", age(old)));
    }
}

fn draw_entry(canvas: &mut Canvas<'_>, model: &Model, entry: &Entry<'_>, selected: bool, area: Rect) {
    let sign = if selected { "›" } else { " " };
    let (role, what) = match (entry.what, entry.deferred) {
        (_, Some(_)) => (Role::Dim, "put off"),
        (Approval::Sync, None) => (Role::Waiting, Approval::Sync.as_str()),
        (what, None) => (Role::Warning, what.as_str()),
    };
    let note = match entry.deferred {
        Some(deferral) => {
            let when = deferral.at.map(|at| format!(", {} ago", ago(at, model.now))).unwrap_or_default();
            format!("\"{}\" {}{when}", text::one_line(&deferral.note, 80), text::one_line(&deferral.by, 24))
        }
        None => behind(model, &entry.key),
    };
    let project = model.fleet.get(&entry.key).map(|row| row.project().to_owned()).unwrap_or_default();
    canvas.line(
        area,
        &[
            (Role::Strong, sign),
            (role, &format!(" {} ", padded(what, 16))),
            (Role::Strong, &format!("{} ", cell(&entry.key.name, 28))),
            (Role::Dim, &format!("{} ", cell(&project, 12))),
            (if entry.deferred.is_some() { Role::Dim } else { Role::Text }, &note),
        ],
    );
    if selected {
        canvas.fill(area, Role::Selected);
    }
}

fn behind(model: &Model, key: &AppKey) -> String {
    let revisions = model.fleet.get(key).and_then(|row| row.revisions.as_ref());
    let source = revisions.and_then(|revisions| revisions.sources.first()).filter(|source| source.problem.is_none());
    match source.map(|source| source.behind) {
        Some(0) => "no commits behind".to_owned(),
        Some(1) => "1 commit behind".to_owned(),
        Some(count) => format!("{count} commits behind"),
        None => String::new(),
    }
}

/// What would happen to the selected entry.
fn about(model: &Model, approvals: &Approvals, entry: &Entry<'_>, width: u16) -> Vec<Parts> {
    let details = model.details.get(&entry.key);
    let mut lines: Vec<Parts> = Vec::new();
    match entry.what {
        Approval::Prune | Approval::Delete => {
            lines.push(vec![(Role::Warning, " It waits until somebody confirms what it deletes:".to_owned())]);
            let what = if entry.what == Approval::Delete { Confirmation::Delete } else { Confirmation::Prune };
            lines.extend(details.map(|details| deleted(details, what)).unwrap_or_default());
        }
        Approval::Sync => {
            let Some(review) = details.and_then(Details::target_review) else {
                lines.push(vec![(Role::Waiting, " ◌ what a sync would do is being found out ...".to_owned())]);
                return lines;
            };
            if let Some(looked) = approvals.looked.get(&entry.key).filter(|looked| **looked != review.commits) {
                let names = |commits: &[String]| commits.iter().map(|c| short(c)).collect::<Vec<_>>().join(", ");
                let words = format!(
                    " THE TARGET HAS MOVED since you looked: it was {}, it is {} ",
                    names(looked),
                    names(&review.commits)
                );
                lines.push(vec![(Role::BadBar, words)]);
            }
            let plan = review.plan.as_ref().ok().map(AsRef::as_ref);
            let indented = planned(review, plan, false, false, false, width.saturating_sub(1)).into_iter();
            lines.extend(indented.map(|mut parts: Parts| {
                parts.insert(0, (Role::Text, " ".to_owned()));
                parts
            }));
            if !review.changes.is_empty() {
                let key = model.settings.keymap.key(Action::Diff);
                lines.push(vec![
                    (Role::Heading, format!(" Objects whose manifests change: {}", review.changes.len())),
                    (Role::Dim, format!("  ({key} shows how)")),
                ]);
                lines.extend(review.changes.iter().map(change_line));
            }
        }
    }
    lines
}

/// What a prune or a deletion would delete.
pub(super) fn deleted(details: &Details, what: Confirmation) -> Vec<Parts> {
    let Some(application) = &details.application else { return Vec::new() };
    let resources = application.status.resources.iter().filter(|own| !own.hook);
    // A deletion takes all of them, a prune what Git has no more.
    let of = resources.filter(|own| what == Confirmation::Delete || own.requires_pruning);
    let mut lines: Vec<Parts> = of
        .map(|own| {
            let name = format!("  - {}/{}", own.kind, text::one_line(&own.name, 200));
            let asks = if own.requires_deletion_confirmation { "  asks first" } else { "" };
            let place = format!("  {}", text::one_line(&own.namespace, 63));
            vec![(Role::Bad, name), (Role::Dim, place), (Role::Warning, asks.to_owned())]
        })
        .collect();
    let named = waiting_for(&details.view.message);
    let is_listed = application.status.resources.iter().any(|own| !own.hook && own.requires_pruning);
    if what == Confirmation::Prune && !named.is_empty() && !is_listed {
        // The controller has not said it of the resource itself.
        let namespace = text::one_line(&application.spec.destination.namespace, 63);
        lines.push(vec![
            (Role::Bad, format!("  - {named}")),
            (Role::Dim, format!("  {namespace}")),
            (Role::Warning, "  asks first".to_owned()),
        ]);
    }
    if !details.view.message.is_empty() {
        lines.push(vec![(Role::Dim, format!("  {}", text::one_line(&details.view.message, 400)))]);
    }
    lines
}
