//! Reading and writing JSON by pointers, where anything may be missing.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// A text; empty where it is missing.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A whole number.
pub(crate) fn int(value: &Value, pointer: &str) -> Option<i64> {
    value.pointer(pointer).and_then(Value::as_i64)
}

/// A boolean; false where it is missing.
pub(crate) fn truth(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).and_then(Value::as_bool).unwrap_or_default()
}

/// The elements of a list; none where it is missing.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Sets the value at a pointer and makes the objects on the way; `Null` takes it away. Lists are not entered.
pub(crate) fn set(value: &mut Value, pointer: &str, new: Value) {
    let mut at = value;
    let mut fields = pointer.trim_start_matches('/').split('/').peekable();
    while let Some(field) = fields.next() {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        let Some(map) = at.as_object_mut() else { return };
        let field = field.replace("~1", "/").replace("~0", "~");
        if fields.peek().is_some() {
            at = map.entry(field).or_insert_with(|| Value::Object(Map::new()));
        } else if new.is_null() {
            map.remove(&field);
            return;
        } else {
            map.insert(field, new);
            return;
        }
    }
}

/// A condition of `status.conditions`.
pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    list(object, "/status/conditions").iter().find(|condition| text(condition, "/type") == kind)
}

/// Whether a condition is there and true.
pub(crate) fn is_true(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|condition| text(condition, "/status") == "True")
}

/// A timestamp as Kubernetes writes them: whole seconds.
pub(crate) fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A timestamp at a pointer.
pub(crate) fn time(value: &Value, pointer: &str) -> Option<Timestamp> {
    text(value, pointer).parse().ok()
}

/// The reference of the controlling owner.
pub(crate) fn controller_of(object: &Value) -> Option<&Value> {
    list(object, "/metadata/ownerReferences").iter().find(|owner| truth(owner, "/controller"))
}

/// Whether `labels` match a `LabelSelector`. An empty selector matches everything.
pub(crate) fn selects(selector: &Value, labels: &[(String, String)]) -> bool {
    let label = |key: &str| labels.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    let equal = selector
        .get("matchLabels")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .all(|(key, value)| label(key) == value.as_str());
    equal
        && list(selector, "/matchExpressions").iter().all(|expression| {
            let found = label(text(expression, "/key"));
            let listed = || {
                let values = list(expression, "/values");
                found.is_some_and(|found| values.iter().any(|value| value.as_str() == Some(found)))
            };
            match text(expression, "/operator") {
                "In" => listed(),
                "NotIn" => !listed(),
                "Exists" => found.is_some(),
                "DoesNotExist" => found.is_none(),
                _ => false,
            }
        })
}

/// The words of `command` and `args` of a container, joined by spaces.
pub(crate) fn command_line(container: &Value) -> String {
    let words = ["/command", "/args"].iter().flat_map(|words| list(container, words)).filter_map(Value::as_str);
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_set_and_taken_away_by_pointers() {
        let mut value = json!({"a": 1});
        set(&mut value, "/metadata/labels/a.b~1c", "x".into());
        set(&mut value, "/a", Value::Null);
        assert_eq!(value, json!({"metadata": {"labels": {"a.b/c": "x"}}}));
    }

    #[test]
    fn selectors_know_labels_and_expressions() {
        let labels = [("app".to_owned(), "web".to_owned())];
        for (selector, expected) in [
            (json!({}), true),
            (json!({"matchLabels": {"app": "web"}}), true),
            (json!({"matchLabels": {"app": "api"}}), false),
            (json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["api", "web"]}]}), true),
            (json!({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}), false),
            (json!({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}), true),
            (json!({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}), false),
        ] {
            assert_eq!(selects(&selector, &labels), expected, "{selector}");
        }
    }
}
