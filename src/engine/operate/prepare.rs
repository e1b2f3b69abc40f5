//! From an operation to its plan: sources, manifests, live objects.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::Notify;

use super::world::{World, namespaces};
use crate::cluster::Kind;
use crate::domain::application::{Application, Source};
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::operation::{OperationState, SyncRequest, SyncResult};
use crate::domain::plan::{self, Lookup, Permission, Plan, PlanInput};
use crate::domain::project::Project;
use crate::domain::step::record_manifests;
use crate::domain::sync_options::SyncOptions;
use crate::domain::tracking::TrackingId;
use crate::engine::compare::{Rule, Sieve, with_ignored};
use crate::engine::destination::{Destination, Known};
use crate::engine::inventory::Inventory;
use crate::engine::problem::Problem;
use crate::engine::project::{Reading, project_of};
use crate::engine::shared::Shared;
use crate::engine::targets::{Fetch, SourcePath, Targets, Wanted, check_spec, local, read_spec, targets};

/// Where an operation goes, and what may be done there.
pub(crate) struct Place {
    /// The cluster.
    pub(crate) destination: Arc<Destination>,
    /// The project.
    pub(crate) project: Project,
}

impl Place {
    /// Whether an object may be deployed there; the words with which Argo CD refuses it.
    pub(crate) fn permits(&self, key: &ObjectKey, namespaced: bool) -> Result<(), String> {
        let Destination { server, name, .. } = &*self.destination;
        self.project.permits_object(key, namespaced, server, name)?;
        self.destination.permits(key, namespaced)
    }
}

/// An operation that can be stepped.
pub(super) struct Prepared {
    pub(super) plan: Plan,
    pub(super) known: Known,
    pub(super) world: World,
    /// Kept open, so that the next operation or comparison finds it ready.
    _inventory: Inventory,
}

/// Where the application goes.
pub(crate) async fn place(
    shared: &Shared,
    object: &Object,
    application: &Application,
    reading: Reading,
) -> Result<Place, Problem> {
    check_spec(object)?;
    read_spec(object)?;
    let destination = shared.destinations.resolve(&application.spec.destination).await?;
    let project = project_of(shared, application, reading).await?;
    Ok(Place { destination, project })
}

/// The manifests of an operation, at the revisions it is pinned to or else at those its request or the spec means.
pub(super) async fn manifests(
    shared: &Shared,
    application: &Application,
    place: &Place,
    state: &OperationState,
    fetch: Fetch,
) -> Result<Targets, Problem> {
    let Some(request) = &state.operation.sync else { return Err(Problem::invalid_spec("no operation specified")) };
    if !request.manifests.is_empty() {
        return local(shared, application, &request.manifests);
    }
    let (sources, written) = sources(application, request);
    let revisions = revisions(application, request, state.sync_result.as_ref());
    let wanted = Wanted {
        application,
        project: &place.project,
        destination: &place.destination,
        sources: &sources,
        written,
        revisions: &revisions,
        fetch,
    };
    targets(shared, &wanted).await
}

fn sources(application: &Application, request: &SyncRequest) -> (Vec<Source>, SourcePath) {
    let read = |value: &Value| Source::from_json(value).0;
    if !request.sources.is_empty() {
        (request.sources.iter().map(read).collect(), SourcePath::of_request(true))
    } else if let Some(source) = &request.source {
        (vec![read(source)], SourcePath::of_request(false))
    } else {
        (application.spec.effective_sources().to_vec(), SourcePath::of_spec(application))
    }
}

/// What is pinned beats what is asked for. A list of another length than the sources is ignored, as in Argo CD.
fn revisions(application: &Application, request: &SyncRequest, result: Option<&SyncResult>) -> Vec<String> {
    let count = sources(application, request).0.len();
    let lists = [
        result.map(|result| result.revisions.clone()).unwrap_or_default(),
        result.map(|result| vec![result.revision.clone()]).unwrap_or_default(),
        request.revisions.clone(),
        vec![request.revision.clone()],
    ];
    let is_usable = |list: &Vec<String>| list.len() == count && list.iter().all(|revision| !revision.is_empty());
    lists.into_iter().find(is_usable).unwrap_or_default()
}

