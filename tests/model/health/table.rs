//! Objects made from a few fields, and tables of their health.

use boathook::domain::health::{Health, HealthStatus, has_check, health};
use boathook::domain::manifest::Object;
use serde_json::{Value, json};

/// An object with a name and a generation, and whatever else is given.
pub(super) fn object(api_version: &str, kind: &str, rest: &Value) -> Object {
    let mut json = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "web", "generation": 2}});
    merge(&mut json, rest);
    Object::from_json(json).unwrap()
}

pub(super) fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

/// Each row: what is added to the object, its health, its message.
pub(super) fn table(api_version: &str, kind: &str, rows: &[(Value, HealthStatus, &str)]) {
    for (rest, status, message) in rows {
        let found = health(&object(api_version, kind, rest)).unwrap();
        let expected = Health { status: *status, message: (*message).to_owned() };
        assert_eq!(found, Some(expected), "{kind} {rest}");
    }
    assert!(has_check(api_version.rsplit_once('/').map_or("", |(group, _)| group), kind));
}

pub(super) fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": message})
}

pub(super) fn status_of(condition: &Value) -> Value {
    json!({"status": {"conditions": [condition]}})
}
