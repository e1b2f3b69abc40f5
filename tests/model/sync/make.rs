//! Objects and requests for tests, briefly.

use std::sync::Arc;

use boathook::domain::hook::SyncPhase;
use boathook::domain::manifest::Object;
use boathook::domain::operation::{Operation, OperationPhase, OperationState, SyncRequest};
use boathook::domain::plan::{Kinds, Permission, Plan, PlanInput, plan};
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) const NAMESPACE: &str = "shop";
pub(super) const REVISION: &str = "6f1c0aa95d2b4f8e9c1d7a3b5e6f708192a3b4c5";

pub(super) fn start() -> Timestamp {
    "2026-11-22T13:00:00Z".parse().unwrap()
}

/// An object from JSON.
pub(super) fn object(json: Value) -> Arc<Object> {
    Arc::new(Object::from_json(json).unwrap())
}

/// An object of a kind, with annotations.
pub(super) fn written(api_version: &str, kind: &str, name: &str, annotations: &[(&str, &str)]) -> Arc<Object> {
    let annotations: serde_json::Map<String, Value> =
        annotations.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    object(json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "annotations": annotations}}))
}

pub(super) fn config_map(name: &str, annotations: &[(&str, &str)]) -> Arc<Object> {
    written("v1", "ConfigMap", name, annotations)
}

pub(super) fn job(name: &str, annotations: &[(&str, &str)]) -> Arc<Object> {
    written("batch/v1", "Job", name, annotations)
}

/// A Job with a `generateName`.
pub(super) fn generated_job(prefix: &str, hook: &str) -> Arc<Object> {
    object(json!({"apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"generateName": prefix, "annotations": {"argocd.argoproj.io/hook": hook}}}))
}

/// The object as the cluster has it.
pub(super) fn live(target: &Object, uid: &str) -> Arc<Object> {
    let mut json = target.clone().into_json();
    json["metadata"]["uid"] = json!(uid);
    if target.namespace().is_empty() && target.kind() != "Namespace" {
        json["metadata"]["namespace"] = json!(NAMESPACE);
    }
    object(json)
}

/// What goes into a plan, with everything else as usual.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) targets: Vec<Arc<Object>>,
    pub(super) live: Vec<Arc<Object>>,
    pub(super) live_namespace: Option<Arc<Object>>,
    pub(super) request: SyncRequest,
    pub(super) kinds: Kinds,
    pub(super) recorded: Option<OperationState>,
    pub(super) unique_names: bool,
    pub(super) started_at: Timestamp,
    pub(super) namespace: String,
    pub(super) revision: String,
}

impl Given {
    pub(super) fn new(targets: Vec<Arc<Object>>) -> Self {
        Self {
            targets,
            live: Vec::new(),
            live_namespace: None,
            request: SyncRequest::default(),
            kinds: Kinds::well_known(),
            recorded: None,
            unique_names: false,
            started_at: start(),
            namespace: NAMESPACE.to_owned(),
            revision: REVISION.to_owned(),
        }
    }

    pub(super) fn with_options(mut self, options: &[&str]) -> Self {
        self.request.sync_options = options.iter().map(|option| (*option).to_owned()).collect();
        self
    }

    pub(super) fn with_live(mut self, live: Vec<Arc<Object>>) -> Self {
        self.live = live;
        self
    }

    pub(super) fn input(&self) -> PlanInput<'_> {
        PlanInput {
            targets: &self.targets,
            live: &self.live,
            kinds: &self.kinds,
            request: &self.request,
            destination_namespace: &self.namespace,
            live_namespace: self.live_namespace.as_ref(),
            namespace_metadata: None,
            revision: &self.revision,
            started_at: self.started_at,
            permission: Permission::All,
            out_of_sync: None,
            recorded: self.recorded.as_ref(),
            unique_names: self.unique_names,
        }
    }

    /// The state in which the operation is accepted.
    pub(super) fn accepted(&self) -> OperationState {
        OperationState {
            operation: Operation { sync: Some(self.request.clone()), ..Operation::default() },
            phase: Some(OperationPhase::Running),
            started_at: Some(self.started_at),
            ..OperationState::default()
        }
    }

    pub(super) fn plan(&self) -> Plan {
        plan(&self.input())
    }
}

/// Phase, wave and name of every task, as one line each.
pub(super) fn lines(plan: &Plan) -> Vec<String> {
    plan.tasks
        .iter()
        .map(|task| format!("{} {} {}/{}", task.phase(), task.wave, task.object.kind, task.object.name))
        .collect()
}

pub(super) fn names_in(plan: &Plan, phase: SyncPhase) -> Vec<&str> {
    plan.tasks.iter().filter(|task| task.phase() == phase).map(|task| task.object.name.as_str()).collect()
}
