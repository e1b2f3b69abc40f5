//! Deleting what an application deployed: the highest wave first, and the next when that is gone.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::cluster;
use crate::domain::application::Application;
use crate::domain::hook::{Classification, DeletePhase, classify, wave};
use crate::domain::manifest::Object;
use crate::domain::names;
use crate::domain::plan::{Lookup, Propagation};
use crate::domain::sync_options::{Removal, SyncOptions, delete, prune};
use crate::engine::inventory::Inventory;
use crate::engine::mailbox::Mailbox;
use crate::engine::operate::Place;
use crate::engine::perform::Performer;
use crate::engine::problem::Problem;
use crate::engine::shared::Shared;

/// Deletes the objects of the next wave. `true`: nothing is left that may be deleted. The bell rings for what is left as
/// long as the inventory is kept.
pub(super) async fn cascade(
    shared: &Shared,
    mailbox: &Mailbox,
    application: &Application,
    place: &Place,
    propagation: Propagation,
) -> Result<(bool, Inventory), Problem> {
    let destination = &place.destination;
    let failed = |error: &cluster::ClusterError| {
        let problem = destination.problem(error);
        if problem.transient { problem } else { Problem::deletion(problem.message) }
    };
    let known = destination.known().await.map_err(|error| failed(&error))?;
    let instance = shared.instance(&application.key);
    let mut namespaces: BTreeSet<String> =
        application.status.resources.iter().map(|resource| resource.namespace.clone()).collect();
    namespaces.insert(application.spec.destination.namespace.clone());
    let bell = &mailbox.bell;
    let inventory = Inventory::open(&shared.pool, destination, application, &instance, &namespaces, bell).await;
    let inventory = inventory.map_err(|error| failed(&error))?;
    let policy = SyncOptions::from_list(application.spec.sync_policy.sync_options.iter().map(String::as_str));
    let approved = is_approved(application);
    let mut left: Vec<Arc<Object>> = Vec::new();
    for object in inventory.objects() {
        let key = object.key();
        let lookup = known.plan_kinds.lookup(&key.group, object.version(), &key.kind);
        let namespaced = !matches!(lookup, Lookup::Known { namespaced: false });
        let is_itself = key.kind == "Application" && object.uid() == application.metadata.uid;
        let is_permitted = place.permits(&key, namespaced).is_ok();
        if is_itself || key.kind == "CustomResourceDefinition" || !is_permitted || is_delete_hook(&object) {
            continue;
        }
        let needs_approval = [delete(&object, &policy), prune(&object, &policy)].contains(&Removal::AfterConfirmation);
        if delete(&object, &policy) == Removal::Refused {
            continue;
        }
        if needs_approval && !approved {
            return Err(Problem::deletion(format!("waiting for confirmation to delete {key}")));
        }
        left.push(object);
    }
    let Some(last) = left.iter().map(|object| wave(object)).max() else { return Ok((true, inventory)) };
    let performer = Performer {
        destination,
        kinds: &known.kinds,
        clock: &shared.clock,
        parallel: shared.options.parallel_requests,
    };
    for object in left.iter().filter(|object| wave(object) == last) {
        // Of a hook whose operation did not come to its end. Nobody else would remove it.
        if object.finalizers().any(|finalizer| finalizer == names::HOOK_FINALIZER) {
            performer.let_go(&object.key(), object.uid()).await;
        }
        if object.is_deleting() {
            continue;
        }
        let Some(kind) = known.kinds.find(object.group(), object.kind()) else { continue };
        let options = cluster::Delete {
            uid: object.uid().to_owned(),
            propagation: match propagation {
                Propagation::Foreground => cluster::Propagation::Foreground,
                Propagation::Background => cluster::Propagation::Background,
                Propagation::Orphan => cluster::Propagation::Orphan,
            },
            ..cluster::Delete::default()
        };
        match destination.cluster.delete(kind, object.namespace(), object.name(), &options).await {
            Ok(_) => {}
            // Another object of its name, or gone meanwhile: the watch will show it.
            Err(error) if error.is_conflict() => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    Ok((false, inventory))
}

/// Hooks of the deletion itself: those before it have just run, those after it are yet to come, and what becomes of them
/// their policies say.
fn is_delete_hook(object: &Object) -> bool {
    let phases = [DeletePhase::PreDelete, DeletePhase::PostDelete];
    matches!(classify(object), Classification::Hook(hook) if phases.into_iter().any(|phase| hook.runs_at(phase)))
}

/// Whether somebody approved the deletion after it was asked for.
fn is_approved(application: &Application) -> bool {
    let approved = application.metadata.annotations.get(names::DELETION_APPROVED);
    let approved: Option<Timestamp> = approved.and_then(|time| time.parse().ok());
    approved.is_some() && approved >= application.metadata.deletion_timestamp
}
