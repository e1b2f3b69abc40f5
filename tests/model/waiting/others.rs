//! Workloads, volumes, addresses, Workflows, and what other kinds say about themselves.

use boathook::domain::manifest::Object;
use serde_json::{Value, json};

use super::given::{event, main, object, pod, shown, why, why_with};

fn made(api_version: &str, kind: &str, spec: &Value, status: &Value) -> Object {
    object(json!({"apiVersion": api_version, "kind": kind, "spec": spec, "status": status,
        "metadata": {"name": "web", "namespace": "shop", "uid": "uid-web", "generation": 2,
            "creationTimestamp": "2026-11-22T10:00:00Z"}}))
}

#[test]
fn waiting_workloads_count_their_replicas() {
    let three = json!({"replicas": 3});
    let seen = |rest: Value| {
        let mut status = json!({"observedGeneration": 2});
        for (field, value) in rest.as_object().unwrap() {
            status[field] = value.clone();
        }
        status
    };
    let late = json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
        "message": "ReplicaSet \"web-1\" has timed out progressing."}]);
    let table: &[(&str, Value, Value, &[&str])] = &[
        (
            "Deployment",
            three.clone(),
            seen(json!({"replicas": 3, "updatedReplicas": 3, "availableReplicas": 1})),
            &["Replicas: 1 of 3 replicas available"],
        ),
        (
            "Deployment",
            three.clone(),
            seen(json!({"replicas": 4, "updatedReplicas": 1, "availableReplicas": 3})),
            &["Replicas: 3 of 3 replicas available, 1 updated, 3 old ones still there"],
        ),
        ("Deployment", three.clone(), seen(json!({"replicas": 3, "updatedReplicas": 3, "availableReplicas": 3})), &[]),
        (
            "Deployment",
            three.clone(),
            json!({}),
            &["NotStarted: its controller has not looked at the latest change yet"],
        ),
        (
            "Deployment",
            json!({"replicas": 3, "progressDeadlineSeconds": 600}),
            seen(json!({"replicas": 3, "updatedReplicas": 3, "conditions": late})),
            &["Failed: the rollout exceeded its progress deadline of 600 s", "Replicas: 0 of 3 replicas available"],
        ),
        (
            "Deployment",
            json!({"replicas": 1, "paused": true}),
            seen(json!({"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1})),
            &["Suspended: paused: somebody must resume it (spec.paused)"],
        ),
        ("ReplicaSet", three.clone(), seen(json!({"availableReplicas": 2})), &["Replicas: 2 of 3 replicas available"]),
        ("StatefulSet", three.clone(), seen(json!({"readyReplicas": 2})), &["Replicas: 2 of 3 replicas ready"]),
        (
            "StatefulSet",
            three,
            seen(json!({"readyReplicas": 3, "updatedReplicas": 1, "updateRevision": "b", "currentRevision": "a"})),
            &["Replicas: 1 of 3 replicas at the new revision"],
        ),
        (
            "DaemonSet",
            json!({}),
            seen(json!({"desiredNumberScheduled": 5, "numberAvailable": 4, "updatedNumberScheduled": 5})),
            &["Replicas: 4 of 5 nodes have an available pod"],
        ),
    ];
    for (kind, spec, status, expected) in table {
        assert_eq!(shown(&why(&made("apps/v1", kind, spec, status))), *expected, "{kind} {status}");
    }
}

#[test]
fn waiting_workloads_have_the_reasons_of_their_pods_and_of_refused_ones() {
    let status = json!({"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1});
    let web = made("apps/v1", "Deployment", &json!({"replicas": 1}), &status);
    let state = json!({"waiting": {"reason": "ImagePullBackOff", "message": "manifest unknown"}});
    let stuck = pod("web-1", "Pending", &json!({"containerStatuses": main(&state)}));
    assert_eq!(
        shown(&why_with(&web, &[&stuck], &[])),
        [
            "ImagePull: cannot pull image registry.example.com/shop/db:1: not found",
            "Replicas: 0 of 1 replicas available"
        ]
    );
    let words = "pods \"web-1-x\" is forbidden: exceeded quota: compute, requested: limits.memory=2Gi";
    let failure = json!({"observedGeneration": 2,
        "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": words}]});
    let set = made("apps/v1", "ReplicaSet", &json!({"replicas": 1}), &failure);
    for object in [&set, &web] {
        assert_eq!(
            shown(&why_with(object, &[&set], &[])),
            [
                "Quota: no pod: exceeded quota: compute, requested: limits.memory=2Gi",
                "Replicas: 0 of 1 replicas available"
            ]
        );
    }
    let sets = made("apps/v1", "StatefulSet", &json!({"replicas": 1}), &json!({"observedGeneration": 2}));
    let refused = event(&sets, "FailedCreate", "create Pod web-0 failed error: admission webhook denied the request");
    assert_eq!(
        shown(&why_with(&sets, &[], &[&refused]))[0],
        "CreationRefused: no pod: create Pod web-0 failed error: admission webhook denied the request"
    );
}

#[test]
fn waiting_for_volumes_and_addresses() {
    let claim = |phase: &str| {
        made("v1", "PersistentVolumeClaim", &json!({"storageClassName": "fast"}), &json!({"phase": phase}))
    };
    assert!(why(&claim("Bound")).is_empty());
    assert_eq!(shown(&why(&claim("Lost"))), ["VolumePending: the volume is lost"]);
    let pending = claim("Pending");
    let words = "waiting for first consumer to be created before binding";
    let found = why_with(&pending, &[], &[&event(&pending, "WaitForFirstConsumer", words)]);
    assert_eq!(shown(&found), [format!("VolumePending: no volume yet for 1m 0s: {words}")]);
    assert_eq!(found[0].detail("storage class"), Some("fast"));

    let service = made("v1", "Service", &json!({"type": "LoadBalancer"}), &json!({"loadBalancer": {}}));
    assert_eq!(shown(&why(&service)), ["NoAddress: no address from the load balancer for 1m 0s"]);
    let failed = event(&service, "SyncLoadBalancerFailed", "Error syncing load balancer: quota exceeded");
    assert_eq!(
        shown(&why_with(&service, &[], &[&failed])),
        ["NoAddress: no address from the load balancer for 1m 0s: Error syncing load balancer: quota exceeded"]
    );
    assert!(why(&made("v1", "Service", &json!({"type": "ClusterIP"}), &json!({}))).is_empty());
    let address = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}});
    assert!(why(&made("networking.k8s.io/v1", "Ingress", &json!({}), &address)).is_empty());
    assert_eq!(why(&made("networking.k8s.io/v1", "Ingress", &json!({}), &json!({}))).len(), 1);
}

