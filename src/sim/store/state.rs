use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value;
use tokio::sync::watch;

use super::event::{Event, EventKind};
use super::history::{Collection, Key};
use super::metadata;
use super::object::Stored;
use super::options::StoreOptions;
use super::random::Random;
use crate::sim::resource::{GroupResource, Resource};

/// Everything behind the store's lock.
#[derive(Debug)]
pub(super) struct State {
    pub(super) revision: u64,
    pub(super) collections: HashMap<GroupResource, Collection>,
    pub(super) random: Random,
    /// Tells of every change of any resource.
    pub(super) changed: watch::Sender<u64>,
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        // As on a real cluster, no client ever sees resourceVersion 0 or 1, which have meanings of their own.
        Self { revision: 1, collections: HashMap::new(), random: Random::new(seed), changed: watch::Sender::new(1) }
    }

    pub(super) fn collection(&mut self, id: &GroupResource) -> &mut Collection {
        self.collections.entry(id.clone()).or_insert_with(Collection::new)
    }

    pub(super) fn get(&self, id: &GroupResource, key: &Key) -> Option<&Arc<Stored>> {
        self.collections.get(id)?.objects.get(key)
    }

    /// Stores a version of an object: stamps it, replaces the current one, and tells everybody.
    pub(super) fn put(
        &mut self,
        id: &GroupResource,
        key: Key,
        mut value: Value,
        resource: Option<&Arc<Resource>>,
        options: &StoreOptions,
    ) -> Arc<Stored> {
        self.revision += 1;
        let revision = self.revision;
        metadata::set(&mut value, "resourceVersion", Value::String(revision.to_string()));
        let object = Arc::new(Stored::new(value, revision, resource));
        let collection = self.collection(id);
        let previous = collection.objects.insert(key, Arc::clone(&object));
        let kind = if previous.is_some() { EventKind::Modified } else { EventKind::Added };
        collection.push(Event { kind, object: Arc::clone(&object), previous, line: OnceLock::new() }, options);
        self.changed.send_replace(revision);
        object
    }

    /// Takes an object away and tells everybody, with its last version. Nothing where there is none.
    pub(super) fn remove(
        &mut self,
        id: &GroupResource,
        key: &Key,
        mut last: Value,
        resource: Option<&Arc<Resource>>,
        options: &StoreOptions,
    ) -> Option<Arc<Stored>> {
        let previous = self.collections.get_mut(id)?.objects.remove(key)?;
        self.revision += 1;
        let revision = self.revision;
        metadata::set(&mut last, "resourceVersion", Value::String(revision.to_string()));
        let object = Arc::new(Stored::new(last, revision, resource));
        let event = Event {
            kind: EventKind::Deleted,
            object: Arc::clone(&object),
            previous: Some(previous),
            line: OnceLock::new(),
        };
        self.collection(id).push(event, options);
        self.changed.send_replace(revision);
        Some(object)
    }
}
