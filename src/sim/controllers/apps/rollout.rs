//! How far a Deployment is: its status and conditions.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::common::{replicas, set_count};
use crate::sim::controllers::Context;
use crate::sim::controllers::json::{condition, int, list, seconds, set, text, time};
use crate::sim::store::Stored;

/// The `ReplicaSets` of a Deployment.
#[derive(Debug, Clone, Default)]
pub(super) struct Family {
    /// The one with its template.
    pub(super) new: Option<Arc<Stored>>,
    /// The others, the oldest first.
    pub(super) old: Vec<Arc<Stored>>,
}

impl Family {
    /// Replicas that the old sets should have.
    pub(super) fn old_replicas(&self) -> i64 {
        self.old.iter().map(|set_of| replicas(&set_of.value())).sum()
    }

    fn sum(&self, field: &str) -> i64 {
        let count = |set_of: &Arc<Stored>| int(&set_of.value(), field).unwrap_or(0);
        self.old.iter().chain(&self.new).map(count).sum()
    }
}

/// The status, and when it has to be looked at again for the progress deadline.
pub(super) fn status(context: &Context<'_>, deployment: &Value, family: &Family) -> (Value, Option<Timestamp>) {
    let new = family.new.as_ref().map(|new| new.value());
    let available = family.sum("/status/availableReplicas");
    let total = family.sum("/status/replicas");
    let updated = new.as_ref().and_then(|new| int(new, "/status/replicas")).unwrap_or(0);
    let wanted = replicas(deployment);
    let mut status = json!({"observedGeneration": int(deployment, "/metadata/generation").unwrap_or(1)});
    let count = |count: i64| usize::try_from(count).unwrap_or(0);
    set_count(&mut status, "/replicas", count(total));
    set_count(&mut status, "/updatedReplicas", count(updated));
    set_count(&mut status, "/readyReplicas", count(family.sum("/status/readyReplicas")));
    set_count(&mut status, "/availableReplicas", count(available));
    set_count(&mut status, "/unavailableReplicas", count(wanted.max(total) - available));
    set(&mut status, "/terminatingReplicas", family.sum("/status/terminatingReplicas").into());
    if let Some(collisions) = deployment.pointer("/status/collisionCount") {
        set(&mut status, "/collisionCount", collisions.clone());
    }
    let mut conditions = Conditions { all: list(deployment, "/status/conditions").to_vec(), now: context.now };
    let least = wanted - max_unavailable_of(deployment, wanted);
    if available >= least {
        conditions.put("Available", true, "MinimumReplicasAvailable", "Deployment has minimum availability.", false);
    } else {
        let message = "Deployment does not have minimum availability.";
        conditions.put("Available", false, "MinimumReplicasUnavailable", message, false);
    }
    let again = progress(context, deployment, new.as_deref(), &status, &mut conditions);
    set(&mut status, "/conditions", conditions.all.into());
    (status, again)
}

fn max_unavailable_of(deployment: &Value, wanted: i64) -> i64 {
    if text(deployment, "/spec/strategy/type") == "Recreate" {
        return 0;
    }
    let value = deployment.pointer("/spec/strategy/rollingUpdate/maxUnavailable");
    super::common::int_or_percent(value, wanted, "25%", false).min(wanted)
}

fn progress(
    context: &Context<'_>,
    deployment: &Value,
    new: Option<&Value>,
    status: &Value,
    conditions: &mut Conditions,
) -> Option<Timestamp> {
    let deadline = int(deployment, "/spec/progressDeadlineSeconds").unwrap_or(600);
    let new = new?;
    let name = text(new, "/metadata/name");
    let number = |object: &Value, field: &str| int(object, field).unwrap_or(0);
    let wanted = replicas(deployment);
    let complete = number(status, "/updatedReplicas") == wanted
        && number(status, "/replicas") == wanted
        && number(status, "/availableReplicas") == wanted;
    let before = condition(deployment, "Progressing");
    if complete {
        let message = format!("ReplicaSet \"{name}\" has successfully progressed.");
        conditions.put("Progressing", true, "NewReplicaSetAvailable", &message, false);
        return None;
    }
    let Some(before) = before else {
        let message = format!("Created new replica set \"{name}\"");
        conditions.put("Progressing", true, "NewReplicaSetCreated", &message, true);
        return Some(context.now);
    };
    let old = deployment.get("status").cloned().unwrap_or_default();
    let moved = number(status, "/updatedReplicas") > number(&old, "/updatedReplicas")
        || number(status, "/readyReplicas") > number(&old, "/readyReplicas")
        || number(status, "/availableReplicas") > number(&old, "/availableReplicas")
        || number(status, "/replicas") - number(status, "/updatedReplicas")
            < number(&old, "/replicas") - number(&old, "/updatedReplicas");
    let another = !text(before, "/message").contains(&format!("\"{name}\""));
    if another {
        let message = format!("Created new replica set \"{name}\"");
        conditions.put("Progressing", true, "NewReplicaSetCreated", &message, true);
    } else if moved {
        let message = format!("ReplicaSet \"{name}\" is progressing.");
        conditions.put("Progressing", true, "ReplicaSetUpdated", &message, true);
    }
    let last = list_time(&conditions.all)?;
    let limit = context.scaled(Duration::from_secs(u64::try_from(deadline).unwrap_or(0)));
    let over = last.checked_add(SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX)).ok()?;
    // A rollout that was complete, and is no longer because pods are missing, has no deadline.
    let was_complete = text(before, "/reason") == "NewReplicaSetAvailable" && !another && !moved;
    if was_complete {
        return None;
    }
    if over <= context.now {
        let message = format!("ReplicaSet \"{name}\" has timed out progressing.");
        conditions.put("Progressing", false, "ProgressDeadlineExceeded", &message, false);
        return None;
    }
    Some(over)
}

fn list_time(conditions: &[Value]) -> Option<Timestamp> {
    conditions
        .iter()
        .find(|condition| text(condition, "/type") == "Progressing")
        .and_then(|condition| time(condition, "/lastUpdateTime"))
}

struct Conditions {
    all: Vec<Value>,
    now: Timestamp,
}

impl Conditions {
    /// Sets a condition. The time of its update only moves with its reason, or where `touch` says so.
    fn put(&mut self, kind: &str, status: bool, reason: &str, message: &str, touch: bool) {
        let status = if status { "True" } else { "False" };
        let now = seconds(self.now);
        let before = self.all.iter().position(|condition| text(condition, "/type") == kind);
        let before = before.map(|at| self.all.remove(at));
        let same = |field: &str, value: &str| before.as_ref().is_some_and(|before| text(before, field) == value);
        if let Some(before) = &before
            && !touch
            && same("/status", status)
            && same("/reason", reason)
        {
            self.all.push(before.clone());
            return;
        }
        let since = match &before {
            Some(before) if same("/status", status) => text(before, "/lastTransitionTime").to_owned(),
            _ => now.clone(),
        };
        self.all.push(json!({
            "type": kind, "status": status, "lastUpdateTime": now, "lastTransitionTime": since,
            "reason": reason, "message": message,
        }));
    }
}
