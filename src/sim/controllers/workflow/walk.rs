//! Walks through a workflow's templates and brings its nodes up to date: pure but for the pods it asks for.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::parameters::{Scope, fill, fill_text, holds, inputs};
use super::pods::{new_pod, node_id, node_state};
use crate::sim::controllers::json::{list, seconds, set, text, time};

/// Templates may call templates so deep.
const DEPTH: usize = 32;

/// So many nodes has a workflow at most.
const NODES: usize = 5_000;

/// One walk.
pub(super) struct Walk<'a> {
    /// The workflow.
    pub(super) workflow: &'a Value,
    /// Its pods by the names of their nodes.
    pub(super) pods: &'a BTreeMap<String, Value>,
    /// `status.nodes`, as they were and then as they are.
    pub(super) nodes: Map<String, Value>,
    /// Pods to make.
    pub(super) create: Vec<Value>,
    /// When something has to be looked at again.
    pub(super) again: Option<Timestamp>,
    /// The wall clock.
    pub(super) now: Timestamp,
    /// How much faster than written durations pass.
    pub(super) speed: f64,
}

/// A call of a template.
struct Call<'c> {
    /// Name of the template.
    template: &'c str,
    /// Name of the node.
    node: String,
    /// What it is called on the screen.
    display: &'c str,
    /// The node whose template calls it.
    boundary: Option<&'c str>,
    /// Arguments.
    arguments: &'c Value,
}

fn is_over(phase: &str) -> bool {
    matches!(phase, "Succeeded" | "Failed" | "Error" | "Skipped" | "Omitted")
}

fn is_good(phase: &str) -> bool {
    matches!(phase, "Succeeded" | "Skipped" | "Omitted")
}

