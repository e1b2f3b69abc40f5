//! Every finding once where it belongs and once where it does not.
#![expect(clippy::needless_pass_by_value, reason = "the rows read better without a reference on each json!")]

use boathook::domain::findings::{Code, Finding, Settings, Severity, check};
use boathook::domain::manifest::Object;
use serde_json::{Value, json};

/// A hook written by the book, changed by a merge patch.
fn hook(patch: Value) -> Value {
    let mut object = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "db-migrate", "annotations": {"argocd.argoproj.io/hook": "PreSync"}},
        "spec": {
            "backoffLimit": 1,
            "activeDeadlineSeconds": 600,
            "template": {"spec": {
                "restartPolicy": "Never",
                "automountServiceAccountToken": false,
                "securityContext": {"runAsNonRoot": true},
                "containers": [{
                    "name": "main",
                    "image": "registry.example/shop/migrate:1.4.2",
                    "command": ["migrate", "up"],
                    "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "128Mi"}},
                }],
            }},
        },
    });
    json_patch::merge(&mut object, &patch);
    object
}

/// The hook with these annotations instead of its own.
fn annotated(annotations: Value) -> Value {
    let mut object = hook(json!({}));
    object["metadata"]["annotations"] = annotations;
    object
}

/// The hook with a changed pod.
fn pod(patch: Value) -> Value {
    hook(json!({"spec": {"template": {"spec": patch}}}))
}

/// The hook with a changed container.
fn container(patch: Value) -> Value {
    let mut object = hook(json!({}));
    json_patch::merge(&mut object["spec"]["template"]["spec"]["containers"][0], &patch);
    object
}

/// The hook without a name, with a generateName.
fn generated(prefix: &str, annotations: Value) -> Value {
    let mut object = annotated(annotations);
    object["metadata"]["name"] = Value::Null;
    object["metadata"]["generateName"] = prefix.into();
    json_patch::merge(&mut object, &json!({"metadata": {"name": null}}));
    object
}

/// Any other object.
fn plain(api_version: &str, kind: &str, name: &str, patch: Value) -> Value {
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}});
    json_patch::merge(&mut object, &patch);
    object
}

fn options(text: &str) -> Value {
    json!({"metadata": {"annotations": {"argocd.argoproj.io/sync-options": text}}})
}

fn findings(objects: &[Value], settings: &Settings) -> Vec<Finding> {
    // Something that is no hook: an application of hooks only is a finding of its own.
    let app = plain("v1", "ConfigMap", "app", json!({}));
    let objects: Vec<Object> =
        objects.iter().chain([&app]).map(|value| Object::from_json(value.clone()).unwrap()).collect();
    check(&objects, settings)
}

fn settings() -> Settings {
    Settings { namespace: "shop".to_owned(), ..Settings::default() }
}

/// `bad` has this finding and no other; `good`, which differs in what matters, does not have it.
#[track_caller]
fn row(code: Code, bad: &[Value], good: &[Value]) {
    row_among(code, &[], bad, good);
}

/// The same, where other findings cannot be avoided.
#[track_caller]
fn row_among(code: Code, others: &[Code], bad: &[Value], good: &[Value]) {
    let found = findings(bad, &settings());
    assert!(found.iter().any(|finding| finding.code == code), "{code} is not found; found: {found:#?}");
    for finding in &found {
        assert!(finding.code == code || others.contains(&finding.code), "not expected: {finding:#?}");
        assert!(!finding.message.contains('\n') && !finding.remedy.is_empty(), "{finding:?}");
    }
    let found = findings(good, &settings());
    assert!(!found.iter().any(|finding| finding.code == code), "{code} is found where it should not be: {found:#?}");
}

#[test]
fn findings_a_hook_written_by_the_book_has_none() {
    assert_eq!(findings(&[hook(json!({}))], &settings()), []);
}

