//! Strategic merge patch: a merge patch that knows which lists are merged, and by which key.
//!
//! Directives are fields of the patch whose names begin with `$`: `$patch` (`delete`, `replace`, `merge`),
//! `$retainKeys`, `$deleteFromPrimitiveList/FIELD` and `$setElementOrder/FIELD`.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use crate::sim::openapi::{Schema, Strategy};

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
const ELEMENT_ORDER: &str = "$setElementOrder/";

/// Why a strategic merge patch cannot be applied; the text is that of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPatch(String);

fn bad<T>(message: impl Into<String>) -> Result<T, BadPatch> {
    Err(BadPatch(message.into()))
}

/// Applies a strategic merge patch to an object of a built-in kind.
pub fn strategic_merge(schema: Schema<'_>, object: &Value, patch: &Value) -> Result<Value, BadPatch> {
    let (Some(object), Some(patch)) = (object.as_object(), patch.as_object()) else {
        return bad("invalid JSON document");
    };
    merge_maps(schema, object.clone(), patch.clone()).map(Value::Object)
}

fn merge_maps(
    schema: Schema<'_>,
    mut object: Map<String, Value>,
    mut patch: Map<String, Value>,
) -> Result<Map<String, Value>, BadPatch> {
    if let Some(directive) = patch.remove(DIRECTIVE) {
        return match directive.as_str() {
            Some("replace") => Ok(patch),
            Some("delete") => Ok(Map::new()),
            _ => bad(format!("unknown patch type: {} in map: map[$patch:{}]", plain(&directive), plain(&directive))),
        };
    }
    retain_keys(&mut object, &mut patch)?;
    order_elements(schema, &mut object, &mut patch)?;
    for (key, value) in patch {
        let (name, deletes) = match key.strip_prefix(DELETE_FROM) {
            Some(name) => (name.to_owned(), true),
            None => (key, false),
        };
        if value.is_null() {
            object.remove(&name);
            continue;
        }
        let merged = match (object.remove(&name), value) {
            (Some(Value::Object(before)), Value::Object(patch)) if !deletes => {
                if schema.strategy(&name).replace {
                    Some(Value::Object(patch))
                } else {
                    let inner = schema.child(&name).unwrap_or(schema.any());
                    Some(Value::Object(merge_maps(inner, before, patch)?))
                }
            }
            (Some(Value::Array(before)), Value::Array(patch)) => {
                if deletes {
                    Some(Value::Array(before.into_iter().filter(|value| !patch.contains(value)).collect()))
                } else if schema.strategy(&name).merge {
                    Some(Value::Array(merge_lists(schema, &name, before, patch)?))
                } else {
                    Some(Value::Array(patch))
                }
            }
            (before, _) if deletes => before,
            (_, value) => without_directives(without_nulls(value)),
        };
        if let Some(merged) = merged {
            object.insert(name, merged);
        }
    }
    Ok(object)
}

/// `$retainKeys`: the object keeps only these fields, and the patch may name no other.
fn retain_keys(object: &mut Map<String, Value>, patch: &mut Map<String, Value>) -> Result<(), BadPatch> {
    let Some(keys) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let Some(keys) = keys.as_array() else { return bad("invalid patch format of retainKeys") };
    let kept = |name: &str| keys.iter().any(|key| key == name);
    let is_directive = |name: &str| name.starts_with(DELETE_FROM) || name.starts_with(ELEMENT_ORDER);
    if patch.iter().any(|(name, value)| !value.is_null() && !is_directive(name) && !kept(name)) {
        return bad("invalid patch format of retainKeys");
    }
    object.retain(|name, _| kept(name));
    Ok(())
}

/// `$setElementOrder`: merges the list it is about at once, and brings it into that order.
fn order_elements(
    schema: Schema<'_>,
    object: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
) -> Result<(), BadPatch> {
    let directives: Vec<_> = patch.keys().filter(|key| key.starts_with(ELEMENT_ORDER)).cloned().collect();
    for directive in directives {
        let (Some(order), Some(name)) = (patch.remove(&directive), directive.strip_prefix(ELEMENT_ORDER)) else {
            continue;
        };
        let Value::Array(order) = order else { return bad("invalid patch format of setElementOrder list") };
        let list = |value: Option<Value>| match value {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(_) => bad("invalid patch format of setElementOrder list"),
        };
        let deletes_list = patch.get(name).is_some_and(Value::is_null);
        if deletes_list {
            continue;
        }
        let (before, change) = (list(object.get(name).cloned())?, list(patch.remove(name))?);
        let strategy = schema.strategy(name);
        check_order(change.as_deref().unwrap_or_default(), &order, &strategy)?;
        let merged = match (before.clone(), change) {
            (None, None) => continue,
            (Some(before), None) => before,
            (None, Some(change)) => change.into_iter().filter_map(without_directives).collect(),
            (Some(before), Some(change)) if strategy.merge => merge_lists(schema, name, before, change)?,
            (Some(_), Some(change)) => change,
        };
        let ordered = in_order(merged, &order, before.as_deref().unwrap_or_default(), &strategy);
        object.insert(name.to_owned(), Value::Array(ordered));
    }
    Ok(())
}

