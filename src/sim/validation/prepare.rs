//! What the API server itself writes into a new object: selectors, first statuses, allocated addresses. Nobody owns
//! these fields.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::json::{default, map_mut, object, text};
use crate::sim::patch::FieldSet;

/// Labels by which a Job knows its pods; the ones without a prefix are from before Kubernetes 1.27.
const JOB_LABELS: [(&str, bool); 4] = [
    ("batch.kubernetes.io/controller-uid", true),
    ("controller-uid", true),
    ("batch.kubernetes.io/job-name", false),
    ("job-name", false),
];

/// Fills in what a new object gets from the server; it has its name and its UID already.
pub fn prepare_create(api_version: &str, kind: &str, value: &mut Value) {
    match (api_version, kind) {
        ("batch/v1", "Job") => job(value),
        ("v1", "Pod") => pod(value),
        ("v1", "Namespace") => {
            if let Some(spec) = value.as_object_mut().and_then(|value| object(value, "spec")) {
                spec.insert("finalizers".to_owned(), json!(["kubernetes"]));
            }
            value["status"] = json!({"phase": "Active"});
        }
        ("v1", "PersistentVolumeClaim") => {
            value["status"] = json!({"phase": "Pending"});
            let finalizers = value["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
            if !finalizers.iter().any(|name| name == "kubernetes.io/pvc-protection") {
                let all: Vec<_> = finalizers.into_iter().chain([json!("kubernetes.io/pvc-protection")]).collect();
                value["metadata"]["finalizers"] = Value::Array(all);
            }
        }
        ("v1", "Service") => service(value),
        ("v1", "Secret") => secret(value),
        ("apps/v1", "DaemonSet") => {
            if let Some(metadata) = map_mut(value, "/metadata")
                && let Some(annotations) = object(metadata, "annotations")
            {
                annotations.insert("deprecated.daemonset.template.generation".to_owned(), json!("1"));
            }
        }
        _ => {}
    }
}

/// Fills in what an update leaves to the server: what it gave once stays where the update does not name it.
pub(super) fn prepare_update(api_version: &str, kind: &str, value: &mut Value, old: Option<&Value>) {
    let Some(old) = old else { return };
    match (api_version, kind) {
        ("v1", "Secret") => secret(value),
        ("v1", "Service") => {
            let Some(spec) = map_mut(value, "/spec") else { return };
            for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort"] {
                let given = spec.get(field).is_some_and(|value| !value.is_null() && value != "");
                if !given && let Some(value) = old.pointer(&format!("/spec/{field}")) {
                    spec.insert(field.to_owned(), value.clone());
                }
            }
        }
        _ => {}
    }
}

/// The fields that [`prepare_create`] has written into a new object.
pub fn prepared_fields(api_version: &str, kind: &str, value: &Value) -> FieldSet {
    match (api_version, kind) {
        ("batch/v1", "Job") => {
            let mut paths: Vec<Vec<&str>> = vec![vec!["spec", "selector"]];
            for (label, _) in JOB_LABELS {
                paths.push(vec!["spec", "template", "metadata", "labels", label]);
                paths.push(vec!["metadata", "labels", label]);
            }
            FieldSet::of_fields(&paths.iter().map(Vec::as_slice).collect::<Vec<_>>())
        }
        ("v1", "Namespace") => FieldSet::of_fields(&[&["spec", "finalizers"]]),
        ("v1", "Pod") => {
            FieldSet::of_fields(&[&["spec", "tolerations"], &["spec", "priority"], &["spec", "preemptionPolicy"]])
        }
        ("v1", "PersistentVolumeClaim") => FieldSet::of_fields(&[&["metadata", "finalizers"]]),
        // A service without an address is asked for.
        ("v1", "Service") if text(value, "/spec/clusterIP") == "None" => {
            FieldSet::of_fields(&[&["spec", "clusterIPs"], &["spec", "ipFamilies"], &["spec", "ipFamilyPolicy"]])
        }
        ("v1", "Service") => FieldSet::of_fields(&[
            &["spec", "clusterIP"],
            &["spec", "clusterIPs"],
            &["spec", "ipFamilies"],
            &["spec", "ipFamilyPolicy"],
        ]),
        ("v1", "Event") => FieldSet::of_fields(&[&["eventTime"], &["firstTimestamp"], &["lastTimestamp"]]),
        _ => FieldSet::default(),
    }
}

