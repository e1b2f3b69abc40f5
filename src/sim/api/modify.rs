//! `create`, `update` and `patch`.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};

use super::patching::{self, Writing};
use super::query::Query;
use super::read;
use super::request::Target;
use super::respond::{self, Answer};
use super::serve::Api;
use crate::sim::protobuf;
use crate::sim::resource::Resource;
use crate::sim::status::{FieldError, Status};
use crate::sim::store::{Part, Stored, WriteOptions};
use crate::sim::validation::{self, Body};

/// Everything that belongs to a request that writes.
pub(crate) struct Write<'a> {
    pub(crate) target: &'a Target,
    pub(crate) query: &'a Query,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: Bytes,
}

impl Write<'_> {
    pub(crate) fn content_type(&self) -> &str {
        let value = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim()
    }

    /// Who writes which part.
    pub(crate) fn options(&self, of: &str) -> Result<WriteOptions, Status> {
        let manager = self.query.manager(super::serve::user_agent(self.headers))?;
        let part = match self.target.subresource.as_str() {
            "" => Part::Whole,
            "status" => Part::Status,
            _ => Part::Everything,
        };
        let options = WriteOptions::by(manager).dry_run(self.query.dry_run(of)?);
        Ok(WriteOptions { subresource: self.target.subresource.clone(), part, ..options })
    }

    /// The object in the body, of the kind and version that the path names.
    pub(crate) fn object(&self) -> Result<Value, Status> {
        Ok(self.typed()?.value)
    }

    /// The same, with what its decoding has to say.
    fn typed(&self) -> Result<Body, Status> {
        let mut body = self.decode()?;
        check_kind(&self.target.resource, &self.target.version, &mut body.value)?;
        self.place(&mut body.value)?;
        Ok(body)
    }

    /// The JSON, YAML or protobuf of the body: an object.
    pub(crate) fn decode(&self) -> Result<Body, Status> {
        let kind = &self.target.resource.kind;
        // Clients that say nothing mean JSON.
        if self.content_type() == "application/vnd.kubernetes.protobuf" {
            let object = protobuf::decode(&self.body).map_err(|error| Status::bad_request(error.to_string()))?;
            return Ok(object.into());
        }
        if !matches!(self.content_type(), "" | "application/json" | "application/yaml" | "application/apply-patch+yaml")
        {
            let message = "the body of the request was in an unknown format - accepted media types include: \
                           application/json, application/yaml, application/vnd.kubernetes.protobuf";
            return Err(Status::new(415, "UnsupportedMediaType", message));
        }
        let parse = match self.content_type() {
            "" | "application/json" => validation::parse_json,
            _ => validation::parse,
        };
        let body = parse(&self.body).map_err(|error| {
            let text: String = String::from_utf8_lossy(&self.body).chars().take(1024).collect();
            Status::bad_request(format!(
                "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse \
                 error: {error} ({text})"
            ))
        })?;
        if !body.value.is_object() {
            return Err(Status::bad_request(format!(
                "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse \
                 error: json: cannot unmarshal into Go value of type struct"
            )));
        }
        if body.value.get("metadata").is_some_and(|metadata| !metadata.is_object() && !metadata.is_null()) {
            return Err(Status::bad_request(format!(
                "{kind} in version {:?} cannot be handled as a {kind}: json: cannot unmarshal into Go struct field \
                 {kind}.metadata of type v1.ObjectMeta",
                self.target.version
            )));
        }
        Ok(body)
    }

    /// The namespace and the name of the path, which the object may leave out but not contradict.
    fn place(&self, object: &mut Value) -> Result<(), Status> {
        let text = |object: &Value, field: &str| metadata_text(object, field).unwrap_or_default().to_owned();
        let namespace = text(object, "namespace");
        if !namespace.is_empty() && namespace != self.target.namespace() {
            return Err(Status::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        if let Some(name) = &self.target.name {
            let own = text(object, "name");
            if own.is_empty() {
                return Err(Status::bad_request("name must be provided"));
            }
            if own != *name {
                return Err(Status::bad_request(format!(
                    "the name of the object ({own}) does not match the name on the URL ({name})"
                )));
            }
        }
        if self.target.resource.namespaced {
            set_metadata(object, "namespace", Value::from(self.target.namespace()));
        }
        Ok(())
    }
}

/// A text of metadata that is there and not empty.
fn metadata_text<'v>(object: &'v Value, field: &str) -> Option<&'v str> {
    object.get("metadata")?.get(field)?.as_str().filter(|text| !text.is_empty())
}

fn set_metadata(object: &mut Value, field: &str, value: Value) {
    if let Some(object) = object.as_object_mut()
        && let Some(metadata) = object.entry("metadata").or_insert_with(|| Value::Object(Map::new())).as_object_mut()
    {
        metadata.insert(field.to_owned(), value);
    }
}

