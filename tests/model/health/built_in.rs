//! The checks that Argo CD has built in.

use boathook::domain::health::HealthStatus::{Degraded, Healthy, Progressing, Suspended, Unknown};
use boathook::domain::health::health;
use serde_json::{Value, json};

use super::table::{condition, merge, object, table};

#[test]
fn health_of_jobs_is_which_conditions_they_have() {
    let job = |conditions: &[(&str, &str, &str)]| {
        let conditions: Vec<Value> =
            conditions.iter().map(|(kind, status, message)| condition(kind, status, "", message)).collect();
        json!({"status": {"conditions": conditions}})
    };
    let done = "Reached expected number of succeeded pods";
    let failed = "Job has reached the specified backoff limit";
    table(
        "batch/v1",
        "Job",
        &[
            (json!({}), Progressing, ""),
            (json!({"status": {}}), Progressing, ""),
            (json!({"status": {"active": 1, "ready": 1}}), Progressing, ""),
            (json!({"status": {"conditions": null}}), Progressing, ""),
            // Counts decide nothing; neither do the two conditions that come before the end.
            (json!({"status": {"succeeded": 1}}), Progressing, ""),
            (job(&[("SuccessCriteriaMet", "True", done)]), Progressing, ""),
            (job(&[("FailureTarget", "True", failed)]), Progressing, ""),
            (job(&[("SuccessCriteriaMet", "True", done), ("Complete", "True", done)]), Healthy, done),
            (job(&[("FailureTarget", "True", failed), ("Failed", "True", failed)]), Degraded, failed),
            // Presence counts, not the status.
            (job(&[("Complete", "False", "no")]), Healthy, "no"),
            (job(&[("Failed", "False", "no")]), Degraded, "no"),
            (job(&[("Complete", "True", done), ("Failed", "True", failed)]), Degraded, failed),
            (job(&[("Suspended", "True", "Job suspended")]), Suspended, "Job suspended"),
            (job(&[("Suspended", "True", "Job suspended"), ("Failed", "True", failed)]), Degraded, failed),
            // One that was suspended and goes on: running, and yet taken for done.
            (job(&[("Suspended", "False", "Job resumed")]), Healthy, "Job resumed"),
            (job(&[("Suspended", "False", "Job resumed"), ("Complete", "True", done)]), Healthy, done),
            (job(&[("Complete", "True", done), ("Suspended", "True", "s")]), Suspended, "s"),
        ],
    );
}

