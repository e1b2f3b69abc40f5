//! Deleting: finalizers, grace periods and propagation, as `registry/generic/registry/store.go` has them.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::metadata;
use super::object::Stored;
use super::options::{DeleteOptions, Deleted, Preconditions, Propagation};
use super::store::{Store, key};
use super::write::{may_go, seconds};
use crate::sim::resource::{GenerationRule, GroupResource, NAMESPACES, PODS, Resource};
use crate::sim::status::Status;

/// Seconds a pod has to end where neither it nor the request says.
const DEFAULT_GRACE: i64 = 30;

impl Store {
    /// Deletes an object, or marks it: with finalizers it stays until they are gone, a running pod until it has ended.
    ///
    /// # Errors
    /// 404 where there is no such object, 409 where a precondition does not hold.
    pub fn delete(
        &self,
        id: &GroupResource,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Deleted, Status> {
        let resource = self.resource(id)?;
        let key = key(namespace, name);
        let now = self.clock().now();
        let mut state = self.lock();
        let current = state.get(id, &key).cloned().ok_or_else(|| Status::not_found(&resource, name))?;
        let old = current.value();
        check(&resource, &old, &options.preconditions)?;
        let mut object = (*old).clone();
        set_propagation(&mut object, options.propagation);
        mark(id, &resource, &mut object, options.grace_period_seconds, now);
        if may_go(&object) {
            if options.dry_run {
                return Ok(Deleted::Gone(current));
            }
            // A pod is always deleted in two writes, since its kind has a grace period, be it none.
            if *id == PODS && object != *old {
                state.put(id, key.clone(), object.clone(), Some(&resource), &self.0.options);
            }
            // What else goes at once goes as it was.
            let last = if current.is_deleting() || *id == PODS { object } else { (*old).clone() };
            let gone = state.remove(id, &key, last, Some(&resource), &self.0.options);
            drop(state);
            if let Some(gone) = &gone {
                self.undefine(id, gone);
            }
            return gone.map(Deleted::Gone).ok_or_else(|| Status::not_found(&resource, name));
        }
        if options.dry_run {
            return Ok(Deleted::Pending(Arc::new(Stored::new(object, current.revision(), Some(&resource)))));
        }
        if object == *old {
            return Ok(Deleted::Pending(current));
        }
        Ok(Deleted::Pending(state.put(id, key, object, Some(&resource), &self.0.options)))
    }
}

fn check(resource: &Resource, old: &Value, preconditions: &Preconditions) -> Result<(), Status> {
    let name = metadata::text(old, "name");
    for (what, wanted, found) in [
        ("UID", &preconditions.uid, metadata::text(old, "uid")),
        ("ResourceVersion", &preconditions.resource_version, metadata::text(old, "resourceVersion")),
    ] {
        if let Some(wanted) = wanted
            && wanted != found
        {
            return Err(Status::precondition(resource, name, what, wanted, found));
        }
    }
    Ok(())
}

/// Finalizers that tell the garbage collector what to do with what the object owns.
fn set_propagation(object: &mut Value, propagation: Option<Propagation>) {
    let Some(propagation) = propagation else { return };
    let mut finalizers = metadata::finalizers(object);
    finalizers.retain(|name| name != "orphan" && name != "foregroundDeletion");
    match propagation {
        Propagation::Orphan => finalizers.push("orphan".to_owned()),
        Propagation::Foreground => finalizers.push("foregroundDeletion".to_owned()),
        Propagation::Background => {}
    }
    metadata::set_finalizers(object, finalizers);
}

/// Sets the deletion timestamp and the grace period; a second delete can only make it shorter.
fn mark(id: &GroupResource, resource: &Resource, object: &mut Value, asked: Option<i64>, now: jiff::Timestamp) {
    let grace = if *id == PODS { pod_grace(object, asked) } else { 0 };
    let marked = !metadata::text(object, "deletionTimestamp").is_empty();
    let current = object.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0);
    if marked && (asked.is_none() || grace >= current) {
        return;
    }
    let at = now.checked_add(SignedDuration::from_secs(grace)).unwrap_or(now);
    metadata::set(object, "deletionTimestamp", Value::String(seconds(at)));
    // A namespace has none.
    if *id != NAMESPACES {
        metadata::set(object, "deletionGracePeriodSeconds", grace.into());
    }
    if !marked && resource.generation != GenerationRule::None {
        let generation = object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0);
        metadata::set(object, "generation", (generation + 1).into());
    }
    if *id == NAMESPACES {
        let status = object.as_object_mut().map(|object| object.entry("status").or_insert_with(|| json!({})));
        if let Some(Value::Object(status)) = status {
            status.insert("phase".to_owned(), "Terminating".into());
        }
    }
}

/// A pod that no node has, or that has ended, needs no time to end.
fn pod_grace(pod: &Value, asked: Option<i64>) -> i64 {
    let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if text("/spec/nodeName").is_empty() || matches!(text("/status/phase"), "Succeeded" | "Failed") {
        return 0;
    }
    let own = pod.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_i64);
    asked.or(own).unwrap_or(DEFAULT_GRACE).max(0)
}
