//! Manifests made ready to be applied.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::domain::manifest::Object;
use crate::domain::names;

/// The manifest with its final name and namespace, and with the hook finalizer if it is a hook. Not copied where nothing
/// changes.
pub(super) fn prepare(target: &Arc<Object>, name: &str, namespace: &str, is_hook: bool) -> Arc<Object> {
    let needs_finalizer = is_hook && !target.finalizers().any(|own| own == names::HOOK_FINALIZER);
    if target.name() == name && target.namespace() == namespace && !needs_finalizer {
        return Arc::clone(target);
    }
    let mut object = Object::clone(target);
    let Some(metadata) = metadata_mut(&mut object) else { return Arc::clone(target) };
    metadata.insert("name".into(), name.into());
    metadata.remove("generateName");
    if namespace.is_empty() {
        metadata.remove("namespace");
    } else {
        metadata.insert("namespace".into(), namespace.into());
    }
    if needs_finalizer {
        match metadata.get_mut("finalizers") {
            Some(Value::Array(finalizers)) => finalizers.push(names::HOOK_FINALIZER.into()),
            _ => drop(metadata.insert("finalizers".into(), Value::Array(vec![names::HOOK_FINALIZER.into()]))),
        }
    }
    Arc::new(object)
}

/// `metadata` of an object, made where it is missing.
fn metadata_mut(object: &mut Object) -> Option<&mut Map<String, Value>> {
    let metadata = object.as_json_mut().entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if metadata.is_null() {
        *metadata = Value::Object(Map::new());
    }
    metadata.as_object_mut()
}

/// Whether an object of this kind does its work once and ends: applying it again does not run it again.
pub fn runs_to_completion(group: &str, kind: &str) -> bool {
    matches!((group, kind), ("batch", "Job") | ("", "Pod") | ("argoproj.io", "Workflow"))
}
