use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use serde_json::Value;

use super::event::{Event, Subscription};
use super::history::Key;
use super::metadata;
use super::object::Stored;
use super::options::StoreOptions;
use super::random::Random;
use super::rules::Rules;
use super::state::State;
use crate::clock::Clock;
use crate::sim::resource::{CUSTOM_RESOURCE_DEFINITIONS, GroupResource, Resource, Resources, definition};
use crate::sim::status::Status;

/// The objects of one cluster. Cheap to clone: clones are the same store.
#[derive(Clone)]
pub struct Store(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) rules: Box<dyn Rules>,
    pub(super) options: StoreOptions,
    resources: RwLock<Resources>,
    state: Mutex<State>,
}

impl Store {
    /// An empty cluster, without even a namespace, that serves the built-in resources.
    pub fn new(clock: Clock, rules: impl Rules, options: StoreOptions) -> Self {
        Self(Arc::new(Shared {
            clock,
            rules: Box::new(rules),
            resources: RwLock::new(Resources::built_in()),
            state: Mutex::new(State::new(options.seed)),
            options,
        }))
    }

    /// The clock that stamps objects.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// A definition has been stored: what it defines is served from now on.
    pub(super) fn define(&self, id: &GroupResource, definition: &Stored) {
        if *id == CUSTOM_RESOURCE_DEFINITIONS
            && let Some(resource) = definition::defined(&definition.value())
        {
            self.add_resource(resource);
        }
    }

    /// A definition is gone, and with it what it defined: the objects first.
    pub(super) fn undefine(&self, id: &GroupResource, definition: &Stored) {
        if *id != CUSTOM_RESOURCE_DEFINITIONS {
            return;
        }
        let Some(resource) = definition::defined(&definition.value()) else { return };
        let id = resource.id();
        for object in self.list(&id, None).0 {
            self.remove_raw(&id, object.namespace(), object.name());
        }
        self.remove_resource(&id);
    }

    /// What the store asks on every write.
    pub fn rules(&self) -> &dyn Rules {
        &*self.0.rules
    }

