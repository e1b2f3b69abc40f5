//! What lies between what is deployed and what is wanted.

use super::list::{row, says};
use crate::domain::live::{ChangedObject, CommitSummary, FileStatus, ObjectChange, SourceRevisions};
use crate::domain::text;
use crate::tui::model::{Details, Model, PageRow, Parts, RowId};
use crate::tui::theme::Role;
use crate::tui::view::applications::short;
use crate::tui::view::draw::{cell, padded};
use crate::tui::view::times::ago;

pub(super) fn rows(model: &Model, details: &Details) -> Vec<PageRow> {
    let Some(revisions) = &details.revisions else {
        return vec![says(Role::Waiting, " Reading the repository ...")];
    };
    let mut rows = Vec::new();
    for source in &revisions.sources {
        of_source(model, source, &mut rows);
    }
    let Some(review) = details.any_review() else {
        rows.push(says(Role::Waiting, " ◌ the manifests are being rendered ..."));
        return rows;
    };
    if let Err(why) = &review.plan {
        rows.push(says(Role::Unknown, format!(" ? the manifests are not known: {}", text::one_line(why, 300))));
    }
    if !review.changes.is_empty() {
        rows.push(says(Role::Heading, format!(" Objects whose manifests change: {}", review.changes.len())));
        rows.extend(review.changes.iter().map(|change| row(RowId::Change(change.key.clone()), change_line(change))));
    } else if review.plan.is_ok() {
        rows.push(says(Role::Dim, " No manifest changes."));
    }
    rows.extend(review.incomplete.iter().map(|what| says(Role::Unknown, format!(" ? {}", text::one_line(what, 300)))));
    rows
}

fn of_source(model: &Model, source: &SourceRevisions, rows: &mut Vec<PageRow>) {
    let folder = if source.path.is_empty() { "." } else { &source.path };
    rows.push(says(Role::Dim, format!(" {}  {}", text::one_line(&source.repository, 120), text::one_line(folder, 80))));
    let named = |word: &str, commit: Option<&CommitSummary>| match commit {
        Some(commit) => {
            let names = if commit.names.is_empty() { String::new() } else { format!(" ({})", commit.names.join(", ")) };
            let subject = text::one_line(&commit.subject, 100);
            format!(" {word} {}  {subject}{}", short(&commit.sha), text::lines(&names, 60))
        }
        None => format!(" {word} not known"),
    };
    rows.push(says(Role::Text, named("deployed", source.deployed.as_ref())));
    rows.push(says(Role::Text, named("target  ", source.target.as_ref())));
    if let Some(problem) = &source.problem {
        rows.push(says(Role::Unknown, format!(" ? {}", text::one_line(problem, 300))));
    }
    if source.ahead > 0 {
        let words = format!(
            " What is deployed has {} commits that the target has not: a rollback, or a rewritten branch.",
            source.ahead
        );
        rows.push(says(Role::Warning, words));
    }
    if source.deployed.is_some() {
        let more = if source.truncated { "at least " } else { "" };
        let elsewhere = source.between.saturating_sub(source.behind);
        let others = if elsewhere > 0 { format!(", and {elsewhere} that touch other folders") } else { String::new() };
        let words = match source.behind {
            0 => format!(" No commits to deploy{others}"),
            behind => format!(" Commits to deploy: {more}{behind}{others}"),
        };
        rows.push(says(Role::Heading, words));
    } else if !source.commits.is_empty() {
        rows.push(says(Role::Heading, " The latest commits (what is deployed is not known)"));
    }
    rows.extend(source.commits.iter().map(|commit| {
        let when = commit.time.map(|time| ago(time, model.now)).unwrap_or_default();
        let parts = vec![
            (Role::Key, format!("  {} ", short(&commit.sha))),
            (Role::Dim, format!("{when:>4}  {} ", cell(&commit.author, 14))),
            (Role::Text, text::one_line(&commit.subject, 200)),
        ];
        row(RowId::Commit(commit.sha.clone()), parts)
    }));
    if source.behind > source.commits.len() {
        rows.push(says(Role::Dim, format!("  and {} more", source.behind - source.commits.len())));
    }
    if !source.files.is_empty() {
        rows.push(says(Role::Heading, format!(" Files: {}", source.files.len())));
    }
    for file in source.files.iter().take(200) {
        let (role, sign) = match file.status {
            FileStatus::Added => (Role::Good, "+"),
            FileStatus::Deleted => (Role::Bad, "-"),
            FileStatus::Modified => (Role::Waiting, "~"),
            FileStatus::Renamed => (Role::Waiting, "→"),
        };
        let before =
            file.old_path.as_ref().map(|old| format!("  was {}", text::one_line(old, 100))).unwrap_or_default();
        let parts =
            vec![(role, format!("  {sign} ")), (Role::Text, text::one_line(&file.path, 200)), (Role::Dim, before)];
        rows.push(PageRow { id: None, parts });
    }
    if source.files.len() > 200 {
        rows.push(says(Role::Dim, format!("  and {} more files", source.files.len() - 200)));
    }
}

/// An object whose manifest differs, in one line.
pub(in crate::tui::view) fn change_line(change: &ChangedObject) -> Parts {
    let (role, sign, word) = match change.change {
        ObjectChange::Added => (Role::Good, "+", "new"),
        ObjectChange::Removed => (Role::Bad, "-", "gone"),
        ObjectChange::Changed => (Role::Waiting, "~", "changed"),
    };
    let hook = if change.is_hook { "hook" } else { "" };
    vec![
        (role, format!("  {sign} {} ", padded(word, 8))),
        (Role::Text, format!("{} ", cell(&format!("{}/{}", change.key.kind, change.key.name), 48))),
        (Role::Strong, padded(hook, 5)),
        (Role::Dim, text::one_line(&change.key.namespace, 63)),
    ]
}
