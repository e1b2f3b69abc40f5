//! Secrets without their values: what may be shown, logged or kept.

use serde_json::{Value, json};

use super::object::Object;

/// What stands in the place of a value.
pub const HIDDEN: &str = "(hidden)";

/// Whether an object is a Secret.
pub fn is_secret(object: &Object) -> bool {
    object.group().is_empty() && object.kind() == "Secret"
}

/// An object as it may be shown: of a Secret the names of its values, but no value.
pub fn without_secrets(mut object: Object) -> Object {
    if !is_secret(&object) {
        return object;
    }
    let fields = object.as_json_mut();
    for field in ["data", "stringData"] {
        if let Some(values) = fields.get_mut(field).and_then(Value::as_object_mut) {
            for value in values.values_mut() {
                *value = json!(HIDDEN);
            }
        }
    }
    // kubectl keeps the whole manifest there.
    if let Some(annotations) =
        fields.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations")).and_then(Value::as_object_mut)
    {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    object
}
