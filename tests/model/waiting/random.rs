//! Anything may stand in place of a field: the answers stay bounded, safe to show, and there is no panic.

use boathook::domain::health::waiting::{Evidence, reasons};
use boathook::domain::health::{health, hint, hook_task, resource_task};
use boathook::domain::hook::{classify, delete_policies, read_wave};
use boathook::domain::manifest::Object;
use boathook::domain::sync_options::SyncOptions;
use boathook::domain::text;
use boathook::domain::tracking::TrackingId;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const KINDS: [(&str, &str); 22] = [
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("v1", "Pod"),
    ("v1", "Service"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "Event"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "ReplicaSet"),
    ("networking.k8s.io/v1", "Ingress"),
    ("autoscaling/v1", "HorizontalPodAutoscaler"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("apiregistration.k8s.io/v1", "APIService"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("policy/v1", "PodDisruptionBudget"),
    ("argoproj.io/v1alpha1", "Workflow"),
    ("argoproj.io/v1alpha1", "Rollout"),
    ("argoproj.io/v1alpha1", "AnalysisRun"),
    ("cert-manager.io/v1", "Certificate"),
    ("example.com/v1", "Thing"),
    ("v1", "ConfigMap"),
];

/// Names of fields that are read somewhere.
const FIELDS: [&str; 62] = [
    "conditions",
    "type",
    "status",
    "reason",
    "message",
    "phase",
    "containerStatuses",
    "initContainerStatuses",
    "state",
    "lastState",
    "waiting",
    "running",
    "terminated",
    "exitCode",
    "restartCount",
    "ready",
    "started",
    "startTime",
    "startedAt",
    "finishedAt",
    "name",
    "image",
    "failed",
    "active",
    "succeeded",
    "uncountedTerminatedPods",
    "backoffLimit",
    "activeDeadlineSeconds",
    "parallelism",
    "suspend",
    "replicas",
    "updatedReplicas",
    "availableReplicas",
    "readyReplicas",
    "observedGeneration",
    "updateStrategy",
    "rollingUpdate",
    "partition",
    "paused",
    "loadBalancer",
    "ingress",
    "nodes",
    "displayName",
    "progress",
    "outputs",
    "readinessGates",
    "conditionType",
    "restartPolicy",
    "initContainers",
    "containers",
    "desiredNumberScheduled",
    "numberAvailable",
    "lastScheduleTime",
    "lastSuccessfulTime",
    "workloadRef",
    "workloadObservedGeneration",
    "updatedNumberScheduled",
    "currentRevision",
    "updateRevision",
    "progressDeadlineSeconds",
    "selfHeal",
    "storageClassName",
];

const WORDS: [&str; 36] = [
    "True",
    "False",
    "Unknown",
    "Running",
    "Pending",
    "Failed",
    "Succeeded",
    "Error",
    "Complete",
    "Suspended",
    "Ready",
    "FailureTarget",
    "PodScheduled",
    "Progressing",
    "ProgressDeadlineExceeded",
    "ReplicaFailure",
    "Established",
    "ImagePullBackOff",
    "CrashLoopBackOff",
    "ContainerCreating",
    "OOMKilled",
    "Always",
    "Never",
    "RollingUpdate",
    "OnDelete",
    "LoadBalancer",
    "Pod",
    "Suspend",
    "2026-11-22T10:00:00Z",
    "1/2",
    "9223372036854775807",
    "FailedCreate",
    "Unhealthy",
    "-9999-01-01T00:00:00Z",
    "exceeded quota",
    "Available",
];

fn any_json() -> impl Strategy<Value = Value> {
    let number = prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(-1), Just(0), Just(1), any::<i64>()];
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        2 => number.prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        4 => proptest::sample::select(&WORDS[..]).prop_map(Value::from),
        1 => "\\PC{0,20}".prop_map(Value::from),
        1 => ".{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let field = prop_oneof![9 => proptest::sample::select(&FIELDS[..]).prop_map(str::to_owned), 1 => ".{0,8}"];
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => proptest::collection::vec((field, inner), 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A status in which the parts stand where they belong, so that more than the first test of a check is reached.
fn likely_status() -> impl Strategy<Value = Value> {
    let condition = (proptest::sample::select(&WORDS[..]), proptest::sample::select(&WORDS[..]), any_json())
        .prop_map(|(kind, status, rest)| json!({"type": kind, "status": status, "reason": rest, "message": rest}));
    let container = (any_json(), any_json(), proptest::sample::select(&WORDS[..]), any::<i64>()).prop_map(
        |(waiting, end, word, number)| {
            json!({"name": "main", "restartCount": number, "ready": false,
                "state": {"waiting": {"reason": word, "message": waiting}, "terminated": end},
                "lastState": {"terminated": {"exitCode": number, "reason": word}}})
        },
    );
    let containers = proptest::collection::vec(container, 0..3);
    let counts = any::<[i64; 3]>();
    (proptest::collection::vec(condition, 0..4), containers, any_json(), proptest::sample::select(&WORDS[..]), counts)
        .prop_map(|(conditions, containers, nodes, phase, [a, b, c])| {
            json!({"conditions": conditions, "containerStatuses": containers, "initContainerStatuses": containers,
                "nodes": {"a": nodes}, "phase": phase, "failed": a, "active": b, "replicas": c,
                "updatedReplicas": a, "availableReplicas": b, "observedGeneration": i64::MAX,
                "startTime": "2026-11-22T10:00:00Z"})
        })
}

fn any_object() -> impl Strategy<Value = Object> {
    let status = prop_oneof![any_json(), likely_status()];
    let metadata = (any_json(), any_json(), any_json());
    (proptest::sample::select(&KINDS[..]), any_json(), status, metadata).prop_map(
        |((api_version, kind), spec, status, (annotations, finalizers, deleted))| {
            let annotations = match annotations {
                Value::Object(map) => {
                    let hook = map.values().next().cloned().unwrap_or_default();
                    json!({"argocd.argoproj.io/hook": hook, "helm.sh/hook": hook, "argocd.argoproj.io/sync-wave": hook,
                        "autoscaling.alpha.kubernetes.io/conditions": hook, "argocd.argoproj.io/tracking-id": hook})
                }
                other => other,
            };
            let involved = json!({"kind": "Pod", "name": "web"});
            Object::from_json(json!({"apiVersion": api_version, "kind": kind, "spec": spec, "status": status,
                "involvedObject": involved, "reason": "FailedCreate", "message": spec,
                "metadata": {"name": "web", "generation": 1, "annotations": annotations, "finalizers": finalizers,
                    "deletionTimestamp": deleted, "ownerReferences": finalizers}}))
            .unwrap()
        },
    )
}

proptest! {
    #![proptest_config(crate::cases::cases())]

    #[test]
    fn waiting_random_objects_do_no_harm(
        object in any_object(),
        children in proptest::collection::vec(any_object(), 0..4),
        events in proptest::collection::vec(any_object(), 0..3),
        now in any::<i32>(),
    ) {
        let _ = health(&object);
        let _ = (hint(&object), hook_task(&object), resource_task(&object));
        let _ = (classify(&object), delete_policies(&object), read_wave(&object));
        let _ = (TrackingId::of_object(&object), SyncOptions::of_object(&object));
        let children: Vec<&Object> = children.iter().collect();
        let events: Vec<&Object> = events.iter().collect();
        let now = Timestamp::from_second(i64::from(now)).unwrap();
        let evidence = Evidence { object: &object, children: &children, gone: &children, events: &events, now };
        let found = reasons(&evidence);
        prop_assert!(found.len() <= 20);
        prop_assert!(found.is_sorted_by_key(|reason| reason.kind));
        for reason in &found {
            prop_assert!(!reason.text.is_empty());
            prop_assert!(reason.text.chars().count() <= 180);
            prop_assert!(!reason.text.chars().any(text::is_hidden), "{:?}", reason.text);
            for detail in &reason.details {
                prop_assert!(detail.value.chars().count() <= 1000);
                prop_assert!(!detail.value.chars().any(text::is_hidden), "{:?}", detail.value);
            }
        }
    }

    #[test]
    fn text_is_bounded_and_safe(any in ".{0,200}", controls in "[\\x00-\\x1f\\x7f-\\u{9f}\\u{202a}-\\u{2069}a ]{0,60}", limit in 0_usize..80) {
        for given in [&any, &controls] {
            let line = text::one_line(given, limit);
            prop_assert!(line.chars().count() <= limit);
            prop_assert!(!line.chars().any(text::is_hidden));
            let lines = text::lines(given, limit);
            prop_assert!(lines.chars().count() <= limit);
            prop_assert!(!lines.chars().any(|c| c != '\n' && text::is_hidden(c)));
        }
    }
}
