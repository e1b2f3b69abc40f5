//! The rules for pods and for the templates of pods.

use serde_json::{Map, Value, json};

use super::json::{list, text};
use super::names::dns_label;
use crate::sim::openapi::quantity_in_billionths;
use crate::sim::status::{FieldError, FieldProblem};

/// The pod's parts that may change once it exists.
const CHANGES: &str = "pod updates may not change fields other than \
                       `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,\
                       `spec.tolerations` (only additions to existing tolerations),\
                       `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// An `Unsupported value` with the values that are supported.
pub(super) fn unsupported(field: impl Into<String>, value: &Value, supported: &[&str]) -> FieldError {
    let list: Vec<_> = supported.iter().map(|value| format!("{value:?}")).collect();
    let detail = format!("supported values: {}", list.join(", "));
    FieldError::new(FieldProblem::NotSupported, field, Some(value.clone()), detail)
}

/// Refuses what is none of the supported values.
fn one_of(map: &Value, name: &str, field: &str, supported: &[&str]) -> Option<FieldError> {
    let value = map.get(name).unwrap_or(&Value::Null);
    let known = supported.iter().any(|known| value == known);
    (!known).then(|| unsupported(format!("{field}.{name}"), value, supported))
}

/// Refuses a name that is missing, that another one of the list has, or that is no DNS label.
fn unique_name<'v>(entry: &'v Value, field: &str, names: &mut Vec<&'v str>, errors: &mut Vec<FieldError>) {
    let (name, field) = (text(entry, "/name"), format!("{field}.name"));
    if name.is_empty() {
        errors.push(FieldError::required(field, ""));
    } else if names.contains(&name) {
        errors.push(FieldError::new(FieldProblem::Duplicate, field, Some(json!(name)), ""));
    } else {
        errors.extend(dns_label(name).into_iter().map(|why| FieldError::invalid(field.clone(), json!(name), why)));
        names.push(name);
    }
}

/// Refuses a number below zero.
pub(super) fn not_negative(map: &Value, name: &str, field: &str) -> Option<FieldError> {
    let value = map.get(name)?;
    (value.as_i64()? < 0)
        .then(|| FieldError::invalid(format!("{field}.{name}"), value.clone(), "must be greater than or equal to 0"))
}

/// What is wrong with a pod's specification. `field` is where it stands.
pub(super) fn pod_spec(spec: &Value, field: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let volumes = volumes(spec, field, &mut errors);
    let mut names = Vec::new();
    if list(spec, "/containers").is_empty() {
        errors.push(FieldError::required(format!("{field}.containers"), ""));
    }
    for part in ["containers", "initContainers"] {
        for (index, container) in list(spec, &format!("/{part}")).iter().enumerate() {
            let field = format!("{field}.{part}[{index}]");
            unique_name(container, &field, &mut names, &mut errors);
            self::container(container, &field, &volumes, &mut errors);
        }
    }
    errors.extend(one_of(spec, "restartPolicy", field, &["Always", "OnFailure", "Never"]));
    errors.extend(one_of(spec, "dnsPolicy", field, &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"]));
    if let Some(value) = spec.get("activeDeadlineSeconds")
        && value.as_i64().is_some_and(|seconds| !(1..=i64::from(i32::MAX)).contains(&seconds))
    {
        let why = format!("must be between 1 and {}, inclusive", i32::MAX);
        errors.push(FieldError::invalid(format!("{field}.activeDeadlineSeconds"), value.clone(), why));
    }
    errors
}

fn volumes<'v>(spec: &'v Value, field: &str, errors: &mut Vec<FieldError>) -> Vec<&'v str> {
    let mut names = Vec::new();
    for (index, volume) in list(spec, "/volumes").iter().enumerate() {
        let field = format!("{field}.volumes[{index}]");
        let sources: Vec<_> = volume.as_object().into_iter().flat_map(Map::keys).filter(|key| *key != "name").collect();
        match sources.as_slice() {
            [] => errors.push(FieldError::required(field.clone(), "must specify a volume type")),
            [first, .., last] => {
                // Kubernetes looks at an empty directory first, and complains about what comes after.
                let extra = if *first == "emptyDir" || *last != "emptyDir" { last } else { first };
                errors
                    .push(FieldError::forbidden(format!("{field}.{extra}"), "may not specify more than 1 volume type"));
            }
            [_] => {}
        }
        unique_name(volume, &field, &mut names, errors);
    }
    names
}

