//! Reading and filling in JSON objects that may be of any shape.

use serde_json::{Map, Value};

/// The object at a JSON pointer, to change; `None` where there is none.
pub(super) fn map_mut<'v>(value: &'v mut Value, pointer: &str) -> Option<&'v mut Map<String, Value>> {
    value.pointer_mut(pointer)?.as_object_mut()
}

/// The text at a JSON pointer, empty where there is none.
pub(super) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The list at a JSON pointer, empty where there is none.
pub(super) fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Sets a field where it is missing or null.
pub(super) fn default(map: &mut Map<String, Value>, field: &str, value: impl Into<Value>) {
    let place = map.entry(field).or_insert(Value::Null);
    if place.is_null() {
        *place = value.into();
    }
}

/// The object in a field, to change, made where it is missing. `None` where something else is there.
pub(super) fn object<'m>(map: &'m mut Map<String, Value>, field: &str) -> Option<&'m mut Map<String, Value>> {
    let place = map.entry(field).or_insert(Value::Null);
    if place.is_null() {
        *place = Value::Object(Map::new());
    }
    place.as_object_mut()
}

/// The objects in a list, to change; nothing where the field is no list.
pub(super) fn each<'m>(
    map: &'m mut Map<String, Value>,
    field: &str,
) -> impl Iterator<Item = &'m mut Map<String, Value>> {
    map.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}
