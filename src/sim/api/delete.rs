//! `delete` and `deletecollection`.

use http::StatusCode;
use serde_json::{Value, json};

use super::collection::Collected;
use super::modify::Write;
use super::query::{self, ListQuery};
use super::read;
use super::respond::{self, Answer};
use super::serve::Api;
use crate::sim::resource::{NAMESPACES, Resource};
use crate::sim::status::{FieldError, Status};
use crate::sim::store::{DeleteOptions, Deleted, Preconditions, Propagation, Stored};

/// Namespaces that every cluster has and keeps.
const PROTECTED: [&str; 3] = ["default", "kube-public", "kube-system"];

/// Deletes an object, or marks it.
pub(crate) fn delete(api: &Api, write: &Write<'_>) -> Answer {
    let target = write.target;
    let options = options(write)?;
    if target.resource.id() == NAMESPACES && PROTECTED.contains(&target.name()) {
        return Err(Status::forbidden(&target.resource, target.name(), "this namespace may not be deleted"));
    }
    let deleted = api.store().delete(&target.resource.id(), target.namespace(), target.name(), &options)?;
    match &deleted {
        Deleted::Gone(object) if !returns_object(&target.resource) => {
            Ok(respond::json(StatusCode::OK, &success(&target.resource, object)))
        }
        Deleted::Gone(object) | Deleted::Pending(object) => {
            let output = read::output(api, target, write.query, write.headers, false)?;
            Ok(respond::bytes(StatusCode::OK, "application/json", output.object(object)))
        }
    }
}

/// Deletes all objects that a selector names, and answers with them.
pub(crate) fn delete_collection(api: &Api, write: &Write<'_>) -> Answer {
    let target = write.target;
    let options = options(write)?;
    let asked = ListQuery::of(write.query, &target.resource, &target.version)?;
    let output = read::output(api, target, write.query, write.headers, true)?;
    let (objects, _) = api.store().list(&target.resource.id(), target.namespace.as_deref());
    let mut collected = Collected::new(&output, api.store().revision());
    for object in objects.iter().filter(|object| asked.selector.matches(object)) {
        let deleted = api.store().delete(&target.resource.id(), object.namespace(), object.name(), &options);
        match deleted {
            Ok(_) => collected.add(object),
            // Somebody else was first.
            Err(status) if status.code == 404 => {}
            Err(status) => return Err(status),
        }
    }
    Ok(respond::bytes(StatusCode::OK, "application/json", collected.close()))
}

/// Kinds whose deletion answers with the object and not with a `Status` (`ReturnDeletedObject` in Kubernetes).
fn returns_object(resource: &Resource) -> bool {
    resource.group.is_empty()
        && matches!(
            resource.plural.as_str(),
            "pods" | "namespaces" | "services" | "serviceaccounts" | "persistentvolumeclaims"
        )
}

fn success(resource: &Resource, object: &Stored) -> Value {
    let mut details = json!({ "name": object.name(), "kind": resource.plural, "uid": object.uid() });
    if !resource.group.is_empty() {
        details["group"] = resource.group.clone().into();
    }
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
}

/// `DeleteOptions`, from the body and else from the query.
pub(crate) fn options(write: &Write<'_>) -> Result<DeleteOptions, Status> {
    if write.body.is_empty() {
        return from_query(write);
    }
    let body = write.decode()?.value;
    from_json(&body, write.query.dry_run("DeleteOptions")?)
}

fn from_query(write: &Write<'_>) -> Result<DeleteOptions, Status> {
    let query = write.query;
    let orphan = query.get("orphanDependents").map(|_| query.truth("orphanDependents"));
    Ok(DeleteOptions {
        grace_period_seconds: grace(query.number("gracePeriodSeconds")?),
        preconditions: Preconditions::default(),
        propagation: propagation(query.get("propagationPolicy"), orphan)?,
        dry_run: query.dry_run("DeleteOptions")?,
    })
}

/// From an object of kind `DeleteOptions`.
pub(crate) fn from_json(body: &Value, dry_run: bool) -> Result<DeleteOptions, Status> {
    let wrong = |field: &str, expected: &str| {
        Status::bad_request(format!(
            "DeleteOptions in version \"v1\" cannot be handled as a DeleteOptions: json: cannot unmarshal into Go struct \
             field DeleteOptions.{field} of type {expected}"
        ))
    };
    let field = |name: &str| body.pointer(name).filter(|value| !value.is_null());
    let text = |name: &str| match field(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(wrong(name, "string")),
    };
    let grace_period = match field("/gracePeriodSeconds") {
        None => None,
        Some(value) => Some(value.as_i64().ok_or_else(|| wrong("gracePeriodSeconds", "int64"))?),
    };
    let orphan = field("/orphanDependents").and_then(Value::as_bool);
    let dry_run_asked = match field("/dryRun") {
        None => false,
        Some(Value::Array(list)) if list.is_empty() => false,
        Some(Value::Array(list)) if list.len() == 1 && list.first().is_some_and(|one| one == "All") => true,
        Some(_) => return Err(wrong("dryRun", "[]string")),
    };
    Ok(DeleteOptions {
        grace_period_seconds: grace(grace_period),
        preconditions: Preconditions {
            uid: text("/preconditions/uid")?,
            resource_version: text("/preconditions/resourceVersion")?,
        },
        propagation: propagation(text("/propagationPolicy")?.as_deref(), orphan)?,
        dry_run: dry_run || dry_run_asked,
    })
}

/// A negative one means 1, as in Kubernetes.
fn grace(seconds: Option<i64>) -> Option<i64> {
    seconds.map(|seconds| if seconds < 0 { 1 } else { seconds })
}

fn propagation(policy: Option<&str>, orphan: Option<bool>) -> Result<Option<Propagation>, Status> {
    match (policy.filter(|policy| !policy.is_empty()), orphan) {
        (Some(policy), Some(_)) => {
            let why = "orphanDependents and deletionPropagation cannot be both set";
            Err(query::invalid_options("DeleteOptions", FieldError::invalid("propagationPolicy", policy.into(), why)))
        }
        (Some(policy), None) => query::propagation(policy).map(Some),
        (None, Some(true)) => Ok(Some(Propagation::Orphan)),
        (None, Some(false)) => Ok(Some(Propagation::Background)),
        (None, None) => Ok(None),
    }
}
