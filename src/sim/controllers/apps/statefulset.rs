//! StatefulSets: pods with numbers, one after the other.

use std::sync::Arc;

use serde_json::{Value, json};

use super::common::{
    REVISION, count_available, is_ready, pods_of, replicas, set_count, template, template_hash,
    wake_for_itself_and_pods, write_status,
};
use crate::sim::controllers::json::{int, list, set, text};
use crate::sim::controllers::owners::Owners;
use crate::sim::controllers::{Change, Context, Controller, ControllerName, Key, Wake};
use crate::sim::resource::{PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS};
use crate::sim::status::Status;
use crate::sim::store::{Propagation, Stored};

/// See the module.
#[derive(Debug, Default)]
pub(in crate::sim::controllers) struct StatefulSetController;

impl Controller for StatefulSetController {
    fn name(&self) -> ControllerName {
        ControllerName::StatefulSet
    }

    fn manager(&self) -> &'static str {
        "statefulset-controller"
    }

    fn observe(&mut self, change: &Change, owners: &Owners, wake: &mut Wake<'_>) {
        wake_for_itself_and_pods(change, owners, &STATEFUL_SETS, wake);
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Status> {
        let Some(stored) = context.store.get(&STATEFUL_SETS, &key.namespace, &key.name) else { return Ok(()) };
        let owner = stored.value();
        let mut pods: Vec<(i64, Arc<Stored>)> =
            pods_of(context, &stored).into_iter().filter_map(|pod| Some((ordinal(&pod)?, pod))).collect();
        pods.sort_by_key(|(ordinal, _)| *ordinal);
        let revision = format!("{}-{}", key.name, template_hash(&template(&owner), 0));
        if !stored.is_deleting() {
            keep(context, &owner, &revision, &pods)?;
        }
        let status = status(context, key, &owner, &revision, &pods);
        write_status(context, &STATEFUL_SETS, &stored, &status)
    }
}

fn ordinal(pod: &Stored) -> Option<i64> {
    pod.name().rsplit_once('-')?.1.parse().ok()
}

