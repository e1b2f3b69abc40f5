//! The plan as JSON: kind `Plan` of `boathook.dev/v1`. Fields are only ever added.

use serde::Serialize;

use super::input::Problem;
use super::report::{Report, hook_kinds, policies};
use super::text::why;
use crate::cli::args::PlanArgs;
use crate::cli::print::escaped;
use crate::domain::findings::{Code, Severity};
use crate::domain::manifest::Object;
use crate::domain::plan::{LeftOutReason, Moved};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanDocument {
    api_version: &'static str,
    kind: &'static str,
    namespace: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    tasks: Vec<TaskEntry>,
    deletion_hooks: Vec<HookEntry>,
    left_out: Vec<LeftOutEntry>,
    findings: Vec<FindingEntry>,
    problems: Vec<ProblemEntry>,
    totals: Totals,
}

/// An object by its names, and where it is written.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ObjectEntry {
    group: String,
    version: String,
    kind: String,
    namespace: String,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    generate_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<PlaceEntry>,
}

#[derive(Debug, Serialize)]
struct PlaceEntry {
    source: String,
    line: usize,
    document: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct HookFields {
    hook_types: Vec<&'static str>,
    /// Those of them that only Helm's annotation names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    from_helm: Vec<&'static str>,
    delete_policies: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct TaskEntry {
    phase: &'static str,
    wave: i64,
    #[serde(flatten)]
    object: ObjectEntry,
    #[serde(skip_serializing_if = "Option::is_none")]
    hook: Option<HookFields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    moved: Option<MovedEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invalid: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MovedEntry {
    from_phase: &'static str,
    from_wave: i64,
    before: String,
}

#[derive(Debug, Serialize)]
struct HookEntry {
    phase: &'static str,
    #[serde(flatten)]
    object: ObjectEntry,
    hook: HookFields,
}

#[derive(Debug, Serialize)]
struct LeftOutEntry {
    reason: &'static str,
    message: &'static str,
    #[serde(flatten)]
    object: ObjectEntry,
}

#[derive(Debug, Serialize)]
struct FindingEntry {
    code: Code,
    severity: Severity,
    message: String,
    remedy: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<ObjectEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    others: Vec<ObjectEntry>,
}

#[derive(Debug, Serialize)]
struct ProblemEntry {
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    message: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Totals {
    objects: usize,
    tasks: usize,
    hooks: usize,
    left_out: usize,
    problems: usize,
    errors: usize,
    warnings: usize,
    notes: usize,
    ignored: usize,
}

pub(super) fn json(report: &Report, args: &PlanArgs) -> String {
    let document = document(report, args);
    // Nothing in it can fail to be written: keys are texts, numbers are integers.
    escaped(&serde_json::to_string_pretty(&document).unwrap_or_default()) + "\n"
}

fn document(report: &Report, args: &PlanArgs) -> PlanDocument {
    let totals = report.plan.totals();
    PlanDocument {
        api_version: "boathook.dev/v1",
        kind: "Plan",
        namespace: args.namespace.clone(),
        revision: args.revision().map(str::to_owned),
        tasks: tasks(report),
        deletion_hooks: report
            .deletions
            .iter()
            .filter_map(|(phase, index)| {
                let object = report.objects.get(*index)?;
                Some(HookEntry { phase: phase.as_str(), object: entry(*index, report)?, hook: hook_fields(object) })
            })
            .collect(),
        left_out: report
            .left_out
            .iter()
            .filter_map(|(index, reason)| {
                let message = why(reason).unwrap_or("runs when the application is deleted");
                Some(LeftOutEntry { reason: reason_name(reason), message, object: entry(*index, report)? })
            })
            .collect(),
        findings: report
            .findings
            .iter()
            .map(|finding| FindingEntry {
                code: finding.code,
                severity: finding.severity(),
                message: finding.message.clone(),
                remedy: finding.remedy.clone(),
                object: finding.object.and_then(|index| entry(index, report)),
                others: finding.others.iter().filter_map(|index| entry(*index, report)).collect(),
            })
            .collect(),
        problems: report.problems.iter().map(problem).collect(),
        totals: Totals {
            objects: report.objects.len(),
            tasks: totals.tasks(),
            hooks: totals.hooks(),
            left_out: report.left_out.len(),
            problems: report.problems.len(),
            errors: report.count(Severity::Error),
            warnings: report.count(Severity::Warning),
            notes: report.count(Severity::Note),
            ignored: report.ignored,
        },
    }
}

fn tasks(report: &Report) -> Vec<TaskEntry> {
    let tasks = report.plan.tasks.iter();
    tasks
        .map(|task| {
            let object = task.manifest.and_then(|index| report.objects.get(index));
            let hook = object.filter(|_| task.is_hook()).map(|object| hook_fields(object));
            let moved = task.moved.iter().find_map(|moved| match moved {
                Moved::BeforeItsUser { from_phase, from, user } => {
                    Some(MovedEntry { from_phase: from_phase.as_str(), from_wave: *from, before: user.to_string() })
                }
                Moved::PruneReversed { .. } | Moved::PruneLast { .. } => None,
            });
            let key = &task.object;
            let made_up = || ObjectEntry {
                group: key.group.clone(),
                version: task.version.clone(),
                kind: key.kind.clone(),
                namespace: key.namespace.clone(),
                name: key.name.clone(),
                generate_name: String::new(),
                place: None,
            };
            TaskEntry {
                phase: task.phase().as_str(),
                wave: task.wave,
                object: task.manifest.and_then(|index| entry(index, report)).unwrap_or_else(made_up),
                hook,
                moved,
                invalid: task.invalid.clone(),
            }
        })
        .collect()
}

fn hook_fields(object: &Object) -> HookFields {
    let kinds = hook_kinds(object);
    let names =
        |helm: bool| kinds.iter().filter(|(_, is_helm)| *is_helm == helm).map(|(kind, _)| kind.as_str()).collect();
    HookFields {
        hook_types: kinds.iter().map(|(kind, _)| kind.as_str()).collect(),
        from_helm: names(true),
        delete_policies: policies(object),
    }
}

fn entry(index: usize, report: &Report) -> Option<ObjectEntry> {
    let object = report.objects.get(index)?;
    let place = report.places.get(index)?;
    Some(ObjectEntry {
        group: object.group().to_owned(),
        version: object.version().to_owned(),
        kind: object.kind().to_owned(),
        namespace: object.namespace().to_owned(),
        name: object.name().to_owned(),
        generate_name: object.generate_name().to_owned(),
        place: Some(PlaceEntry { source: place.source.to_string(), line: place.line, document: place.document }),
    })
}

fn problem(problem: &Problem) -> ProblemEntry {
    ProblemEntry {
        source: problem.source.clone(),
        line: problem.line,
        column: problem.column,
        message: problem.message.clone(),
    }
}

const fn reason_name(reason: &LeftOutReason) -> &'static str {
    match reason {
        LeftOutReason::Dropped(_) => "Dropped",
        LeftOutReason::Skipped => "Skipped",
        LeftOutReason::RunsAtDeletion => "RunsAtDeletion",
        LeftOutReason::NoHooksWithApply => "NoHooksWithApply",
        LeftOutReason::NoHooksInSelectiveSync => "NoHooksInSelectiveSync",
        LeftOutReason::NotSelected => "NotSelected",
        LeftOutReason::Repeated => "Repeated",
        LeftOutReason::NeverPruned => "NeverPruned",
    }
}
