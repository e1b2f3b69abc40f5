//! The row of a pod: one word for the state of all its containers.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::age;
use super::reading::{condition, list, number, text, text_or};

/// What the containers add up to.
#[derive(Default)]
struct Summary {
    reason: String,
    ready: usize,
    restarts: i64,
    last_restart: String,
}

impl Summary {
    /// Counts the restarts of a container, and remembers the latest.
    fn restarted(&mut self, container: &Value) {
        self.restarts += number(container, "/restartCount");
        let finished = text(container, "/lastState/terminated/finishedAt");
        // Timestamps of one form: the order of texts is that of times.
        if finished > self.last_restart.as_str() {
            finished.clone_into(&mut self.last_restart);
        }
    }
}

/// An init container that runs beside the others.
fn is_sidecar(pod: &Value, name: &str) -> bool {
    list(pod, "/spec/initContainers")
        .iter()
        .any(|container| text(container, "/name") == name && text(container, "/restartPolicy") == "Always")
}

/// Why a terminated container ended: its reason, signal or exit code.
fn ended(terminated: &Value) -> String {
    let reason = text(terminated, "/reason");
    if !reason.is_empty() {
        return reason.to_owned();
    }
    match number(terminated, "/signal") {
        0 => format!("ExitCode:{}", number(terminated, "/exitCode")),
        signal => format!("Signal:{signal}"),
    }
}

/// All cells but the name.
pub(super) fn cells(pod: &Value, now: Timestamp) -> Vec<Value> {
    let summary = summary(pod);
    let sidecars = list(pod, "/spec/initContainers")
        .iter()
        .filter(|container| text(container, "/restartPolicy") == "Always")
        .count();
    let total = list(pod, "/spec/containers").len() + sidecars;
    let restarts = if summary.restarts != 0 && !summary.last_restart.is_empty() {
        format!("{} ({} ago)", summary.restarts, age::since(&summary.last_restart, now))
    } else {
        summary.restarts.to_string()
    };
    vec![
        json!(format!("{}/{total}", summary.ready)),
        json!(summary.reason),
        json!(restarts),
        json!(age::since(text(pod, "/metadata/creationTimestamp"), now)),
        json!(text_or(pod, "/status/podIPs/0/ip", "<none>")),
        json!(text_or(pod, "/spec/nodeName", "<none>")),
        json!(text_or(pod, "/status/nominatedNodeName", "<none>")),
        json!(readiness_gates(pod)),
    ]
}

fn readiness_gates(pod: &Value) -> String {
    let gates = list(pod, "/spec/readinessGates");
    if gates.is_empty() {
        return "<none>".to_owned();
    }
    let passed = gates.iter().filter(|gate| condition(pod, text(gate, "/conditionType"))).count();
    format!("{passed}/{}", gates.len())
}

fn summary(pod: &Value) -> Summary {
    let phase = text(pod, "/status/phase");
    let mut summary = Summary { reason: text_or(pod, "/status/reason", phase), ..Summary::default() };
    let gated = list(pod, "/status/conditions")
        .iter()
        .any(|one| text(one, "/type") == "PodScheduled" && text(one, "/reason") == "SchedulingGated");
    if gated {
        "SchedulingGated".clone_into(&mut summary.reason);
    }
    let initializing = init_containers(pod, &mut summary);
    if !initializing || condition(pod, "Initialized") {
        containers(pod, &mut summary);
    }
    let deleting = !text(pod, "/metadata/deletionTimestamp").is_empty();
    if deleting && text(pod, "/status/reason") == "NodeLost" {
        "Unknown".clone_into(&mut summary.reason);
    } else if deleting && !matches!(phase, "Succeeded" | "Failed") {
        "Terminating".clone_into(&mut summary.reason);
    }
    summary
}