#[test]
fn health_of_pods() {
    let pod = |policy: &str, status: Value| json!({"spec": {"restartPolicy": policy}, "status": status});
    let waiting = |reason: &str| json!({"name": "main", "state": {"waiting": {"reason": reason, "message": "m"}}});
    let ended = |code: i64, reason: &str, message: &str| json!({"name": "main", "state": {"terminated": {"exitCode": code, "reason": reason, "message": message}}});
    let ready = condition("Ready", "True", "", "");
    table(
        "v1",
        "Pod",
        &[
            (pod("Never", json!({"phase": "Pending"})), Progressing, ""),
            (pod("Never", json!({"phase": "Succeeded"})), Healthy, ""),
            // A pod that ends is not failed by what it waits for.
            (
                pod("Never", json!({"phase": "Pending", "containerStatuses": [waiting("ImagePullBackOff")]})),
                Progressing,
                "",
            ),
            (
                pod("OnFailure", json!({"phase": "Running", "containerStatuses": [waiting("CrashLoopBackOff")]})),
                Progressing,
                "",
            ),
            (pod("Never", json!({"phase": "Running", "conditions": [ready]})), Progressing, ""),
            (pod("Never", json!({"phase": "Failed", "message": "Pod was evicted"})), Degraded, "Pod was evicted"),
            (pod("Never", json!({"phase": "Failed"})), Degraded, ""),
            (
                pod("Never", json!({"phase": "Failed", "containerStatuses": [ended(3, "Error", "")]})),
                Degraded,
                "container \"main\" failed with exit code 3",
            ),
            (
                pod("Never", json!({"phase": "Failed", "containerStatuses": [ended(137, "OOMKilled", "")]})),
                Degraded,
                "OOMKilled",
            ),
            (
                pod("Never", json!({"phase": "Failed", "containerStatuses": [ended(1, "Error", "no such table")]})),
                Degraded,
                "no such table",
            ),
            (
                pod(
                    "Never",
                    json!({"phase": "Failed", "containerStatuses": [ended(2, "Error", "")],
                        "initContainerStatuses": [ended(0, "Completed", ""), ended(7, "Error", "")]}),
                ),
                Degraded,
                "container \"main\" failed with exit code 7",
            ),
            (pod("Never", json!({"phase": "Unknown", "message": "node lost"})), Unknown, "node lost"),
            (pod("Never", json!({})), Unknown, ""),
            (pod("Always", json!({"phase": "Running"})), Progressing, ""),
            (pod("Always", json!({"phase": "Running", "conditions": [ready]})), Healthy, ""),
            (pod("Always", json!({"phase": "Pending", "containerStatuses": [waiting("ErrImagePull")]})), Degraded, "m"),
            (
                pod(
                    "Always",
                    json!({"phase": "Pending", "containerStatuses": [waiting("ImagePullBackOff"),
                        waiting("CreateContainerConfigError"), waiting("ContainerCreating")]}),
                ),
                Degraded,
                "m, m",
            ),
            (
                pod("Always", json!({"phase": "Pending", "containerStatuses": [waiting("ContainerCreating")]})),
                Progressing,
                "",
            ),
            (
                pod(
                    "Always",
                    json!({"phase": "Running", "containerStatuses": [{"lastState": {"terminated": {"exitCode": 1}}}]}),
                ),
                Degraded,
                "",
            ),
            (
                pod(
                    "Always",
                    json!({"phase": "Running", "conditions": [ready],
                        "containerStatuses": [{"lastState": {"terminated": {"exitCode": 1}}}]}),
                ),
                Healthy,
                "",
            ),
        ],
    );
}

#[test]
fn health_of_pods_may_ignore_the_restart_policy_but_not_of_hooks() {
    let pod = |annotations: Value| {
        let rest = json!({"metadata": {"annotations": annotations}, "spec": {"restartPolicy": "Never"},
            "status": {"phase": "Running", "conditions": [condition("Ready", "True", "", "")]}});
        health(&object("v1", "Pod", &rest)).unwrap().unwrap().status
    };
    assert_eq!(pod(json!({})), Progressing);
    assert_eq!(pod(json!({"argocd.argoproj.io/ignore-restart-policy": "true"})), Healthy);
    assert_eq!(pod(json!({"argocd.argoproj.io/ignore-restart-policy": "yes"})), Progressing);
    for hook in ["argocd.argoproj.io/hook", "helm.sh/hook"] {
        assert_eq!(pod(json!({"argocd.argoproj.io/ignore-restart-policy": "true", hook: "PreSync"})), Progressing);
    }
}

#[test]
fn health_of_deployments() {
    let counts = |wanted: i64, all: i64, updated: i64, available: i64| {
        json!({"spec": {"replicas": wanted}, "status": {"observedGeneration": 2, "replicas": all,
            "updatedReplicas": updated, "availableReplicas": available}})
    };
    let late = json!({"spec": {"replicas": 1}, "status": {"observedGeneration": 2,
        "conditions": [condition("Progressing", "False", "ProgressDeadlineExceeded", "x")]}});
    let wait = "Waiting for rollout to finish: ";
    table(
        "apps/v1",
        "Deployment",
        &[
            (json!({}), Progressing, &format!("{wait}observed deployment generation less than desired generation")),
            (json!({"spec": {"paused": true}}), Suspended, "Deployment is paused"),
            (counts(3, 3, 3, 3), Healthy, ""),
            (counts(3, 3, 1, 3), Progressing, &format!("{wait}1 out of 3 new replicas have been updated...")),
            (counts(3, 5, 3, 3), Progressing, &format!("{wait}2 old replicas are pending termination...")),
            (counts(3, 3, 3, 1), Progressing, &format!("{wait}1 of 3 updated replicas are available...")),
            (counts(0, 0, 0, 0), Healthy, ""),
            (late, Degraded, "Deployment \"web\" exceeded its progress deadline"),
            (json!({"status": {"observedGeneration": 3}}), Healthy, ""),
        ],
    );
}

