//! From a comparison to the fields of `status`, and which of them have changed.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::entry::{Entry, app_health, status_name, sync_status};
use super::gather::Comparison;
use crate::domain::application::{Application, SyncStatus};
use crate::domain::health::HealthStatus;
use crate::domain::manifest::Object;
use crate::engine::problem::{Problem, ProblemKind};
use crate::engine::record::Edit;

/// The conditions that comparisons own; those of others are left alone.
const OWN: &[ProblemKind] = &[
    ProblemKind::InvalidSpecError,
    ProblemKind::ComparisonError,
    ProblemKind::SyncError,
    ProblemKind::SharedResource,
    ProblemKind::RepeatedResource,
    ProblemKind::UnknownError,
];

/// What a comparison says of the application as a whole.
pub(super) struct Report {
    /// Sync status.
    pub(super) sync: SyncStatus,
    /// Health.
    pub(super) health: HealthStatus,
}

impl Report {
    pub(super) fn of(comparison: &Comparison, application: &Application) -> Self {
        let Some(entries) = &comparison.entries else {
            // A cluster that cannot be asked says nothing against what is known of its health. A spec that cannot be
            // carried out has none.
            let is_invalid = comparison.problems.iter().any(Problem::is_invalid_spec);
            let known = application.status.health.status.filter(|_| !is_invalid);
            return Self { sync: SyncStatus::Unknown, health: known.unwrap_or(HealthStatus::Unknown) };
        };
        let sync = if comparison.targets.is_some() { sync_status(entries) } else { SyncStatus::Unknown };
        Self { sync, health: app_health(entries) }
    }
}

/// When and where a comparison was made.
pub(super) struct Occasion<'a> {
    /// Namespace of the control plane.
    pub(super) control_plane: &'a str,
    /// The time.
    pub(super) now: Timestamp,
    /// `reconciledAt` is written even if nothing else has changed.
    pub(super) is_asked: bool,
}

/// The edits that bring `status` up to date.
pub(super) fn edits(
    object: &Object,
    application: &Application,
    comparison: &Comparison,
    report: &Report,
    stuck: Option<&Problem>,
    occasion: &Occasion<'_>,
) -> Vec<Edit> {
    let Occasion { control_plane, now, is_asked } = *occasion;
    let time = format!("{now:.0}");
    let mut edits = Edits { object, edits: Vec::new() };
    edits.put("sync", sync(object, comparison, report));
    edits.put("health", health(object, report, &time));
    if let Some(entries) = &comparison.entries {
        edits.put("resources", entries.iter().map(Entry::to_json).collect());
        edits.put("summary", summary(entries));
        // The health of every object stands in `resources`.
        edits.put("resourceHealthSource", Value::Null);
    }
    if let Some(targets) = &comparison.targets {
        let types: Vec<&str> = targets.source_types.iter().map(String::as_str).collect();
        if application.spec.has_multiple_sources() {
            edits.put("sourceTypes", json!(types));
            edits.put("sourceType", Value::Null);
        } else {
            edits.put("sourceType", types.first().copied().unwrap_or_default().into());
            edits.put("sourceTypes", Value::Null);
        }
    }
    edits.put("conditions", conditions(object, comparison.problems.iter().chain(stuck), &time));
    edits.put("controllerNamespace", control_plane.into());
    if is_asked || !edits.edits.is_empty() {
        edits.put("reconciledAt", time.into());
    }
    edits.edits
}

struct Edits<'a> {
    object: &'a Object,
    edits: Vec<Edit>,
}

impl Edits<'_> {
    /// Empty values are not written.
    fn put(&mut self, field: &'static str, value: Value) {
        let is_empty = match &value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            _ => false,
        };
        let known = self.object.at(&["status", field]);
        if is_empty && known.is_some() {
            self.edits.push(Edit::NoStatus(field));
        } else if !is_empty && known != Some(&value) {
            self.edits.push(Edit::Status(field, value));
        }
    }
}

fn sync(object: &Object, comparison: &Comparison, report: &Report) -> Value {
    let spec = |field: &str| object.at(&["spec", field]).cloned();
    let mut compared = json!({ "destination": spec("destination").unwrap_or_else(|| json!({})) });
    let mut sync = json!({ "status": status_name(report.sync) });
    let is_several = object.at(&["spec", "sources"]).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    let source = if is_several { "sources" } else { "source" };
    for field in [source, "ignoreDifferences"] {
        if let Some(value) = spec(field) {
            compared[field] = value;
        }
    }
    sync["comparedTo"] = compared;
    if let Some(targets) = &comparison.targets {
        if is_several {
            sync["revisions"] = json!(targets.revisions);
        } else {
            sync["revision"] = targets.revisions.first().cloned().unwrap_or_default().into();
        }
    }
    sync
}

fn health(object: &Object, report: &Report, time: &str) -> Value {
    let known = object.at(&["status", "health"]);
    let text = |field: &str| known.and_then(|known| known.get(field)?.as_str());
    let since = text("lastTransitionTime").filter(|_| text("status") == Some(report.health.as_str()));
    json!({ "status": report.health.as_str(), "lastTransitionTime": since.unwrap_or(time) })
}

