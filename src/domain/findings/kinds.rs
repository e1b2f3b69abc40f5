//! What the checks know about kinds of objects.

use serde_json::Value;

use crate::domain::manifest::Object;

/// Whether the object does its work once and ends: a Job, a Pod or an Argo Workflow.
pub(super) fn runs_once(object: &Object) -> bool {
    is(object, "batch", "Job") || is(object, "", "Pod") || is(object, "argoproj.io", "Workflow")
}

/// Whether the object is of this group and kind.
pub(super) fn is(object: &Object, group: &str, kind: &str) -> bool {
    object.group() == group && object.kind() == kind
}

/// Whether the object is a workload that runs until it is deleted.
pub(super) fn runs_on(object: &Object) -> bool {
    (object.group() == "apps" && ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"].contains(&object.kind()))
        || is(object, "", "ReplicationController")
}

/// Whether deleting the object deletes what people would want to keep.
pub(super) fn holds_data(object: &Object) -> bool {
    match object.group() {
        "" => ["Namespace", "PersistentVolume", "PersistentVolumeClaim"].contains(&object.kind()),
        "apiextensions.k8s.io" => object.kind() == "CustomResourceDefinition",
        _ => false,
    }
}

/// The longest name an object of this kind can work with, if it is shorter than the 253 that hold for all.
pub(super) fn longest_name(object: &Object) -> usize {
    match (object.group(), object.kind()) {
        // It becomes the value of a label of the pods, or a DNS label.
        ("batch", "Job") | ("argoproj.io", "Workflow") | ("", "Service" | "Namespace") => 63,
        // The controllers add eleven characters, for the Job and for the revision.
        ("batch", "CronJob") | ("apps", "StatefulSet") => 52,
        _ => 253,
    }
}

/// Whether names of this kind must be DNS subdomains; those of roles, for example, need not.
pub(super) fn has_dns_name(object: &Object) -> bool {
    match object.group() {
        "" | "apps" | "batch" | "autoscaling" | "policy" | "networking.k8s.io" | "apiextensions.k8s.io" => true,
        "argoproj.io" => object.kind() == "Workflow",
        _ => false,
    }
}

/// Whether names of this kind must be single DNS labels, without a dot.
pub(super) fn has_label_name(object: &Object) -> bool {
    is(object, "", "Service") || is(object, "", "Namespace")
}

/// The specification of the pods that the object runs, if it is one of the kinds whose pods have one.
pub(super) fn pod_spec(object: &Object) -> Option<&Value> {
    match (object.group(), object.kind()) {
        ("", "Pod") => object.at(&["spec"]),
        ("batch", "CronJob") => object.at(&["spec", "jobTemplate", "spec", "template", "spec"]),
        ("batch" | "apps", _) | ("", "ReplicationController") => object.at(&["spec", "template", "spec"]),
        _ => None,
    }
}

/// All containers the object runs, in their order: those of its pods, or of a Workflow's templates.
pub(super) fn containers(object: &Object) -> Vec<&Value> {
    if is(object, "argoproj.io", "Workflow") {
        let templates = object.at(&["spec", "templates"]).and_then(Value::as_array).into_iter().flatten();
        return templates
            .flat_map(|template| {
                let single = ["container", "script"].into_iter().filter_map(|field| template.get(field));
                let sets = template.pointer("/containerSet/containers").and_then(Value::as_array);
                single
                    .chain(list(template, "initContainers"))
                    .chain(list(template, "sidecars"))
                    .chain(sets.into_iter().flatten())
            })
            .collect();
    }
    let Some(spec) = pod_spec(object) else { return Vec::new() };
    list(spec, "initContainers").chain(list(spec, "containers")).collect()
}

/// The entries of a list field; nothing if it is missing or no list.
pub(super) fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.get(field).and_then(Value::as_array).into_iter().flatten()
}

/// A text field, empty if it is missing or no text.
pub(super) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
