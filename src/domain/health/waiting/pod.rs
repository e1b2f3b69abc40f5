//! Why a pod does not run, is not ready, or failed.

use serde_json::Value;

use super::container::Container;
use super::events;
use super::gather::Evidence;
use super::read::{condition, for_how_long, is_true, list, text, time};
use super::reason::{Reason, ReasonKind};
use crate::domain::manifest::Object;

/// Reasons of one pod.
pub(super) fn pod(pod: &Object, evidence: &Evidence<'_>, reasons: &mut Vec<Reason>) {
    let phase = text(pod, &["status", "phase"]);
    if phase == "Succeeded" {
        return;
    }
    let containers = containers(pod);
    let before = reasons.len();
    reasons.extend(containers.iter().filter_map(Container::failed));
    if phase == "Failed" {
        whole(pod, reasons, reasons.len() == before);
        return;
    }
    if scheduling(pod, reasons) {
        return;
    }
    let waiting: Vec<Reason> = containers.iter().filter_map(|container| container.waiting(evidence)).collect();
    initialising(pod, evidence, reasons);
    reasons.extend(waiting);
    reasons.extend(containers.iter().filter_map(Container::restarted));
    not_ready(pod, evidence, reasons);
    if phase == "Unknown" {
        let message = text(pod, &["status", "message"]);
        reasons.push(
            Reason::new(ReasonKind::PodFailed, format!("the node does not answer: {message}").trim_end_matches(": "))
                .with("pod", pod.name())
                .with("node", text(pod, &["spec", "nodeName"])),
        );
    }
    if phase == "Pending" && reasons.len() == before {
        let long = for_how_long(time(pod, &["metadata", "creationTimestamp"]), evidence.now);
        reasons.push(Reason::new(ReasonKind::NotStarted, format!("waiting for a node{long}")).with("pod", pod.name()));
    }
    if phase == "Running" && reasons.len() == before && text(pod, &["spec", "restartPolicy"]) != "Always" {
        let long = for_how_long(time(pod, &["status", "startTime"]), evidence.now);
        reasons.push(Reason::new(ReasonKind::Running, format!("runs{long}")).with("pod", pod.name()));
    }
}

/// A pod that is gone, as it was last seen: if it had not ended by then, nobody knows how it would have.
pub(super) fn gone(pod: &Object) -> Option<Reason> {
    if ["Succeeded", "Failed"].contains(&text(pod, &["status", "phase"])) {
        return None;
    }
    let line = "the pod was deleted before it ended: exit code unknown";
    Some(Reason::new(ReasonKind::PodGone, line).with("pod", pod.name()).with("node", text(pod, &["spec", "nodeName"])))
}

fn containers(pod: &Object) -> Vec<Container<'_>> {
    let of = |field, init| list(pod, &["status", field]).iter().map(move |status| Container { pod, status, init });
    of("initContainerStatuses", true).chain(of("containerStatuses", false)).collect()
}

/// A pod that failed as a whole has a reason of its own; without one, and without one of its containers, it just failed.
fn whole(pod: &Object, reasons: &mut Vec<Reason>, alone: bool) {
    let reason = text(pod, &["status", "reason"]);
    let message = text(pod, &["status", "message"]);
    let line = match (reason, message) {
        ("", "") if alone => "the pod failed, nobody says why".to_owned(),
        ("", "") => return,
        (reason, "") => reason.to_owned(),
        ("", message) => message.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    };
    reasons.push(
        Reason::new(ReasonKind::PodFailed, line)
            .with("reason", reason)
            .with("message", message)
            .with("pod", pod.name()),
    );
}

/// Whether no node has taken the pod yet, and the scheduler's words.
fn scheduling(pod: &Object, reasons: &mut Vec<Reason>) -> bool {
    let Some(scheduled) = condition(pod, "PodScheduled").filter(|it| text(*it, &["status"]) == "False") else {
        return false;
    };
    let reason = text(scheduled, &["reason"]);
    let message = text(scheduled, &["message"]);
    let line = match (reason, message) {
        ("", "") => "no node takes it, nobody says why".to_owned(),
        (reason, "") => reason.to_owned(),
        ("", message) => message.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    };
    reasons.push(
        Reason::new(ReasonKind::Unschedulable, line)
            .with("message", message)
            .with("since", text(scheduled, &["lastTransitionTime"]))
            .with("pod", pod.name()),
    );
    true
}

/// Which init container runs, of how many. Those that run beside the others for ever count as done once started.
fn initialising(pod: &Object, evidence: &Evidence<'_>, reasons: &mut Vec<Reason>) {
    let specs = list(pod, &["spec", "initContainers"]);
    let statuses = list(pod, &["status", "initContainerStatuses"]);
    let is_sidecar = |name: &str| {
        specs.iter().any(|spec| text(spec, &["name"]) == name && text(spec, &["restartPolicy"]) == "Always")
    };
    let runs = |status: &&Value| {
        let started = status.get("started").and_then(Value::as_bool).unwrap_or_default();
        status.pointer("/state/running").is_some() && !(is_sidecar(text(*status, &["name"])) && started)
    };
    let Some((index, status)) = statuses.iter().enumerate().find(|(_, status)| runs(status)) else { return };
    let name = text(status, &["name"]);
    let all = specs.len().max(statuses.len());
    let long = for_how_long(time(status, &["state", "running", "startedAt"]), evidence.now);
    reasons.push(
        Reason::new(ReasonKind::Initialising, format!("init container {name} ({} of {all}) runs{long}", index + 1))
            .with("container", name)
            .with("pod", pod.name()),
    );
}

/// Containers that run and are not ready, and readiness gates that nobody has opened.
fn not_ready(pod: &Object, evidence: &Evidence<'_>, reasons: &mut Vec<Reason>) {
    if text(pod, &["status", "phase"]) != "Running" || is_true(pod, "Ready") {
        return;
    }
    let probe = events::about(evidence, pod, |reason| reason == "Unhealthy");
    let probe = probe.map(|event| text(event, &["message"])).unwrap_or_default();
    for status in list(pod, &["status", "containerStatuses"]) {
        let no = |field: &str| status.get(field) == Some(&Value::Bool(false));
        if !no("ready") || status.pointer("/state/running").is_none() {
            continue;
        }
        let name = text(status, &["name"]);
        let long = for_how_long(time(status, &["state", "running", "startedAt"]), evidence.now);
        let what = if no("started") { "not started by its startup probe" } else { "not ready" };
        let line = format!("{name}: runs{long}, {what}: {probe}");
        reasons.push(
            Reason::new(ReasonKind::NotReady, line.trim_end_matches(": "))
                .with("container", name)
                .with("probe", probe)
                .with("pod", pod.name()),
        );
    }
    for gate in list(pod, &["spec", "readinessGates"]) {
        let gate = text(gate, &["conditionType"]);
        if !is_true(pod, gate) {
            let words = condition(pod, gate).map(|condition| text(condition, &["message"])).unwrap_or_default();
            let line = format!("readiness gate {gate} is not open: {words}");
            reasons.push(
                Reason::new(ReasonKind::NotReady, line.trim_end_matches(": "))
                    .with("gate", gate)
                    .with("pod", pod.name()),
            );
        }
    }
}
