//! `RespectIgnoreDifferences=true`: what is ignored when an object is compared is left alone when it is applied.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::ignore::{Rule, parts};
use crate::domain::manifest::Object;

/// A manifest with the live values of the fields that are ignored. What does not live is not in it either. `status` is
/// never taken.
pub(in crate::engine) fn with_ignored(target: &Arc<Object>, live: &Object, rules: &[Rule]) -> Arc<Object> {
    let mut value = Value::Object(target.as_json().clone());
    let source = Value::Object(live.as_json().clone());
    for rule in rules.iter().filter(|rule| rule.is_about(live)) {
        for pointer in rule.pointers() {
            let path = parts(pointer);
            if path.first().is_some_and(|first| first != "status") {
                copy(&mut value, Some(&source), &path);
            }
        }
        let entries = live.at(&["metadata", "managedFields"]).and_then(Value::as_array).into_iter().flatten();
        for entry in entries.filter(|entry| rule.trusts(entry)) {
            copy_owned(&mut value, &source, &entry["fieldsV1"], true);
        }
    }
    match Object::from_json(value) {
        Ok(object) => Arc::new(object),
        Err(_) => Arc::clone(target),
    }
}

/// Makes what a path leads to the same in both.
fn copy(into: &mut Value, from: Option<&Value>, path: &[String]) {
    let [first, rest @ ..] = path else { return };
    let inner = from.and_then(|from| child(from, first));
    match into {
        Value::Object(fields) => match (inner, rest.is_empty()) {
            (Some(inner), true) => drop(fields.insert(first.clone(), inner.clone())),
            (None, true) => drop(fields.remove(first)),
            (Some(_), false) => {
                copy(fields.entry(first.clone()).or_insert_with(|| Value::Object(Map::new())), inner, rest);
            }
            (None, false) => {
                if let Some(field) = fields.get_mut(first) {
                    copy(field, None, rest);
                }
            }
        },
        Value::Array(items) => {
            let Some(item) = first.parse::<usize>().ok().and_then(|index| items.get_mut(index)) else { return };
            match (inner, rest.is_empty()) {
                (Some(inner), true) => *item = inner.clone(),
                (None, true) => {}
                (inner, false) => copy(item, inner, rest),
            }
        }
        _ => {}
    }
}

fn child<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => fields.get(name),
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        _ => None,
    }
}

/// Takes the values of the fields that somebody else owns, where the manifest has them too: of others it says nothing.
fn copy_owned(into: &mut Value, from: &Value, owned: &Value, is_root: bool) {
    for (path, inner) in owned.as_object().into_iter().flatten() {
        let Some((kind, name)) = path.split_once(':') else { continue };
        if is_root && name == "status" {
            continue;
        }
        match (kind, &mut *into, from) {
            ("f", Value::Object(fields), Value::Object(source)) => {
                let (Some(field), Some(value)) = (fields.get_mut(name), source.get(name)) else { continue };
                if inner.as_object().is_none_or(Map::is_empty) {
                    *field = value.clone();
                } else {
                    copy_owned(field, value, inner, false);
                }
            }
            ("k", Value::Array(items), Value::Array(source)) => {
                let Ok(Value::Object(key)) = serde_json::from_str(name) else { continue };
                let has_key = |item: &Value| key.iter().all(|(field, wanted)| item.get(field) == Some(wanted));
                let item = items.iter_mut().find(|item| has_key(item));
                if let (Some(item), Some(value)) = (item, source.iter().find(|item| has_key(item))) {
                    copy_owned(item, value, inner, false);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(spec: &Value, managed: &Value) -> Object {
        let metadata = json!({"name": "web", "managedFields": managed});
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec});
        Object::from_json(object).unwrap()
    }

    fn respected(target: &Value, live: &Value, owned: &Value, rule: &Value) -> Value {
        let target = Arc::new(object(target, &json!([])));
        let live = object(live, &json!([{"manager": "scaler", "fieldsV1": owned}]));
        let mut whole = json!({"group": "apps", "kind": "Deployment"});
        whole.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
        with_ignored(&target, &live, &Rule::of_spec(&[whole])).at(&["spec"]).cloned().unwrap_or_default()
    }

    #[test]
    fn ignored_fields_keep_their_live_values_and_others_are_gits() {
        let git = json!({"replicas": 1, "image": "new", "list": [{"name": "x", "v": 1}], "only": {"git": true}});
        let live = json!({"replicas": 5, "image": "old", "list": [{"name": "x", "v": 2}], "more": {"a": 1}});
        let pointers = |list: Value| json!({ "jsonPointers": list });
        let nothing = json!({});
        assert_eq!(respected(&git, &live, &nothing, &pointers(json!([]))), git);
        let with = |field: &str, value: Value| {
            let mut spec = git.clone();
            spec[field] = value;
            spec
        };
        let of = |pointer: &str| respected(&git, &live, &nothing, &pointers(json!([pointer])));
        assert_eq!(of("/spec/replicas"), with("replicas", json!(5)));
        assert_eq!(of("/spec/list/0/v"), with("list", json!([{"name": "x", "v": 2}])));
        assert_eq!(of("/spec/more/a"), with("more", json!({"a": 1})));
        assert_eq!(of("/spec/only/git"), with("only", json!({})), "what does not live is not applied");
        let owned =
            json!({"f:spec": {"f:replicas": {}, "f:more": {"f:a": {}}, "f:list": {"k:{\"name\":\"x\"}": {"f:v": {}}}}});
        let mut wanted = with("replicas", json!(5));
        wanted["list"][0]["v"] = json!(2);
        let by = |manager: &str| respected(&git, &live, &owned, &json!({"managedFieldsManagers": [manager]}));
        assert_eq!(by("scaler"), wanted);
        assert_eq!(by("other"), git);
    }
}
