//! What an operation sees of the cluster: watches of the kinds that its manifests have.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use tokio::sync::Notify;

use crate::cluster::{ClusterError, Kinds, Scope};
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::plan::Plan;
use crate::engine::destination::Destination;
use crate::engine::pool::{Interest, Pool, Subscription};

/// Group, kind and namespace of a watch; the namespace is empty outside of namespaces.
type Place = (String, String, String);

/// Full objects of the kinds that an operation applies.
pub(crate) struct World {
    watches: HashMap<Place, Subscription>,
}

impl World {
    /// Subscribes to the kinds and namespaces of these keys. Kinds that do not exist (yet) are left out.
    pub(crate) async fn open(
        pool: &Pool,
        destination: &Destination,
        kinds: &Kinds,
        instance: &str,
        keys: &HashSet<ObjectKey>,
        bell: &Arc<Notify>,
    ) -> Result<Self, ClusterError> {
        let mut places: BTreeMap<Place, HashSet<(String, String)>> = BTreeMap::new();
        for key in keys {
            let place = (key.group.clone(), key.kind.clone(), key.namespace.clone());
            places.entry(place).or_default().insert((key.namespace.clone(), key.name.clone()));
        }
        let mut watches = HashMap::new();
        for (place, names) in places {
            let Some(kind) = kinds.find(&place.0, &place.1) else { continue };
            if !kind.can("list") || !kind.can("watch") {
                continue;
            }
            let scope = if kind.namespaced { destination.scope(&place.2).await? } else { Scope::All };
            let interest = Interest { names, instance: Some(instance.to_owned()), all: false };
            let cluster = &destination.cluster;
            let watch = pool.subscribe(cluster, kind, &scope, interest, Arc::clone(bell));
            watches.insert(place, watch);
        }
        Ok(Self { watches })
    }

    /// Waits until everything is known.
    pub(crate) async fn ready(&self) -> Result<(), ClusterError> {
        for watch in self.watches.values() {
            watch.ready().await?;
        }
        Ok(())
    }

    /// An object, as last seen.
    pub(crate) fn get(&self, key: &ObjectKey) -> Option<Arc<Object>> {
        let place = (key.group.clone(), key.kind.clone(), key.namespace.clone());
        self.watches.get(&place)?.get(&key.namespace, &key.name)
    }

    /// The objects under the keys of a plan's tasks.
    pub(crate) fn objects(&self, plan: &Plan) -> HashMap<ObjectKey, Arc<Object>> {
        let tasks = plan.tasks.iter();
        tasks.filter_map(|task| Some((task.object.clone(), self.get(&task.object)?))).collect()
    }
}

/// The namespaces of keys.
pub(crate) fn namespaces<'a>(keys: impl Iterator<Item = &'a ObjectKey>) -> BTreeSet<String> {
    keys.map(|key| key.namespace.clone()).filter(|namespace| !namespace.is_empty()).collect()
}
