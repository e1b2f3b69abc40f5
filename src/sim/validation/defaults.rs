//! The defaults that the API server writes into objects of the built-in kinds, besides those that their types name.

use serde_json::{Map, Value, json};

use super::json::{default, each, map_mut, object};

/// Fills in the defaults of a kind, on create and on update.
pub fn default_kind(api_version: &str, kind: &str, value: &mut Value) {
    match (api_version, kind) {
        ("v1", "Pod") => {
            if let Some(spec) = map_mut(value, "/spec") {
                default(spec, "enableServiceLinks", true);
                pod_spec(spec);
                pod_requests(spec);
            }
        }
        ("v1", "Service") => service(value),
        ("v1", "Namespace") => namespace(value),
        ("v1", "Secret") => {
            if let Some(secret) = value.as_object_mut() {
                default(secret, "type", "Opaque");
            }
        }
        ("v1", "PersistentVolumeClaim") => claim(value),
        ("batch/v1", "Job") => {
            if let Some(spec) = map_mut(value, "/spec") {
                job_spec(spec);
                default(spec, "backoffLimit", 6);
                default(spec, "completionMode", "NonIndexed");
                default(spec, "suspend", false);
                default(spec, "manualSelector", false);
                let replacement = if spec.contains_key("podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" };
                default(spec, "podReplacementPolicy", replacement);
                // One of the two alone leaves the other open: a work queue.
                let neither = !spec.contains_key("completions") && !spec.contains_key("parallelism");
                if neither {
                    default(spec, "completions", 1);
                }
                default(spec, "parallelism", 1);
            }
            job_labels(value);
        }
        ("batch/v1", "CronJob") => {
            if let Some(spec) = map_mut(value, "/spec") {
                default(spec, "concurrencyPolicy", "Allow");
                default(spec, "suspend", false);
                default(spec, "successfulJobsHistoryLimit", 3);
                default(spec, "failedJobsHistoryLimit", 1);
            }
            if let Some(spec) = map_mut(value, "/spec/jobTemplate/spec") {
                job_spec(spec);
            }
        }
        ("apps/v1", _) => workload(kind, value),
        ("autoscaling/v2", "HorizontalPodAutoscaler") => {
            if let Some(spec) = map_mut(value, "/spec") {
                default(spec, "minReplicas", 1);
                if spec.get("metrics").and_then(Value::as_array).is_none_or(Vec::is_empty) {
                    let target = json!({"type": "Utilization", "averageUtilization": 80});
                    let metric = json!({"type": "Resource", "resource": {"name": "cpu", "target": target}});
                    spec.insert("metrics".to_owned(), json!([metric]));
                }
            }
        }
        ("rbac.authorization.k8s.io/v1", "RoleBinding" | "ClusterRoleBinding") => {
            if let Some(role) = map_mut(value, "/roleRef") {
                role.retain(|field, value| field != "apiGroup" || *value != "");
                default(role, "apiGroup", "rbac.authorization.k8s.io");
            }
            for subject in value.as_object_mut().into_iter().flat_map(|binding| each(binding, "subjects")) {
                if subject.get("kind").is_some_and(|kind| kind == "User" || kind == "Group") {
                    default(subject, "apiGroup", "rbac.authorization.k8s.io");
                }
            }
        }
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition") => definition(value),
        _ => {}
    }
}

/// The nulls that the API server writes: times of an Event that are not there.
pub(super) fn nulls(api_version: &str, kind: &str, value: &mut Value) {
    if let (("v1", "Event"), Some(event)) = ((api_version, kind), value.as_object_mut()) {
        for field in ["eventTime", "firstTimestamp", "lastTimestamp"] {
            event.entry(field).or_insert(Value::Null);
        }
    }
}

fn job_spec(spec: &mut Map<String, Value>) {
    if let Some(pod) = spec.get_mut("template").and_then(|template| template.get_mut("spec")?.as_object_mut()) {
        pod_spec(pod);
    }
}

/// A Job without labels takes those of its pods.
fn job_labels(job: &mut Value) {
    let has_labels =
        job.pointer("/metadata/labels").and_then(Value::as_object).is_some_and(|labels| !labels.is_empty());
    let labels = job.pointer("/spec/template/metadata/labels").filter(|labels| labels.is_object()).cloned();
    if !has_labels && let (Some(labels), Some(metadata)) = (labels, map_mut(job, "/metadata")) {
        metadata.insert("labels".to_owned(), labels);
    }
}