#[test]
fn findings_about_the_kind_of_hook() {
    let kind = |value: &str| annotated(json!({"argocd.argoproj.io/hook": value}));
    let helm = |value: &str| annotated(json!({"helm.sh/hook": value}));
    let both = |argo: &str, helm: &str| annotated(json!({"argocd.argoproj.io/hook": argo, "helm.sh/hook": helm}));
    for misspelt in ["presync", "Presync", "PreSnyc", "", "Garbage", "pre-install"] {
        row(Code::HookMisspelt, &[kind(misspelt)], &[kind("PreSync")]);
    }
    row(Code::HookMisspelt, &[helm("Pre-Install")], &[helm("pre-install,pre-upgrade")]);
    row(Code::HookMisspelt, &[helm("PreSync")], &[helm("post-install,post-upgrade")]);
    row(Code::HookKindIgnored, &[kind("PreSync,postsync")], &[kind("PreSync,PostSync")]);
    row(Code::HookKindIgnored, &[kind("Skip,PreSync")], &[kind("Skip")]);
    row(Code::HookKindIgnored, &[both("PreSync", "post-install")], &[both("PreSync", "pre-install,pre-upgrade")]);
    row(Code::HelmTestHook, &[helm("test")], &[helm("post-install,post-upgrade")]);
    row(Code::HelmRollbackHook, &[helm("pre-rollback")], &[helm("pre-install,pre-upgrade")]);
    row(Code::HelmInstallOnly, &[helm("pre-install")], &[helm("pre-install, pre-upgrade")]);

    let message = |value: &str| findings(&[kind(value)], &settings())[0].message.clone();
    assert_eq!(message("Skip,PostSync"), "Skip is ignored, because PostSync stands beside it: the hook runs");
    assert_eq!(
        message("Skip,PreDelete"),
        "Skip is ignored, because PreDelete stands beside it: the hook runs when the application is deleted"
    );
    let found = findings(&[kind("presync")], &settings());
    assert_eq!(found[0].remedy, "write argocd.argoproj.io/hook: PreSync");
    assert_eq!(
        found[0].message,
        "argocd.argoproj.io/hook: presync is written with the wrong case: the object is dropped without a word"
    );
}

