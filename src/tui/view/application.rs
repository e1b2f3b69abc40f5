//! One application: its operation, phase by phase, and what needs to be known first about it.

use std::fmt::Write;

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::applications::short;
use super::draw::{Canvas, wrapped};
use super::spots::Spot;
use super::times::{age, ago};
use super::{log, panels};
use crate::domain::application::SyncStatus;
use crate::domain::application::waiting_for;
use crate::domain::live::{CommitSummary, HookAccess};
use crate::domain::operation::OperationPhase;
use crate::domain::text;
use crate::domain::timeline::{OperationStatus, TaskState, TaskView};
use crate::tui::model::{AppScreen, Details, Model, is_fault, sync_word};
use crate::tui::theme::{Role, Theme};

pub(super) fn draw(canvas: &mut Canvas<'_>, model: &Model, screen: &AppScreen, area: Rect) {
    let Some(details) = model.details.get(&screen.key) else { return };
    bar(canvas, model, screen, details, Rect { height: 1, ..area });
    let lines = status(model, details, area.width);
    let mut y = area.y + 1;
    for line in &lines {
        let parts: Vec<(Role, &str)> = line.iter().map(|(role, text)| (*role, text.as_str())).collect();
        canvas.line(Rect { y, height: 1, ..area }, &parts);
        y += 1;
    }
    let rest = Rect { y, height: area.bottom().saturating_sub(y), ..area };
    let task = screen.cursor.as_ref().and_then(|cursor| details.task(cursor));
    let spot = task.map(|task| spotlight(details, task, area.width)).unwrap_or_default();
    let spot_height = u16::try_from(spot.len()).unwrap_or(u16::MAX).min(rest.height / 2);
    let has_log = screen.log.is_some();
    // What failed gets its log first; else the panels get what they need.
    let least_log = if has_log { (rest.height / 4).clamp(2, model.settings.log_lines.max(2)) } else { 0 };
    let wanted = panels::height(details, area.width);
    let panel_height = wanted.min(rest.height.saturating_sub(spot_height + least_log));
    let panel_area = Rect { height: panel_height, ..rest };
    panels::draw(canvas, model, screen, details, panel_area);
    let mut y = panel_area.bottom();
    for (role, line) in spot.iter().take(usize::from(spot_height)) {
        let area = Rect { y, height: 1, ..rest };
        if *role == Role::BadBar || *role == Role::Bar {
            canvas.fill(area, *role);
        }
        canvas.line(area, &[(*role, line)]);
        y += 1;
    }
    if has_log && y < rest.bottom() {
        let tail = Rect { y, height: rest.bottom() - y, ..rest };
        log::tail(canvas, model, screen, tail);
        canvas.spot(tail, || Spot::Tail);
    }
}

/// The first line: which application, from what to what, by whom, for how long.
fn bar(canvas: &mut Canvas<'_>, model: &Model, screen: &AppScreen, details: &Details, area: Rect) {
    canvas.fill(area, Role::Bar);
    let view = &details.view;
    let mut left = format!(" {}", text::one_line(&screen.key.name, 60));
    let revision = view
        .revisions
        .first()
        .cloned()
        .or_else(|| details.application.as_ref().map(|application| application.status.sync.revision.clone()));
    if let Some(revision) = revision.filter(|revision| !revision.is_empty()) {
        let _ = write!(left, "  {}", short(&revision));
        if let Some(commit) = commit(details, &revision) {
            let _ = write!(left, " \"{}\" {}", text::one_line(&commit.subject, 72), text::one_line(&commit.author, 24));
            if let Some(time) = commit.time {
                let _ = write!(left, ", {} ago", ago(time, model.now));
            }
        }
    }
    let source = details.revisions.as_ref().and_then(|revisions| revisions.sources.first());
    if let Some(deployed) = source.and_then(|source| source.deployed.as_ref())
        && view.revisions.first().is_some_and(|revision| *revision != deployed.sha)
    {
        let _ = write!(left, "   from {}", short(&deployed.sha));
        if let Some(source) = source.filter(|source| source.behind > 0 && !view.state.is_over()) {
            let word = if source.behind == 1 { "commit" } else { "commits" };
            let _ = write!(left, " ({} {word})", source.behind);
        }
    }
    let mut right = String::new();
    let request = &view.request;
    if view.state != OperationStatus::None {
        let by = &request.initiated_by;
        if by.automated {
            right.push_str("by auto-sync  ");
        } else if !by.username.is_empty() {
            let _ = write!(right, "by {}  ", text::one_line(&by.username, 30));
        }
    }
    if let Some(elapsed) = view.elapsed {
        let _ = write!(right, "{}  ", if view.state.is_over() { elapsed.to_string() } else { elapsed.clock() });
    }
    if view.attempts != Some(1) && view.state != OperationStatus::None {
        match view.attempts {
            Some(of) if of > 1 => drop(write!(right, "attempt {} of {of}  ", view.attempt)),
            None => drop(write!(right, "attempt {}  ", view.attempt)),
            Some(_) => {}
        }
    }
    if let Some(old) = model.age() {
        let _ = write!(right, "{} OLD ", age(old));
    }
    let room = u16::try_from(right.chars().count() + 1).unwrap_or(u16::MAX).min(area.width);
    canvas.line(Rect { width: area.width - room, ..area }, &[(Role::Bar, &left)]);
    canvas.right(area, Role::Bar, &right);
}

