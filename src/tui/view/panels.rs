//! The phase panels: side by side where there is room, one below the other where there is not.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::application::titled;
use super::draw::{Canvas, cell, padded};
use super::spots::Spot;
use super::times::about;
use crate::domain::text;
use crate::domain::timeline::{OperationStatus, PhaseView, Progress, TaskState, TaskView};
use crate::tui::model::{AppScreen, Details, Model};
use crate::tui::theme::{Role, Theme};

/// Narrower panels are put one below the other.
const NARROWEST: usize = 30;

fn are_stacked(details: &Details, width: u16) -> bool {
    usize::from(width) / details.view.phases.len().max(1) < NARROWEST
}

/// The rows that the panels would like to have.
pub(super) fn height(details: &Details, width: u16) -> u16 {
    let rows = |phase: &PhaseView| phase.waves.iter().map(|wave| wave.tasks.len()).sum::<usize>();
    let phases = &details.view.phases;
    let wanted = if phases.is_empty() {
        3
    } else if are_stacked(details, width) {
        phases.iter().map(|phase| rows(phase) + 1).sum::<usize>()
    } else {
        phases.iter().map(rows).max().unwrap_or_default() + 2
    };
    u16::try_from(wanted).unwrap_or(u16::MAX)
}

pub(super) fn draw(canvas: &mut Canvas<'_>, model: &Model, screen: &AppScreen, details: &Details, area: Rect) {
    if details.view.phases.is_empty() {
        empty(canvas, details, area);
    } else if are_stacked(details, area.width) {
        stacked(canvas, screen, details, area);
    } else {
        beside(canvas, screen, details, area);
    }
    let _ = model;
}

fn empty(canvas: &mut Canvas<'_>, details: &Details, area: Rect) {
    let words = match (&details.review, details.view.state) {
        (_, OperationStatus::None) if details.application.is_none() => "Reading the application ...".to_owned(),
        (Some(review), _) if review.plan.is_err() => {
            let why = review.plan.as_ref().err().map(String::as_str).unwrap_or_default();
            format!("What a sync would do is not known: {}", text::one_line(why, 300))
        }
        (_, OperationStatus::None) => "No operation has been recorded, and no plan is known yet.".to_owned(),
        _ => "Nothing has been recorded of this operation's tasks yet.".to_owned(),
    };
    if area.height > 1 {
        let line = Rect { x: area.x + 2, y: area.y + 1, width: area.width.saturating_sub(2), height: 1 };
        canvas.line(line, &[(Role::Dim, &words)]);
    }
}

fn beside(canvas: &mut Canvas<'_>, screen: &AppScreen, details: &Details, area: Rect) {
    let phases = &details.view.phases;
    let count = u16::try_from(phases.len().max(1)).unwrap_or(1);
    for (place, phase) in phases.iter().enumerate() {
        let place = u16::try_from(place).unwrap_or(0);
        let x = area.x + area.width * place / count;
        let right = area.x + area.width * (place + 1) / count;
        let panel = Rect { x, width: right - x, ..area };
        let focus = screen.cursor.as_ref().is_some_and(|cursor| cursor.phase == phase.phase);
        let style = canvas.style(Theme::role_of(phase.state));
        let inner = canvas.frame(panel, titled(style, format!(" {} ", heading(phase))), focus);
        canvas.spot(panel, || Spot::Phase(phase.phase));
        let tasks: Vec<(Option<i64>, &TaskView)> = tasks(phase).collect();
        let at = tasks.iter().position(|(_, task)| screen.cursor.as_ref() == Some(&task.key));
        let top = first(at, tasks.len(), usize::from(inner.height));
        for (row, (wave, task)) in tasks.iter().skip(top).take(usize::from(inner.height)).enumerate() {
            let line = Rect { y: inner.y + u16::try_from(row).unwrap_or(0), height: 1, ..inner };
            draw_task(canvas, details, *wave, task, at == Some(top + row), line);
            canvas.spot(line, || Spot::Task(task.key.clone()));
        }
        let below = tasks.len().saturating_sub(top + usize::from(inner.height));
        if below > 0 && panel.height > 1 {
            let edge = Rect { y: panel.bottom() - 1, height: 1, x: panel.x + 2, width: panel.width.saturating_sub(4) };
            canvas.right(edge, Role::Dim, &format!(" {below} more "));
        }
    }
}