fn container(container: &Value, field: &str, volumes: &[&str], errors: &mut Vec<FieldError>) {
    let image = text(container, "/image");
    if image.is_empty() {
        errors.push(FieldError::required(format!("{field}.image"), ""));
    } else if image.trim() != image {
        let why = "must not have leading or trailing whitespace";
        errors.push(FieldError::invalid(format!("{field}.image"), json!(image), why));
    }
    for (index, port) in list(container, "/ports").iter().enumerate() {
        let number = port.get("containerPort").cloned().unwrap_or_default();
        let field = format!("{field}.ports[{index}]");
        match number.as_i64() {
            None | Some(0) => errors.push(FieldError::required(format!("{field}.containerPort"), "")),
            Some(number) => errors.extend(port_number(number, &format!("{field}.containerPort"))),
        }
        errors.extend(one_of(port, "protocol", &field, &["SCTP", "TCP", "UDP"]));
    }
    for (index, variable) in list(container, "/env").iter().enumerate() {
        let field = format!("{field}.env[{index}]");
        if text(variable, "/name").is_empty() {
            errors.push(FieldError::required(format!("{field}.name"), ""));
        }
        if variable.get("valueFrom").is_some() && !text(variable, "/value").is_empty() {
            let why = "may not be specified when `value` is not empty";
            errors.push(FieldError::invalid(format!("{field}.valueFrom"), json!(""), why));
        }
    }
    requests_within_limits(container, field, errors);
    let mut paths = Vec::new();
    for (index, mount) in list(container, "/volumeMounts").iter().enumerate() {
        let field = format!("{field}.volumeMounts[{index}]");
        let (name, path) = (text(mount, "/name"), text(mount, "/mountPath"));
        if name.is_empty() {
            errors.push(FieldError::required(format!("{field}.name"), ""));
        } else if !volumes.contains(&name) {
            errors.push(FieldError::new(FieldProblem::NotFound, format!("{field}.name"), Some(json!(name)), ""));
        }
        if path.is_empty() {
            errors.push(FieldError::required(format!("{field}.mountPath"), ""));
        } else if paths.contains(&path) {
            errors.push(FieldError::invalid(format!("{field}.mountPath"), json!(path), "must be unique"));
        }
        paths.push(path);
    }
    errors.extend(one_of(container, "imagePullPolicy", field, &["Always", "IfNotPresent", "Never"]));
}

/// Refuses to ask for more than is allowed.
fn requests_within_limits(container: &Value, field: &str, errors: &mut Vec<FieldError>) {
    let requests = container.pointer("/resources/requests").and_then(Value::as_object);
    for (name, request) in requests.into_iter().flatten() {
        let limit = container.pointer("/resources/limits").and_then(|limits| limits.get(name));
        let (Some(request), Some(limit)) = (request.as_str(), limit.and_then(Value::as_str)) else { continue };
        if let (Some(asked), Some(most)) = (quantity_in_billionths(request), quantity_in_billionths(limit))
            && asked > most
        {
            let why = format!("must be less than or equal to {name} limit of {limit}");
            errors.push(FieldError::invalid(format!("{field}.resources.requests"), json!(request), why));
        }
    }
}

/// Refuses what is no port.
pub(super) fn port_number(number: i64, field: &str) -> Option<FieldError> {
    let why = "must be between 1 and 65535, inclusive";
    (!(1..=65_535).contains(&number)).then(|| FieldError::invalid(field, json!(number), why))
}

/// What is wrong with a change of a pod's specification.
pub(super) fn pod_update(new: &Value, old: &Value) -> Vec<FieldError> {
    let fixed = |pod: &Value| {
        let mut spec = pod.get("spec").cloned().unwrap_or_default();
        for containers in ["/containers", "/initContainers"] {
            for container in spec.pointer_mut(containers).and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(container) = container.as_object_mut() {
                    container.remove("image");
                }
            }
        }
        if let Some(spec) = spec.as_object_mut() {
            for field in ["activeDeadlineSeconds", "tolerations", "ephemeralContainers", "schedulingGates"] {
                spec.remove(field);
            }
        }
        spec
    };
    let mut errors = Vec::new();
    let kept = list(old, "/spec/tolerations").iter().all(|old| list(new, "/spec/tolerations").contains(old));
    if fixed(new) != fixed(old) {
        errors.push(FieldError::forbidden("spec", CHANGES));
    } else if !kept {
        let why = "existing toleration can not be modified except its tolerationSeconds";
        errors.push(FieldError::forbidden("spec.tolerations", why));
    }
    errors
}