    /// The resources that are served now.
    pub fn resources(&self) -> Resources {
        self.0.resources.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Serves one more resource, or another definition of it.
    pub fn add_resource(&self, resource: Resource) {
        let mut resources = self.0.resources.write().unwrap_or_else(PoisonError::into_inner);
        *resources = resources.with(resource);
    }

    /// No longer serves a resource. Its objects, if any, have to be deleted before.
    pub fn remove_resource(&self, id: &GroupResource) {
        let mut resources = self.0.resources.write().unwrap_or_else(PoisonError::into_inner);
        *resources = resources.without(id);
    }

    /// The latest revision: the resourceVersion of a list made now.
    pub fn revision(&self) -> u64 {
        self.lock().revision
    }

    /// One object; the namespace is empty for cluster-scoped resources.
    pub fn get(&self, id: &GroupResource, namespace: &str, name: &str) -> Option<Arc<Stored>> {
        self.lock().get(id, &key(namespace, name)).cloned()
    }

    /// All objects of a resource, of one namespace or of all, ordered by namespace and name; and the revision from
    /// which to watch.
    pub fn list(&self, id: &GroupResource, namespace: Option<&str>) -> (Vec<Arc<Stored>>, u64) {
        let state = self.lock();
        let objects = state.collections.get(id).map(|collection| match namespace {
            None => collection.objects.values().cloned().collect(),
            Some(namespace) => collection
                .objects
                .range(key(namespace, "")..)
                .take_while(|((of, _), _)| of == namespace)
                .map(|(_, object)| Arc::clone(object))
                .collect(),
        });
        (objects.unwrap_or_default(), state.revision)
    }

    /// The same as it was at a revision.
    ///
    /// # Errors
    /// 410 where that is no longer known; 504 where that revision is yet to come.
    pub fn list_at(
        &self,
        id: &GroupResource,
        namespace: Option<&str>,
        revision: u64,
    ) -> Result<Vec<Arc<Stored>>, Status> {
        let mut state = self.lock();
        state.check_not_future(revision)?;
        let collection = state.collection(id);
        if !collection.changed_after(revision) {
            drop(state);
            return Ok(self.list(id, namespace).0);
        }
        let objects = collection.at(revision)?;
        let wanted = |object: &Arc<Stored>| namespace.is_none_or(|namespace| object.namespace() == namespace);
        Ok(objects.into_values().filter(wanted).collect())
    }

    /// All changes of a resource after a revision, in all namespaces.
    ///
    /// # Errors
    /// 410 where they are no longer known.
    pub fn watch(&self, id: &GroupResource, after: u64) -> Result<Subscription, Status> {
        let mut state = self.lock();
        let collection = state.collection(id);
        collection.check(after)?;
        let changed = collection.changed.subscribe();
        Ok(Subscription::new(self.clone(), id.clone(), after, changed))
    }

    /// The objects of a resource and all changes after: what a controller starts with.
    pub fn list_and_watch(&self, id: &GroupResource) -> (Vec<Arc<Stored>>, Subscription) {
        let mut state = self.lock();
        let revision = state.revision;
        let collection = state.collection(id);
        let objects = collection.objects.values().cloned().collect();
        let changed = collection.changed.subscribe();
        (objects, Subscription::new(self.clone(), id.clone(), revision, changed))
    }

    /// Forgets the history up to now: watches from an older revision are answered with 410.
    pub fn compact(&self) {
        let mut state = self.lock();
        let revision = state.revision;
        for collection in state.collections.values_mut() {
            collection.compact(revision);
        }
    }

    /// Moves the revision on, as writes of other resources would.
    pub fn skip_revisions(&self, count: u64) {
        self.lock().revision += count;
    }

    /// Stores an object exactly as it is, but for its resourceVersion: no rules, no defaults, no preconditions. Where
    /// one of that name is there already it is replaced. For tests, and for what is there from the start.
    pub fn put_raw(&self, id: &GroupResource, object: Value) -> Arc<Stored> {
        let key = key(metadata::text(&object, "namespace"), metadata::text(&object, "name"));
        let resource = self.resources().get(id);
        let stored = self.lock().put(id, key, object, resource.as_ref(), &self.0.options);
        self.define(id, &stored);
        stored
    }

    /// Takes an object away at once, whatever its finalizers say. For tests.
    pub fn remove_raw(&self, id: &GroupResource, namespace: &str, name: &str) -> Option<Arc<Stored>> {
        let key = key(namespace, name);
        let resource = self.resources().get(id);
        let mut state = self.lock();
        let last = state.get(id, &key)?.value();
        let removed = state.remove(id, &key, (*last).clone(), resource.as_ref(), &self.0.options);
        drop(state);
        if let Some(removed) = &removed {
            self.undefine(id, removed);
        }
        removed
    }

    /// Random numbers of the store's seed.
    pub fn with_random<T>(&self, ask: impl FnOnce(&mut Random) -> T) -> T {
        ask(&mut self.lock().random)
    }

    pub(super) fn events_after(&self, id: &GroupResource, after: u64) -> Result<VecDeque<Arc<Event>>, Status> {
        self.lock().collections.get(id).map_or_else(|| Ok(VecDeque::new()), |collection| collection.after(after))
    }

    pub(super) fn resource(&self, id: &GroupResource) -> Result<Arc<Resource>, Status> {
        self.resources()
            .get(id)
            .ok_or_else(|| Status::new(404, "NotFound", "the server could not find the requested resource"))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; if it did, each collection would still be whole.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn check_not_future(&self, revision: u64) -> Result<(), Status> {
        if revision > self.revision {
            return Err(Status::too_large_version(revision, self.revision));
        }
        Ok(())
    }
}

pub(super) fn key(namespace: &str, name: &str) -> Key {
    (namespace.to_owned(), name.to_owned())
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        let objects: usize = state.collections.values().map(|collection| collection.objects.len()).sum();
        write!(formatter, "Store({objects} objects at {})", state.revision)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::resource::{CONFIG_MAPS, NAMESPACES, PODS};
    use crate::sim::store::{DeleteOptions, Deleted, EventKind, NoRules, Part, WriteOptions};

    fn store() -> Store {
        let store = Store::new(Clock::real(), NoRules, StoreOptions::default());
        store.put_raw(
            &NAMESPACES,
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "uid": "u"}}),
        );
        store
    }

    fn config_map(name: &str, value: &str) -> Value {
        json!({"metadata": {"name": name, "namespace": "a"}, "data": {"key": value}})
    }

    #[test]
    fn a_write_with_an_old_resource_version_is_a_conflict_and_one_that_changes_nothing_is_no_write() {
        let store = store();
        let options = WriteOptions::by("test");
        let first = store.create(&CONFIG_MAPS, config_map("x", "1"), &options).unwrap();
        let again = store.create(&CONFIG_MAPS, config_map("x", "1"), &options).unwrap_err();
        assert_eq!((again.code, again.message.as_str()), (409, "configmaps \"x\" already exists"));
        let second = store.update(&CONFIG_MAPS, "a", "x", &options, |_| Ok(config_map("x", "2"))).unwrap();
        assert!(second.revision() > first.revision());
        assert_eq!(second.uid(), first.uid());
        let stale = store.update(&CONFIG_MAPS, "a", "x", &options, |_| Ok((*first.value()).clone())).unwrap_err();
        assert_eq!((stale.code, stale.reason), (409, "Conflict"));
        let same = store.update(&CONFIG_MAPS, "a", "x", &options, |_| Ok(config_map("x", "2"))).unwrap();
        assert_eq!(same.revision(), second.revision());
    }

    #[test]
    fn an_object_with_a_finalizer_is_deleted_when_the_last_one_goes() {
        let store = store();
        let options = WriteOptions::by("test");
        let mut object = config_map("x", "1");
        object["metadata"]["finalizers"] = json!(["example.com/hold"]);
        store.create(&CONFIG_MAPS, object, &options).unwrap();
        let mut events = store.watch(&CONFIG_MAPS, store.revision()).unwrap();
        let deleted = store.delete(&CONFIG_MAPS, "a", "x", &DeleteOptions::default()).unwrap();
        assert!(matches!(deleted, Deleted::Pending(ref object) if object.is_deleting()));
        let refused = store.update(&CONFIG_MAPS, "a", "x", &options, |current| {
            let mut changed = current.clone();
            changed["metadata"]["finalizers"] = json!(["example.com/hold", "example.com/more"]);
            Ok(changed)
        });
        assert_eq!(refused.unwrap_err().code, 422);
        let freed = store.update(&CONFIG_MAPS, "a", "x", &options, |current| {
            let mut changed = current.clone();
            changed["metadata"]["finalizers"] = json!([]);
            Ok(changed)
        });
        assert!(freed.is_ok());
        assert!(store.get(&CONFIG_MAPS, "a", "x").is_none());
        let kinds: Vec<_> = std::iter::from_fn(|| events.try_next().unwrap()).map(|event| event.kind).collect();
        assert_eq!(kinds, [EventKind::Modified, EventKind::Deleted]);
    }

    #[test]
    fn the_main_resource_does_not_change_the_status_and_the_status_changes_nothing_else() {
        let store = store();
        let options = WriteOptions::by("test");
        let pod = json!({"metadata": {"name": "p", "namespace": "a"}, "spec": {"x": 1}, "status": {"phase": "Failed"}});
        let created = store.create(&PODS, pod, &options).unwrap();
        assert_eq!(created.value().get("status"), None);
        let both = json!({"metadata": {"name": "p"}, "spec": {"x": 2}, "status": {"phase": "Running"}});
        let status = store.update(&PODS, "a", "p", &options.clone().part(Part::Status), |_| Ok(both.clone())).unwrap();
        assert_eq!(status.value()["spec"]["x"], 1);
        assert_eq!(status.value()["metadata"]["generation"], 1);
        assert_eq!(status.value()["status"]["phase"], "Running");
        let whole = store.update(&PODS, "a", "p", &options, |_| Ok(both.clone())).unwrap();
        assert_eq!(whole.value()["metadata"]["generation"], 2);
        assert_eq!(whole.value()["spec"]["x"], 2);
    }

    #[test]
    fn a_list_at_an_older_revision_is_what_was_there_until_it_is_compacted() {
        let store = store();
        let options = WriteOptions::by("test");
        store.create(&CONFIG_MAPS, config_map("x", "1"), &options).unwrap();
        let revision = store.create(&CONFIG_MAPS, config_map("y", "1"), &options).unwrap().revision();
        store.delete(&CONFIG_MAPS, "a", "x", &DeleteOptions::default()).unwrap();
        store.create(&CONFIG_MAPS, config_map("z", "1"), &options).unwrap();
        let then = store.list_at(&CONFIG_MAPS, Some("a"), revision).unwrap();
        assert_eq!(then.iter().map(|object| object.name()).collect::<Vec<_>>(), ["x", "y"]);
        let mut events = store.watch(&CONFIG_MAPS, revision).unwrap();
        store.compact();
        assert_eq!(events.try_next().unwrap_err().code, 410);
        assert_eq!(store.list_at(&CONFIG_MAPS, Some("a"), revision).unwrap_err().reason, "Expired");
        assert_eq!(store.list_at(&CONFIG_MAPS, None, u64::MAX).unwrap_err().code, 504);
    }
}