#[test]
fn findings_about_annotations() {
    let hook_with = |key: &str, value: Value| annotated(json!({"argocd.argoproj.io/hook": "PreSync", key: value}));
    let resource_with =
        |key: &str, value: &str| plain("v1", "ConfigMap", "c", json!({"metadata": {"annotations": {key: value}}}));
    let near = ["argocd.argoproj.io/hooks", "argoproj.io/hook", "argocd.argoproj.io/Hook", "argocd.argoproj.com/hook"];
    for key in
        near.into_iter().chain(["argocd.argoproj.io/syncwave", "helm.sh/hooks", "argocd.argoproj.io/sync-option"])
    {
        row(
            Code::AnnotationMisspelt,
            &[resource_with(key, "1")],
            &[resource_with("argocd.argoproj.io/sync-wave", "1")],
        );
    }
    for good in ["argocd.argoproj.io/tracking-id", "helm.sh/chart", "example.org/hook", "argocd.argoproj.io/refresh"] {
        row(Code::AnnotationMisspelt, &[resource_with(near[0], "1")], &[resource_with(good, "1")]);
    }
    let label = json!({"metadata": {"labels": {"argocd.argoproj.io/hook": "PreSync"}}});
    let template = json!({"metadata": {"annotations": {"argocd.argoproj.io/hook": "PreSync"}}});
    row(Code::AnnotationMisplaced, &[plain("v1", "ConfigMap", "c", label.clone())], &[hook(label)]);
    row(
        Code::AnnotationMisplaced,
        &[plain("apps/v1", "Deployment", "d", json!({"spec": {"template": template}}))],
        &[hook(json!({"spec": {"template": template}}))],
    );
    for value in [json!(5), json!(true), json!(null), json!(["PreSync"])] {
        // A merge patch would take null for "remove".
        row(Code::AnnotationNotString, &[hook_with("example.org/a", value)], &[hook_with("example.org/a", json!("5"))]);
    }
    for field in ["annotations", "labels"] {
        for value in [json!(["a"]), json!("a: b"), json!(3)] {
            let with = |value: Value| {
                let mut object = plain("v1", "ConfigMap", "c", json!({}));
                object["metadata"][field] = value;
                object
            };
            row(Code::AnnotationNotString, &[with(value)], &[with(json!({"a": "b"})), with(json!(null))]);
        }
    }
    let hook_at_top = json!({"annotations": {"argocd.argoproj.io/hook": "PreSync"}});
    let hook_in_singular = json!({"metadata": {"annotation": {"argocd.argoproj.io/hook": "PreSync"}}});
    let hook_in_metadata = json!({"metadata": {"argocd.argoproj.io/hook": "PreSync"}});
    for outside in [hook_at_top, hook_in_singular, hook_in_metadata] {
        row(Code::AnnotationMisplaced, &[plain("v1", "ConfigMap", "c", outside.clone())], &[hook(outside)]);
    }
    let wave = |value: &str| hook_with("argocd.argoproj.io/sync-wave", json!(value));
    for bad in ["first", "1.5", " 5", "5s", ""] {
        row(Code::WaveNotInteger, &[wave(bad)], &[wave("-5")]);
    }
    let policy = |value: &str| hook_with("argocd.argoproj.io/hook-delete-policy", json!(value));
    row(Code::DeletePolicyMisspelt, &[policy("BeforeHookCreated")], &[policy("BeforeHookCreation")]);
    row(Code::DeletePolicyMisspelt, &[policy("before-hook-creation")], &[policy("HookSucceeded,BeforeHookCreation")]);
    row(
        Code::DeletePolicyWithoutHook,
        &[resource_with("argocd.argoproj.io/hook-delete-policy", "HookSucceeded")],
        &[policy("BeforeHookCreation")],
    );
    let at = |kind: &str, wave: &str| {
        annotated(json!({"argocd.argoproj.io/hook": kind, "argocd.argoproj.io/sync-wave": wave}))
    };
    row(Code::WaveIgnored, &[at("SyncFail", "2")], &[at("SyncFail", "0")]);
    row(Code::WaveIgnored, &[at("PreDelete", "2")], &[at("PreSync", "2")]);
    row(
        Code::HelmAnnotationIgnored,
        &[hook_with("helm.sh/hook-output-log-policy", json!("hook-failed"))],
        &[hook_with("helm.sh/hook-weight", json!("1"))],
    );
    let keep = json!({"metadata": {"annotations": {"helm.sh/resource-policy": "keep"}}});
    let kept = json!({"metadata": {"annotations": {
        "helm.sh/resource-policy": "keep", "argocd.argoproj.io/sync-options": "Prune=false"}}});
    row(Code::HelmKeepPruned, &[plain("v1", "Secret", "s", keep)], &[plain("v1", "Secret", "s", kept)]);
}

#[test]
fn findings_about_sync_options() {
    let with = |text: &str| plain("v1", "Secret", "s", options(text));
    for bad in ["Prune=fales", "Prune=False", "prune=false", "Prune = false", "PruneLats=true", "Replace=yes"] {
        row(Code::SyncOptionMisspelt, &[with(bad)], &[with("Prune=false,Replace=true,PruneLast=true")]);
    }
    row(Code::SyncOptionUnknown, &[with("SkipSchemaValidation=true")], &[with("Validate=false")]);
    row(Code::SyncOptionNoEffect, &[with("CreateNamespace=true")], &[with("ServerSideApply=true")]);
    let application = |option: &str| {
        plain("argoproj.io/v1alpha1", "Application", "a", json!({"spec": {"syncPolicy": {"syncOptions": [option]}}}))
    };
    row(Code::SyncOptionMisspelt, &[application("CreateNamespaces=true")], &[application("CreateNamespace=true")]);
    row(Code::PruneConfirm, &[with("Prune=confirm")], &[with("Prune=false")]);
    row(Code::ForceReplace, &[with("Force=true,Replace=true")], &[with("Replace=true")]);
    let job = json!({"metadata": {"annotations": {
        "argocd.argoproj.io/hook": null, "argocd.argoproj.io/sync-options": "Force=true,Replace=true"}}});
    row(Code::ForceReplace, &[with("Force=true")], &[hook(job)]);

    let operation = Settings { sync_options: vec!["ServerSideaplly=true".to_owned()], ..settings() };
    let found = findings(&[], &operation);
    assert_eq!((found[0].code, found[0].object), (Code::SyncOptionMisspelt, None));
    assert_eq!(found[0].remedy, "write ServerSideApply=true");
}