fn summary(entries: &[Entry]) -> Value {
    let images: BTreeSet<&String> = entries.iter().flat_map(|entry| &entry.images).collect();
    let is_apps = entries.iter().any(|entry| entry.key.group == "argoproj.io" && entry.key.kind == "Application");
    let mut summary = serde_json::Map::new();
    if !images.is_empty() {
        summary.insert("images".to_owned(), json!(images));
    }
    let links: BTreeSet<&String> = entries.iter().flat_map(|entry| &entry.links).collect();
    if !links.is_empty() {
        summary.insert("externalURLs".to_owned(), json!(links));
    }
    if is_apps {
        summary.insert("isAppOfApps".to_owned(), true.into());
    }
    Value::Object(summary)
}

/// The conditions of others, then ours. One that says the same as before keeps its time.
fn conditions<'a>(object: &Object, problems: impl Iterator<Item = &'a Problem>, time: &str) -> Value {
    let known = object.at(&["status", "conditions"]).and_then(Value::as_array).cloned().unwrap_or_default();
    let is_own = |condition: &&Value| OWN.iter().any(|kind| condition["type"] == kind.as_str());
    let mut conditions: Vec<Value> = known.iter().filter(|condition| !is_own(condition)).cloned().collect();
    let mut problems: Vec<&Problem> = problems.collect();
    problems.sort_by(|one, other| (one.kind, &one.message).cmp(&(other.kind, &other.message)));
    problems.dedup();
    for problem in problems {
        let mut condition = json!({ "type": problem.kind.as_str(), "message": problem.message });
        let is_same = |known: &&Value| known["type"] == condition["type"] && known["message"] == condition["message"];
        let since = known.iter().find(is_same).and_then(|known| known["lastTransitionTime"].as_str());
        condition["lastTransitionTime"] = since.unwrap_or(time).into();
        conditions.push(condition);
    }
    Value::Array(conditions)
}

#[cfg(test)]
mod tests {
    use super::super::entry::example;
    use super::*;

    fn run(object: &Value, comparison: &Comparison, is_asked: bool) -> Vec<Edit> {
        let object = Object::from_json(object.clone()).unwrap();
        let application = Application::read("c", &object).0;
        let report = Report::of(comparison, &application);
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        edits(&object, &application, comparison, &report, None, &Occasion { control_plane: "argocd", now, is_asked })
    }

    fn application(status: &Value) -> Value {
        json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "status": status,
            "metadata": {"name": "shop"}, "spec": {"source": {"repoURL": "r"}, "destination": {"namespace": "shop"}}})
    }

    #[test]
    fn what_did_not_change_is_not_written() {
        let comparison = || Comparison {
            entries: Some(vec![example("Deployment", Some(SyncStatus::Synced), Some(HealthStatus::Healthy))]),
            ..Comparison::default()
        };
        let mut status = json!({});
        for edit in run(&application(&status), &comparison(), false) {
            let Edit::Status(field, value) = edit else { panic!("{edit:?}") };
            status[field] = value;
        }
        let written: Vec<&String> = status.as_object().unwrap().keys().collect();
        assert_eq!(written, ["controllerNamespace", "health", "reconciledAt", "resources", "sync"]);
        assert_eq!(run(&application(&status), &comparison(), false), []);
        assert_eq!(run(&application(&status), &comparison(), true), [], "within one second");
        status["reconciledAt"] = "2026-11-23T09:00:00Z".into();
        assert_eq!(run(&application(&status), &comparison(), false), []);
        assert_eq!(run(&application(&status), &comparison(), true).len(), 1);
    }

    #[test]
    fn a_problem_is_a_condition_that_keeps_its_time_and_the_conditions_of_others() {
        let failed =
            |message: &str| Comparison { problems: vec![Problem::invalid_spec(message)], ..Comparison::default() };
        let old = json!({"type": "InvalidSpecError", "message": "a", "lastTransitionTime": "2026-01-01T00:00:00Z"});
        let other = json!({"type": "DeletionError", "message": "x", "lastTransitionTime": "2026-01-01T00:00:00Z"});
        let health = json!({"status": "Healthy", "lastTransitionTime": "2026-01-01T00:00:00Z"});
        let object = application(&json!({"conditions": [other, old], "health": health, "resources": [{"name": "x"}]}));
        let find = |edits: Vec<Edit>, field: &str| {
            edits.into_iter().find_map(|edit| match edit {
                Edit::Status(own, value) if own == field => Some(value),
                _ => None,
            })
        };
        assert_eq!(find(run(&object, &failed("a"), false), "conditions"), None);
        let changed = find(run(&object, &failed("b"), false), "conditions").unwrap();
        assert_eq!((&changed[0], &changed[1]["lastTransitionTime"]), (&other, &json!("2026-11-23T10:00:00Z")));
        assert_eq!(find(run(&object, &failed("b"), false), "sync").unwrap()["status"], "Unknown");
        assert_eq!(find(run(&object, &failed("b"), false), "health").unwrap()["status"], "Unknown");
        assert_eq!(find(run(&object, &failed("b"), false), "resources"), None, "the last known ones stay");
        let unreachable = Comparison { problems: vec![Problem::comparison("git", true)], ..Comparison::default() };
        assert_eq!(find(run(&object, &unreachable, false), "health"), None);
    }
}
