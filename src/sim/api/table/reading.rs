//! Short ways to read JSON that may be of any shape.

use serde_json::Value;

/// A text at a JSON pointer, empty where there is none.
pub(super) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A text, or what stands for none.
pub(super) fn text_or(value: &Value, pointer: &str, none: &str) -> String {
    let found = text(value, pointer);
    if found.is_empty() { none.to_owned() } else { found.to_owned() }
}

/// A number, zero where there is none.
pub(super) fn number(value: &Value, pointer: &str) -> i64 {
    value.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

/// A list, empty where there is none.
pub(super) fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether a condition of this type is true.
pub(super) fn condition(object: &Value, of: &str) -> bool {
    list(object, "/status/conditions").iter().any(|one| text(one, "/type") == of && text(one, "/status") == "True")
}

/// Labels as `a=b,c=d`, or `<none>`.
pub(super) fn labels(value: &Value, pointer: &str) -> String {
    let map = value.pointer(pointer).and_then(Value::as_object);
    let pairs: Vec<String> =
        map.into_iter().flatten().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    if pairs.is_empty() { "<none>".to_owned() } else { pairs.join(",") }
}

/// Fields of all entries of a list, joined by commas.
pub(super) fn joined(value: &Value, list_at: &str, field: &str) -> String {
    list(value, list_at).iter().map(|one| text(one, field)).collect::<Vec<_>>().join(",")
}