/// One step: the first thing that is missing, else the last that is too much, else the last that is out of date.
fn keep(context: &mut Context<'_>, owner: &Value, revision: &str, pods: &[(i64, Arc<Stored>)]) -> Result<(), Status> {
    let parallel = text(owner, "/spec/podManagementPolicy") == "Parallel";
    let first = int(owner, "/spec/ordinals/start").unwrap_or(0);
    let end = first + replicas(owner);
    for number in first..end {
        let found = pods.iter().find(|(ordinal, _)| *ordinal == number).map(|(_, pod)| pod);
        match found {
            None => make(context, owner, revision, number)?,
            Some(pod) if matches!(text(&pod.value(), "/status/phase"), "Succeeded" | "Failed") => {
                // It is made again under its name when it is gone.
                context.delete(&PODS, pod, Propagation::Background)?;
            }
            Some(pod) if is_ready(pod) && !pod.is_deleting() => continue,
            Some(_) => {}
        }
        if !parallel {
            return Ok(());
        }
    }
    for (_, pod) in pods.iter().rev().filter(|(ordinal, _)| *ordinal >= end || *ordinal < first) {
        if !pod.is_deleting() {
            context.delete(&PODS, pod, Propagation::Background)?;
            let (name, set_of) = (pod.name(), text(owner, "/metadata/name"));
            context.tell(owner, "SuccessfulDelete", &format!("Delete Pod {name} in StatefulSet {set_of} successful"));
        }
        if !parallel {
            return Ok(());
        }
    }
    if text(owner, "/spec/updateStrategy/type") == "OnDelete" {
        return Ok(());
    }
    let from = int(owner, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
    for (_, pod) in pods.iter().rev().filter(|(ordinal, _)| *ordinal >= from && *ordinal < end) {
        if pod.label(REVISION) != Some(revision) && !pod.is_deleting() {
            return context.delete(&PODS, pod, Propagation::Background);
        }
        // The next one waits until this one is ready again.
        if !is_ready(pod) || pod.is_deleting() {
            return Ok(());
        }
    }
    Ok(())
}

fn make(context: &mut Context<'_>, owner: &Value, revision: &str, number: i64) -> Result<(), Status> {
    let set_of = text(owner, "/metadata/name");
    let name = format!("{set_of}-{number}");
    let mut pod = Context::from_template(owner, &template(owner), &format!("{set_of}-"));
    set(&mut pod, "/metadata/name", name.as_str().into());
    for (label, value) in [
        (REVISION, revision.to_owned()),
        ("statefulset.kubernetes.io~1pod-name", name.clone()),
        ("apps.kubernetes.io~1pod-index", number.to_string()),
    ] {
        set(&mut pod, &format!("/metadata/labels/{label}"), value.into());
    }
    set(&mut pod, "/spec/hostname", name.as_str().into());
    set(&mut pod, "/spec/subdomain", text(owner, "/spec/serviceName").into());
    for claim in list(owner, "/spec/volumeClaimTemplates") {
        let volume = text(claim, "/metadata/name");
        let claim_name = format!("{volume}-{name}");
        let mut volumes = list(&pod, "/spec/volumes").to_vec();
        volumes.retain(|other| text(other, "/name") != volume);
        volumes.push(json!({"name": volume, "persistentVolumeClaim": {"claimName": claim_name}}));
        set(&mut pod, "/spec/volumes", volumes.into());
        let namespace = text(owner, "/metadata/namespace");
        if context.store.get(&PERSISTENT_VOLUME_CLAIMS, namespace, &claim_name).is_none() {
            let mut claim = claim.clone();
            set(&mut claim, "/metadata/name", claim_name.as_str().into());
            set(&mut claim, "/metadata/namespace", namespace.into());
            context.create(&PERSISTENT_VOLUME_CLAIMS, claim)?;
            let message = format!("Create Claim {claim_name} Pod {name} in StatefulSet {set_of} success");
            context.tell(owner, "SuccessfulCreate", &message);
        }
    }
    match context.create(&PODS, pod) {
        Ok(_) => {
            let message = format!("Create Pod {name} in StatefulSet {set_of} successful");
            context.tell(owner, "SuccessfulCreate", &message);
        }
        Err(error) if error.code == 403 => {
            let message = format!("Create Pod {name} in StatefulSet {set_of} failed error: {error}");
            context.warn(owner, "FailedCreate", &message);
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

fn status(context: &mut Context<'_>, key: &Key, owner: &Value, revision: &str, pods: &[(i64, Arc<Stored>)]) -> Value {
    let here: Vec<&Arc<Stored>> = pods.iter().map(|(_, pod)| pod).collect();
    let updated = here.iter().filter(|pod| pod.label(REVISION) == Some(revision) && !pod.is_deleting()).count();
    let long_ready = count_available(context, key, owner, here.iter().copied());
    let wanted = usize::try_from(replicas(owner)).unwrap_or(0);
    let ready = here.iter().filter(|pod| is_ready(pod)).count();
    // The current revision moves on when every pod has been updated and is ready.
    let current = match text(owner, "/status/currentRevision") {
        "" => revision,
        current if updated == wanted && ready == wanted && current != revision => revision,
        current => current,
    };
    let on_current = here.iter().filter(|pod| pod.label(REVISION) == Some(current)).count();
    let mut status = json!({
        "observedGeneration": int(owner, "/metadata/generation").unwrap_or(1),
        "replicas": here.len(),
        "availableReplicas": long_ready,
        "currentRevision": current,
        "updateRevision": revision,
        "collisionCount": 0,
    });
    set_count(&mut status, "/readyReplicas", ready);
    set_count(&mut status, "/currentReplicas", on_current);
    set_count(&mut status, "/updatedReplicas", updated);
    status
}
