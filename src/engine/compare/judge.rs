//! Whether one object is as its manifest says: by a dry run of what a sync would do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::ignore::{Rule, differs, forgets};
use super::owned::drops;
use crate::cluster::{Apply, Cluster, ClusterError, Kind, WriteOptions};
use crate::domain::application::SyncStatus;
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::sync_options::SyncOptions;
use crate::engine::perform::{is_not_in_schema, known_part};
use crate::engine::record::{MANAGER, version};

/// Managers whose fields a sync takes over.
const ARGO_CD: &str = "argocd-controller";
const KUBECTL: &str = "kubectl-client-side-apply";

/// What dry runs said of versions of objects, so that an object that did not change is not tried again.
#[derive(Default)]
pub(super) struct Judged(Mutex<HashMap<ObjectKey, Answer>>);

/// Version of the live object, manifest, and what a dry run said of the two.
type Answer = (String, Arc<Object>, SyncStatus);

impl Judged {
    fn get(&self, key: &ObjectKey, live: &Object, target: &Arc<Object>) -> Option<SyncStatus> {
        let judged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, manifest, status) = judged.get(key)?;
        (known == version(live) && (Arc::ptr_eq(manifest, target) || manifest == target)).then_some(*status)
    }

    fn put(&self, key: &ObjectKey, live: &Object, target: &Arc<Object>, status: SyncStatus) {
        let mut judged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        judged.insert(key.clone(), (version(live).to_owned(), Arc::clone(target), status));
    }

    /// Forgets all but these objects.
    pub(super) fn keep(&self, is_kept: impl Fn(&ObjectKey) -> bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|key, _| is_kept(key));
    }
}

/// One object of Git.
pub(super) struct Question<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) kind: &'a Kind,
    pub(super) key: &'a ObjectKey,
    pub(super) target: &'a Arc<Object>,
    pub(super) rules: &'a [Rule],
    /// The options of the sync that would follow.
    pub(super) options: &'a SyncOptions,
    pub(super) judged: &'a Judged,
}

impl Question<'_> {
    /// The answer, and the object as it is now; `None`: there is none. `seen` is what a watch said, which may be late.
    pub(super) async fn ask(
        &self,
        seen: Option<Arc<Object>>,
    ) -> Result<(SyncStatus, Option<Arc<Object>>), ClusterError> {
        let live = match seen {
            Some(live) => live,
            None => match self.read().await? {
                Some(live) => live,
                None => return Ok((SyncStatus::OutOfSync, None)),
            },
        };
        if let Some(status) = self.judged.get(self.key, &live, self.target) {
            return Ok((status, Some(live)));
        }
        let predicted = match self.dry_run(&live).await {
            Ok(predicted) => predicted,
            // A field that cannot be changed, or a manifest that is refused: it is not what lives there.
            Err(error)
                if is_not_in_schema(&error) || error.api().is_some_and(|status| matches!(status.code, 400 | 422)) =>
            {
                self.judged.put(self.key, &live, self.target, SyncStatus::OutOfSync);
                return Ok((SyncStatus::OutOfSync, Some(live)));
            }
            Err(error) => return Err(error),
        };
        let live = if version(&predicted) == version(&live) && predicted.uid() == live.uid() {
            live
        } else {
            match self.read().await? {
                Some(live) => live,
                None => return Ok((SyncStatus::OutOfSync, None)),
            }
        };
        let is_other = differs(&live, &predicted, self.rules) || self.would_drop(&live).await?;
        let status = if is_other { SyncStatus::OutOfSync } else { SyncStatus::Synced };
        if version(&predicted) == version(&live) {
            self.judged.put(self.key, &live, self.target, status);
        }
        Ok((status, Some(live)))
    }

    async fn read(&self) -> Result<Option<Arc<Object>>, ClusterError> {
        let found = self.cluster.get(self.kind, &self.key.namespace, &self.key.name).await?;
        Ok(found.map(Arc::new))
    }

    async fn dry_run(&self, live: &Object) -> Result<Object, ClusterError> {
        // What Argo CD applied server-side is tried in its name, so that fields that Git has no more disappear.
        let manager =
            if manages(live, ARGO_CD, "Apply") && !manages(live, MANAGER, "Apply") { ARGO_CD } else { MANAGER };
        let options = WriteOptions { dry_run: true, manager: manager.to_owned(), ..WriteOptions::default() };
        let target = self.located();
        let applied = self.cluster.apply(self.kind, &target, &Apply { force: true, options: options.clone() }).await;
        match applied {
            // As a sync with `Validate=false` does it.
            Err(error) if is_not_in_schema(&error) && !self.validates() => {
                let known = known_part(self.cluster, self.kind, &target, &options).await?;
                self.cluster.apply(self.kind, &known, &Apply { force: true, options }).await
            }
            applied => applied,
        }
    }

    fn validates(&self) -> bool {
        let option = "Validate=false";
        !self.options.has(option) && !SyncOptions::of_object(self.target).has(option)
    }

    /// The manifest where it belongs.
    fn located(&self) -> Object {
        let mut target = Object::clone(self.target);
        if let Some(metadata) = target.as_json_mut().get_mut("metadata").and_then(Value::as_object_mut)
            && !self.key.namespace.is_empty()
        {
            metadata.insert("namespace".to_owned(), self.key.namespace.as_str().into());
        }
        target
    }

    /// Whether a field lives that a sync would take over and then drop, although no apply of ours put it there.
    async fn would_drop(&self, live: &Object) -> Result<bool, ClusterError> {
        let migrates = !self.options.has("ClientSideApplyMigration=false");
        let is_former = |entry: &Value| {
            let manager = entry["manager"].as_str().unwrap_or_default();
            let is_one = [ARGO_CD, MANAGER].contains(&manager) || (manager == KUBECTL && migrates);
            is_one && entry["operation"] == "Update" && entry["subresource"].is_null()
        };
        if !managers(live).any(is_former) {
            return Ok(false);
        }
        let mut target = self.located();
        if let Some(metadata) = target.as_json_mut().get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("resourceVersion".to_owned(), version(live).into());
        }
        let options = WriteOptions { dry_run: true, manager: MANAGER.to_owned(), ..WriteOptions::default() };
        let is_ours = |entry: &Value| is_former(entry) || entry["manager"] == MANAGER;
        match self.cluster.replace(self.kind, &target, &options).await {
            Ok(put) => Ok(drops(live, &put, is_ours, self.rules)),
            Err(error) if error.is_transient() || error.is_outcome_unknown() => Err(error),
            // A field that cannot be changed, or no right to replace: what kubectl wrote down is all there is.
            Err(_) => Ok(forgets(live, self.target)),
        }
    }
}

fn managers(live: &Object) -> impl Iterator<Item = &Value> {
    live.at(&["metadata", "managedFields"]).and_then(Value::as_array).into_iter().flatten()
}

fn manages(live: &Object, manager: &str, operation: &str) -> bool {
    let mut own = managers(live).filter(|entry| entry["manager"] == manager && entry["operation"] == operation);
    own.next().is_some()
}
