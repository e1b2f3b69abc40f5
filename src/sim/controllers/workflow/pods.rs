//! The pods of a workflow: how they are named and made, and what they say of their node.

use serde_json::{Value, json};

use crate::sim::controllers::json::{list, set, text};
use crate::sim::controllers::{Context, owner_reference};

/// Annotation with the name of the node that a pod is for.
pub(super) const NODE_NAME: &str = "workflows.argoproj.io/node-name";

/// The id of a node: the workflow's name for the root, else with a hash of the node's name.
pub(super) fn node_id(workflow: &str, node: &str) -> String {
    if node == workflow { workflow.to_owned() } else { format!("{workflow}-{}", hash(node)) }
}

fn hash(text: &str) -> u32 {
    // FNV-1a, 32 bits.
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The pod of a node, from its template with all parameters filled in.
pub(super) fn new_pod(workflow: &Value, template: &Value, node: &str) -> Value {
    let name = text(workflow, "/metadata/name");
    let template_name = text(template, "/name");
    let pod_name = if node == name { name.to_owned() } else { format!("{name}-{template_name}-{}", hash(node)) };
    let mut main = template.get("container").or_else(|| template.get("script")).cloned().unwrap_or_else(|| json!({}));
    let source = text(&main, "/source").to_owned();
    set(&mut main, "/source", Value::Null);
    if !source.is_empty() {
        // The source is a file in the container; it is shown as an argument, so that rules can match it.
        let mut arguments = list(&main, "/args").to_vec();
        arguments.push(source.into());
        set(&mut main, "/args", arguments.into());
    }
    set(&mut main, "/name", "main".into());
    let executor = |name: &str, command: &[&str]| json!({"name": name, "image": "quay.io/argoproj/argoexec:v3.7.0", "command": command});
    let mut init = vec![executor("init", &["argoexec", "init"])];
    init.extend(list(template, "/initContainers").iter().cloned());
    let mut containers = vec![executor("wait", &["argoexec", "wait"]), main];
    containers.extend(list(template, "/sidecars").iter().cloned());
    let mut pod = json!({
        "metadata": {
            "name": pod_name,
            "namespace": text(workflow, "/metadata/namespace"),
            "labels": {"workflows.argoproj.io/workflow": name, "workflows.argoproj.io/completed": "false"},
            "annotations": {
                "kubectl.kubernetes.io/default-container": "main",
                "workflows.argoproj.io/node-id": node_id(name, node),
                NODE_NAME: node,
            },
            "ownerReferences": [owner_reference(workflow)],
        },
        "spec": {"restartPolicy": "Never", "initContainers": init, "containers": containers},
    });
    for (field, from) in [
        ("/spec/serviceAccountName", "/spec/serviceAccountName"),
        ("/spec/nodeSelector", "/spec/nodeSelector"),
        ("/spec/volumes", "/spec/volumes"),
        ("/spec/imagePullSecrets", "/spec/imagePullSecrets"),
    ] {
        if let Some(value) = workflow.pointer(from) {
            set(&mut pod, field, value.clone());
        }
    }
    let labels = ["/spec/podMetadata/labels", "/spec/podMetadata/annotations"];
    for (from, to) in labels.into_iter().zip(["/metadata/labels", "/metadata/annotations"]) {
        for (key, value) in workflow.pointer(from).and_then(Value::as_object).into_iter().flatten() {
            set(&mut pod, &format!("{to}/{}", key.replace('~', "~0").replace('/', "~1")), value.clone());
        }
    }
    pod
}

/// Phase and message of a node, from its pod.
pub(super) fn node_state(pod: &Value) -> (&'static str, String) {
    let statuses = list(pod, "/status/containerStatuses");
    let main = statuses.iter().find(|status| text(status, "/name") == "main");
    match text(pod, "/status/phase") {
        "Succeeded" => ("Succeeded", String::new()),
        "Failed" => {
            let ended = main.and_then(|main| main.pointer("/state/terminated"));
            let message = ended.map_or_else(
                || text(pod, "/status/message").to_owned(),
                |ended| {
                    let (reason, said) = (text(ended, "/reason"), text(ended, "/message"));
                    let code = ended.get("exitCode").and_then(Value::as_i64).unwrap_or(1);
                    let colon = if said.is_empty() { "" } else { ": " };
                    format!("main: {reason} (exit code {code}){colon}{said}")
                },
            );
            ("Failed", message)
        }
        "Running" => ("Running", String::new()),
        _ => {
            let waiting = statuses
                .iter()
                .filter_map(|status| status.pointer("/state/waiting"))
                .find(|waiting| !matches!(text(waiting, "/reason"), "" | "ContainerCreating" | "PodInitializing"));
            let unschedulable = list(pod, "/status/conditions")
                .iter()
                .find(|condition| text(condition, "/reason") == "Unschedulable")
                .map(|condition| format!("Unschedulable: {}", text(condition, "/message")));
            let message = waiting.map(|waiting| match text(waiting, "/message") {
                "" => text(waiting, "/reason").to_owned(),
                message => format!("{}: {message}", text(waiting, "/reason")),
            });
            ("Pending", message.or(unschedulable).unwrap_or_default())
        }
    }
}

/// Takes the label that says a pod is still at work.
pub(super) fn complete(
    context: &Context<'_>,
    pod: &crate::sim::store::Stored,
) -> Result<(), crate::sim::status::Status> {
    if pod.label("workflows.argoproj.io/completed") == Some("true") {
        return Ok(());
    }
    context
        .change(&crate::sim::resource::PODS, pod, crate::sim::store::Part::Whole, |pod| {
            set(pod, "/metadata/labels/workflows.argoproj.io~1completed", "true".into());
        })
        .map(drop)
}