#[test]
fn health_of_stateful_sets() {
    let set = |strategy: Value, status: Value| {
        let mut rest = json!({"spec": {"replicas": 3, "updateStrategy": strategy},
            "status": {"observedGeneration": 2, "readyReplicas": 3}});
        merge(&mut rest, &json!({"status": status}));
        rest
    };
    let rolling = json!({"type": "RollingUpdate"});
    let partition = |at: i64| json!({"type": "RollingUpdate", "rollingUpdate": {"partition": at}});
    let revisions = json!({"updateRevision": "b", "currentRevision": "a", "updatedReplicas": 1});
    table(
        "apps/v1",
        "StatefulSet",
        &[
            (json!({}), Progressing, "Waiting for statefulset spec update to be observed..."),
            (
                json!({"metadata": {"generation": 0}, "status": {"observedGeneration": 0}}),
                Progressing,
                "Waiting for statefulset spec update to be observed...",
            ),
            (set(rolling.clone(), json!({"readyReplicas": 1})), Progressing, "Waiting for 2 pods to be ready..."),
            (
                set(rolling.clone(), revisions),
                Progressing,
                "waiting for statefulset rolling update to complete 1 pods at revision b...",
            ),
            (
                set(rolling, json!({"updateRevision": "b", "currentRevision": "b", "currentReplicas": 3})),
                Healthy,
                "statefulset rolling update complete 3 pods at revision b...",
            ),
            (
                set(partition(1), json!({"updatedReplicas": 1})),
                Progressing,
                "Waiting for partitioned roll out to finish: 1 out of 2 new pods have been updated...",
            ),
            (
                set(partition(2), json!({"updatedReplicas": 1})),
                Healthy,
                "partitioned roll out complete: 1 new pods have been updated...",
            ),
            (set(json!({"type": "OnDelete"}), json!({})), Healthy, "statefulset has 3 ready pods"),
        ],
    );
}

#[test]
fn health_of_daemon_sets() {
    let set = |strategy: &str, wanted: i64, updated: i64, available: i64| {
        json!({"spec": {"updateStrategy": {"type": strategy}}, "status": {"observedGeneration": 2,
            "desiredNumberScheduled": wanted, "updatedNumberScheduled": updated, "numberAvailable": available}})
    };
    let wait = "Waiting for daemon set \"web\" rollout to finish: ";
    table(
        "apps/v1",
        "DaemonSet",
        &[
            (
                json!({}),
                Progressing,
                "Waiting for rollout to finish: observed daemon set generation less than desired generation",
            ),
            (set("RollingUpdate", 3, 3, 3), Healthy, ""),
            (set("RollingUpdate", 3, 1, 3), Progressing, &format!("{wait}1 out of 3 new pods have been updated...")),
            (set("RollingUpdate", 3, 3, 2), Progressing, &format!("{wait}2 of 3 updated pods are available...")),
            (set("OnDelete", 3, 1, 0), Healthy, "daemon set 1 out of 3 new pods have been updated"),
        ],
    );
}

#[test]
fn health_of_replica_sets() {
    let set = |status: Value| {
        let mut rest = json!({"spec": {"replicas": 2}, "status": {"observedGeneration": 2}});
        merge(&mut rest, &json!({"status": status}));
        rest
    };
    let quota = "pods \"web-x\" is forbidden: exceeded quota: compute";
    table(
        "apps/v1",
        "ReplicaSet",
        &[
            (
                json!({}),
                Progressing,
                "Waiting for rollout to finish: observed replica set generation less than desired generation",
            ),
            (set(json!({"availableReplicas": 2})), Healthy, ""),
            (
                set(json!({"availableReplicas": 1})),
                Progressing,
                "Waiting for rollout to finish: 1 out of 2 new replicas are available...",
            ),
            (set(json!({"conditions": [condition("ReplicaFailure", "True", "FailedCreate", quota)]})), Degraded, quota),
            (
                set(json!({"availableReplicas": 2, "conditions": [condition("ReplicaFailure", "False", "", quota)]})),
                Healthy,
                "",
            ),
        ],
    );
}

