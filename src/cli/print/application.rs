//! Applications as documents.

use jiff::Timestamp;
use serde::Serialize;

use super::document::API_VERSION;
use super::words::revision as short;
use crate::cli::live::Known;
use crate::domain::application::{AppKey, AppSummary, OperationSummary, PhaseState};
use crate::domain::hook::SyncPhase;
use crate::domain::live::OperationRecord;

/// Kind `ApplicationList`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct ListDocument {
    api_version: &'static str,
    kind: &'static str,
    cluster: String,
    items: Vec<ApplicationDocument>,
}

/// Kind `Application`.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct ApplicationDocument {
    api_version: &'static str,
    kind: &'static str,
    cluster: String,
    namespace: String,
    name: String,
    /// Why it cannot be read; then nothing below is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    labels: serde_json::Map<String, serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<SourceEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sources: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<DestinationEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sync: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reconciled_at: Option<Timestamp>,
    automated: bool,
    deleting: bool,
    busy: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<OperationEntry>,
    /// Only of one that is looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<DetailsEntry>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SourceEntry {
    #[serde(rename = "repoURL")]
    repo_url: String,
    path: String,
    chart: String,
    target_revision: String,
}

#[derive(Debug, Serialize)]
struct DestinationEntry {
    server: String,
    name: String,
    namespace: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OperationEntry {
    phase: Option<String>,
    message: String,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    retry_count: i64,
    initiated_by: String,
    automated: bool,
    dry_run: bool,
    phases: Vec<PhaseEntry>,
}

#[derive(Debug, Serialize)]
struct PhaseEntry {
    phase: &'static str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
}

/// What is known of an application beyond its row in the list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct DetailsEntry {
    pub controller: &'static str,
    pub window: String,
    pub hooks: String,
    pub conditions: Vec<ConditionEntry>,
    pub operation: Option<OperationRecord>,
}

/// What the controller complains about.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct ConditionEntry {
    pub kind: String,
    pub message: String,
    pub since: Option<Timestamp>,
}

impl ListDocument {
    pub(in crate::cli) fn new<'a>(cluster: &str, apps: impl IntoIterator<Item = (&'a AppKey, &'a Known)>) -> Self {
        Self {
            api_version: API_VERSION,
            kind: "ApplicationList",
            cluster: cluster.to_owned(),
            items: apps.into_iter().map(|(key, known)| ApplicationDocument::new(key, known)).collect(),
        }
    }
}

impl ApplicationDocument {
    pub(in crate::cli) fn new(key: &AppKey, known: &Known) -> Self {
        let empty = Self {
            api_version: API_VERSION,
            kind: "Application",
            cluster: key.cluster.to_string(),
            namespace: key.namespace.to_string(),
            name: key.name.to_string(),
            ..Self::default()
        };
        match known {
            Known::Unreadable(reason) => Self { unreadable: Some(reason.clone()), ..empty },
            Known::Summary(summary) => empty.filled(summary),
        }
    }

    pub(in crate::cli) fn with_details(self, details: DetailsEntry) -> Self {
        Self { details: Some(details), ..self }
    }

    fn filled(self, summary: &AppSummary) -> Self {
        let revision = summary.revision.to_string();
        Self {
            uid: Some(summary.uid.to_string()),
            project: Some(summary.project.to_string()),
            labels: summary.labels.iter().map(|(name, value)| (name.to_string(), (&**value).into())).collect(),
            source: summary.source.as_ref().map(|source| SourceEntry {
                repo_url: source.repo_url.to_string(),
                path: source.path.to_string(),
                chart: source.chart.to_string(),
                target_revision: source.target_revision.to_string(),
            }),
            sources: Some(summary.source_count),
            destination: Some(DestinationEntry {
                server: summary.destination_server.to_string(),
                name: summary.destination_name.to_string(),
                namespace: summary.destination_namespace.to_string(),
            }),
            revision: (!revision.is_empty()).then_some(revision),
            sync: summary.sync.and_then(|sync| serde_json::to_value(sync).ok()),
            health: summary.health.map(crate::domain::health::HealthStatus::as_str),
            reconciled_at: summary.reconciled_at,
            automated: summary.automated,
            deleting: summary.deleting,
            busy: summary.busy,
            operation: summary.operation.as_deref().map(operation),
            ..self
        }
    }
}

fn operation(operation: &OperationSummary) -> OperationEntry {
    let phases = SyncPhase::ALL.into_iter().filter_map(|phase| {
        let own = operation.phase_of(phase);
        let state = match own.state {
            PhaseState::Absent => return None,
            PhaseState::Running => "running",
            PhaseState::Succeeded => "succeeded",
            PhaseState::Failed => "failed",
            PhaseState::Stopped => "stopped",
            PhaseState::Unknown => "unknown",
        };
        Some(PhaseEntry { phase: phase.as_str(), state, failed: own.failed.as_ref().map(ToString::to_string) })
    });
    OperationEntry {
        phase: operation.phase.map(|phase| format!("{phase:?}")),
        message: operation.message.to_string(),
        started_at: operation.started_at,
        finished_at: operation.finished_at,
        retry_count: operation.retry_count,
        initiated_by: operation.username.to_string(),
        automated: operation.automated,
        dry_run: operation.dry_run,
        phases: phases.collect(),
    }
}

/// Several revisions in few characters.
pub(in crate::cli) fn short_revisions(revisions: &[String]) -> String {
    revisions.iter().map(|revision| short(revision)).collect::<Vec<_>>().join(", ")
}
