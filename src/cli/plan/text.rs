//! The plan as text: what runs when, what does not run, what will hurt, and one line that sums it up.

use std::fmt::Write;

use super::findings;
use super::report::{Report, hook_kinds, policies, written_name};
use crate::cli::args::PlanArgs;
use crate::cli::context::Context;
use crate::cli::paint::Paint;
use crate::cli::wrap::{pad, width, wrap};
use crate::domain::findings::Severity;
use crate::domain::hook::SyncPhase;
use crate::domain::manifest::Object;
use crate::domain::plan::{LeftOutReason, Moved, Role, Task};
use crate::domain::text::one_line;

/// A longer name pushes what stands beside it to the next line.
const WIDEST_OBJECT: usize = 44;
/// As with names.
const WIDEST_HOOK: usize = 40;
/// Columns of the longest policy and the comma behind it: policies are broken between words.
const WIDEST_POLICY_WORD: usize = 19;
/// Characters of a name that are shown; Kubernetes takes 253.
const LONGEST_NAME: usize = 260;

pub(super) fn text(report: &Report, args: &PlanArgs, context: Context, paint: Paint) -> String {
    let mut text = String::new();
    let columns = context.width;
    let rows = rows(report, args);
    if !rows.is_empty() {
        table(&mut text, &rows, context.table, paint);
    }
    left_out(&mut text, report, args, context.table, paint);
    findings::text(&mut text, report, columns, paint);
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&summary(report, columns, paint));
    text
}

/// One line of the plan.
struct Row {
    phase: &'static str,
    wave: Option<i64>,
    object: String,
    hook: String,
    policy: String,
    /// Lines below it.
    remarks: Vec<String>,
}

/// `Kind/name`, or `Kind/prefix*` where the name is generated; with the namespace where it is not the destination's.
pub(super) fn title(object: &Object, destination: &str) -> String {
    let star = if object.name().is_empty() && !object.generate_name().is_empty() { "*" } else { "" };
    let name = one_line(written_name(object), LONGEST_NAME);
    let kind = one_line(object.kind(), LONGEST_NAME);
    let name = if name.is_empty() { "(without a name)" } else { &name };
    match object.namespace() {
        namespace if namespace.is_empty() || namespace == destination => format!("{kind}/{name}{star}"),
        namespace => format!("{kind}/{name}{star} in {}", one_line(namespace, LONGEST_NAME)),
    }
}

fn rows(report: &Report, args: &PlanArgs) -> Vec<Row> {
    let tasks = report.plan.tasks.iter().map(|task| {
        let object = task.manifest.and_then(|index| report.objects.get(index)).map(AsRef::as_ref);
        task_row(task, object, args)
    });
    let deletions = report.deletions.iter().filter_map(|(phase, index)| {
        let object = report.objects.get(*index)?;
        Some(Row {
            phase: phase.as_str(),
            wave: None,
            object: title(object, &args.namespace),
            hook: kinds(object),
            policy: policies(object).join(", "),
            remarks: Vec::new(),
        })
    });
    tasks.chain(deletions).collect()
}

fn task_row(task: &Task, object: Option<&Object>, args: &PlanArgs) -> Row {
    let hook = object.filter(|_| task.is_hook());
    let mut remarks: Vec<String> = task.moved.iter().filter_map(moved).collect();
    if task.role == Role::Namespace {
        remarks.push("created because of CreateNamespace=true".to_owned());
    }
    if task.generated.as_ref().is_some_and(|generated| generated.collides) {
        remarks.push("gets the same name as the hook before it".to_owned());
    }
    if let Some(reason) = &task.invalid {
        remarks.push(format!("cannot be applied: {}", one_line(reason, 500)));
    }
    let made_up = || format!("{}/{}", task.object.kind, one_line(&task.object.name, LONGEST_NAME));
    Row {
        phase: task.phase().as_str(),
        // They do not wait for each other.
        wave: (task.phase() != SyncPhase::SyncFail).then_some(task.wave),
        object: object.map_or_else(made_up, |object| title(object, &args.namespace)),
        hook: hook.map(kinds).unwrap_or_default(),
        policy: hook.map(|object| policies(object).join(", ")).unwrap_or_default(),
        remarks,
    }
}

/// The kinds of hook that an object is, with those marked that are Helm's.
fn kinds(object: &Object) -> String {
    let kinds = hook_kinds(object).into_iter();
    let texts: Vec<String> =
        kinds.map(|(kind, is_helm)| if is_helm { format!("{kind} (Helm)") } else { kind.to_string() }).collect();
    texts.join(", ")
}

