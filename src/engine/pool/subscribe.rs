//! Subscribing to a shared watch.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures::StreamExt as _;
use tokio::sync::Notify;

use super::bells::Bells;
use super::entry::{Entry, Interest, Kept};
use super::tracked::Group;
use crate::cluster::{Cluster, ClusterError, Connection, Kind, Scope, Selectors, WatchOptions, watch};
use crate::domain::manifest::Object;

/// Pause before a kind is tried again that may not be looked through. Somebody who needs it asks earlier.
const REFUSED: Duration = Duration::from_secs(60);

/// What a watch keeps of a kind's objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Keeps {
    /// All of all of them.
    Whole,
    /// The metadata of all of them.
    Metadata,
    /// The metadata of tracked ones, and nothing of others.
    Tracked,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// Not only its server: a credential that is replaced is used from then on. Whoever has a watch keeps its connection.
    connection: Connection,
    group: String,
    version: String,
    plural: String,
    scope: Scope,
    keeps: Keeps,
}

#[derive(Default)]
pub(super) struct Shared {
    entries: HashMap<Key, Weak<Entry>>,
    /// By connection, scope, and whether its kinds live in namespaces.
    pub(super) groups: HashMap<(Connection, Scope, bool), Weak<Group>>,
}

impl Shared {
    /// The watch of a kind, opened if there is none, or if it was refused and is needed.
    pub(super) fn entry(
        &mut self,
        cluster: &Cluster,
        kind: &Kind,
        scope: &Scope,
        keeps: Keeps,
        bells: Option<&Arc<Bells>>,
        is_needed: bool,
    ) -> Arc<Entry> {
        let key = Key {
            connection: cluster.connection(),
            group: kind.group.clone(),
            version: kind.version.clone(),
            plural: kind.plural.clone(),
            scope: if kind.namespaced { scope.clone() } else { Scope::All },
            keeps,
        };
        let known = self.entries.get(&key).and_then(Weak::upgrade);
        known.filter(|entry| entry.rings(bells) && !(is_needed && entry.is_refused())).unwrap_or_else(|| {
            let entry = Arc::new(Entry::new(bells.cloned()));
            run(&entry, cluster, kind, &key.scope, keeps);
            self.entries.insert(key, Arc::downgrade(&entry));
            entry
        })
    }

    /// Forgets what was closed.
    pub(super) fn tidy(&mut self) {
        self.entries.retain(|_, entry| entry.strong_count() > 0);
        self.groups.retain(|_, group| group.strong_count() > 0);
    }
}

/// All watches. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Pool(pub(super) Arc<Mutex<Shared>>);

impl Pool {
    /// Subscribes to the objects of a kind. `bell` rings when one of interest changes, and when a list is complete.
    /// Needs a tokio runtime.
    pub(crate) fn subscribe(
        &self,
        cluster: &Cluster,
        kind: &Kind,
        scope: &Scope,
        interest: Interest,
        bell: Arc<Notify>,
    ) -> Subscription {
        self.open(cluster, kind, scope, Keeps::Whole, interest, bell)
    }

    /// As [`Pool::subscribe`], to the metadata of all of them: for those who only want to be told that something changed.
    pub(crate) fn notice(&self, cluster: &Cluster, kind: &Kind, scope: &Scope, bell: Arc<Notify>) -> Subscription {
        self.open(cluster, kind, scope, Keeps::Metadata, Interest { all: true, ..Interest::default() }, bell)
    }

    fn open(
        &self,
        cluster: &Cluster,
        kind: &Kind,
        scope: &Scope,
        keeps: Keeps,
        interest: Interest,
        bell: Arc<Notify>,
    ) -> Subscription {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A watch that was refused is tried again by the next one who asks.
        let entry = shared.entry(cluster, kind, scope, keeps, None, true);
        shared.tidy();
        let id = entry.subscribe(interest, bell);
        Subscription { entry, id }
    }
}

fn run(entry: &Arc<Entry>, cluster: &Cluster, kind: &Kind, scope: &Scope, keeps: Keeps) {
    let options = WatchOptions { metadata_only: keeps != Keeps::Whole, ..WatchOptions::default() };
    let (cluster, kind, scope, weak) = (cluster.clone(), kind.clone(), scope.clone(), Arc::downgrade(entry));
    let task = tokio::spawn(async move {
        loop {
            let mut events = pin!(watch::<Kept>(&cluster, &kind, &scope, &Selectors::default(), options));
            while let Some(event) = events.next().await {
                let Some(entry) = weak.upgrade() else { return };
                entry.take(event);
                // Of all the kinds that applications might have, most may not be looked through where rights are few.
                if keeps != Keeps::Whole && entry.is_refused() {
                    break;
                }
            }
            cluster.clock().sleep(REFUSED).await;
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
    /// Waits until what is there is known. An error: the cluster refuses (no right, no such kind), or fails again and
    /// again; that is tried for ever, and the bell rings once it succeeds.
    pub(crate) async fn ready(&self) -> Result<(), ClusterError> {
        self.entry.ready().await
    }

    /// One object, as last seen.
    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<Arc<Object>> {
        self.entry.get(&(namespace.to_owned(), name.to_owned()))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.entry.unsubscribe(self.id);
    }
}