fn workload(kind: &str, value: &mut Value) {
    if let Some(pod) = map_mut(value, "/spec/template/spec") {
        pod_spec(pod);
    }
    let Some(spec) = map_mut(value, "/spec") else { return };
    let rolling = |strategy: &Map<String, Value>| strategy.get("type").is_some_and(|kind| kind == "RollingUpdate");
    match kind {
        "Deployment" => {
            default(spec, "replicas", 1);
            default(spec, "revisionHistoryLimit", 10);
            default(spec, "progressDeadlineSeconds", 600);
            let Some(strategy) = object(spec, "strategy") else { return };
            default(strategy, "type", "RollingUpdate");
            if rolling(strategy)
                && let Some(update) = object(strategy, "rollingUpdate")
            {
                default(update, "maxSurge", "25%");
                default(update, "maxUnavailable", "25%");
            }
        }
        "ReplicaSet" => default(spec, "replicas", 1),
        "StatefulSet" => {
            default(spec, "replicas", 1);
            default(spec, "revisionHistoryLimit", 10);
            default(spec, "podManagementPolicy", "OrderedReady");
            if let Some(policy) = object(spec, "persistentVolumeClaimRetentionPolicy") {
                default(policy, "whenDeleted", "Retain");
                default(policy, "whenScaled", "Retain");
            }
            for template in each(spec, "volumeClaimTemplates") {
                default(template, "apiVersion", "v1");
                default(template, "kind", "PersistentVolumeClaim");
                let mut claim_value = Value::Object(std::mem::take(template));
                claim(&mut claim_value);
                if let Value::Object(mut filled) = claim_value {
                    if let Some(status) = object(&mut filled, "status") {
                        default(status, "phase", "Pending");
                    }
                    *template = filled;
                }
            }
            let Some(strategy) = object(spec, "updateStrategy") else { return };
            default(strategy, "type", "RollingUpdate");
            if rolling(strategy)
                && let Some(update) = object(strategy, "rollingUpdate")
            {
                default(update, "partition", 0);
            }
        }
        "DaemonSet" => {
            default(spec, "revisionHistoryLimit", 10);
            let Some(strategy) = object(spec, "updateStrategy") else { return };
            default(strategy, "type", "RollingUpdate");
            if rolling(strategy)
                && let Some(update) = object(strategy, "rollingUpdate")
            {
                default(update, "maxUnavailable", 1);
                default(update, "maxSurge", 0);
            }
        }
        _ => {}
    }
}

/// The defaults of a pod's specification, in a pod or in a template.
pub(super) fn pod_spec(spec: &mut Map<String, Value>) {
    default(spec, "dnsPolicy", "ClusterFirst");
    default(spec, "restartPolicy", "Always");
    default(spec, "terminationGracePeriodSeconds", 30);
    default(spec, "schedulerName", "default-scheduler");
    default(spec, "securityContext", json!({}));
    // The old name of the field is kept equal.
    if let Some(account) = spec.get("serviceAccountName").or_else(|| spec.get("serviceAccount")).cloned() {
        spec.insert("serviceAccountName".to_owned(), account.clone());
        spec.insert("serviceAccount".to_owned(), account);
    }
    let host_network = spec.get("hostNetwork") == Some(&Value::Bool(true));
    for containers in ["initContainers", "containers", "ephemeralContainers"] {
        for container in each(spec, containers) {
            self::container(container, host_network);
        }
    }
    for volume in each(spec, "volumes") {
        if volume.len() == 1 && volume.contains_key("name") {
            volume.insert("emptyDir".to_owned(), json!({}));
        }
        for (source, field) in [
            ("configMap", "defaultMode"),
            ("secret", "defaultMode"),
            ("projected", "defaultMode"),
            ("downwardAPI", "defaultMode"),
        ] {
            if let Some(source) = volume.get_mut(source).and_then(Value::as_object_mut) {
                default(source, field, 0o644);
                for item in each(source, "items") {
                    if let Some(reference) = item.get_mut("fieldRef").and_then(Value::as_object_mut) {
                        default(reference, "apiVersion", "v1");
                    }
                }
                for inner in each(source, "sources") {
                    if let Some(token) = inner.get_mut("serviceAccountToken").and_then(Value::as_object_mut) {
                        default(token, "expirationSeconds", 3600);
                    }
                }
            }
        }
        if let Some(path) = volume.get_mut("hostPath").and_then(Value::as_object_mut) {
            default(path, "type", "");
        }
    }
}