#[test]
fn health_of_what_has_addresses_or_volumes() {
    let address = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}});
    table(
        "v1",
        "Service",
        &[
            (json!({"spec": {"type": "ClusterIP"}}), Healthy, ""),
            (json!({"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {}}}), Progressing, ""),
            (json!({"spec": {"type": "LoadBalancer"}, "status": address}), Healthy, ""),
        ],
    );
    for version in ["networking.k8s.io/v1", "networking.k8s.io/v1beta1", "extensions/v1beta1"] {
        let rows = [
            (json!({}), Progressing, ""),
            (json!({"status": {"loadBalancer": {"ingress": []}}}), Progressing, ""),
            (json!({"status": {"loadBalancer": "?"}}), Progressing, ""),
            (json!({"status": address}), Healthy, ""),
        ];
        table(version, "Ingress", &rows);
    }
    let phase = |phase: &str| json!({"status": {"phase": phase}});
    table(
        "v1",
        "PersistentVolumeClaim",
        &[
            (phase("Bound"), Healthy, ""),
            (phase("Pending"), Progressing, ""),
            (phase("Lost"), Degraded, ""),
            (phase("Odd"), Unknown, ""),
            (json!({}), Unknown, ""),
        ],
    );
}

#[test]
fn health_of_autoscalers_in_both_versions() {
    let v2 = |conditions: Value| json!({"status": {"conditions": conditions}});
    let v1 = |conditions: Value| json!({"metadata": {"annotations": {"autoscaling.alpha.kubernetes.io/conditions": conditions.to_string()}}});
    let rows = [
        (json!([]), Progressing, "Waiting to Autoscale"),
        (json!([condition("AbleToScale", "True", "SucceededGetScale", "got it")]), Healthy, "got it"),
        (json!([condition("ScalingLimited", "True", "TooFewReplicas", "more wanted")]), Healthy, "more wanted"),
        (json!([condition("ScalingActive", "True", "ValidMetricFound", "m")]), Progressing, "Waiting to Autoscale"),
        (
            json!([
                condition("AbleToScale", "True", "SucceededGetScale", "got it"),
                condition("ScalingActive", "False", "FailedGetResourceMetric", "no metrics")
            ]),
            Degraded,
            "no metrics",
        ),
        (json!([condition("AbleToScale", "False", "FailedGetScale", "no scale")]), Degraded, "no scale"),
        (json!([condition("ScalingActive", "False", "InvalidSelector", "bad")]), Degraded, "bad"),
    ];
    for (conditions, status, message) in rows {
        table("autoscaling/v2", "HorizontalPodAutoscaler", &[(v2(conditions.clone()), status, message)]);
        table("autoscaling/v1", "HorizontalPodAutoscaler", &[(v1(conditions), status, message)]);
    }
    table("autoscaling/v1", "HorizontalPodAutoscaler", &[(json!({}), Progressing, "Waiting to Autoscale")]);
}

#[test]
fn health_of_workflows_and_api_services() {
    let phase = |phase: &str| json!({"status": {"phase": phase, "message": "m"}});
    table(
        "argoproj.io/v1alpha1",
        "Workflow",
        &[
            (json!({}), Progressing, ""),
            (phase(""), Progressing, "m"),
            (phase("Pending"), Progressing, "m"),
            (phase("Running"), Progressing, "m"),
            (phase("Succeeded"), Healthy, "m"),
            (phase("Failed"), Degraded, "m"),
            (phase("Error"), Degraded, "m"),
            (phase("Omitted"), Unknown, "m"),
            (json!({"status": {"phase": 7}}), Progressing, ""),
        ],
    );
    let available = |status: &str| json!({"status": {"conditions": [condition("Available", status, "R", "m")]}});
    for version in ["v1", "v1beta1"] {
        let rows = [
            (json!({}), Progressing, "Waiting to be processed"),
            (available("True"), Healthy, "R: m"),
            (available("False"), Progressing, "R: m"),
        ];
        table(&format!("apiregistration.k8s.io/{version}"), "APIService", &rows);
    }
}