fn job(value: &mut Value) {
    if value.pointer("/spec/manualSelector") == Some(&Value::Bool(true)) {
        return;
    }
    let (uid, name) = (text(value, "/metadata/uid").to_owned(), text(value, "/metadata/name").to_owned());
    let Some(spec) = map_mut(value, "/spec") else { return };
    if let Some(selector) = object(spec, "selector")
        && let Some(labels) = object(selector, "matchLabels")
    {
        default(labels, JOB_LABELS[0].0, uid.clone());
    }
    let template = object(spec, "template").and_then(|template| object(template, "metadata"));
    if let Some(labels) = template.and_then(|metadata| object(metadata, "labels")) {
        for (label, is_uid) in JOB_LABELS {
            default(labels, label, if is_uid { uid.clone() } else { name.clone() });
        }
    }
}

fn pod(value: &mut Value) {
    let quality = quality_of_service(value);
    let Some(spec) = map_mut(value, "/spec") else { return };
    default(spec, "priority", 0);
    default(spec, "preemptionPolicy", "PreemptLowerPriority");
    let tolerations = spec.entry("tolerations").or_insert_with(|| json!([]));
    if let Some(tolerations) = tolerations.as_array_mut() {
        for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            let tolerated = |toleration: &Value| {
                let of = |field: &str| toleration.get(field).and_then(Value::as_str).unwrap_or_default();
                (of("key") == key || of("key").is_empty()) && matches!(of("effect"), "" | "NoExecute")
            };
            if !tolerations.iter().any(tolerated) {
                tolerations.push(json!({
                    "effect": "NoExecute", "key": key, "operator": "Exists", "tolerationSeconds": 300,
                }));
            }
        }
    }
    value["status"] = json!({"phase": "Pending", "qosClass": quality});
}

fn quality_of_service(pod: &Value) -> &'static str {
    let mut any = false;
    let mut all = true;
    for containers in ["/spec/containers", "/spec/initContainers"] {
        for container in super::json::list(pod, containers) {
            let of = |kind: &str, name: &str| container.pointer(&format!("/resources/{kind}/{name}")).cloned();
            for name in ["cpu", "memory"] {
                let (request, limit) = (of("requests", name), of("limits", name));
                any |= request.is_some() || limit.is_some();
                all &= limit.is_some() && request.is_none_or(|request| Some(request) == limit);
            }
        }
    }
    match (any, all) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

fn service(value: &mut Value) {
    let name = format!("{}/{}", text(value, "/metadata/namespace"), text(value, "/metadata/uid"));
    if let Some(spec) = map_mut(value, "/spec")
        && spec.get("type").is_none_or(|kind| kind != "ExternalName")
    {
        // Addresses are not handed out here: one that follows from the UID is as good, and repeats with the seed.
        let number =
            name.bytes().fold(2_166_136_261_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619));
        let [_, _, third, fourth] = number.to_be_bytes();
        default(spec, "clusterIP", format!("10.96.{third}.{fourth}"));
        if spec.get("clusterIP").is_some_and(|ip| ip == "") {
            spec.insert("clusterIP".to_owned(), json!(format!("10.96.{third}.{fourth}")));
        }
        let ip = spec.get("clusterIP").cloned().unwrap_or_default();
        default(spec, "clusterIPs", json!([ip]));
        default(spec, "ipFamilies", json!(["IPv4"]));
        default(spec, "ipFamilyPolicy", "SingleStack");
        let with_node_ports = spec.get("type").is_some_and(|kind| kind == "NodePort" || kind == "LoadBalancer");
        if with_node_ports {
            for (index, port) in (0_u32..).zip(super::json::each(spec, "ports")) {
                default(port, "nodePort", 30_000 + (number.wrapping_add(index) % 2_768));
            }
        }
    }
    value["status"] = json!({"loadBalancer": {}});
}

/// `stringData` is a convenience for writing: it becomes `data`.
pub(super) fn secret(value: &mut Value) {
    let Some(secret) = value.as_object_mut() else { return };
    let Some(Value::Object(texts)) = secret.remove("stringData") else { return };
    if let Some(data) = object(secret, "data") {
        for (name, text) in texts {
            data.insert(name, json!(STANDARD.encode(text.as_str().unwrap_or_default())));
        }
    }
}
