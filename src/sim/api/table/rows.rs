//! The rows of the other built-in kinds.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::age;
use super::reading::{condition, joined, labels, list, number, text, text_or};
use super::stored;

/// All cells but the name; `None` for a kind that shows only its age.
pub(super) fn cells(kind: &str, object: &Value, age: &Value, now: Timestamp) -> Option<Vec<Value>> {
    Some(match kind {
        "Namespace" => vec![json!(text(object, "/status/phase")), age.clone()],
        "ConfigMap" => vec![json!(entries(object, "data") + entries(object, "binaryData")), age.clone()],
        "Secret" => vec![json!(text(object, "/type")), json!(entries(object, "data")), age.clone()],
        "Service" => service(object, age),
        "Node" => node(object, age),
        "PersistentVolumeClaim" => claim(object, age),
        "Deployment" => {
            let cells = vec![
                json!(ready(object)),
                json!(number(object, "/status/updatedReplicas")),
                json!(number(object, "/status/availableReplicas")),
                age.clone(),
            ];
            with_containers(cells, object, "/spec/template", true)
        }
        "ReplicaSet" => {
            let cells = vec![
                json!(number(object, "/spec/replicas")),
                json!(number(object, "/status/replicas")),
                json!(number(object, "/status/readyReplicas")),
                age.clone(),
            ];
            with_containers(cells, object, "/spec/template", true)
        }
        "StatefulSet" => with_containers(vec![json!(ready(object)), age.clone()], object, "/spec/template", false),
        "DaemonSet" => daemon_set(object, age),
        "Job" => job(object, age, now),
        "CronJob" => cron_job(object, age, now),
        "Ingress" => ingress(object, age),
        "ControllerRevision" => vec![json!(controller(object)), json!(number(object, "/revision")), age.clone()],
        "RoleBinding" | "ClusterRoleBinding" => binding(object, age),
        "Role" | "ClusterRole" | "CustomResourceDefinition" => {
            vec![json!(text(object, "/metadata/creationTimestamp"))]
        }
        "Lease" => vec![json!(text(object, "/spec/holderIdentity")), age.clone()],
        kind => return stored::cells(kind, object, age),
    })
}

fn entries(object: &Value, field: &str) -> usize {
    object.get(field).and_then(Value::as_object).map_or(0, serde_json::Map::len)
}

fn ready(object: &Value) -> String {
    format!("{}/{}", number(object, "/status/readyReplicas"), number(object, "/spec/replicas"))
}

/// Names and images of the containers of a template, and the selector beside it.
pub(super) fn with_containers(mut cells: Vec<Value>, object: &Value, template: &str, selector: bool) -> Vec<Value> {
    let containers = format!("{template}/spec/containers");
    cells.push(json!(joined(object, &containers, "/name")));
    cells.push(json!(joined(object, &containers, "/image")));
    if selector {
        cells.push(json!(label_selector(object.pointer("/spec/selector"))));
    }
    cells
}

