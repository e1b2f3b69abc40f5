//! A pod's status as a kubelet writes it.

use std::time::Duration;

use serde_json::{Value, json};

use super::container::{Container, State};
use super::machine::{Machine, RestartPolicy};
use crate::sim::controllers::json::{int, list, set, text};
use crate::sim::store::Random;

impl Machine {
    /// The init containers have done their work.
    fn initialized(&self) -> bool {
        self.containers.iter().filter(|container| container.is_init()).all(|container| match &container.state {
            State::Ended { code: 0, .. } => true,
            State::Running(_) => container.is_sidecar(),
            _ => false,
        })
    }

    /// `status.phase`.
    pub(super) fn phase(&self) -> &'static str {
        let over = |container: &Container| matches!(container.state, State::Ended { again: None, .. });
        let failed = |container: &Container| {
            matches!(container.state, State::Ended { code, .. } if code != 0) && !container.is_sidecar()
        };
        let main = || self.containers.iter().filter(|container| !container.is_init());
        if !self.initialized() {
            let init = self.containers.iter().filter(|container| container.is_init());
            let dead = init.clone().any(|container| failed(container) && over(container));
            let never = self.policy == RestartPolicy::Never || self.stopping;
            return if (dead && never) || (self.stopping && self.ended()) { "Failed" } else { "Pending" };
        }
        if main().all(over) {
            return if main().any(failed) { "Failed" } else { "Succeeded" };
        }
        if self.stopping && self.ended() {
            return "Failed";
        }
        let never_ran = |container: &Container| {
            container.last.is_none() && matches!(container.state, State::Waiting { .. } | State::Blocked)
        };
        if main().any(never_ran) { "Pending" } else { "Running" }
    }

    /// Nothing runs and nothing will.
    fn ended(&self) -> bool {
        !self.containers.iter().any(|container| matches!(container.state, State::Running(_)))
    }

    /// Remembers since when conditions are as they are.
    pub(super) fn note_conditions(&mut self, at: Duration) {
        let phase = self.phase();
        let ran = self.containers.iter().any(|container| {
            container.last.is_some() || matches!(container.state, State::Running(_) | State::Ended { .. })
        });
        let over = matches!(phase, "Succeeded" | "Failed");
        let ready =
            !over && self.containers.iter().filter(|container| !container.is_init()).all(|container| container.ready);
        let now = [
            ("PodReadyToStartContainers", ran && !over),
            ("Initialized", self.initialized()),
            ("Ready", ready),
            ("ContainersReady", ready),
        ];
        for (kind, status) in now {
            match self.conditions.iter_mut().find(|(known, _, _)| *known == kind) {
                Some(condition) if condition.1 == status => {}
                Some(condition) => (condition.1, condition.2) = (status, at),
                None => self.conditions.push((kind, status, at)),
            }
        }
    }

    /// Puts the pod's status as it is now into the object. `time` renders a moment; what the kubelet does not own, such
    /// as the condition `PodScheduled`, stays.
    pub(super) fn write_status(&self, pod: &mut Value, time: &impl Fn(Duration) -> String) {
        let phase = self.phase();
        let generation = int(pod, "/metadata/generation").unwrap_or(1);
        set(pod, "/status/phase", phase.into());
        set(pod, "/status/observedGeneration", generation.into());
        set(pod, "/status/hostIP", "10.0.0.1".into());
        set(pod, "/status/hostIPs", json!([{"ip": "10.0.0.1"}]));
        let address = format!("10.244.{}.{}", self.address / 250 % 250, 2 + self.address % 250);
        set(pod, "/status/podIP", address.clone().into());
        set(pod, "/status/podIPs", json!([{"ip": address}]));
        set(pod, "/status/startTime", time(self.since).into());
        if text(pod, "/status/qosClass").is_empty() {
            set(pod, "/status/qosClass", "BestEffort".into());
        }
        let mut conditions: Vec<Value> = self
            .conditions
            .iter()
            .map(|(kind, status, since)| self.condition(kind, *status, phase, generation, &time(*since)))
            .collect();
        let own = |kind: &str| self.conditions.iter().any(|(own, _, _)| *own == kind);
        conditions.extend(list(pod, "/status/conditions").iter().filter(|other| !own(text(other, "/type"))).cloned());
        set(pod, "/status/conditions", conditions.into());
        let blocked = if self.initialized() { "ContainerCreating" } else { "PodInitializing" };
        for (field, init) in [("/status/initContainerStatuses", true), ("/status/containerStatuses", false)] {
            let containers = self.containers.iter().filter(|container| container.is_init() == init);
            let statuses: Vec<Value> = containers.map(|container| self.container(container, blocked, time)).collect();
            if !statuses.is_empty() {
                set(pod, field, statuses.into());
            }
        }
    }

    fn condition(&self, kind: &str, status: bool, phase: &str, generation: i64, since: &str) -> Value {
        let mut condition = json!({
            "type": kind,
            "status": if status { "True" } else { "False" },
            "observedGeneration": generation,
            "lastProbeTime": null,
            "lastTransitionTime": since,
        });
        let names = |init: bool| {
            let unready = self.containers.iter().filter(|container| container.is_init() == init && !container.ready);
            unready.map(|container| container.name.as_str()).collect::<Vec<_>>().join(" ")
        };
        let why = match (kind, status, phase) {
            ("Initialized", false, _) => {
                Some(("ContainersNotInitialized", format!("containers with incomplete status: [{}]", names(true))))
            }
            ("Initialized" | "Ready" | "ContainersReady", _, "Succeeded") => Some(("PodCompleted", String::new())),
            ("Ready" | "ContainersReady", false, "Failed") => Some(("PodFailed", String::new())),
            ("Ready" | "ContainersReady", false, _) => {
                Some(("ContainersNotReady", format!("containers with unready status: [{}]", names(false))))
            }
            _ => None,
        };
        if let Some((reason, message)) = why {
            set(&mut condition, "/reason", reason.into());
            if !message.is_empty() {
                set(&mut condition, "/message", message.into());
            }
        }
        condition
    }

    fn container(&self, container: &Container, blocked: &str, time: &impl Fn(Duration) -> String) -> Value {
        let running = matches!(container.state, State::Running(_));
        let ran = running || container.last.is_some() || matches!(container.state, State::Ended { .. });
        let last =
            container.last.as_ref().map_or_else(|| json!({}), |last| json!({"terminated": with_times(last, time)}));
        let state = container.state_json(blocked, time);
        let state = match state.get("terminated") {
            Some(terminated) => json!({"terminated": with_times(terminated, time)}),
            None => state,
        };
        let mut status = json!({
            "name": container.name,
            "state": state,
            "lastState": last,
            "ready": container.ready,
            "restartCount": container.restart,
            "image": container.image,
            "imageID": "",
            "started": running,
        });
        if ran {
            let image = container.image.split('@').next().unwrap_or_default();
            let id = container_id(&self.uid, &container.name, container.restart);
            set(&mut status, "/containerID", format!("containerd://{id}").into());
            set(&mut status, "/imageID", format!("{image}@sha256:{}", hex(image)).into());
        }
        status
    }
}

/// Times inside a machine are moments of the monotonic clock, in nanoseconds.
fn with_times(terminated: &Value, time: &impl Fn(Duration) -> String) -> Value {
    let mut terminated = terminated.clone();
    for field in ["/startedAt", "/finishedAt"] {
        let nanos: u64 = text(&terminated, field).parse().unwrap_or(0);
        set(&mut terminated, field, time(Duration::from_nanos(nanos)).into());
    }
    terminated
}

/// The name a runtime gives to one run of a container: looks random, and is always the same.
pub(super) fn container_id(uid: &str, container: &str, restart: u32) -> String {
    hex(&format!("{uid}/{container}/{restart}"))
}

fn hex(text: &str) -> String {
    // FNV-1a
    let seed = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mut random = Random::new(seed);
    (0..4).fold(String::new(), |hex, _| hex + &format!("{:016x}", random.next_u64()))
}
