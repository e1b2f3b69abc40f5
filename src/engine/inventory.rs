//! What lives in a cluster and belongs to one application: objects with its tracking id, found by watches of the
//! metadata of every kind that can be listed. Without them an object of a kind that no manifest has any more would
//! never be pruned.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::Notify;

use super::destination::Destination;
use super::pool::{Detail, Interest, Pool, Subscription};
use super::targets::is_tracked;
use crate::cluster::{ClusterError, Kind};
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
    watches: Vec<(Kind, Subscription)>,
}

impl Inventory {
    /// Subscribes to every kind, in these namespaces and outside of namespaces. `bell` rings when something of the
    /// application changes.
    pub(crate) async fn open(
        pool: &Pool,
        destination: &Destination,
        instance: &str,
        namespaces: &BTreeSet<String>,
        bell: &Arc<Notify>,
    ) -> Result<Self, ClusterError> {
        let known = destination.known().await?;
        let mut watches = Vec::new();
        for kind in known.kinds.iter().filter(|kind| is_managed(kind)) {
            // Of a kind that is served in several versions, the first is the preferred one.
            if known.kinds.find(&kind.group, &kind.kind) != Some(kind) {
                continue;
            }
            let mut scopes = Vec::new();
            if kind.namespaced {
                for namespace in namespaces.iter().filter(|namespace| !namespace.is_empty()) {
                    let scope = destination.scope(namespace).await?;
                    if !scopes.contains(&scope) {
                        scopes.push(scope);
                    }
                }
            } else {
                scopes.push(crate::cluster::Scope::All);
            }
            for scope in scopes {
                let interest = Interest { instance: Some(instance.to_owned()), ..Interest::default() };
                let cluster = &destination.cluster;
                let watch = pool.subscribe(cluster, kind, scope, Detail::Tracked, interest, Arc::clone(bell));
                watches.push((kind.clone(), watch));
            }
        }
        Ok(Self { instance: instance.to_owned(), watches })
    }

    /// Waits until everything is known. Of a kind that may not be listed nothing is known, which is an error if the
    /// application has objects of it (`status.resources`): they would be taken for gone. Rights for kinds that it never
    /// had are not asked for.
    pub(crate) async fn ready(&self, application: &Application) -> Result<(), ClusterError> {
        for (kind, watch) in &self.watches {
            let Err(error) = watch.ready().await else { continue };
            let resources = &application.status.resources;
            let is_had = resources.iter().any(|had| had.group == kind.group && had.kind == kind.kind);
            if is_had && !error.is_not_found() {
                return Err(error);
            }
            tracing::debug!(kind = kind.plural, %error, "a kind is not looked through");
        }
        Ok(())
    }

    /// The objects, sorted by key: those tracked to the application that no controller made for another object.
    pub(crate) fn objects(&self) -> Vec<Arc<Object>> {
        let is_own = |object: &Object| is_tracked(object, &self.instance);
        let mut objects: Vec<_> = self.watches.iter().flat_map(|(_, watch)| watch.select(is_own)).collect();
        objects.sort_by_cached_key(|object| object.key());
        objects
    }
}

fn is_managed(kind: &Kind) -> bool {
    let never = |(group, name): &(&str, &str)| *group == kind.group && (*name == "*" || *name == kind.kind);
    kind.can("list") && kind.can("watch") && kind.can("delete") && !NEVER.iter().any(never)
}