#[test]
fn findings_about_names() {
    let named = |name: &str| hook(json!({"metadata": {"name": name}}));
    let only_hook = |kind: &str| json!({"argocd.argoproj.io/hook": kind});
    let removed = json!({"argocd.argoproj.io/hook": "PostSync", "argocd.argoproj.io/hook-delete-policy":
        "BeforeHookCreation,HookSucceeded"});
    row(Code::NameMissing, &[hook(json!({"metadata": {"name": null}}))], &[named("a")]);
    row(
        Code::NameMissing,
        &[plain("v1", "ConfigMap", "", json!({"metadata": {"name": null, "generateName": "a-"}}))],
        &[generated("a-", removed.clone())],
    );
    row(Code::NameTooLong, &[named(&"a".repeat(64))], &[named(&"a".repeat(63))]);
    // "-postsync-", ten digits and seven of the commit: 27 characters.
    row(
        Code::NameTooLong,
        &[generated(&"a".repeat(37), removed.clone())],
        &[generated(&"a".repeat(36), removed.clone())],
    );
    row(
        Code::NameTooLong,
        &[plain("batch/v1", "CronJob", &"c".repeat(53), json!({}))],
        &[plain("v1", "ConfigMap", &"c".repeat(253), json!({}))],
    );
    row(Code::NameInvalid, &[named("DB_Migrate")], &[named("db.migrate-1")]);
    row(
        Code::NameInvalid,
        &[plain("v1", "ConfigMap", "system:x", json!({}))],
        &[plain("rbac.authorization.k8s.io/v1", "ClusterRole", "system:x", json!({}))],
    );
    row(
        Code::NameInvalid,
        &[plain("v1", "Namespace", "a.b", json!({}))],
        &[plain("v1", "ConfigMap", "a.b", json!({})), plain("v1", "Namespace", "a-b", json!({}))],
    );
    row(
        Code::NameInvalid,
        &[plain("v1", "ConfigMap", "c", json!({"metadata": {"namespace": true}}))],
        &[plain("v1", "ConfigMap", "c", json!({"metadata": {"namespace": "true"}}))],
    );
    row(
        Code::NameInvalid,
        &[plain("v1", "ConfigMap", "c", json!({"metadata": {"namespace": ["x"]}}))],
        &[plain("v1", "ConfigMap", "c", json!({"metadata": {"namespace": "x"}}))],
    );
    row(
        Code::NameInvalid,
        &[plain("v1", "ConfigMap", "c", json!({"metadata": {"namespace": "Shop"}}))],
        &[plain("v1", "ConfigMap", "c", json!({"metadata": {"namespace": ""}}))],
    );
    let smoke = generated("smoke-", removed.clone());
    let of_chart = |revision: &str| {
        let settings = Settings { revision: Some(revision.to_owned()), ..settings() };
        findings(std::slice::from_ref(&smoke), &settings)
    };
    assert_eq!(of_chart("1.2.3"), []);
    assert_eq!(of_chart("1.2+b")[0].code, Code::NameInvalid);

    row(
        Code::HookNameCollision,
        &[generated("a-", removed.clone()), generated("a-", removed.clone())],
        &[generated("a-", removed.clone()), generated("b-", removed.clone())],
    );
    let mut before = generated("a-", removed.clone());
    before["metadata"]["annotations"]["argocd.argoproj.io/hook"] = "PreSync".into();
    row(
        Code::HookNameCollision,
        &[generated("a-", removed.clone()), generated("a-", removed.clone())],
        &[before, generated("a-", removed)],
    );
    let config = |namespace: &str| plain("v1", "ConfigMap", "c", json!({"metadata": {"namespace": namespace}}));
    row(Code::DuplicateObject, &[config("shop"), config("")], &[config("shop"), config("other")]);
    row(Code::DuplicateObject, &[named("a"), named("a")], &[named("a"), named("b")]);
    row_among(
        Code::DeleteHookGenerateName,
        &[],
        &[generated("a-", only_hook("PreDelete"))],
        &[annotated(only_hook("PreDelete"))],
    );
}

