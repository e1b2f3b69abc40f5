//! The rules for the other built-in kinds: what they demand, and what may not change once they exist.

use serde_json::{Value, json};

use super::json::{list, text};
use super::metadata::labels;
use super::names::config_key;
use super::pod::{not_negative, pod_spec, pod_update, port_number, unsupported};
use crate::sim::status::{FieldError, FieldProblem};

const IMMUTABLE: &str = "field is immutable";
const IMMUTABLE_DATA: &str = "field is immutable when `immutable` is set";

/// Most bytes of a ConfigMap or a Secret.
const DATA_BYTES: usize = 1024 * 1024;

/// What is wrong with an object of a built-in kind, besides its metadata.
pub(super) fn kind(api_version: &str, kind: &str, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = match (api_version, kind) {
        ("v1", "Pod") => pod_spec(object.get("spec").unwrap_or(&Value::Null), "spec"),
        ("v1", "Service") => service(object),
        ("v1", "ConfigMap" | "Secret") => data(object),
        ("coordination.k8s.io/v1", "Lease") => lease(object).into_iter().collect(),
        ("v1", "PersistentVolumeClaim") => claim(object),
        ("batch/v1", "Job") => job(object),
        ("batch/v1", "CronJob") => cron_job(object),
        ("apps/v1", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet") => workload(kind, object),
        ("networking.k8s.io/v1", "Ingress") => ingress(object),
        ("rbac.authorization.k8s.io/v1", "RoleBinding" | "ClusterRoleBinding") => binding(object),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition") => super::definition::definition(object),
        _ => Vec::new(),
    };
    if let Some(old) = old {
        errors.extend(changes(api_version, kind, object, old));
    }
    errors
}

/// What is wrong with a change.
fn changes(api_version: &str, kind: &str, new: &Value, old: &Value) -> Vec<FieldError> {
    let changed = |pointer: &str| new.pointer(pointer) != old.pointer(pointer);
    let fixed = |pointer: &str, field: &str, why: &str| {
        changed(pointer).then(|| FieldError::invalid(field, new.pointer(pointer).cloned().unwrap_or_default(), why))
    };
    let mut errors = Vec::new();
    match (api_version, kind) {
        ("v1", "Pod") => errors.extend(pod_update(new, old)),
        ("batch/v1", "Job") => errors.extend(job_update(new, old)),
        ("apps/v1", "StatefulSet") => {
            let kept = |set: &Value| {
                let mut spec = set.get("spec").cloned().unwrap_or_default();
                for field in [
                    "replicas",
                    "ordinals",
                    "template",
                    "updateStrategy",
                    "revisionHistoryLimit",
                    "persistentVolumeClaimRetentionPolicy",
                    "minReadySeconds",
                ] {
                    spec.as_object_mut().and_then(|spec| spec.remove(field));
                }
                spec
            };
            if kept(new) != kept(old) {
                errors.push(FieldError::forbidden(
                    "spec",
                    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
                     'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
                     'minReadySeconds' are forbidden",
                ));
            }
        }
        ("apps/v1", _) => errors.extend(fixed("/spec/selector", "spec.selector", IMMUTABLE)),
        ("v1", "Service") => {
            let ip = |service: &Value| text(service, "/spec/clusterIP").to_owned();
            if !ip(old).is_empty() && ip(new) != ip(old) && text(new, "/spec/type") != "ExternalName" {
                let why = "may not change once set";
                errors.push(FieldError::invalid("spec.clusterIPs[0]", json!([ip(new)]), why));
            }
        }
        ("v1", "PersistentVolumeClaim") => {
            let kept = |claim: &Value| {
                let mut spec = claim.get("spec").cloned().unwrap_or_default();
                for field in ["resources", "volumeAttributesClassName", "volumeName"] {
                    spec.as_object_mut().and_then(|spec| spec.remove(field));
                }
                spec
            };
            if kept(new) != kept(old) {
                errors.push(FieldError::forbidden(
                    "spec",
                    "spec is immutable after creation except resources.requests and volumeAttributesClassName for \
                     bound claims",
                ));
            }
        }
        ("v1", "ConfigMap" | "Secret") => {
            if kind == "Secret" {
                errors.extend(fixed("/type", "type", IMMUTABLE));
            }
            if old.get("immutable") == Some(&Value::Bool(true)) {
                for field in ["immutable", "data", "binaryData"] {
                    if changed(&format!("/{field}")) {
                        errors.push(FieldError::forbidden(field, IMMUTABLE_DATA));
                    }
                }
            }
        }
        ("rbac.authorization.k8s.io/v1", "RoleBinding" | "ClusterRoleBinding") => {
            errors.extend(fixed("/roleRef", "roleRef", "cannot change roleRef"));
        }
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition") => {
            for (pointer, field) in [
                ("/spec/group", "spec.group"),
                ("/spec/scope", "spec.scope"),
                ("/spec/names/plural", "spec.names.plural"),
                ("/spec/names/kind", "spec.names.kind"),
            ] {
                errors.extend(fixed(pointer, field, IMMUTABLE));
            }
        }
        _ => {}
    }
    errors
}

