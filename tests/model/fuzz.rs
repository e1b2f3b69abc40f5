//! Fuzzing of what reads: bytes, and valid inputs that were damaged. Nothing panics or hangs, what is wrong is
//! reported, and the two ways to the compact form of an Application agree.

use std::sync::LazyLock;

use boathook::domain::application::{AppSummary, Application};
use boathook::domain::manifest::{Manifests, read};
use boathook::domain::operation::{Operation, OperationState};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::recordings::applications;

fn config() -> ProptestConfig {
    let cases = std::env::var("BOATHOOK_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(256);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Recorded Applications, and one with everything.
static APPLICATIONS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let mut all: Vec<Value> = applications().into_iter().map(|event| event.object).step_by(7).collect();
    all.push(everything());
    all
});

fn everything() -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "checkout", "namespace": "argocd", "uid": "u", "resourceVersion": "12", "generation": 3,
            "creationTimestamp": "2026-08-23T10:00:00Z", "deletionTimestamp": "2026-08-23T11:00:00Z",
            "finalizers": ["resources-finalizer.argocd.argoproj.io"], "labels": {"team": "shop", "tier": "web"},
            "annotations": {"argocd.argoproj.io/refresh": "hard", "argocd.argoproj.io/skip-reconcile": "true", "x": "y"}},
        "operation": {"initiatedBy": {"username": "alice"}, "retry": {"limit": 2}, "sync": {"dryRun": true}},
        "spec": {"project": "shop", "source": {"repoURL": "https://git.example.com/a", "path": "p", "targetRevision": "main"},
            "sources": [{"repoURL": "https://git.example.com/b", "chart": "c", "targetRevision": "1.2.3"}, {"ref": "values"}],
            "sourceHydrator": {"drySource": {"repoURL": "d", "path": "e", "targetRevision": "f"},
                "syncSource": {"targetBranch": "g", "path": "h"}},
            "destination": {"server": "https://kubernetes.default.svc", "name": "", "namespace": "shop"},
            "syncPolicy": {"automated": {"enabled": true, "prune": true, "selfHeal": true, "allowEmpty": false},
                "syncOptions": ["CreateNamespace=true"], "retry": {"limit": 5}}},
        "status": {"sync": {"status": "OutOfSync", "revision": "", "revisions": ["6f1c0aa", "fdc92ea5173de228eba52f2c8b4938d2d653dbf3"]},
            "health": {"status": "Degraded", "message": "m"}, "reconciledAt": "2026-08-23T10:02:00Z",
            "conditions": [{"type": "SyncError", "message": "x"}, {"type": "ComparisonError"}],
            "history": [{"id": 1, "revision": "a"}], "resources": [{"kind": "Service", "name": "web", "status": "Synced"}],
            "operationState": {"phase": "Running", "startedAt": "2026-08-23T10:00:00Z", "finishedAt": "2026-08-23T10:01:00Z",
                "retryCount": 1, "message": "one or more …", "operation": {"initiatedBy": {"automated": true}, "retry": {"limit": -1}},
                "syncResult": {"revision": "b", "resources": [
                    {"kind": "Job", "name": "backup", "hookType": "PreSync", "hookPhase": "Succeeded", "syncPhase": "PreSync"},
                    {"kind": "Job", "name": "migrate", "hookType": "PreSync", "hookPhase": "Failed", "syncPhase": "PreSync"},
                    {"kind": "Service", "name": "web", "status": "SyncFailed", "syncPhase": "Sync"},
                    {"kind": "Job", "name": "late", "hookType": "PostSync", "hookPhase": "Running"}]}}}
    })
}

/// One damage to a JSON value.
#[derive(Debug, Clone)]
enum Damage {
    Replace(Value),
    Remove,
    Wrap,
}

fn damage() -> impl Strategy<Value = (Index, Damage)> {
    let wrong = vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e300),
        json!(""),
        json!("x"),
        json!("Running"),
        json!("Succeeded"),
        json!("true"),
        json!("2026-08-23T10:00:00.5+02:00"),
        json!("fdc92ea5173de228eba52f2c8b4938d2d653dbf3"),
        json!("\u{0}\u{1b}[31m\u{202e}é"),
        json!([]),
        json!([1, "a", {}, null]),
        json!({}),
        json!({"a": {"b": [1]}}),
        json!("é".repeat(700)),
    ];
    let damage =
        prop_oneof![6 => select(wrong).prop_map(Damage::Replace), 1 => Just(Damage::Remove), 1 => Just(Damage::Wrap)];
    (any::<Index>(), damage)
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

/// Damages the value at a position of a walk through all of it; the position is counted down.
fn apply(value: &mut Value, at: &mut usize, damage: &Damage) -> bool {
    if *at == 0 {
        match damage {
            Damage::Replace(other) => value.clone_from(other),
            Damage::Remove => *value = Value::Null,
            Damage::Wrap => *value = Value::Array(vec![value.take()]),
        }
        return true;
    }
    *at -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| apply(item, at, damage)),
        Value::Object(map) => map.values_mut().any(|item| apply(item, at, damage)),
        _ => false,
    }
}

fn damaged() -> impl Strategy<Value = Value> {
    let damages = prop::collection::vec(damage(), 0..6);
    (any::<Index>(), damages).prop_map(|(which, damages)| {
        let mut value = which.get(&APPLICATIONS).clone();
        for (at, damage) in damages {
            let mut at = at.index(count(&value));
            apply(&mut value, &mut at, &damage);
        }
        value
    })
}