/// The first init container that is not done decides; whether there is one.
fn init_containers(pod: &Value, summary: &mut Summary) -> bool {
    let total = list(pod, "/spec/initContainers").len();
    for (at, container) in list(pod, "/status/initContainerStatuses").iter().enumerate() {
        summary.restarted(container);
        let started = container.get("started").and_then(Value::as_bool).unwrap_or(false);
        let terminated = container.pointer("/state/terminated");
        if terminated.is_some_and(|terminated| number(terminated, "/exitCode") == 0) {
            continue;
        }
        if is_sidecar(pod, text(container, "/name")) && started {
            if container.get("ready").and_then(Value::as_bool).unwrap_or(false) {
                summary.ready += 1;
            }
            continue;
        }
        let waiting = text(container, "/state/waiting/reason");
        summary.reason = if let Some(terminated) = terminated {
            format!("Init:{}", ended(terminated))
        } else if !waiting.is_empty() && waiting != "PodInitializing" {
            format!("Init:{waiting}")
        } else {
            format!("Init:{at}/{total}")
        };
        return true;
    }
    false
}

fn containers(pod: &Value, summary: &mut Summary) {
    // Of the init containers only those that run beside the others still count.
    let mut counted = Summary { ready: summary.ready, ..Summary::default() };
    for container in list(pod, "/status/initContainerStatuses") {
        if is_sidecar(pod, text(container, "/name")) {
            counted.restarted(container);
        }
    }
    let (mut running, mut error) = (false, String::new());
    for container in list(pod, "/status/containerStatuses").iter().rev() {
        counted.restarted(container);
        let waiting = text(container, "/state/waiting/reason");
        let is_ready = container.get("ready").and_then(Value::as_bool).unwrap_or(false);
        if !waiting.is_empty() {
            waiting.clone_into(&mut summary.reason);
        } else if let Some(terminated) = container.pointer("/state/terminated") {
            summary.reason = ended(terminated);
            if number(terminated, "/exitCode") != 0 {
                error.clone_from(&summary.reason);
            }
        } else if is_ready && container.pointer("/state/running").is_some() {
            running = true;
            counted.ready += 1;
        }
    }
    if summary.reason == "Completed" {
        if running && condition(pod, "Ready") {
            "Running".clone_into(&mut summary.reason);
        } else if !error.is_empty() {
            summary.reason = error;
        } else if running {
            "NotReady".clone_into(&mut summary.reason);
        }
    }
    (summary.ready, summary.restarts, summary.last_restart) = (counted.ready, counted.restarts, counted.last_restart);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pod: &Value) -> String {
        let now = "2026-01-01T00:01:00Z".parse().unwrap();
        let cells = cells(pod, now);
        cells.iter().take(4).map(|cell| cell.as_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_pod_is_shown_by_what_matters_most_of_its_containers() {
        let pod = |status: Value| {
            json!({
                "metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"},
                "spec": {"containers": [{"name": "a"}, {"name": "b"}], "initContainers": [{"name": "i"}]},
                "status": status,
            })
        };
        let running = json!({"ready": true, "state": {"running": {}}});
        let failed = json!({"state": {"terminated": {"exitCode": 3, "reason": "Error"}}});
        let completed = json!({"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}});
        let init_done = json!([{"name": "i", "state": {"terminated": {"exitCode": 0}}}]);
        for (status, expected) in [
            (json!({"phase": "Pending"}), "0/2 Pending 0 60s"),
            (
                json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "state": {"running": {}}}]}),
                "0/2 Init:0/1 0 60s",
            ),
            (
                json!({"phase": "Running", "initContainerStatuses": init_done, "containerStatuses": [running, failed]}),
                "1/2 Error 0 60s",
            ),
            (
                json!({"phase": "Running", "containerStatuses": [running, completed], "conditions": [{"type": "Ready", "status": "True"}]}),
                "1/2 Running 0 60s",
            ),
            (json!({"phase": "Succeeded", "containerStatuses": [completed, completed]}), "0/2 Completed 0 60s"),
            (
                json!({"phase": "Running", "containerStatuses": [{
                    "restartCount": 2,
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"finishedAt": "2026-01-01T00:00:50Z"}},
                }]}),
                "0/2 CrashLoopBackOff 2 (10s ago) 60s",
            ),
            (json!({"phase": "Failed", "reason": "Evicted"}), "0/2 Evicted 0 60s"),
        ] {
            assert_eq!(shown(&pod(status.clone())), expected, "{status}");
        }
        assert_eq!(shown(&json!({"status": 7, "spec": []})), "0/0  0 <unknown>");
    }
}
