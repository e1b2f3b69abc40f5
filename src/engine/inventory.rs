//! What lives in a cluster and belongs to one application: objects with its tracking id, found by watches of the
//! metadata of every kind that can be listed. Without them an object of a kind that no manifest has any more would
//! never be pruned.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::Notify;

use super::destination::Destination;
use super::pool::{Place, Pool, Tracked};
use super::targets::is_tracked;
use crate::cluster::{ClusterError, Kind, Scope};
use crate::domain::application::Application;
use crate::domain::manifest::Object;

/// Kinds that Argo CD never manages: made by controllers, many, and always changing.
const NEVER: &[(&str, &str)] = &[
    ("", "Event"),
    ("", "Endpoints"),
    ("events.k8s.io", "Event"),
    ("discovery.k8s.io", "EndpointSlice"),
    ("coordination.k8s.io", "Lease"),
    ("certificates.k8s.io", "CertificateSigningRequest"),
    ("authentication.k8s.io", "*"),
    ("authorization.k8s.io", "*"),
    ("metrics.k8s.io", "*"),
];

/// What lives and belongs to one application. Metadata alone.
pub(crate) struct Inventory {
    instance: String,
    places: Vec<Tracked>,
}

impl Inventory {
    /// Subscribes to every kind, in these namespaces and outside of namespaces, as far as they are managed, and waits until
    /// everything is known.
    /// `bell` rings when something of the application changes.
    ///
    /// Of a kind that cannot be listed (no right, its own server or its conversion is down) nothing is known, which is an
    /// error if the application has objects of it (`status.resources`): they would be taken for gone. Kinds that it never
    /// had are of no concern, or one broken kind would stop all applications. That no answer comes at all says nothing
    /// about a kind.
    pub(crate) async fn open(
        pool: &Pool,
        destination: &Destination,
        application: &Application,
        instance: &str,
        namespaces: &BTreeSet<String>,
        bell: &Arc<Notify>,
    ) -> Result<Self, ClusterError> {
        let known = destination.known().await?;
        let resources = &application.status.resources;
        for had in resources {
            known.kinds.look_up(&had.group, &had.kind)?;
        }
        let is_had = |kind: &Kind| resources.iter().any(|had| had.group == kind.group && had.kind == kind.kind);
        let mut scopes: Vec<(bool, Scope)> =
            destination.has_cluster_resources().then_some((false, Scope::All)).into_iter().collect();
        let is_looked_through = |namespace: &&String| !namespace.is_empty() && destination.has_namespace(namespace);
        for namespace in namespaces.iter().filter(is_looked_through) {
            let scope = (true, destination.scope(namespace).await?);
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        let mut places = Vec::new();
        for (namespaced, scope) in &scopes {
            let (cluster, kinds, namespaced) = (&destination.cluster, &known.kinds, *namespaced);
            let place = Place { cluster, kinds, is_wanted: is_managed, namespaced, scope };
            places.push(pool.tracked(&place, is_had, instance, Arc::clone(bell)));
        }
        for place in &places {
            for (kind, error) in place.ready().await {
                if (is_had(kind) || error.api().is_none()) && !error.is_not_found() {
                    return Err(error);
                }
                tracing::debug!(kind = kind.plural, %error, "a kind is not looked through");
            }
        }
        Ok(Self { instance: instance.to_owned(), places })
    }

    /// The objects, sorted by key: those tracked to the application that no controller made for another object.
    pub(crate) fn objects(&self) -> Vec<Arc<Object>> {
        let objects = self.places.iter().flat_map(Tracked::objects);
        let mut objects: Vec<_> = objects.filter(|object| is_tracked(object, &self.instance)).collect();
        objects.sort_by_cached_key(|object| object.key());
        objects
    }
}

fn is_managed(kind: &Kind) -> bool {
    let never = |(group, name): &(&str, &str)| *group == kind.group && (*name == "*" || *name == kind.kind);
    kind.can("list") && kind.can("watch") && kind.can("delete") && !NEVER.iter().any(never)
}