/// Pins a state to the revisions of its manifests and records their digest, so that every attempt, and whoever resumes
/// it, applies the same.
pub(super) fn pin(application: &Application, state: &mut OperationState, targets: &Targets) {
    let request = state.operation.sync.clone().unwrap_or_default();
    let result = state.sync_result.get_or_insert_with(SyncResult::default);
    let several = !request.sources.is_empty() || (request.source.is_none() && application.spec.has_multiple_sources());
    let (sources, _) = sources(application, &request);
    if several {
        result.revisions.clone_from(&targets.revisions);
        result.sources = sources.into_iter().map(|source| source.written).collect();
    } else {
        result.revision = targets.revisions.first().cloned().unwrap_or_default();
        result.source = sources.into_iter().next().map(|source| source.written);
    }
    record_manifests(state, &targets.digest);
}

/// Makes the plan of an operation, and opens the watches it needs.
pub(super) async fn prepare(
    shared: &Shared,
    application: &Application,
    place: &Place,
    state: &OperationState,
    targets: &Targets,
    bell: &Arc<Notify>,
) -> Result<Prepared, Problem> {
    let destination = &place.destination;
    let failed = |error| destination.problem(&error);
    let Some(request) = &state.operation.sync else { return Err(Problem::invalid_spec("no operation specified")) };
    let instance = shared.instance(&application.key);
    let mut known = destination.known().await.map_err(failed)?;
    // A definition may be gone, and the kinds with it that are to come back.
    let is_open = |target: &Arc<Object>| is_missing(&known, target) || target.kind() == "CustomResourceDefinition";
    if targets.objects.iter().any(is_open) {
        known = destination.rediscover().await.map_err(failed)?;
    }
    for target in &targets.objects {
        known.kinds.look_up(target.group(), target.kind()).map_err(failed)?;
    }
    let namespace = &application.spec.destination.namespace;
    refuse_unmanaged(destination, &known, &targets.objects, namespace)?;
    let keys: HashSet<ObjectKey> = targets.objects.iter().map(|target| key_in(&known, target, namespace)).collect();
    let mut everywhere = namespaces(keys.iter());
    everywhere.insert(namespace.clone());
    everywhere.extend(application.status.resources.iter().map(|resource| resource.namespace.clone()));
    let inventory = Inventory::open(&shared.pool, destination, application, &instance, &everywhere, bell);
    let inventory = inventory.await.map_err(failed)?;
    let world = World::open(&shared.pool, destination, &known.kinds, &instance, &keys, bell).await.map_err(failed)?;
    world.ready().await.map_err(failed)?;
    let options = SyncOptions::from_list(request.sync_options.iter().map(String::as_str));
    let live = live(&world, &inventory, &keys, place, &known);
    if options.has("FailOnSharedResource=true") {
        refuse_shared(&live, &keys, &instance)?;
    }
    let live_namespace = if options.has("CreateNamespace=true") && !namespace.is_empty() {
        let kind = Kind::known("", "v1", "Namespace", "namespaces", false);
        destination.cluster.get(&kind, "", namespace).await.map_err(failed)?.map(Arc::new)
    } else {
        None
    };
    let permits = |key: &ObjectKey, namespaced: bool| place.permits(key, namespaced);
    let revisions = state.sync_result.as_ref();
    let rules = Rule::of_spec(&application.spec.ignore_differences);
    let respects = options.has("RespectIgnoreDifferences=true");
    let wanted: Vec<Arc<Object>> = (targets.objects.iter())
        .map(|target| match world.get(&key_in(&known, target, namespace)).filter(|_| respects) {
            Some(live) => with_ignored(target, &live, &rules),
            None => Arc::clone(target),
        })
        .collect();
    let out_of_sync = if options.has("ApplyOutOfSyncOnly=true") {
        let parallel = shared.options.parallel_requests;
        let (known, world, rules, options) = (&known, &world, &rules[..], &options);
        let sieve = Sieve { destination, known, world, rules, options, namespace, parallel };
        let mut differing = sieve.differing(&wanted).await?;
        // What this operation applied is its own to wait for, although it does not differ any more.
        let recorded = revisions.into_iter().flat_map(|result| &result.resources);
        for key in recorded.map(|result| &result.key) {
            differing.extend([key.clone(), ObjectKey { namespace: String::new(), ..key.clone() }]);
        }
        Some(differing)
    } else {
        None
    };
    let plan = plan::plan(&PlanInput {
        targets: &wanted,
        live: &live,
        kinds: &known.plan_kinds,
        request,
        destination_namespace: namespace,
        live_namespace: live_namespace.as_ref(),
        namespace_metadata: application.spec.sync_policy.managed_namespace_metadata.as_ref(),
        revision: revisions.map_or("", |result| result.revision.as_str()),
        started_at: state.started_at.unwrap_or_default(),
        permission: Permission::Ask(&permits),
        out_of_sync: out_of_sync.as_ref(),
        recorded: Some(state),
        unique_names: true,
    });
    // Names that were generated are known only now.
    let all: HashSet<ObjectKey> = plan.tasks.iter().map(|task| task.object.clone()).chain(keys).collect();
    let world = World::open(&shared.pool, destination, &known.kinds, &instance, &all, bell).await.map_err(failed)?;
    world.ready().await.map_err(failed)?;
    Ok(Prepared { plan, known, world, _inventory: inventory })
}