/// A `LabelSelector` as one text, or `<none>`.
pub(super) fn label_selector(selector: Option<&Value>) -> String {
    let Some(selector) = selector else { return "<none>".to_owned() };
    let mut terms = Vec::new();
    if selector.get("matchLabels").and_then(Value::as_object).is_some_and(|map| !map.is_empty()) {
        terms.push(labels(selector, "/matchLabels"));
    }
    for expression in list(selector, "/matchExpressions") {
        let key = text(expression, "/key");
        let values: Vec<&str> = list(expression, "/values").iter().filter_map(Value::as_str).collect();
        terms.push(match text(expression, "/operator") {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    if terms.is_empty() { "<none>".to_owned() } else { terms.join(",") }
}

fn service(object: &Value, age: &Value) -> Vec<Value> {
    let ports: Vec<String> = list(object, "/spec/ports")
        .iter()
        .map(|port| {
            let (number, node, protocol) = (number(port, "/port"), number(port, "/nodePort"), text(port, "/protocol"));
            if node > 0 { format!("{number}:{node}/{protocol}") } else { format!("{number}/{protocol}") }
        })
        .collect();
    let ports = if ports.is_empty() { "<none>".to_owned() } else { ports.join(",") };
    vec![
        json!(text(object, "/spec/type")),
        json!(text_or(object, "/spec/clusterIPs/0", "<none>")),
        json!(external_address(object)),
        json!(ports),
        age.clone(),
        json!(labels(object, "/spec/selector")),
    ]
}

fn external_address(service: &Value) -> String {
    let own: Vec<&str> = list(service, "/spec/externalIPs").iter().filter_map(Value::as_str).collect();
    let none =
        |addresses: &[&str], none: &str| if addresses.is_empty() { none.to_owned() } else { addresses.join(",") };
    match text(service, "/spec/type") {
        "ClusterIP" | "NodePort" => none(&own, "<none>"),
        "LoadBalancer" => {
            let mut addresses = load_balancer(service);
            addresses.extend(own);
            none(&addresses, "<pending>")
        }
        "ExternalName" => text(service, "/spec/externalName").to_owned(),
        _ => "<unknown>".to_owned(),
    }
}

fn load_balancer(object: &Value) -> Vec<&str> {
    list(object, "/status/loadBalancer/ingress")
        .iter()
        .map(|one| if text(one, "/ip").is_empty() { text(one, "/hostname") } else { text(one, "/ip") })
        .filter(|address| !address.is_empty())
        .collect()
}

fn node(object: &Value, age: &Value) -> Vec<Value> {
    let known = list(object, "/status/conditions").iter().any(|one| text(one, "/type") == "Ready");
    let mut status = match (known, condition(object, "Ready")) {
        (_, true) => "Ready",
        (true, false) => "NotReady",
        (false, false) => "Unknown",
    }
    .to_owned();
    if object.pointer("/spec/unschedulable").and_then(Value::as_bool).unwrap_or(false) {
        status.push_str(",SchedulingDisabled");
    }
    let roles: Vec<&str> = object
        .pointer("/metadata/labels")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/"))
        .filter(|role| !role.is_empty())
        .collect();
    let roles = if roles.is_empty() { "<none>".to_owned() } else { roles.join(",") };
    let address = |of: &str| {
        let addresses = list(object, "/status/addresses");
        addresses.iter().find(|one| text(one, "/type") == of).map_or("<none>", |one| text(one, "/address")).to_owned()
    };
    let info = |field: &str| text_or(object, &format!("/status/nodeInfo/{field}"), "<unknown>");
    let architecture = text(object, "/status/nodeInfo/architecture");
    let mut kernel = info("kernelVersion");
    if !architecture.is_empty() {
        kernel = format!("{kernel} ({architecture})");
    }
    vec![
        json!(status),
        json!(roles),
        age.clone(),
        json!(text(object, "/status/nodeInfo/kubeletVersion")),
        json!(address("InternalIP")),
        json!(address("ExternalIP")),
        json!(info("osImage")),
        json!(kernel),
        json!(info("containerRuntimeVersion")),
    ]
}

/// `ReadWriteOnce` as `RWO`.
pub(super) fn access_modes(object: &Value, pointer: &str) -> String {
    let modes = list(object, pointer).iter().filter_map(Value::as_str).map(|mode| match mode {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        other => other,
    });
    modes.collect::<Vec<_>>().join(",")
}

fn claim(object: &Value, age: &Value) -> Vec<Value> {
    let deleting = !text(object, "/metadata/deletionTimestamp").is_empty();
    let status = if deleting { "Terminating" } else { text(object, "/status/phase") };
    let bound = !text(object, "/spec/volumeName").is_empty();
    let capacity = if bound { text(object, "/status/capacity/storage") } else { "" };
    let modes = if bound { access_modes(object, "/status/accessModes") } else { String::new() };
    vec![
        json!(status),
        json!(text(object, "/spec/volumeName")),
        json!(capacity),
        json!(modes),
        json!(text(object, "/spec/storageClassName")),
        json!(text_or(object, "/spec/volumeAttributesClassName", "<unset>")),
        age.clone(),
        json!(text_or(object, "/spec/volumeMode", "<unset>")),
    ]
}

fn daemon_set(object: &Value, age: &Value) -> Vec<Value> {
    let mut cells: Vec<Value> = [
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    ]
    .iter()
    .map(|field| json!(number(object, &format!("/status/{field}"))))
    .collect();
    cells.push(json!(labels(object, "/spec/template/spec/nodeSelector")));
    cells.push(age.clone());
    with_containers(cells, object, "/spec/template", true)
}

fn job(object: &Value, age: &Value, now: Timestamp) -> Vec<Value> {
    let succeeded = number(object, "/status/succeeded");
    let completions = match object.pointer("/spec/completions").and_then(Value::as_i64) {
        Some(completions) => format!("{succeeded}/{completions}"),
        None => match number(object, "/spec/parallelism") {
            parallelism if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
            _ => format!("{succeeded}/1"),
        },
    };
    let deleting = !text(object, "/metadata/deletionTimestamp").is_empty();
    let status = if condition(object, "Complete") {
        "Complete"
    } else if condition(object, "Failed") {
        "Failed"
    } else if deleting {
        "Terminating"
    } else if condition(object, "Suspended") {
        "Suspended"
    } else if condition(object, "FailureTarget") {
        "FailureTarget"
    } else if condition(object, "SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    };
    let time = |pointer: &str| text(object, pointer).parse::<Timestamp>().ok();
    let duration = time("/status/startTime")
        .map(|start| age::between(start, time("/status/completionTime").unwrap_or(now)))
        .unwrap_or_default();
    let cells = vec![json!(status), json!(completions), json!(duration), age.clone()];
    with_containers(cells, object, "/spec/template", true)
}

fn cron_job(object: &Value, age: &Value, now: Timestamp) -> Vec<Value> {
    let last = match text(object, "/status/lastScheduleTime") {
        "" => "<none>".to_owned(),
        time => age::since(time, now),
    };
    let suspended = object.pointer("/spec/suspend").and_then(Value::as_bool);
    let cells = vec![
        json!(text(object, "/spec/schedule")),
        json!(text_or(object, "/spec/timeZone", "<none>")),
        json!(suspended.map_or("<unset>".to_owned(), |suspended| if suspended { "True" } else { "False" }.to_owned())),
        json!(list(object, "/status/active").len()),
        json!(last),
        age.clone(),
    ];
    let mut cells = with_containers(cells, object, "/spec/jobTemplate/spec/template", false);
    cells.push(json!(label_selector(object.pointer("/spec/jobTemplate/spec/selector"))));
    cells
}

fn ingress(object: &Value, age: &Value) -> Vec<Value> {
    let rules = list(object, "/spec/rules");
    let mut hosts: Vec<&str> = rules.iter().map(|rule| text(rule, "/host")).filter(|host| !host.is_empty()).collect();
    let more = rules.len() > 3;
    hosts.truncate(3);
    let mut shown = if hosts.is_empty() { "*".to_owned() } else { hosts.join(",") };
    if more && !hosts.is_empty() {
        shown = format!("{shown} + {} more...", rules.len() - 3);
    }
    let ports = if list(object, "/spec/tls").is_empty() { "80" } else { "80, 443" };
    vec![
        json!(text_or(object, "/spec/ingressClassName", "<none>")),
        json!(shown),
        json!(load_balancer(object).join(",")),
        json!(ports),
        age.clone(),
    ]
}

fn controller(object: &Value) -> String {
    let owners = list(object, "/metadata/ownerReferences");
    let owner = owners.iter().find(|owner| owner.get("controller").and_then(Value::as_bool).unwrap_or(false));
    owner.map_or_else(
        || "<none>".to_owned(),
        |owner| {
            let kind = text(owner, "/kind").to_lowercase();
            let group = text(owner, "/apiVersion").split_once('/').map_or("", |(group, _)| group);
            let separator = if group.is_empty() { "" } else { "." };
            format!("{kind}{separator}{group}/{}", text(owner, "/name"))
        },
    )
}

fn binding(object: &Value, age: &Value) -> Vec<Value> {
    let subjects = |kind: &str| {
        let of_kind = list(object, "/subjects").iter().filter(|one| text(one, "/kind") == kind);
        of_kind
            .map(|one| match text(one, "/namespace") {
                "" => text(one, "/name").to_owned(),
                namespace => format!("{namespace}/{}", text(one, "/name")),
            })
            .collect::<Vec<_>>()
            .join(", ")
    };
    vec![
        json!(format!("{}/{}", text(object, "/roleRef/kind"), text(object, "/roleRef/name"))),
        age.clone(),
        json!(subjects("User")),
        json!(subjects("Group")),
        json!(subjects("ServiceAccount")),
    ]
}

/// All cells of an event, its name too.
pub(super) fn event(object: &Value, now: Timestamp) -> Vec<Value> {
    let at = |pointer: &str| text(object, pointer);
    let first = if at("/firstTimestamp").is_empty() { at("/eventTime") } else { at("/firstTimestamp") };
    let last = [at("/series/lastObservedTime"), at("/lastTimestamp"), first];
    let last = last.into_iter().find(|time| !time.is_empty()).unwrap_or_default();
    let count = match (number(object, "/series/count"), number(object, "/count")) {
        (0, 0) => 1,
        (0, count) | (count, _) => count,
    };
    let kind = at("/involvedObject/kind").to_lowercase();
    let name = at("/involvedObject/name");
    let target = if name.is_empty() { kind } else { format!("{kind}/{name}") };
    let either = |one: &str, other: &str| text_or(object, one, at(other));
    let (component, host) =
        (either("/source/component", "/reportingComponent"), either("/source/host", "/reportingInstance"));
    let source = if host.is_empty() { component } else { format!("{component}, {host}") };
    vec![
        json!(age::since(last, now)),
        json!(at("/type")),
        json!(at("/reason")),
        json!(target),
        json!(at("/involvedObject/fieldPath")),
        json!(source),
        json!(at("/message").trim()),
        json!(age::since(first, now)),
        json!(count),
        json!(at("/metadata/name")),
    ]
}
