//! One look at a workflow.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::parameters::of_workflow;
use super::pods::{NODE_NAME, complete};
use super::walk::Walk;
use crate::sim::controllers::json::{controller_of, seconds, set, text, truth};
use crate::sim::controllers::{Change, Context, Controller, ControllerName, Key, Owners, Wake};
use crate::sim::resource::{PODS, WORKFLOWS};
use crate::sim::status::Status;
use crate::sim::store::{EventKind, Part, Stored};

/// See the module.
#[derive(Debug, Default)]
pub(in crate::sim::controllers) struct WorkflowController;

impl Controller for WorkflowController {
    fn name(&self) -> ControllerName {
        ControllerName::Workflow
    }

    fn manager(&self) -> &'static str {
        "workflow-controller"
    }

    fn observe(&mut self, change: &Change, owners: &Owners, wake: &mut Wake<'_>) {
        if change.id == WORKFLOWS && change.kind != EventKind::Deleted {
            wake.now(change.object.namespace(), change.object.name());
        } else if change.id == PODS
            && let Some(owner) = controller_of(&change.object.value())
            && let Some(place) = owners.find(text(owner, "/uid"))
            && place.id == WORKFLOWS
        {
            wake.now(&place.namespace, &place.name);
        }
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Status> {
        let Some(stored) = context.store.get(&WORKFLOWS, &key.namespace, &key.name) else { return Ok(()) };
        let workflow = stored.value();
        let over = matches!(text(&workflow, "/status/phase"), "Succeeded" | "Failed" | "Error");
        if over || stored.is_deleting() || truth(&workflow, "/spec/suspend") {
            return Ok(());
        }
        let owned = context.owners.owned(context.store, stored.uid(), &PODS);
        let name = |pod: &Value| {
            let annotations = pod.pointer("/metadata/annotations").and_then(Value::as_object);
            annotations.and_then(|map| map.get(NODE_NAME)?.as_str()).unwrap_or_default().to_owned()
        };
        let pods: BTreeMap<String, Value> =
            owned.iter().map(|pod| (*pod.value()).clone()).map(|pod| (name(&pod), pod)).collect();
        let nodes = workflow.pointer("/status/nodes").and_then(Value::as_object).cloned().unwrap_or_default();
        let mut walk = Walk {
            workflow: &workflow,
            pods: &pods,
            nodes,
            create: Vec::new(),
            again: None,
            now: context.now,
            speed: context.speed,
        };
        let (phase, message) = walk.root(&of_workflow(&workflow));
        let Walk { nodes, create, again, .. } = walk;
        if let Some(at) = again {
            context.again_at(key, at);
        }
        for pod in create {
            match context.create(&PODS, pod) {
                // The pod is there, and the status that names it was lost: it is read in the next look.
                Err(error) if error.code == 409 => {}
                other => drop(other?),
            }
        }
        for pod in &owned {
            if matches!(text(&pod.value(), "/status/phase"), "Succeeded" | "Failed") {
                complete(context, pod)?;
            }
        }
        write(context, &stored, &workflow, nodes, &phase, &message)
    }
}

fn write(
    context: &mut Context<'_>,
    stored: &Stored,
    workflow: &Value,
    nodes: Map<String, Value>,
    phase: &str,
    message: &str,
) -> Result<(), Status> {
    let of_pods = || nodes.values().filter(|node| text(node, "/type") == "Pod");
    let done = of_pods().filter(|node| text(node, "/progress") == "1/1").count();
    let progress = format!("{done}/{}", of_pods().count());
    let now = seconds(context.now);
    let mut status = workflow.get("status").filter(|status| status.is_object()).cloned().unwrap_or_else(|| json!({}));
    let first = text(&status, "/phase").is_empty();
    let over = matches!(phase, "Succeeded" | "Failed" | "Error");
    if text(&status, "/startedAt").is_empty() {
        set(&mut status, "/startedAt", now.clone().into());
    }
    let running = nodes.values().any(|node| text(node, "/type") == "Pod" && text(node, "/phase") == "Running");
    set(&mut status, "/nodes", nodes.into());
    set(&mut status, "/phase", phase.into());
    set(&mut status, "/progress", progress.into());
    set(&mut status, "/message", if message.is_empty() { Value::Null } else { message.into() });
    let mut conditions = vec![json!({"type": "PodRunning", "status": if running { "True" } else { "False" }})];
    if over {
        set(&mut status, "/finishedAt", now.into());
        conditions.push(json!({"type": "Completed", "status": "True"}));
    }
    set(&mut status, "/conditions", conditions.into());
    context.change(&WORKFLOWS, stored, Part::Whole, |workflow| {
        set(workflow, "/status", status.clone());
        set(workflow, "/metadata/labels/workflows.argoproj.io~1phase", phase.into());
        if over {
            set(workflow, "/metadata/labels/workflows.argoproj.io~1completed", "true".into());
        }
    })?;
    if first {
        context.tell(workflow, "WorkflowRunning", "Workflow Running");
    }
    match phase {
        "Succeeded" => context.tell(workflow, "WorkflowSucceeded", "Workflow completed"),
        "Failed" | "Error" => {
            context.warn(workflow, "WorkflowFailed", if message.is_empty() { "Workflow failed" } else { message });
        }
        _ => {}
    }
    Ok(())
}