#[test]
fn waiting_workflows_say_how_far_they_are() {
    let node = |name: &str, kind: &str, phase: &str, message: &str| json!({"displayName": name, "type": kind, "phase": phase, "message": message});
    let workflow = |status: Value| made("argoproj.io/v1alpha1", "Workflow", &json!({}), &status);
    assert_eq!(shown(&why(&workflow(json!({})))), ["NotStarted: no workflow controller has looked at it for 1m 0s"]);
    let running = json!({"phase": "Running", "progress": "1/3", "nodes": {
        "w": node("w", "DAG", "Running", ""), "w-1": node("task-1", "Pod", "Succeeded", ""),
        "w-2": node("task-2", "Pod", "Running", "")}});
    assert_eq!(shown(&why(&workflow(running))), ["Steps: 1 of 3 steps done, running: task-2"]);
    let stuck = json!({"phase": "Running", "nodes": {
        "w-1": node("task-1", "Pod", "Pending", "ImagePullBackOff: Back-off pulling image \"nope\""),
        "w-2": node("task-2", "Pod", "Pending", "Unschedulable: 0/3 nodes are available")}});
    assert_eq!(
        shown(&why(&workflow(stuck))),
        [
            "ImagePull: task-1: ImagePullBackOff: Back-off pulling image \"nope\"",
            "Unschedulable: task-2: Unschedulable: 0/3 nodes are available",
            "Steps: 0 of 2 steps done"
        ]
    );
    let waits = json!({"phase": "Running", "nodes": {"w-1": node("approve", "Suspend", "Running", "")}});
    assert_eq!(
        shown(&why(&workflow(waits))),
        ["Suspended: approve waits until somebody resumes it", "Steps: 0 of 0 steps done"]
    );
    let failed = json!({"phase": "Failed", "message": "child 'w-2' failed", "nodes": {
        "w-1": node("task-1", "Pod", "Succeeded", ""),
        "w-2": {"displayName": "task-2", "type": "Pod", "phase": "Failed", "outputs": {"exitCode": "64"},
            "message": "Error (exit code 64)", "templateName": "echo"}}});
    let found = why(&workflow(failed));
    assert_eq!(shown(&found), ["StepFailed: task-2: Error (exit code 64)", "Failed: child 'w-2' failed"]);
    assert_eq!(found[0].detail("exit code"), Some("64"));
    assert!(why(&workflow(json!({"phase": "Succeeded"}))).is_empty());
    let held = made("argoproj.io/v1alpha1", "Workflow", &json!({"suspend": true}), &json!({"phase": "Running"}));
    assert_eq!(shown(&why(&held))[0], "Suspended: suspended: somebody must resume it (spec.suspend)");
}

#[test]
fn waiting_objects_of_other_kinds_speak_for_themselves() {
    let not_ready = json!({"conditions": [{"type": "Ready", "status": "False", "reason": "Pending",
        "message": "Issuing certificate as Secret does not exist"}]});
    assert_eq!(
        shown(&why(&made("cert-manager.io/v1", "Certificate", &json!({}), &not_ready))),
        ["Failed: Issuing certificate as Secret does not exist"]
    );
    assert_eq!(
        shown(&why(&made("example.com/v1", "Database", &json!({}), &not_ready))),
        ["Said: says it is not Ready: Issuing certificate as Secret does not exist"]
    );
    assert!(why(&made("v1", "ConfigMap", &json!({}), &json!({}))).is_empty());
    let crd = made("apiextensions.k8s.io/v1", "CustomResourceDefinition", &json!({}), &json!({}));
    assert_eq!(shown(&why(&crd)), ["Said: Status conditions not found"]);
}
