//! The plan of a sync for people.

use std::fmt::Write;

use super::order::Planned;
use crate::cli::print::{Cell, Printer, Table, Tone, revision};
use crate::domain::live::{ObjectChange, SourceRevisions};
use crate::domain::plan::{Role, Task};
use crate::domain::text::one_line;

/// Characters of a text.
const LONGEST: usize = 300;
/// So many objects are named in one line.
const NAMES: usize = 5;
/// So many commits are shown.
const COMMITS: usize = 10;

/// Everything: commits, phases, waves and what happens to each object.
pub(in crate::cli) fn full(name: &str, planned: &Planned, printer: &Printer) -> String {
    let mut text = String::new();
    if planned.review.revisions.sources.is_empty() {
        let _ = writeln!(text, "{}", printer.tone(Tone::Strong, name));
    }
    for source in &planned.review.revisions.sources {
        let _ = writeln!(text, "{}  {}", printer.tone(Tone::Strong, name), way(source));
        for commit in source.commits.iter().take(COMMITS.min(source.behind)) {
            let line = format!("  {} {} ({})", revision(&commit.sha), commit.subject, commit.author);
            let _ = writeln!(text, "{}", one_line_kept(&line));
        }
        if source.behind > COMMITS {
            let _ = writeln!(text, "  and {} more", source.behind - COMMITS);
        }
    }
    match &planned.plan {
        Err(reason) => {
            let line = format!("  the plan is not known: {}", one_line(reason, LONGEST));
            let _ = writeln!(text, "{}", printer.tone(Tone::Warning, &line));
        }
        Ok(plan) => {
            let mut table = Table::new(&["PHASE", "WAVE", "OBJECT", "HOOK", "WHAT"]);
            let (mut last_phase, mut last_wave) = (None, None);
            for task in &plan.tasks {
                let is_new_phase = last_phase.replace(task.phase()) != Some(task.phase());
                let is_new_wave = last_wave.replace(task.wave) != Some(task.wave) || is_new_phase;
                table.push(row(task, planned, plan.prune, is_new_phase, is_new_wave));
            }
            text.push_str(&table.text(printer.paint));
            if table.is_empty() {
                text.push_str("  nothing to apply\n");
            }
        }
    }
    for missing in &planned.review.incomplete {
        let line = format!("  not known: {}", one_line(missing, LONGEST));
        let _ = writeln!(text, "{}", printer.tone(Tone::Warning, &line));
    }
    text
}

/// The same in one line.
pub(in crate::cli) fn short(name: &str, planned: &Planned, printer: &Printer) -> String {
    let ways: Vec<String> = planned.review.revisions.sources.iter().map(way).collect();
    let what = match &planned.plan {
        Err(reason) => printer.tone(Tone::Warning, &format!("the plan is not known: {}", one_line(reason, LONGEST))),
        Ok(plan) => {
            let totals = plan.totals();
            let plural = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
            let mut parts = vec![plural(totals.tasks(), "task"), plural(totals.hooks(), "hook")];
            // What runs, and what is deleted, nobody should learn afterwards.
            let hooks = plan.tasks.iter().filter(|task| matches!(task.role, Role::Hook(_)));
            parts.extend(some(hooks.map(|task| format!("{} {}/{}", task.phase(), task.object.kind, task.object.name))));
            let pruned = plan.tasks.iter().filter(|task| plan.prune && matches!(task.role, Role::Prune));
            let pruned = pruned.map(|task| format!("deletes {}/{}", task.object.kind, task.object.name));
            parts.extend(some(pruned).map(|pruned| printer.tone(Tone::Bad, &pruned)));
            parts.join(", ")
        }
    };
    let ways = if ways.is_empty() { String::new() } else { format!("  {}", ways.join(", ")) };
    format!("{}{ways}  {what}\n", printer.tone(Tone::Strong, name))
}

/// The first of them, and how many more.
fn some(mut all: impl Iterator<Item = String>) -> Option<String> {
    let mut text = one_line(&all.by_ref().take(NAMES).collect::<Vec<_>>().join(", "), LONGEST);
    if text.is_empty() {
        return None;
    }
    let more = all.count();
    if more > 0 {
        let _ = write!(text, " and {more} more");
    }
    Some(text)
}

fn way(source: &SourceRevisions) -> String {
    let sha = |commit: &Option<crate::domain::live::CommitSummary>| {
        commit.as_ref().map_or_else(|| "nothing".to_owned(), |commit| revision(&commit.sha))
    };
    if let (None, Some(problem)) = (&source.target, &source.problem) {
        let colon = if source.repository.is_empty() { "" } else { ": " };
        return one_line(&format!("{}{colon}{problem}", source.repository), LONGEST);
    }
    let (from, to) = (sha(&source.deployed), sha(&source.target));
    let back = if source.ahead > 0 { format!(", {} back", source.ahead) } else { String::new() };
    match source.behind {
        _ if from == to => format!("{to} again"),
        _ if source.deployed.is_none() => format!("{from} -> {to}"),
        1 => format!("{from} -> {to}, 1 commit{back}"),
        behind => format!("{from} -> {to}, {behind}{} commits{back}", if source.truncated { "+" } else { "" }),
    }
}

fn row(task: &Task, planned: &Planned, prune: bool, is_new_phase: bool, is_new_wave: bool) -> Vec<Cell> {
    let object = &task.object;
    let place = if object.namespace.is_empty() || object.namespace == planned.namespace {
        String::new()
    } else {
        format!(" in {}", object.namespace)
    };
    let hook = if let Role::Hook(hook) = &task.role { hook.hook_type.as_str() } else { "" };
    let what = match (&task.invalid, &task.role, planned.change(object)) {
        (Some(reason), ..) => Cell::new(Tone::Bad, format!("cannot be applied: {}", one_line(reason, LONGEST))),
        (None, Role::Prune, _) if prune => Cell::new(Tone::Bad, "deleted"),
        (None, Role::Prune, _) => Cell::new(Tone::Warning, "not in Git; kept, without --prune"),
        _ if task.skip.is_some() => Cell::new(Tone::Dim, "nothing to do"),
        (_, Role::Namespace, _) => Cell::new(Tone::Good, "created if it is not there"),
        (_, _, Some(ObjectChange::Added)) => Cell::new(Tone::Good, "new"),
        (_, _, Some(ObjectChange::Changed)) => Cell::new(Tone::Warning, "changed"),
        (_, _, Some(ObjectChange::Removed)) => Cell::new(Tone::Bad, "removed"),
        (_, _, None) => Cell::default(),
    };
    vec![
        Cell::new(Tone::Strong, if is_new_phase { task.phase().as_str() } else { "" }),
        Cell::plain(if is_new_wave { task.wave.to_string() } else { String::new() }),
        Cell::plain(one_line(&format!("{}/{}{place}", object.kind, object.name), LONGEST)),
        Cell::plain(hook),
        what,
    ]
}

/// On one line, with the spaces at its begin.
fn one_line_kept(line: &str) -> String {
    let trimmed = line.trim_start();
    let indent = line.len() - trimmed.len();
    format!("{}{}", " ".repeat(indent), one_line(trimmed, LONGEST))
}