/// The elements that the patch changes have to stand in the order list, in the same order.
fn check_order(change: &[Value], order: &[Value], strategy: &Strategy) -> Result<(), BadPatch> {
    if change.is_empty() || order.is_empty() {
        return Ok(());
    }
    let mut places = order.iter();
    for element in change.iter().filter(|element| element.get(DIRECTIVE).is_none()) {
        if !places.any(|place| same(element, place, strategy)) {
            return bad(format!(
                "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
                Value::from(change.to_vec()),
                Value::from(order.to_vec())
            ));
        }
    }
    Ok(())
}

/// Whether two elements of a list are one, by the merge key or by value.
fn same(one: &Value, other: &Value, strategy: &Strategy) -> bool {
    match &strategy.merge_key {
        Some(key) => one.get(key.as_ref()).is_some_and(|value| other.get(key.as_ref()) == Some(value)),
        None => one == other,
    }
}

fn merge_lists(schema: Schema<'_>, name: &str, before: Vec<Value>, change: Vec<Value>) -> Result<Vec<Value>, BadPatch> {
    if before.is_empty() && change.is_empty() {
        return Ok(before);
    }
    let strategy = schema.strategy(name);
    let list = schema.child(name).unwrap_or(schema.any());
    let all_maps = before.iter().chain(&change).all(Value::is_object);
    if !all_maps {
        if before.iter().chain(&change).any(|value| value.is_object() || value.is_array()) {
            return bad("lists of lists are not supported");
        }
        let mut merged: Vec<Value> = Vec::new();
        for value in before.iter().chain(&change) {
            if !merged.contains(value) {
                merged.push(value.clone());
            }
        }
        return Ok(in_order(merged, &change, &before, &strategy));
    }
    let Some(key) = strategy.merge_key.clone() else {
        return bad(format!("cannot merge lists without merge key for {name}"));
    };
    let has_key = |element: &Value| match element.get(key.as_ref()) {
        Some(_) => Ok(()),
        None => bad(format!("map: {} does not contain declared merge key: {key}", plain(element))),
    };
    let original = before.clone();
    let mut merged = before;
    let mut changes = Vec::new();
    let mut replace = false;
    for element in change {
        match element.get(DIRECTIVE).map(|directive| (directive.as_str(), directive)) {
            None => changes.push(element),
            Some((Some("delete"), _)) => {
                has_key(&element)?;
                merged.retain(|other| !same(&element, other, &strategy));
            }
            Some((Some("replace"), _)) => replace = true,
            Some((Some("merge"), _)) => return bad("merging lists cannot yet be specified in the patch"),
            Some((_, directive)) => {
                return bad(format!("unknown patch type: {} in map: {}", plain(directive), plain(&element)));
            }
        }
    }
    if replace {
        return Ok(changes);
    }
    for element in &changes {
        has_key(element)?;
        match merged.iter_mut().find(|other| same(element, other, &strategy)) {
            Some(other) => {
                let (Value::Object(before), Value::Object(patch)) = (other.take(), element.clone()) else { continue };
                *other = Value::Object(merge_maps(list.element(), before, patch)?);
            }
            None => merged.extend(without_directives(without_nulls(element.clone()))),
        }
    }
    for element in &merged {
        has_key(element)?;
    }
    Ok(in_order(merged, &changes, &original, &strategy))
}

/// The elements that `order` names, in that order, and the others between them where they stood in the list before.
fn in_order(merged: Vec<Value>, order: &[Value], before: &[Value], strategy: &Strategy) -> Vec<Value> {
    let place = |list: &[Value], element: &Value| list.iter().position(|other| same(element, other, strategy));
    let (mut named, mut others): (Vec<_>, Vec<_>) =
        merged.into_iter().partition(|element| place(order, element).is_some());
    named.sort_by_key(|element| place(order, element));
    others.sort_by(|one, other| match (place(before, one), place(before, other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => Ordering::Equal,
    });
    let mut out = Vec::with_capacity(named.len() + others.len());
    let mut others = others.into_iter().peekable();
    for element in named {
        while let Some(other) = others.peek() {
            match (place(before, other), place(before, &element)) {
                (Some(left), Some(right)) if left < right => out.extend(others.next()),
                _ => break,
            }
        }
        out.push(element);
    }
    out.extend(others);
    out
}

fn without_nulls(mut value: Value) -> Value {
    drop_nulls(&mut value);
    value
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// A value that is new in the object, without the directives in it; `None` where the value is a directive itself.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(map) if map.contains_key(DIRECTIVE) => None,
        Value::Object(map) => Some(Value::Object(
            map.into_iter()
                .filter(|(name, _)| {
                    name != RETAIN_KEYS && !name.starts_with(DELETE_FROM) && !name.starts_with(ELEMENT_ORDER)
                })
                .filter_map(|(name, value)| Some((name, without_directives(value)?)))
                .collect(),
        )),
        Value::Array(list) => Some(Value::Array(list.into_iter().filter_map(without_directives).collect())),
        other => Some(other),
    }
}

