//! Load balancers and volumes: what providers outside the cluster do on a real one.

use serde_json::json;

use super::json::{list, set, text};
use super::names::ControllerName;
use super::owners::Owners;
use super::{Change, Context, Controller, Key, Wake};
use crate::sim::resource::{PERSISTENT_VOLUME_CLAIMS, SERVICES};
use crate::sim::status::Status;
use crate::sim::store::{EventKind, Part};

/// Gives Services of type `LoadBalancer` an address.
#[derive(Debug, Default)]
pub(super) struct ServiceController;

/// Binds volume claims.
#[derive(Debug, Default)]
pub(super) struct ClaimController;

impl Controller for ServiceController {
    fn name(&self) -> ControllerName {
        ControllerName::Service
    }

    fn manager(&self) -> &'static str {
        "cloud-controller-manager"
    }

    fn observe(&mut self, change: &Change, _owners: &Owners, wake: &mut Wake<'_>) {
        if change.id == SERVICES && change.kind != EventKind::Deleted {
            wake.now(change.object.namespace(), change.object.name());
        }
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Status> {
        let Some(stored) = context.store.get(&SERVICES, &key.namespace, &key.name) else { return Ok(()) };
        let service = stored.value();
        let balanced = text(&service, "/spec/type") == "LoadBalancer";
        if !balanced || stored.is_deleting() || !list(&service, "/status/loadBalancer/ingress").is_empty() {
            return Ok(());
        }
        let rule = context.world.services.iter().find(|rule| rule.matches.matches(&key.namespace, &key.name));
        let after = rule.map_or(Some(jiff::SignedDuration::ZERO), |rule| rule.after);
        if !due(context, key, &service, after) {
            return Ok(());
        }
        // An address for documentation, RFC 5737.
        let address = format!("203.0.113.{}", 1 + context.random.below(254));
        let given = context.change(&SERVICES, &stored, Part::Status, |service| {
            set(service, "/status/loadBalancer/ingress", json!([{"ip": address, "ipMode": "VIP"}]));
        })?;
        context.tell(&given.value(), "EnsuredLoadBalancer", "Ensured load balancer");
        Ok(())
    }
}

impl Controller for ClaimController {
    fn name(&self) -> ControllerName {
        ControllerName::VolumeClaim
    }

    fn manager(&self) -> &'static str {
        "persistentvolume-controller"
    }

    fn observe(&mut self, change: &Change, _owners: &Owners, wake: &mut Wake<'_>) {
        if change.id == PERSISTENT_VOLUME_CLAIMS && change.kind != EventKind::Deleted {
            wake.now(change.object.namespace(), change.object.name());
        }
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Status> {
        let id = &PERSISTENT_VOLUME_CLAIMS;
        let Some(stored) = context.store.get(id, &key.namespace, &key.name) else { return Ok(()) };
        let claim = stored.value();
        if stored.is_deleting() {
            // No pod uses it: volumes are not mounted here.
            return context.remove_finalizer(id, &stored, "kubernetes.io/pvc-protection");
        }
        if text(&claim, "/status/phase") == "Bound" {
            return Ok(());
        }
        let rule = context.world.claims.iter().find(|rule| rule.matches.matches(&key.namespace, &key.name));
        let after = rule.map_or(Some(jiff::SignedDuration::ZERO), |rule| rule.after);
        if !due(context, key, &claim, after) {
            if text(&claim, "/status/phase").is_empty() {
                context.change(id, &stored, Part::Status, |claim| set(claim, "/status/phase", "Pending".into()))?;
            }
            return Ok(());
        }
        let volume = format!("pvc-{}", stored.uid());
        context
            .change(id, &stored, Part::Everything, |claim| {
                let modes = claim.pointer("/spec/accessModes").cloned().unwrap_or_default();
                let storage = claim.pointer("/spec/resources/requests").cloned().unwrap_or_default();
                set(claim, "/spec/volumeName", volume.clone().into());
                set(claim, "/metadata/annotations/pv.kubernetes.io~1bind-completed", "yes".into());
                set(claim, "/status", json!({"phase": "Bound", "accessModes": modes, "capacity": storage}));
            })
            .map(drop)
    }
}

/// Whether the time after an object's creation has passed; if it will, the object is looked at again then.
fn due(context: &mut Context<'_>, key: &Key, object: &serde_json::Value, after: Option<jiff::SignedDuration>) -> bool {
    let Some(after) = after else { return false };
    let Some(created) = super::json::time(object, "/metadata/creationTimestamp") else { return true };
    let after = jiff::SignedDuration::try_from(context.scaled_signed(after)).unwrap_or(jiff::SignedDuration::MAX);
    let Ok(at) = created.checked_add(after) else { return false };
    if at <= context.now {
        return true;
    }
    context.again_at(key, at);
    false
}
