//! Everything that is tracked to an application, of all kinds: one share in watches that all applications have together.

use std::sync::{Arc, PoisonError};

use tokio::sync::Notify;

use super::bells::Bells;
use super::entry::Entry;
use super::subscribe::{Keeps, Pool, Shared};
use crate::cluster::{Cluster, ClusterError, Kind, Kinds, Scope};
use crate::domain::manifest::Object;

/// Where to look.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The cluster.
    pub(crate) cluster: &'a Cluster,
    /// Its kinds.
    pub(crate) kinds: &'a Arc<Kinds>,
    /// Whether a kind is looked through at all.
    pub(crate) is_wanted: fn(&Kind) -> bool,
    /// Kinds in namespaces, or those outside.
    pub(crate) namespaced: bool,
    /// Which namespaces.
    pub(crate) scope: &'a Scope,
}

/// The watches of one place, of the metadata of what is tracked to anybody.
pub(super) struct Group {
    kinds: Arc<Kinds>,
    watches: Vec<(Kind, Arc<Entry>)>,
    bells: Arc<Bells>,
}

impl Group {
    fn open(shared: &mut Shared, place: &Place<'_>, before: Option<&Self>, is_needed: impl Fn(&Kind) -> bool) -> Self {
        let bells = before.map(|group| Arc::clone(&group.bells)).unwrap_or_default();
        // Of a kind that is served in several versions, the first is the preferred one.
        let mut seen = std::collections::HashSet::new();
        let kinds = place.kinds.iter().filter(|kind| kind.namespaced == place.namespaced && (place.is_wanted)(kind));
        let kinds = kinds.filter(|kind| seen.insert((kind.group.as_str(), kind.kind.as_str())));
        let watches = kinds
            .map(|kind| {
                let entry =
                    shared.entry(place.cluster, kind, place.scope, Keeps::Tracked, Some(&bells), is_needed(kind));
                (kind.clone(), entry)
            })
            .collect();
        Self { kinds: Arc::clone(place.kinds), watches, bells }
    }
}

impl Pool {
    /// Subscribes to everything in a place that is tracked to an instance. `bell` rings when any of it changes, and when
    /// a list is complete. A kind that may not be looked through is tried again at once where it is needed, else now and
    /// then. Needs a tokio runtime.
    pub(crate) fn tracked(
        &self,
        place: &Place<'_>,
        is_needed: impl Fn(&Kind) -> bool,
        instance: &str,
        bell: Arc<Notify>,
    ) -> Tracked {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (place.cluster.connection(), place.scope.clone(), place.namespaced);
        let known = shared.groups.get(&key).and_then(std::sync::Weak::upgrade);
        let is_usable = |group: &&Arc<Group>| {
            let mut watches = group.watches.iter();
            Arc::ptr_eq(&group.kinds, place.kinds)
                && !watches.any(|(kind, entry)| entry.is_refused() && is_needed(kind))
        };
        let group = known.as_ref().filter(is_usable).cloned().unwrap_or_else(|| {
            let group = Arc::new(Group::open(&mut shared, place, known.as_deref(), &is_needed));
            shared.groups.insert(key, Arc::downgrade(&group));
            shared.tidy();
            group
        });
        let id = group.bells.add(instance, bell);
        Tracked { group, instance: instance.to_owned(), id }
    }
}

/// What is tracked to one instance in one place. Dropping it gives the share up.
pub(crate) struct Tracked {
    group: Arc<Group>,
    instance: String,
    id: u64,
}

impl Tracked {
    /// Waits until everything is known; the kinds that the cluster refuses, with its reasons.
    pub(crate) async fn ready(&self) -> Vec<(&Kind, ClusterError)> {
        let mut refused = Vec::new();
        for (kind, entry) in &self.group.watches {
            if let Err(error) = entry.ready().await {
                refused.push((kind, error));
            }
        }
        refused
    }

    /// The metadata of what is tracked to the instance, as last seen, in no order.
    pub(crate) fn objects(&self) -> impl Iterator<Item = Arc<Object>> + use<'_> {
        self.group.watches.iter().flat_map(|(_, entry)| entry.of_instance(&self.instance))
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.group.bells.remove(&self.instance, self.id);
    }
}
