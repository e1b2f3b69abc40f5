//! Why an Argo Workflow is not done, or has failed.

use serde_json::{Map, Value};

use super::gather::Evidence;
use super::pod;
use super::read::{for_how_long, text, time};
use super::reason::{Reason, ReasonKind};
use crate::domain::manifest::Object;

/// Most names in one line.
const NAMES: usize = 3;

/// Reasons of a Workflow.
pub(super) fn workflow(workflow: &Object, evidence: &Evidence<'_>, reasons: &mut Vec<Reason>) {
    let phase = text(workflow, &["status", "phase"]);
    if phase == "Succeeded" {
        return;
    }
    let empty = Map::new();
    let nodes = workflow.at(&["status", "nodes"]).and_then(Value::as_object).unwrap_or(&empty);
    let pods = || nodes.values().filter(|node| text(*node, &["type"]) == "Pod");
    for node in pods().filter(|node| ["Failed", "Error"].contains(&text(*node, &["phase"]))) {
        reasons.push(step(node));
    }
    let message = text(workflow, &["status", "message"]);
    if ["Failed", "Error"].contains(&phase) {
        let line = if message.is_empty() { "the Workflow failed" } else { message };
        reasons.push(Reason::new(ReasonKind::Failed, line).with("message", message));
        return;
    }
    let waits = nodes.values().find(|node| text(*node, &["type"]) == "Suspend" && text(*node, &["phase"]) == "Running");
    if workflow.at(&["spec", "suspend"]) == Some(&Value::Bool(true)) {
        reasons.push(Reason::new(ReasonKind::Suspended, "suspended: somebody must resume it (spec.suspend)"));
    } else if let Some(node) = waits {
        let line = format!("{} waits until somebody resumes it", name(node));
        reasons.push(Reason::new(ReasonKind::Suspended, line).with("message", text(node, &["message"])));
    }
    // The controller writes what a pod waits for (an image, a node) beside the node.
    for node in pods().filter(|node| text(*node, &["phase"]) == "Pending" && !text(*node, &["message"]).is_empty()) {
        let message = text(node, &["message"]);
        let kind = match message {
            message if message.contains("ImagePull") => ReasonKind::ImagePull,
            message if message.starts_with("Unschedulable") => ReasonKind::Unschedulable,
            message if message.contains("exceeded quota") => ReasonKind::Quota,
            _ => ReasonKind::Said,
        };
        reasons.push(Reason::new(kind, format!("{}: {message}", name(node))).with("message", message));
    }
    for child in evidence.children.iter().filter(|child| child.kind() == "Pod") {
        pod::pod(child, evidence, reasons);
    }
    if phase.is_empty() {
        let long = for_how_long(time(workflow, &["metadata", "creationTimestamp"]), evidence.now);
        reasons.push(Reason::new(ReasonKind::NotStarted, format!("no workflow controller has looked at it{long}")));
        return;
    }
    reasons.push(progress(workflow, nodes));
}

fn name(node: &Value) -> &str {
    match text(node, &["displayName"]) {
        "" => text(node, &["name"]),
        name => name,
    }
}

/// A step that failed.
fn step(node: &Value) -> Reason {
    let message = text(node, &["message"]);
    let code = text(node, &["outputs", "exitCode"]);
    let why = match (message, code) {
        ("", "") => text(node, &["phase"]).to_owned(),
        ("", code) => format!("exit code {code}"),
        (message, _) => message.to_owned(),
    };
    Reason::new(ReasonKind::StepFailed, format!("{}: {why}", name(node)))
        .with("step", name(node))
        .with("template", text(node, &["templateName"]))
        .with("exit code", code)
        .with("message", message)
}

/// `1 of 2 steps done, running: task-2`.
fn progress(workflow: &Object, nodes: &Map<String, Value>) -> Reason {
    let pods: Vec<&Value> = nodes.values().filter(|node| text(*node, &["type"]) == "Pod").collect();
    let over = ["Succeeded", "Failed", "Error", "Skipped", "Omitted"];
    let done = pods.iter().filter(|node| over.contains(&text(**node, &["phase"]))).count();
    // The controller's own count knows steps that have no node yet.
    let line = match text(workflow, &["status", "progress"]).split_once('/') {
        Some((done, all)) => format!("{done} of {all} steps done"),
        None => format!("{done} of {} steps done", pods.len()),
    };
    let mut running: Vec<&str> =
        pods.iter().filter(|node| text(**node, &["phase"]) == "Running").map(|node| name(node)).collect();
    running.sort_unstable();
    let names = running.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
    let line = match running.len() {
        0 => line,
        count if count > NAMES => format!("{line}, running: {names} and {} more", count - NAMES),
        _ => format!("{line}, running: {names}"),
    };
    Reason::new(ReasonKind::Steps, line).with("running", names).with("message", text(workflow, &["status", "message"]))
}