fn job(job: &Value) -> Vec<FieldError> {
    let spec = job.get("spec").unwrap_or(&Value::Null);
    let mut errors = job_spec(spec, "spec");
    let uid = text(job, "/metadata/uid");
    let automatic = spec.get("manualSelector") != Some(&Value::Bool(true));
    let selector = spec.get("selector").cloned().unwrap_or_default();
    if automatic {
        let generated = json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}});
        let legacy = json!({"matchLabels": {"controller-uid": uid}});
        if selector != generated && selector != legacy {
            errors.push(FieldError::invalid("spec.selector", selector.clone(), "`selector` not auto-generated"));
        }
    } else if selector.is_null() {
        errors.push(FieldError::required("spec.selector", ""));
    }
    errors.extend(selects(spec, "spec"));
    errors
}

/// Whether the labels of the template are those that the selector asks for.
fn selects(spec: &Value, field: &str) -> Option<FieldError> {
    let labels = spec.pointer("/template/metadata/labels").cloned().unwrap_or_default();
    let empty =
        spec.pointer("/selector").is_none_or(|selector| selector.as_object().is_none_or(serde_json::Map::is_empty));
    let wanted = spec.pointer("/selector/matchLabels").and_then(Value::as_object).into_iter().flatten();
    let matches = wanted.clone().all(|(key, value)| labels.get(key) == Some(value));
    let expressions = list(spec, "/selector/matchExpressions").iter().all(|expression| {
        let label = labels.get(text(expression, "/key"));
        let listed = label.is_some_and(|label| list(expression, "/values").contains(label));
        match text(expression, "/operator") {
            "In" => listed,
            "NotIn" => !listed,
            "Exists" => label.is_some(),
            "DoesNotExist" => label.is_none(),
            _ => false,
        }
    });
    (empty || !matches || !expressions).then(|| {
        let why = "`selector` does not match template `labels`";
        FieldError::invalid(format!("{field}.template.metadata.labels"), labels, why)
    })
}

fn job_spec(spec: &Value, field: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for name in ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"] {
        errors.extend(not_negative(spec, name, field));
    }
    for (name, known) in [
        ("completionMode", ["NonIndexed", "Indexed"].as_slice()),
        ("podReplacementPolicy", ["Failed", "TerminatingOrFailed"].as_slice()),
    ] {
        if let Some(value) = spec.get(name)
            && !known.iter().any(|known| value == known)
        {
            errors.push(unsupported(format!("{field}.{name}"), value, known));
        }
    }
    if spec.get("completionMode").is_some_and(|mode| mode == "Indexed") && spec.get("completions").is_none() {
        let why = "when completion mode is Indexed";
        errors.push(FieldError::required(format!("{field}.completions"), why));
    }
    errors.extend(template(spec, field));
    let policy = spec.pointer("/template/spec/restartPolicy").cloned().unwrap_or_default();
    if policy == "Always" {
        let why = "valid values: \"OnFailure\", \"Never\"";
        errors.push(FieldError::required(format!("{field}.template.spec.restartPolicy"), why));
    } else if policy != "Never" && spec.get("podFailurePolicy").is_some() {
        let why = "only \"Never\" is supported when podFailurePolicy is specified";
        errors.push(FieldError::invalid(format!("{field}.template.spec.restartPolicy"), policy, why));
    }
    errors
}

fn template(spec: &Value, field: &str) -> Vec<FieldError> {
    let mut errors = labels(spec, "/template/metadata/labels", &format!("{field}.template.labels"));
    let pod = spec.pointer("/template/spec").unwrap_or(&Value::Null);
    errors.extend(pod_spec(pod, &format!("{field}.template.spec")));
    errors
}