fn moved(moved: &Moved) -> Option<String> {
    match moved {
        Moved::BeforeItsUser { from_phase, from, user } => Some(format!(
            "moved here from {from_phase} wave {from}, because {}/{} needs it",
            user.kind,
            one_line(&user.name, LONGEST_NAME)
        )),
        Moved::PruneReversed { .. } | Moved::PruneLast { .. } => None,
    }
}

/// One row a line, where the columns allow it: first names that are too long have a line of their own, then the kinds of
/// hook and the policies are broken between words.
fn table(text: &mut String, rows: &[Row], columns: usize, paint: Paint) {
    let widest = |column: fn(&Row) -> &str, least: usize, most: usize| {
        rows.iter().map(|row| width(column(row))).filter(|length| *length <= most).max().unwrap_or_default().max(least)
    };
    let phase = widest(|row| row.phase, 5, usize::MAX);
    let hook = widest(|row| &row.hook, 4, WIDEST_HOOK);
    let policy = widest(|row| &row.policy, 13, usize::MAX);
    let wave = rows.iter().filter_map(|row| Some(row.wave?.to_string().len())).max().unwrap_or_default().max(4);
    let has_hooks = rows.iter().any(|row| !row.hook.is_empty());
    let left = phase + wave + 4;
    let right = if has_hooks { hook + policy.min(WIDEST_POLICY_WORD) + 4 } else { 0 };
    let object = widest(|row| &row.object, 6, WIDEST_OBJECT.min(columns.saturating_sub(left + right)));
    let mut line = |cells: &str| {
        text.push_str(cells.trim_end());
        text.push('\n');
    };
    let head = if has_hooks {
        format!(
            "{}  {}  {}  {}  DELETE POLICY",
            pad("PHASE", phase),
            pad("WAVE", wave),
            pad("OBJECT", object),
            pad("HOOK", hook)
        )
    } else {
        format!("{}  {}  OBJECT", pad("PHASE", phase), pad("WAVE", wave))
    };
    line(&paint.dim(&head));
    let mut before: Option<(&str, Option<i64>)> = None;
    for row in rows {
        let is_new_phase = before.is_none_or(|(phase, _)| phase != row.phase);
        let is_new_wave = is_new_phase || before.is_some_and(|(_, wave)| wave != row.wave);
        before = Some((row.phase, row.wave));
        let phase_cell = paint.bold(&pad(if is_new_phase { row.phase } else { "" }, phase));
        let wave_text = row.wave.filter(|_| is_new_wave).map(|wave| wave.to_string()).unwrap_or_default();
        let start = format!("{phase_cell}  {wave_text:>wave$}  ");
        let behind_object = left + object + 2;
        let behind_hook = behind_object + hook + 2;
        let policy = wrap(&row.policy, columns, behind_hook, behind_hook);
        let rest = format!("{}  {policy}", pad(&row.hook, hook));
        if width(&row.object) > object {
            line(&format!("{start}{}", row.object));
            if !rest.trim().is_empty() {
                line(&format!("{}{rest}", " ".repeat(behind_object)));
            }
        } else {
            line(&format!("{start}{}  {rest}", pad(&row.object, object)));
        }
        for remark in &row.remarks {
            let indent = left + 2;
            line(&format!("{}{}", " ".repeat(indent), paint.dim(&wrap(remark, columns, indent, indent))));
        }
    }
}

/// What stands in the manifests and is no part of this sync.
fn left_out(text: &mut String, report: &Report, args: &PlanArgs, columns: usize, paint: Paint) {
    let lines: Vec<(String, &str, String)> = report
        .left_out
        .iter()
        .filter_map(|(index, reason)| {
            let object = report.objects.get(*index)?;
            let place = one_line(&report.places.get(*index)?.to_string(), 300);
            Some((title(object, &args.namespace), why(reason)?, place))
        })
        .collect();
    if lines.is_empty() {
        return;
    }
    if !text.is_empty() {
        text.push('\n');
    }
    let widest = |lengths: &mut dyn Iterator<Item = usize>| lengths.filter(|length| *length <= WIDEST_OBJECT).max();
    let object_width = widest(&mut lines.iter().map(|(object, ..)| width(object))).unwrap_or_default();
    let why_width = widest(&mut lines.iter().map(|(_, why, _)| width(why))).unwrap_or_default();
    let _ = writeln!(text, "{}", paint.bold("Not applied by this sync"));
    for (object, why, place) in lines {
        let what = format!("  {}  {}", pad(&object, object_width), pad(why, why_width));
        if width(&what) + 2 + width(&place) > columns {
            let _ = writeln!(text, "{}\n      {}", what.trim_end(), paint.dim(&place));
        } else {
            let _ = writeln!(text, "{what}  {}", paint.dim(&place));
        }
    }
}

