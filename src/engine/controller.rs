//! Who else works on Applications: beside Argo CD the engine does nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::Mutex;

use super::error::EngineError;
use super::lease::at_work;
use super::record::application_kind;
use crate::cluster::{Cluster, ClusterError, Kind, Page, Scope, Selectors};
use crate::domain::manifest::Object;

/// The label of Argo CD's application controller.
const LABEL: &str = "app.kubernetes.io/name=argocd-application-controller";
/// How it signs what it writes.
const MANAGER: &str = "argocd-application-controller";
/// For how long one of its writes says that it is at work.
const RECENT: SignedDuration = SignedDuration::from_secs(120);

/// Asks whether Argo CD is at work. Of many that ask at the same time one looks, and its answer is for all of them.
#[derive(Default)]
pub(crate) struct Others {
    /// When the last look began that found nobody.
    looked: Mutex<Option<Duration>>,
}

impl Others {
    /// An error if Argo CD is at work in the cluster, or if nobody can tell.
    pub(crate) async fn refuse(&self, cluster: &Cluster, control_plane: &str) -> Result<(), EngineError> {
        let asked = cluster.clock().monotonic();
        let mut looked = self.looked.lock().await;
        if looked.is_some_and(|began| began > asked) {
            return Ok(());
        }
        let began = cluster.clock().monotonic();
        for (kind, plural) in [("StatefulSet", "statefulsets"), ("Deployment", "deployments")] {
            let kind = Kind::known("apps", "v1", kind, plural, true);
            for workload in workloads(cluster, &kind, control_plane).await? {
                if is_ready(&workload) {
                    let (kind, namespace, name) = (workload.kind(), workload.namespace(), workload.name());
                    let who = format!("Argo CD, whose application controller is at work ({kind} {namespace}/{name})");
                    return Err(EngineError::OtherController(who));
                }
            }
        }
        *looked = Some(began);
        Ok(())
    }

    /// As [`Others::refuse`], and for a recent write of Argo CD to any of the Applications; for the start.
    pub(crate) async fn refuse_writers(
        &self,
        cluster: &Cluster,
        control_plane: &str,
        applications: &Scope,
    ) -> Result<(), EngineError> {
        self.refuse(cluster, control_plane).await?;
        let page = Page { limit: 100, token: String::new() };
        let some = cluster.list_page(&application_kind(), applications, &Selectors::default(), &page).await?;
        some.items.iter().try_for_each(|application| refuse_writer(application, cluster.server_now()))?;
        let others: BTreeSet<&str> =
            some.items.iter().filter_map(|found| other_controller(found, control_plane)).collect();
        for namespace in others {
            at_work(cluster, namespace).await?.map_or(Ok(()), |who| Err(EngineError::OtherController(who)))?;
        }
        Ok(())
    }
}

/// The engine that an Application is left to: that of another control plane, as the Application says, which is at work.
pub(crate) async fn left_to(
    cluster: &Cluster,
    application: &Object,
    control_plane: &str,
) -> Result<Option<String>, ClusterError> {
    match other_controller(application, control_plane) {
        Some(namespace) => at_work(cluster, namespace).await,
        None => Ok(None),
    }
}

/// The control plane that worked on an Application last, if it is another one.
fn other_controller<'a>(application: &'a Object, control_plane: &str) -> Option<&'a str> {
    let namespace = application.at(&["status", "controllerNamespace"]).and_then(Value::as_str)?;
    (!namespace.is_empty() && namespace != control_plane).then_some(namespace)
}

/// An error if Argo CD wrote to an Application just now.
pub(crate) fn refuse_writer(application: &Object, now: Timestamp) -> Result<(), EngineError> {
    let entries = application.at(&["metadata", "managedFields"]).and_then(Value::as_array).into_iter().flatten();
    let own = entries.filter(|entry| entry["manager"] == MANAGER);
    let last = own.filter_map(|entry| entry["time"].as_str()?.parse::<Timestamp>().ok()).max();
    let Some(last) = last.filter(|last| now.duration_since(*last) < RECENT) else { return Ok(()) };
    let (namespace, name) = (application.namespace(), application.name());
    Err(EngineError::OtherController(format!("Argo CD, which wrote to Application {namespace}/{name} at {last:.0}")))
}

/// Everywhere if that is permitted, else where Argo CD usually is.
async fn workloads(cluster: &Cluster, kind: &Kind, control_plane: &str) -> Result<Vec<Object>, ClusterError> {
    let selectors = Selectors { labels: LABEL.to_owned(), fields: String::new() };
    match cluster.list(kind, &Scope::All, &selectors).await {
        Err(error) if error.is_denied() => {}
        answer => return answer.map(|list| list.items),
    }
    let here = Scope::Namespace(control_plane.to_owned());
    cluster.list(kind, &here, &selectors).await.map(|list| list.items)
}

fn is_ready(workload: &Object) -> bool {
    workload.at(&["status", "readyReplicas"]).and_then(Value::as_i64).unwrap_or_default() > 0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_recent_write_of_the_controller_counts() {
        let refused = |manager: &str, time: &str| {
            let managed = json!([{"manager": manager, "operation": "Update", "time": time}]);
            let metadata = json!({"name": "shop", "namespace": "argocd", "managedFields": managed});
            let object = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata});
            let now = "2026-11-23T10:00:00Z".parse().unwrap();
            refuse_writer(&Object::from_json(object).unwrap(), now).is_err()
        };
        assert!(refused(MANAGER, "2026-11-23T09:59:00Z"));
        assert!(!refused(MANAGER, "2026-11-23T09:50:00Z"));
        assert!(!refused("boathook-engine", "2026-11-23T09:59:00Z"));
        assert!(!refused(MANAGER, "yesterday"));
    }
}
