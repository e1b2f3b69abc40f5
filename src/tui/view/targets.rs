//! The applications that a dialog is about, when they are several: each by its name, and what a sync would do to it.

use super::applications::short;
use super::dialog::{Lines, bullets};
use crate::domain::live::Review;
use crate::domain::plan::{Plan, Task};
use crate::domain::text;
use crate::tui::model::{Dialog, MOST_PLANS, Model};
use crate::tui::theme::Role;

/// All of them, and which the filter of the list hides.
pub(super) fn lines(model: &Model, dialog: &Dialog, width: usize) -> Lines {
    let mut lines = Lines::new();
    let hidden = dialog.targets.iter().filter(|key| !model.fleet.is_shown(key)).count();
    if hidden > 0 {
        let words = format!("{hidden} of {} are not shown: the filter of the list hides them", dialog.targets.len());
        lines.extend(bullets("! ", Role::Warning, &words, width));
    }
    if dialog.is_reviewing() {
        let asked = dialog.targets.len().min(MOST_PLANS);
        let words = format!("◌ the plans are being made: {} of {asked}", dialog.reviews.len());
        lines.push(vec![(Role::Waiting, words)]);
    }
    for (place, key) in dialog.targets.iter().enumerate() {
        let name = vec![
            (Role::Strong, format!("  {}", text::one_line(&key.name, 60))),
            (Role::Warning, if model.fleet.is_shown(key) { "" } else { "  not shown" }.to_owned()),
        ];
        if !dialog.has_plan() {
            lines.push(name);
            continue;
        }
        if let Some(review) = dialog.reviews.get(key) {
            planned(dialog, name, review, width, &mut lines);
            continue;
        }
        let waits = (Role::Waiting, "  ◌");
        let (role, words) = if place < MOST_PLANS { waits } else { (Role::Unknown, "  ? no plan was asked for") };
        lines.push([name, vec![(role, words.to_owned())]].concat());
    }
    lines.push(Vec::new());
    lines
}

/// What a sync would do to one of them: the commit on the line of its name, hooks and prunes below.
fn planned(dialog: &Dialog, mut name: Vec<(Role, String)>, review: &Review, width: usize, lines: &mut Lines) {
    let commits: Vec<String> = review.commits.iter().map(|commit| short(commit)).collect();
    let source = review.revisions.sources.first();
    let subject = source.and_then(|source| source.target.as_ref()).map(|target| text::one_line(&target.subject, 60));
    if !commits.is_empty() {
        name.push((Role::Text, format!("  {} {}", commits.join(" "), subject.unwrap_or_default())));
    }
    match source {
        Some(source) if source.behind > 0 => name.push((Role::Dim, format!("  +{}", source.behind))),
        _ => {}
    }
    lines.push(name);
    let width = width.saturating_sub(4);
    let mut put = |bullet: &str, role: Role, words: &str| {
        let wrapped = bullets(bullet, role, words, width);
        lines.extend(wrapped.into_iter().map(|mut line| {
            line.insert(0, (Role::Text, "    ".to_owned()));
            line
        }));
    };
    match &review.plan {
        Err(why) => put("? ", Role::Unknown, &format!("what it would do is not known: {why}")),
        Ok(plan) => {
            let hooks = if dialog.no_hooks { Vec::new() } else { names(plan, Task::is_hook) };
            if !hooks.is_empty() {
                put("• ", Role::Text, &format!("hooks: {}", hooks.join(", ")));
            }
            let prunes = names(plan, Task::is_prune);
            if !prunes.is_empty() {
                let (sign, role, word) = if dialog.prune {
                    ("! ", Role::Warning, "deletes")
                } else {
                    ("• ", Role::Dim, "would be deleted with prune")
                };
                put(sign, role, &format!("{word}: {}", prunes.join(", ")));
            }
            let invalid = plan.totals().invalid;
            if invalid > 0 {
                put("✖ ", Role::Bad, "the operation would end before anything is applied");
            }
        }
    }
    for missing in &review.incomplete {
        put("? ", Role::Unknown, missing);
    }
}

fn names(plan: &Plan, is_meant: impl Fn(&Task) -> bool) -> Vec<String> {
    let tasks = plan.tasks.iter().filter(|task| task.skip.is_none() && is_meant(task));
    tasks.map(|task| format!("{}/{}", task.id.key.kind, task.id.key.name)).collect()
}
