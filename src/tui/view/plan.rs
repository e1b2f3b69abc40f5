//! What a sync would do, in words: below a dialog, and in the queue of approvals.

use super::applications::short;
use super::dialog::{Lines, bullets};
use crate::domain::hook::SyncPhase;
use crate::domain::live::Review;
use crate::domain::plan::Plan;
use crate::domain::text;
use crate::tui::theme::Role;

/// What a sync would do: commits, phases with their hooks, prunes.
pub(super) fn planned(
    review: &Review,
    plan: Option<&Plan>,
    automated: bool,
    without_hooks: bool,
    prune: bool,
    width: u16,
) -> Lines {
    let mut lines = Vec::new();
    let width = usize::from(width);
    commits(review, automated, &mut lines);
    match (&review.plan, plan) {
        (Err(why), _) => lines.extend(bullets("? ", Role::Unknown, &format!("the plan is not known: {why}"), width)),
        (Ok(_), None) => {}
        (Ok(_), Some(plan)) => phases(plan, without_hooks, prune, width, &mut lines),
    }
    for missing in &review.incomplete {
        lines.extend(bullets("? ", Role::Unknown, missing, width));
    }
    lines
}

fn phases(plan: &Plan, without_hooks: bool, prune: bool, width: usize, lines: &mut Lines) {
    let totals = plan.totals();
    for phase in totals.phases.iter().filter(|phase| phase.tasks > 0) {
        if without_hooks && phase.hooks == phase.tasks {
            continue;
        }
        let tasks = || plan.tasks.iter().filter(|task| task.phase() == phase.phase && task.skip.is_none());
        let hooks = tasks().filter(|task| task.is_hook()).map(|task| task.id.key.name.clone());
        let mut names: Vec<String> = if without_hooks { Vec::new() } else { hooks.collect() };
        let others = phase.tasks.saturating_sub(phase.hooks + phase.prunes);
        match others {
            0 => {}
            1 => names.push("1 resource".to_owned()),
            others => names.push(format!("{others} resources")),
        }
        let only = if phase.phase == SyncPhase::SyncFail { " (only after a failure)" } else { "" };
        if !names.is_empty() {
            let words = format!("{}{only}: {}", phase.phase.as_str(), names.join(", "));
            lines.extend(bullets("• ", Role::Text, &words, width));
        }
        if phase.prunes > 0 {
            let prunes = tasks().filter(|task| task.is_prune());
            let names: Vec<String> = prunes.map(|task| format!("{}/{}", task.id.key.kind, task.id.key.name)).collect();
            let (sign, role, word) = if prune {
                ("! ", Role::Warning, "deletes")
            } else {
                ("• ", Role::Dim, "would be deleted with prune")
            };
            lines.extend(bullets(sign, role, &format!("{word}: {}", names.join(", ")), width));
        }
    }
    for task in plan.tasks.iter().filter(|task| task.invalid.is_some()) {
        let why = task.invalid.as_deref().unwrap_or_default();
        let words = format!("{}/{}: {why}", task.id.key.kind, task.id.key.name);
        lines.extend(bullets("✖ ", Role::Bad, &words, width));
    }
    if totals.invalid > 0 {
        lines.extend(bullets("✖ ", Role::Bad, "the operation would end before anything is applied", width));
    }
}

fn commits(review: &Review, automated: bool, lines: &mut Lines) {
    let names: Vec<String> = review.commits.iter().map(|commit| short(commit)).collect();
    let pinned = if automated { "reviewed at" } else { "pinned to" };
    lines.push(vec![(Role::Heading, format!("What it would do, {pinned} {}", names.join(", ")))]);
    let Some(source) = review.revisions.sources.first() else { return };
    for commit in source.commits.iter().take(5).filter(|_| source.deployed.is_none() || source.behind > 0) {
        let line = format!(
            "  {} {}  {}",
            short(&commit.sha),
            text::one_line(&commit.subject, 80),
            text::one_line(&commit.author, 24)
        );
        lines.push(vec![(Role::Text, line)]);
    }
    if source.behind > 5 {
        let more = source.behind - 5;
        lines.push(vec![(Role::Dim, format!("  and {more} more {}", if more == 1 { "commit" } else { "commits" }))]);
    }
    if source.ahead > 0 {
        let words = match source.ahead {
            1 => "  takes back 1 commit that is deployed".to_owned(),
            many => format!("  takes back {many} commits that are deployed"),
        };
        lines.push(vec![(Role::Warning, words)]);
    }
    let hooks = review.changes.iter().filter(|change| change.is_hook).count();
    if !review.changes.is_empty() {
        let count = review.changes.len();
        let differ = if count == 1 { "object differs" } else { "objects differ" };
        let of_them = if hooks == 0 { String::new() } else { format!(", {hooks} of them hooks") };
        let words = format!("  {count} {differ} from what is deployed{of_them}");
        lines.push(vec![(Role::Text, words)]);
    }
}
