//! Small readers of untrusted JSON: what is missing or of the wrong type is `None`, and every text is bounded.

use jiff::Timestamp;
use serde_json::Value;

/// Bytes kept of a message.
const MESSAGE_BYTES: usize = 2_048;
/// Bytes kept of a name: Kubernetes allows 253.
const NAME_BYTES: usize = 253;

/// A field that is a string.
pub(super) fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field)?.as_str()
}

/// A field that is a string, bounded as a name.
pub(super) fn name(value: &Value, field: &str) -> String {
    clip(text(value, field).unwrap_or_default(), NAME_BYTES)
}

/// A field that is a string, bounded as a message.
pub(super) fn message(value: &Value, field: &str) -> String {
    clip_message(text(value, field).unwrap_or_default())
}

/// A field that is a time.
pub(super) fn time(value: &Value, field: &str) -> Option<Timestamp> {
    text(value, field)?.parse().ok()
}

/// A field that is a whole number.
pub(super) fn integer(value: &Value, field: &str) -> Option<i64> {
    value.get(field)?.as_i64()
}

/// A field that is a list; empty where it is none.
pub(super) fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A message, bounded.
pub(super) fn clip_message(text: &str) -> String {
    clip(text, MESSAGE_BYTES)
}

fn clip(text: &str, bytes: usize) -> String {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default().to_owned()
}
