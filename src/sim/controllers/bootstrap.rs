//! What a cluster has from the start: namespaces, nodes, and what the scenario puts there.

use serde_json::{Value, json};

use super::json::{seconds, set};
use crate::domain::scenario::{NodeSpec, World};
use crate::sim::resource::{NAMESPACES, NODES};
use crate::sim::status::Status;
use crate::sim::store::{Part, Store, WriteOptions};

/// The namespaces of every cluster.
const NAMESPACES_OF_ALL: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// Makes the namespaces and nodes of a world, and its objects; what is there already stays as it is.
///
/// # Errors
/// Where an object of the scenario is refused as an API server would refuse it, or its kind is not known.
pub fn found_cluster(store: &Store, world: &World) -> Result<(), Status> {
    let options = WriteOptions::by("boathook");
    for name in NAMESPACES_OF_ALL.into_iter().chain(world.namespaces.iter().map(String::as_str)) {
        if store.get(&NAMESPACES, "", name).is_none() {
            let namespace = json!({
                "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
                "spec": {"finalizers": ["kubernetes"]},
            });
            store.create(&NAMESPACES, namespace, &options)?;
            store.update(&NAMESPACES, "", name, &options.clone().part(Part::Status), |namespace| {
                let mut namespace = namespace.clone();
                set(&mut namespace, "/status/phase", "Active".into());
                Ok(namespace)
            })?;
        }
    }
    let only = [NodeSpec { name: "node-1".to_owned(), labels: Vec::new() }];
    let nodes = if world.nodes.is_empty() { &only[..] } else { &world.nodes };
    for spec in nodes {
        if store.get(&NODES, "", &spec.name).is_none() {
            found_node(store, spec, &options)?;
        }
    }
    for object in &world.objects {
        let resources = store.resources();
        let resource = resources.of_kind(object.group(), object.kind()).ok_or_else(|| {
            Status::bad_request(format!("no kind {} in API group {:?} is served", object.kind(), object.group()))
        })?;
        let id = resource.id();
        let mut value = Value::Object(object.as_json().clone());
        if resource.namespaced && object.namespace().is_empty() {
            set(&mut value, "/metadata/namespace", "default".into());
        }
        let status = value.get("status").cloned();
        let stored = store.create(&id, value, &options)?;
        if let Some(status) = status.filter(|_| resource.status) {
            let part = options.clone().part(Part::Status);
            store.update(&id, stored.namespace(), stored.name(), &part, |current| {
                let mut current = current.clone();
                set(&mut current, "/status", status.clone());
                Ok(current)
            })?;
        }
    }
    Ok(())
}

fn found_node(store: &Store, spec: &NodeSpec, options: &WriteOptions) -> Result<(), Status> {
    let now = seconds(store.clock().now());
    let mut node = json!({
        "metadata": {
            "name": spec.name,
            "labels": {"kubernetes.io/hostname": spec.name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"},
        },
        "spec": {},
    });
    for (key, value) in &spec.labels {
        let pointer = format!("/metadata/labels/{}", key.replace('~', "~0").replace('/', "~1"));
        set(&mut node, &pointer, value.as_str().into());
    }
    store.create(&NODES, node, options)?;
    let capacity = json!({"cpu": "8", "memory": "32Gi", "pods": "110", "ephemeral-storage": "100Gi"});
    let ready = json!({
        "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status",
        "lastHeartbeatTime": now, "lastTransitionTime": now,
    });
    let status = json!({
        "capacity": capacity,
        "allocatable": capacity,
        "conditions": [ready],
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": spec.name}],
        "nodeInfo": {
            "architecture": "amd64", "bootID": "", "containerRuntimeVersion": "boathook://1", "kernelVersion": "",
            "kubeProxyVersion": "", "kubeletVersion": "v1.36.1", "machineID": "", "operatingSystem": "linux",
            "osImage": "boathook", "systemUUID": "",
        },
    });
    store.update(&NODES, "", &spec.name, &options.clone().part(Part::Status), |node| {
        let mut node = node.clone();
        set(&mut node, "/status", status.clone());
        Ok(node)
    })?;
    Ok(())
}
