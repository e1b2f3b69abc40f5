//! Operations that were kept, and what can be deployed again.

use jiff::Timestamp;

use super::list::{row, says};
use crate::domain::live::{OperationRecord, TaskRecord};
use crate::domain::manifest::ObjectKey;
use crate::domain::text;
use crate::domain::timeline::{TaskKey, TaskPhase, TaskState};
use crate::tui::model::{Details, Model, PageRow, RowId};
use crate::tui::theme::{Role, Theme};
use crate::tui::view::applications::short;
use crate::tui::view::draw::{cell, padded};
use crate::tui::view::times::{ago, millis};

pub(super) fn rows(model: &Model, details: &Details) -> Vec<PageRow> {
    let mut rows = vec![says(Role::Heading, " Operations that boathook saw, the latest first")];
    match &details.history {
        None => rows.push(says(Role::Waiting, "  Reading ...")),
        Some(Err(why)) => rows.push(says(Role::Unknown, format!("  ? {}", text::one_line(why, 300)))),
        Some(Ok(history)) if history.is_empty() => rows.push(says(Role::Dim, "  None was kept here yet.")),
        Some(Ok(history)) => rows.extend(history.iter().rev().filter_map(|record| operation(model, record))),
    }
    let Some(application) = &details.application else { return rows };
    rows.push(says(Role::Heading, " Deployed, the latest first: what a rollback can bring back"));
    let history = &application.status.history;
    let newest = if application.is_newest_deployed() {
        (Role::Good, "  ← now")
    } else {
        (Role::Warning, "  ← the last that succeeded; what was applied after it has failed")
    };
    for (place, entry) in history.iter().rev().enumerate() {
        let revision = if entry.revisions.is_empty() { &entry.revision } else { &entry.revisions.join(", ") };
        let by = if entry.initiated_by.automated { "auto" } else { entry.initiated_by.username.as_str() };
        let when = entry.deployed_at.map(|at| format!("{} ago", ago(at, model.now))).unwrap_or_default();
        let subject = subject(details, revision);
        let parts = vec![
            (Role::Dim, format!("  {:>4} ", entry.id)),
            (Role::Key, format!("{} ", padded(&short(revision), 10))),
            (Role::Text, format!("{} {}", cell(&when, 9), cell(by, 14))),
            (Role::Text, subject),
            (newest.0, if place == 0 { newest.1.to_owned() } else { String::new() }),
        ];
        rows.push(row(RowId::Deployed(entry.id), parts));
    }
    if history.is_empty() {
        rows.push(says(Role::Dim, "  Nothing was deployed yet."));
    }
    rows
}

/// The subject of a commit, where it is known.
fn subject(details: &Details, revision: &str) -> String {
    let sources = details.revisions.iter().flat_map(|revisions| &revisions.sources);
    let mut commits = sources.flat_map(|source| source.target.iter().chain(&source.deployed).chain(&source.commits));
    let found = commits.find(|commit| commit.sha == revision);
    found.map(|commit| format!(" {}", text::one_line(&commit.subject, 100))).unwrap_or_default()
}

fn operation(model: &Model, record: &OperationRecord) -> Option<PageRow> {
    let started = record.started_at?;
    let (role, sign) = match record.phase.as_str() {
        "Succeeded" => (Role::Good, "✔"),
        "Failed" | "Error" => (Role::Bad, "✖"),
        "Running" => (Role::Running, "◐"),
        _ => (Role::Unknown, "?"),
    };
    let took = record.finished_at.map(|end| end.as_second() - started.as_second());
    let took = took.map_or_else(|| "not over".to_owned(), text::duration);
    let by = if record.automated { "auto" } else { record.initiated_by.as_str() };
    let failed = record.tasks.iter().find(|task| task.state == TaskState::Failed.as_str());
    let mut words = failed.map(|task| format!(" {} {}", task.phase, task.name)).unwrap_or_default();
    if record.dry_run {
        words = format!("{words} dry run");
    }
    if record.retry_count > 0 {
        words = format!("{words} attempt {}", record.retry_count + 1);
    }
    let revision = record.revisions.first().map(|revision| short(revision)).unwrap_or_default();
    let parts = vec![
        (role, format!("  {sign} {} ", padded(&record.phase, 10))),
        (Role::Dim, format!("{} ", cell(&format!("{} ago", ago(started, model.now)), 8))),
        (Role::Text, format!("{} ", cell(&took, 8))),
        (Role::Key, format!("{} ", padded(&revision, 8))),
        (Role::Text, format!("{} ", cell(by, 12))),
        (role, text::one_line(&words, 120)),
    ];
    Some(row(RowId::Operation(started, record.retry_count), parts))
}

/// The tasks of an operation with how long each took.
pub(super) fn tasks(details: &Details, started: Timestamp, retries: i64) -> Vec<PageRow> {
    let is_meant = |record: &OperationRecord| record.started_at == Some(started) && record.retry_count == retries;
    let Some(record) = details.records().iter().find(|record| is_meant(record)) else {
        return vec![says(Role::Dim, " It is not kept any more.")];
    };
    let mut rows = Vec::new();
    if !record.message.is_empty() {
        rows.push(says(Role::Dim, format!(" {}", text::one_line(&record.message, 300))));
    }
    if record.joined_late {
        rows.push(says(Role::Dim, " It had begun before boathook looked: times before that are the controller's."));
    }
    let mut phase = "";
    for task in &record.tasks {
        if task.phase != phase {
            phase = &task.phase;
            let own = record.tasks.iter().filter(|other| other.phase == task.phase);
            rows.push(says(Role::Heading, format!(" {}{}", text::one_line(phase, 20), span(own))));
        }
        rows.push(of_task(task));
    }
    if record.tasks.is_empty() {
        rows.push(says(Role::Dim, "  Nothing of its tasks was kept."));
    }
    rows
}

/// From the first begin to the last end.
fn span<'a>(tasks: impl Iterator<Item = &'a TaskRecord> + Clone) -> String {
    let began = tasks.clone().filter_map(|task| task.started_at).min();
    let ended = tasks.filter_map(|task| task.ended_at).max();
    let both = began.zip(ended).map(|(began, ended)| ended.as_second() - began.as_second());
    // Two times of one second are the controller's, and say nothing.
    both.filter(|seconds| *seconds > 0).map(|seconds| format!("  {}", text::duration(seconds))).unwrap_or_default()
}

fn of_task(task: &TaskRecord) -> PageRow {
    let state = TaskState::ALL.into_iter().find(|state| state.as_str() == task.state).unwrap_or(TaskState::Unknown);
    let wave = task.wave.map(|wave| wave.to_string()).unwrap_or_default();
    let name =
        if task.is_hook && task.kind == "Job" { task.name.clone() } else { format!("{}/{}", task.kind, task.name) };
    let took = task.elapsed_ms.map(millis).unwrap_or_default();
    let why = task.reasons.first().unwrap_or(&task.message);
    let role = Theme::role_of(state);
    let parts = vec![
        (Role::Dim, format!(" {wave:>3} ")),
        (role, format!("{} ", state.symbol())),
        (if task.is_hook { Role::Strong } else { Role::Text }, format!("{} ", cell(&name, 34))),
        (Role::Text, format!("{took:>8} ")),
        (if state.is_bad() { Role::Bad } else { Role::Dim }, text::one_line(why, 300)),
    ];
    let object = ObjectKey::new(task.group.as_str(), task.kind.as_str(), task.namespace.as_str(), task.name.as_str());
    row(RowId::Task(TaskKey { phase: TaskPhase::from_name(&task.phase), object }), parts)
}
