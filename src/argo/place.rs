//! Where Applications are, and where Argo CD is: its projects, with their sync windows, and its Secrets count only there.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::controllers::{CONTROLLER, LEASE, lease_end, serves};
use super::destinations::Secrets;
use super::options::Namespaces;
use super::start::{applications, attributes};
use crate::cluster::{Access, Attributes, Cluster, ClusterError, Kind, Page, Scope, Selectors};
use crate::domain::application::Application;
use crate::domain::live::Need;
use crate::domain::manifest::Object;
use crate::domain::project::Project;

/// Where Argo CD is if nothing else is known.
const USUAL: &str = "argocd";
/// Applications that are asked who their controller is, where it cannot be seen itself.
const ASKED: u32 = 50;

/// Where Applications are, and who we are.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub scope: Scope,
    pub argo: ArgoCd,
    pub user: String,
    /// UID of the namespace kube-system; `None`: it may not be read.
    pub identity: Option<String>,
}

/// Where Argo CD is, as far as that is known.
#[derive(Debug, Clone)]
pub(super) struct ArgoCd {
    /// Its namespace.
    pub home: String,
    /// It was not seen there, and no Application says that it is: it is only where it could be.
    pub is_guess: bool,
    /// The namespaces where its controller, or the Lease of boathook's engine, was seen.
    pub seen: BTreeSet<String>,
}

impl ArgoCd {
    /// Where it could be.
    pub(super) fn guess(home: impl Into<String>) -> Self {
        Self { home: home.into(), is_guess: true, seen: BTreeSet::new() }
    }

    /// The namespace of the Argo CD whose application it is: several can share a cluster, and each writes where it is
    /// into the status.
    pub(super) fn of(&self, application: &Application) -> String {
        let own = &application.status.controller_namespace;
        if own.is_empty() { self.home.clone() } else { own.clone() }
    }

    /// Where the Secrets are that count for an application.
    pub(super) fn secrets(&self, application: &Application) -> Secrets {
        let namespace = self.of(application);
        Secrets { is_trusted: self.seen.contains(&namespace), namespace }
    }

    /// What counts for an application whose project is not to be found. `Err`: that is not known.
    pub(super) fn without_project(&self, application: &Application) -> Result<Project, String> {
        let (home, name) = (self.of(application), application.project());
        if self.is_guess && application.status.controller_namespace.is_empty() {
            return Err(self.unknown());
        }
        // It is made with the first look at it.
        if name == "default" {
            return Ok(Project::permissive(name));
        }
        Err(format!("namespace {home} has no project {name}"))
    }

    /// That nobody knows where it is.
    pub(super) fn unknown(&self) -> String {
        format!("Argo CD was not seen, no Application says where it is, and namespace {} has no projects", self.home)
    }
}

/// Finds out where Applications and Argo CD are.
pub(super) async fn find(cluster: &Cluster, wanted: &Namespaces) -> Result<(Scope, ArgoCd), ClusterError> {
    let found = seen(cluster, wanted).await?;
    let seen: BTreeSet<String> = found.iter().cloned().collect();
    if let Some(home) = found.into_iter().next() {
        let scope = match wanted {
            // Applications may be in any namespace; their projects are where their controller is.
            Namespaces::One(namespace) => Scope::Namespace(namespace.clone()),
            Namespaces::All => Scope::All,
            Namespaces::Find => Scope::Namespace(home.clone()),
        };
        return Ok((scope, ArgoCd { home, is_guess: false, seen }));
    }
    let (scope, home) = match wanted {
        Namespaces::One(namespace) => (Scope::Namespace(namespace.clone()), namespace.clone()),
        Namespaces::All => (Scope::All, USUAL.to_owned()),
        Namespaces::Find => where_applications_are(cluster).await?,
    };
    Ok(match told(cluster, &scope).await? {
        Some(home) => (scope, ArgoCd { home, is_guess: false, seen }),
        None => (scope, ArgoCd::guess(home)),
    })
}

/// Where Argo CD is as the first Applications say.
async fn told(cluster: &Cluster, scope: &Scope) -> Result<Option<String>, ClusterError> {
    let page = Page { limit: ASKED, token: String::new() };
    let list = match cluster.list_page(&applications(), scope, &Selectors::default(), &page).await {
        Ok(list) => list,
        Err(error) if error.is_transient() || error.is_unauthorized() => return Err(error),
        // Whoever may not see them is told so by their watch.
        Err(_) => return Ok(None),
    };
    let homes = list.items.iter().filter_map(|object| object.at(&["status", "controllerNamespace"])?.as_str());
    Ok(homes.map(str::to_owned).find(|home| !home.is_empty()))
}

/// No Argo CD, or it may not be seen: where Applications are.
async fn where_applications_are(cluster: &Cluster) -> Result<(Scope, String), ClusterError> {
    match cluster.table(&applications(), &Scope::All).await {
        Ok(table) => {
            let namespaces: BTreeSet<&str> = table.rows.iter().map(|row| row.namespace.as_str()).collect();
            Ok(match (namespaces.first(), namespaces.len()) {
                (Some(only), 1) => (Scope::Namespace((*only).to_owned()), (*only).to_owned()),
                _ if namespaces.contains(USUAL) => (Scope::All, USUAL.to_owned()),
                _ => (Scope::All, (*namespaces.first().unwrap_or(&USUAL)).to_owned()),
            })
        }
        Err(error) if error.is_denied() => {
            // In the context's own namespace, if the user may look there; else where Argo CD usually is.
            let own = cluster.default_namespace();
            let may = Attributes { namespace: own.to_owned(), ..attributes(Need::ListApplications) };
            let own = matches!(cluster.may(&may).await?, Access::Allowed).then(|| own.to_owned());
            let home = own.unwrap_or_else(|| USUAL.to_owned());
            Ok((Scope::Namespace(home.clone()), home))
        }
        // The kind does not exist yet: its watch says so, and begins when it does.
        Err(error) if error.is_not_found() => Ok((Scope::All, USUAL.to_owned())),
        Err(error) => Err(error),
    }
}