/// Whether the cluster does not serve a manifest's kind.
pub(crate) fn is_missing(known: &Known, target: &Object) -> bool {
    let lookup = known.plan_kinds.lookup(target.group(), target.version(), target.kind());
    !matches!(lookup, Lookup::Known { .. })
}

/// The key that a target has in the cluster.
pub(crate) fn key_in(known: &Known, target: &Object, destination_namespace: &str) -> ObjectKey {
    let mut key = target.key();
    let lookup = known.plan_kinds.lookup(target.group(), target.version(), target.kind());
    match lookup {
        Lookup::Known { namespaced: false } | Lookup::OtherVersion { namespaced: false, .. } => key.namespace.clear(),
        _ if key.namespace.is_empty() => destination_namespace.clone_into(&mut key.namespace),
        _ => {}
    }
    key
}

/// An error where a manifest is outside of what is managed of a cluster.
pub(crate) fn refuse_unmanaged(
    destination: &Destination,
    known: &Known,
    targets: &[Arc<Object>],
    destination_namespace: &str,
) -> Result<(), Problem> {
    targets.iter().try_for_each(|target| {
        let key = key_in(known, target, destination_namespace);
        let permitted = destination.permits(&key, !key.namespace.is_empty());
        permitted.map_err(|reason| Problem::comparison(reason, false))
    })
}

/// What lives under the keys of the targets, and what else belongs to the application and the project permits.
fn live(
    world: &World,
    inventory: &Inventory,
    keys: &HashSet<ObjectKey>,
    place: &Place,
    known: &Known,
) -> Vec<Arc<Object>> {
    let mut live: HashMap<ObjectKey, Arc<Object>> = HashMap::new();
    for object in inventory.objects() {
        let key = object.key();
        let lookup = known.plan_kinds.lookup(&key.group, object.version(), &key.kind);
        let namespaced = !matches!(lookup, Lookup::Known { namespaced: false });
        if place.permits(&key, namespaced).is_ok() {
            live.insert(key, object);
        }
    }
    for key in keys {
        match world.get(key) {
            Some(object) => drop(live.insert(key.clone(), object)),
            // A full watch knows more than one of metadata.
            None => drop(live.remove(key)),
        }
    }
    let mut live: Vec<_> = live.into_values().collect();
    live.sort_by_cached_key(|object| object.key());
    live
}

/// `FailOnSharedResource=true`: nothing is applied that another application has.
fn refuse_shared(live: &[Arc<Object>], keys: &HashSet<ObjectKey>, instance: &str) -> Result<(), Problem> {
    for object in live.iter().filter(|object| keys.contains(&object.key())) {
        if let Some(tracking) = TrackingId::of_object(object)
            && tracking.instance != instance
        {
            return Err(Problem::shared(format!(
                "Shared resource found: {}/{} is part of applications {instance} and {}",
                object.kind(),
                object.name(),
                tracking.instance,
            )));
        }
    }
    Ok(())
}