/// Findings that name other objects name a few: all of all would be millions here.
#[test]
fn findings_that_join_objects_do_not_grow_with_their_square() {
    let only = |kind: &str| json!({"argocd.argoproj.io/hook": kind});
    let mut objects: Vec<Value> = Vec::new();
    for index in 0..1000 {
        objects.push(plain("v1", "ConfigMap", "same", json!({})));
        objects.push(generated("same-", only("PreSync")));
        let mut own = hook(json!({"metadata": {"name": format!("h{index}")}}));
        own["spec"]["template"]["spec"]["serviceAccountName"] = "migrator".into();
        objects.push(own);
        let to = json!({"subjects": [{"kind": "ServiceAccount", "name": "migrator"}]});
        objects.push(plain("rbac.authorization.k8s.io/v1", "RoleBinding", &format!("b{index}"), to));
    }
    let found = findings(&objects, &settings());
    for code in [Code::DuplicateObject, Code::HookNameCollision, Code::NeedsLaterRights] {
        assert!(found.iter().filter(|finding| finding.code == code).count() >= 999, "{code}");
    }
    assert!(found.iter().all(|finding| finding.others.len() <= 1));
}

#[test]
fn findings_about_what_a_hook_is() {
    let hooked = |api_version: &str, kind: &str| {
        plain(api_version, kind, "x", json!({"metadata": {"annotations": {"argocd.argoproj.io/hook": "PreSync"}}}))
    };
    let resource = |api_version: &str, kind: &str| plain(api_version, kind, "x", json!({}));
    row(Code::HookDestroysData, &[hooked("v1", "PersistentVolumeClaim")], &[resource("v1", "PersistentVolumeClaim")]);
    row(Code::HookDestroysData, &[hooked("v1", "Namespace")], &[hook(json!({}))]);
    row(Code::HookLongRunning, &[hooked("apps/v1", "Deployment")], &[resource("apps/v1", "Deployment")]);
    row(Code::HookOnSchedule, &[hooked("batch/v1", "CronJob")], &[resource("batch/v1", "CronJob")]);
    row(Code::HookRecreated, &[hooked("v1", "ConfigMap")], &[resource("v1", "ConfigMap")]);
    row(
        Code::HookOwned,
        &[hook(json!({"metadata": {"ownerReferences": [{"kind": "Job", "name": "x"}]}}))],
        &[hook(json!({"metadata": {"ownerReferences": []}}))],
    );
    row(
        Code::HookFinalizer,
        &[hook(json!({"metadata": {"finalizers": ["example.org/keep"]}}))],
        &[hook(json!({"metadata": {"finalizers": ["argocd.argoproj.io/hook-finalizer"]}}))],
    );
    let bare = |restart: Value| {
        let mut pod = hook(json!({}));
        pod["apiVersion"] = "v1".into();
        pod["kind"] = "Pod".into();
        pod["spec"] = pod["spec"]["template"]["spec"].take();
        json_patch::merge(&mut pod, &json!({"spec": {"activeDeadlineSeconds": 60, "restartPolicy": restart}}));
        pod
    };
    row(Code::PodHookRestarts, &[bare(json!("Always"))], &[bare(json!("OnFailure"))]);
    row(Code::PodHookRestarts, &[bare(json!(null))], &[bare(json!("Never"))]);
    row(Code::RestartPolicyInvalid, &[pod(json!({"restartPolicy": null}))], &[pod(json!({"restartPolicy": "Never"}))]);
    row(Code::HookRestartsInPlace, &[pod(json!({"restartPolicy": "OnFailure"}))], &[hook(json!({}))]);
    row(Code::HookSuspended, &[hook(json!({"spec": {"suspend": true}}))], &[hook(json!({"spec": {"suspend": false}}))]);
    row(
        Code::HookNoDeadline,
        &[hook(json!({"spec": {"activeDeadlineSeconds": null}}))],
        &[hook(json!({"spec": {"activeDeadlineSeconds": 30}}))],
    );
    row(
        Code::HookManyRetries,
        &[hook(json!({"spec": {"backoffLimit": null}}))],
        &[hook(json!({"spec": {"backoffLimit": 3}}))],
    );
    row(
        Code::HookManyRetries,
        &[hook(json!({"spec": {"backoffLimit": 10}}))],
        &[hook(json!({"spec": {"backoffLimit": 0}}))],
    );
    let no_hook = json!({"metadata": {"annotations": {"argocd.argoproj.io/hook": null}}});
    let mut expires = no_hook.clone();
    expires["spec"] = json!({"ttlSecondsAfterFinished": 60});
    row(Code::JobWithoutHook, &[hook(no_hook)], &[hook(json!({}))]);
    row_among(
        Code::JobExpires,
        &[Code::JobWithoutHook],
        &[hook(expires)],
        &[hook(json!({"spec": {"ttlSecondsAfterFinished": 60}}))],
    );
}