/// The namespaces of Argo CD's application controllers, then that of boathook's engine, whose Lease is there.
async fn seen(cluster: &Cluster, wanted: &Namespaces) -> Result<Vec<String>, ClusterError> {
    let selectors = Selectors { labels: CONTROLLER.to_owned(), ..Selectors::default() };
    let lease = Selectors { fields: format!("metadata.name={LEASE}"), ..Selectors::default() };
    let [sets, deployments] = [("StatefulSet", "statefulsets"), ("Deployment", "deployments")]
        .map(|(kind, plural)| Kind::known("apps", "v1", kind, plural, true));
    let leases = Kind::known("coordination.k8s.io", "v1", "Lease", "leases", true);
    let (sets, deployments, leases) = tokio::join!(
        cluster.list(&sets, &Scope::All, &selectors),
        cluster.list(&deployments, &Scope::All, &selectors),
        cluster.list(&leases, &Scope::All, &lease),
    );
    let mut seen = Vec::new();
    let now = cluster.server_now();
    let places = |items: &[Object]| items.iter().map(|object| object.namespace().to_owned()).collect::<Vec<_>>();
    for found in [
        sets.map(|list| places(&list.items)),
        deployments.map(|list| places(&list.items)),
        leases.map(|list| held_leases(&list.items, wanted, now)),
    ] {
        match found {
            Ok(places) => seen.extend(places),
            // Who is not known to the server is no one who may not look: the same may be known again in a moment.
            Err(error) if (error.is_denied() && !error.is_unauthorized()) || error.is_not_found() => {}
            // What was seen is enough.
            Err(_) if !seen.is_empty() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(seen)
}

/// The namespaces of the engines that are meant, the likeliest first. A Lease that is not held any more says where an
/// engine was, and that only to who names no namespace: it must not hide the one that acts.
fn held_leases(leases: &[Object], wanted: &Namespaces, now: Timestamp) -> Vec<String> {
    let named = |lease: &Object| matches!(wanted, Namespaces::One(own) if own == lease.namespace());
    let for_others = |lease: &Object| matches!(wanted, Namespaces::One(own) if !serves(lease, own));
    let rank = |lease: &Object| match (lease_end(lease).is_some_and(|end| end > now), named(lease), wanted) {
        // It is not the one that acts.
        (true, ..) if for_others(lease) => Some(2),
        (true, true, _) => Some(0),
        (true, false, _) => Some(1),
        (false, _, Namespaces::Find | Namespaces::All) => Some(3),
        (false, ..) => None,
    };
    let mut ranked: Vec<(i32, &Object)> = leases.iter().filter_map(|lease| Some((rank(lease)?, lease))).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, lease)| lease.namespace().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::names::BOATHOOK_APPLICATIONS;

    #[test]
    fn the_engine_that_acts_is_not_hidden_by_one_that_stopped() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let lease = |namespace: &str, holder: &str, renewed: &str| {
            let json = serde_json::json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": { "name": LEASE, "namespace": namespace },
                "spec": { "holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": renewed } });
            Object::from_json(json).unwrap()
        };
        let released = || lease("argocd", "", "2026-11-22T06:00:00Z");
        let crashed = || lease("before", "engine", "2026-11-22T11:00:00Z");
        let held = || lease("shop", "engine", "2026-11-22T11:59:55Z");
        let other = || lease("zoo", "engine", "2026-11-22T11:59:55Z");
        let only = |namespace: &str, applications: &str| {
            let mut json = lease(namespace, "engine", "2026-11-22T11:59:55Z").as_json().clone();
            json["metadata"]["annotations"] = serde_json::json!({ BOATHOOK_APPLICATIONS: applications });
            Object::from_json(json.into()).unwrap()
        };
        let one = |name: &str| Namespaces::One(name.to_owned());
        let table = [
            (vec![released(), crashed(), held()], Namespaces::Find, Some("shop")),
            (vec![released(), held()], one("shop"), Some("shop")),
            (vec![released(), held(), other()], one("zoo"), Some("zoo")),
            // Applications in any namespace: their engine is elsewhere.
            (vec![released(), held()], one("apps"), Some("shop")),
            (vec![only("argocd", "argocd"), only("team", "apps")], one("apps"), Some("team")),
            (vec![only("apps", "argocd"), only("team", "*")], one("apps"), Some("team")),
            (vec![only("argocd", "argocd")], one("apps"), Some("argocd")),
            (vec![released()], one("shop"), None),
            (vec![released()], Namespaces::Find, Some("argocd")),
            (vec![], Namespaces::All, None),
        ];
        for (leases, wanted, expected) in table {
            let found = held_leases(&leases, &wanted, now);
            assert_eq!(found.first().map(String::as_str), expected, "{wanted:?}");
        }
    }
}
