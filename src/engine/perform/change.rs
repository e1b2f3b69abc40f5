//! Deleting objects and removing finalizers.

use serde_json::json;

use super::performer::{Performer, may_pass, told};
use crate::cluster::{self, ClusterError, Patch, WriteOptions};
use crate::domain::manifest::ObjectKey;
use crate::domain::names;
use crate::domain::plan::Propagation;
use crate::domain::step::{Delete, DeleteResult};
use crate::engine::record::{MANAGER, version};

/// Deletes exactly the object that is meant: another of its name is left alone. An error: the cluster does not answer.
pub(super) async fn delete(performer: &Performer<'_>, delete: &Delete) -> Result<DeleteResult, ClusterError> {
    let kind = match performer.kind(&delete.object).await {
        Ok(Some(kind)) => kind,
        Ok(None) => return Ok(DeleteResult::Gone),
        Err(error) if may_pass(&error) => return Err(error),
        Err(error) => return Ok(DeleteResult::Failed(told(&error))),
    };
    let options = cluster::Delete {
        uid: delete.uid.clone(),
        propagation: propagation(delete.propagation),
        ..cluster::Delete::default()
    };
    let key = &delete.object;
    let send = || performer.cluster().delete(&kind, &key.namespace, &key.name, &options);
    Ok(match performer.repeat(send).await {
        Ok(true) => DeleteResult::Accepted,
        Ok(false) => DeleteResult::Gone,
        Err(error) if may_pass(&error) => return Err(error),
        // The precondition: an object of this UID is no more.
        Err(error) if error.is_conflict() => {
            let read = || performer.cluster().get(&kind, &key.namespace, &key.name);
            match performer.repeat(read).await {
                Ok(Some(object)) if object.uid() == delete.uid => DeleteResult::Failed(told(&error)),
                Ok(_) => DeleteResult::Gone,
                Err(error) if may_pass(&error) => return Err(error),
                Err(_) => DeleteResult::Failed(told(&error)),
            }
        }
        Err(error) => DeleteResult::Failed(told(&error)),
    })
}

pub(super) fn propagation(propagation: Propagation) -> cluster::Propagation {
    match propagation {
        Propagation::Foreground => cluster::Propagation::Foreground,
        Propagation::Background => cluster::Propagation::Background,
        Propagation::Orphan => cluster::Propagation::Orphan,
    }
}

/// Removes the hook finalizer from exactly the object that is meant. That it is gone, or has none, is fine. The outer
/// error: the cluster does not answer.
pub(super) async fn remove_finalizer(
    performer: &Performer<'_>,
    key: &ObjectKey,
    uid: &str,
) -> Result<Result<(), String>, ClusterError> {
    match release(performer, key, uid).await {
        Err(error) if may_pass(&error) => Err(error),
        answer => Ok(answer.map_err(|error| told(&error))),
    }
}

async fn release(performer: &Performer<'_>, key: &ObjectKey, uid: &str) -> Result<(), ClusterError> {
    let Some(kind) = performer.kind(key).await? else { return Ok(()) };
    loop {
        let read = || performer.cluster().get(&kind, &key.namespace, &key.name);
        let found = performer.repeat(read).await?;
        let Some(object) = found.filter(|object| object.uid() == uid) else { return Ok(()) };
        if !object.finalizers().any(|finalizer| finalizer == names::HOOK_FINALIZER) {
            return Ok(());
        }
        let rest: Vec<&str> = object.finalizers().filter(|finalizer| *finalizer != names::HOOK_FINALIZER).collect();
        let patch = Patch::Json(json!([
            {"op": "replace", "path": "/metadata/resourceVersion", "value": version(&object)},
            {"op": "add", "path": "/metadata/finalizers", "value": rest},
        ]));
        let options = WriteOptions { manager: MANAGER.to_owned(), ..WriteOptions::default() };
        let send = || performer.cluster().patch(&kind, &key.namespace, &key.name, &patch, &options);
        match performer.repeat(send).await {
            Ok(_) => return Ok(()),
            Err(error) if error.is_not_found() => return Ok(()),
            // It changed since it was read: look again.
            Err(error) if error.is_conflict() => {}
            Err(error) => return Err(error),
        }
    }
}
