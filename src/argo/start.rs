//! What is found out before anything is watched: where Applications are, who we are, and what we may do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::controllers::{CONTROLLER, LEASE};
use super::hub_fleet::interrupted;
use super::message::Message;
use super::options::Namespaces;
use crate::cluster::{Access, Attributes, Cluster, ClusterError, Kind, Scope, Selectors, Table};
use crate::domain::application::{AppKey, SyncStatus};
use crate::domain::health::HealthStatus;
use crate::domain::live::{EarlyRow, Need, Rights};

/// Where Argo CD is if nothing else is known.
const USUAL: &str = "argocd";

/// Where Applications are, and who we are.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub scope: Scope,
    /// The namespace of Argo CD, where its Secrets and projects are.
    pub home: String,
    pub user: String,
    /// UID of the namespace kube-system; `None`: it may not be read.
    pub identity: Option<String>,
}

pub(super) fn applications() -> Kind {
    Kind::known("argoproj.io", "v1alpha1", "Application", "applications", true)
}

pub(super) fn projects() -> Kind {
    Kind::known("argoproj.io", "v1alpha1", "AppProject", "appprojects", true)
}

/// Finds the place, for as long as it takes, and sends the first rows.
pub(super) async fn find(cluster: Cluster, wanted: Namespaces, sender: mpsc::Sender<Message>) {
    let mut wait = Duration::from_millis(250);
    let (scope, home) = loop {
        match place(&cluster, &wanted).await {
            Ok(found) => break found,
            Err(error) => {
                let state = interrupted(None, &error, wait);
                if sender.send(Message::Unplaced(state)).await.is_err() {
                    return;
                }
                cluster.clock().sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(15));
            }
        }
    };
    let kind = applications();
    let early = async {
        if let Ok(table) = cluster.table(&kind, &scope).await {
            let _ = sender.send(Message::Early(rows(&cluster, &table))).await;
        }
    };
    let ((), user, identity) = tokio::join!(early, cluster.whoami(), identity(&cluster));
    let namespace = match &scope {
        Scope::Namespace(namespace) => Some(Arc::from(namespace.as_str())),
        Scope::All => None,
    };
    let _ = sender.send(Message::Placed(Place { scope, home: home.clone(), user, identity })).await;
    let rights = rights(&cluster, namespace.as_deref(), Some(&home), APPLICATION_NEEDS).await;
    let _ = sender.send(Message::Rights(rights)).await;
}

/// What names a cluster for good: contexts are renamed, and several may lead to one cluster.
async fn identity(cluster: &Cluster) -> Option<String> {
    let namespaces = Kind::known("", "v1", "Namespace", "namespaces", false);
    let found = cluster.get(&namespaces, "", "kube-system").await.ok().flatten()?;
    Some(found.uid().to_owned()).filter(|uid| !uid.is_empty())
}

