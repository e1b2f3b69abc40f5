//! Differences that do not count: what every object has of its own, and `ignoreDifferences`.

use serde_json::{Map, Value};

use crate::domain::manifest::Object;

/// Fields of metadata that the API server writes.
const SERVERS: &[&str] =
    &["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink", "deletionTimestamp"];

/// An entry of `ignoreDifferences`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::engine) struct Rule {
    group: String,
    kind: String,
    name: String,
    namespace: String,
    pointers: Vec<String>,
    managers: Vec<String>,
}

impl Rule {
    /// Reads the entries of a spec. Those with fields that are not implemented were refused before.
    pub(in crate::engine) fn of_spec(entries: &[Value]) -> Vec<Self> {
        let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or_default().to_owned();
        let texts = |entry: &Value, field: &str| {
            let list = entry[field].as_array().into_iter().flatten();
            list.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let read = |entry: &Value| Self {
            group: text(entry, "group"),
            kind: text(entry, "kind"),
            name: text(entry, "name"),
            namespace: text(entry, "namespace"),
            pointers: texts(entry, "jsonPointers"),
            managers: texts(entry, "managedFieldsManagers"),
        };
        entries.iter().map(read).collect()
    }

    /// Group and kind may be `*`; name and namespace count only where they are written.
    pub(super) fn is_about(&self, object: &Object) -> bool {
        let is = |wanted: &str, own: &str| wanted == "*" || wanted == own;
        let may = |wanted: &str, own: &str| wanted.is_empty() || wanted == own;
        is(&self.group, object.group())
            && is(&self.kind, object.kind())
            && may(&self.name, object.name())
            && may(&self.namespace, object.namespace())
    }
}

impl Rule {
    /// JSON pointers to what is ignored.
    pub(super) fn pointers(&self) -> &[String] {
        &self.pointers
    }

    /// Whether what the manager of an entry of `managedFields` owns is ignored.
    pub(super) fn trusts(&self, entry: &Value) -> bool {
        entry["manager"].as_str().is_some_and(|manager| self.managers.iter().any(|own| own == manager))
    }
}

/// The parts of a JSON pointer.
pub(super) fn parts(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

/// Whether an object would be another one, but for what does not count. `live` says who owns which field.
pub(super) fn differs(live: &Object, predicted: &Object, rules: &[Rule]) -> bool {
    counted(live, live, rules) != counted(predicted, live, rules)
}

/// What counts of an object. `live` says who owns which field.
pub(super) fn counted(object: &Object, live: &Object, rules: &[Rule]) -> Value {
    let mut value = Value::Object(object.as_json().clone());
    for rule in rules.iter().filter(|rule| rule.is_about(live)) {
        for pointer in &rule.pointers {
            remove(&mut value, &parts(pointer));
        }
        let entries = live.at(&["metadata", "managedFields"]).and_then(Value::as_array).into_iter().flatten();
        for entry in entries {
            if rule.trusts(entry) {
                remove_owned(&mut value, &entry["fieldsV1"]);
            }
        }
    }
    if let Some(fields) = value.as_object_mut() {
        fields.remove("status");
        if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
            for field in SERVERS {
                metadata.remove(*field);
            }
        }
    }
    without_empty(&mut value);
    value
}

fn remove(value: &mut Value, path: &[String]) {
    let [first, rest @ ..] = path else { return };
    match value {
        Value::Object(fields) if rest.is_empty() => drop(fields.remove(first)),
        Value::Object(fields) => {
            if let Some(inner) = fields.get_mut(first) {
                remove(inner, rest);
            }
        }
        Value::Array(items) => {
            let Some(index) = first.parse::<usize>().ok().filter(|index| *index < items.len()) else { return };
            if rest.is_empty() {
                items.remove(index);
            } else if let Some(inner) = items.get_mut(index) {
                remove(inner, rest);
            }
        }
        _ => {}
    }
}

/// Removes the fields of a set as `managedFields` writes it.
fn remove_owned(value: &mut Value, owned: &Value) {
    let is_leaf = |inner: &Value| inner.as_object().is_none_or(Map::is_empty);
    for (path, inner) in owned.as_object().into_iter().flatten() {
        let Some((kind, name)) = path.split_once(':') else { continue };
        match (kind, &mut *value) {
            ("f", Value::Object(fields)) if is_leaf(inner) => drop(fields.remove(name)),
            ("f", Value::Object(fields)) => {
                if let Some(field) = fields.get_mut(name) {
                    remove_owned(field, inner);
                }
            }
            ("k", Value::Array(items)) => {
                let Ok(Value::Object(key)) = serde_json::from_str(name) else { continue };
                let has_key = |item: &Value| key.iter().all(|(field, wanted)| item.get(field) == Some(wanted));
                if is_leaf(inner) {
                    items.retain(|item| !has_key(item));
                } else if let Some(item) = items.iter_mut().find(|item| has_key(item)) {
                    remove_owned(item, inner);
                }
            }
            ("v", Value::Array(items)) => {
                let Ok(wanted) = serde_json::from_str::<Value>(name) else { continue };
                items.retain(|item| *item != wanted);
            }
            _ => {}
        }
    }
}

/// An empty map and a missing one say the same where whole maps were ignored.
fn without_empty(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.values_mut().for_each(without_empty);
        fields.retain(|_, inner| !inner.is_null() && inner.as_object().is_none_or(|inner| !inner.is_empty()));
    }
}