fn job_update(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let of = |job: &Value, name: &str| job.pointer(&format!("/spec/{name}")).cloned().unwrap_or_default();
    let (completions, before) = (of(new, "completions"), of(old, "completions"));
    if completions != before {
        if of(new, "completionMode") != "Indexed" {
            errors.push(FieldError::invalid("spec.completions", completions, IMMUTABLE));
        } else if completions != of(new, "parallelism") {
            let why = "can only be modified in tandem with spec.parallelism";
            errors.push(FieldError::invalid("spec.completions", completions, why));
        }
    }
    // A Job that is suspended and has not begun may still get other places and resources for its pods.
    let open = of(old, "suspend") == Value::Bool(true) && text(old, "/status/startTime").is_empty();
    let fixed = |job: &Value| {
        let mut template = of(job, "template");
        if open {
            for pointer in [
                "/metadata/labels",
                "/metadata/annotations",
                "/spec/nodeSelector",
                "/spec/affinity",
                "/spec/tolerations",
                "/spec/schedulingGates",
            ] {
                if let Some(value) = template.pointer_mut(pointer) {
                    *value = Value::Null;
                }
            }
            for container in
                template.pointer_mut("/spec/containers").and_then(Value::as_array_mut).into_iter().flatten()
            {
                container.as_object_mut().and_then(|container| container.remove("resources"));
            }
        }
        drop_nulls(&mut template);
        template
    };
    if of(new, "selector") != of(old, "selector") {
        errors.push(FieldError::invalid("spec.selector", of(new, "selector"), IMMUTABLE));
    }
    if fixed(new) != fixed(old) {
        errors.push(FieldError::invalid("spec.template", of(new, "template"), IMMUTABLE));
    }
    for name in ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"] {
        if of(new, name) != of(old, name) {
            errors.push(FieldError::invalid(format!("spec.{name}"), of(new, name), IMMUTABLE));
        }
    }
    errors
}

fn drop_nulls(value: &mut Value) {
    if let Some(map) = value.as_object_mut() {
        map.retain(|_, value| {
            drop_nulls(value);
            !value.is_null()
        });
    }
}

fn cron_job(job: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let schedule = text(job, "/spec/schedule");
    let fields: Vec<_> = schedule.split_whitespace().collect();
    if schedule.is_empty() {
        errors.push(FieldError::required("spec.schedule", ""));
    } else if fields.len() != 5 && !schedule.starts_with('@') {
        let why = format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" "));
        errors.push(FieldError::invalid("spec.schedule", json!(schedule), why));
    }
    let spec = job.pointer("/spec/jobTemplate/spec").unwrap_or(&Value::Null);
    errors.extend(job_spec(spec, "spec.jobTemplate.spec"));
    errors
}

fn workload(kind: &str, object: &Value) -> Vec<FieldError> {
    let spec = object.get("spec").unwrap_or(&Value::Null);
    let mut errors = Vec::new();
    errors.extend(not_negative(spec, "replicas", "spec"));
    if spec.get("selector").is_none_or(Value::is_null) {
        errors.push(FieldError::required("spec.selector", ""));
    }
    errors.extend(selects(spec, "spec"));
    errors.extend(template(spec, "spec"));
    let policy = spec.pointer("/template/spec/restartPolicy").cloned().unwrap_or_default();
    if policy == "OnFailure" || policy == "Never" {
        errors.push(unsupported("spec.template.spec.restartPolicy", &policy, &["Always"]));
    }
    let (field, known) = match kind {
        "Deployment" => ("strategy", ["Recreate", "RollingUpdate"]),
        _ => ("updateStrategy", ["RollingUpdate", "OnDelete"]),
    };
    if let Some(strategy) = spec.get(field) {
        let of_kind = text(strategy, "/type");
        if of_kind == "Recreate" && strategy.get("rollingUpdate").is_some() {
            let why = "may not be specified when strategy `type` is 'Recreate'";
            errors.push(FieldError::forbidden(format!("spec.{field}.rollingUpdate"), why));
        } else if !known.contains(&of_kind) {
            errors.push(unsupported(format!("spec.{field}"), strategy, &known));
        }
    }
    for name in ["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
        errors.extend(not_negative(spec, name, "spec"));
    }
    errors
}