async fn place(cluster: &Cluster, wanted: &Namespaces) -> Result<(Scope, String), ClusterError> {
    let home = controller_namespace(cluster).await?;
    match wanted {
        // Applications may be in any namespace; their projects are where their controller is.
        Namespaces::One(namespace) => {
            return Ok((Scope::Namespace(namespace.clone()), home.unwrap_or_else(|| namespace.clone())));
        }
        Namespaces::All => return Ok((Scope::All, home.unwrap_or_else(|| USUAL.to_owned()))),
        Namespaces::Find => {}
    }
    if let Some(home) = home {
        return Ok((Scope::Namespace(home.clone()), home));
    }
    // No Argo CD, or it may not be seen: where Applications are.
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

/// The namespace of Argo CD's application controller, else that of boathook's engine, whose Lease is there.
async fn controller_namespace(cluster: &Cluster) -> Result<Option<String>, ClusterError> {
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
    for found in [sets, deployments, leases] {
        match found {
            Ok(list) => {
                if let Some(first) = list.items.first() {
                    return Ok(Some(first.namespace().to_owned()));
                }
            }
            Err(error) if error.is_denied() || error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn rows(cluster: &Cluster, table: &Table) -> Vec<EarlyRow> {
    let name: Arc<str> = Arc::from(cluster.name());
    let row = |row: &crate::cluster::TableRow| EarlyRow {
        key: AppKey::new(Arc::clone(&name), row.namespace.as_str(), row.name.as_str()),
        sync: match row.text(table, "Sync Status") {
            "Synced" => Some(SyncStatus::Synced),
            "OutOfSync" => Some(SyncStatus::OutOfSync),
            "Unknown" => Some(SyncStatus::Unknown),
            _ => None,
        },
        health: health(row.text(table, "Health Status")),
        revision: row.text(table, "Revision").into(),
        project: row.text(table, "Project").into(),
    };
    table.rows.iter().map(row).collect()
}

fn health(word: &str) -> Option<HealthStatus> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).ok()
}

/// What is asked in the namespace of Applications.
pub(super) const APPLICATION_NEEDS: &[Need] =
    &[Need::ListApplications, Need::PatchApplications, Need::ListProjects, Need::ListEvents, Need::ListSecrets];
/// What is asked in the namespace of hooks.
pub(super) const HOOK_NEEDS: &[Need] =
    &[Need::ListJobs, Need::ListPods, Need::GetLogs, Need::ListWorkflows, Need::PatchJobStatus, Need::CreateJobs];

fn attributes(need: Need) -> Attributes {
    let (verb, group, resource, subresource) = match need {
        Need::ListApplications => ("list", "argoproj.io", "applications", ""),
        Need::PatchApplications => ("patch", "argoproj.io", "applications", ""),
        Need::ListProjects => ("list", "argoproj.io", "appprojects", ""),
        Need::ListSecrets => ("list", "", "secrets", ""),
        Need::ListEvents => ("list", "", "events", ""),
        Need::ListJobs => ("list", "batch", "jobs", ""),
        Need::ListPods => ("list", "", "pods", ""),
        Need::GetLogs => ("get", "", "pods", "log"),
        Need::ListWorkflows => ("list", "argoproj.io", "workflows", ""),
        Need::PatchJobStatus => ("patch", "batch", "jobs", "status"),
        Need::CreateJobs => ("create", "batch", "jobs", ""),
    };
    let [verb, group, resource, subresource] = [verb, group, resource, subresource].map(str::to_owned);
    Attributes { verb, group, resource, subresource, namespace: String::new(), name: String::new() }
}

/// Asks for a right, a few times where the server is busy.
async fn ask(cluster: &Cluster, wanted: &Attributes) -> Result<Access, ClusterError> {
    for seconds in [1, 4, 16] {
        match cluster.may(wanted).await {
            Err(error) if error.is_transient() || error.is_unauthorized() => {
                cluster.clock().sleep(Duration::from_secs(seconds)).await;
            }
            answer => return answer,
        }
    }
    cluster.may(wanted).await
}

/// Asks for rights. What cannot be asked is not known.
pub(super) async fn rights(cluster: &Cluster, namespace: Option<&str>, home: Option<&str>, needs: &[Need]) -> Rights {
    let mut known = BTreeMap::new();
    for need in needs {
        let own = matches!(need, Need::ListProjects | Need::ListSecrets).then_some(home).flatten().or(namespace);
        let wanted = Attributes { namespace: own.unwrap_or_default().to_owned(), ..attributes(*need) };
        match ask(cluster, &wanted).await {
            Ok(Access::Allowed) => drop(known.insert(*need, Ok(()))),
            Ok(Access::Denied(_)) => drop(known.insert(*need, Err(wanted.to_string()))),
            Err(_) => {}
        }
    }
    Rights { cluster: Arc::from(cluster.name()), namespace: namespace.map(Arc::from), known }
}
