//! Workflows: DAGs, steps, suspension, parameters, failures.

use boathook::sim::logs::LogOptions;
use boathook::sim::resource::WORKFLOWS;
use serde_json::{Value, json};

use super::cluster::{Cluster, seconds, text};

fn echo() -> Value {
    json!({"name": "echo", "inputs": {"parameters": [{"name": "message"}]},
        "container": {"image": "busybox", "command": ["echo", "{{inputs.parameters.message}}"]}})
}

fn task(name: &str, dependencies: &[&str]) -> Value {
    json!({"name": name, "template": "echo", "dependencies": dependencies,
        "arguments": {"parameters": [{"name": "message", "value": format!("{{{{workflow.name}}}}-{name}")}]}})
}

fn workflow(cluster: &Cluster, main: &Value) {
    let mut entry = json!({"name": "main"});
    entry.as_object_mut().unwrap().extend(main.as_object().cloned().unwrap());
    cluster.create(
        &WORKFLOWS,
        json!({"metadata": {"name": "wf", "namespace": "default"},
            "spec": {"entrypoint": "main", "templates": [entry, echo()]}}),
    );
}

fn node<'a>(workflow: &'a Value, display: &str) -> &'a Value {
    let nodes = workflow.pointer("/status/nodes").and_then(Value::as_object).unwrap();
    nodes.values().find(|node| text(node, "/displayName") == display).unwrap_or(&Value::Null)
}

#[test]
fn controllers_workflow_runs_its_dag_in_order() {
    let mut cluster = Cluster::new("  pods: [{match: {container: main}, run: 2s}]");
    workflow(
        &cluster,
        &json!({"dag": {"tasks": [task("a", &[]), task("b", &["a"]), task("c", &["a"]), task("d", &["b", "c"])]}}),
    );
    cluster.run(seconds(1.0));
    let now = cluster.get(&WORKFLOWS, "wf");
    assert_eq!((text(&now, "/status/phase"), text(&now, "/status/progress")), ("Running", "0/1"));
    assert!(node(&now, "b").is_null());
    cluster.run(seconds(30.0));
    let now = cluster.get(&WORKFLOWS, "wf");
    assert_eq!((text(&now, "/status/phase"), text(&now, "/status/progress")), ("Succeeded", "4/4"));
    assert_eq!(now["metadata"]["labels"]["workflows.argoproj.io/completed"], "true");
    assert_eq!(node(&now, "wf")["children"], json!([node(&now, "a")["id"]]));
    assert_eq!(node(&now, "a")["children"], json!([node(&now, "b")["id"], node(&now, "c")["id"]]));
    let pods = cluster.pods();
    assert_eq!(pods.len(), 4);
    let first = pods.iter().find(|pod| text(pod, "/metadata/annotations/workflows.argoproj.io~1node-name") == "wf.a");
    let first = first.unwrap();
    assert_eq!(first["metadata"]["labels"]["workflows.argoproj.io/workflow"], "wf");
    assert_eq!(first["metadata"]["labels"]["workflows.argoproj.io/completed"], "true");
    assert_eq!(text(first, "/spec/containers/1/command/1"), "wf-a");
    let main = LogOptions { container: Some("main".to_owned()), ..LogOptions::default() };
    assert_eq!(cluster.log(text(first, "/metadata/name"), &main), "");
}

#[test]
fn controllers_workflow_that_fails_omits_what_depends_on_it() {
    let mut cluster =
        Cluster::new("  pods: [{match: {container: main, command: echo wf-a}, exitCode: 2, message: no}]");
    workflow(&cluster, &json!({"dag": {"tasks": [task("a", &[]), task("b", &["a"])]}}));
    cluster.run(seconds(30.0));
    let now = cluster.get(&WORKFLOWS, "wf");
    assert_eq!(text(&now, "/status/phase"), "Failed");
    assert_eq!(text(node(&now, "a"), "/message"), "main: Error (exit code 2): no");
    assert!(matches!(text(node(&now, "b"), "/phase"), "" | "Omitted"));
    assert_eq!(cluster.pods().len(), 1);
}

#[test]
fn controllers_workflow_takes_its_steps_and_skips_and_waits() {
    let mut cluster = Cluster::new("  pods: [{match: {container: main}, run: 1s}]");
    let step = |name: &str, when: &str| {
        let mut step = task(name, &[]);
        step.as_object_mut().unwrap().remove("dependencies");
        step["when"] = when.into();
        step
    };
    let steps = json!([[step("one", ""), step("never", "a == b")], [{"name": "pause", "template": "pause"}], [step("two", "")]]);
    cluster.create(
        &WORKFLOWS,
        json!({"metadata": {"name": "wf", "namespace": "default"}, "spec": {"entrypoint": "main", "templates": [
            {"name": "main", "steps": steps}, {"name": "pause", "suspend": {"duration": "10"}}, echo()]}}),
    );
    cluster.run(seconds(6.0));
    let now = cluster.get(&WORKFLOWS, "wf");
    assert_eq!(text(node(&now, "never"), "/phase"), "Skipped");
    assert_eq!((text(node(&now, "pause"), "/type"), text(node(&now, "pause"), "/phase")), ("Suspend", "Running"));
    assert!(node(&now, "two").is_null());
    cluster.run(seconds(20.0));
    let now = cluster.get(&WORKFLOWS, "wf");
    assert_eq!((text(&now, "/status/phase"), text(&now, "/status/progress")), ("Succeeded", "2/2"));
}

#[test]
fn controllers_workflow_with_an_unknown_template_ends_in_error() {
    let mut cluster = Cluster::new("  pods: []");
    workflow(&cluster, &json!({"dag": {"tasks": [{"name": "a", "template": "nowhere"}]}}));
    cluster.run(seconds(5.0));
    let now = cluster.get(&WORKFLOWS, "wf");
    assert_eq!(text(&now, "/status/phase"), "Failed");
    assert_eq!(text(node(&now, "a"), "/message"), "template name 'nowhere' undefined");
}