/// Why an object is not part of the sync; `None` if another part of the output says it.
pub(super) const fn why(reason: &LeftOutReason) -> Option<&'static str> {
    match reason {
        LeftOutReason::Dropped(_) => Some("dropped: Argo CD has no such hook"),
        LeftOutReason::Skipped => Some("hook: Skip"),
        // Has a row of its own.
        LeftOutReason::RunsAtDeletion => None,
        LeftOutReason::NoHooksWithApply => Some("strategy apply runs no hooks"),
        LeftOutReason::NoHooksInSelectiveSync => Some("selective sync runs no hooks"),
        LeftOutReason::NotSelected => Some("not selected"),
        LeftOutReason::Repeated => Some("written again further on"),
        LeftOutReason::NeverPruned => Some("never pruned"),
    }
}

fn summary(report: &Report, columns: usize, paint: Paint) -> String {
    let totals = report.plan.totals();
    let count = |number: usize, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
    let waves: usize = totals.phases.iter().map(|phase| phase.waves).sum();
    let mut parts = vec![
        count(report.objects.len(), "object", "objects"),
        count(totals.tasks(), "task", "tasks"),
        count(totals.hooks(), "hook", "hooks"),
        count(waves, "wave", "waves"),
    ];
    if !report.deletions.is_empty() {
        parts.push(format!("{} at deletion", report.deletions.len()));
    }
    let not_applied = report.left_out.iter().filter(|(_, reason)| why(reason).is_some()).count();
    if not_applied > 0 {
        parts.push(format!("{not_applied} not applied"));
    }
    let mut found = Vec::new();
    if !report.problems.is_empty() {
        found.push(paint.severity(Severity::Error, &format!("{} not read", report.problems.len())));
    }
    for (severity, one, many) in [
        (Severity::Error, "error", "errors"),
        (Severity::Warning, "warning", "warnings"),
        (Severity::Note, "note", "notes"),
    ] {
        let number = report.count(severity);
        if number > 0 {
            found.push(paint.severity(severity, &count(number, one, many)));
        }
    }
    if totals.invalid > 0 {
        found.push(paint.severity(Severity::Error, &format!("{} cannot be applied", totals.invalid)));
    }
    if found.is_empty() {
        found.push("nothing found".to_owned());
    }
    if report.ignored > 0 {
        found.push(format!("{} ignored", report.ignored));
    }
    let line = format!("{}; {}", parts.join(", "), found.join(", "));
    format!("{}\n", wrap(&line, columns, 0, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(object: &str, hook: &str, policy: &str) -> Row {
        let (hook, policy) = (hook.to_owned(), policy.to_owned());
        Row { phase: "PreSync", wave: Some(0), object: object.to_owned(), hook, policy, remarks: Vec::new() }
    }

    fn set(rows: &[Row], columns: usize) -> String {
        let mut text = String::new();
        table(&mut text, rows, columns, Paint { is_on: false });
        text
    }

    #[test]
    fn a_table_stays_within_the_terminal() {
        let rows = [
            row("Job/migrate", "PreSync, PostSync", "BeforeHookCreation, HookSucceeded"),
            row("Job/a-name-that-is-longer-than-most", "PreSync", "HookFailed"),
            row("ConfigMap/settings", "", ""),
        ];
        for columns in [68, 80, 100] {
            let text = set(&rows, columns);
            assert!(text.lines().all(|line| width(line) <= columns), "{columns}:\n{text}");
            let words: Vec<&str> = text.split_whitespace().collect();
            for part in ["Job/a-name-that-is-longer-than-most", "HookSucceeded", "HookFailed", "ConfigMap/settings"] {
                assert_eq!(words.iter().filter(|word| **word == part).count(), 1, "{part} at {columns}:\n{text}");
            }
        }
        insta::assert_snapshot!(set(&rows, 80), @"
        PHASE    WAVE  OBJECT              HOOK               DELETE POLICY
        PreSync     0  Job/migrate         PreSync, PostSync  BeforeHookCreation,
                                                              HookSucceeded
                       Job/a-name-that-is-longer-than-most
                                           PreSync            HookFailed
                       ConfigMap/settings
        ");
        assert_eq!(set(&rows, usize::MAX).lines().count(), 4, "without a terminal a row is a line");
    }
}
