//! Where requests meet the pure functions that read and change objects: strict decoding, patches, server-side apply.

use serde_json::Value;

use super::modify::Write;
use super::query::{Query, invalid_options};
use super::serve::Api;
use crate::sim::openapi::Types;
use crate::sim::patch::{self, ApplyError, PatchKind, Writer};
use crate::sim::status::{Details, FieldError, FieldProblem, Status};
use crate::sim::store::{Operation, WriteOptions};
use crate::sim::validation::{Body, Decoded, FieldValidation, decode, unowned_fields};

/// A patch that came with a request, and who sends it.
pub(crate) struct Writing {
    kind: PatchKind,
    force: bool,
    pub(crate) options: WriteOptions,
}

impl Writing {
    pub(crate) fn of(write: &Write<'_>) -> Result<Self, Status> {
        let kind = PatchKind::of_content_type(write.content_type(), write.target.resource.custom)?;
        let apply = kind == PatchKind::Apply;
        let force = write.query.truth("force");
        if apply && write.query.get("fieldManager").is_none() {
            let error = FieldError::required("fieldManager", "is required for apply patch");
            return Err(invalid_options("PatchOptions", error));
        }
        if !apply && write.query.get("force").is_some() {
            let error = FieldError::forbidden("force", "may not be specified for non-apply patch");
            return Err(invalid_options("PatchOptions", error));
        }
        let operation = if apply { Operation::Apply } else { Operation::Update };
        Ok(Self { kind, force, options: WriteOptions { operation, ..write.options("PatchOptions")? } })
    }

    pub(crate) fn is_apply(&self) -> bool {
        self.kind == PatchKind::Apply
    }

    /// The object that an apply creates.
    pub(crate) fn apply_new(&self, api: &Api, write: &Write<'_>) -> Result<Value, Status> {
        self.apply(api, write, None)
    }

    /// The object as the patch makes it.
    pub(crate) fn change(&self, api: &Api, write: &Write<'_>, live: &Value) -> Result<Value, Status> {
        if self.is_apply() {
            return self.apply(api, write, Some(live));
        }
        let types = api.types().of(&write.target.resource, &write.target.version);
        patch::patch(self.kind, types.schema(), live, &write.body)
    }

    /// The patched object as its type reads it. What is wrong with it is wrong with the patch: 422, not 400.
    pub(crate) fn decode(&self, api: &Api, write: &Write<'_>, live: &Value, object: Value) -> Result<Decoded, Status> {
        let (resource, version) = (&write.target.resource, &write.target.version);
        // Custom resources have no type to be converted to, and a strategic merge patch looks at the fields alone.
        let wrong = if resource.custom || self.kind == PatchKind::Strategic {
            None
        } else {
            wrong_kind(&object, &resource.api_version_as(version), &resource.kind)
        };
        let wrong = if let Some(wrong) = wrong {
            wrong
        } else {
            let types = api.types().of(resource, version);
            match decode(types.schema(), object.into(), field_validation(write.query)?) {
                Ok(decoded) => return Ok(decoded),
                Err(wrong) if resource.custom => {
                    return Err(wrong.into_status(&resource.api_version_as(version), &resource.kind));
                }
                Err(wrong) => wrong.to_string(),
            }
        };
        let shown = match self.kind {
            PatchKind::Strategic => String::from_utf8_lossy(&write.body).into_owned(),
            _ => self.change(api, write, live)?.to_string(),
        };
        let error = FieldError::invalid("patch", shown.into(), wrong);
        let mut status = Status::new(422, "Invalid", format!(" \"\" is invalid: {error}"));
        status.details = Some(Box::new(Details { causes: vec![error], ..Details::default() }));
        Err(status)
    }

    /// Another value than a stored object, such as a `Scale`, as the patch makes it.
    pub(crate) fn change_plain(&self, write: &Write<'_>, live: &Value) -> Result<Value, Status> {
        // Such values have no lists to merge; an apply only says what it wants.
        let kind = match self.kind {
            PatchKind::Json => PatchKind::Json,
            _ => PatchKind::Merge,
        };
        patch::patch(kind, Types::custom(None).root(), live, &write.body)
    }

    fn apply(&self, api: &Api, write: &Write<'_>, live: Option<&Value>) -> Result<Value, Status> {
        let target = write.target;
        let resource = &target.resource;
        let config = write.object()?;
        let types = api.types().of(resource, &target.version);
        let writer = Writer {
            manager: self.options.manager.clone(),
            api_version: resource.api_version_as(&target.version),
            subresource: target.subresource.clone(),
            time: api.store().clock().now(),
        };
        let ignored = unowned_fields(resource, self.options.part);
        patch::apply(types.schema(), live, &config, &writer, self.force, &ignored).map_err(|error| refused(&error))
    }
}

/// Why an object of this kind and version cannot be stored as one of another; one that says neither is what it was.
fn wrong_kind(object: &Value, api_version: &str, kind: &str) -> Option<String> {
    let text = |field: &str, or: &str| object.get(field).and_then(Value::as_str).unwrap_or(or).to_owned();
    let (found_version, found_kind) = (text("apiVersion", api_version), text("kind", kind));
    (found_version != api_version || found_kind != kind)
        .then(|| format!("converting ({found_version}.{found_kind}) to ({api_version}.{kind}): unknown conversion"))
}

/// The answer to an apply that is not possible.
fn refused(error: &ApplyError) -> Status {
    match error {
        ApplyError::WrongType(..) => Status::new(500, "", error.to_string()),
        ApplyError::ManagedFields => Status::bad_request(error.to_string()),
        ApplyError::Conflicts(conflicts) => {
            let causes = conflicts.iter().map(|conflict| {
                let message = format!("conflict with {}", conflict.manager);
                FieldError::new(FieldProblem::Conflict, conflict.field.clone(), None, message)
            });
            let mut status = Status::new(409, "Conflict", error.to_string());
            let details = Details { causes: causes.collect(), ..Default::default() };
            status.details = Some(Box::new(details));
            status
        }
    }
}

/// The object of a body or of a patch as its type reads it: of the right types, without unknown fields. With the
/// warnings that `fieldValidation` asks for, or refused.
pub(crate) fn strict(api: &Api, write: &Write<'_>, body: Body) -> Result<Decoded, Status> {
    let resource = &write.target.resource;
    let version = &write.target.version;
    let types = api.types().of(resource, version);
    decode(types.schema(), body, field_validation(write.query)?)
        .map_err(|error| error.into_status(&resource.api_version_as(version), &resource.kind))
}

fn field_validation(query: &Query) -> Result<FieldValidation, Status> {
    let text = query.get("fieldValidation").unwrap_or_default();
    FieldValidation::parse(text).ok_or_else(|| {
        let detail = "supported values: \"Ignore\", \"Strict\", \"Warn\"";
        let error = FieldError::new(FieldProblem::NotSupported, "fieldValidation", Some(text.into()), detail);
        invalid_options("CreateOptions", error)
    })
}