/// Whether `kubectl apply`, on Argo CD's behalf, last applied a field that the manifest has no more. Server-side apply
/// does not know of these until the fields are taken over.
pub(super) fn forgets(live: &Object, target: &Object) -> bool {
    const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
    let last = live.annotation(LAST_APPLIED).and_then(|text| serde_json::from_str::<Value>(text).ok());
    last.is_some_and(|last| {
        let mut last = last;
        if let Some(fields) = last.as_object_mut() {
            fields.remove("status");
        }
        without_empty(&mut last);
        has_more(&last, &Value::Object(target.as_json().clone()), true)
    })
}

fn has_more(last: &Value, target: &Value, is_root: bool) -> bool {
    match (last, target) {
        (Value::Object(last), Value::Object(target)) => last.iter().any(|(field, inner)| match target.get(field) {
            Some(other) => has_more(inner, other, false),
            // A manifest need not repeat the namespace of its destination.
            None => is_root || !matches!(field.as_str(), "namespace" | "creationTimestamp"),
        }),
        (Value::Array(last), Value::Array(target)) => {
            last.len() > target.len() || last.iter().zip(target).any(|(inner, other)| has_more(inner, other, false))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(spec: &Value, fields: &Value) -> Object {
        let metadata = json!({"name": "web", "namespace": "shop", "resourceVersion": "7",
            "managedFields": [{"manager": "scaler", "operation": "Update", "fieldsV1": fields}]});
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec});
        Object::from_json(object).unwrap()
    }

    fn differ(live: &Value, predicted: &Value, owned: &Value, rule: &Value) -> bool {
        let rules = Rule::of_spec(std::slice::from_ref(rule));
        differs(&object(live, owned), &object(predicted, &Value::Null), &rules)
    }

    #[test]
    fn what_is_ignored_does_not_count_and_all_else_does() {
        let three = json!({"replicas": 3, "a/b": [{"name": "x", "image": "1"}, {"name": "y", "image": "1"}]});
        let five = json!({"replicas": 5, "a/b": [{"name": "x", "image": "1"}, {"name": "y", "image": "2"}]});
        let nothing = json!({"group": "apps", "kind": "Deployment"});
        let owned = json!({"f:spec": {"f:replicas": {}, "f:a/b": {"k:{\"name\":\"y\"}": {".": {}, "f:image": {}}}}});
        assert!(!differ(&three, &three, &owned, &nothing));
        assert!(differ(&three, &five, &owned, &nothing));
        let pointers = |kind: &str, list: Value| json!({"group": "apps", "kind": kind, "jsonPointers": list});
        let both = json!(["/spec/replicas", "/spec/a~1b/1/image"]);
        assert!(!differ(&three, &five, &owned, &pointers("Deployment", both.clone())));
        assert!(!differ(&three, &five, &owned, &pointers("*", both.clone())));
        assert!(differ(&three, &five, &owned, &pointers("StatefulSet", both)));
        assert!(differ(&three, &five, &owned, &pointers("Deployment", json!(["/spec/replicas", "spec/a"]))));
        let by = |manager: &str| json!({"group": "apps", "kind": "Deployment", "managedFieldsManagers": [manager]});
        assert!(!differ(&three, &five, &owned, &by("scaler")));
        assert!(differ(&three, &five, &owned, &by("other")));
    }

    #[test]
    fn a_field_that_only_kubectl_knows_of_is_found() {
        let target = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "1"}});
        let live = |data: Value| {
            let last = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": data,
                "metadata": {"name": "x", "namespace": "shop", "annotations": {}}});
            let annotations = json!({"kubectl.kubernetes.io/last-applied-configuration": last.to_string()});
            let metadata = json!({"name": "x", "namespace": "shop", "annotations": annotations});
            Object::from_json(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})).unwrap()
        };
        let target = Object::from_json(target).unwrap();
        assert!(!forgets(&live(json!({"a": "0"})), &target));
        assert!(forgets(&live(json!({"a": "1", "b": "2"})), &target));
    }
}
