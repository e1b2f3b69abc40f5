//! The checks on objects that nobody would write: they end, do not panic, and say the same each time.

use boathook::domain::findings::{Settings, check};
use boathook::domain::manifest::Object;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Names that the checks look for, so that random objects get past the first look.
const FIELDS: [&str; 40] = [
    "metadata",
    "annotations",
    "labels",
    "name",
    "generateName",
    "namespace",
    "finalizers",
    "ownerReferences",
    "spec",
    "template",
    "templates",
    "containers",
    "initContainers",
    "container",
    "script",
    "source",
    "command",
    "args",
    "env",
    "envFrom",
    "value",
    "valueFrom",
    "secretKeyRef",
    "configMapRef",
    "volumes",
    "configMap",
    "hostPath",
    "projected",
    "sources",
    "securityContext",
    "capabilities",
    "resources",
    "suspend",
    "backoffLimit",
    "restartPolicy",
    "subjects",
    "argocd.argoproj.io/hook",
    "argocd.argoproj.io/sync-wave",
    "argocd.argoproj.io/sync-options",
    "helm.sh/hook",
];

const TEXTS: [&str; 16] = [
    "",
    "PreSync",
    "PreSync,PostDelete",
    "Skip",
    "pre-install",
    "-9223372036854775808",
    "9223372036854775808",
    "sh",
    "-c",
    "a; b\\",
    "'\"$((",
    "Prune=",
    "=",
    "{{x}}",
    "HookSucceeded",
    "\u{0}é表\u{202e}",
];

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(&TEXTS[..]).prop_map(Value::from),
        ".{0,70}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(&FIELDS[..]), inner), 0..6).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
            }),
        ]
    })
}

fn object() -> impl Strategy<Value = Object> {
    let kinds = prop::sample::select(vec![
        ("batch/v1", "Job"),
        ("v1", "Pod"),
        ("v1", "ConfigMap"),
        ("apps/v1", "Deployment"),
        ("argoproj.io/v1alpha1", "Workflow"),
        ("argoproj.io/v1alpha1", "Application"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ]);
    (kinds, value(), value(), prop::sample::select(&TEXTS[..])).prop_map(|((api_version, kind), meta, spec, hook)| {
        let mut object = json!({"apiVersion": api_version, "kind": kind, "spec": spec});
        if meta.is_object() {
            object["metadata"] = meta;
        } else {
            object["metadata"] = json!({"name": "x", "annotations": {"argocd.argoproj.io/hook": hook}});
        }
        Object::from_json(object).unwrap()
    })
}

proptest! {
    #![proptest_config(crate::cases::cases())]

    #[test]
    fn findings_of_anything_are_total_and_ordered(objects in prop::collection::vec(object(), 0..6), revision in ".{0,12}") {
        let settings = Settings { revision: Some(revision), ..Settings::default() };
        let findings = check(&objects, &settings);
        prop_assert_eq!(&check(&objects, &settings), &findings);
        prop_assert!(findings.is_sorted_by_key(|finding| (finding.severity(), finding.code, finding.object)));
        for finding in &findings {
            prop_assert!(finding.object.is_none_or(|index| index < objects.len()));
            prop_assert!(finding.others.iter().all(|index| *index < objects.len()));
            prop_assert!(!finding.message.is_empty() && !finding.remedy.is_empty());
        }
    }
}
