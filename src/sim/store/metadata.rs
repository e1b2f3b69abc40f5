//! Reading and writing `metadata` of objects that may be of any shape.

use serde_json::{Map, Value};

/// A text field of `metadata`; empty where it is missing or is not a string.
pub(super) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object.get("metadata").and_then(|metadata| metadata.get(field)).and_then(Value::as_str).unwrap_or_default()
}

/// `metadata` to write to, made where it is missing. `None` only for a value that is not an object.
pub(super) fn map(object: &mut Value) -> Option<&mut Map<String, Value>> {
    let metadata = object.as_object_mut()?.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if !metadata.is_object() {
        *metadata = Value::Object(Map::new());
    }
    metadata.as_object_mut()
}

/// Sets a field of `metadata`; `Null` takes it away.
pub(super) fn set(object: &mut Value, field: &str, value: Value) {
    if let Some(metadata) = map(object) {
        if value.is_null() {
            metadata.remove(field);
        } else {
            metadata.insert(field.to_owned(), value);
        }
    }
}

/// `metadata.finalizers`, without what is not a string.
pub(super) fn finalizers(object: &Value) -> Vec<String> {
    let list = object.pointer("/metadata/finalizers").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// Sets `metadata.finalizers`, and takes the field away where there are none.
pub(super) fn set_finalizers(object: &mut Value, finalizers: Vec<String>) {
    let value = if finalizers.is_empty() { Value::Null } else { Value::from(finalizers) };
    set(object, "finalizers", value);
}

/// Copies a field of `metadata`, its absence too.
pub(super) fn copy(from: &Value, to: &mut Value, field: &str) {
    let value = from.get("metadata").and_then(|metadata| metadata.get(field)).cloned().unwrap_or_default();
    set(to, field, value);
}
