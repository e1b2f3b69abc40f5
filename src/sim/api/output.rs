//! In which form objects are written: whole, as a table, or their metadata alone.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, header};
use serde_json::{Value, json};

use super::query::Query;
use super::table;
use crate::sim::resource::Resource;
use crate::sim::status::Status;
use crate::sim::store::{EventKind, Stored};

/// The form that a client accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Objects.
    Plain,
    /// A `Table`, its rows with this much of the objects.
    Table(Include),
    /// `PartialObjectMetadata`.
    Metadata,
}

/// `includeObject` of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Include {
    None,
    Metadata,
    Object,
}

/// One media type of an `Accept` header and its parameters.
fn media_types(headers: &HeaderMap) -> Vec<(String, Vec<(String, String)>)> {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted
        .flat_map(|value| value.split(','))
        .map(|one| {
            let mut parts = one.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let parameters = parts.filter_map(|part| part.split_once('='));
            (name, parameters.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect())
        })
        .filter(|(name, _)| !name.is_empty())
        .collect()
}

fn is_json(media_type: &str) -> bool {
    matches!(media_type, "application/json" | "*/*" | "application/*")
}

/// Whether the client accepts aggregated discovery, and of which version.
pub(crate) fn accepts_aggregated(headers: &HeaderMap) -> Option<&'static str> {
    for (name, parameters) in media_types(headers) {
        let get = |key: &str| parameters.iter().find(|(of, _)| of == key).map(|(_, value)| value.as_str());
        if is_json(&name) && get("as") == Some("APIGroupDiscoveryList") {
            match get("v") {
                Some("v2") => return Some("v2"),
                Some("v2beta1") => return Some("v2beta1"),
                _ => {}
            }
        } else if is_json(&name) && get("as").is_none() {
            return None;
        }
    }
    None
}

/// The first form in the client's list that the server can write.
pub(crate) fn form(headers: &HeaderMap, query: &Query, list: bool) -> Result<Form, Status> {
    let accepted = media_types(headers);
    if accepted.is_empty() {
        return Ok(Form::Plain);
    }
    for (name, parameters) in accepted {
        if !is_json(&name) {
            continue;
        }
        let get = |key: &str| parameters.iter().find(|(of, _)| of == key).map(|(_, value)| value.as_str());
        let meta = get("g") == Some("meta.k8s.io") && matches!(get("v"), Some("v1" | "v1beta1"));
        match get("as") {
            None => return Ok(Form::Plain),
            Some("Table") if meta => return Ok(Form::Table(include(query)?)),
            Some("PartialObjectMetadata") if meta && !list => return Ok(Form::Metadata),
            Some("PartialObjectMetadataList") if meta && list => return Ok(Form::Metadata),
            Some(_) => {}
        }
    }
    let message = "only the following media types are accepted: application/json";
    Err(Status::new(406, "NotAcceptable", message))
}

fn include(query: &Query) -> Result<Include, Status> {
    match query.get("includeObject") {
        None | Some("Metadata") => Ok(Include::Metadata),
        Some("None") => Ok(Include::None),
        Some("Object") => Ok(Include::Object),
        Some(other) => Err(Status::bad_request(format!("unrecognized includeObject value: {other}"))),
    }
}

/// Writes the objects of one resource, in one version and one form.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) resource: Arc<Resource>,
    pub(crate) version: String,
    pub(crate) form: Form,
    /// For the ages in a table.
    pub(crate) now: jiff::Timestamp,
}

const METADATA_ONLY: &str = "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":";

impl Output {
    /// One object.
    pub(crate) fn object(&self, object: &Stored) -> Bytes {
        match self.form {
            Form::Plain if self.version == self.resource.version => object.json(),
            Form::Plain | Form::Metadata => {
                let mut bytes = Vec::with_capacity(object.json().len() + 64);
                self.append(&mut bytes, object, true);
                bytes.into()
            }
            Form::Table(_) => {
                let mut bytes = self.table_open(object.revision(), None, None, true);
                self.append(&mut bytes, object, true);
                bytes.extend_from_slice(b"]}");
                bytes.into()
            }
        }
    }

    /// The beginning of a list, up to its first item.
    pub(crate) fn list_open(&self, revision: u64, next: Option<&str>, remaining: Option<usize>) -> Vec<u8> {
        if matches!(self.form, Form::Table(_)) {
            return self.table_open(revision, next, remaining, true);
        }
        let (kind, api_version) = match self.form {
            Form::Metadata => ("PartialObjectMetadataList", "meta.k8s.io/v1".to_owned()),
            _ => (self.resource.list_kind.as_str(), self.resource.api_version_as(&self.version)),
        };
        let metadata = list_metadata(revision, next, remaining);
        format!(
            "{{\"kind\":{},\"apiVersion\":{},\"metadata\":{metadata},\"items\":[",
            Value::from(kind),
            Value::from(api_version)
        )
        .into_bytes()
    }

