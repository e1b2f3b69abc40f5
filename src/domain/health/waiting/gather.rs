//! The entrance: which kind is looked at how, and in what order the reasons stand.

use jiff::Timestamp;
use serde_json::Value;

use super::read::{for_how_long, list, text, time};
use super::reason::{Reason, ReasonKind};
use super::{events, job, pod, workflow, workload};
use crate::domain::health::{self, HealthStatus};
use crate::domain::manifest::Object;

/// Most reasons given for one object.
const MOST: usize = 20;

/// What is known about an object. Everything but the object may be missing: there are fewer reasons then, never wrong
/// ones.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// The object.
    pub object: &'a Object,
    /// Objects that belong to it: its pods, and those of a Deployment between it and its pods.
    pub children: &'a [&'a Object],
    /// Pods that belonged to it and are gone, as they were last seen.
    pub gone: &'a [&'a Object],
    /// Events (of the core group) about the object and its children; others are passed over.
    pub events: &'a [&'a Object],
    /// The time in the cluster.
    pub now: Timestamp,
}

impl<'a> Evidence<'a> {
    /// What is known if there is the object alone.
    pub const fn of(object: &'a Object, now: Timestamp) -> Self {
        Self { object, children: &[], gone: &[], events: &[], now }
    }
}

/// Why the object is not healthy, the most important reason first; empty if there is nothing to say.
pub fn reasons(evidence: &Evidence<'_>) -> Vec<Reason> {
    let object = evidence.object;
    let mut reasons = Vec::new();
    deletion(object, evidence.now, &mut reasons);
    match (evidence.object.group(), evidence.object.kind()) {
        ("batch", "Job") => job::job(object, evidence, &mut reasons),
        ("", "Pod") => pod::pod(object, evidence, &mut reasons),
        ("argoproj.io", "Workflow") => workflow::workflow(object, evidence, &mut reasons),
        ("apps", "Deployment") => workload::deployment(object, evidence, &mut reasons),
        ("apps", "ReplicaSet") => workload::replica_set(object, evidence, &mut reasons),
        ("apps", "StatefulSet") => workload::stateful_set(object, evidence, &mut reasons),
        ("apps", "DaemonSet") => workload::daemon_set(object, evidence, &mut reasons),
        ("", "PersistentVolumeClaim") => claim(object, evidence, &mut reasons),
        ("", "Service") if text(object, &["spec", "type"]) == "LoadBalancer" => {
            address(object, evidence, &mut reasons);
        }
        ("networking.k8s.io" | "extensions", "Ingress") => address(object, evidence, &mut reasons),
        _ => said(evidence, &mut reasons),
    }
    merge(reasons)
}

/// What holds a deletion.
pub(super) fn deletion(object: &Object, now: Timestamp, reasons: &mut Vec<Reason>) {
    let since = text(object, &["metadata", "deletionTimestamp"]);
    if since.is_empty() {
        return;
    }
    let finalizers: Vec<&str> =
        list(object, &["metadata", "finalizers"]).iter().filter_map(Value::as_str).take(MOST).collect();
    let long = for_how_long(since.parse().ok().filter(|since| *since <= now), now);
    let reason = if finalizers.is_empty() {
        Reason::new(ReasonKind::Deleting, format!("being deleted{long}"))
    } else {
        let word = if finalizers.len() == 1 { "finalizer" } else { "finalizers" };
        let names = finalizers.join(", ");
        Reason::new(ReasonKind::HeldByFinalizer, format!("being deleted{long}, held by {word} {names}"))
            .with("finalizers", names)
    };
    reasons.push(reason.with("object", object.name()).with("deleted at", since));
}

/// A claim without a volume.
fn claim(object: &Object, evidence: &Evidence<'_>, reasons: &mut Vec<Reason>) {
    let phase = text(object, &["status", "phase"]);
    if phase == "Bound" {
        return;
    }
    let event = events::latest(evidence, |reason| {
        ["ProvisioningFailed", "WaitForFirstConsumer", "ExternalProvisioning", "FailedBinding"].contains(&reason)
    });
    let why = event.map(|event| text(event, &["message"])).unwrap_or_default();
    let class = text(object, &["spec", "storageClassName"]);
    let state = match phase {
        "Lost" => "the volume is lost".to_owned(),
        _ => format!("no volume yet{}", for_how_long(time(object, &["metadata", "creationTimestamp"]), evidence.now)),
    };
    let line = if why.is_empty() { state } else { format!("{state}: {why}") };
    reasons.push(Reason::new(ReasonKind::VolumePending, line).with("message", why).with("storage class", class));
}

/// A Service or Ingress that waits for an address.
fn address(object: &Object, evidence: &Evidence<'_>, reasons: &mut Vec<Reason>) {
    if !list(object, &["status", "loadBalancer", "ingress"]).is_empty() {
        return;
    }
    let event = events::latest(evidence, |reason| {
        ["SyncLoadBalancerFailed", "AllocationFailed", "LoadBalancerUpdateFailed"].contains(&reason)
    });
    let why = event.map(|event| text(event, &["message"])).unwrap_or_default();
    let long = for_how_long(time(object, &["metadata", "creationTimestamp"]), evidence.now);
    let line = format!("no address from the load balancer{long}");
    let line = if why.is_empty() { line } else { format!("{line}: {why}") };
    reasons.push(Reason::new(ReasonKind::NoAddress, line).with("message", why));
}

/// What the object says about itself: by its health, or where Argo CD has none for its kind, by its conditions.
fn said(evidence: &Evidence<'_>, reasons: &mut Vec<Reason>) {
    if evidence.object.is_deleting() {
        return;
    }
    match health::health(evidence.object) {
        Ok(Some(health)) if health.status != HealthStatus::Healthy && !health.message.is_empty() => {
            let kind = match health.status {
                HealthStatus::Degraded => ReasonKind::Failed,
                HealthStatus::Suspended => ReasonKind::Suspended,
                _ => ReasonKind::Said,
            };
            reasons.push(Reason::new(kind, &health.message).with("message", &health.message));
        }
        Ok(None) => {
            let Some(hint) = health::hint(evidence.object).filter(|hint| hint.ready != Some(true)) else { return };
            let words = if hint.message.is_empty() { &hint.reason } else { &hint.message };
            let not = if hint.ready == Some(false) { "not" } else { "not known to be" };
            let line = format!("says it is {not} {}: {words}", hint.condition);
            reasons.push(
                Reason::new(ReasonKind::Said, line.trim_end_matches(": "))
                    .with("reason", &hint.reason)
                    .with("message", &hint.message),
            );
        }
        Ok(Some(_)) => {}
        Err(error) => reasons.push(Reason::new(ReasonKind::Said, error.to_string())),
    }
}

/// Sorts by importance, and says once what several pods say alike.
fn merge(mut reasons: Vec<Reason>) -> Vec<Reason> {
    reasons.sort_by_key(|reason| reason.kind);
    let mut merged: Vec<(Reason, i64)> = Vec::new();
    for reason in reasons {
        match merged.iter_mut().find(|(known, _)| known.kind == reason.kind && known.text == reason.text) {
            Some((_, count)) => *count += 1,
            None => merged.push((reason, 1)),
        }
    }
    let counted = merged.into_iter().map(|(mut reason, count)| {
        if count > 1 {
            reason.text = crate::domain::text::one_line(&format!("{} ({count} times)", reason.text), 180);
        }
        reason
    });
    counted.take(MOST).collect()
}
