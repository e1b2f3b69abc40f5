//! The rules for `metadata`, the same for all kinds.

use serde_json::{Value, json};

use super::json::{list, text};
use super::names::{dns_label, dns_subdomain, label_value, path_segment, qualified_name};
use crate::sim::resource::Resource;
use crate::sim::status::{FieldError, FieldProblem};

/// Most bytes of all annotations together.
const ANNOTATION_BYTES: usize = 256 * 1024;

/// Finalizers that need no domain.
const PLAIN_FINALIZERS: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];

fn invalid(field: &str, value: &str, why: Vec<String>) -> impl Iterator<Item = FieldError> {
    let (field, value) = (field.to_owned(), value.to_owned());
    why.into_iter().map(move |why| FieldError::invalid(field.clone(), json!(value), why))
}

/// What is wrong with `metadata` of an object.
pub(super) fn metadata(resource: &Resource, object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let name = text(object, "/metadata/name");
    let why = match (resource.group.as_str(), resource.kind.as_str()) {
        ("", "Namespace" | "Service") => dns_label(name),
        ("rbac.authorization.k8s.io", _) => path_segment(name),
        _ => dns_subdomain(name),
    };
    errors.extend(invalid("metadata.name", name, why));
    errors.extend(labels(object, "/metadata/labels", "metadata.labels"));
    errors.extend(annotations(object, "/metadata/annotations", "metadata.annotations"));
    for owner in list(object, "/metadata/ownerReferences") {
        let field = |name: &str| format!("metadata.ownerReferences.{name}");
        let empty = |name: &str| text(owner, &format!("/{name}")).is_empty();
        if empty("apiVersion") {
            errors.push(FieldError::invalid(field("apiVersion"), json!(""), "version must not be empty"));
        }
        for name in ["kind", "name", "uid"] {
            if empty(name) {
                errors.push(FieldError::invalid(field(name), json!(""), "must not be empty"));
            }
        }
    }
    let controllers = list(object, "/metadata/ownerReferences")
        .iter()
        .filter(|owner| owner.get("controller") == Some(&Value::Bool(true)));
    if controllers.count() > 1 {
        errors.push(FieldError::new(
            FieldProblem::Invalid,
            "metadata.ownerReferences",
            object.pointer("/metadata/ownerReferences").cloned(),
            "Only one reference can have Controller set to true",
        ));
    }
    for (index, finalizer) in list(object, "/metadata/finalizers").iter().filter_map(Value::as_str).enumerate() {
        errors.extend(invalid("metadata.finalizers", finalizer, qualified_name(finalizer)));
        if !finalizer.contains('/') && !PLAIN_FINALIZERS.contains(&finalizer) {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            // Custom resources only get a warning.
            if !resource.custom {
                errors.push(FieldError::invalid(format!("metadata.finalizers[{index}]"), json!(finalizer), why));
            }
        }
    }
    errors
}

/// What is wrong with labels.
pub(super) fn labels(object: &Value, pointer: &str, field: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (key, value) in object.pointer(pointer).and_then(Value::as_object).into_iter().flatten() {
        errors.extend(invalid(field, key, qualified_name(key)));
        let value = value.as_str().unwrap_or_default();
        errors.extend(invalid(field, value, label_value(value)));
    }
    errors
}

/// What is wrong with annotations.
pub(super) fn annotations(object: &Value, pointer: &str, field: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut bytes = 0;
    for (key, value) in object.pointer(pointer).and_then(Value::as_object).into_iter().flatten() {
        errors.extend(invalid(field, key, qualified_name(&key.to_lowercase())));
        bytes += key.len() + value.as_str().map_or(0, str::len);
    }
    if bytes > ANNOTATION_BYTES {
        let why = format!("may not be more than {ANNOTATION_BYTES} bytes");
        errors.push(FieldError::new(FieldProblem::TooLong, field, None, why));
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::resource::{CONFIG_MAPS, Resources};

    #[test]
    fn metadata_is_refused_in_the_words_of_kubernetes() {
        let resource = Resources::built_in().get(&CONFIG_MAPS).unwrap();
        let object = json!({"metadata": {
            "name": "A",
            "labels": {"-a": "b", "c": "?", "x/y/z": "q"},
            "annotations": {"A B": "x", "big": "x".repeat(300_000)},
            "finalizers": ["foo", "a.b/c"],
            "ownerReferences": [{"name": "x"}],
        }});
        let fields: Vec<_> =
            metadata(&resource, &object).iter().map(|error| format!("{}: {}", error.field, error.reason())).collect();
        assert_eq!(
            fields,
            [
                "metadata.name: FieldValueInvalid",
                "metadata.labels: FieldValueInvalid",
                "metadata.labels: FieldValueInvalid",
                "metadata.labels: FieldValueInvalid",
                "metadata.annotations: FieldValueInvalid",
                "metadata.annotations: FieldValueTooLong",
                "metadata.ownerReferences.apiVersion: FieldValueInvalid",
                "metadata.ownerReferences.kind: FieldValueInvalid",
                "metadata.ownerReferences.uid: FieldValueInvalid",
                "metadata.finalizers[0]: FieldValueInvalid",
            ]
        );
    }
}