/// Bytes of a text, some of them changed, doubled or cut off.
fn damaged_bytes(text: String) -> impl Strategy<Value = Vec<u8>> {
    let edits = prop::collection::vec((any::<Index>(), any::<u8>(), 0..4_u8), 1..8);
    edits.prop_map(move |edits| {
        let mut bytes = text.clone().into_bytes();
        for (at, byte, kind) in edits {
            let at = at.index(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
            match kind {
                _ if bytes.is_empty() => bytes.push(byte),
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.drain(at..(at + usize::from(byte)).min(bytes.len()))),
                _ => bytes.extend_from_within(at..(at + usize::from(byte)).min(bytes.len())),
            }
        }
        bytes
    })
}

fn manifest() -> impl Strategy<Value = String> {
    let texts = vec![
        include_str!("../cases/waves/00-pre.yaml"),
        include_str!("../cases/article/app.yaml"),
        include_str!("../cases/helm/templates/pre.yaml"),
        "apiVersion: v1\nkind: List\nitems:\n- &a {apiVersion: v1, kind: ConfigMap, data: {<<: &b {x: 0755}, y: *b}}\n- *a\n---\nx: |\n  1\n",
        "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"data\": {\"a\": [1, 1.5, null]}}\n{\"apiVersion\": \"v1\"}\n",
    ];
    select(texts).prop_map(str::to_owned)
}

/// What always holds of what was read.
fn check(bytes: &[u8], read: &Manifests) {
    // To YAML a lone carriage return ends a line too.
    let lines = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() + 1;
    for manifest in &read.objects {
        assert!(!manifest.object.kind().is_empty() && !manifest.object.api_version().is_empty());
        assert!((1..=lines).contains(&manifest.place.line), "{}", manifest.place);
    }
    for error in &read.errors {
        assert!((1..=lines).contains(&error.line) && error.column > 0, "{error}");
        assert!(error.to_string().len() < 2_000, "an error is bounded: {error}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn fuzz_damaged_applications_are_read_the_same_in_both_ways(value in damaged()) {
        let (full, _) = Application::from_json("c", &value);
        let compact = AppSummary::from_json("c", value.to_string().as_bytes()).unwrap();
        prop_assert_eq!(&compact, &AppSummary::of(&full));
        prop_assert_eq!(compact.busy, full.is_busy());
        prop_assert_eq!(compact.is_done(), full.is_done());
        prop_assert_eq!(compact.has_ghost_operation(), full.has_ghost_operation());
        prop_assert_eq!(compact.is_pending(), full.is_pending());
        prop_assert_eq!(compact.is_waiting_for_retry(), full.is_waiting_for_retry());
        prop_assert_eq!(compact.automated, full.spec.is_automated());
        // From a value too, as a watch that has to look ahead gives it.
        let from_value: AppSummary = serde_json::from_value(value).unwrap();
        prop_assert_eq!(from_value.in_cluster("c"), compact);
    }

    #[test]
    fn fuzz_damaged_bytes_of_applications(bytes in any::<Index>().prop_flat_map(|which| damaged_bytes(which.get(&APPLICATIONS).to_string()))) {
        let compact = AppSummary::from_json("c", &bytes);
        if let Ok(value) = serde_json::from_slice::<Value>(&bytes) {
            prop_assert_eq!(compact.unwrap(), AppSummary::of(&Application::from_json("c", &value).0));
        }
    }

    #[test]
    fn fuzz_written_operations_are_read_the_same(value in damaged()) {
        let (operation, _) = Operation::from_json(&value["operation"]);
        prop_assert_eq!(&Operation::from_json(&operation.to_json()).0, &operation);
        let (mut state, _) = OperationState::from_json(&value["status"]["operationState"]);
        // Times are written in whole seconds, as Kubernetes has them.
        for time in [&mut state.started_at, &mut state.finished_at].into_iter().flatten() {
            *time = jiff::Timestamp::from_second(time.as_second()).unwrap();
        }
        let (again, problems) = OperationState::from_json(&state.to_json());
        prop_assert_eq!(again, state);
        prop_assert!(problems.is_empty(), "{:?}", problems);
        let _ = operation.retry.wait(1);
    }

    #[test]
    fn fuzz_manifests_of_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check(&bytes, &read("fuzz", &bytes));
        let _ = AppSummary::from_json("c", &bytes);
    }

    #[test]
    fn fuzz_manifests_of_any_text(text in "[ \\t\\r\\na-c0-9:{}\\[\\],&*!|>'\"#%@<?~._-]{0,200}") {
        check(text.as_bytes(), &read("fuzz", text.as_bytes()));
    }

    #[test]
    fn fuzz_damaged_manifests(bytes in manifest().prop_flat_map(damaged_bytes)) {
        check(&bytes, &read("fuzz", &bytes));
    }

    /// Any object survives being written as JSON, and as YAML by the writer whose output may go to kubectl.
    #[test]
    fn fuzz_written_manifests_are_read_the_same(value in damaged()) {
        let mut value = value;
        if !value.is_object() {
            value = json!({});
        }
        value["apiVersion"] = json!("v1");
        value["kind"] = json!("Thing");
        value["metadata"] = json!({"name": "x"});
        let of_json = read("json", value.to_string().as_bytes());
        prop_assert!(of_json.errors.is_empty(), "{:?}", of_json.errors);
        let yaml = serde_saphyr::to_string(&value).unwrap();
        let of_yaml = read("yaml", yaml.as_bytes());
        prop_assert!(of_yaml.errors.is_empty(), "{:?}\n{}", of_yaml.errors, yaml);
        prop_assert_eq!(of_json.objects[0].object.as_json(), of_yaml.objects[0].object.as_json(), "{}", yaml);
    }
}
