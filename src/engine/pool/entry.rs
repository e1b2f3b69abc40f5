//! One watch: its objects and its subscribers.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use crate::cluster::{ClusterError, FromJson, Kind, WatchEvent};
use crate::domain::manifest::Object;
use crate::domain::names;
use crate::domain::tracking::TrackingId;

/// How much of each object is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Detail {
    /// All of every object.
    Full,
    /// The metadata of objects that carry a tracking id; of others nothing.
    Tracked,
}

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
    fn is_in(&self, name: &Name, object: &Object) -> bool {
        self.all
            || self.names.contains(name)
            || self.instance.as_ref().is_some_and(|instance| {
                TrackingId::of_object(object).is_some_and(|tracking| tracking.instance == *instance)
            })
    }
}

/// How far a watch is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Readiness {
    /// The first list is not complete.
    Pending,
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
        self.object = self.object.filter(|object| object.annotation(names::TRACKING_ID).is_some());
        self
    }
}

/// Namespace and name.
pub(super) type Name = (String, String);

fn name_of(object: &Object) -> Name {
    (object.namespace().to_owned(), object.name().to_owned())
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
    subscribers: HashMap<u64, Subscriber>,
    next: u64,
}

/// One watch.
pub(super) struct Entry {
    detail: Detail,
    content: Mutex<Content>,
    pub(super) readiness: watch::Sender<Readiness>,
    pub(super) task: Mutex<Option<tokio::task::AbortHandle>>,
}

impl Entry {
    pub(super) fn new(detail: Detail) -> Self {
        Self {
            detail,
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

    pub(super) fn select(&self, is_wanted: impl Fn(&Object) -> bool) -> Vec<Arc<Object>> {
        self.content().objects.values().filter(|object| is_wanted(object)).cloned().collect()
    }

    /// Takes in what the watch says.
    pub(super) fn take(&self, event: WatchEvent<Kept>) {
        let kept = |kept: Kept| if self.detail == Detail::Tracked { kept.only_tracked() } else { kept };
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
                }
            }
        }
    }

    /// Wakes every subscriber.
    fn ring(&self) {
        self.content().subscribers.values().for_each(|subscriber| subscriber.bell.notify_one());
    }

    fn change(&self, name: &Name, object: Option<&Arc<Object>>) {
        let mut content = self.content();
        let before = match object {
            Some(object) => content.objects.insert(name.clone(), Arc::clone(object)),
            None => content.objects.remove(name),
        };
        let seen: Vec<&Arc<Object>> = before.iter().chain(object).collect();
        for subscriber in content.subscribers.values() {
            if seen.iter().any(|object| subscriber.interest.is_in(name, object)) {
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
    use serde_json::json;

    use super::*;

    fn config_map(name: &str, instance: Option<&str>) -> Kept {
        let mut metadata = json!({"namespace": "shop", "name": name});
        if let Some(instance) = instance {
            metadata["annotations"] = json!({ names::TRACKING_ID: format!("{instance}:/ConfigMap:shop/{name}") });
        }
        let kind = Kind::known("", "v1", "ConfigMap", "configmaps", true);
        Kept::from_json(&json!({ "metadata": metadata }).to_string(), &kind).unwrap()
    }

    fn names(entry: &Entry) -> Vec<String> {
        let mut names: Vec<_> = entry.select(|_| true).iter().map(|object| object.name().to_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_list_replaces_the_old_one_only_when_it_is_complete() {
        let entry = Entry::new(Detail::Full);
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
        let entry = Entry::new(Detail::Tracked);
        entry.take(WatchEvent::Applied(config_map("a", None)));
        entry.take(WatchEvent::Applied(config_map("b", Some("shop"))));
        assert_eq!(names(&entry), ["b"]);
        // It loses its tracking id.
        entry.take(WatchEvent::Applied(config_map("b", None)));
        assert!(names(&entry).is_empty());
    }

    #[tokio::test]
    async fn a_subscriber_is_woken_for_what_it_wants_and_for_what_it_loses() {
        let entry = Entry::new(Detail::Full);
        let bell = Arc::new(Notify::new());
        let interest = Interest { instance: Some("shop".into()), ..Interest::default() };
        let id = entry.subscribe(interest, Arc::clone(&bell));
        let rang = || futures::FutureExt::now_or_never(bell.notified()).is_some();
        entry.take(WatchEvent::Applied(config_map("a", Some("other"))));
        assert!(!rang());
        entry.take(WatchEvent::Applied(config_map("a", Some("shop"))));
        assert!(rang());
        entry.take(WatchEvent::Applied(config_map("a", None)));
        assert!(rang(), "it was its own before");
        entry.unsubscribe(id);
        entry.take(WatchEvent::Applied(config_map("a", Some("shop"))));
        assert!(!rang());
    }
}
