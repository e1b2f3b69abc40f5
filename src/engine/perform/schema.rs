//! Manifests with fields that nobody knows, where `Validate=false` asks for what remains of them.

use serde_json::{Map, Value};

use crate::cluster::{Cluster, ClusterError, Kind, Patch, WriteOptions};
use crate::domain::manifest::Object;

/// A field that the schema does not know. Server-side apply refuses it whatever the validation is.
pub(crate) fn is_not_in_schema(error: &ClusterError) -> bool {
    error.api().is_some_and(|status| status.message.contains("not declared in schema"))
}

/// A manifest that the schema does not take, whatever is done about it: a field that it does not know, or one of another
/// type.
pub(crate) fn is_against_schema(error: &ClusterError) -> bool {
    let is_typed = |message: &str| message.contains("failed to create typed patch object");
    is_not_in_schema(error) || error.api().is_some_and(|status| is_typed(&status.message))
}

/// The part of a manifest that the schema knows, so that it can be applied, and what Git removes goes. The API server is
/// asked with a merge into the object that lives, as a dry run: what does not come back is not known.
pub(crate) async fn known_part(
    cluster: &Cluster,
    kind: &Kind,
    manifest: &Object,
    options: &WriteOptions,
) -> Result<Object, ClusterError> {
    let merge = Patch::Merge(Value::Object(manifest.as_json().clone()));
    let options = WriteOptions { dry_run: true, ..options.clone() };
    let merged = cluster.patch(kind, manifest.namespace(), manifest.name(), &merge, &options).await?;
    let mut known = Object::clone(manifest);
    let fields = std::mem::take(known.as_json_mut());
    *known.as_json_mut() = common(fields, merged.as_json());
    Ok(known)
}

/// The fields that also the other one has. Lists of a merge are replaced as a whole, so their items stand side by side.
fn common(fields: Map<String, Value>, other: &Map<String, Value>) -> Map<String, Value> {
    let known = |(name, value): (String, Value)| match other.get(&name) {
        Some(other) => Some((name, common_value(value, other))),
        // Of a Secret; it never comes back.
        None if name == "stringData" => Some((name, value)),
        None => None,
    };
    fields.into_iter().filter_map(known).collect()
}

fn common_value(value: Value, other: &Value) -> Value {
    match (value, other) {
        (Value::Object(fields), Value::Object(other)) => Value::Object(common(fields, other)),
        (Value::Array(items), Value::Array(others)) if items.len() == others.len() => {
            Value::Array(items.into_iter().zip(others).map(|(item, other)| common_value(item, other)).collect())
        }
        (value, _) => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_does_not_come_back_is_left_out_at_any_depth() {
        let manifest = json!({"kind": "Secret", "stringData": {"a": "b"}, "odd": 1,
            "spec": {"items": [{"name": "a", "odd": 1}, {"name": "b"}], "odd": {}, "text": "mine"}});
        let merged = json!({"kind": "Secret", "data": {"a": "Yg=="}, "metadata": {"uid": "1"},
            "spec": {"items": [{"name": "a", "default": 1}, {"name": "b"}], "text": "theirs"}});
        let known = common(manifest.as_object().unwrap().clone(), merged.as_object().unwrap());
        let wanted = json!({"kind": "Secret", "stringData": {"a": "b"},
            "spec": {"items": [{"name": "a"}, {"name": "b"}], "text": "mine"}});
        assert_eq!(Value::Object(known), wanted);
    }
}
