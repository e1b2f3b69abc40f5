//! DaemonSets: one pod on every node.

use std::sync::Arc;

use serde_json::{Value, json};

use super::common::{
    REVISION, count_available, int_or_percent, is_active, is_ready, pods_of, set_count, template, template_hash,
    wake_for_itself_and_pods, write_status,
};
use crate::sim::controllers::json::{int, list, selects, set, text, truth};
use crate::sim::controllers::owners::Owners;
use crate::sim::controllers::{Change, Context, Controller, ControllerName, Key, Wake};
use crate::sim::resource::{DAEMON_SETS, NODES, PODS};
use crate::sim::status::Status;
use crate::sim::store::{Propagation, Stored};

/// See the module.
#[derive(Debug, Default)]
pub(in crate::sim::controllers) struct DaemonSetController;

impl Controller for DaemonSetController {
    fn name(&self) -> ControllerName {
        ControllerName::DaemonSet
    }

    fn manager(&self) -> &'static str {
        "daemonset-controller"
    }

    fn observe(&mut self, change: &Change, owners: &Owners, wake: &mut Wake<'_>) {
        wake_for_itself_and_pods(change, owners, &DAEMON_SETS, wake);
        if change.id == NODES && change.previous.is_none() {
            wake.resource("nodes", "", change.object.name(), std::time::Duration::ZERO);
        }
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Status> {
        if key.resource == "nodes" {
            for set_of in context.store.list(&DAEMON_SETS, None).0 {
                let (namespace, name) = (set_of.namespace().to_owned(), set_of.name().to_owned());
                let key = Key { resource: String::new(), namespace, name, ..key.clone() };
                context.again(&key, std::time::Duration::ZERO);
            }
            return Ok(());
        }
        let Some(stored) = context.store.get(&DAEMON_SETS, &key.namespace, &key.name) else { return Ok(()) };
        let owner = stored.value();
        let selector = owner.pointer("/spec/template/spec/nodeSelector").cloned().unwrap_or_default();
        let nodes: Vec<Arc<Stored>> = context
            .store
            .list(&NODES, None)
            .0
            .into_iter()
            .filter(|node| {
                selects(&json!({"matchLabels": selector}), node.labels())
                    && !truth(&node.value(), "/spec/unschedulable")
            })
            .collect();
        let pods = pods_of(context, &stored);
        let hash = template_hash(&template(&owner), 0);
        if !stored.is_deleting() {
            keep(context, &owner, &hash, &nodes, &pods)?;
        }
        let status = status(context, key, &owner, &hash, &nodes, &pods);
        write_status(context, &DAEMON_SETS, &stored, &status)
    }
}

/// The node a pod is for: the one it has, or the one it asks for.
fn node_of(pod: &Value) -> &str {
    match text(pod, "/spec/nodeName") {
        "" => {
            let pointer = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution\
                           /nodeSelectorTerms/0/matchFields/0/values/0";
            text(pod, pointer)
        }
        node => node,
    }
}

