//! Argo CD's tracking id on what is applied, so that either controller can take over from the other.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::domain::application::AppKey;
use crate::domain::manifest::Object;
use crate::domain::names;
use crate::domain::tracking::TrackingId;

/// What tracking ids call an application: with its namespace where that is not the control plane's.
pub(crate) fn instance_name(key: &AppKey, control_plane: &str) -> String {
    if &*key.namespace == control_plane { key.name.to_string() } else { format!("{}_{}", key.namespace, key.name) }
}

/// Whether a live object is an application's own: its tracking id names the application and was written for this very
/// object, and no controller made it for another object. Of a cluster-scoped object the id names the namespace of the
/// destination.
pub(crate) fn is_tracked(object: &Object, instance: &str) -> bool {
    let Some(tracking) = TrackingId::of_object(object) else { return false };
    let mut key = object.key();
    if key.namespace.is_empty() {
        key.namespace.clone_from(&tracking.key.namespace);
    }
    tracking.instance == instance && tracking.is_for(&key) && !has_owner(object)
}

fn has_owner(object: &Object) -> bool {
    object.at(&["metadata", "ownerReferences"]).and_then(Value::as_array).is_some_and(|owners| !owners.is_empty())
}

/// A manifest with the tracking id of its application. Definitions get none, as in Argo CD: many applications use them.
pub(super) fn stamp(mut object: Object, instance: &str, destination_namespace: &str) -> Arc<Object> {
    if object.kind() == "CustomResourceDefinition" && object.group() == "apiextensions.k8s.io" {
        return Arc::new(object);
    }
    let mut key = object.key();
    if key.namespace.is_empty() {
        destination_namespace.clone_into(&mut key.namespace);
    }
    let id = TrackingId { instance: instance.to_owned(), key }.to_string();
    let metadata = object.as_json_mut().entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if metadata.is_null() {
        *metadata = Value::Object(Map::new());
    }
    if let Some(metadata) = metadata.as_object_mut() {
        let annotations = metadata.entry("annotations").or_insert_with(|| Value::Object(Map::new()));
        if annotations.is_null() {
            *annotations = Value::Object(Map::new());
        }
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(names::TRACKING_ID.to_owned(), Value::String(id));
        }
    }
    Arc::new(object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(json: Value) -> Object {
        Object::from_json(json).unwrap()
    }

    #[test]
    fn an_application_knows_its_own_objects_and_no_copies() {
        let job =
            object(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "db", "annotations": null}}));
        let mut live = Object::clone(&stamp(job, "shop", "prod"));
        live.as_json_mut()["metadata"]["namespace"] = "prod".into();
        assert_eq!(live.annotation(names::TRACKING_ID), Some("shop:batch/Job:prod/db"));
        assert!(is_tracked(&live, "shop") && !is_tracked(&live, "other"));
        let mut copy = live.clone();
        copy.as_json_mut()["metadata"]["name"] = "db-copy".into();
        assert!(!is_tracked(&copy, "shop"));
        let mut child = live.clone();
        child.as_json_mut()["metadata"]["ownerReferences"] = json!([{"kind": "CronJob"}]);
        assert!(!is_tracked(&child, "shop"));
        let namespace = object(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}}));
        assert!(is_tracked(&stamp(namespace, "shop", "prod"), "shop"));
    }

    #[test]
    fn definitions_are_nobodys() {
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"});
        assert_eq!(*stamp(object(definition.clone()), "shop", "prod"), object(definition));
    }
}
