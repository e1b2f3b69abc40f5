//! What is found out before anything is watched: where Applications are, who we are, and what we may do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::message::Message;
use super::options::Namespaces;
use super::place::{self, Place};
use crate::cluster::{Access, Attributes, Cluster, ClusterError, Kind, Scope, Table};
use crate::domain::application::{AppKey, SyncStatus};
use crate::domain::health::HealthStatus;
use crate::domain::live::{EarlyRow, Need, Rights};

pub(super) fn applications() -> Kind {
    Kind::known("argoproj.io", "v1alpha1", "Application", "applications", true)
}

pub(super) fn projects() -> Kind {
    Kind::known("argoproj.io", "v1alpha1", "AppProject", "appprojects", true)
}

/// Finds the place, for as long as it takes, and sends the first rows.
pub(super) async fn find(cluster: Cluster, wanted: Namespaces, sender: mpsc::Sender<Message>) {
    let mut wait = Duration::from_millis(250);
    let (scope, argo) = loop {
        match place::find(&cluster, &wanted).await {
            Ok(found) => break found,
            Err(error) => {
                if sender.send(Message::Unplaced { error, retry_in: wait }).await.is_err() {
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
    let home = argo.home.clone();
    let _ = sender.send(Message::Placed(Place { scope, argo, user, identity })).await;
    let rights = rights(&cluster, namespace.as_deref(), Some(&home), APPLICATION_NEEDS).await;
    let _ = sender.send(Message::Rights(rights)).await;
}

/// What names a cluster for good: contexts are renamed, and several may lead to one cluster.
async fn identity(cluster: &Cluster) -> Option<String> {
    let namespaces = Kind::known("", "v1", "Namespace", "namespaces", false);
    let found = cluster.get(&namespaces, "", "kube-system").await.ok().flatten()?;
    Some(found.uid().to_owned()).filter(|uid| !uid.is_empty())
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

pub(super) fn attributes(need: Need) -> Attributes {
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
