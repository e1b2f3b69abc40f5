//! The only writer of Applications: one JSON patch a write, which happens to the version it was made for or not at all.
//!
//! An Application has no status subresource, so that operation, state and history change in one request. A JSON patch
//! with `add` replaces a whole value; a merge patch would keep old fields of it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::mailbox::Mailbox;
use super::shared::Shared;
use crate::cluster::{Kind, Patch, WriteOptions};
use crate::domain::manifest::Object;

/// First pause after a failure to reach the API server.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Longest one.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The kind Application.
pub(crate) fn application_kind() -> Kind {
    Kind::known("argoproj.io", "v1alpha1", "Application", "applications", true)
}

/// The kind AppProject.
pub(crate) fn project_kind() -> Kind {
    Kind::known("argoproj.io", "v1alpha1", "AppProject", "appprojects", true)
}

/// What came of a write.
#[derive(Debug)]
pub(crate) enum Written {
    /// It happened; the Application as it is now.
    Done(Arc<Object>),
    /// It did not happen, or nobody can tell whether it did: decide again with the Application as it is now.
    Stale(Arc<Object>),
    /// There is no such Application any more.
    Gone,
    /// The API server refuses it.
    Refused(String),
}

/// A change of an Application.
#[derive(Debug, Clone, PartialEq)]
#[allow(dead_code, reason = "comparisons and deletions write the others")]
pub(crate) enum Edit {
    /// Replaces the value of a field of `status`.
    Status(&'static str, Value),
    /// Removes a field of `status`, if it is there.
    NoStatus(&'static str),
    /// Replaces `operation`.
    Operation(Value),
    /// Removes `operation`, if it is there.
    NoOperation,
    /// Removes an annotation, if it is there.
    NoAnnotation(&'static str),
    /// Replaces the finalizers.
    Finalizers(Vec<String>),
}

/// Changes an Application. The answer goes into the mailbox, so that the actor never sees less than it wrote. Tries for
/// as long as the API server is out of reach.
pub(crate) async fn write(shared: &Shared, mailbox: &Mailbox, on: &Arc<Object>, edits: &[Edit]) -> Written {
    let kind = application_kind();
    let patch = Patch::Json(patch(on, &signed(on, edits, &shared.options.control_plane)));
    let options = WriteOptions { manager: MANAGER.to_owned(), ..WriteOptions::default() };
    let mut pause = FIRST_PAUSE;
    loop {
        let answer = shared.cluster.patch(&kind, on.namespace(), on.name(), &patch, &options).await;
        let error = match answer {
            Ok(object) => {
                let object = Arc::new(object);
                mailbox.put(Arc::clone(&object));
                return Written::Done(object);
            }
            Err(error) if error.is_not_found() => return Written::Gone,
            Err(error) => error,
        };
        let is_refused = !(error.is_transient() || error.is_outcome_unknown() || error.is_conflict());
        if is_refused {
            tracing::warn!(%error, "an Application cannot be written");
            return Written::Refused(error.to_string());
        }
        if !error.is_conflict() {
            shared.clock.sleep(error.retry_after().unwrap_or(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        // Whether a lost answer was a yes is seen at what is there now.
        match read(shared, mailbox, on).await {
            None => return Written::Gone,
            Some(now) if version(&now) != version(on) => return Written::Stale(now),
            Some(_) => {}
        }
    }
}

/// With the control plane's name, if it is another one's so far: the first write says whose an Application is.
fn signed(on: &Object, edits: &[Edit], control_plane: &str) -> Vec<Edit> {
    const FIELD: &str = "controllerNamespace";
    let mut edits = edits.to_vec();
    let is_work = edits.iter().any(|edit| matches!(edit, Edit::Status(..) | Edit::Operation(_)));
    let is_said = edits.iter().any(|edit| matches!(edit, Edit::Status(FIELD, _)));
    if is_work && !is_said && on.at(&["status", FIELD]).and_then(Value::as_str) != Some(control_plane) {
        edits.push(Edit::Status(FIELD, control_plane.into()));
    }
    edits
}

/// Who writes, in managedFields.
pub(crate) const MANAGER: &str = "boathook-engine";

/// The Application as the API server has it. Tries for as long as it is out of reach.
async fn read(shared: &Shared, mailbox: &Mailbox, on: &Object) -> Option<Arc<Object>> {
    let mut pause = FIRST_PAUSE;
    loop {
        match shared.cluster.get(&application_kind(), on.namespace(), on.name()).await {
            Ok(None) => return None,
            Ok(Some(object)) => {
                let object = Arc::new(object);
                mailbox.put(Arc::clone(&object));
                return Some(object);
            }
            Err(error) => {
                tracing::warn!(%error, "an Application cannot be read");
                shared.clock.sleep(error.retry_after().unwrap_or(pause)).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// `metadata.resourceVersion`.
pub(crate) fn version(object: &Object) -> &str {
    object.at(&["metadata", "resourceVersion"]).and_then(Value::as_str).unwrap_or_default()
}

fn patch(on: &Object, edits: &[Edit]) -> Value {
    // Replacing the version by the one that was read makes the API server answer 409 if it is another by now.
    let mut patch = vec![json!({"op": "replace", "path": "/metadata/resourceVersion", "value": version(on)})];
    let has = |path: &[&str]| on.at(path).is_some();
    let needs_status = edits.iter().any(|edit| matches!(edit, Edit::Status(..)));
    if needs_status && !on.at(&["status"]).is_some_and(Value::is_object) {
        patch.push(json!({"op": "add", "path": "/status", "value": {}}));
    }
    for edit in edits {
        match edit {
            Edit::Status(field, value) => {
                patch.push(json!({"op": "add", "path": format!("/status/{field}"), "value": value}));
            }
            Edit::NoStatus(field) if has(&["status", field]) => {
                patch.push(json!({"op": "remove", "path": format!("/status/{field}")}));
            }
            Edit::Operation(value) => patch.push(json!({"op": "add", "path": "/operation", "value": value})),
            Edit::NoOperation if has(&["operation"]) => patch.push(json!({"op": "remove", "path": "/operation"})),
            Edit::NoAnnotation(name) if has(&["metadata", "annotations", name]) => {
                let name = name.replace('~', "~0").replace('/', "~1");
                patch.push(json!({"op": "remove", "path": format!("/metadata/annotations/{name}")}));
            }
            Edit::Finalizers(finalizers) => {
                patch.push(json!({"op": "add", "path": "/metadata/finalizers", "value": finalizers}));
            }
            Edit::NoStatus(_) | Edit::NoOperation | Edit::NoAnnotation(_) => {}
        }
    }
    Value::Array(patch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_write_says_whose_it_is() {
        let object = |plane: &str| {
            let status = json!({"controllerNamespace": plane});
            let object = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "status": status});
            Object::from_json(object).unwrap()
        };
        let own = Edit::Status("controllerNamespace", "argocd".into());
        let state = [Edit::Status("operationState", json!({}))];
        assert_eq!(signed(&object("other"), &state, "argocd"), [state[0].clone(), own.clone()]);
        assert_eq!(signed(&object("argocd"), &state, "argocd"), state);
        assert_eq!(signed(&object("other"), std::slice::from_ref(&own), "argocd"), [own]);
        assert_eq!(signed(&object("other"), &[Edit::NoOperation], "argocd"), [Edit::NoOperation]);
    }

    #[test]
    fn a_patch_is_guarded_and_touches_only_what_is_there() {
        let metadata = json!({"name": "shop", "resourceVersion": "7", "annotations": {"a/b": "x"}});
        let object = |status: Value| {
            let kind = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata});
            let mut object = Object::from_json(kind).unwrap();
            object.as_json_mut().insert("status".into(), status);
            object
        };
        let edits = [
            Edit::Status("operationState", json!({"phase": "Running"})),
            Edit::NoOperation,
            Edit::NoStatus("conditions"),
            Edit::NoAnnotation("a/b"),
        ];
        let guard = json!({"op": "replace", "path": "/metadata/resourceVersion", "value": "7"});
        let state = json!({"op": "add", "path": "/status/operationState", "value": {"phase": "Running"}});
        let annotation = json!({"op": "remove", "path": "/metadata/annotations/a~1b"});
        assert_eq!(
            patch(&object(Value::Null), &edits),
            json!([guard, {"op": "add", "path": "/status", "value": {}}, state, annotation])
        );
        assert_eq!(
            patch(&object(json!({"conditions": []})), &edits),
            json!([guard, state, {"op": "remove", "path": "/status/conditions"}, annotation])
        );
    }
}
