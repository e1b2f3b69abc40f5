//! The documents under `/openapi/v3`, one for each group and version. As JSON and as far as
//! `kubectl apply`, `diff` and `explain` read them: schemas, and paths whose operations name their kind and parameters.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::types::DEFINITIONS;
use crate::sim::resource::{Resource, Resources};

const SCHEMAS: &str = "#/components/schemas/";
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const LIST_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";

/// Where a group and version is found under `/openapi/v3/`.
pub(super) fn place(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

pub(super) fn group_versions(resources: &Resources) -> BTreeSet<(String, String)> {
    let all = resources.iter().flat_map(|resource| {
        resource.served.iter().map(|served| (resource.group.clone(), served.name.clone())).collect::<Vec<_>>()
    });
    all.collect()
}

/// The document of one group and version; `None` where nothing is served there.
pub fn openapi_document(resources: &Resources, group: &str, version: &str) -> Option<Value> {
    let here: Vec<&Arc<Resource>> = resources
        .iter()
        .filter(|resource| resource.group == group && resource.served_version(version).is_some())
        .collect();
    if here.is_empty() {
        return None;
    }
    let mut schemas = Map::new();
    let mut paths = Map::new();
    for resource in here {
        let name = schema_name(resource, version);
        if DEFINITIONS.contains_key(&name) {
            add_definition(&name, &mut schemas);
        } else {
            add_custom(resource, version, &name, &mut schemas);
        }
        add_list(resource, version, &name, &mut schemas);
        add_paths(resource, version, &name, &mut paths);
    }
    Some(json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "unversioned"},
        "paths": paths,
        "components": {"schemas": schemas},
    }))
}

/// The name of a kind's schema: that of its Go package, or of a custom resource the group backwards.
fn schema_name(resource: &Resource, version: &str) -> String {
    let wanted = json!({"group": resource.group, "version": version, "kind": resource.kind});
    let built_in = DEFINITIONS.iter().filter(|_| !resource.custom).find(|(_, definition)| {
        let kinds = definition.get("x-kubernetes-group-version-kind").and_then(Value::as_array);
        kinds.is_some_and(|kinds| kinds.contains(&wanted))
    });
    built_in.map_or_else(
        || {
            let backwards: Vec<_> = resource.group.rsplit('.').collect();
            format!("{}.{version}.{}", backwards.join("."), resource.kind)
        },
        |(name, _)| name.clone(),
    )
}

/// Adds a definition of the asset, and those it refers to.
fn add_definition(name: &str, schemas: &mut Map<String, Value>) {
    let mut todo = vec![name.to_owned()];
    while let Some(name) = todo.pop() {
        if schemas.contains_key(&name) {
            continue;
        }
        let Some(definition) = DEFINITIONS.get(&name) else { continue };
        let expanded = expand(definition, &mut todo);
        schemas.insert(name, expanded);
    }
}

/// OpenAPI without the shorthands of the asset.
fn expand(node: &Value, references: &mut Vec<String>) -> Value {
    match node {
        Value::Object(map) => {
            let mut out = Map::new();
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("$ref", Value::String(name)) => references.push(name.clone()),
                    // Names of fields are no words of the schema: one of them may be `$ref`.
                    ("properties", Value::Object(fields)) => {
                        let fields = fields.iter().map(|(name, value)| (name.clone(), expand(value, references)));
                        out.insert(key.clone(), Value::Object(fields.collect()));
                    }
                    ("default" | "enum" | "required", _) => {
                        out.insert(key.clone(), value.clone());
                    }
                    _ => {
                        out.insert(key.clone(), expand(value, references));
                    }
                }
            }
            if let Some(Value::String(name)) = map.get("$ref") {
                let reference = json!({"$ref": format!("{SCHEMAS}{name}")});
                if out.is_empty() {
                    return reference;
                }
                out.insert("allOf".to_owned(), json!([reference]));
            }
            Value::Object(out)
        }
        Value::Array(list) => list.iter().map(|value| expand(value, references)).collect(),
        other => other.clone(),
    }
}

fn add_custom(resource: &Resource, version: &str, name: &str, schemas: &mut Map<String, Value>) {
    let given = resource.served_version(version).and_then(|served| served.schema.clone());
    let mut schema = given
        .filter(Value::is_object)
        .unwrap_or_else(|| json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}));
    schema["properties"]["apiVersion"] = json!({
        "type": "string", "description": "The group and version of the schema that the object follows",
    });
    schema["properties"]["kind"] = json!({"type": "string", "description": "The kind of the object"});
    schema["properties"]["metadata"] = json!({
        "description": "Standard object's metadata", "allOf": [{"$ref": format!("{SCHEMAS}{OBJECT_META}")}],
    });
    schema["x-kubernetes-group-version-kind"] =
        json!([{"group": resource.group, "version": version, "kind": resource.kind}]);
    schemas.insert(name.to_owned(), schema);
    add_definition(OBJECT_META, schemas);
}

