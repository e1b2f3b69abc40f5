//! Fields that live only because a former owner wrote them and Git has them no more. Server-side apply does not see them:
//! it removes what it applied itself, not what was created, replaced, or applied by a client.

use serde_json::Value;

use super::ignore::{Rule, counted};
use crate::domain::manifest::Object;

/// What `kubectl apply` keeps for itself.
const LAST_APPLIED: &str = "f:kubectl.kubernetes.io/last-applied-configuration";

/// Whether putting a manifest in the place of an object (`put`, as a dry run answered) would drop a field that one of these
/// managers owns, and nobody else. What the API server fills in by itself is in both.
pub(super) fn drops(live: &Object, put: &Object, is_own: impl Fn(&Value) -> bool, rules: &[Rule]) -> bool {
    let entries = live.at(&["metadata", "managedFields"]).and_then(Value::as_array).into_iter().flatten();
    let (own, others): (Vec<&Value>, Vec<&Value>) = entries.partition(|entry| is_own(entry));
    let fields =
        |entries: Vec<&'_ Value>| entries.into_iter().map(|entry| entry["fieldsV1"].clone()).collect::<Vec<_>>();
    let (own, others) = (fields(own), fields(others));
    let others: Vec<&Value> = others.iter().collect();
    let (before, after) = (counted(live, live, rules), counted(put, live, rules));
    own.iter().any(|fields| is_lost(&before, &after, fields, &others))
}

fn is_lost(before: &Value, after: &Value, fields: &Value, others: &[&Value]) -> bool {
    fields.as_object().into_iter().flatten().any(|(path, inner)| {
        let Some(own) = child(before, path).filter(|_| path != LAST_APPLIED) else { return false };
        let others: Vec<&Value> = others.iter().filter_map(|other| other.get(path)).collect();
        match child(after, path) {
            // What is somebody else's too would stay.
            None => others.is_empty(),
            Some(rest) => is_lost(own, rest, inner, &others),
        }
    })
}

/// What a part of a path of `managedFields` leads to.
fn child<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let (kind, name) = path.split_once(':')?;
    match (kind, value) {
        ("f", Value::Object(fields)) => fields.get(name),
        ("k", Value::Array(items)) => {
            let Ok(Value::Object(key)) = serde_json::from_str(name) else { return None };
            items.iter().find(|item| key.iter().all(|(field, wanted)| item.get(field) == Some(wanted)))
        }
        ("v", Value::Array(items)) => {
            let wanted: Value = serde_json::from_str(name).ok()?;
            items.iter().find(|item| **item == wanted)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_a_former_owner_alone_wrote_is_lost() {
        let object = |spec: Value, entries: Value| {
            let metadata = json!({"name": "x", "managedFields": entries});
            Object::from_json(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})).unwrap()
        };
        let live = json!({"a": 1, "list": [{"name": "x", "v": 1}, {"name": "y", "v": 1}], "words": ["p", "q"]});
        let owned = json!({"f:spec": {"f:a": {}, "f:list": {"k:{\"name\":\"y\"}": {".": {}, "f:v": {}}}, "f:words": {"v:\"q\"": {}}}});
        let entry = |manager: &str, fields: &Value| json!({"manager": manager, "fieldsV1": fields});
        let lost = |put: Value, others: &[Value]| {
            let entries: Vec<Value> = [entry("former", &owned)].iter().chain(others).cloned().collect();
            drops(
                &object(live.clone(), json!(entries)),
                &object(put, json!([])),
                |entry| entry["manager"] == "former",
                &[],
            )
        };
        assert!(!lost(live.clone(), &[]));
        let without = |field: &str| {
            let mut spec = live.clone();
            spec.as_object_mut().unwrap().remove(field);
            spec
        };
        assert!(lost(without("a"), &[]));
        assert!(!lost(without("a"), &[entry("scaler", &json!({"f:spec": {"f:a": {}}}))]), "it would stay");
        let with = |list: Value, words: Value| json!({"a": 1, "list": list, "words": words});
        let x = json!({"name": "x", "v": 1});
        let y = json!({"name": "y", "v": 2});
        assert!(lost(with(json!([x]), json!(["p", "q"])), &[]));
        assert!(!lost(with(json!([y]), json!(["q"])), &[]), "x and p are nobody's, and another value is no loss");
        assert!(lost(with(json!([x, y]), json!(["p"])), &[]));
    }
}
