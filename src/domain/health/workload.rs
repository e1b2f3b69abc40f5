//! Deployment, StatefulSet, DaemonSet and ReplicaSet.

use super::conditions::conditions;
use super::fields::Fields;
use super::types::{Health, HealthError};
use crate::domain::manifest::Object;

/// A Deployment is healthy when its controller has seen the latest spec and all replicas are new and available.
pub(super) fn deployment(object: &Object) -> Result<Health, HealthError> {
    let fields = Fields::of(object);
    if fields.boolean(&["spec", "paused"])? {
        return Ok(Health::suspended("Deployment is paused"));
    }
    if generation(&fields)? > observed_generation(&fields)? {
        return Ok(Health::progressing(
            "Waiting for rollout to finish: observed deployment generation less than desired generation",
        ));
    }
    let wanted = fields.optional_integer(&["spec", "replicas"])?;
    let all = fields.integer(&["status", "replicas"])?;
    let updated = fields.integer(&["status", "updatedReplicas"])?;
    let available = fields.integer(&["status", "availableReplicas"])?;
    let progressing = conditions(&fields)?.into_iter().find(|condition| condition.kind == "Progressing");
    if progressing.is_some_and(|condition| condition.reason == "ProgressDeadlineExceeded") {
        let name = object.name();
        return Ok(Health::degraded(format!("Deployment {name:?} exceeded its progress deadline")));
    }
    let rest = match wanted {
        Some(wanted) if updated < wanted => format!("{updated} out of {wanted} new replicas have been updated..."),
        _ if all > updated => {
            format!("{} old replicas are pending termination...", all.saturating_sub(updated))
        }
        _ if available < updated => format!("{available} of {updated} updated replicas are available..."),
        _ => return Ok(Health::healthy("")),
    };
    Ok(Health::progressing(format!("Waiting for rollout to finish: {rest}")))
}

/// A StatefulSet is healthy when its replicas are ready and, depending on its strategy, at the new revision.
pub(super) fn stateful_set(object: &Object) -> Result<Health, HealthError> {
    let fields = Fields::of(object);
    let observed = observed_generation(&fields)?;
    if observed == 0 || generation(&fields)? > observed {
        return Ok(Health::progressing("Waiting for statefulset spec update to be observed..."));
    }
    let wanted = fields.optional_integer(&["spec", "replicas"])?;
    let ready = fields.integer(&["status", "readyReplicas"])?;
    let updated = fields.integer(&["status", "updatedReplicas"])?;
    if let Some(wanted) = wanted.filter(|wanted| ready < *wanted) {
        return Ok(Health::progressing(format!("Waiting for {} pods to be ready...", wanted.saturating_sub(ready))));
    }
    let strategy = fields.text(&["spec", "updateStrategy", "type"])?;
    let rolling = ["spec", "updateStrategy", "rollingUpdate"];
    if strategy == "RollingUpdate" && fields.has_object(&rolling)? {
        let partition = fields.optional_integer(&["spec", "updateStrategy", "rollingUpdate", "partition"])?;
        if let (Some(wanted), Some(partition)) = (wanted, partition) {
            let new = wanted.saturating_sub(partition);
            if updated < new {
                return Ok(Health::progressing(format!(
                    "Waiting for partitioned roll out to finish: {updated} out of {new} new pods have been updated..."
                )));
            }
        }
        return Ok(Health::healthy(format!("partitioned roll out complete: {updated} new pods have been updated...")));
    }
    if strategy == "OnDelete" {
        return Ok(Health::healthy(format!("statefulset has {ready} ready pods")));
    }
    let update = fields.text(&["status", "updateRevision"])?;
    let current = fields.text(&["status", "currentRevision"])?;
    if update != current {
        return Ok(Health::progressing(format!(
            "waiting for statefulset rolling update to complete {updated} pods at revision {update}..."
        )));
    }
    let pods = fields.integer(&["status", "currentReplicas"])?;
    Ok(Health::healthy(format!("statefulset rolling update complete {pods} pods at revision {current}...")))
}

/// A DaemonSet is healthy when the pods of all its nodes are new and available.
pub(super) fn daemon_set(object: &Object) -> Result<Health, HealthError> {
    let fields = Fields::of(object);
    if generation(&fields)? > observed_generation(&fields)? {
        return Ok(Health::progressing(
            "Waiting for rollout to finish: observed daemon set generation less than desired generation",
        ));
    }
    let wanted = fields.integer(&["status", "desiredNumberScheduled"])?;
    let updated = fields.integer(&["status", "updatedNumberScheduled"])?;
    let available = fields.integer(&["status", "numberAvailable"])?;
    if fields.text(&["spec", "updateStrategy", "type"])? == "OnDelete" {
        return Ok(Health::healthy(format!("daemon set {updated} out of {wanted} new pods have been updated")));
    }
    let rest = if updated < wanted {
        format!("{updated} out of {wanted} new pods have been updated...")
    } else if available < wanted {
        format!("{available} of {wanted} updated pods are available...")
    } else {
        return Ok(Health::healthy(""));
    };
    let name = object.name();
    Ok(Health::progressing(format!("Waiting for daemon set {name:?} rollout to finish: {rest}")))
}

/// A ReplicaSet is healthy when its replicas are available.
pub(super) fn replica_set(object: &Object) -> Result<Health, HealthError> {
    let fields = Fields::of(object);
    if generation(&fields)? > observed_generation(&fields)? {
        return Ok(Health::progressing(
            "Waiting for rollout to finish: observed replica set generation less than desired generation",
        ));
    }
    let failure = conditions(&fields)?.into_iter().find(|condition| condition.kind == "ReplicaFailure");
    if let Some(failure) = failure.filter(super::conditions::Condition::is_true) {
        return Ok(Health::degraded(failure.message));
    }
    let available = fields.integer(&["status", "availableReplicas"])?;
    Ok(match fields.optional_integer(&["spec", "replicas"])? {
        Some(wanted) if available < wanted => Health::progressing(format!(
            "Waiting for rollout to finish: {available} out of {wanted} new replicas are available..."
        )),
        _ => Health::healthy(""),
    })
}

fn generation(fields: &Fields<'_>) -> Result<i64, HealthError> {
    fields.integer(&["metadata", "generation"])
}

fn observed_generation(fields: &Fields<'_>) -> Result<i64, HealthError> {
    fields.integer(&["status", "observedGeneration"])
}