enum StackedRow<'a> {
    Phase(&'a PhaseView),
    Task(Option<i64>, &'a TaskView),
}

fn stacked(canvas: &mut Canvas<'_>, screen: &AppScreen, details: &Details, area: Rect) {
    let mut rows: Vec<StackedRow<'_>> = Vec::new();
    let mut at = None;
    for phase in &details.view.phases {
        rows.push(StackedRow::Phase(phase));
        for (wave, task) in tasks(phase) {
            if screen.cursor.as_ref() == Some(&task.key) {
                at = Some(rows.len());
            }
            rows.push(StackedRow::Task(wave, task));
        }
    }
    let height = usize::from(area.height);
    let top = first(at, rows.len(), height);
    for (row, content) in rows.iter().skip(top).take(height).enumerate() {
        let line = Rect { y: area.y + u16::try_from(row).unwrap_or(0), height: 1, ..area };
        match content {
            StackedRow::Phase(phase) => {
                canvas.spot(line, || Spot::Phase(phase.phase));
                let style = canvas.style(Theme::role_of(phase.state));
                let left = format!("─ {} ", heading(phase));
                let fill = "─".repeat(usize::from(area.width).saturating_sub(left.width()));
                let border = canvas.style(Role::Border);
                canvas.spans(line, Line::from(vec![Span::styled(left, style), Span::styled(fill, border)]));
            }
            StackedRow::Task(wave, task) => {
                draw_task(canvas, details, *wave, task, at == Some(top + row), line);
                canvas.spot(line, || Spot::Task(task.key.clone()));
            }
        }
    }
    let below = rows.len().saturating_sub(top + height);
    if below > 0 && area.height > 0 {
        let line = Rect { y: area.bottom() - 1, height: 1, ..area };
        canvas.right(line, Role::Warning, &format!(" ↓ {below} more "));
    }
}

/// The first row to show of `count`, so that row `at` is seen with some before and after it.
fn first(at: Option<usize>, count: usize, height: usize) -> usize {
    let last = count.saturating_sub(height);
    at.map_or(0, |at| at.saturating_sub(height / 2)).min(last)
}

fn tasks(phase: &PhaseView) -> impl Iterator<Item = (Option<i64>, &TaskView)> {
    // A wave is written at its first task only.
    phase.waves.iter().flat_map(|wave| {
        wave.tasks.iter().enumerate().map(|(place, task)| (if place == 0 { wave.wave } else { None }, task))
    })
}

/// `PreSync ✔ 12.4s`, with how many of a phase's tasks are done while it runs.
fn heading(phase: &PhaseView) -> String {
    let mut heading = format!("{} {}", phase.phase, phase.state.symbol());
    let counts = phase.counts;
    let done: usize = [TaskState::Succeeded, TaskState::Applied, TaskState::Pruned, TaskState::Skipped]
        .iter()
        .map(|state| counts.of(*state))
        .sum();
    if phase.state.is_active() && counts.total() > 1 {
        heading = format!("{heading} {done}/{}", counts.total());
    }
    if let Some(elapsed) = phase.elapsed {
        heading = format!("{heading} {elapsed}");
    }
    heading
}

fn draw_task(
    canvas: &mut Canvas<'_>,
    details: &Details,
    wave: Option<i64>,
    task: &TaskView,
    selected: bool,
    area: Rect,
) {
    let wave = wave.map(|wave| wave.to_string()).unwrap_or_default();
    let right = right_side(details, task);
    let object = &task.key.object;
    // Hooks are mostly Jobs: their kind says nothing.
    let name = if task.is_hook && object.kind == "Job" {
        object.name.clone()
    } else {
        format!("{}/{}", short_kind(&object.kind), object.name)
    };
    let width = usize::from(area.width);
    let fixed = 7 + right.width() + 1;
    let room = width.saturating_sub(fixed);
    // At least the name is told in full where the rest of the line is only decoration.
    let (room, right) = if room < 12 { (width.saturating_sub(7), String::new()) } else { (room, right) };
    let mut name_text = cell(&name, room);
    if width >= 60 && name.width() + 24 < room {
        // Room enough for the reason beside it.
        let reason = task.reasons.first().map(|reason| reason.text.as_str()).unwrap_or_default();
        let own = name.width() + 2;
        name_text = format!("{}{}", padded(&cell(&name, name.width()), own), cell(reason, room - own));
    }
    let state = Theme::role_of(task.state);
    let name_role = match task.state {
        TaskState::ToCome | TaskState::Skipped => state,
        TaskState::Failed | TaskState::Stopped => Role::Bad,
        _ if task.is_hook => Role::Strong,
        _ => Role::Text,
    };
    let symbol = task.state.symbol().to_string();
    let sign = if selected { "›" } else { " " };
    let wave = format!("{wave:>3}");
    canvas.line(
        area,
        &[
            (Role::Strong, sign),
            (Role::Dim, &wave),
            (Role::Text, " "),
            (state, &symbol),
            (Role::Text, " "),
            (name_role, &name_text),
            (Role::Text, " "),
            (Role::Dim, &right),
        ],
    );
    if selected {
        canvas.fill(area, Role::Selected);
    }
}

/// Progress and duration.
fn right_side(details: &Details, task: &TaskView) -> String {
    let progress = match task.progress {
        Some(Progress::Attempt { number, of }) if number > 1 || (of > 1 && task.state.is_bad()) => {
            Some(format!("try {number}/{of}"))
        }
        Some(Progress::Completions { done, of }) if of > 1 => Some(format!("{done}/{of}")),
        Some(Progress::Steps { done, of }) => Some(format!("{done}/{of}")),
        _ => None,
    };
    let elapsed = task.elapsed.map(|elapsed| elapsed.to_string());
    // How long it took before says whether it is late.
    let is_open = task.is_hook && (task.state.is_active() || task.state == TaskState::ToCome);
    let median = details.median(&task.key).filter(|_| is_open).map(about);
    let word = matches!(task.state, TaskState::Skipped | TaskState::Stopped | TaskState::Pruned)
        .then(|| task.state.to_string());
    [progress, word, elapsed, median].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The short names that kubectl knows.
fn short_kind(kind: &str) -> &str {
    match kind {
        "ConfigMap" => "cm",
        "Deployment" => "deploy",
        "StatefulSet" => "sts",
        "DaemonSet" => "ds",
        "Service" => "svc",
        "ServiceAccount" => "sa",
        "Namespace" => "ns",
        "Ingress" => "ing",
        "PersistentVolumeClaim" => "pvc",
        "HorizontalPodAutoscaler" => "hpa",
        "CustomResourceDefinition" => "crd",
        other => other,
    }
}
