//! One watch: its objects and its subscribers.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use super::bells::Bells;
use crate::cluster::{ClusterError, FromJson, Kind, WatchEvent};
use crate::domain::manifest::Object;
use crate::domain::tracking::TrackingId;

/// After so many errors that the API server answered with, a first list counts as failing.
const ANSWERED: u32 = 4;
/// The same without an answer.
const UNANSWERED: u32 = 2;

/// Which objects a subscriber is woken for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interest {
    /// Those with these namespaces and names.
    pub(crate) names: HashSet<(String, String)>,
    /// Those that carry the tracking id of this instance.
    pub(crate) instance: Option<String>,
    /// All.
    pub(crate) all: bool,
}

impl Interest {
    /// Whether it is for an object of this name that is tracked to one of these instances.
    fn is_in(&self, name: &Name, instances: &[String]) -> bool {
        self.all
            || self.names.contains(name)
            || self.instance.as_ref().is_some_and(|instance| instances.contains(instance))
    }
}

/// How far a watch is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Readiness {
    /// The first list is not complete.
    Pending,
    /// It fails again and again, and is tried for ever.
    Failing(ClusterError),
    /// What is there is known.
    Ready,
    /// The cluster refuses: no right, or no such kind.
    Refused(ClusterError),
}

/// An object, or the fact that it is not kept.
pub(super) struct Kept {
    name: Name,
    object: Option<Arc<Object>>,
}

impl FromJson for Kept {
    fn from_json(json: &str, kind: &Kind) -> Result<Self, String> {
        let object = <Object as FromJson>::from_json(json, kind)?;
        let name = name_of(&object);
        Ok(Self { name, object: Some(Arc::new(object)) })
    }
}

impl Kept {
    fn only_tracked(mut self) -> Self {
        self.object = self.object.filter(|object| instance_of(object).is_some());
        self
    }
}

/// Namespace and name.
pub(super) type Name = (String, String);

fn name_of(object: &Object) -> Name {
    (object.namespace().to_owned(), object.name().to_owned())
}

/// What the tracking id of an object calls its application.
fn instance_of(object: &Object) -> Option<String> {
    TrackingId::of_object(object).map(|tracking| tracking.instance)
}

struct Subscriber {
    interest: Interest,
    bell: Arc<Notify>,
}

#[derive(Default)]
struct Content {
    objects: HashMap<Name, Arc<Object>>,
    /// The list that is being read; what is known counts until it is complete.
    listing: Option<HashMap<Name, Arc<Object>>>,
    /// Where only tracked objects are kept: their names by instance.
    instances: HashMap<String, HashSet<Name>>,
    subscribers: HashMap<u64, Subscriber>,
    next: u64,
    /// So often the first list failed.
    failures: u32,
}

impl Content {
    fn index(&mut self) {
        self.instances.clear();
        for (name, object) in &self.objects {
            if let Some(instance) = instance_of(object) {
                self.instances.entry(instance).or_default().insert(name.clone());
            }
        }
    }

    fn unlist(&mut self, name: &Name, instance: &str) {
        if let Some(names) = self.instances.get_mut(instance) {
            names.remove(name);
            if names.is_empty() {
                self.instances.remove(instance);
            }
        }
    }
}

/// One watch.
pub(super) struct Entry {
    /// Rung for tracked objects, where only those are kept.
    bells: Option<Arc<Bells>>,
    content: Mutex<Content>,
    pub(super) readiness: watch::Sender<Readiness>,
    pub(super) task: Mutex<Option<tokio::task::AbortHandle>>,
}

