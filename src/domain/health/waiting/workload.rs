//! Why a workload does not have the replicas it should have.

use super::gather::Evidence;
use super::read::{condition, integer, list, text};
use super::reason::{Reason, ReasonKind};
use super::{events, pod};
use crate::domain::manifest::Object;
use serde_json::Value;

/// Reasons of a Deployment.
pub(super) fn deployment(object: &Object, evidence: &Evidence<'_>, reasons: &mut Vec<Reason>) {
    if object.at(&["spec", "paused"]) == Some(&Value::Bool(true)) {
        reasons.push(Reason::new(ReasonKind::Suspended, "paused: somebody must resume it (spec.paused)"));
    }
    if unseen(object, reasons) {
        return;
    }
    let late = condition(object, "Progressing").filter(|it| text(*it, &["reason"]) == "ProgressDeadlineExceeded");
    if let Some(late) = late {
        let words = text(late, &["message"]);
        let seconds = integer(object, &["spec", "progressDeadlineSeconds"]);
        let limit = if seconds > 0 { format!(" of {seconds} s") } else { String::new() };
        let line = format!("the rollout exceeded its progress deadline{limit}");
        reasons.push(Reason::new(ReasonKind::Failed, line).with("message", words));
    }
    let wanted = wanted(object);
    let available = integer(object, &["status", "availableReplicas"]);
    let updated = integer(object, &["status", "updatedReplicas"]);
    let old = integer(object, &["status", "replicas"]).saturating_sub(updated);
    let mut line = format!("{available} of {wanted} replicas available");
    if updated < wanted {
        line = format!("{line}, {updated} updated");
    }
    if old > 0 {
        line = format!("{line}, {old} old ones still there");
    }
    let missing = available < wanted || updated < wanted || old > 0;
    replicas(object, evidence, missing.then_some(line), reasons);
}

/// Reasons of a ReplicaSet.
pub(super) fn replica_set(object: &Object, evidence: &Evidence<'_>, reasons: &mut Vec<Reason>) {
    if unseen(object, reasons) {
        return;
    }
    let (wanted, available) = (wanted(object), integer(object, &["status", "availableReplicas"]));
    let line = (available < wanted).then(|| format!("{available} of {wanted} replicas available"));
    replicas(object, evidence, line, reasons);
}

/// Reasons of a StatefulSet.
pub(super) fn stateful_set(object: &Object, evidence: &Evidence<'_>, reasons: &mut Vec<Reason>) {
    if unseen(object, reasons) {
        return;
    }
    let (wanted, ready) = (wanted(object), integer(object, &["status", "readyReplicas"]));
    let updated = integer(object, &["status", "updatedReplicas"]);
    let revisions = [["status", "updateRevision"], ["status", "currentRevision"]].map(|path| text(object, &path));
    let rolling = text(object, &["spec", "updateStrategy", "type"]) != "OnDelete" && revisions[0] != revisions[1];
    let line = if ready < wanted {
        Some(format!("{ready} of {wanted} replicas ready"))
    } else {
        (rolling && updated < wanted).then(|| format!("{updated} of {wanted} replicas at the new revision"))
    };
    replicas(object, evidence, line, reasons);
}

/// Reasons of a DaemonSet.
pub(super) fn daemon_set(object: &Object, evidence: &Evidence<'_>, reasons: &mut Vec<Reason>) {
    if unseen(object, reasons) {
        return;
    }
    let wanted = integer(object, &["status", "desiredNumberScheduled"]);
    let available = integer(object, &["status", "numberAvailable"]);
    let updated = integer(object, &["status", "updatedNumberScheduled"]);
    let line = if available < wanted {
        Some(format!("{available} of {wanted} nodes have an available pod"))
    } else {
        (updated < wanted).then(|| format!("{updated} of {wanted} nodes have the new pod"))
    };
    replicas(object, evidence, line, reasons);
}

/// Replicas wanted; one, where nothing is said.
fn wanted(object: &Object) -> i64 {
    object.at(&["spec", "replicas"]).and_then(Value::as_i64).unwrap_or(1)
}

/// Whether the controller has not seen the latest spec.
fn unseen(object: &Object, reasons: &mut Vec<Reason>) -> bool {
    let generation = integer(object, &["metadata", "generation"]);
    let seen = integer(object, &["status", "observedGeneration"]) >= generation;
    if !seen {
        reasons.push(Reason::new(ReasonKind::NotStarted, "its controller has not looked at the latest change yet"));
    }
    !seen
}

/// The line about replicas, and if there is one, what their pods and the events say.
fn replicas(object: &Object, evidence: &Evidence<'_>, line: Option<String>, reasons: &mut Vec<Reason>) {
    let failure = std::iter::once(object)
        .chain(evidence.children.iter().copied())
        .flat_map(|object| list(object, &["status", "conditions"]))
        .find(|it| text(*it, &["type"]) == "ReplicaFailure" && text(*it, &["status"]) == "True");
    if let Some(failure) = failure {
        reasons.push(events::refused(text(failure, &["message"])));
    }
    let Some(line) = line else { return };
    reasons.push(Reason::new(ReasonKind::Replicas, line));
    if failure.is_none()
        && let Some(event) = events::latest(evidence, |reason| reason == "FailedCreate")
    {
        reasons.push(events::refused(text(event, &["message"])));
    }
    for child in evidence.children.iter().filter(|child| child.kind() == "Pod" && !child.is_deleting()) {
        pod::pod(child, evidence, reasons);
    }
}