#[test]
fn findings_about_delete_policies() {
    let policy = |value: &str| {
        annotated(json!({"argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/hook-delete-policy": value}))
    };
    let twice = |value: &str| {
        annotated(
            json!({"argocd.argoproj.io/hook": "PreSync,PostSync", "argocd.argoproj.io/hook-delete-policy": value}),
        )
    };
    let anew = |value: &str| {
        generated("a-", json!({"argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/hook-delete-policy": value}))
    };
    row(Code::HookSticksAfterFailure, &[policy("HookSucceeded")], &[policy("HookSucceeded,BeforeHookCreation")]);
    row(Code::HookSticksAfterFailure, &[anew("HookSucceeded")], &[anew("HookSucceeded,BeforeHookCreation")]);
    row_among(
        Code::HookSkippedAfterSuccess,
        &[Code::LogLost],
        &[policy("HookFailed")],
        &[policy("BeforeHookCreation")],
    );
    row_among(
        Code::HookSkippedAfterSuccess,
        &[Code::HookSticksAfterFailure],
        &[twice("HookSucceeded")],
        &[twice("BeforeHookCreation")],
    );
    row(Code::HookPilesUp, &[anew("BeforeHookCreation")], &[anew("BeforeHookCreation,HookSucceeded")]);
    row(Code::LogLost, &[policy("BeforeHookCreation,HookFailed")], &[policy("BeforeHookCreation")]);
    let deleted = |policy: &str| {
        annotated(json!({"argocd.argoproj.io/hook": "PostDelete", "argocd.argoproj.io/hook-delete-policy": policy}))
    };
    row(Code::DeleteHookStays, &[deleted("BeforeHookCreation")], &[deleted("HookSucceeded")]);
}