impl Entry {
    /// A watch that keeps whole objects, or that of tracked ones the metadata.
    pub(super) fn new(bells: Option<Arc<Bells>>) -> Self {
        Self {
            bells,
            content: Mutex::default(),
            readiness: watch::Sender::new(Readiness::Pending),
            task: Mutex::default(),
        }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        // Nothing panics while it is held.
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn subscribe(&self, interest: Interest, bell: Arc<Notify>) -> u64 {
        let mut content = self.content();
        content.next += 1;
        let id = content.next;
        content.subscribers.insert(id, Subscriber { interest, bell });
        id
    }

    pub(super) fn unsubscribe(&self, id: u64) {
        self.content().subscribers.remove(&id);
    }

    pub(super) fn get(&self, name: &Name) -> Option<Arc<Object>> {
        self.content().objects.get(name).cloned()
    }

    /// The objects that are tracked to an instance, where only tracked ones are kept.
    pub(super) fn of_instance(&self, instance: &str) -> Vec<Arc<Object>> {
        let content = self.content();
        let names = content.instances.get(instance).into_iter().flatten();
        names.filter_map(|name| content.objects.get(name).cloned()).collect()
    }

    /// Whether it rings these bells.
    pub(super) fn rings(&self, bells: Option<&Arc<Bells>>) -> bool {
        match (&self.bells, bells) {
            (Some(own), Some(bells)) => Arc::ptr_eq(own, bells),
            (own, bells) => own.is_none() && bells.is_none(),
        }
    }

    /// Whether the cluster refused it the last time.
    pub(super) fn is_refused(&self) -> bool {
        matches!(&*self.readiness.borrow(), Readiness::Refused(_))
    }

    /// Waits until what is there is known. An error: the cluster refuses (no right, no such kind), or fails again and
    /// again; that is tried for ever, and the bell rings once it succeeds.
    pub(super) async fn ready(&self) -> Result<(), ClusterError> {
        let mut readiness = self.readiness.subscribe();
        let ready = readiness.wait_for(|readiness| *readiness != Readiness::Pending).await;
        match ready.as_deref() {
            Ok(Readiness::Refused(error) | Readiness::Failing(error)) => Err(error.clone()),
            // The sender lives as long as this.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Takes in what the watch says.
    pub(super) fn take(&self, event: WatchEvent<Kept>) {
        let kept = |kept: Kept| if self.bells.is_some() { kept.only_tracked() } else { kept };
        match event {
            WatchEvent::Listing => self.content().listing = Some(HashMap::new()),
            WatchEvent::Item(item) => {
                let Kept { name, object } = kept(item);
                if let (Some(listing), Some(object)) = (&mut self.content().listing, object) {
                    listing.insert(name, object);
                }
            }
            WatchEvent::Listed => {
                let mut content = self.content();
                if let Some(listing) = content.listing.take() {
                    content.objects = listing;
                    if self.bells.is_some() {
                        content.index();
                    }
                }
                drop(content);
                self.ring();
                self.readiness.send_replace(Readiness::Ready);
            }
            WatchEvent::Applied(item) => {
                let Kept { name, object } = kept(item);
                self.change(&name, object.as_ref());
            }
            WatchEvent::Deleted(item) => self.change(&item.name, None),
            WatchEvent::Unreadable(unreadable) => {
                tracing::warn!(name = unreadable.name, reason = unreadable.reason, "an object cannot be read");
            }
            WatchEvent::Interrupted { error, .. } => {
                if error.is_denied() || error.is_not_found() {
                    // Also where a list was permitted and following it is not: what is known grows old unseen.
                    let was = self.readiness.send_replace(Readiness::Refused(error));
                    if was == Readiness::Ready {
                        self.ring();
                    }
                } else {
                    self.failed(error);
                }
            }
        }
    }

    /// Nobody waits in silence for a first list that does not come. One failure alone says little; one to get an answer at
    /// all may have taken long.
    fn failed(&self, error: ClusterError) {
        let failures = {
            let mut content = self.content();
            content.failures = content.failures.saturating_add(1);
            content.failures
        };
        if failures >= if error.api().is_some() { ANSWERED } else { UNANSWERED } {
            self.readiness.send_if_modified(|readiness| {
                let is_first = !matches!(readiness, Readiness::Ready | Readiness::Refused(_));
                if is_first {
                    *readiness = Readiness::Failing(error);
                }
                is_first
            });
        }
    }

    /// Wakes every subscriber.
    fn ring(&self) {
        self.content().subscribers.values().for_each(|subscriber| subscriber.bell.notify_one());
        self.bells.iter().for_each(|bells| bells.ring_all());
    }

    fn change(&self, name: &Name, object: Option<&Arc<Object>>) {
        let mut content = self.content();
        let before = match object {
            Some(object) => content.objects.insert(name.clone(), Arc::clone(object)),
            None => content.objects.remove(name),
        };
        let was = before.as_deref().and_then(instance_of);
        let is = object.and_then(|object| instance_of(object));
        if let Some(bells) = &self.bells {
            if was != is {
                if let Some(instance) = &was {
                    content.unlist(name, instance);
                }
                if let Some(instance) = &is {
                    content.instances.entry(instance.clone()).or_default().insert(name.clone());
                }
            }
            for instance in was.iter().chain(&is) {
                bells.ring(instance);
            }
        }
        if before.is_none() && object.is_none() {
            return;
        }
        let instances: Vec<String> = was.into_iter().chain(is).collect();
        for subscriber in content.subscribers.values() {
            if subscriber.interest.is_in(name, &instances) {
                subscriber.bell.notify_one();
            }
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(task) = self.task.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::cluster::ApiError;
    use crate::domain::names;

    fn config_map(name: &str, instance: Option<&str>) -> Kept {
        let mut metadata = json!({"namespace": "shop", "name": name});
        if let Some(instance) = instance {
            metadata["annotations"] = json!({ names::TRACKING_ID: format!("{instance}:/ConfigMap:shop/{name}") });
        }
        let kind = Kind::known("", "v1", "ConfigMap", "configmaps", true);
        Kept::from_json(&json!({ "metadata": metadata }).to_string(), &kind).unwrap()
    }

    fn names(entry: &Entry) -> Vec<String> {
        let mut names: Vec<_> = entry.content().objects.values().map(|object| object.name().to_owned()).collect();
        names.sort();
        names
    }

    fn rang(bell: &Notify) -> bool {
        futures::FutureExt::now_or_never(bell.notified()).is_some()
    }

    /// A bell of the instance `shop`: for what is its own, and for what it loses.
    fn rings_for_its_instance(entry: &Entry, bell: &Notify) {
        for (instance, rings) in [(Some("other"), false), (Some("shop"), true), (None, true)] {
            entry.take(WatchEvent::Applied(config_map("a", instance)));
            assert_eq!(rang(bell), rings, "{instance:?}");
        }
    }

    #[test]
    fn a_new_list_replaces_the_old_one_only_when_it_is_complete() {
        let entry = Entry::new(None);
        entry.take(WatchEvent::Applied(config_map("a", None)));
        entry.take(WatchEvent::Listing);
        entry.take(WatchEvent::Item(config_map("b", None)));
        assert_eq!((names(&entry), entry.readiness.borrow().clone()), (vec!["a".to_owned()], Readiness::Pending));
        entry.take(WatchEvent::Listed);
        assert_eq!((names(&entry), entry.readiness.borrow().clone()), (vec!["b".to_owned()], Readiness::Ready));
        entry.take(WatchEvent::Deleted(config_map("b", None)));
        assert!(names(&entry).is_empty());
    }

    #[test]
    fn untracked_objects_are_not_kept_where_only_tracked_ones_matter() {
        let entry = Entry::new(Some(Arc::default()));
        entry.take(WatchEvent::Applied(config_map("a", None)));
        entry.take(WatchEvent::Applied(config_map("b", Some("shop"))));
        assert_eq!(names(&entry), ["b"]);
        let of = |instance: &str| entry.of_instance(instance).len();
        assert_eq!((of("shop"), of("other")), (1, 0));
        entry.take(WatchEvent::Applied(config_map("b", Some("other"))));
        assert_eq!((of("shop"), of("other")), (0, 1));
        // It loses its tracking id.
        entry.take(WatchEvent::Applied(config_map("b", None)));
        assert_eq!((names(&entry).len(), of("other")), (0, 0));
        for event in [WatchEvent::Listing, WatchEvent::Item(config_map("c", Some("shop"))), WatchEvent::Listed] {
            entry.take(event);
        }
        assert_eq!(of("shop"), 1);
        entry.take(WatchEvent::Deleted(config_map("c", Some("shop"))));
        assert_eq!(of("shop"), 0);
    }

    #[tokio::test]
    async fn a_bell_rings_for_its_instance_and_for_new_lists() {
        let bells = Arc::new(Bells::default());
        let entry = Entry::new(Some(Arc::clone(&bells)));
        let bell = Arc::new(Notify::new());
        let id = bells.add("shop", Arc::clone(&bell));
        rings_for_its_instance(&entry, &bell);
        entry.take(WatchEvent::Listing);
        entry.take(WatchEvent::Listed);
        assert!(rang(&bell));
        bells.remove("shop", id);
        entry.take(WatchEvent::Applied(config_map("a", Some("shop"))));
        assert!(!rang(&bell));
    }

    #[test]
    fn a_first_list_that_does_not_come_is_told_and_still_awaited() {
        let interrupted = |entry: &Entry, code: Option<u16>| {
            let action = "watching configmaps".to_owned();
            let error = match code {
                Some(code) => ClusterError::Api { action, status: ApiError { code, ..ApiError::default() } },
                None => ClusterError::Unreachable { action, reason: "refused".to_owned() },
            };
            entry.take(WatchEvent::Interrupted { error, wait: Duration::ZERO });
        };
        for (code, failures) in [(Some(503), ANSWERED), (None, UNANSWERED)] {
            let entry = Entry::new(None);
            (1..failures).for_each(|_| interrupted(&entry, code));
            assert_eq!(*entry.readiness.borrow(), Readiness::Pending);
            interrupted(&entry, code);
            assert!(matches!(&*entry.readiness.borrow(), Readiness::Failing(error) if error.is_transient()));
            entry.take(WatchEvent::Listing);
            entry.take(WatchEvent::Listed);
            assert_eq!(*entry.readiness.borrow(), Readiness::Ready);
            // What is known stays, although it grows old.
            (0..9).for_each(|_| interrupted(&entry, code));
            assert_eq!(*entry.readiness.borrow(), Readiness::Ready);
        }
    }

    #[tokio::test]
    async fn a_subscriber_is_woken_for_what_it_wants_and_for_what_it_loses() {
        let entry = Entry::new(None);
        let bell = Arc::new(Notify::new());
        let interest = Interest { instance: Some("shop".into()), ..Interest::default() };
        let id = entry.subscribe(interest, Arc::clone(&bell));
        rings_for_its_instance(&entry, &bell);
        entry.unsubscribe(id);
        entry.take(WatchEvent::Applied(config_map("a", Some("shop"))));
        assert!(!rang(&bell));
    }
}
