//! The rules for `CustomResourceDefinition`s.

use serde_json::{Value, json};

use super::json::{list, text};
use super::names::{dns_label, dns_subdomain};
use super::pod::unsupported;
use crate::sim::status::FieldError;

/// How deep a schema is looked at.
const DEEPEST: usize = 64;

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];

/// What is wrong with a definition.
pub(super) fn definition(definition: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let (group, plural) = (text(definition, "/spec/group"), text(definition, "/spec/names/plural"));
    let expected = format!("{plural}.{group}");
    let name = text(definition, "/metadata/name");
    if name != expected {
        let why = "must be spec.names.plural+\".\"+spec.group";
        errors.push(FieldError::invalid("metadata.name", json!(name), why));
    }
    if group.is_empty() {
        errors.push(FieldError::required("spec.group", ""));
    } else if !dns_subdomain(group).is_empty() {
        errors.extend(dns_subdomain(group).into_iter().map(|why| FieldError::invalid("spec.group", json!(group), why)));
    } else if !group.contains('.') {
        errors.push(FieldError::invalid("spec.group", json!(group), "should be a domain with at least one dot"));
    }
    let scope = definition.pointer("/spec/scope").cloned().unwrap_or_default();
    if scope.is_null() {
        errors.push(FieldError::required("spec.scope", ""));
    } else if scope != "Cluster" && scope != "Namespaced" {
        errors.push(unsupported("spec.scope", &scope, &["Cluster", "Namespaced"]));
    }
    for field in ["plural", "singular", "kind", "listKind"] {
        let (value, field) = (text(definition, &format!("/spec/names/{field}")), format!("spec.names.{field}"));
        if value.is_empty() {
            errors.push(FieldError::required(field, ""));
        } else {
            let wrong = dns_label(&value.to_lowercase()).into_iter();
            errors.extend(wrong.map(|why| FieldError::invalid(field.clone(), json!(value), why)));
        }
    }
    let versions = list(definition, "/spec/versions");
    let storing = versions.iter().filter(|version| version.get("storage") == Some(&Value::Bool(true))).count();
    if storing != 1 {
        let why = "must have exactly one version marked as storage version";
        errors.push(FieldError::invalid("spec.versions", json!(versions), why));
    }
    for (index, version) in versions.iter().enumerate() {
        let field = format!("spec.versions[{index}]");
        let name = text(version, "/name");
        let wrong = dns_label(name).into_iter();
        errors.extend(wrong.map(|why| FieldError::invalid(format!("{field}.name"), json!(name), why)));
        let field = format!("{field}.schema.openAPIV3Schema");
        match version.pointer("/schema/openAPIV3Schema") {
            None => errors.push(FieldError::required(field, "schemas are required")),
            Some(schema) => {
                let kind = text(schema, "/type");
                if kind != "object" {
                    let field = format!("{field}.type");
                    errors.push(if kind.is_empty() {
                        FieldError::required(field, "must not be empty at the root")
                    } else {
                        FieldError::invalid(field, json!(kind), "must be object at the root")
                    });
                }
                structural(schema, &field, 0, &mut errors);
            }
        }
    }
    errors
}

/// A schema says of every value what type it has, and nothing that the server could not act on.
fn structural(schema: &Value, field: &str, depth: usize, errors: &mut Vec<FieldError>) {
    if depth > DEEPEST || errors.len() > 50 {
        return;
    }
    let flag = |name: &str| schema.get(name) == Some(&Value::Bool(true));
    let free = flag("x-kubernetes-preserve-unknown-fields") || flag("x-kubernetes-int-or-string");
    let kind = schema.get("type").cloned().unwrap_or_default();
    if kind.is_null() {
        if depth > 0 && !free {
            errors.push(FieldError::required(format!("{field}.type"), "must not be empty for specified object fields"));
        }
    } else if !TYPES.iter().any(|known| kind == *known) {
        errors.push(unsupported(format!("{field}.type"), &kind, &TYPES));
    }
    if schema.get("$ref").is_some() {
        errors.push(FieldError::forbidden(format!("{field}.$ref"), "$ref is not supported"));
    }
    if schema.get("properties").is_some() && schema.get("additionalProperties").is_some() {
        let why = "additionalProperties and properties are mutual exclusive";
        errors.push(FieldError::forbidden(format!("{field}.additionalProperties"), why));
    }
    if kind == "array" && schema.get("items").is_none() {
        errors.push(FieldError::required(format!("{field}.items"), "must be specified"));
    }
    if schema.get("x-kubernetes-list-type").is_some_and(|list| list == "map")
        && list(schema, "/x-kubernetes-list-map-keys").is_empty()
    {
        let why = "must not be empty if x-kubernetes-list-type is map";
        errors.push(FieldError::required(format!("{field}.x-kubernetes-list-map-keys"), why));
    }
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
        && let Err(error) = regex::Regex::new(pattern)
    {
        let why = format!("must be a valid regular expression, but isn't: {error}");
        errors.push(FieldError::invalid(format!("{field}.pattern"), json!(pattern), why));
    }
    for (name, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        structural(inner, &format!("{field}.properties[{name}]"), depth + 1, errors);
    }
    for name in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(name).filter(|inner| inner.is_object()) {
            structural(inner, &format!("{field}.{name}"), depth + 1, errors);
        }
    }
}
