//! The checks that Argo CD has as scripts.

use boathook::domain::health::HealthStatus::{Degraded, Healthy, Progressing, Suspended, Unknown};
use serde_json::{Value, json};

use super::table::{condition, status_of, table};

#[test]
fn health_of_custom_resource_definitions() {
    let with = |conditions: &[Value]| json!({"status": {"conditions": conditions}});
    let names = condition("NamesAccepted", "True", "NoConflicts", "no conflicts found");
    let established = condition("Established", "True", "InitialNamesAccepted", "accepted");
    table(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        &[
            (with(&[]), Progressing, "Status conditions not found"),
            (with(&[names.clone(), established.clone()]), Healthy, "CRD is healthy"),
            (with(std::slice::from_ref(&names)), Degraded, "CRD is not established"),
            (
                with(&[names.clone(), condition("Established", "False", "Installing", "")]),
                Progressing,
                "CRD is being installed",
            ),
            (
                with(&[names.clone(), condition("Established", "False", "NotAccepted", "")]),
                Degraded,
                "CRD is not established",
            ),
            (
                with(&[condition("NamesAccepted", "False", "PluralConflict", "in use")]),
                Degraded,
                "CRD names have not been accepted: in use",
            ),
            (
                with(&[established.clone(), condition("NonStructuralSchema", "True", "Violations", "spec")]),
                Degraded,
                "Schema violations found: spec",
            ),
            (
                with(&[established, condition("Terminating", "True", "InstanceDeletionPending", "wait")]),
                Progressing,
                "CRD is terminating: wait",
            ),
        ],
    );
}

#[test]
fn health_of_kinds_with_one_deciding_condition() {
    let rows = [
        ("cert-manager.io/v1", "Certificate", "Ready", "Waiting for certificate"),
        ("cert-manager.io/v1", "Issuer", "Ready", "Initializing issuer"),
        ("cert-manager.io/v1", "ClusterIssuer", "Ready", "Initializing ClusterIssuer"),
        ("external-secrets.io/v1", "ExternalSecret", "Ready", "Waiting for ExternalSecret"),
        ("bitnami.com/v1alpha1", "SealedSecret", "Synced", "Waiting for Sealed Secret to be decrypted"),
    ];
    for (version, kind, decisive, waiting) in rows {
        let with = |status: &str| json!({"status": {"conditions": [condition(decisive, status, "R", "m")]}});
        table(
            version,
            kind,
            &[
                (json!({}), Progressing, waiting),
                (with("Unknown"), Progressing, waiting),
                (with("True"), Healthy, "m"),
                (with("False"), Degraded, "m"),
            ],
        );
    }
    let issuing = json!([condition("Ready", "False", "", "expired"), condition("Issuing", "True", "", "renewing")]);
    table(
        "cert-manager.io/v1",
        "Certificate",
        &[(json!({"status": {"conditions": issuing}}), Progressing, "renewing")],
    );
}

#[test]
fn health_of_other_kinds_with_a_script() {
    let status = |status: Value| json!({"spec": {}, "status": status});
    table(
        "batch/v1",
        "CronJob",
        &[
            (json!({"spec": {}}), Progressing, "Waiting for CronJob"),
            (json!({"spec": {"suspend": true}}), Healthy, "CronJob is Suspended"),
            (status(json!({})), Healthy, "CronJob has not been scheduled yet"),
            (
                status(json!({"lastScheduleTime": "2026-11-22T10:00:00Z"})),
                Healthy,
                "The CronJob never completed successfully. It may not be healthy",
            ),
            (
                status(json!({"lastScheduleTime": "2026-11-22T10:00:00Z",
                    "lastSuccessfulTime": "2026-11-22T09:00:10Z", "active": [{"name": "x"}]})),
                Healthy,
                "The job is running. Its last execution may not have been successful",
            ),
            (
                status(json!({"lastScheduleTime": "2026-11-22T10:00:00Z",
                    "lastSuccessfulTime": "2026-11-22T09:00:10Z"})),
                Degraded,
                "CronJob has not completed its last execution successfully",
            ),
            (
                status(json!({"lastScheduleTime": "2026-11-22T10:00:00Z",
                    "lastSuccessfulTime": "2026-11-22T10:00:10Z"})),
                Healthy,
                "CronJob has completed its last execution successfully",
            ),
        ],
    );
    let budget = |status: &str, reason: &str| status_of(&condition("DisruptionAllowed", status, reason, ""));
    table(
        "policy/v1",
        "PodDisruptionBudget",
        &[
            (json!({}), Progressing, "Waiting for status"),
            (budget("True", "SufficientPods"), Healthy, "PodDisruptionBudget has SufficientPods"),
            (budget("False", "InsufficientPods"), Healthy, "PodDisruptionBudget has InsufficientPods"),
            (budget("False", "SyncFailed"), Degraded, "PodDisruptionBudget has SyncFailed"),
        ],
    );
    let unseen = "Waiting for rollout spec update to be observed";
    table(
        "argoproj.io/v1alpha1",
        "Rollout",
        &[
            (json!({}), Progressing, unseen),
            (status(json!({"observedGeneration": "1", "phase": "Healthy"})), Progressing, unseen),
            (status(json!({"observedGeneration": "2", "phase": "Healthy"})), Healthy, ""),
            (status(json!({"observedGeneration": "2", "phase": "Paused", "message": "canary"})), Suspended, "canary"),
            (status(json!({"observedGeneration": "2", "phase": "Degraded", "message": "m"})), Degraded, "m"),
            (status(json!({"phase": "Odd"})), Unknown, "Lua returned an invalid health status"),
        ],
    );
    table(
        "argoproj.io/v1alpha1",
        "CronWorkflow",
        &[
            (json!({}), Healthy, "CronWorkflow is healthy."),
            (status_of(&condition("SpecError", "True", "", "bad")), Degraded, "bad"),
        ],
    );
    table(
        "argoproj.io/v1alpha1",
        "AnalysisRun",
        &[
            (json!({}), Progressing, "Waiting for analysis run to finish: status has not been reconciled."),
            (status(json!({"phase": "Running"})), Progressing, "Analysis run is running"),
            (status(json!({"phase": "Inconclusive"})), Unknown, "Analysis run was inconclusive"),
        ],
    );
}
