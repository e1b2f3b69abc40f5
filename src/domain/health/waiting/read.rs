//! Lenient reading: what is missing or of the wrong type is empty. A reason is worth more than an error here.

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::manifest::Object;
use crate::domain::text;

/// What has fields: an object, or a part of one.
pub(super) trait Tree {
    /// The value at a path.
    fn find(&self, path: &[&str]) -> Option<&Value>;
}

impl Tree for Value {
    fn find(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(self, |value, field| value.get(*field))
    }
}

impl Tree for Object {
    fn find(&self, path: &[&str]) -> Option<&Value> {
        self.at(path)
    }
}

/// The string at a path.
pub(super) fn text<'a>(value: &'a impl Tree, path: &[&str]) -> &'a str {
    value.find(path).and_then(Value::as_str).unwrap_or_default()
}

/// The integer at a path.
pub(super) fn integer(value: &impl Tree, path: &[&str]) -> i64 {
    value.find(path).and_then(Value::as_i64).unwrap_or_default()
}

/// The list at a path.
pub(super) fn list<'a>(value: &'a impl Tree, path: &[&str]) -> &'a [Value] {
    value.find(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The time at a path.
pub(super) fn time(value: &impl Tree, path: &[&str]) -> Option<Timestamp> {
    text(value, path).parse().ok()
}

/// The condition of this type in `status.conditions`.
pub(super) fn condition<'a>(object: &'a impl Tree, kind: &str) -> Option<&'a Value> {
    list(object, &["status", "conditions"]).iter().find(|condition| text(*condition, &["type"]) == kind)
}

/// Whether the condition of this type is `True`.
pub(super) fn is_true(object: &impl Tree, kind: &str) -> bool {
    condition(object, kind).is_some_and(|condition| text(condition, &["status"]) == "True")
}

/// How long ago a time is, in words; empty if it is not known.
pub(super) fn for_how_long(since: Option<Timestamp>, now: Timestamp) -> String {
    since.map(|since| format!(" for {}", text::duration(seconds_between(since, now)))).unwrap_or_default()
}

/// Whole seconds from one time to another.
pub(super) fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    to.as_second().saturating_sub(from.as_second())
}

/// A number with its noun.
pub(super) fn counted(count: i64, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    }
}
