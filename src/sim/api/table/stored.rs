//! Columns and rows of the kinds that are only stored: no controller of the simulator looks at them.

use serde_json::{Value, json};

use super::columns::Column;
use super::reading::{list, number, text, text_or};
use super::rows::{label_selector, with_containers};

/// The columns after the name.
pub(super) fn columns(kind: &str) -> Option<Vec<Column>> {
    let of = |names: &[(&'static str, &'static str)]| names.iter().map(|(name, of)| (*name, *of, false)).collect();
    let text = |names: &[&'static str]| -> Vec<Column> { names.iter().map(|name| (*name, "string", false)).collect() };
    Some(match kind {
        "ResourceQuota" => text(&["Request", "Limit", "Age"]),
        "LimitRange" => of(&[("Created At", "date")]),
        "Endpoints" => text(&["Endpoints", "Age"]),
        "EndpointSlice" => text(&["AddressType", "Ports", "Endpoints", "Age"]),
        "HorizontalPodAutoscaler" => text(&["Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age"]),
        "PodDisruptionBudget" => of(&[
            ("Min Available", "string"),
            ("Max Unavailable", "string"),
            ("Allowed Disruptions", "integer"),
            ("Age", "string"),
        ]),
        "NetworkPolicy" => text(&["Pod-Selector", "Age"]),
        "IngressClass" => text(&["Controller", "Parameters", "Age"]),
        "PriorityClass" => of(&[
            ("Value", "integer"),
            ("Global-Default", "boolean"),
            ("Age", "string"),
            ("PreemptionPolicy", "string"),
        ]),
        "StorageClass" => text(&["Provisioner", "ReclaimPolicy", "VolumeBindingMode", "AllowVolumeExpansion", "Age"]),
        "PersistentVolume" => {
            let mut columns = text(&[
                "Capacity",
                "Access Modes",
                "Reclaim Policy",
                "Status",
                "Claim",
                "StorageClass",
                "VolumeAttributesClass",
                "Reason",
                "Age",
            ]);
            columns.push(("VolumeMode", "string", true));
            columns
        }
        "ReplicationController" => {
            let mut columns: Vec<Column> =
                of(&[("Desired", "integer"), ("Current", "integer"), ("Ready", "integer"), ("Age", "string")]);
            columns.extend(["Containers", "Images", "Selector"].map(|name| (name, "string", true)));
            columns
        }
        _ => return None,
    })
}

/// The cells after the name.
pub(super) fn cells(kind: &str, object: &Value, age: &Value) -> Option<Vec<Value>> {
    let cell = |pointer: &str, none: &str| json!(text_or(object, pointer, none));
    Some(match kind {
        "ResourceQuota" => vec![json!(quota(object, false)), json!(quota(object, true)), age.clone()],
        "LimitRange" => vec![json!(text(object, "/metadata/creationTimestamp"))],
        "Endpoints" => {
            let subsets = list(object, "/subsets").iter();
            let all = subsets.flat_map(|subset| {
                let ports = list(subset, "/ports");
                list(subset, "/addresses").iter().flat_map(move |address| {
                    ports.iter().map(move |port| format!("{}:{}", text(address, "/ip"), number(port, "/port")))
                })
            });
            vec![json!(some(all, "<none>")), age.clone()]
        }
        "EndpointSlice" => {
            let ports = list(object, "/ports").iter().map(|port| number(port, "/port").to_string());
            let addresses = list(object, "/endpoints").iter().flat_map(|endpoint| list(endpoint, "/addresses"));
            let addresses = addresses.filter_map(Value::as_str).map(str::to_owned);
            let (ports, addresses) = (some(ports, "<unset>"), some(addresses, "<unset>"));
            vec![cell("/addressType", ""), json!(ports), json!(addresses), age.clone()]
        }
        "HorizontalPodAutoscaler" => autoscaler(object, age),
        "PodDisruptionBudget" => vec![
            json!(number_or_text(object, "/spec/minAvailable").unwrap_or_else(|| "N/A".to_owned())),
            json!(number_or_text(object, "/spec/maxUnavailable").unwrap_or_else(|| "N/A".to_owned())),
            json!(number(object, "/status/disruptionsAllowed")),
            age.clone(),
        ],
        "NetworkPolicy" => vec![json!(label_selector(object.pointer("/spec/podSelector"))), age.clone()],
        "IngressClass" => {
            let parameters = match text(object, "/spec/parameters/kind") {
                "" => "<none>".to_owned(),
                kind => format!("{kind}/{}", text(object, "/spec/parameters/name")),
            };
            vec![cell("/spec/controller", ""), json!(parameters), age.clone()]
        }
        "PriorityClass" => vec![
            json!(number(object, "/value")),
            json!(object.get("globalDefault").and_then(Value::as_bool).unwrap_or(false)),
            age.clone(),
            cell("/preemptionPolicy", ""),
        ],
        "StorageClass" => vec![
            cell("/provisioner", ""),
            cell("/reclaimPolicy", "Delete"),
            cell("/volumeBindingMode", "<unset>"),
            json!(object.get("allowVolumeExpansion").and_then(Value::as_bool).unwrap_or(false)),
            age.clone(),
        ],
        "PersistentVolume" => volume(object, age),
        "ReplicationController" => {
            let mut cells: Vec<Value> = ["/spec/replicas", "/status/replicas", "/status/readyReplicas"]
                .map(|pointer| json!(number(object, pointer)))
                .to_vec();
            cells.push(age.clone());
            cells = with_containers(cells, object, "/spec/template", false);
            cells.push(json!(super::reading::labels(object, "/spec/selector")));
            cells
        }
        _ => return None,
    })
}

/// Joined with commas, or what stands for nothing.
fn some(texts: impl Iterator<Item = String>, none: &str) -> String {
    let joined = texts.collect::<Vec<_>>().join(",");
    if joined.is_empty() { none.to_owned() } else { joined }
}

fn number_or_text(object: &Value, pointer: &str) -> Option<String> {
    let value = object.pointer(pointer)?;
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// Used and hard limits, of what is limited or of what is requested.
fn quota(object: &Value, limits: bool) -> String {
    let hard = object.pointer("/status/hard").and_then(Value::as_object);
    let entries = hard.into_iter().flatten().filter(|(name, _)| name.starts_with("limits.") == limits);
    let shown = entries.map(|(name, hard)| {
        let used = object.pointer("/status/used").and_then(|used| used.get(name)).and_then(Value::as_str);
        format!("{name}: {}/{}", used.unwrap_or("0"), hard.as_str().unwrap_or_default())
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn autoscaler(object: &Value, age: &Value) -> Vec<Value> {
    let reference =
        format!("{}/{}", text(object, "/spec/scaleTargetRef/kind"), text(object, "/spec/scaleTargetRef/name"));
    let targets: Vec<String> = list(object, "/spec/metrics")
        .iter()
        .map(|metric| {
            let target = metric.pointer("/resource/target/averageUtilization").and_then(Value::as_i64);
            target.map_or_else(
                || "<unknown>".to_owned(),
                |target| format!("{}: <unknown>/{target}%", text(metric, "/resource/name")),
            )
        })
        .collect();
    vec![
        json!(reference),
        json!(if targets.is_empty() { "<none>".to_owned() } else { targets.join(", ") }),
        json!(number_or_text(object, "/spec/minReplicas").unwrap_or_else(|| "<unset>".to_owned())),
        json!(number(object, "/spec/maxReplicas").to_string()),
        json!(number(object, "/status/currentReplicas").to_string()),
        age.clone(),
    ]
}

fn volume(object: &Value, age: &Value) -> Vec<Value> {
    let claim = match text(object, "/spec/claimRef/name") {
        "" => String::new(),
        name => format!("{}/{name}", text(object, "/spec/claimRef/namespace")),
    };
    vec![
        json!(text(object, "/spec/capacity/storage")),
        json!(super::rows::access_modes(object, "/spec/accessModes")),
        json!(text(object, "/spec/persistentVolumeReclaimPolicy")),
        json!(text(object, "/status/phase")),
        json!(claim),
        json!(text(object, "/spec/storageClassName")),
        json!(text_or(object, "/spec/volumeAttributesClassName", "<unset>")),
        json!(text(object, "/status/reason")),
        age.clone(),
        json!(text(object, "/spec/volumeMode")),
    ]
}