fn keep(
    context: &mut Context<'_>,
    owner: &Value,
    hash: &str,
    nodes: &[Arc<Stored>],
    pods: &[Arc<Stored>],
) -> Result<(), Status> {
    let on = |node: &str| -> Vec<&Arc<Stored>> { pods.iter().filter(|pod| node_of(&pod.value()) == node).collect() };
    for node in nodes {
        let here = on(node.name());
        for pod in here.iter().filter(|pod| !is_active(pod) && !pod.is_deleting()) {
            context.delete(&PODS, pod, Propagation::Background)?;
        }
        if here.is_empty() {
            make(context, owner, hash, node.name())?;
        }
    }
    for pod in pods.iter().filter(|pod| !pod.is_deleting()) {
        if !nodes.iter().any(|node| node.name() == node_of(&pod.value())) {
            context.delete(&PODS, pod, Propagation::Background)?;
        }
    }
    if text(owner, "/spec/updateStrategy/type") == "OnDelete" {
        return Ok(());
    }
    let value = owner.pointer("/spec/updateStrategy/rollingUpdate/maxUnavailable");
    let total = i64::try_from(nodes.len()).unwrap_or(i64::MAX);
    let most = int_or_percent(value, total, "1", true).max(1);
    let away = pods.iter().filter(|pod| !is_ready(pod) || pod.is_deleting()).count();
    let mut may_go = most - i64::try_from(away).unwrap_or(i64::MAX);
    for pod in pods.iter().filter(|pod| pod.label(REVISION) != Some(hash) && !pod.is_deleting()) {
        if !is_ready(pod) || may_go > 0 {
            may_go -= i64::from(is_ready(pod));
            context.delete(&PODS, pod, Propagation::Background)?;
            context.tell(owner, "SuccessfulDelete", &format!("Deleted pod: {}", pod.name()));
        }
    }
    Ok(())
}

fn make(context: &mut Context<'_>, owner: &Value, hash: &str, node: &str) -> Result<(), Status> {
    let mut pod = Context::from_template(owner, &template(owner), &format!("{}-", text(owner, "/metadata/name")));
    set(&mut pod, &format!("/metadata/labels/{REVISION}"), hash.into());
    let generation = int(owner, "/metadata/generation").unwrap_or(1).to_string();
    set(&mut pod, "/metadata/labels/pod-template-generation", generation.into());
    let field = json!({"key": "metadata.name", "operator": "In", "values": [node]});
    set(
        &mut pod,
        "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution",
        json!({"nodeSelectorTerms": [{"matchFields": [field]}]}),
    );
    let mut tolerations = list(&pod, "/spec/tolerations").to_vec();
    for (key, effect) in [
        ("node.kubernetes.io/not-ready", "NoExecute"),
        ("node.kubernetes.io/unreachable", "NoExecute"),
        ("node.kubernetes.io/disk-pressure", "NoSchedule"),
        ("node.kubernetes.io/memory-pressure", "NoSchedule"),
        ("node.kubernetes.io/pid-pressure", "NoSchedule"),
        ("node.kubernetes.io/unschedulable", "NoSchedule"),
    ] {
        tolerations.push(json!({"key": key, "operator": "Exists", "effect": effect}));
    }
    set(&mut pod, "/spec/tolerations", tolerations.into());
    match context.create(&PODS, pod) {
        Ok(pod) => context.tell(owner, "SuccessfulCreate", &format!("Created pod: {}", pod.name())),
        Err(error) if error.code == 403 => context.warn(owner, "FailedCreate", &format!("Error creating: {error}")),
        Err(error) => return Err(error),
    }
    Ok(())
}

fn status(
    context: &mut Context<'_>,
    key: &Key,
    owner: &Value,
    hash: &str,
    nodes: &[Arc<Stored>],
    pods: &[Arc<Stored>],
) -> Value {
    let here: Vec<&Arc<Stored>> = nodes
        .iter()
        .filter_map(|node| pods.iter().find(|pod| node_of(&pod.value()) == node.name() && !pod.is_deleting()))
        .collect();
    let long_ready = count_available(context, key, owner, here.iter().copied());
    let mut status = json!({
        "currentNumberScheduled": here.len(),
        "numberMisscheduled": 0,
        "desiredNumberScheduled": nodes.len(),
        "numberReady": here.iter().filter(|pod| is_ready(pod)).count(),
        "observedGeneration": int(owner, "/metadata/generation").unwrap_or(1),
    });
    let updated = here.iter().filter(|pod| pod.label(REVISION) == Some(hash)).count();
    set_count(&mut status, "/updatedNumberScheduled", updated);
    set_count(&mut status, "/numberAvailable", long_ready);
    set_count(&mut status, "/numberUnavailable", nodes.len().saturating_sub(long_ready));
    status
}
