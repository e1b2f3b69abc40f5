//! What is remembered of a pod.

use jiff::Timestamp;
use serde_json::Value;

use super::json;
use crate::domain::manifest::Object;
use crate::domain::names;
use crate::domain::timeline::elapsed::Moment;
use crate::domain::timeline::view::{ContainerKind, ContainerState, ContainerView, PodState};

/// Containers remembered of one pod.
const MAX_CONTAINERS: usize = 100;

/// Annotation, and in newer versions label, with the index of a pod of an indexed Job.
const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// A pod as last seen. Its end is remembered even if a later event should deny it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::domain::timeline) struct PodFacts {
    /// UID of the Job, Workflow or other object that owns it; empty if nothing does.
    pub owner: String,
    /// Kind and name of the owner.
    pub owner_kind: String,
    /// See above.
    pub owner_name: String,
    /// Index within an indexed Job.
    pub index: Option<i64>,
    /// How far it is.
    pub state: PodState,
    /// Begin of its first container.
    pub started: Moment,
    /// Its end, once `state` is an end.
    pub ended: Moment,
    /// Containers, init containers first.
    pub containers: Vec<ContainerView>,
    /// Words of the pod itself.
    pub message: String,
    /// It is meant to run for ever.
    pub restarts_always: bool,
}

impl PodFacts {
    pub(crate) fn new(object: &Object, at: Timestamp, live: bool) -> Self {
        let mut pod = Self {
            owner: String::new(),
            owner_kind: String::new(),
            owner_name: String::new(),
            index: None,
            state: PodState::Unknown,
            started: Moment::default(),
            ended: Moment::default(),
            containers: Vec::new(),
            message: String::new(),
            restarts_always: false,
        };
        pod.read_identity(object);
        pod.update(object, at, live);
        pod
    }

    /// What does not change in the life of a pod.
    fn read_identity(&mut self, object: &Object) {
        let owners = object.at(&["metadata", "ownerReferences"]).and_then(Value::as_array);
        let owners = owners.map(Vec::as_slice).unwrap_or_default();
        let controls = |owner: &&Value| owner.get("controller").and_then(Value::as_bool) == Some(true);
        if let Some(owner) = owners.iter().find(controls).or_else(|| owners.first()) {
            self.owner = json::name(owner, "uid");
            self.owner_kind = json::name(owner, "kind");
            self.owner_name = json::name(owner, "name");
        } else if let Some(uid) =
            object.label(names::JOB_CONTROLLER_UID).or_else(|| object.label(names::LEGACY_CONTROLLER_UID))
        {
            // Orphaned: an abort with propagation policy orphan takes the Job away and leaves its pods.
            uid.clone_into(&mut self.owner);
            "Job".clone_into(&mut self.owner_kind);
        }
        self.index = object.annotation(INDEX).or_else(|| object.label(INDEX)).and_then(|index| index.parse().ok());
        self.restarts_always =
            object.at(&["spec", "restartPolicy"]).and_then(Value::as_str).unwrap_or("Always") == "Always";
    }

    pub(crate) fn update(&mut self, object: &Object, at: Timestamp, live: bool) {
        static NULL: Value = Value::Null;
        let status = object.at(&["status"]).unwrap_or(&NULL);
        let state = match json::text(status, "phase").unwrap_or_default() {
            // A pod without a status was only just created.
            "Pending" | "" => PodState::Pending,
            "Running" => PodState::Running,
            "Succeeded" => PodState::Succeeded,
            "Failed" => PodState::Failed,
            _ => PodState::Unknown,
        };
        if self.state.is_end() && self.state != state {
            return;
        }
        self.containers.clear();
        let kinds = [("initContainerStatuses", true), ("containerStatuses", false)];
        for (field, init) in kinds {
            let room = MAX_CONTAINERS.saturating_sub(self.containers.len());
            let containers = json::list(status, field).iter().take(room);
            self.containers.extend(containers.map(|status| container(object, status, init)));
        }
        self.message = json::message(status, "message");
        if self.message.is_empty() {
            self.message = json::message(status, "reason");
        }
        let first = self.containers.iter().filter_map(|container| container.first_start).min();
        if state == PodState::Running && self.started.is_unknown() {
            self.started = Moment::seen(at, live);
        }
        self.started.recorded = self.started.recorded.or(first);
        if state.is_end() {
            if !self.state.is_end() {
                self.ended = Moment::seen(at, live);
            }
            let last = self.containers.iter().filter_map(|container| container.state.finished()).max();
            self.ended.recorded = self.ended.recorded.or(last);
        }
        self.state = state;
    }

    /// Restarts of all its containers together.
    pub(crate) fn restarts(&self) -> u64 {
        self.containers.iter().map(|container| u64::from(container.restarts)).sum()
    }
}

fn container(pod: &Object, status: &Value, init: bool) -> ContainerView {
    let name = json::name(status, "name");
    let kind = if !init {
        ContainerKind::Main
    } else if is_sidecar(pod, &name) {
        ContainerKind::Sidecar
    } else {
        ContainerKind::Init
    };
    let state = status.get("state").map_or(ContainerState::Unknown, container_state);
    let last =
        status.get("lastState").map(container_state).filter(|state| matches!(state, ContainerState::Terminated { .. }));
    let starts = [state.started(), last.as_ref().and_then(ContainerState::started)];
    let restarts = json::integer(status, "restartCount").unwrap_or(0).clamp(0, i64::from(u32::MAX));
    ContainerView {
        name,
        kind,
        first_start: starts.into_iter().flatten().min(),
        state,
        last,
        restarts: u32::try_from(restarts).unwrap_or(u32::MAX),
    }
}

/// Init containers with restart policy Always run beside the others.
fn is_sidecar(pod: &Object, name: &str) -> bool {
    let init = pod.at(&["spec", "initContainers"]).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    init.iter().any(|container| {
        json::text(container, "name") == Some(name) && json::text(container, "restartPolicy") == Some("Always")
    })
}

fn container_state(state: &Value) -> ContainerState {
    if let Some(ended) = state.get("terminated").filter(|value| value.is_object()) {
        let number = |field| json::integer(ended, field).and_then(|number| i32::try_from(number).ok());
        return ContainerState::Terminated {
            exit_code: number("exitCode"),
            signal: number("signal").filter(|signal| *signal != 0),
            reason: json::name(ended, "reason"),
            message: json::message(ended, "message"),
            started: json::time(ended, "startedAt"),
            finished: json::time(ended, "finishedAt"),
        };
    }
    if let Some(running) = state.get("running").filter(|value| value.is_object()) {
        return ContainerState::Running { started: json::time(running, "startedAt") };
    }
    if let Some(waiting) = state.get("waiting").filter(|value| value.is_object()) {
        return ContainerState::Waiting {
            reason: json::name(waiting, "reason"),
            message: json::message(waiting, "message"),
        };
    }
    ContainerState::Unknown
}