fn container(container: &mut Map<String, Value>, host_network: bool) {
    let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
    let policy = if tag(image).is_none_or(|tag| tag == "latest") { "Always" } else { "IfNotPresent" };
    default(container, "imagePullPolicy", policy);
    default(container, "terminationMessagePath", "/dev/termination-log");
    default(container, "terminationMessagePolicy", "File");
    for port in each(container, "ports") {
        default(port, "protocol", "TCP");
        if host_network && let Some(number) = port.get("containerPort").cloned() {
            default(port, "hostPort", number);
        }
    }
    for variable in each(container, "env") {
        let reference = variable.get_mut("valueFrom").and_then(|from| from.get_mut("fieldRef")?.as_object_mut());
        if let Some(reference) = reference {
            default(reference, "apiVersion", "v1");
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(probe).and_then(Value::as_object_mut) {
            default(probe, "timeoutSeconds", 1);
            default(probe, "periodSeconds", 10);
            default(probe, "successThreshold", 1);
            default(probe, "failureThreshold", 3);
            http_get(probe);
        }
    }
    if let Some(lifecycle) = container.get_mut("lifecycle").and_then(Value::as_object_mut) {
        for hook in ["postStart", "preStop"] {
            if let Some(hook) = lifecycle.get_mut(hook).and_then(Value::as_object_mut) {
                http_get(hook);
            }
        }
    }
}

fn http_get(handler: &mut Map<String, Value>) {
    if let Some(get) = handler.get_mut("httpGet").and_then(Value::as_object_mut) {
        default(get, "path", "/");
        default(get, "scheme", "HTTP");
    }
    if let Some(grpc) = handler.get_mut("grpc").and_then(Value::as_object_mut) {
        default(grpc, "service", "");
    }
}

/// What is limited is requested as well, in a pod though not in a template.
fn pod_requests(spec: &mut Map<String, Value>) {
    for containers in ["initContainers", "containers"] {
        for container in each(spec, containers) {
            let Some(resources) = container.get_mut("resources").and_then(Value::as_object_mut) else { continue };
            let Some(limits) = resources.get("limits").and_then(Value::as_object).cloned() else { continue };
            if let Some(requests) = object(resources, "requests") {
                for (name, limit) in limits {
                    default(requests, &name, limit);
                }
            }
        }
    }
}

/// The tag of an image, `None` where it has none or a digest is all it has.
fn tag(image: &str) -> Option<&str> {
    if image.contains('@') {
        return Some("");
    }
    let name = image.rsplit('/').next().unwrap_or_default();
    name.split_once(':').map(|(_, tag)| tag)
}

fn service(value: &mut Value) {
    let Some(spec) = map_mut(value, "/spec") else { return };
    default(spec, "sessionAffinity", "None");
    default(spec, "type", "ClusterIP");
    if spec.get("sessionAffinity").is_some_and(|affinity| affinity == "ClientIP")
        && let Some(config) = object(spec, "sessionAffinityConfig")
        && let Some(client) = object(config, "clientIP")
    {
        default(client, "timeoutSeconds", 10_800);
    }
    for port in each(spec, "ports") {
        default(port, "protocol", "TCP");
        if let Some(number) = port.get("port").cloned() {
            default(port, "targetPort", number);
        }
    }
    let kind = spec.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if kind == "NodePort" || kind == "LoadBalancer" {
        default(spec, "externalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        default(spec, "allocateLoadBalancerNodePorts", true);
    }
    if kind != "ExternalName" {
        default(spec, "internalTrafficPolicy", "Cluster");
    }
}

fn namespace(value: &mut Value) {
    let name = super::json::text(value, "/metadata/name").to_owned();
    if name.is_empty() {
        return;
    }
    if let Some(metadata) = map_mut(value, "/metadata")
        && let Some(labels) = object(metadata, "labels")
    {
        labels.insert("kubernetes.io/metadata.name".to_owned(), Value::String(name));
    }
}

fn claim(value: &mut Value) {
    if let Some(spec) = map_mut(value, "/spec") {
        default(spec, "volumeMode", "Filesystem");
    }
}

fn definition(value: &mut Value) {
    let Some(spec) = map_mut(value, "/spec") else { return };
    if let Some(conversion) = object(spec, "conversion") {
        default(conversion, "strategy", "None");
    }
    if let Some(names) = object(spec, "names") {
        let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        default(names, "singular", kind.to_lowercase());
        default(names, "listKind", format!("{kind}List"));
    }
}