fn service(service: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let ports = list(service, "/spec/ports");
    let kind = service.pointer("/spec/type").cloned().unwrap_or_default();
    if ports.is_empty() && kind != "ExternalName" && text(service, "/spec/clusterIP") != "None" {
        errors.push(FieldError::required("spec.ports", ""));
    }
    for (index, port) in ports.iter().enumerate() {
        let field = format!("spec.ports[{index}]");
        if ports.len() > 1 && text(port, "/name").is_empty() {
            errors.push(FieldError::required(format!("{field}.name"), ""));
        }
        errors.extend(port_number(port.get("port").and_then(Value::as_i64).unwrap_or(0), &format!("{field}.port")));
        let protocol = port.get("protocol").cloned().unwrap_or_default();
        if !["SCTP", "TCP", "UDP"].iter().any(|known| protocol == *known) {
            errors.push(unsupported(format!("{field}.protocol"), &protocol, &["SCTP", "TCP", "UDP"]));
        }
        if let Some(number) = port.get("targetPort").and_then(Value::as_i64) {
            errors.extend(port_number(number, &format!("{field}.targetPort")));
        }
    }
    let kinds = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    if !kinds.iter().any(|known| kind == *known) {
        errors.push(unsupported("spec.type", &kind, &kinds));
    }
    errors
}

fn data(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut bytes = 0;
    for field in ["data", "binaryData"] {
        for (key, value) in object.get(field).and_then(Value::as_object).into_iter().flatten() {
            let wrong = config_key(key).into_iter();
            errors.extend(wrong.map(|why| FieldError::invalid(format!("{field}[{key}]"), json!(key), why)));
            bytes += value.as_str().map_or(0, str::len);
        }
    }
    if text(object, "/kind") == "Secret" && text(object, "/type") == "kubernetes.io/tls" {
        let missing = |key: &&str| object.get("data").and_then(|data| data.get(key)).is_none();
        let missing = ["tls.crt", "tls.key"].into_iter().filter(missing);
        errors.extend(missing.map(|key| FieldError::required(format!("data[{key}]"), "")));
    }
    if bytes > DATA_BYTES {
        let why = format!("may not be more than {DATA_BYTES} bytes");
        // An empty path reads as the whole object.
        errors.push(FieldError::new(FieldProblem::TooLong, "[]", None, why));
    }
    errors
}

fn lease(lease: &Value) -> Option<FieldError> {
    let seconds = lease.pointer("/spec/leaseDurationSeconds")?;
    let field = "spec.leaseDurationSeconds";
    (seconds.as_i64()? <= 0).then(|| FieldError::invalid(field, seconds.clone(), "must be greater than 0"))
}

fn claim(claim: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if list(claim, "/spec/accessModes").is_empty() {
        errors.push(FieldError::required("spec.accessModes", "at least 1 access mode is required"));
    }
    if claim.pointer("/spec/resources/requests/storage").is_none() {
        errors.push(FieldError::required("spec.resources[storage]", ""));
    }
    errors
}

fn ingress(ingress: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if list(ingress, "/spec/rules").is_empty() && ingress.pointer("/spec/defaultBackend").is_none() {
        let why = "either `defaultBackend` or `rules` must be specified";
        errors.push(FieldError::invalid("spec", json!([]), why));
    }
    for (index, rule) in list(ingress, "/spec/rules").iter().enumerate() {
        let host = text(rule, "/host");
        if !host.is_empty() {
            let wrong = super::names::dns_subdomain(host.strip_prefix("*.").unwrap_or(host)).into_iter();
            let field = format!("spec.rules[{index}].host");
            errors.extend(wrong.map(|why| FieldError::invalid(field.clone(), json!(host), why)));
        }
        for (place, path) in list(rule, "/http/paths").iter().enumerate() {
            if text(path, "/pathType").is_empty() {
                let field = format!("spec.rules[{index}].http.paths[{place}].pathType");
                errors.push(FieldError::required(field, "pathType must be specified"));
            }
        }
    }
    errors
}

fn binding(binding: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let kinds: &[&str] = &["Role", "ClusterRole"];
    let kind = binding.pointer("/roleRef/kind").cloned().unwrap_or_default();
    if !kinds.iter().any(|known| kind == *known) {
        errors.push(unsupported("roleRef.kind", &kind, kinds));
    }
    if text(binding, "/roleRef/name").is_empty() {
        errors.push(FieldError::required("roleRef.name", ""));
    }
    for (index, subject) in list(binding, "/subjects").iter().enumerate() {
        if text(subject, "/name").is_empty() {
            errors.push(FieldError::required(format!("subjects[{index}].name"), ""));
        }
        let of_account = text(subject, "/kind") == "ServiceAccount" && text(subject, "/namespace").is_empty();
        if of_account && text(binding, "/kind") == "ClusterRoleBinding" {
            errors.push(FieldError::required(format!("subjects[{index}].namespace"), ""));
        }
    }
    errors
}
