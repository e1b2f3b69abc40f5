//! ReplicaSets: as many pods as asked for.

use std::sync::Arc;

use serde_json::{Value, json};

use super::common::{
    MOST, count_available, is_active, is_ready, pods_of, replicas, set_count, template, template_hash,
    wake_for_itself_and_pods, write_status,
};
use crate::sim::controllers::json::{int, set, text};
use crate::sim::controllers::owners::Owners;
use crate::sim::controllers::{Change, Context, Controller, ControllerName, Key, Wake};
use crate::sim::resource::{PODS, REPLICA_SETS};
use crate::sim::status::Status;
use crate::sim::store::{Propagation, Stored};

/// See the module.
#[derive(Debug, Default)]
pub(in crate::sim::controllers) struct ReplicaSetController;

impl Controller for ReplicaSetController {
    fn name(&self) -> ControllerName {
        ControllerName::ReplicaSet
    }

    fn manager(&self) -> &'static str {
        "replicaset-controller"
    }

    fn observe(&mut self, change: &Change, owners: &Owners, wake: &mut Wake<'_>) {
        wake_for_itself_and_pods(change, owners, &REPLICA_SETS, wake);
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Status> {
        let Some(stored) = context.store.get(&REPLICA_SETS, &key.namespace, &key.name) else { return Ok(()) };
        let set_of = stored.value();
        let mut pods: Vec<Arc<Stored>> = pods_of(context, &stored);
        let ended = |pod: &Stored| matches!(text(&pod.value(), "/status/phase"), "Succeeded" | "Failed");
        let terminating = pods.iter().filter(|pod| pod.is_deleting() && !ended(pod)).count();
        pods.retain(|pod| is_active(pod));
        // What is made or deleted here shows in the status of the next look, as in Kubernetes.
        let mut counted = status(context, key, &set_of, &pods);
        set(&mut counted, "/terminatingReplicas", terminating.into());
        if !stored.is_deleting() {
            scale(context, &set_of, pods)?;
        }
        write_status(context, &REPLICA_SETS, &stored, &counted)
    }
}

fn scale(context: &mut Context<'_>, set_of: &Value, mut pods: Vec<Arc<Stored>>) -> Result<(), Status> {
    let have = i64::try_from(pods.len()).unwrap_or(i64::MAX);
    let wanted = replicas(set_of);
    for _ in 0..(wanted - have).clamp(0, MOST) {
        let prefix = format!("{}-", text(set_of, "/metadata/name"));
        match context.create(&PODS, Context::from_template(set_of, &template(set_of), &prefix)) {
            Ok(pod) => context.tell(set_of, "SuccessfulCreate", &format!("Created pod: {}", pod.name())),
            Err(error) => {
                context.warn(set_of, "FailedCreate", &format!("Error creating: {error}"));
                return if error.code == 403 { Ok(()) } else { Err(error) };
            }
        }
    }
    if have > wanted {
        // Those without a node first, then those that have got least far, the youngest first.
        pods.sort_by_key(|pod| {
            let value = pod.value();
            let bound = !text(&value, "/spec/nodeName").is_empty();
            let running = text(&value, "/status/phase") == "Running";
            (bound, running, is_ready(pod), std::cmp::Reverse(pod.revision()))
        });
        let surplus = usize::try_from((have - wanted).min(MOST)).unwrap_or(0);
        for pod in pods.iter().take(surplus) {
            context.delete(&PODS, pod, Propagation::Background)?;
            context.tell(set_of, "SuccessfulDelete", &format!("Deleted pod: {}", pod.name()));
        }
    }
    Ok(())
}

fn status(context: &mut Context<'_>, key: &Key, set_of: &Value, pods: &[Arc<Stored>]) -> Value {
    let ready_for_long = count_available(context, key, set_of, pods);
    let labels = set_of.pointer("/spec/template/metadata/labels").and_then(Value::as_object);
    let labelled =
        |pod: &&Arc<Stored>| labels.into_iter().flatten().all(|(key, value)| pod.label(key) == value.as_str());
    let mut status = json!({"replicas": pods.len()});
    set_count(&mut status, "/fullyLabeledReplicas", pods.iter().filter(labelled).count());
    set_count(&mut status, "/readyReplicas", pods.iter().filter(|pod| is_ready(pod)).count());
    set_count(&mut status, "/availableReplicas", ready_for_long);
    set(&mut status, "/observedGeneration", int(set_of, "/metadata/generation").unwrap_or(1).into());
    status
}

/// A new `ReplicaSet` of a Deployment, without replicas.
pub(super) fn for_deployment(deployment: &Value, revision: i64) -> Value {
    let template = template(deployment);
    let hash = template_hash(&template, int(deployment, "/status/collisionCount").unwrap_or(0));
    let mut new = json!({
        "metadata": {
            "name": format!("{}-{hash}", text(deployment, "/metadata/name")),
            "namespace": text(deployment, "/metadata/namespace"),
            "ownerReferences": [crate::sim::controllers::owner_reference(deployment)],
            "labels": template.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({})),
        },
        "spec": {
            "replicas": 0,
            "selector": deployment.pointer("/spec/selector").cloned().unwrap_or_else(|| json!({})),
            "template": template,
        },
    });
    if let Some(least) = deployment.pointer("/spec/minReadySeconds") {
        set(&mut new, "/spec/minReadySeconds", least.clone());
    }
    for pointer in ["/metadata/labels", "/spec/selector/matchLabels", "/spec/template/metadata/labels"] {
        set(&mut new, &format!("{pointer}/pod-template-hash"), hash.as_str().into());
    }
    let annotations = deployment.pointer("/metadata/annotations").and_then(Value::as_object);
    for (key, value) in annotations.into_iter().flatten() {
        let own = key.starts_with("deployment.kubernetes.io/") || key.starts_with("kubectl.kubernetes.io/last-applied");
        if !own {
            let key = key.replace('~', "~0").replace('/', "~1");
            set(&mut new, &format!("/metadata/annotations/{key}"), value.clone());
        }
    }
    let revision = revision.to_string();
    set(&mut new, "/metadata/annotations/deployment.kubernetes.io~1revision", revision.into());
    new
}

/// Whether a `ReplicaSet` has the template of a Deployment.
pub(super) fn has_template(set_of: &Value, deployment: &Value) -> bool {
    let mut own = template(set_of);
    set(&mut own, "/metadata/labels/pod-template-hash", Value::Null);
    let mut wanted = template(deployment);
    set(&mut wanted, "/metadata/labels/pod-template-hash", Value::Null);
    own == wanted
}
