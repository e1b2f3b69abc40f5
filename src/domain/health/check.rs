//! Which check judges which kind.

use super::types::{Health, HealthError};
use super::{api_service, autoscaler, custom, job, network, pod, storage, workflow, workload};
use crate::domain::manifest::Object;
use crate::domain::names;

/// A check of one kind.
pub(super) type Check = fn(&Object) -> Result<Health, HealthError>;

/// The health of a live object as Argo CD sees it; `None` for a kind without a check.
///
/// An object that is being deleted is `Progressing`, unless the hook finalizer holds it: then its result is still wanted.
/// After that come Argo CD's scripts (of which the most used are here, see [`has_check`]), then its built-in checks.
/// Scripts that somebody configured for an installation are not known here.
pub fn health(object: &Object) -> Result<Option<Health>, HealthError> {
    if object.is_deleting() && !object.finalizers().any(|finalizer| finalizer == names::HOOK_FINALIZER) {
        return Ok(Some(Health::progressing("Pending deletion")));
    }
    check(object.group(), object.version(), object.kind())?.map(|check| check(object)).transpose()
}

/// Whether objects of this kind have a check, in whatever version.
pub fn has_check(group: &str, kind: &str) -> bool {
    !matches!(check(group, "", kind), Ok(None))
}

fn check(group: &str, version: &str, kind: &str) -> Result<Option<Check>, HealthError> {
    let (versions, check): (&[&str], Check) = match (group, kind) {
        ("apps", "Deployment") => (&["v1"], workload::deployment),
        ("apps", "StatefulSet") => (&["v1"], workload::stateful_set),
        ("apps", "DaemonSet") => (&["v1"], workload::daemon_set),
        ("apps", "ReplicaSet") => (&["v1"], workload::replica_set),
        ("", "Pod") => (&["v1"], pod::pod),
        ("", "Service") => (&["v1"], network::service),
        ("", "PersistentVolumeClaim") => (&["v1"], storage::claim),
        ("batch", "Job") => (&["v1"], job::job),
        ("autoscaling", "HorizontalPodAutoscaler") => (&["v1", "v2"], autoscaler::autoscaler),
        ("apiregistration.k8s.io", "APIService") => (&["v1", "v1beta1"], api_service::api_service),
        // These look at fields that every version has.
        ("networking.k8s.io" | "extensions", "Ingress") => (&[], network::ingress),
        ("argoproj.io", "Workflow") => (&[], workflow::workflow),
        _ => return Ok(custom::check(group, kind)),
    };
    if versions.is_empty() || versions.contains(&version) {
        return Ok(Some(check));
    }
    Err(HealthError::Version { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() })
}