#[test]
fn findings_about_the_order() {
    let uses = |field: &str, name: &str| container(json!({"envFrom": [{field: {"name": name}}]}));
    let config =
        |annotations: Value| plain("v1", "ConfigMap", "settings", json!({"metadata": {"annotations": annotations}}));
    let early = json!({"argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/sync-wave": "-1"});
    row(
        Code::NeedsLaterObject,
        &[uses("configMapRef", "settings"), config(json!({}))],
        &[uses("configMapRef", "settings"), config(early)],
    );
    row(
        Code::NeedsLaterObject,
        &[uses("configMapRef", "app")],
        &[uses("configMapRef", "somebody-elses"), config(json!({}))],
    );
    row(
        Code::NeedsLaterObject,
        &[pod(json!({"volumes": [{"secret": {"secretName": "s"}}]})), plain("v1", "Secret", "s", json!({}))],
        &[
            pod(json!({"volumes": [{"secret": {"secretName": "s", "optional": true}}]})),
            plain("v1", "Secret", "s", json!({})),
        ],
    );
    row(
        Code::NeedsLaterObject,
        &[pod(json!({"serviceAccountName": "migrator"})), plain("v1", "ServiceAccount", "migrator", json!({}))],
        &[
            pod(json!({"serviceAccountName": "migrator"})),
            plain("v1", "ServiceAccount", "migrator", json!({"metadata": {"namespace": "other"}})),
        ],
    );
    // Not only hooks: the first wave waits for a workload that waits for the second wave.
    let web = |wave: &str| {
        plain(
            "apps/v1",
            "Deployment",
            "web",
            json!({
                "metadata": {"annotations": {"argocd.argoproj.io/sync-wave": wave}},
                "spec": {"template": {"spec": {"containers": [{"name": "a", "env": [
                    {"name": "X", "valueFrom": {"configMapKeyRef": {"name": "app", "key": "x"}}}]}]}}},
            }),
        )
    };
    row(Code::NeedsLaterObject, &[web("-1")], &[web("0")]);

    let binding = |annotations: Value| {
        plain(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            "b",
            json!({
                "metadata": {"annotations": annotations},
                "subjects": [{"kind": "ServiceAccount", "name": "migrator"}],
            }),
        )
    };
    row(
        Code::NeedsLaterRights,
        &[pod(json!({"serviceAccountName": "migrator"})), binding(json!({}))],
        &[pod(json!({"serviceAccountName": "migrator"})), binding(json!({"argocd.argoproj.io/hook": "PreSync"}))],
    );
}

#[test]
fn findings_about_pods_and_scripts() {
    row(Code::ImageMutable, &[container(json!({"image": "busybox"}))], &[container(json!({"image": "busybox:1.36"}))]);
    row(
        Code::ImageMutable,
        &[container(json!({"image": "busybox:latest"}))],
        &[container(json!({"image": "busybox:latest@sha256:0123456789abcdef"}))],
    );
    let context = |context: Value| container(json!({"securityContext": context}));
    row(Code::HookPrivileged, &[context(json!({"privileged": true}))], &[context(json!({"privileged": false}))]);
    row(
        Code::HookPrivileged,
        &[context(json!({"capabilities": {"add": ["SYS_ADMIN"]}}))],
        &[context(json!({"capabilities": {"add": ["NET_BIND_SERVICE"]}}))],
    );
    row(Code::HookRunsAsRoot, &[context(json!({"runAsUser": 0}))], &[context(json!({"runAsUser": 1000}))]);
    row(Code::MayRunAsRoot, &[pod(json!({"securityContext": null}))], &[context(json!({"runAsNonRoot": true}))]);
    row(Code::HookHostAccess, &[pod(json!({"hostNetwork": true}))], &[pod(json!({"hostNetwork": false}))]);
    row(
        Code::HookHostAccess,
        &[pod(json!({"volumes": [{"name": "x", "hostPath": {"path": "/var/run"}}]}))],
        &[pod(json!({"volumes": [{"name": "x", "emptyDir": {}}]}))],
    );
    let variable = |name: &str, value: &str| container(json!({"env": [{"name": name, "value": value}]}));
    row(Code::SecretInManifest, &[variable("DB_PASSWORD", "hunter2")], &[variable("DB_PASSWORD", "$(OTHER)")]);
    row(Code::SecretInManifest, &[variable("API_TOKEN", "x")], &[variable("TOKEN_COUNT", "3")]);
    row(
        Code::TokenMounted,
        &[pod(json!({"automountServiceAccountToken": null}))],
        &[pod(json!({"automountServiceAccountToken": null, "serviceAccountName": "migrator"}))],
    );
    row(
        Code::TokenMounted,
        &[pod(json!({"automountServiceAccountToken": true}))],
        &[
            pod(json!({"automountServiceAccountToken": null})),
            plain("v1", "ServiceAccount", "default", json!({"automountServiceAccountToken": false})),
        ],
    );
    row(
        Code::NoResources,
        &[container(json!({"resources": null}))],
        &[container(json!({"resources": {"requests": null}}))],
    );
    let script = |text: &str| container(json!({"command": ["sh", "-c"], "args": [text]}));
    row(Code::ErrorsIgnored, &[script("migrate up\nmigrate check")], &[script("set -e\nmigrate up\nmigrate check")]);
    row(
        Code::UnsafeRerun,
        &[script("psql -c 'create table users (id int)'")],
        &[script("psql -c 'create table if not exists users (id int)'")],
    );
    // Its value stays where it is.
    let found = findings(&[variable("DB_PASSWORD", "hunter2")], &settings());
    assert!(!format!("{found:?}").contains("hunter2"));
}

