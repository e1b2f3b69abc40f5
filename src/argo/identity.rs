//! What a cluster is called on disk: the UID of its namespace kube-system once that is known, the context until then.
//! Contexts are renamed, several may lead to one cluster, and in two kubeconfigs one name may mean two clusters.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;
use crate::domain::application::AppKey;

/// How long a look at the disk waits for the cluster to say who it is.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Known {
    /// The cluster was not asked yet.
    No,
    /// The UID; `None`: it cannot be had.
    Yes(Option<Arc<str>>),
}

/// What a cluster is called on disk. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Identity(pub watch::Receiver<Known>);

impl Identity {
    /// The key under which new things of an application are kept.
    pub(super) fn stored(&self, key: &AppKey) -> AppKey {
        match &*self.0.borrow() {
            Known::Yes(Some(uid)) => {
                AppKey { cluster: Arc::clone(uid), namespace: Arc::clone(&key.namespace), name: Arc::clone(&key.name) }
            }
            _ => key.clone(),
        }
    }

    /// The keys under which something may be kept: before its UID was known, a cluster had only its context's name.
    pub(super) fn all(&self, key: &AppKey) -> Vec<AppKey> {
        let stored = self.stored(key);
        if stored == *key { vec![stored] } else { vec![key.clone(), stored] }
    }

    /// Waits until the cluster was asked.
    pub(super) async fn settled(&mut self, clock: &Clock) {
        let _ = clock.timeout(PATIENCE, self.0.wait_for(|known| *known != Known::No)).await;
    }
}
