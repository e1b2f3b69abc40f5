//! Which objects name which as their owners: the index that controllers and garbage collection read.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::json::{list, text};
use crate::sim::resource::GroupResource;
use crate::sim::store::{EventKind, Store, Stored};

/// Where an object is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Its resource.
    pub(crate) id: GroupResource,
    /// Its namespace.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) name: String,
}

impl Place {
    /// The place of a stored object.
    pub(crate) fn of(id: &GroupResource, object: &Stored) -> Self {
        Self { id: id.clone(), namespace: object.namespace().to_owned(), name: object.name().to_owned() }
    }
}

/// Objects by the UIDs of their owners, as of the last change that was observed.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    owned: HashMap<String, BTreeSet<Place>>,
    references: HashMap<Place, Vec<String>>,
    /// UIDs of the objects that exist.
    exist: HashMap<String, Place>,
}

impl Owners {
    /// Takes a change into account.
    pub(crate) fn observe(&mut self, id: &GroupResource, kind: EventKind, object: &Stored) {
        let place = Place::of(id, object);
        for owner in self.references.remove(&place).unwrap_or_default() {
            if let Some(owned) = self.owned.get_mut(&owner) {
                owned.remove(&place);
                if owned.is_empty() {
                    self.owned.remove(&owner);
                }
            }
        }
        if kind == EventKind::Deleted {
            self.exist.remove(object.uid());
            return;
        }
        self.exist.insert(object.uid().to_owned(), place.clone());
        let owners = owner_uids(object);
        for owner in &owners {
            self.owned.entry(owner.clone()).or_default().insert(place.clone());
        }
        if !owners.is_empty() {
            self.references.insert(place, owners);
        }
    }

    /// The objects that name this UID as an owner.
    pub(crate) fn places(&self, uid: &str) -> impl Iterator<Item = &Place> {
        self.owned.get(uid).into_iter().flatten()
    }

    /// The objects of one resource that name this UID as an owner.
    pub(crate) fn owned(&self, store: &Store, uid: &str, id: &GroupResource) -> Vec<Arc<Stored>> {
        self.places(uid)
            .filter(|place| place.id == *id)
            .filter_map(|place| store.get(id, &place.namespace, &place.name))
            .collect()
    }

    /// Where the object with this UID is, if it exists.
    pub(crate) fn find(&self, uid: &str) -> Option<&Place> {
        self.exist.get(uid)
    }
}

fn owner_uids(object: &Stored) -> Vec<String> {
    // Most objects have no owner, and the large ones are not kept parsed.
    let json = object.json();
    if !std::str::from_utf8(&json).is_ok_and(|json| json.contains("\"ownerReferences\"")) {
        return Vec::new();
    }
    let value: Arc<Value> = object.value();
    list(&value, "/metadata/ownerReferences").iter().map(|owner| text(owner, "/uid").to_owned()).collect()
}
