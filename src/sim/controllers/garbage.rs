//! Garbage collection: objects go when the last of their owners has gone, before it (foreground), or stay (orphan).

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::json::{list, set, text, truth};
use super::names::ControllerName;
use super::owners::{Owners, Place};
use super::{Change, Context, Controller, Key, Wake};
use crate::sim::resource::GroupResource;
use crate::sim::status::Status;
use crate::sim::store::{EventKind, Part, Propagation, Stored};

/// How far the real collector is behind the other controllers: it works on a graph which its own watches build.
const BEHIND: Duration = Duration::from_millis(40);

/// Between the resource and the group in a key.
const SEPARATOR: char = '.';

/// See the module.
#[derive(Debug, Default)]
pub(super) struct GarbageCollector;

impl Controller for GarbageCollector {
    fn name(&self) -> ControllerName {
        ControllerName::GarbageCollector
    }

    fn manager(&self) -> &'static str {
        "garbage-collector-controller"
    }

    fn observe(&mut self, change: &Change, owners: &Owners, wake: &mut Wake<'_>) {
        let object = &change.object;
        let mut look = |place: &Place| {
            wake.resource(&place.id.to_string(), &place.namespace, &place.name, BEHIND);
        };
        if change.kind == EventKind::Deleted {
            for place in owners.places(object.uid()) {
                look(place);
            }
            // An owner that waits for it in the foreground.
            for owner in list(&object.value(), "/metadata/ownerReferences") {
                if let Some(place) = owners.find(text(owner, "/uid")) {
                    look(place);
                }
            }
            return;
        }
        if object.is_deleting() || change.kind == EventKind::Added {
            let value = object.value();
            let waits = finalizer(&value, "foregroundDeletion") || finalizer(&value, "orphan");
            let owned = !list(&value, "/metadata/ownerReferences").is_empty();
            if (object.is_deleting() && waits) || (change.kind == EventKind::Added && owned) {
                look(&Place::of(&change.id, object));
            }
        }
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Status> {
        let (resource, group) = key.resource.split_once(SEPARATOR).unwrap_or((&key.resource, ""));
        let id = GroupResource::new(group, resource);
        let Some(stored) = context.store.get(&id, &key.namespace, &key.name) else { return Ok(()) };
        let value = stored.value();
        if stored.is_deleting() {
            if finalizer(&value, "orphan") {
                return orphan(context, &id, &stored);
            }
            if finalizer(&value, "foregroundDeletion") {
                return foreground(context, &id, &stored);
            }
            return Ok(());
        }
        collect(context, &id, &stored)
    }
}

fn finalizer(object: &Value, name: &str) -> bool {
    list(object, "/metadata/finalizers").iter().any(|finalizer| finalizer.as_str() == Some(name))
}

/// Deletes an object all of whose owners have gone; of some owners that have gone only the references go.
fn collect(context: &Context<'_>, id: &GroupResource, stored: &Stored) -> Result<(), Status> {
    let value = stored.value();
    let references = list(&value, "/metadata/ownerReferences");
    if references.is_empty() {
        return Ok(());
    }
    let gone: Vec<&str> = references
        .iter()
        .filter(|owner| owner_of(context, owner, stored.namespace()).is_none())
        .map(|owner| text(owner, "/uid"))
        .collect();
    if gone.len() == references.len() {
        let propagation = if finalizer(&value, "orphan") {
            Propagation::Orphan
        } else if finalizer(&value, "foregroundDeletion") {
            Propagation::Foreground
        } else {
            Propagation::Background
        };
        return context.delete(id, stored, propagation);
    }
    if gone.is_empty() {
        return Ok(());
    }
    context
        .change(id, stored, Part::Whole, |object| {
            if let Some(list) = object.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut) {
                list.retain(|owner| !gone.contains(&text(owner, "/uid")));
            }
        })
        .map(drop)
}

/// The owner that a reference names: the UID counts, and it has to be in the same namespace or in none.
fn owner_of(context: &Context<'_>, reference: &Value, namespace: &str) -> Option<Arc<Stored>> {
    let place = context.owners.find(text(reference, "/uid"))?;
    if !place.namespace.is_empty() && place.namespace != namespace {
        return None;
    }
    context.store.get(&place.id, &place.namespace, &place.name)
}

/// Deletes what an object owns; when nothing is left that blocks it, the object itself may go.
fn foreground(context: &Context<'_>, id: &GroupResource, stored: &Stored) -> Result<(), Status> {
    let places: Vec<Place> = context.owners.places(stored.uid()).cloned().collect();
    let mut blocked = false;
    for place in places {
        let Some(owned) = context.store.get(&place.id, &place.namespace, &place.name) else { continue };
        let value = owned.value();
        let references = list(&value, "/metadata/ownerReferences");
        let mine = references.iter().find(|owner| text(owner, "/uid") == stored.uid());
        blocked |= mine.is_some_and(|owner| truth(owner, "/blockOwnerDeletion"));
        let others = references.iter().any(|owner| {
            text(owner, "/uid") != stored.uid()
                && owner_of(context, owner, owned.namespace()).is_some_and(|owner| !owner.is_deleting())
        });
        if others {
            // Somebody else still wants it: only this reference goes.
            let uid = stored.uid().to_owned();
            context.change(&place.id, &owned, Part::Whole, |object| {
                if let Some(list) = object.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut) {
                    list.retain(|owner| text(owner, "/uid") != uid);
                }
            })?;
        } else if !owned.is_deleting() {
            // What itself owns something goes the same way.
            let has_own = context.owners.places(owned.uid()).next().is_some();
            let propagation = if has_own { Propagation::Foreground } else { Propagation::Background };
            context.delete(&place.id, &owned, propagation)?;
        }
    }
    if blocked {
        // Looked at again when one of them is gone.
        return Ok(());
    }
    context.remove_finalizer(id, stored, "foregroundDeletion")
}

/// Takes the references to an object out of what it owns, then lets it go.
fn orphan(context: &Context<'_>, id: &GroupResource, stored: &Stored) -> Result<(), Status> {
    let places: Vec<Place> = context.owners.places(stored.uid()).cloned().collect();
    for place in places {
        let Some(owned) = context.store.get(&place.id, &place.namespace, &place.name) else { continue };
        let uid = stored.uid().to_owned();
        context.change(&place.id, &owned, Part::Whole, |object| {
            if let Some(list) = object.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut) {
                list.retain(|owner| text(owner, "/uid") != uid);
                if list.is_empty() {
                    set(object, "/metadata/ownerReferences", Value::Null);
                }
            }
        })?;
    }
    context.remove_finalizer(id, stored, "orphan")
}