fn add_list(resource: &Resource, version: &str, name: &str, schemas: &mut Map<String, Value>) {
    if !resource.verbs.contains(&"list") {
        return;
    }
    let reference = |name: &str| json!({"$ref": format!("{SCHEMAS}{name}")});
    let list = json!({
        "type": "object",
        "description": format!("A list of {}", resource.kind),
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": reference(LIST_META),
            "items": {"type": "array", "items": reference(name)},
        },
        "x-kubernetes-group-version-kind":
            [{"group": resource.group, "version": version, "kind": resource.list_kind}],
    });
    schemas.insert(format!("{name}List"), list);
    add_definition(LIST_META, schemas);
    schemas.entry(LIST_META).or_insert_with(|| json!({"type": "object"}));
}

fn add_paths(resource: &Resource, version: &str, name: &str, paths: &mut Map<String, Value>) {
    let mut collection = format!("/{}/", place(&resource.group, version));
    if resource.namespaced {
        collection.push_str("namespaces/{namespace}/");
    }
    let _ = write!(collection, "{}", resource.plural);
    let item = format!("{collection}/{{name}}");
    let has = |verb: &str| resource.verbs.contains(&verb);
    let mut of_collection = Map::new();
    let mut of_item = Map::new();
    for (verb, method, action, on_item) in [
        ("list", "get", "list", false),
        ("create", "post", "post", false),
        ("deletecollection", "delete", "deletecollection", false),
        ("get", "get", "get", true),
        ("update", "put", "put", true),
        ("patch", "patch", "patch", true),
        ("delete", "delete", "delete", true),
    ] {
        if has(verb) {
            let operation = operation(resource, version, name, action);
            if on_item { &mut of_item } else { &mut of_collection }.insert(method.to_owned(), operation);
        }
    }
    paths.insert(collection, Value::Object(of_collection));
    if !of_item.is_empty() {
        if resource.status {
            let mut status = of_item.clone();
            status.remove("delete");
            paths.insert(format!("{item}/status"), Value::Object(status));
        }
        paths.insert(item, Value::Object(of_item));
    }
}

fn operation(resource: &Resource, version: &str, name: &str, action: &str) -> Value {
    let query = |name: &str, kind: &str| json!({"name": name, "in": "query", "schema": {"type": kind}});
    let schema = json!({"schema": {"$ref": format!("{SCHEMAS}{name}")}});
    let mut parameters = Vec::new();
    if matches!(action, "post" | "put" | "patch" | "delete" | "deletecollection") {
        parameters.push(query("dryRun", "string"));
    }
    if matches!(action, "post" | "put" | "patch") {
        parameters.push(query("fieldManager", "string"));
        parameters.push(query("fieldValidation", "string"));
    }
    if action == "patch" {
        parameters.push(query("force", "boolean"));
    }
    let mut operation = json!({
        "operationId": format!("{action}{}", resource.kind),
        "parameters": parameters,
        "responses": {"200": {"description": "OK", "content": {"application/json": schema}}},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind":
            {"group": resource.group, "version": version, "kind": resource.kind},
    });
    match action {
        "post" | "put" => operation["requestBody"] = json!({"content": {"application/json": schema}}),
        "patch" => {
            let mut content = Map::new();
            let mut kinds =
                vec!["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"];
            if !resource.custom {
                kinds.push("application/strategic-merge-patch+json");
            }
            for kind in kinds {
                content.insert(kind.to_owned(), json!({"schema": {"type": "object"}}));
            }
            operation["requestBody"] = json!({"content": content, "required": true});
        }
        _ => {}
    }
    operation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere() {
        let resources = Resources::built_in();
        for (group, version) in group_versions(&resources) {
            let document = openapi_document(&resources, &group, &version).unwrap();
            let text = document.to_string();
            let schemas = document["components"]["schemas"].as_object().unwrap();
            for (at, _) in text.match_indices(SCHEMAS) {
                let name = text[at + SCHEMAS.len()..].split('"').next().unwrap();
                assert!(schemas.contains_key(name), "{group}/{version}: {name}");
            }
        }
        assert_eq!(openapi_document(&resources, "nothing.example", "v1"), None);
    }

    #[test]
    fn kubectl_finds_what_it_looks_for() {
        let resources = Resources::built_in();
        let batch = openapi_document(&resources, "batch", "v1").unwrap();
        let patch = &batch["paths"]["/apis/batch/v1/namespaces/{namespace}/jobs/{name}"]["patch"];
        assert_eq!(patch["x-kubernetes-group-version-kind"]["kind"], "Job");
        assert!(patch["parameters"].to_string().contains("fieldValidation"));
        assert!(patch["requestBody"]["content"]["application/strategic-merge-patch+json"].is_object());
        let pod = &batch["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]["properties"];
        assert_eq!(pod["containers"]["x-kubernetes-patch-merge-key"], "name");
        let argo = openapi_document(&resources, "argoproj.io", "v1alpha1").unwrap();
        let application = &argo["components"]["schemas"]["io.argoproj.v1alpha1.Application"];
        assert_eq!(application["x-kubernetes-group-version-kind"][0]["kind"], "Application");
        let patch = &argo["paths"]["/apis/argoproj.io/v1alpha1/namespaces/{namespace}/applications/{name}"]["patch"];
        assert!(patch["requestBody"]["content"].get("application/strategic-merge-patch+json").is_none());
    }
}
