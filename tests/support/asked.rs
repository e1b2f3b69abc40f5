//! Applications, and for each kind of request one for which it makes sense.

use boathook::domain::request::{AutoSync, Confirmation, HookJob, Request};
use serde_json::{Value, json};

/// A revision that was deployed.
pub(crate) const REVISION: &str = "1111111111111111111111111111111111111111";

/// An Application that has been synced.
pub(crate) fn app(name: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": { "name": name, "namespace": "argocd" },
        "spec": {
            "project": "default",
            "source": { "repoURL": "https://git.example.com/team/deploy.git", "path": name, "targetRevision": "main" },
            "destination": { "server": "https://kubernetes.default.svc", "namespace": "shop" },
            "syncPolicy": { "syncOptions": ["CreateNamespace=true"], "retry": { "limit": 2, "backoff": { "duration": "5s", "factor": 2, "maxDuration": "3m" } } },
        },
        "status": {
            "sync": { "status": "Synced", "revision": "6f1c0aa000000000000000000000000000000000" },
            "health": { "status": "Healthy" },
            "operationState": {
                "phase": "Succeeded", "startedAt": "2026-11-22T10:00:00Z", "finishedAt": "2026-11-22T10:00:09Z",
                "operation": { "sync": { "syncStrategy": { "hook": {} } } },
            },
        },
    })
}

/// An Application whose operation runs, with the results of its hooks.
pub(crate) fn running(name: &str, results: &Value) -> Value {
    let mut app = app(name);
    let operation = json!({ "initiatedBy": { "username": "alice" }, "sync": { "revision": "6f1c0aa000000000000000000000000000000000", "syncStrategy": { "hook": {} } } });
    app["operation"] = operation.clone();
    app["status"]["operationState"] = json!({
        "phase": "Running", "startedAt": "2026-11-22T11:00:00Z", "operation": operation,
        "message": "waiting for completion of hook batch/Job/migrate",
        "syncResult": { "revision": "6f1c0aa000000000000000000000000000000000", "resources": results },
    });
    app
}

/// What an operation says of a hook's Job.
pub(crate) fn hook_result(name: &str, phase: &str) -> Value {
    json!({ "group": "batch", "version": "v1", "kind": "Job", "namespace": "shop", "name": name, "status": "Synced",
        "hookType": "PreSync", "hookPhase": phase, "syncPhase": "PreSync", "message": "" })
}

/// Its last operation has failed, of which one hook had succeeded, and there is a history. The engine has noted of which
/// manifests it was.
pub(crate) fn failed() -> Value {
    let mut failed = app("a");
    failed["status"]["operationState"]["phase"] = json!("Failed");
    failed["status"]["operationState"]["operation"]["info"] =
        json!([{ "name": "boathook.dev/manifests", "value": "sha256:1" }]);
    failed["status"]["operationState"]["syncResult"] =
        json!({ "revision": REVISION, "resources": [hook_result("migrate", "Succeeded")] });
    failed["status"]["history"] = json!([{ "id": 3, "revision": REVISION,
        "source": { "repoURL": "https://git.example.com/team/deploy.git", "path": "a" }, "deployedAt": "2026-11-21T10:00:00Z" }]);
    failed
}

/// Its operation runs.
pub(crate) fn busy() -> Value {
    running("a", &json!([hook_result("migrate", "Running")]))
}

/// Its operation was requested, never to be carried out.
pub(crate) fn ghost() -> Value {
    let mut ghost = busy();
    ghost.as_object_mut().unwrap().remove("operation");
    ghost
}

/// It syncs by itself.
pub(crate) fn automated() -> Value {
    let mut automated = app("a");
    automated["spec"]["syncPolicy"]["automated"] = json!({ "prune": true });
    automated
}

/// It is being deleted.
pub(crate) fn deleting() -> Value {
    let mut deleting = app("a");
    deleting["metadata"]["deletionTimestamp"] = json!("2026-11-22T11:30:00Z");
    deleting["metadata"]["finalizers"] = json!(["resources-finalizer.argocd.argoproj.io"]);
    deleting
}

/// The Job of its hook.
pub(crate) fn hook(namespace: &str) -> HookJob {
    HookJob { namespace: namespace.to_owned(), name: "migrate".to_owned(), uid: String::new() }
}

/// Each kind of request that Argo CD's controller takes too, with an application for which it makes sense and whose hooks
/// are in this namespace.
pub(crate) fn kinds(namespace: &str) -> Vec<(Value, Request)> {
    vec![
        (app("a"), Request::Sync(Box::default())),
        (failed(), Request::Retry),
        (failed(), Request::Rollback { id: 3, prune: true, hooks: false }),
        (failed(), Request::Rollback { id: 3, prune: false, hooks: true }),
        (app("a"), Request::Refresh { hard: false }),
        (app("a"), Request::Refresh { hard: true }),
        (app("a"), Request::AutoSync(AutoSync::On { prune: None, self_heal: Some(true) })),
        (automated(), Request::AutoSync(AutoSync::Off)),
        (busy(), Request::Abort),
        (busy(), Request::Confirm(Confirmation::Prune)),
        (deleting(), Request::Confirm(Confirmation::Delete)),
        (ghost(), Request::RepairGhost),
        (busy(), Request::FailHook(hook(namespace))),
        (busy(), Request::RerunHook { hook: hook(namespace), why: "flaky".into() }),
    ]
}
