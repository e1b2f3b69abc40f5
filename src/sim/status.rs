//! The errors of the API: the `Status` object of Kubernetes (`meta/v1`), with the code, reason, message and details
//! that clients decide by. Messages read as those of `k8s.io/apimachinery/pkg/api/errors`.

use std::fmt;

use serde_json::{Value, json};

use super::resource::Resource;

/// A failed request: what the API server answers instead of an object.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Status {
    /// HTTP status code.
    pub code: u16,
    /// The word that clients decide by, for example `NotFound`.
    pub reason: &'static str,
    /// For people.
    pub message: String,
    /// What it is about, where it is about something.
    pub details: Option<Box<Details>>,
}

/// What a [`Status`] is about.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Details {
    /// Name of the object, empty where none was named.
    pub name: String,
    /// API group, empty for the core group.
    pub group: String,
    /// The resource (`jobs`), or the kind (`Job`) in an `Invalid`, as Kubernetes has it.
    pub kind: String,
    /// UID of the object where the server knows it.
    pub uid: String,
    /// One for each field that is wrong.
    pub causes: Vec<FieldError>,
    /// The namespace that is being deleted, where that is why.
    pub namespace_terminating: Option<String>,
    /// Value of the `Retry-After` header, in seconds.
    pub retry_after_seconds: Option<u32>,
}

/// What is wrong with one field; the kinds of `k8s.io/apimachinery/pkg/util/validation/field`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldProblem {
    /// `Required value`
    Required,
    /// `Duplicate value`
    Duplicate,
    /// `Invalid value`
    Invalid,
    /// `Unsupported value`
    NotSupported,
    /// `Forbidden`
    Forbidden,
    /// `Too long`
    TooLong,
    /// `Too many`
    TooMany,
    /// `Not found`
    NotFound,
    /// `Invalid value`, of the wrong type
    TypeInvalid,
    /// Another field manager owns the field; its detail is the whole message.
    Conflict,
}

/// One field that validation refuses.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldError {
    /// What is wrong.
    pub problem: FieldProblem,
    /// Path of the field, for example `spec.template.spec.containers[0].name`.
    pub field: String,
    /// The value that was given, where the message shows it.
    pub value: Option<Value>,
    /// What would be right, possibly empty.
    pub detail: String,
}

impl FieldError {
    /// An error at a field; `value` is shown for all problems but `Required` and `Forbidden`.
    pub fn new(
        problem: FieldProblem,
        field: impl Into<String>,
        value: Option<Value>,
        detail: impl Into<String>,
    ) -> Self {
        Self { problem, field: field.into(), value, detail: detail.into() }
    }

    /// The field is missing.
    pub fn required(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(FieldProblem::Required, field, None, detail)
    }

    /// The value cannot be used.
    pub fn invalid(field: impl Into<String>, value: Value, detail: impl Into<String>) -> Self {
        Self::new(FieldProblem::Invalid, field, Some(value), detail)
    }

    /// The field may not be set or changed here.
    pub fn forbidden(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(FieldProblem::Forbidden, field, None, detail)
    }

    /// The `reason` of the cause, for example `FieldValueRequired`.
    pub fn reason(&self) -> &'static str {
        match self.problem {
            FieldProblem::Required => "FieldValueRequired",
            FieldProblem::Duplicate => "FieldValueDuplicate",
            FieldProblem::Invalid => "FieldValueInvalid",
            FieldProblem::NotSupported => "FieldValueNotSupported",
            FieldProblem::Forbidden => "FieldValueForbidden",
            FieldProblem::TooLong => "FieldValueTooLong",
            FieldProblem::TooMany => "FieldValueTooMany",
            FieldProblem::NotFound => "FieldValueNotFound",
            FieldProblem::TypeInvalid => "FieldValueTypeInvalid",
            FieldProblem::Conflict => "FieldManagerConflict",
        }
    }

    /// The message without the field, as the cause carries it.
    pub fn body(&self) -> String {
        let problem = match self.problem {
            FieldProblem::Required => "Required value",
            FieldProblem::Duplicate => "Duplicate value",
            FieldProblem::Invalid | FieldProblem::TypeInvalid => "Invalid value",
            FieldProblem::NotSupported => "Unsupported value",
            FieldProblem::Forbidden => "Forbidden",
            FieldProblem::TooLong => "Too long",
            FieldProblem::TooMany => "Too many",
            FieldProblem::NotFound => "Not found",
            FieldProblem::Conflict => return self.detail.clone(),
        };
        let mut body = problem.to_owned();
        if let Some(value) = &self.value {
            body.push_str(": ");
            body.push_str(&value.to_string());
        }
        if !self.detail.is_empty() {
            body.push_str(": ");
            body.push_str(&self.detail);
        }
        body
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.field, self.body())
    }
}