    /// The end of a list.
    pub(crate) fn list_close() -> &'static [u8] {
        b"]}\n"
    }

    /// One item of a list, or one row of a table, without the comma.
    pub(crate) fn list_item(&self, bytes: &mut Vec<u8>, object: &Stored) {
        // Items of built-in kinds do not repeat what they are.
        self.append(bytes, object, self.resource.custom);
    }

    /// One line of a watch. `first`: the definition of the columns comes with it.
    pub(crate) fn event(&self, kind: EventKind, object: &Stored, first: bool) -> Bytes {
        let mut line = format!("{{\"type\":\"{}\",\"object\":", kind.as_str()).into_bytes();
        match self.form {
            Form::Table(_) => {
                line.extend(self.table_open(object.revision(), None, None, first));
                self.append(&mut line, object, true);
                line.extend_from_slice(b"]}");
            }
            _ => self.append(&mut line, object, true),
        }
        line.extend_from_slice(b"}\n");
        line.into()
    }

    /// A bookmark; `initial_end`: the one that ends the initial events.
    pub(crate) fn bookmark(&self, revision: u64, initial_end: bool) -> Bytes {
        let mut metadata = json!({ "resourceVersion": revision.to_string() });
        if initial_end {
            metadata["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
        }
        let object = match self.form {
            Form::Plain => json!({
                "kind": self.resource.kind,
                "apiVersion": self.resource.api_version_as(&self.version),
                "metadata": metadata,
            }),
            Form::Metadata => {
                json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata })
            }
            Form::Table(_) => {
                let row =
                    json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata });
                json!({
                    "kind": "Table",
                    "apiVersion": "meta.k8s.io/v1",
                    "metadata": { "resourceVersion": revision.to_string() },
                    "columnDefinitions": null,
                    "rows": [{ "cells": [], "object": row }],
                })
            }
        };
        // The type comes first, as from a real API server: there are those who look no further.
        Bytes::from(format!("{{\"type\":\"BOOKMARK\",\"object\":{object}}}\n"))
    }

    fn append(&self, bytes: &mut Vec<u8>, object: &Stored, typed: bool) {
        match self.form {
            Form::Plain => self.append_object(bytes, object, typed),
            Form::Metadata => append_metadata(bytes, object),
            Form::Table(include) => {
                bytes.extend_from_slice(b"{\"cells\":");
                let cells = table::cells(&self.resource, &self.version, object, self.now);
                bytes.extend_from_slice(Value::Array(cells).to_string().as_bytes());
                bytes.extend_from_slice(b",\"object\":");
                match include {
                    Include::None => bytes.extend_from_slice(b"null"),
                    Include::Metadata => append_metadata(bytes, object),
                    Include::Object => self.append_object(bytes, object, true),
                }
                bytes.push(b'}');
            }
        }
    }

    fn append_object(&self, bytes: &mut Vec<u8>, object: &Stored, typed: bool) {
        if !typed {
            bytes.push(b'{');
            bytes.extend_from_slice(&object.json_body());
        } else if self.version == self.resource.version {
            bytes.extend_from_slice(&object.json());
        } else {
            // Versions differ in their name alone: there are no conversions.
            let kind = Value::from(self.resource.kind.as_str());
            let api_version = Value::from(self.resource.api_version_as(&self.version));
            bytes.extend_from_slice(format!("{{\"kind\":{kind},\"apiVersion\":{api_version},").as_bytes());
            bytes.extend_from_slice(&object.json_body());
        }
    }

    fn table_open(&self, revision: u64, next: Option<&str>, remaining: Option<usize>, columns: bool) -> Vec<u8> {
        let columns = if columns { table::columns(&self.resource, &self.version) } else { Value::Null };
        let metadata = list_metadata(revision, next, remaining);
        format!(
            "{{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{metadata},\"columnDefinitions\":{columns},\"rows\":["
        )
        .into_bytes()
    }
}

fn append_metadata(bytes: &mut Vec<u8>, object: &Stored) {
    bytes.extend_from_slice(METADATA_ONLY.as_bytes());
    bytes.extend_from_slice(&object.json_metadata());
    bytes.push(b'}');
}

fn list_metadata(revision: u64, next: Option<&str>, remaining: Option<usize>) -> Value {
    let mut metadata = json!({ "resourceVersion": revision.to_string() });
    if let Some(next) = next {
        metadata["continue"] = next.into();
    }
    if let Some(remaining) = remaining {
        metadata["remainingItemCount"] = remaining.into();
    }
    metadata
}
