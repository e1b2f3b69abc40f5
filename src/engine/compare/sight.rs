//! What a comparison sees of the cluster, and whether that has changed since.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashSet};
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use tokio::sync::Notify;

use crate::cluster::ClusterError;
use crate::domain::application::Application;
use crate::domain::manifest::{Object, ObjectKey};
use crate::engine::destination::{Destination, Known};
use crate::engine::inventory::Inventory;
use crate::engine::operate::{World, namespaces};
use crate::engine::record::version;
use crate::engine::shared::Shared;

/// The watches of one comparison. They stay open until the next one, so that the bell rings for what changes.
pub(super) struct Sight {
    inventory: Inventory,
    world: World,
    keys: HashSet<ObjectKey>,
}

impl Sight {
    /// Subscribes to everything that has to do with an application, and waits until it is known. `keys`: the manifests'.
    pub(super) async fn open(
        shared: &Shared,
        application: &Application,
        destination: &Destination,
        known: &Known,
        keys: HashSet<ObjectKey>,
        bell: &Arc<Notify>,
    ) -> Result<Self, ClusterError> {
        let instance = shared.instance(&application.key);
        let mut everywhere = namespaces(keys.iter());
        everywhere.insert(application.spec.destination.namespace.clone());
        everywhere.extend(application.status.resources.iter().map(|resource| resource.namespace.clone()));
        let inventory = Inventory::open(&shared.pool, destination, application, &instance, &everywhere, bell).await?;
        let mut all = keys.clone();
        all.extend(inventory.objects().iter().map(|object| object.key()));
        let world = World::open(&shared.pool, destination, &known.kinds, &instance, &all, bell).await?;
        world.ready().await?;
        Ok(Self { inventory, world, keys })
    }

    /// An object with all its fields.
    pub(super) fn get(&self, key: &ObjectKey) -> Option<Arc<Object>> {
        self.world.get(key)
    }

    /// What belongs to the application, and what lives under its manifests' keys; metadata alone where a kind was
    /// nobody's before.
    pub(super) fn objects(&self) -> BTreeMap<ObjectKey, Arc<Object>> {
        let own = self.inventory.objects().into_iter().map(|object| (object.key(), object));
        let mut objects: BTreeMap<_, _> = own.collect();
        let keys: Vec<ObjectKey> = objects.keys().chain(&self.keys).cloned().collect();
        for key in keys {
            if let Some(object) = self.world.get(&key) {
                objects.insert(key, object);
            }
        }
        objects
    }

    /// Another number when any of the objects is another version, or another object.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for (key, object) in self.objects() {
            (key, object.uid(), version(&object)).hash(&mut hasher);
        }
        hasher.finish()
    }
}
