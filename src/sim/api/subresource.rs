//! Subresources other than `status` and `log`: `scale`, `eviction`, `binding`, `finalize`.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::delete;
use super::modify::{Write, Written};
use super::patching::Writing;
use super::read;
use super::respond::{self, Answer};
use super::serve::Api;
use crate::sim::resource::{NAMESPACES, PODS, ScalePaths, json_path};
use crate::sim::status::Status;
use crate::sim::store::{Part, Stored, WriteOptions};

/// What exists beside the main resource.
pub(crate) fn exists(resource: &crate::sim::resource::Resource, subresource: &str) -> bool {
    match subresource {
        "" => true,
        "status" => resource.status,
        "scale" => resource.scale.is_some(),
        "log" | "eviction" | "binding" => resource.id() == PODS,
        "finalize" => resource.id() == NAMESPACES,
        _ => false,
    }
}

/// The verbs of a subresource, for discovery and for 405.
pub(crate) fn verbs(subresource: &str) -> &'static [&'static str] {
    match subresource {
        "log" => &["get"],
        "eviction" | "binding" => &["create"],
        "finalize" => &["update"],
        _ => &["get", "patch", "update"],
    }
}

/// `get` of a scale.
pub(crate) fn get_scale(api: &Api, target: &super::request::Target) -> Answer {
    let object = read::find(api, target)?;
    let paths = target.resource.scale.as_ref().ok_or_else(|| Status::not_found(&target.resource, target.name()))?;
    Ok(respond::json(StatusCode::OK, &scale(paths, &object)))
}

/// The `Scale` of an object.
fn scale(paths: &ScalePaths, object: &Stored) -> Value {
    let value = object.value();
    let number = |path: &[String]| json_path::first(&value, &path.join(".")).and_then(Value::as_i64).unwrap_or(0);
    let selector = paths.selector.as_ref().and_then(|path| json_path::first(&value, &path.join(".")));
    let mut status = json!({ "replicas": number(&paths.status_replicas) });
    if let Some(selector) = selector.map(selector_text) {
        status["selector"] = selector.into();
    }
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": object.name(),
            "namespace": object.namespace(),
            "uid": object.uid(),
            "resourceVersion": object.revision().to_string(),
            "creationTimestamp": object.created(),
        },
        "spec": { "replicas": number(&paths.spec_replicas) },
        "status": status,
    })
}

/// A label selector as a text: `app=web,tier in (a,b)`.
fn selector_text(selector: &Value) -> String {
    if let Some(text) = selector.as_str() {
        return text.to_owned();
    }
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    let mut terms: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    for expression in expressions.into_iter().flatten() {
        let text = |field: &str| expression.get(field).and_then(Value::as_str).unwrap_or_default();
        let values = expression.get("values").and_then(Value::as_array);
        let values: Vec<&str> = values.into_iter().flatten().filter_map(Value::as_str).collect();
        let (key, values) = (text("key"), values.join(","));
        terms.push(match text("operator") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    terms.join(",")
}

/// `update` and `patch` of a scale: changes the desired replicas alone.
pub(crate) fn write_scale(api: &Api, write: &Write<'_>, patch: bool) -> Answer {
    let target = write.target;
    let resource = &target.resource;
    let paths = resource.scale.as_ref().ok_or_else(|| Status::not_found(resource, target.name()))?;
    let (writing, asked) = if patch { (Some(Writing::of(write)?), None) } else { (None, Some(write.decode()?.value)) };
    let options = WriteOptions { part: Part::Whole, ..write.options("UpdateOptions")? };
    let written: Written = api.store().update(&resource.id(), target.namespace(), target.name(), &options, |live| {
        let current = api.store().get(&resource.id(), target.namespace(), target.name());
        let current = current.ok_or_else(|| Status::not_found(resource, target.name()))?;
        let wanted = match (&writing, &asked) {
            (Some(writing), _) => writing.change_plain(write, &scale(paths, &current))?,
            (None, Some(asked)) => asked.clone(),
            (None, None) => Value::Null,
        };
        let Some(replicas) = wanted.pointer("/spec/replicas").map_or(Some(0), Value::as_i64) else {
            return Err(Status::bad_request(
                "Scale in version \"v1\" cannot be handled as a Scale: json: cannot unmarshal into Go struct field \
                 ScaleSpec.spec.replicas of type int32",
            ));
        };
        if replicas < 0 {
            let message = format!(
                "Scale.autoscaling \"{}\" is invalid: spec.replicas: Invalid value: {replicas}: must be greater than or \
                 equal to 0",
                target.name()
            );
            return Err(Status::new(422, "Invalid", message));
        }
        let mut changed = live.clone();
        if let Some(version) = wanted.pointer("/metadata/resourceVersion").filter(|_| !patch)
            && let Some(metadata) = changed.get_mut("metadata").and_then(Value::as_object_mut)
        {
            metadata.insert("resourceVersion".to_owned(), version.clone());
        }
        set(&mut changed, &paths.spec_replicas, replicas.into());
        Ok(changed)
    });
    Ok(respond::json(StatusCode::OK, &scale(paths, &*written?)))
}

/// Sets a value at a path of field names, making the objects on the way.
fn set(object: &mut Value, path: &[String], value: Value) {
    let Some((last, parents)) = path.split_last() else { return };
    let mut at = object;
    for field in parents {
        let Some(map) = at.as_object_mut() else { return };
        at = map.entry(field.clone()).or_insert_with(|| Value::Object(Map::new()));
    }
    if let Some(map) = at.as_object_mut() {
        map.insert(last.clone(), value);
    }
}

/// `create` of an eviction: deletes the pod with its options. There are no disruption budgets.
pub(crate) fn evict(api: &Api, write: &Write<'_>) -> Answer {
    let target = write.target;
    let body = write.decode()?.value;
    if body.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default() != target.name() {
        return Err(Status::bad_request("name in URL does not match name in Eviction object"));
    }
    let empty = Value::Object(Map::new());
    let dry_run = write.query.dry_run("CreateOptions")?;
    let options = delete::from_json(body.get("deleteOptions").unwrap_or(&empty), dry_run)?;
    api.store().delete(&PODS, target.namespace(), target.name(), &options)?;
    Ok(respond::json(StatusCode::CREATED, &success()))
}

fn success() -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 })
}

/// `create` of a binding: puts the pod on a node.
pub(crate) fn bind(api: &Api, write: &Write<'_>) -> Answer {
    let target = write.target;
    let body = write.decode()?.value;
    let Some(node) = body.pointer("/target/name").and_then(Value::as_str).filter(|name| !name.is_empty()) else {
        let message = format!("Binding \"{}\" is invalid: target.name: Required value", target.name());
        return Err(Status::new(422, "Invalid", message));
    };
    let options = WriteOptions { part: Part::Everything, ..write.options("CreateOptions")? };
    api.store().update(&PODS, target.namespace(), target.name(), &options, |pod| {
        let assigned = pod.pointer("/spec/nodeName").and_then(Value::as_str).unwrap_or_default();
        if !assigned.is_empty() {
            let why = format!("pod {} is already assigned to node {assigned:?}", target.name());
            return Err(Status::conflict(&target.resource, target.name(), why));
        }
        let mut bound = pod.clone();
        set(&mut bound, &["spec".to_owned(), "nodeName".to_owned()], node.into());
        Ok(bound)
    })?;
    Ok(respond::json(StatusCode::CREATED, &success()))
}
