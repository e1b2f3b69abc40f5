//! Subscribing to a shared watch.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use futures::StreamExt as _;
use tokio::sync::Notify;

use super::entry::{Detail, Entry, Interest, Kept, Readiness};
use crate::cluster::{Cluster, ClusterError, Kind, Scope, Selectors, WatchOptions, watch};
use crate::domain::manifest::Object;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    server: String,
    group: String,
    version: String,
    plural: String,
    scope: Scope,
    detail: Detail,
}

/// All watches. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Pool(Arc<Mutex<HashMap<Key, Weak<Entry>>>>);

impl Pool {
    /// Subscribes to the objects of a kind. `bell` rings when one of interest changes, and when a list is complete.
    /// Needs a tokio runtime.
    pub(crate) fn subscribe(
        &self,
        cluster: &Cluster,
        kind: &Kind,
        scope: Scope,
        detail: Detail,
        interest: Interest,
        bell: Arc<Notify>,
    ) -> Subscription {
        let scope = if kind.namespaced { scope } else { Scope::All };
        let key = Key {
            server: cluster.server().to_owned(),
            group: kind.group.clone(),
            version: kind.version.clone(),
            plural: kind.plural.clone(),
            scope,
            detail,
        };
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = entries.get(&key).and_then(Weak::upgrade);
        // A watch that was refused is tried again by the next one who asks.
        let usable = known.filter(|entry| !matches!(&*entry.readiness.borrow(), Readiness::Refused(_)));
        let entry = usable.unwrap_or_else(|| {
            entries.retain(|_, entry| entry.strong_count() > 0);
            let entry = Arc::new(Entry::new(detail));
            run(&entry, cluster, kind, &key.scope, detail);
            entries.insert(key, Arc::downgrade(&entry));
            entry
        });
        let id = entry.subscribe(interest, bell);
        Subscription { entry, id }
    }
}

fn run(entry: &Arc<Entry>, cluster: &Cluster, kind: &Kind, scope: &Scope, detail: Detail) {
    let options = WatchOptions { metadata_only: detail == Detail::Tracked, ..WatchOptions::default() };
    let (cluster, kind, scope, weak) = (cluster.clone(), kind.clone(), scope.clone(), Arc::downgrade(entry));
    let task = tokio::spawn(async move {
        let mut events = pin!(watch::<Kept>(&cluster, &kind, &scope, &Selectors::default(), options));
        while let Some(event) = events.next().await {
            let Some(entry) = weak.upgrade() else { return };
            entry.take(event);
        }
    });
    *entry.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task.abort_handle());
}

/// A share in a watch. Dropping it gives it up.
pub(crate) struct Subscription {
    entry: Arc<Entry>,
    id: u64,
}

impl Subscription {
    /// Waits until what is there is known. An error: the cluster refuses (no right, no such kind). Connections that
    /// fail are tried again for ever.
    pub(crate) async fn ready(&self) -> Result<(), ClusterError> {
        let mut readiness = self.entry.readiness.subscribe();
        let ready = readiness.wait_for(|readiness| *readiness != Readiness::Pending).await;
        match ready.as_deref() {
            Ok(Readiness::Refused(error)) => Err(error.clone()),
            // The sender lives in the entry, which lives as long as this.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// One object, as last seen.
    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<Arc<Object>> {
        self.entry.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// All objects that are wanted, as last seen, in no order.
    pub(crate) fn select(&self, is_wanted: impl Fn(&Object) -> bool) -> Vec<Arc<Object>> {
        self.entry.select(is_wanted)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.entry.unsubscribe(self.id);
    }
}