#[test]
fn findings_about_the_whole() {
    let only = [Object::from_json(hook(json!({}))).unwrap()];
    let codes = |objects: &[Object], settings: &Settings| -> Vec<Code> {
        check(objects, settings).iter().map(|finding| finding.code).collect()
    };
    assert_eq!(codes(&only, &settings()), [Code::HooksOnly]);
    assert_eq!(codes(&[], &settings()), []);
    let without_hooks = Settings { without_hooks: true, ..settings() };
    let found = findings(&[hook(json!({}))], &without_hooks);
    assert_eq!((found[0].code, &found[0].others[..]), (Code::HooksNotRun, &[0][..]));
}

#[test]
fn findings_of_a_workflow_look_into_its_templates() {
    let workflow = |image: &str| {
        plain(
            "argoproj.io/v1alpha1",
            "Workflow",
            "w",
            json!({
                "metadata": {"annotations": {"argocd.argoproj.io/hook": "PreSync"}},
                "spec": {
                    "activeDeadlineSeconds": 60,
                    "securityContext": {"runAsNonRoot": true},
                    "templates": [{"name": "main", "container": {
                        "name": "main", "image": image, "resources": {"limits": {"memory": "1Mi"}}}}],
                },
            }),
        )
    };
    row(Code::ImageMutable, &[workflow("busybox")], &[workflow("busybox:1.36")]);
}

#[test]
fn findings_codes_are_unique_and_can_be_read_back() {
    let mut texts: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    for code in Code::ALL {
        assert_eq!(code.as_str().parse(), Ok(*code));
        assert!(code.as_str().len() <= 26 && code.summary().len() <= 100, "{code}");
        for text in [code.summary(), code.remedy()] {
            assert!(!text.ends_with('.') && !text.contains('\n'), "{code}: {text}");
        }
        assert!(code.why().ends_with('.'), "{code}");
    }
    assert!("no-such-code".parse::<Code>().is_err());
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), Code::ALL.len());
    let severities: Vec<Severity> = Code::ALL.iter().map(|code| code.severity()).collect();
    assert!(severities.is_sorted(), "the catalogue shows errors first");
}

/// A code that no row above names is a code that nobody has seen found.
#[test]
fn findings_each_code_has_a_row() {
    let rows = include_str!("findings.rs");
    for code in Code::ALL {
        assert!(rows.contains(&format!("Code::{code:?}")), "{code} has no row");
    }
}
