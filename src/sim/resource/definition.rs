//! From a `CustomResourceDefinition` to the resource it defines.

use serde_json::{Value, json};

use super::types::{GenerationRule, Printer, PrinterColumn, Resource, ScalePaths, ServedVersion};

/// The resource that a definition defines; `None` where it lacks what every definition has.
pub fn defined(definition: &Value) -> Option<Resource> {
    let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let names = |pointer: &str| {
        let list = definition.pointer(pointer).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    let (group, kind, plural) = (text("/spec/group"), text("/spec/names/kind"), text("/spec/names/plural"));
    if group.is_empty() || kind.is_empty() || plural.is_empty() {
        return None;
    }
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array)?;
    let flag = |version: &Value, name: &str| version.get(name).and_then(Value::as_bool).unwrap_or(false);
    let storage = versions.iter().find(|version| flag(version, "storage")).or_else(|| versions.first())?;
    let served: Vec<ServedVersion> =
        versions.iter().filter(|version| flag(version, "served")).filter_map(served_version).collect();
    let status = storage.pointer("/subresources/status").is_some();
    let or = |given: String, otherwise: String| if given.is_empty() { otherwise } else { given };
    Some(Resource {
        version: storage.get("name")?.as_str()?.to_owned(),
        served,
        list_kind: or(text("/spec/names/listKind"), format!("{kind}List")),
        singular: or(text("/spec/names/singular"), kind.to_lowercase()),
        short_names: names("/spec/names/shortNames"),
        categories: names("/spec/names/categories"),
        namespaced: text("/spec/scope") != "Cluster",
        verbs: super::builtin::ALL_VERBS.to_vec(),
        status,
        scale: storage.pointer("/subresources/scale").and_then(scale),
        generation: if status { GenerationRule::Spec } else { GenerationRule::Everything },
        custom: true,
        group,
        kind,
        plural,
    })
}

fn served_version(version: &Value) -> Option<ServedVersion> {
    let columns = version.get("additionalPrinterColumns").and_then(Value::as_array);
    let printer = match columns {
        Some(columns) if !columns.is_empty() => Printer::Columns(columns.iter().map(column).collect()),
        _ => Printer::Plain,
    };
    let selectable = version.get("selectableFields").and_then(Value::as_array);
    Some(ServedVersion {
        name: version.get("name")?.as_str()?.to_owned(),
        schema: version.pointer("/schema/openAPIV3Schema").cloned(),
        printer,
        selectable_fields: selectable
            .into_iter()
            .flatten()
            .filter_map(|field| field.get("jsonPath")?.as_str())
            .map(|path| path.trim_start_matches('.').to_owned())
            .collect(),
    })
}

fn column(column: &Value) -> PrinterColumn {
    let text = |field: &str| column.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    PrinterColumn {
        name: text("name"),
        column_type: text("type"),
        format: text("format"),
        description: text("description"),
        priority: column.get("priority").and_then(Value::as_i64).unwrap_or(0),
        json_path: text("jsonPath"),
    }
}

fn scale(scale: &Value) -> Option<ScalePaths> {
    let path = |field: &str| {
        let path = scale.get(field)?.as_str()?.trim_start_matches('.');
        Some(path.split('.').map(str::to_owned).collect::<Vec<_>>())
    };
    Some(ScalePaths {
        spec_replicas: path("specReplicasPath")?,
        status_replicas: path("statusReplicasPath")?,
        selector: path("labelSelectorPath"),
    })
}

/// The definition of a resource that is there from the start. Its objects may hold anything.
pub fn definition_of(resource: &Resource) -> Value {
    let versions: Vec<Value> = resource
        .served
        .iter()
        .map(|served| {
            let columns: &[PrinterColumn] = if let Printer::Columns(columns) = &served.printer { columns } else { &[] };
            let columns: Vec<Value> = columns
                .iter()
                .map(|column| {
                    json!({
                        "name": column.name,
                        "type": column.column_type,
                        "jsonPath": column.json_path,
                        "priority": column.priority,
                    })
                })
                .collect();
            json!({
                "name": served.name,
                "served": true,
                "storage": served.name == resource.version,
                "additionalPrinterColumns": columns,
                "schema": { "openAPIV3Schema": {
                    "type": "object",
                    "x-kubernetes-preserve-unknown-fields": true,
                    "properties": {
                        "apiVersion": { "type": "string" },
                        "kind": { "type": "string" },
                        "metadata": { "type": "object" },
                    },
                } },
            })
        })
        .collect();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": resource.qualified() },
        "spec": {
            "group": resource.group,
            "names": {
                "kind": resource.kind,
                "listKind": resource.list_kind,
                "plural": resource.plural,
                "singular": resource.singular,
                "shortNames": resource.short_names,
            },
            "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
            "versions": versions,
        },
    })
}

/// The status that the API server gives a definition whose names nobody else has: established.
pub fn established(definition: &Value, now: &str) -> Value {
    let condition = |of: &str, reason: &str, message: &str| json!({ "type": of, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now });
    let stored = definition.pointer("/spec/versions").and_then(Value::as_array);
    let stored: Vec<&Value> = stored
        .into_iter()
        .flatten()
        .filter(|version| version.get("storage").and_then(Value::as_bool).unwrap_or(false))
        .filter_map(|version| version.get("name"))
        .collect();
    json!({
        "acceptedNames": definition.pointer("/spec/names").cloned().unwrap_or_default(),
        "conditions": [
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ],
        "storedVersions": stored,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_says_what_its_resource_is() {
        let definition = json!({"spec": {
            "group": "example.com",
            "names": {"kind": "Boat", "plural": "boats", "shortNames": ["bt"]},
            "scope": "Namespaced",
            "versions": [
                {"name": "v1alpha1", "served": true, "storage": false},
                {"name": "v1", "served": true, "storage": true, "subresources": {
                    "status": {}, "scale": {"specReplicasPath": ".spec.crew", "statusReplicasPath": ".status.crew"}},
                 "additionalPrinterColumns": [{"name": "Crew", "type": "integer", "jsonPath": ".spec.crew"}]},
            ],
        }});
        let boats = defined(&definition).unwrap();
        assert_eq!(
            (boats.version.as_str(), boats.singular.as_str(), boats.list_kind.as_str()),
            ("v1", "boat", "BoatList")
        );
        assert!(boats.status && boats.namespaced && boats.custom);
        assert_eq!(boats.scale.unwrap().spec_replicas, ["spec", "crew"]);
        assert_eq!(boats.served.len(), 2);
        assert_eq!(established(&definition, "now")["storedVersions"], json!(["v1"]));
        assert_eq!(defined(&json!({"spec": {"group": "example.com", "versions": 3}})), None);
    }
}
