//! What was deployed before a story begins: the objects that live in the cluster, and what the Application's status says
//! of the syncs that put them there.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::history::{Made, Tagged};
use super::story::{Application, Deployment};
use crate::domain::manifest::{self, Object};
use crate::domain::names;
use crate::domain::operation::SyncRequest;
use crate::domain::plan::{Kinds, Permission, Plan, PlanInput, plan};
use crate::domain::tracking::TrackingId;

/// How long a sync of the past took.
const TOOK: SignedDuration = SignedDuration::from_secs(42);

/// What the past left behind.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// Objects that live.
    pub(super) objects: Vec<Object>,
    /// `status` of the Application; null where nothing was ever deployed.
    pub(super) status: Value,
}

/// The past of an application whose spec has this `source` and this `destination`.
pub(super) fn past(application: &Application, made: &Made, spec: &Value, now: Timestamp) -> Past {
    let known = |deployment: &Deployment| made.tags.get(&deployment.tag).cloned();
    let deployments: Vec<(&Deployment, Tagged)> =
        application.history.iter().filter_map(|deployment| Some((deployment, known(deployment)?))).collect();
    let Some((last, tagged)) = deployments.last() else { return Past::default() };
    let plan = plan_of(application, tagged, now);
    let (started, finished) = times(last, now);
    let source = &spec["source"];
    let history: Vec<Value> = deployments
        .iter()
        .enumerate()
        .map(|(id, (deployment, tagged))| {
            let (started, finished) = times(deployment, now);
            json!({"id": id, "revision": tagged.commit, "source": source, "initiatedBy": initiated_by(deployment),
                "deployStartedAt": started, "deployedAt": finished})
        })
        .collect();
    let results: Vec<Value> = plan.tasks.iter().filter_map(result).collect();
    let status = json!({
        "sync": {
            "status": "Synced",
            "revision": tagged.commit,
            "comparedTo": {"source": source, "destination": spec["destination"]},
        },
        "health": {"status": "Healthy", "lastTransitionTime": finished},
        "history": history,
        "operationState": {
            "phase": "Succeeded",
            "message": "successfully synced (all tasks run)",
            "startedAt": started,
            "finishedAt": finished,
            "operation": {"initiatedBy": initiated_by(last), "sync": {"revision": tagged.commit}},
            "syncResult": {"revision": tagged.commit, "source": source, "resources": results},
        },
        "reconciledAt": finished,
    });
    Past { objects: plan.tasks.iter().filter_map(|task| living(&application.name, task)).collect(), status }
}

fn times(deployment: &Deployment, now: Timestamp) -> (String, String) {
    let finished = now.checked_sub(deployment.ago).unwrap_or(now);
    let started = finished.checked_sub(TOOK).unwrap_or(finished);
    (format!("{started:.0}"), format!("{finished:.0}"))
}

fn initiated_by(deployment: &Deployment) -> Value {
    if deployment.by.is_empty() { json!({"automated": true}) } else { json!({"username": deployment.by}) }
}

/// The plan of a sync of what a folder held at a commit.
fn plan_of(application: &Application, tagged: &Tagged, now: Timestamp) -> Plan {
    let objects: Vec<Arc<Object>> = manifests(&application.path, &tagged.files);
    plan(&PlanInput {
        targets: &objects,
        live: &[],
        kinds: &Kinds::well_known(),
        request: &SyncRequest::default(),
        destination_namespace: &application.namespace,
        live_namespace: None,
        namespace_metadata: None,
        revision: &tagged.commit,
        started_at: now,
        permission: Permission::All,
        out_of_sync: None,
        recorded: None,
        unique_names: false,
    })
}

/// The manifests that lie in a folder, not below it, as a source of the type Directory takes them.
fn manifests(folder: &str, files: &BTreeMap<String, String>) -> Vec<Arc<Object>> {
    let is_manifest = |path: &Path| {
        path.parent() == Some(Path::new(folder)) && path.extension().is_some_and(|end| end == "yaml" || end == "json")
    };
    let files = files.iter().filter(|(path, _)| is_manifest(Path::new(path)));
    let read = files.flat_map(|(path, content)| manifest::read(path.as_str(), content.as_bytes()).objects);
    read.map(|manifest| Arc::new(manifest.object)).collect()
}

/// The result of a task that went well. `SyncFail` hooks did not run.
fn result(task: &crate::domain::plan::Task) -> Option<Value> {
    use crate::domain::hook::SyncPhase;
    if task.phase() == SyncPhase::SyncFail || task.skip.is_some() {
        return None;
    }
    let key = &task.id.key;
    let mut result = json!({
        "group": key.group, "version": task.version, "kind": key.kind, "namespace": key.namespace, "name": key.name,
        "status": "Synced", "hookPhase": "Succeeded", "syncPhase": task.phase().as_str(),
        "message": format!("{}/{} configured", key.kind.to_lowercase(), key.name),
    });
    if let Some(hook) = task.hook() {
        result["hookType"] = hook.hook_type.as_str().into();
        result["message"] = "Reached expected number of succeeded pods".into();
    }
    Some(result)
}

/// The object that a task left in the cluster, tracked to its application. Hooks have gone.
fn living(application: &str, task: &crate::domain::plan::Task) -> Option<Object> {
    if task.is_hook() {
        return None;
    }
    let mut object = Object::clone(task.target.as_deref()?);
    let id = TrackingId { instance: application.to_owned(), key: task.id.key.clone() }.to_string();
    let metadata = object.as_json_mut().get_mut("metadata")?.as_object_mut()?;
    let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
    annotations.as_object_mut()?.insert(names::TRACKING_ID.to_owned(), id.into());
    Some(object)
}
