//! Making an object anew that cannot be changed as wanted: `Force=true`.
//!
//! What lives is deleted for it, so nothing is deleted before the API server has said that it would take what comes, and
//! what was there is put back where it takes it after all not.

use std::time::Duration;

use serde_json::{Map, Value};

use super::apply::Request;
use super::change::propagation;
use super::performer::{may_pass, told};
use crate::cluster::{self, ClusterError, WriteOptions};
use crate::domain::manifest::Object;
use crate::domain::plan::Propagation;
use crate::engine::record::MANAGER;

/// How long an object may take to go that is made anew.
const GONE: Duration = Duration::from_secs(60);
/// Pause between two looks at the same object, where no watch is open.
pub(super) const LOOK: Duration = Duration::from_millis(100);
/// What the API server writes into `metadata`.
const OF_SERVER: [&str; 8] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];
/// What the API server writes into the labels of a Job's pods.
const OF_JOB: [&str; 4] =
    ["batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name"];

impl Request<'_> {
    /// With `Force`, an object that cannot be changed as wanted is deleted and made anew.
    pub(super) async fn or_make_anew(
        &self,
        live: &Object,
        result: Result<Object, ClusterError>,
    ) -> Result<Object, ClusterError> {
        match result {
            Err(refused) if self.may_make_anew() && is_invalid(&refused) => match self.try_to_make().await {
                // What it was refused for is no field that cannot be changed, or not that alone.
                Err(error) if is_invalid(&error) => Err(refused),
                Err(error) => Err(error),
                Ok(()) => self.delete_and_make(live).await,
            },
            result => result,
        }
    }

    /// Whether the object may be deleted for it: `Force`, but of a namespace or a definition never. All that is in the one
    /// and every object of the other would go with it.
    pub(super) fn may_make_anew(&self) -> bool {
        self.action.rule.force && !matches!(self.kind.kind.as_str(), "Namespace" | "CustomResourceDefinition")
    }

    /// Deletes the object and makes it anew, if the API server would take it.
    pub(super) async fn make_anew(&self, live: &Object) -> Result<Object, ClusterError> {
        self.try_to_make().await?;
        self.delete_and_make(live).await
    }

    /// Lets the API server try to make the object, under another name, since its own is taken.
    async fn try_to_make(&self) -> Result<(), ClusterError> {
        let mut other = Object::clone(&self.action.manifest);
        if let Some(metadata) = other.as_json_mut().get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("name");
            metadata.insert("generateName".to_owned(), format!("{}-", self.action.manifest.name()).into());
        }
        let options = WriteOptions { dry_run: true, ..self.options() };
        match self.performer.cluster().create(self.kind, &other, &options).await {
            // By the object that goes: a port of a node, the address of a Service.
            Err(error) if is_invalid(&error) && told(&error).contains("already allocated") => Ok(()),
            tried => tried.map(drop),
        }
    }

    async fn delete_and_make(&self, live: &Object) -> Result<Object, ClusterError> {
        let cluster = self.performer.cluster();
        let delete = cluster::Delete {
            uid: live.uid().to_owned(),
            propagation: propagation(Propagation::Background),
            dry_run: self.action.dry_run,
            ..cluster::Delete::default()
        };
        cluster.delete(self.kind, live.namespace(), live.name(), &delete).await?;
        if self.action.dry_run {
            return Ok(Object::clone(&self.action.manifest));
        }
        let deadline = self.performer.clock.monotonic() + GONE;
        while self.live().await?.is_some_and(|object| object.uid() == live.uid()) {
            if self.performer.clock.monotonic() >= deadline {
                break;
            }
            self.performer.clock.sleep(LOOK).await;
        }
        match self.performer.again_after_internal_errors(|| self.create()).await {
            Ok((_, object)) => Ok(object),
            // The old one does not go, or there is a new one by now. What may pass is tried again.
            Err(error) if error.is_already_there() || may_pass(&error) => Err(error),
            Err(error) => {
                let error = self.put_back(live, error).await;
                self.refused.set(error.clone()).ok();
                Err(error)
            }
        }
    }

    /// Makes the object again as it was. The error of the new one, which says also what came of that.
    async fn put_back(&self, was: &Object, error: ClusterError) -> ClusterError {
        let old = as_it_was(was);
        let options = WriteOptions { manager: MANAGER.to_owned(), ..WriteOptions::default() };
        let note = match self.performer.repeat(|| self.performer.cluster().create(self.kind, &old, &options)).await {
            Err(error) if !error.is_already_there() => {
                format!("it was deleted for that, and could not be made again as it was: {}", told(&error))
            }
            _ => "it was deleted for that, and made again as it was".to_owned(),
        };
        tracing::error!(%error, note, "an object could not be made anew");
        match error {
            ClusterError::Api { action, mut status } => {
                status.message = format!("{} ({note})", status.message);
                ClusterError::Api { action, status }
            }
            error => error,
        }
    }
}

/// 422: a field that cannot be changed, among others.
fn is_invalid(error: &ClusterError) -> bool {
    error.api().is_some_and(|status| status.code == 422 || status.reason == "Invalid")
}

/// An object as it can be made again, without what the API server writes itself.
fn as_it_was(live: &Object) -> Object {
    let mut object = Object::clone(live);
    let is_job = live.group() == "batch" && live.kind() == "Job";
    let fields = object.as_json_mut();
    fields.remove("status");
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|field, _| !OF_SERVER.contains(&field.as_str()));
    }
    let spec = fields.get_mut("spec").and_then(Value::as_object_mut);
    if let Some(spec) = spec.filter(|spec| is_job && spec.get("manualSelector") != Some(&Value::Bool(true))) {
        spec.remove("selector");
        if let Some(labels) = labels_of_template(spec) {
            labels.retain(|label, _| !OF_JOB.contains(&label.as_str()));
        }
    }
    object
}

fn labels_of_template(spec: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    spec.get_mut("template")?.get_mut("metadata")?.get_mut("labels")?.as_object_mut()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_job_can_be_made_again_without_what_the_api_server_wrote() {
        let live = json!({"apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": "a", "namespace": "b", "uid": "1", "resourceVersion": "2", "labels": {"x": "y"}},
            "spec": {"selector": {"matchLabels": {"controller-uid": "1"}}, "suspend": false,
                "template": {"metadata": {"labels": {"controller-uid": "1", "job-name": "a", "own": "z"}}}},
            "status": {"active": 1}});
        let wanted = json!({"apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": "a", "namespace": "b", "labels": {"x": "y"}},
            "spec": {"suspend": false, "template": {"metadata": {"labels": {"own": "z"}}}}});
        let live = Object::from_json(live).unwrap();
        assert_eq!(Value::Object(as_it_was(&live).as_json().clone()), wanted);
    }
}
