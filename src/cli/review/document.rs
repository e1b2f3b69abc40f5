//! The plan of a sync for programs: kind `SyncPlan`.

use jiff::Timestamp;
use serde::Serialize;

use super::order::Planned;
use crate::domain::application::AppKey;
use crate::domain::findings::{Code, Finding, Severity};
use crate::domain::live::{ObjectChange, SourceRevisions};
use crate::domain::plan::{Role, Task};

/// Kind `SyncPlan`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct SyncPlanDocument {
    api_version: &'static str,
    kind: &'static str,
    cluster: String,
    namespace: String,
    application: String,
    /// The commits that the sync is pinned to.
    commits: Vec<String>,
    sources: Vec<SourceEntry>,
    tasks: Vec<TaskEntry>,
    changes: Vec<ChangeEntry>,
    /// Why there is no plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// What could not be found out.
    incomplete: Vec<String>,
    /// What will not happen as written; only where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    findings: Option<Vec<FindingEntry>>,
}

#[derive(Debug, Serialize)]
struct FindingEntry {
    code: Code,
    severity: Severity,
    message: String,
    remedy: String,
    /// `Kind/name` of each object that it is about.
    objects: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SourceEntry {
    repository: String,
    path: String,
    deployed: Option<String>,
    target: Option<String>,
    behind: usize,
    ahead: usize,
    commits: Vec<CommitEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Debug, Serialize)]
struct CommitEntry {
    sha: String,
    subject: String,
    author: String,
    time: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TaskEntry {
    phase: &'static str,
    wave: i64,
    group: String,
    kind: String,
    namespace: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hook: Option<&'static str>,
    /// `Apply`, `Prune`, `KeepWithoutPrune` or `Nothing`.
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    invalid: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ChangeEntry {
    change: &'static str,
    group: String,
    kind: String,
    namespace: String,
    name: String,
    is_hook: bool,
}

impl SyncPlanDocument {
    pub(in crate::cli) fn new(key: &AppKey, planned: &Planned) -> Self {
        let review = &planned.review;
        let plan = planned.plan.as_ref();
        Self {
            api_version: "boathook.dev/v1",
            kind: "SyncPlan",
            cluster: key.cluster.to_string(),
            namespace: key.namespace.to_string(),
            application: key.name.to_string(),
            commits: review.commits.clone(),
            sources: review.revisions.sources.iter().map(source).collect(),
            tasks: plan.map(|plan| plan.tasks.iter().map(|own| task(own, plan.prune)).collect()).unwrap_or_default(),
            changes: review
                .changes
                .iter()
                .map(|changed| ChangeEntry {
                    change: match changed.change {
                        ObjectChange::Added => "Added",
                        ObjectChange::Removed => "Removed",
                        ObjectChange::Changed => "Changed",
                    },
                    group: changed.key.group.clone(),
                    kind: changed.key.kind.clone(),
                    namespace: changed.key.namespace.clone(),
                    name: changed.key.name.clone(),
                    is_hook: changed.is_hook,
                })
                .collect(),
            problem: plan.err().cloned(),
            incomplete: review.incomplete.clone(),
            findings: None,
        }
    }

    /// With what was found in the manifests.
    pub(in crate::cli) fn with_findings<'a>(self, findings: impl Iterator<Item = (&'a Finding, Vec<String>)>) -> Self {
        let entry = |(finding, objects): (&Finding, Vec<String>)| FindingEntry {
            code: finding.code,
            severity: finding.severity(),
            message: finding.message.clone(),
            remedy: finding.remedy.clone(),
            objects,
        };
        Self { findings: Some(findings.map(entry).collect()), ..self }
    }
}

fn source(source: &SourceRevisions) -> SourceEntry {
    SourceEntry {
        repository: source.repository.clone(),
        path: source.path.clone(),
        deployed: source.deployed.as_ref().map(|commit| commit.sha.clone()),
        target: source.target.as_ref().map(|commit| commit.sha.clone()),
        behind: source.behind,
        ahead: source.ahead,
        commits: source
            .commits
            .iter()
            .map(|commit| CommitEntry {
                sha: commit.sha.clone(),
                subject: commit.subject.clone(),
                author: commit.author.clone(),
                time: commit.time,
            })
            .collect(),
        problem: source.problem.clone(),
    }
}

fn task(task: &Task, prune: bool) -> TaskEntry {
    TaskEntry {
        phase: task.phase().as_str(),
        wave: task.wave,
        group: task.object.group.clone(),
        kind: task.object.kind.clone(),
        namespace: task.object.namespace.clone(),
        name: task.object.name.clone(),
        hook: if let Role::Hook(hook) = &task.role { Some(hook.hook_type.as_str()) } else { None },
        action: match &task.role {
            Role::Prune if prune => "Prune",
            Role::Prune => "KeepWithoutPrune",
            _ if task.skip.is_some() => "Nothing",
            _ => "Apply",
        },
        invalid: task.invalid.clone(),
    }
}
