//! Taking over the fields of objects that somebody else applied before: Argo CD, or kubectl on its behalf. Without that a
//! field that Git has no more would stay, owned by a manager that never comes back.

use serde_json::{Map, Value, json};

use crate::cluster::Patch;
use crate::domain::manifest::Object;
use crate::engine::record::{MANAGER, version};

/// Argo CD's manager.
const ARGO_CD: &str = "argocd-controller";
/// The manager of `kubectl apply`, which Argo CD uses too.
const KUBECTL: &str = "kubectl-client-side-apply";

/// The patch that makes the fields of former managers ours; `None` where there is nothing to take over. Fields of other
/// versions of the API are left where they are: they cannot be put together.
pub(super) fn take_over(live: &Object, from_kubectl: bool) -> Option<Patch> {
    let entries = live.at(&["metadata", "managedFields"])?.as_array()?;
    let text = |entry: &Value, field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let api_version = live.api_version();
    let is_former = |entry: &&Value| {
        let manager = text(entry, "manager");
        // What we created or replaced is ours as much as what we applied, and is written down as an update.
        let is_update_of_ours = manager == MANAGER && text(entry, "operation") == "Update";
        (manager == ARGO_CD || is_update_of_ours || (from_kubectl && manager == KUBECTL))
            && text(entry, "subresource").is_empty()
            && text(entry, "apiVersion") == api_version
    };
    let is_ours = |entry: &&Value| {
        text(entry, "manager") == MANAGER
            && text(entry, "operation") == "Apply"
            && text(entry, "subresource").is_empty()
            && text(entry, "apiVersion") == api_version
    };
    let former: Vec<&Value> = entries.iter().filter(is_former).collect();
    if former.is_empty() {
        return None;
    }
    let mut fields = Value::Object(Map::new());
    for entry in former.iter().copied().chain(entries.iter().filter(is_ours)) {
        unite(&mut fields, entry.get("fieldsV1").unwrap_or(&Value::Null));
    }
    let time = former.iter().filter_map(|entry| entry.get("time")).next_back().cloned();
    let mut own = json!({
        "manager": MANAGER,
        "operation": "Apply",
        "apiVersion": api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    });
    if let (Some(time), Some(own)) = (time, own.as_object_mut()) {
        own.insert("time".to_owned(), time);
    }
    let rest = entries.iter().filter(|entry| !is_former(entry) && !is_ours(entry)).cloned();
    let managers: Vec<Value> = rest.chain([own]).collect();
    Some(Patch::Json(json!([
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version(live)},
        {"op": "replace", "path": "/metadata/managedFields", "value": managers},
    ])))
}

/// Adds a set of fields to another. A field that is owned as a whole and in parts is owned in both ways.
fn unite(into: &mut Value, other: &Value) {
    let (Some(into), Some(other)) = (into.as_object_mut(), other.as_object()) else { return };
    for (field, inner) in other {
        match into.get_mut(field) {
            Some(own) => unite(own, inner),
            None => drop(into.insert(field.clone(), inner.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_former_managers_become_ours_and_others_stay() {
        let entry = |manager: &str, operation: &str, fields: Value| json!({"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields});
        let live = |entries: Value| {
            let metadata = json!({"name": "x", "resourceVersion": "5", "managedFields": entries});
            Object::from_json(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})).unwrap()
        };
        let scaler = entry("scaler", "Update", json!({"f:data": {"f:z": {}}}));
        let kubectl = entry(KUBECTL, "Update", json!({"f:data": {"f:b": {}}}));
        let argo = entry(ARGO_CD, "Update", json!({"f:data": {".": {}, "f:a": {}}}));
        let both = live(json!([argo, scaler, kubectl]));
        let managers = |patch: Option<Patch>| match patch {
            Some(Patch::Json(patch)) => patch[1]["value"].clone(),
            _ => Value::Null,
        };
        let taken = managers(take_over(&both, true));
        assert_eq!(taken[0], scaler);
        assert_eq!(taken[1]["manager"], MANAGER);
        assert_eq!(taken[1]["operation"], "Apply");
        assert_eq!(taken[1]["fieldsV1"], json!({"f:data": {".": {}, "f:a": {}, "f:b": {}}}));
        let kept = managers(take_over(&both, false));
        assert_eq!((&kept[0], &kept[1]), (&scaler, &kubectl));
        assert!(take_over(&live(json!([scaler])), true).is_none());
    }
}
