//! What holds for all kinds: deletion, errors, kinds without a check, and what health means for a task.

use boathook::domain::health::HealthStatus::{self, Healthy, Progressing};
use boathook::domain::health::{health, hint, hook_task, resource_task};
use boathook::domain::operation::HookPhase;
use serde_json::{Value, json};

use super::table::{condition, object};

#[test]
fn health_of_what_is_being_deleted_is_pending_unless_the_hook_finalizer_holds_it() {
    let deleted = |finalizers: Value, kind: &str| {
        let metadata = json!({"deletionTimestamp": "2026-11-22T10:00:00Z", "finalizers": finalizers});
        let done = json!([condition("Complete", "True", "", "done")]);
        let object = object("batch/v1", kind, &json!({"metadata": metadata, "status": {"conditions": done}}));
        health(&object).unwrap().map(|health| (health.status, health.message))
    };
    let pending = Some((Progressing, "Pending deletion".to_owned()));
    assert_eq!(deleted(json!([]), "Job"), pending);
    assert_eq!(deleted(json!(["foregroundDeletion"]), "Job"), pending);
    // The rule comes before the question whether there is a check at all.
    assert_eq!(deleted(json!([]), "Whatever"), pending);
    assert_eq!(deleted(json!(["argocd.argoproj.io/hook-finalizer"]), "Job"), Some((Healthy, "done".to_owned())));
    assert_eq!(deleted(json!(["argocd.argoproj.io/hook-finalizer"]), "Whatever"), None);
}

#[test]
fn health_is_not_claimed_for_kinds_without_a_check() {
    let ready = json!({"status": {"conditions": [condition("Ready", "False", "NotYet", "wait")]}});
    for (version, kind) in [
        ("v1", "ConfigMap"),
        ("v1", "Secret"),
        ("v1", "Namespace"),
        ("argoproj.io/v1alpha1", "Application"),
        ("example.com/v1", "Database"),
        ("example.com/v1", "Deployment"),
        ("example.com/v1", "Job"),
    ] {
        let object = object(version, kind, &ready);
        assert_eq!(health(&object), Ok(None), "{version} {kind}");
        let hint = hint(&object).unwrap();
        assert_eq!((hint.ready, hint.condition.as_str(), hint.reason.as_str()), (Some(false), "Ready", "NotYet"));
    }
    assert_eq!(hint(&object("batch/v1", "Job", &ready)), None);
    let available = json!({"status": {"conditions": [condition("Available", "Unknown", "", "")]}});
    assert_eq!(hint(&object("example.com/v1", "Database", &available)).unwrap().ready, None);
    assert_eq!(hint(&object("example.com/v1", "Database", &json!({}))), None);
}

#[test]
fn health_that_cannot_be_found_is_an_error() {
    for (version, kind, rest, expected) in [
        ("batch/v2", "Job", json!({}), "unsupported Job GVK: batch/v2, Kind=Job"),
        ("apps/v1beta1", "Deployment", json!({}), "unsupported Deployment GVK: apps/v1beta1, Kind=Deployment"),
        (
            "autoscaling/v2beta2",
            "HorizontalPodAutoscaler",
            json!({}),
            "unsupported HorizontalPodAutoscaler GVK: autoscaling/v2beta2, Kind=HorizontalPodAutoscaler",
        ),
        (
            "batch/v1",
            "Job",
            json!({"status": {"conditions": [{"type": 5}]}}),
            "failed to convert unstructured Job to typed: status.conditions[].type is not a string",
        ),
        (
            "batch/v1",
            "Job",
            json!({"status": "done"}),
            "failed to convert unstructured Job to typed: status is not an object",
        ),
        (
            "v1",
            "Pod",
            json!({"status": {"containerStatuses": [7]}}),
            "failed to convert unstructured Pod to typed: status.containerStatuses[] is not an object",
        ),
        (
            "apps/v1",
            "Deployment",
            json!({"spec": {"replicas": "3"}, "status": {"observedGeneration": 2}}),
            "failed to convert unstructured Deployment to typed: spec.replicas is not an integer",
        ),
    ] {
        let object = object(version, kind, &rest);
        assert_eq!(health(&object).unwrap_err().to_string(), expected);
        let task = hook_task(&object);
        assert_eq!(task.phase, HookPhase::Error);
        assert_eq!(task.message, format!("failed to get resource health: {expected}"));
        assert_eq!(resource_task(&object).phase, HookPhase::Running);
    }
    let v1 = json!({"metadata": {"annotations": {"autoscaling.alpha.kubernetes.io/conditions": "[{"}}});
    let error = health(&object("autoscaling/v1", "HorizontalPodAutoscaler", &v1)).unwrap_err().to_string();
    assert!(error.starts_with("failed to convert conditions annotation to typed: "), "{error}");
}

#[test]
fn health_decides_the_state_of_tasks() {
    use HookPhase::{Failed, Running, Succeeded};
    let workflow = |phase: &str| object("argoproj.io/v1alpha1", "Workflow", &json!({"status": {"phase": phase}}));
    let suspended = object("apps/v1", "Deployment", &json!({"spec": {"paused": true}}));
    let config = object("v1", "ConfigMap", &json!({}));
    let job = |conditions: &[(&str, &str)]| {
        let conditions: Vec<_> =
            conditions.iter().map(|(kind, status)| json!({"type": kind, "status": status})).collect();
        object("batch/v1", "Job", &json!({"status": {"conditions": conditions}}))
    };
    for (object, hook, resource) in [
        (workflow("Succeeded"), Succeeded, Succeeded),
        (workflow("Running"), Running, Running),
        (suspended, Running, Running),
        (workflow("Failed"), Failed, Failed),
        // Unknown fails a hook, and lets an ordinary resource wait.
        (workflow("Odd"), Failed, Running),
        (config.clone(), Succeeded, Succeeded),
        // It was suspended and goes on: a hook waits for its end, whatever Argo CD takes it for.
        (job(&[("Suspended", "False")]), Running, Succeeded),
        (job(&[("Suspended", "False"), ("Complete", "True")]), Succeeded, Succeeded),
        (job(&[("Suspended", "False"), ("Failed", "True")]), Failed, Failed),
        (job(&[("Suspended", "True")]), Running, Running),
    ] {
        assert_eq!(hook_task(&object).phase, hook, "{object:?}");
        assert_eq!(resource_task(&object).phase, resource, "{object:?}");
    }
    assert_eq!(hook_task(&config).message, "web created");
    assert_eq!(resource_task(&config).message, "");
}

#[test]
fn health_is_ordered_from_good_to_bad() {
    assert!(HealthStatus::ALL.is_sorted());
    for status in HealthStatus::ALL {
        assert_eq!(HealthStatus::from_name(status.as_str()), Some(status));
    }
    assert_eq!(HealthStatus::from_name("healthy"), None);
}