fn commit<'a>(details: &'a Details, sha: &str) -> Option<&'a CommitSummary> {
    let source = details.revisions.as_ref()?.sources.first()?;
    source.target.iter().chain(&source.deployed).chain(&source.commits).find(|commit| commit.sha == sha)
}

/// The lines below: how the operation is, how the application is, and what keeps us from seeing more.
fn status(model: &Model, details: &Details, width: u16) -> Vec<Vec<(Role, String)>> {
    let view = &details.view;
    let (role, word) = match view.state {
        OperationStatus::None => (Role::Dim, "No operation yet".to_owned()),
        OperationStatus::Requested => (Role::Waiting, "◌ Requested, not yet taken by a controller".to_owned()),
        OperationStatus::Running => (Role::Running, "◐ Syncing".to_owned()),
        OperationStatus::WaitingForRetry => (Role::Waiting, "◌ The attempt failed; the next will begin".to_owned()),
        OperationStatus::Terminating => (Role::Warning, "■ Being aborted".to_owned()),
        OperationStatus::Succeeded => (Role::Good, "✔ Succeeded".to_owned()),
        OperationStatus::Failed => (Role::Bad, "✖ Failed".to_owned()),
        OperationStatus::Error => (Role::Bad, "✖ Error".to_owned()),
        OperationStatus::Unknown => (Role::Unknown, "? In a phase that is not known".to_owned()),
    };
    let mut first = vec![(role, format!(" {word}"))];
    if view.state.is_over()
        && let Some(finished) = view.finished_at
    {
        first.push((Role::Dim, format!(" {} ago", ago(finished, model.now))));
    }
    if view.is_dry_run() {
        first.push((Role::Warning, "  dry run: nothing is changed".to_owned()));
    } else if view.state != OperationStatus::None && !view.runs_hooks() {
        first.push((Role::Warning, "  without hooks".to_owned()));
    }
    if view.is_ghost {
        first.push((Role::Bad, "  left behind by its controller".to_owned()));
    }
    if let Some(application) = &details.application {
        let sync = application.status.sync.status;
        let role = match sync {
            Some(SyncStatus::Synced) => Role::Good,
            Some(SyncStatus::OutOfSync) => Role::Waiting,
            _ => Role::Unknown,
        };
        first.push((role, format!("   {}", sync.map_or("?", sync_word))));
        let health = application.status.health.status;
        first.push((Role::Text, format!("   {}", health.map_or("?", |health| health.as_str()))));
    }
    if let Some(source) = details.revisions.as_ref().and_then(|revisions| revisions.sources.first()) {
        if let Some(problem) = &source.problem {
            first.push((Role::Unknown, format!("   Git: {}", text::one_line(problem, 120))));
        } else if source.behind > 0 {
            let word = if source.behind == 1 { "commit" } else { "commits" };
            first.push((Role::Waiting, format!("   {} {word} behind", source.behind)));
        }
    }
    let mut lines = vec![first];
    let failed = matches!(view.phase, Some(OperationPhase::Failed | OperationPhase::Error));
    if !view.message.is_empty() && (failed || view.phases.is_empty()) {
        let line = text::one_line(&view.message, 600);
        let role = if failed { Role::Bad } else { Role::Dim };
        // Where nothing else is to be seen it is all there is.
        let most = if view.phases.is_empty() { 12 } else { 2 };
        lines.extend(
            wrapped(&line, usize::from(width.saturating_sub(2)))
                .into_iter()
                .take(most)
                .map(|line| vec![(role, format!(" {line}"))]),
        );
    }
    if let HookAccess::None { cluster, missing } = &details.hooks {
        let line =
            format!(" hooks on {cluster}: no access ({missing}); what is shown is what the controller has recorded");
        lines.push(vec![(Role::Warning, text::one_line(&line, 400))]);
    }
    if details.waits_for_prune() && !view.state.is_over() {
        let key = model.settings.keymap.key(crate::tui::action::Action::Approve);
        let what = waiting_for(&view.message);
        let what = if what.is_empty() { "what is to be pruned".to_owned() } else { what };
        let words = format!("It waits for a person: {what} would be deleted; press {key} to decide");
        let rows = wrapped(&words, usize::from(width.saturating_sub(2))).into_iter();
        lines.extend(rows.map(|row| vec![(Role::Warning, format!(" {row}"))]));
    }
    lines
}

