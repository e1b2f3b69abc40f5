//! What is remembered of an Argo Workflow.

use jiff::Timestamp;
use serde_json::Value;

use super::json;
use crate::domain::manifest::Object;
use crate::domain::timeline::elapsed::Moment;
use crate::domain::timeline::view::NodeView;

/// Nodes remembered of one Workflow.
const MAX_NODES: usize = 1_000;

/// A Workflow as last seen. Its end is remembered even if a later event should deny it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::domain::timeline) struct WorkflowFacts {
    /// `status.phase`; empty before it begins.
    pub phase: String,
    /// `status.message`.
    pub message: String,
    /// `status.progress`, for example `1/2`.
    pub progress: String,
    /// Steps that run as pods, and those that failed.
    pub nodes: Vec<NodeView>,
    /// `Some(true)`: ended well.
    pub succeeded: Option<bool>,
    /// When it ended.
    pub ended: Moment,
    /// Paused by `spec.suspend`.
    pub suspended: bool,
}

impl WorkflowFacts {
    pub(crate) fn new(object: &Object, at: Timestamp, live: bool) -> Self {
        let mut workflow = Self::default();
        workflow.update(object, at, live);
        workflow
    }

    pub(crate) fn update(&mut self, object: &Object, at: Timestamp, live: bool) {
        static NULL: Value = Value::Null;
        let status = object.at(&["status"]).unwrap_or(&NULL);
        let phase = json::name(status, "phase");
        let succeeded = match phase.as_str() {
            "Succeeded" => Some(true),
            "Failed" | "Error" => Some(false),
            _ => None,
        };
        if self.succeeded.is_some() && succeeded.is_none() {
            return;
        }
        if succeeded.is_some() && self.succeeded.is_none() {
            self.ended = Moment::seen(at, live);
        }
        self.ended.recorded = self.ended.recorded.or_else(|| json::time(status, "finishedAt"));
        self.succeeded = succeeded;
        self.phase = phase;
        self.message = json::message(status, "message");
        self.progress = json::name(status, "progress");
        self.suspended = object.at(&["spec", "suspend"]).and_then(Value::as_bool).unwrap_or(false);
        self.nodes = nodes(status);
    }
}

fn nodes(status: &Value) -> Vec<NodeView> {
    let nodes = status.get("nodes").and_then(Value::as_object);
    let shown = |node: &&Value| {
        json::text(node, "type") == Some("Pod") || matches!(json::text(node, "phase"), Some("Failed" | "Error"))
    };
    let read = |node: &Value| NodeView {
        id: json::name(node, "id"),
        name: json::name(node, "displayName"),
        kind: json::name(node, "type"),
        phase: json::name(node, "phase"),
        message: json::message(node, "message"),
        started: json::time(node, "startedAt"),
        finished: json::time(node, "finishedAt"),
    };
    let mut nodes: Vec<NodeView> =
        nodes.into_iter().flat_map(serde_json::Map::values).filter(shown).take(MAX_NODES).map(read).collect();
    nodes.sort_by(|one, other| (one.started, &one.id).cmp(&(other.started, &other.id)));
    nodes
}