/// A value as a Go program prints it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(map) => {
            let fields: Vec<_> = map.iter().map(|(name, value)| format!("{name}:{}", plain(value))).collect();
            format!("map[{}]", fields.join(" "))
        }
        Value::Array(list) => format!("[{}]", list.iter().map(plain).collect::<Vec<_>>().join(" ")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::openapi::Types;

    fn pod(spec: &Value, patch: &Value) -> Result<Value, String> {
        let schema = Types::built_in().kind("v1", "Pod").unwrap();
        strategic_merge(schema, &json!({"spec": spec}), &json!({"spec": patch}))
            .map(|object| object["spec"].clone())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn lists_merge_by_their_keys() {
        let spec = json!({"containers": [{"name": "a", "image": "1", "env": [{"name": "x", "value": "1"}]}, {"name": "b", "image": "1"}]});
        assert_eq!(
            pod(&spec, &json!({"containers": [{"name": "a", "env": [{"name": "y", "value": "2"}]}, {"name": "c"}]})),
            Ok(json!({"containers": [
                {"name": "a", "image": "1", "env": [{"name": "y", "value": "2"}, {"name": "x", "value": "1"}]},
                {"name": "c"},
                {"name": "b", "image": "1"},
            ]}))
        );
        assert_eq!(
            pod(&spec, &json!({"containers": [{"$patch": "delete", "name": "a"}]})),
            Ok(json!({"containers": [{"name": "b", "image": "1"}]}))
        );
        assert_eq!(
            pod(&spec, &json!({"containers": [{"name": "z"}, {"$patch": "replace"}]})),
            Ok(json!({"containers": [{"name": "z"}]}))
        );
        assert!(pod(&spec, &json!({"containers": [{"image": "2"}]})).unwrap_err().contains("merge key: name"));
    }

    #[test]
    fn order_comes_from_the_directive_then_from_the_object() {
        let spec = json!({"containers": [{"name": "a"}, {"name": "side"}, {"name": "b"}]});
        let patch = json!({
            "$setElementOrder/containers": [{"name": "b"}, {"name": "c"}, {"name": "a"}],
            "containers": [{"name": "c"}],
        });
        let names: Vec<_> = pod(&spec, &patch).unwrap()["containers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|container| container["name"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["side", "b", "c", "a"]);
        let wrong = json!({"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "c"}]});
        assert!(pod(&spec, &wrong).unwrap_err().contains("doesn't match $setElementOrder"));
    }

    #[test]
    fn the_other_directives_do_what_they_say() {
        let spec = json!({"volumes": [{"name": "v", "emptyDir": {}}], "nodeSelector": {"a": "1", "b": "2"}});
        assert_eq!(
            pod(
                &spec,
                &json!({"volumes": [{"$retainKeys": ["name", "configMap"], "name": "v", "configMap": {"name": "c"}}]})
            ),
            Ok(json!({"volumes": [{"name": "v", "configMap": {"name": "c"}}], "nodeSelector": {"a": "1", "b": "2"}}))
        );
        assert_eq!(
            pod(&spec, &json!({"nodeSelector": {"$patch": "replace", "c": "3"}})).unwrap()["nodeSelector"],
            json!({"c": "3"})
        );
        assert_eq!(
            pod(&spec, &json!({"nodeSelector": {"a": null, "d": "4"}})).unwrap()["nodeSelector"],
            json!({"b": "2", "d": "4"})
        );
        let schema = Types::built_in().kind("v1", "Pod").unwrap();
        let object = json!({"metadata": {"finalizers": ["a/1", "b/2"]}});
        let patched = strategic_merge(
            schema,
            &object,
            &json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a/1"], "finalizers": ["c/3"]}}),
        );
        assert_eq!(patched.unwrap()["metadata"]["finalizers"], json!(["c/3", "b/2"]));
        assert_eq!(
            pod(&spec, &json!({"$patch": "foo"})),
            Err("unknown patch type: foo in map: map[$patch:foo]".to_owned())
        );
    }
}
