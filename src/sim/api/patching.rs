//! Where requests meet the pure functions that change objects: patches, server-side apply, strict decoding.

use serde_json::Value;

use super::modify::Write;
use super::serve::Api;
use crate::sim::status::Status;
use crate::sim::store::{Operation, WriteOptions};

/// A patch that came with a request, and who sends it.
pub(crate) struct Writing {
    kind: Kind,
    pub(crate) options: WriteOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Merge,
}

impl Writing {
    pub(crate) fn of(write: &Write<'_>) -> Result<Self, Status> {
        let kind = match write.content_type() {
            "application/json-patch+json" => Kind::Json,
            "application/merge-patch+json" => Kind::Merge,
            _ => return Err(Status::new(415, "UnsupportedMediaType", "415: Unsupported Media Type")),
        };
        let options = WriteOptions { operation: Operation::Update, ..write.options("PatchOptions")? };
        Ok(Self { kind, options })
    }

    pub(crate) fn is_apply(&self) -> bool {
        false
    }

    /// The object that an apply creates.
    pub(crate) fn apply_new(&self, _api: &Api, write: &Write<'_>) -> Result<Value, Status> {
        Err(Status::not_found(&write.target.resource, write.target.name()))
    }

    /// The object as the patch makes it.
    pub(crate) fn change(&self, _api: &Api, write: &Write<'_>, live: &Value) -> Result<Value, Status> {
        self.change_plain(write, live)
    }

    /// Another value than a stored object, such as a `Scale`, as the patch makes it.
    pub(crate) fn change_plain(&self, write: &Write<'_>, live: &Value) -> Result<Value, Status> {
        let bad = |error: &dyn std::fmt::Display| Status::bad_request(format!("error decoding patch: {error}"));
        let mut object = live.clone();
        match self.kind {
            Kind::Json => {
                let patch: json_patch::Patch = serde_json::from_slice(&write.body).map_err(|error| bad(&error))?;
                json_patch::patch(&mut object, &patch)
                    .map_err(|error| Status::new(422, "Invalid", error.to_string()))?;
            }
            Kind::Merge => {
                let patch: Value = serde_json::from_slice(&write.body).map_err(|error| bad(&error))?;
                json_patch::merge(&mut object, &patch);
            }
        }
        Ok(object)
    }
}

/// What `fieldValidation` asks: unknown fields are an error, or warnings.
pub(crate) fn strict(_api: &Api, _write: &Write<'_>, _object: &mut Value) -> Result<Vec<String>, Status> {
    Ok(Vec::new())
}

/// A body of YAML.
pub(crate) fn yaml(body: &[u8]) -> Result<Value, Status> {
    serde_yaml::from_slice(body).map_err(|error| Status::bad_request(format!("error converting YAML to JSON: {error}")))
}