/// The selected task in full: what it is, how it ended or why it has not.
fn spotlight(details: &Details, task: &TaskView, width: u16) -> Vec<(Role, String)> {
    let fault = is_fault(task);
    let object = &task.key.object;
    let what = if task.is_hook { "hook " } else { "" };
    let mut title = format!(
        " {} {} {what}{}/{} {}",
        task.state.symbol(),
        task.key.phase,
        object.kind,
        text::one_line(&object.name, 80),
        task.state
    );
    if let Some(elapsed) = task.elapsed {
        let word = if task.state.is_active() { "for" } else { "after" };
        let _ = write!(title, " {word} {elapsed}");
    }
    if let Some(exit) = task.exit.as_ref().filter(|_| task.state == TaskState::Failed) {
        match (exit.code, exit.signal) {
            (_, Some(signal)) => drop(write!(title, ": killed by signal {signal}")),
            (Some(code), None) => drop(write!(title, ": exit code {code}")),
            (None, None) => {}
        }
        if !exit.container.is_empty() {
            let _ = write!(title, " in container {}", text::one_line(&exit.container, 63));
        }
        if !exit.reason.is_empty() && exit.reason != "Error" {
            let _ = write!(title, " ({})", text::one_line(&exit.reason, 63));
        }
    }
    let mut lines = vec![(if fault { Role::BadBar } else { Role::Bar }, title)];
    let room = usize::from(width.saturating_sub(3));
    for reason in task.reasons.iter().take(3) {
        let role = if reason.kind.is_failure() {
            Role::Bad
        } else if reason.kind.needs_help() {
            Role::Warning
        } else {
            Role::Waiting
        };
        lines.extend(wrapped(&reason.text, room).into_iter().take(2).map(|line| (role, format!("  {line}"))));
        if fault {
            for detail in reason.details.iter().filter(|detail| !reason.text.contains(&detail.value)).take(3) {
                let line = format!("{}: {}", detail.name, detail.value);
                lines.extend(wrapped(&line, room).into_iter().take(2).map(|line| (Role::Dim, format!("    {line}"))));
            }
        }
    }
    if task.reasons.is_empty() && !task.message.is_empty() {
        let line = text::one_line(&task.message, 500);
        let role = if fault { Role::Bad } else { Role::Dim };
        lines.extend(wrapped(&line, room).into_iter().take(2).map(|line| (role, format!("  {line}"))));
    }
    if let Some(predecessor) = &task.predecessor {
        let words = if predecessor.deleting {
            "  an earlier one of this name is still being deleted"
        } else {
            "  an earlier one of this name is still there"
        };
        lines.push((Role::Dim, words.to_owned()));
    }
    if task.attempts.len() > 1 {
        let marks: Vec<String> = task.attempts.iter().map(|run| run.state.symbol().to_string()).collect();
        lines.push((Role::Dim, format!("  {} runs in this operation: {}", task.attempts.len(), marks.join(" "))));
    }
    for rerun in &task.reruns {
        let by = rerun.rerun.as_ref().map(|rerun| rerun.by.as_str()).unwrap_or_default();
        let line = format!("  {} run again outside the operation by {}", rerun.state.symbol(), text::one_line(by, 60));
        lines.push((Theme::role_of(rerun.state), line));
    }
    if task.state == TaskState::ToCome && details.view.state.is_over() {
        lines.push((Role::Dim, "  not reached".to_owned()));
    }
    lines
}

/// A title line in the style of a state.
pub(super) fn titled(style: Style, text: String) -> Line<'static> {
    Line::from(Span::styled(text, style))
}