impl Walk<'_> {
    /// Walks from the entrypoint, and answers the phase of the whole with its message.
    pub(super) fn root(&mut self, scope: &Scope) -> (String, String) {
        let workflow = self.workflow;
        let name = text(workflow, "/metadata/name");
        let arguments = workflow.pointer("/spec/arguments").cloned().unwrap_or_default();
        let call = Call {
            template: text(workflow, "/spec/entrypoint"),
            node: name.to_owned(),
            display: name,
            boundary: None,
            arguments: &arguments,
        };
        let phase = self.call(&call, scope, 0);
        let message = self.nodes.get(name).map(|node| text(node, "/message").to_owned()).unwrap_or_default();
        (if phase == "Pending" { "Running".to_owned() } else { phase }, message)
    }

    fn id(&self, node: &str) -> String {
        node_id(text(self.workflow, "/metadata/name"), node)
    }

    fn phase(&self, node: &str) -> String {
        self.nodes.get(&self.id(node)).map(|node| text(node, "/phase").to_owned()).unwrap_or_default()
    }

    /// Brings one node up to date and answers its phase.
    fn call(&mut self, call: &Call<'_>, scope: &Scope, depth: usize) -> String {
        let before = self.phase(&call.node);
        if is_over(&before) {
            return before;
        }
        let templates = list(self.workflow, "/spec/templates");
        let Some(template) = templates.iter().find(|template| text(template, "/name") == call.template) else {
            return self.put(call, "Pod", "Error", &format!("template name '{}' undefined", call.template), &[]);
        };
        if depth > DEPTH || self.nodes.len() > NODES {
            return self.put(call, "Pod", "Error", "the workflow is too large", &[]);
        }
        let inputs = inputs(template, call.arguments, scope);
        let mut scope: Scope = scope
            .iter()
            .filter(|(name, _)| name.starts_with("workflow."))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        scope.extend(inputs.iter().map(|(name, value)| (format!("inputs.parameters.{name}"), value.clone())));
        if template.get("dag").is_some() {
            self.dag(call, template, &inputs, &scope, depth)
        } else if template.get("steps").is_some() {
            self.steps(call, template, &inputs, &scope, depth)
        } else if template.get("suspend").is_some() {
            self.suspend(call, &fill(template, &scope), &inputs)
        } else if template.get("container").is_some() || template.get("script").is_some() {
            self.pod(call, &fill(template, &scope), &inputs)
        } else {
            self.put(call, "Pod", "Error", "the simulator does not know this kind of template", &inputs)
        }
    }

    fn pod(&mut self, call: &Call<'_>, template: &Value, inputs: &[(String, String)]) -> String {
        if let Some(pod) = self.pods.get(&call.node) {
            let (phase, message) = node_state(pod);
            return self.put(call, "Pod", phase, &message, inputs);
        }
        if !self.phase(&call.node).is_empty() {
            return self.put(call, "Pod", "Error", "pod deleted", inputs);
        }
        self.create.push(new_pod(self.workflow, template, &call.node));
        self.put(call, "Pod", "Pending", "", inputs)
    }

    fn suspend(&mut self, call: &Call<'_>, template: &Value, inputs: &[(String, String)]) -> String {
        let phase = self.put(call, "Suspend", "Running", "", inputs);
        let duration = match template.pointer("/suspend/duration") {
            Some(Value::String(text)) => {
                text.parse().ok().map(SignedDuration::from_secs).or_else(|| text.parse::<SignedDuration>().ok())
            }
            Some(Value::Number(number)) => number.as_i64().map(SignedDuration::from_secs),
            _ => None,
        };
        let started = self.nodes.get(&self.id(&call.node)).and_then(|node| time(node, "/startedAt"));
        let (Some(duration), Some(started)) = (duration, started) else { return phase };
        let scaled = crate::sim::controllers::scale(duration.unsigned_abs(), self.speed);
        let over = started.checked_add(SignedDuration::try_from(scaled).unwrap_or(SignedDuration::MAX));
        match over {
            Ok(over) if over <= self.now => self.put(call, "Suspend", "Succeeded", "", inputs),
            Ok(over) => {
                self.again = [self.again, Some(over)].into_iter().flatten().min();
                phase
            }
            Err(_) => phase,
        }
    }

    fn dag(
        &mut self,
        call: &Call<'_>,
        template: &Value,
        inputs: &[(String, String)],
        scope: &Scope,
        depth: usize,
    ) -> String {
        self.put(call, "DAG", "Running", "", inputs);
        let tasks = list(template, "/dag/tasks");
        let fail_fast = template.pointer("/dag/failFast").and_then(Value::as_bool).unwrap_or(true);
        let boundary = self.id(&call.node);
        let node = |task: &str| format!("{}.{task}", call.node);
        let mut failed = tasks.iter().any(|task| {
            let phase = self.phase(&node(text(task, "/name")));
            is_over(&phase) && !is_good(&phase)
        });
        for task in tasks {
            let name = text(task, "/name");
            let needs = needs(task);
            let known = !self.phase(&node(name)).is_empty();
            let phases: Vec<String> = needs.iter().map(|need| self.phase(&node(need))).collect();
            if !known && (!phases.iter().all(|phase| is_over(phase)) || (failed && fail_fast)) {
                continue;
            }
            let omitted = !phases.iter().all(|phase| is_good(phase));
            let phase = self.child(task, &node(name), &boundary, omitted, scope, depth + 1);
            failed |= is_over(&phase) && !is_good(&phase);
            if needs.is_empty() {
                self.adopt(&call.node, &node(name));
            }
            for need in &needs {
                self.adopt(&node(need), &node(name));
            }
        }
        let phases: Vec<String> = tasks.iter().map(|task| self.phase(&node(text(task, "/name")))).collect();
        let running = phases.iter().any(|phase| !phase.is_empty() && !is_over(phase));
        let waiting = phases.iter().any(String::is_empty);
        let phase = match (running, failed) {
            (true, _) => "Running",
            (false, true) => "Failed",
            (false, false) if waiting => "Running",
            (false, false) => "Succeeded",
        };
        self.put(call, "DAG", phase, "", inputs)
    }

    fn steps(
        &mut self,
        call: &Call<'_>,
        template: &Value,
        inputs: &[(String, String)],
        scope: &Scope,
        depth: usize,
    ) -> String {
        self.put(call, "Steps", "Running", "", inputs);
        let boundary = self.id(&call.node);
        let mut parents = vec![call.node.clone()];
        for (number, group) in list(template, "/steps").iter().enumerate() {
            let display = format!("[{number}]");
            let none = Value::Null;
            let group_call = Call {
                template: "",
                node: format!("{}{display}", call.node),
                display: &display,
                boundary: Some(&boundary),
                arguments: &none,
            };
            self.put(&group_call, "StepGroup", "Running", "", &[]);
            for parent in std::mem::take(&mut parents) {
                self.adopt(&parent, &group_call.node);
            }
            let mut phases = Vec::new();
            for step in group.as_array().map_or(&[][..], Vec::as_slice) {
                let node = format!("{}.{}", group_call.node, text(step, "/name"));
                phases.push(self.child(step, &node, &boundary, false, scope, depth + 1));
                self.adopt(&group_call.node, &node);
                parents.push(node);
            }
            if !phases.iter().all(|phase| is_over(phase)) {
                return self.put(call, "Steps", "Running", "", inputs);
            }
            if !phases.iter().all(|phase| is_good(phase)) {
                let message = "child step failed";
                self.put(&group_call, "StepGroup", "Failed", message, &[]);
                return self.put(call, "Steps", "Failed", message, inputs);
            }
            self.put(&group_call, "StepGroup", "Succeeded", "", &[]);
            if parents.is_empty() {
                parents.push(group_call.node);
            }
        }
        self.put(call, "Steps", "Succeeded", "", inputs)
    }

    /// Brings the node of a task or a step up to date, unless it is left out, and answers its phase. `omitted` is for
    /// those whose turn will not come.
    fn child(
        &mut self,
        entry: &Value,
        node: &str,
        boundary: &str,
        omitted: bool,
        scope: &Scope,
        depth: usize,
    ) -> String {
        let arguments = entry.get("arguments").cloned().unwrap_or_default();
        let call = Call {
            template: text(entry, "/template"),
            node: node.to_owned(),
            display: text(entry, "/name"),
            boundary: Some(boundary),
            arguments: &arguments,
        };
        let known = !self.phase(node).is_empty();
        if !known && omitted {
            self.put(&call, "Skipped", "Omitted", "omitted: depends condition not met", &[])
        } else if !known && !wanted(entry, scope) {
            let message = format!("when '{}' evaluated false", fill_text(text(entry, "/when"), scope));
            self.put(&call, "Skipped", "Skipped", &message, &[])
        } else {
            self.call(&call, scope, depth)
        }
    }

    /// Writes a node; its times stay.
    fn put(&mut self, call: &Call<'_>, kind: &str, phase: &str, message: &str, inputs: &[(String, String)]) -> String {
        let id = self.id(&call.node);
        let now = seconds(self.now);
        let scope = format!("local/{}", text(self.workflow, "/metadata/name"));
        let node = self.nodes.entry(id.clone()).or_insert_with(|| {
            json!({"id": id, "name": call.node, "displayName": call.display, "type": kind, "startedAt": now,
                "templateScope": scope})
        });
        set(node, "/phase", phase.into());
        set(node, "/type", kind.into());
        set(node, "/message", if message.is_empty() { Value::Null } else { message.into() });
        if !call.template.is_empty() {
            set(node, "/templateName", call.template.into());
        }
        if let Some(boundary) = call.boundary {
            set(node, "/boundaryID", boundary.into());
        }
        if !inputs.is_empty() {
            let parameters: Vec<Value> =
                inputs.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
            set(node, "/inputs", json!({"parameters": parameters}));
        }
        let over = is_over(phase);
        if over && text(node, "/finishedAt").is_empty() {
            set(node, "/finishedAt", now.into());
        }
        if kind == "Pod" {
            set(node, "/progress", if over { "1/1" } else { "0/1" }.into());
        }
        phase.to_owned()
    }

    fn adopt(&mut self, parent: &str, child: &str) {
        let (parent, child) = (self.id(parent), Value::from(self.id(child)));
        if let Some(node) = self.nodes.get_mut(&parent) {
            let mut children = list(node, "/children").to_vec();
            if !children.contains(&child) {
                children.push(child);
                set(node, "/children", children.into());
            }
        }
    }
}

/// The tasks that a task waits for: `dependencies`, or the names in `depends`, of which all have to succeed.
fn needs(task: &Value) -> Vec<String> {
    let listed = list(task, "/dependencies").iter().filter_map(|need| need.as_str().map(str::to_owned));
    let expression = text(task, "/depends")
        .split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.')))
        .filter(|word| !word.is_empty())
        .map(|word| word.split('.').next().unwrap_or(word).to_owned());
    listed.chain(expression).collect()
}

fn wanted(task: &Value, scope: &Scope) -> bool {
    let when = text(task, "/when");
    when.is_empty() || holds(&fill_text(when, scope))
}
