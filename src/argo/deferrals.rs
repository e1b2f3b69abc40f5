//! Approvals that somebody put off: kept under the cluster's identity, told under the name it has here.

use std::sync::Arc;

use super::handle::Live;
use crate::domain::application::AppKey;
use crate::store::{Deferral, Deferrals, State, StoreError};

impl Live {
    /// The approvals that were put off, of this cluster by its name here ([`AppKey::cluster`]), also if its context had
    /// another name then.
    pub async fn deferrals(&self) -> Result<Vec<Deferral>, StoreError> {
        self.change_deferrals(|_, _| Ok(())).await
    }

    /// Puts an approval off; an earlier one of the same application is replaced. All that are put off then.
    pub async fn defer(&self, deferral: Deferral) -> Result<Vec<Deferral>, StoreError> {
        let key = AppKey::new(self.cluster().clone(), deferral.namespace.as_str(), deferral.application.as_str());
        self.change_deferrals(move |deferrals, live| {
            for earlier in live.identity().all(&key) {
                deferrals.remove(&earlier)?;
            }
            deferrals.put(Deferral { cluster: live.stored(&key).cluster.to_string(), ..deferral })
        })
        .await
    }

    /// An application is approved, or asked for again. All that are put off then.
    pub async fn take_back(&self, key: &AppKey) -> Result<Vec<Deferral>, StoreError> {
        let key = key.clone();
        self.change_deferrals(move |deferrals, live| {
            live.identity().all(&key).iter().try_for_each(|key| deferrals.remove(key))
        })
        .await
    }

    async fn change_deferrals(
        &self,
        change: impl FnOnce(&Deferrals, &Self) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<Vec<Deferral>, StoreError> {
        let Some(root) = self.state_folder() else { return Err(StoreError::Off) };
        let deferrals = Deferrals::new(&State::new(root));
        self.identity().clone().settled(self.clock()).await;
        let live = self.clone();
        let work = move || {
            change(&deferrals, &live)?;
            let any = AppKey::new(live.cluster().clone(), "", "");
            let names: Vec<Arc<str>> = live.identity().all(&any).into_iter().map(|key| key.cluster).collect();
            let mut all = deferrals.all()?;
            for deferral in &mut all {
                if names.iter().any(|name| **name == *deferral.cluster) {
                    deferral.cluster = live.cluster().to_string();
                }
            }
            Ok(all)
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|error| Err(StoreError::Unreadable { path: String::new(), reason: error.to_string() }))
    }
}