impl Status {
    /// A failure about nothing in particular.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None }
    }

    fn about(code: u16, reason: &'static str, resource: &Resource, name: &str, message: String) -> Self {
        let details = Details {
            name: name.to_owned(),
            group: resource.group.clone(),
            kind: resource.plural.clone(),
            ..Details::default()
        };
        Self { code, reason, message, details: Some(Box::new(details)) }
    }

    /// 404: there is no such object.
    pub fn not_found(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", resource.qualified());
        Self::about(404, "NotFound", resource, name, message)
    }

    /// 409: an object of this name is there already.
    pub fn already_exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", resource.qualified());
        Self::about(409, "AlreadyExists", resource, name, message)
    }

    /// 409: a precondition does not hold; `why` ends the sentence.
    pub fn conflict(resource: &Resource, name: &str, why: impl fmt::Display) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.qualified());
        Self::about(409, "Conflict", resource, name, message)
    }

    /// 409: somebody wrote the object after the caller read it.
    pub fn modified(resource: &Resource, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    /// 409: a precondition of a deletion does not hold; `what` is `UID` or `ResourceVersion`.
    pub fn precondition(resource: &Resource, name: &str, what: &str, wanted: &str, found: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": the {what} in the precondition ({wanted}) does not match the \
             {what} in record ({found}). The object might have been {}",
            resource.qualified_kind(),
            if what == "UID" { "deleted and then recreated" } else { "modified" },
        );
        let mut status = Self::about(409, "Conflict", resource, name, message);
        if let Some(details) = &mut status.details {
            details.kind.clone_from(&resource.kind);
        }
        status
    }

    /// 403: refused by rule, not by authentication; `why` ends the sentence.
    pub fn forbidden(resource: &Resource, name: &str, why: impl fmt::Display) -> Self {
        let message = if name.is_empty() {
            format!("{} is forbidden: {why}", resource.qualified())
        } else {
            format!("{} \"{name}\" is forbidden: {why}", resource.qualified())
        };
        Self::about(403, "Forbidden", resource, name, message)
    }

    /// 422: the object breaks rules of its kind.
    pub fn invalid(resource: &Resource, name: &str, causes: Vec<FieldError>) -> Self {
        let list = match causes.as_slice() {
            [one] => one.to_string(),
            many => format!("[{}]", many.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        };
        let message = format!("{} \"{name}\" is invalid: {list}", resource.qualified_kind());
        let details = Details {
            name: name.to_owned(),
            group: resource.group.clone(),
            kind: resource.kind.clone(),
            causes,
            ..Details::default()
        };
        Self { code: 422, reason: "Invalid", message, details: Some(Box::new(details)) }
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 410: the history the caller asks for is gone; it has to list again.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 504: a later state is asked for than the server has seen.
    pub fn too_large_version(wanted: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {wanted}, current: {current}");
        let details = Details { retry_after_seconds: Some(1), ..Details::default() };
        Self { details: Some(Box::new(details)), ..Self::new(504, "Timeout", message) }
    }

    /// 500: a defect of the server, or a fault asked for.
    pub fn internal(message: impl fmt::Display) -> Self {
        Self::new(500, "InternalError", format!("Internal error occurred: {message}"))
    }

    /// The `Status` object as it goes over the wire.
    pub fn to_json(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        });
        if let Some(details) = &self.details {
            status["details"] = details.to_json();
        }
        status
    }
}

impl Details {
    fn to_json(&self) -> Value {
        let mut json = serde_json::Map::new();
        for (field, text) in [("name", &self.name), ("group", &self.group), ("kind", &self.kind), ("uid", &self.uid)] {
            if !text.is_empty() {
                json.insert(field.to_owned(), Value::String(text.clone()));
            }
        }
        let mut causes: Vec<_> = self
            .causes
            .iter()
            .map(|cause| json!({ "reason": cause.reason(), "message": cause.body(), "field": cause.field }))
            .collect();
        if let Some(namespace) = &self.namespace_terminating {
            causes.push(json!({
                "reason": "NamespaceTerminating",
                "message": format!("namespace {namespace} is being terminated"),
                "field": "metadata.namespace",
            }));
        }
        if !causes.is_empty() {
            json.insert("causes".to_owned(), Value::Array(causes));
        }
        if let Some(seconds) = self.retry_after_seconds {
            json.insert("retryAfterSeconds".to_owned(), seconds.into());
        }
        Value::Object(json)
    }
}
