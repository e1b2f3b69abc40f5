//! Objects as the API server writes them: the defaults that the types name, no nulls, no empty lists, quantities in
//! their canonical form.

use serde_json::{Map, Value, json};

use super::quantity::canonical_quantity;
use super::types::{Kind, Schema};

/// Fills in the defaults that the types name, also the objects that are always there, such as `resources` of a
/// container.
pub fn fill_defaults(schema: Schema<'_>, value: &mut Value) {
    match value {
        Value::Object(map) => {
            for name in schema.field_names() {
                let (Some(default), Some(field)) = (schema.field_default(name), schema.field(name)) else { continue };
                let missing = match map.get(name) {
                    None => true,
                    // A null where the type allows none stands for the default.
                    Some(value) => value.is_null() && !field.is_nullable(),
                };
                if missing {
                    map.insert(name.to_owned(), default.clone());
                }
            }
            for (name, value) in map.iter_mut() {
                if let Some(field) = schema.child(name) {
                    fill_defaults(field, value);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| fill_defaults(schema.element(), value)),
        _ => {}
    }
}

/// Takes away what a built-in object does not keep: nulls, lists and maps without anything in them, and `false` and
/// zero where the field is only written if it is set; writes quantities in their canonical form.
pub fn tidy(schema: Schema<'_>, value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|name, value| {
                let Some(field) = schema.child(name) else { return true };
                tidy(field, value);
                let empty = match &*value {
                    Value::Null => true,
                    Value::Array(list) => list.is_empty() && field.kind() == Kind::List,
                    Value::Object(map) => map.is_empty() && field.kind() == Kind::Map && field.has_element(),
                    Value::Bool(false) => ONLY_IF_TRUE.contains(&name.as_str()),
                    _ => false,
                };
                !empty || (!value.is_null() && schema.required().any(|required| required == name))
            });
        }
        Value::Array(list) => list.iter_mut().for_each(|value| tidy(schema.element(), value)),
        _ if schema.kind() == Kind::Quantity => {
            let text = match &*value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            if let Some(text) = canonical_quantity(&text) {
                *value = Value::String(text);
            }
        }
        _ => {}
    }
}

/// Flags that are not written where they are false.
const ONLY_IF_TRUE: &[&str] =
    &["hostNetwork", "hostPID", "hostIPC", "stdin", "stdinOnce", "tty", "readOnly", "paused", "unschedulable"];

/// An object of the same kind as another, with nothing in it but what is always there.
pub fn empty_object(schema: Schema<'_>, like: &Value) -> Value {
    let mut empty = Map::new();
    for field in ["apiVersion", "kind"] {
        empty.insert(field.to_owned(), like.get(field).cloned().unwrap_or_else(|| json!("")));
    }
    let mut empty = Value::Object(empty);
    // A custom resource has no such fields: its defaults belong to whoever created it.
    if !schema.type_name().is_empty() {
        fill_defaults(schema, &mut empty);
        fill_required_lists(schema, &mut empty);
    }
    empty
}

/// A list that must be there is a null in an empty object, not missing.
fn fill_required_lists(schema: Schema<'_>, value: &mut Value) {
    let Some(map) = value.as_object_mut() else { return };
    for name in schema.required() {
        if schema.field(name).is_some_and(|field| field.kind() == Kind::List) {
            map.entry(name).or_insert(Value::Null);
        }
    }
    for (name, value) in map.iter_mut() {
        if let Some(field) = schema.field(name) {
            fill_required_lists(field, value);
        }
    }
}