/// Kind and apiVersion of the body: a built-in kind may leave them out, a custom resource may not.
fn check_kind(resource: &Resource, version: &str, object: &mut Value) -> Result<(), Status> {
    let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (kind, api_version) = (text("kind"), text("apiVersion"));
    let expected = resource.api_version_as(version);
    if resource.custom {
        for (field, value) in [("Kind", &kind), ("apiVersion", &api_version)] {
            if value.is_empty() {
                return Err(Status::bad_request(format!("Object '{field}' is missing in '{object}'")));
            }
        }
    }
    if !api_version.is_empty() && api_version != expected {
        return Err(Status::bad_request(format!(
            "the API version in the data ({api_version}) does not match the expected API version ({expected})"
        )));
    }
    if !kind.is_empty() && kind != resource.kind {
        return Err(Status::bad_request(format!(
            "{kind} in version {version:?} cannot be handled as a {}: unknown conversion",
            resource.kind
        )));
    }
    if let Some(object) = object.as_object_mut() {
        object.insert("kind".to_owned(), resource.kind.clone().into());
        object.insert("apiVersion".to_owned(), expected.into());
    }
    Ok(())
}

/// Answers with an object as it is now, and with the warnings that came up on the way.
pub(crate) fn answer(api: &Api, write: &Write<'_>, code: StatusCode, object: &Stored, warnings: &[String]) -> Answer {
    let output = read::output(api, write.target, write.query, write.headers, false)?;
    let mut response = respond::bytes(code, "application/json", output.object(object));
    for warning in warnings {
        let text = format!("299 - {}", Value::from(warning.as_str()));
        if let Ok(value) = http::HeaderValue::from_str(&text) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    Ok(response)
}

/// Creates an object.
pub(crate) fn create(api: &Api, write: &Write<'_>) -> Answer {
    let resource = &write.target.resource;
    let options = write.options("CreateOptions")?;
    let decoded = patching::strict(api, write, write.typed()?)?;
    if metadata_text(&decoded.object, "resourceVersion").is_some() && !options.dry_run {
        return Err(Status::new(500, "", "resourceVersion should not be set on objects to be created"));
    }
    let created = api.store().create(&resource.id(), decoded.object, &options)?;
    answer(api, write, StatusCode::CREATED, &created, &decoded.warnings)
}

/// Replaces an object.
pub(crate) fn update(api: &Api, write: &Write<'_>) -> Answer {
    let target = write.target;
    let options = write.options("UpdateOptions")?;
    let decoded = patching::strict(api, write, write.typed()?)?;
    if metadata_text(&decoded.object, "resourceVersion").is_none() && needs_version(&target.resource) {
        // Told only about an object that is there.
        read::find(api, target)?;
        let detail = "must be specified for an update";
        let error = FieldError::invalid("metadata.resourceVersion", 0.into(), detail);
        return Err(Status::invalid(&target.resource, target.name(), vec![error]));
    }
    let updated = api
        .store()
        .update(&target.resource.id(), target.namespace(), target.name(), &options, |_| Ok(decoded.object.clone()))?;
    answer(api, write, StatusCode::OK, &updated, &decoded.warnings)
}

/// Kinds that may not be replaced blindly (`AllowUnconditionalUpdate` in Kubernetes is false).
fn needs_version(resource: &Resource) -> bool {
    resource.custom || matches!(resource.plural.as_str(), "customresourcedefinitions" | "leases")
}

/// Changes an object by a patch; an apply also creates it.
pub(crate) fn patch(api: &Api, write: &Write<'_>) -> Answer {
    let target = write.target;
    let writing = Writing::of(write)?;
    let id = target.resource.id();
    let mut warnings = Vec::new();
    if writing.is_apply() && target.subresource.is_empty() {
        loop {
            if api.store().get(&id, target.namespace(), target.name()).is_some() {
                break;
            }
            let decoded = patching::strict(api, write, writing.apply_new(api, write)?.into())?;
            match api.store().create(&id, decoded.object, &writing.options) {
                Ok(created) => return answer(api, write, StatusCode::CREATED, &created, &decoded.warnings),
                // Somebody else was first.
                Err(status) if status.reason == "AlreadyExists" => {}
                Err(status) => return Err(status),
            }
        }
    }
    let updated = api.store().update(&id, target.namespace(), target.name(), &writing.options, |live| {
        let object = writing.change(api, write, live)?;
        check_identity(live, &object)?;
        let decoded = if writing.is_apply() {
            patching::strict(api, write, object.into())?
        } else {
            writing.decode(api, write, live, object)?
        };
        warnings = decoded.warnings;
        Ok(decoded.object)
    })?;
    answer(api, write, StatusCode::OK, &updated, &warnings)
}

/// A patch may not make another object of it.
fn check_identity(live: &Value, patched: &Value) -> Result<(), Status> {
    let text =
        |object: &Value, pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (old, new) = (text(live, "/metadata/name"), text(patched, "/metadata/name"));
    if old != new {
        return Err(Status::bad_request(format!(
            "the name of the object ({new}) does not match the name on the URL ({old})"
        )));
    }
    if text(live, "/metadata/namespace") != text(patched, "/metadata/namespace") {
        return Err(Status::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

/// The object that a write stored, for callers that answer in their own form.
pub(crate) type Written = Result<Arc<Stored>, Status>;
