//! The scheduler: binds pods to nodes.

use std::time::Duration;

use serde_json::{Value, json};

use super::json::{condition, list, seconds, selects, set, text};
use super::names::ControllerName;
use super::owners::Owners;
use super::{Change, Context, Controller, Key, Note, Wake};
use crate::domain::scenario::Wait;
use crate::sim::resource::{NODES, PODS};
use crate::sim::status::Status;
use crate::sim::store::{EventKind, Part, Stored};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Scheduler;

impl Controller for Scheduler {
    fn name(&self) -> ControllerName {
        ControllerName::Scheduler
    }

    fn manager(&self) -> &'static str {
        "kube-scheduler"
    }

    fn observe(&mut self, change: &Change, _owners: &Owners, wake: &mut Wake<'_>) {
        let pod = &change.object;
        if change.id == PODS && change.kind == EventKind::Added {
            wake.now(pod.namespace(), pod.name());
        } else if change.id == NODES && change.kind != EventKind::Deleted {
            // Every pod that still waits may fit now.
            wake.resource("nodes", "", pod.name(), Duration::ZERO);
        }
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Status> {
        if key.resource == "nodes" {
            for pod in context.store.list(&PODS, None).0 {
                if text(&pod.value(), "/spec/nodeName").is_empty() {
                    let key = Key {
                        resource: String::new(),
                        namespace: pod.namespace().to_owned(),
                        name: pod.name().to_owned(),
                        ..key.clone()
                    };
                    context.again(&key, Duration::ZERO);
                }
            }
            return Ok(());
        }
        let Some(stored) = context.store.get(&PODS, &key.namespace, &key.name) else { return Ok(()) };
        let pod = stored.value();
        if stored.is_deleting()
            || !text(&pod, "/spec/nodeName").is_empty()
            || !list(&pod, "/spec/schedulingGates").is_empty()
        {
            return Ok(());
        }
        match choose(context, &pod) {
            Ok(node) => bind(context, &stored, &node),
            Err(wait) => refuse(context, key, &stored, &wait),
        }
    }
}

/// The node for a pod, or why there is none and for how long.
fn choose(context: &mut Context<'_>, pod: &Value) -> Result<String, Wait> {
    let scripts = context.scripts.of(context.store, context.owners, pod);
    if let Some(wait) = scripts.into_iter().find_map(|part| part.script.unschedulable) {
        let age =
            super::json::time(pod, "/metadata/creationTimestamp").map(|created| context.now.duration_since(created));
        let over = wait.lasts.is_some_and(|lasts| {
            age.is_some_and(|age| !age.is_negative() && age.unsigned_abs() >= context.scaled_signed(lasts))
        });
        if !over {
            return Err(wait);
        }
    }
    let (nodes, _) = context.store.list(&NODES, None);
    let fit: Vec<_> = nodes.iter().filter(|node| fits(pod, node)).collect();
    if fit.is_empty() {
        let reason = if nodes.is_empty() {
            "no nodes available to schedule pods".to_owned()
        } else {
            let all = nodes.len();
            format!(
                "0/{all} nodes are available: {all} node(s) didn't match Pod's node affinity/selector. \
                 preemption: 0/{all} nodes are available: {all} Preemption is not helpful for scheduling."
            )
        };
        return Err(Wait { reason: "Unschedulable".to_owned(), message: reason, lasts: None });
    }
    let index = context.random.below(fit.len() as u64);
    let node = usize::try_from(index).ok().and_then(|index| fit.get(index));
    Ok(node.map(|node| node.name().to_owned()).unwrap_or_default())
}

fn fits(pod: &Value, node: &Stored) -> bool {
    let selector = pod.pointer("/spec/nodeSelector").cloned().unwrap_or(Value::Null);
    let unschedulable = super::json::truth(&node.value(), "/spec/unschedulable");
    let terms = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    let terms = list(pod, terms);
    let affine = |term: &Value| {
        selects(&json!({"matchExpressions": list(term, "/matchExpressions")}), node.labels())
            && list(term, "/matchFields").iter().all(|field| {
                text(field, "/key") != "metadata.name"
                    || list(field, "/values").iter().any(|name| name.as_str() == Some(node.name()))
            })
    };
    !unschedulable
        && selects(&json!({"matchLabels": selector}), node.labels())
        && (terms.is_empty() || terms.iter().any(affine))
}

fn bind(context: &mut Context<'_>, pod: &Stored, node: &str) -> Result<(), Status> {
    let now = seconds(context.now);
    context.change(&PODS, pod, Part::Everything, |pod| {
        set(pod, "/spec/nodeName", node.into());
        let mut conditions = list(pod, "/status/conditions").to_vec();
        conditions.retain(|condition| text(condition, "/type") != "PodScheduled");
        conditions.push(json!({
            "type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now,
        }));
        set(pod, "/status/conditions", conditions.into());
        if text(pod, "/status/phase").is_empty() {
            set(pod, "/status/phase", "Pending".into());
        }
    })?;
    let message = format!("Successfully assigned {}/{} to {node}", pod.namespace(), pod.name());
    tell(context, pod, false, "Scheduled", &message);
    Ok(())
}

fn refuse(context: &mut Context<'_>, key: &Key, pod: &Stored, wait: &Wait) -> Result<(), Status> {
    let value = pod.value();
    if let Some(lasts) = wait.lasts
        && let Some(created) = super::json::time(&value, "/metadata/creationTimestamp")
    {
        let over = jiff::SignedDuration::try_from(context.scaled_signed(lasts)).unwrap_or(jiff::SignedDuration::MAX);
        if let Ok(at) = created.checked_add(over) {
            context.again_at(key, at);
        }
    }
    let said = condition(&value, "PodScheduled").map(|condition| text(condition, "/message"));
    if said == Some(wait.message.as_str()) {
        return Ok(());
    }
    let now = seconds(context.now);
    context.change(&PODS, pod, Part::Status, |pod| {
        let mut conditions = list(pod, "/status/conditions").to_vec();
        conditions.retain(|condition| text(condition, "/type") != "PodScheduled");
        conditions.push(json!({
            "type": "PodScheduled", "status": "False", "lastProbeTime": null, "lastTransitionTime": now,
            "reason": wait.reason, "message": wait.message,
        }));
        set(pod, "/status/conditions", conditions.into());
        if text(pod, "/status/phase").is_empty() {
            set(pod, "/status/phase", "Pending".into());
        }
    })?;
    tell(context, pod, true, "FailedScheduling", &wait.message);
    Ok(())
}

fn tell(context: &mut Context<'_>, pod: &Stored, warning: bool, reason: &str, message: &str) {
    let note = Note { component: "default-scheduler", host: "", warning, reason, message, field_path: "" };
    context.recorder.tell_scheduled(context.store, context.now, &pod.value(), note);
}
