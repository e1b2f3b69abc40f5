//! One application with all there is to be read about it: commits, resources, history, events, and a plan.

use std::sync::Arc;

use boathook::domain::application::AppKey;
use boathook::domain::live::{
    ChangedFile, ChangedObject, CommitSummary, FileStatus, KubernetesEvent, LiveEvent, ObjectChange, OperationRecord,
    Review, RevisionNames, Revisions, SourceRevisions, TaskRecord,
};
use boathook::domain::manifest::Object;
use boathook::domain::operation::SyncRequest;
use boathook::domain::plan::{Kinds, Permission, PlanInput, plan};
use serde_json::{Value, json};

use super::fleet::now;
use super::harness::{CLUSTER, Screen, object, time};

pub(crate) const DEPLOYED: &str = "9ab12cd000000000000000000000000000000000";
pub(crate) const TARGET: &str = "6f1c0aa000000000000000000000000000000000";
pub(crate) const MOVED: &str = "c0ffee1000000000000000000000000000000000";

pub(crate) fn key() -> AppKey {
    AppKey::new(CLUSTER, "argocd", "checkout")
}

fn commit(sha: &str, subject: &str, author: &str, when: &str) -> CommitSummary {
    CommitSummary {
        sha: sha.to_owned(),
        subject: subject.to_owned(),
        body: "Coupons are checked before the total is rounded.\n\nReviewed-by: Grace".to_owned(),
        author: author.to_owned(),
        time: Some(time(when)),
        names: if sha == TARGET { vec!["main".to_owned(), "v1.8.0".to_owned()] } else { Vec::new() },
    }
}

/// The application as the cluster has it. `automated`: Argo CD syncs it by itself.
pub(crate) fn application(phase: &str, automated: bool) -> Arc<Object> {
    let resource = |group: &str, kind: &str, name: &str, status: &str| {
        json!({"group": group, "version": "v1", "kind": kind,
        "namespace": "shop", "name": name, "status": status})
    };
    let entry = |id: i64, revision: &str, at: &str, by: &str| {
        json!({"id": id, "revision": revision,
        "deployStartedAt": at, "deployedAt": at, "initiatedBy": {"username": by},
        "source": {"repoURL": "https://git.example.com/shop/deploy.git", "path": "checkout", "targetRevision": "main"}})
    };
    let mut pruned = resource("", "ConfigMap", "old-limits", "OutOfSync");
    pruned["requiresPruning"] = json!(true);
    let policy = if automated { json!({"automated": {}}) } else { json!({}) };
    object(json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "checkout", "namespace": "argocd", "uid": "uid-checkout", "resourceVersion": "41",
            "labels": {"team": "payments"}},
        "spec": {"project": "shop", "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
            "syncPolicy": policy,
            "source": {"repoURL": "https://git.example.com/shop/deploy.git", "path": "checkout", "targetRevision": "main"}},
        "status": {
            "sync": {"status": "OutOfSync", "revision": TARGET},
            "health": {"status": "Healthy"},
            "reconciledAt": "2026-11-22T03:05:00Z",
            "resources": [
                resource("", "ConfigMap", "limits", "OutOfSync"), pruned, resource("", "Secret", "database", "Synced"),
                resource("apps", "Deployment", "web", "OutOfSync"), resource("", "Service", "web", "Synced"),
            ],
            "history": [
                entry(7, "1111111000000000000000000000000000000000", "2026-11-20T09:00:00Z", "bob"),
                entry(8, DEPLOYED, "2026-11-21T16:30:00Z", "alice"),
            ],
            "operationState": {"phase": phase, "message": if phase == "Failed" {
                    "one or more synchronization tasks completed unsuccessfully" } else { "successfully synced" },
                "startedAt": "2026-11-21T16:29:30Z", "finishedAt": "2026-11-21T16:30:00Z",
                "operation": {"sync": {"revision": DEPLOYED}, "initiatedBy": {"username": "alice"}},
                "syncResult": {"revision": DEPLOYED, "resources": [
                    {"group": "batch", "version": "v1", "kind": "Job", "namespace": "shop", "name": "db-migrate",
                        "status": "Synced", "hookType": "PreSync", "hookPhase": phase, "syncPhase": "PreSync"}]}},
        },
    }))
}

/// Makes of a failed operation one of boathook's engine, in which a hook succeeded: there is something to continue from.
pub(crate) fn resumable(application: &mut Value) {
    let state = &mut application["status"]["operationState"];
    state["operation"]["info"] = json!([{"name": "boathook.dev/manifests", "value": "sha256:1"}]);
    if let Some(results) = state["syncResult"]["resources"].as_array_mut() {
        results.insert(
            0,
            json!({"group": "batch", "version": "v1", "kind": "Job", "namespace": "shop", "name": "db-backup",
                "status": "Synced", "hookType": "PreSync", "hookPhase": "Succeeded", "syncPhase": "PreSync"}),
        );
    }
}

/// The same while its operation runs.
pub(crate) fn running() -> Arc<Object> {
    let mut object = (*application("Running", false)).clone();
    let fields = object.as_json_mut();
    let request = fields["status"]["operationState"]["operation"].clone();
    fields.insert("operation".to_owned(), request);
    if let Some(state) = fields["status"]["operationState"].as_object_mut() {
        state.remove("finishedAt");
        state.insert("startedAt".to_owned(), json!("2026-11-22T03:07:12Z"));
        state.insert("message".to_owned(), json!("waiting for completion of hook batch/Job/db-migrate"));
    }
    Arc::new(object)
}

pub(crate) fn manifests(new: bool) -> Vec<Arc<Object>> {
    let image = if new { "shop/web:1.8.0" } else { "shop/web:1.7.3" };
    let job = |name: &str, hook: &str, wave: &str, command: &str| {
        json!({"apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": name, "namespace": "shop", "annotations": {"argocd.argoproj.io/hook": hook,
            "argocd.argoproj.io/sync-wave": wave}},
        "spec": {"backoffLimit": 2, "template": {"spec": {"restartPolicy": "Never",
            "containers": [{"name": "main", "image": image, "command": ["sh", "-c", command]}]}}}})
    };
    let mut all = vec![
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "limits", "namespace": "shop"},
            "data": {"coupons": if new { "20" } else { "10" }, "carts": "500"}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "database", "namespace": "shop"},
            "data": {"password": "aHVudGVyMg=="}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [{"name": "web", "image": image}]}}}}),
        job("db-migrate", "PreSync", "0", "migrate up"),
        job("page-on-call", "SyncFail", "0", "page"),
    ];
    if new {
        all.push(job("smoke", "PostSync", "1", "curl -f http://web/health"));
    }
    all.into_iter().map(object).collect()
}

/// What a sync would do. `target`: the commit that the target means; `asked`: the revisions that were asked for.
pub(crate) fn review(target: &str, asked: &[&str]) -> Review {
    let source = SourceRevisions {
        repository: "https://git.example.com/shop/deploy.git".to_owned(),
        path: "checkout".to_owned(),
        deployed: Some(commit(DEPLOYED, "fix: round totals", "Grace Hopper", "2026-11-21T16:00:00Z")),
        target: Some(commit(target, "feat: add coupons", "Ada Lovelace", "2026-11-22T01:07:00Z")),
        commits: vec![
            commit(target, "feat: add coupons", "Ada Lovelace", "2026-11-22T01:07:00Z"),
            commit(
                "77aa011000000000000000000000000000000000",
                "test: smoke test after the sync",
                "Linus",
                "2026-11-21T23:00:00Z",
            ),
            commit(
                "5512345000000000000000000000000000000000",
                "chore: raise the limit of coupons",
                "Grace Hopper",
                "2026-11-21T18:00:00Z",
            ),
        ],
        behind: 3,
        between: 5,
        files: vec![
            ChangedFile { path: "checkout/limits.yaml".to_owned(), old_path: None, status: FileStatus::Modified },
            ChangedFile { path: "checkout/smoke.yaml".to_owned(), old_path: None, status: FileStatus::Added },
            ChangedFile { path: "checkout/web.yaml".to_owned(), old_path: None, status: FileStatus::Modified },
        ],
        fetched: Some(time("2026-11-22T03:05:42Z")),
        ..SourceRevisions::default()
    };
    let targets = manifests(true);
    let live = vec![object(json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "old-limits", "namespace": "shop", "uid": "uid-old"}}))];
    let kinds = Kinds::well_known();
    let plan = plan(&PlanInput {
        targets: &targets,
        live: &live,
        kinds: &kinds,
        request: &SyncRequest::default(),
        destination_namespace: "shop",
        live_namespace: None,
        namespace_metadata: None,
        revision: target,
        started_at: now(),
        permission: Permission::All,
        out_of_sync: None,
        recorded: None,
        unique_names: false,
    });
    let old = manifests(false);
    let side = |all: &[Arc<Object>], kind: &str, name: &str| {
        all.iter().find(|object| object.kind() == kind && object.name() == name).cloned()
    };
    let change = |kind: &str, name: &str, is_hook: bool| {
        let (old, new) = (side(&old, kind, name), side(&targets, kind, name));
        let change = if old.is_none() { ObjectChange::Added } else { ObjectChange::Changed };
        let key = new.as_ref().unwrap().key();
        ChangedObject { key, change, is_hook, old, new }
    };
    Review {
        key: key(),
        asked: asked.iter().map(|asked| (*asked).to_owned()).collect(),
        commits: vec![target.to_owned()],
        revisions: Arc::new(Revisions { sources: vec![source] }),
        plan: Ok(Arc::new(plan)),
        changes: vec![
            change("ConfigMap", "limits", false),
            change("Deployment", "web", false),
            change("Job", "db-migrate", true),
            change("Job", "smoke", true),
        ],
        targets,
        live,
        kinds: Arc::new(kinds),
        incomplete: Vec::new(),
    }
}

fn task(phase: &str, kind: &str, name: &str, state: &str, millis: i64) -> TaskRecord {
    TaskRecord {
        phase: phase.to_owned(),
        wave: Some(0),
        group: if kind == "Job" { "batch" } else { "" }.to_owned(),
        kind: kind.to_owned(),
        namespace: "shop".to_owned(),
        name: name.to_owned(),
        is_hook: kind == "Job",
        state: state.to_owned(),
        started_at: Some(time("2026-11-21T16:29:31Z")),
        ended_at: time("2026-11-21T16:29:31Z").checked_add(jiff::SignedDuration::from_millis(millis)).ok(),
        elapsed_ms: Some(millis),
        reasons: if state == "failed" {
            vec!["container main ended with exit code 3: lock timeout".to_owned()]
        } else {
            Vec::new()
        },
        ..TaskRecord::default()
    }
}

pub(crate) fn record(started: &str, phase: &str, migrate_millis: i64) -> Arc<OperationRecord> {
    let failed = phase == "Failed";
    let mut tasks =
        vec![task("PreSync", "Job", "db-migrate", if failed { "failed" } else { "succeeded" }, migrate_millis)];
    if !failed {
        tasks.push(task("Sync", "ConfigMap", "limits", "succeeded", 200));
        tasks.push(task("PostSync", "Job", "smoke", "succeeded", 8_400));
    }
    let started = time(started);
    Arc::new(OperationRecord {
        api_version: OperationRecord::API_VERSION.to_owned(),
        kind: OperationRecord::KIND.to_owned(),
        cluster: CLUSTER.to_owned(),
        namespace: "argocd".to_owned(),
        application: "checkout".to_owned(),
        started_at: Some(started),
        finished_at: started.checked_add(jiff::SignedDuration::from_secs(42)).ok(),
        phase: phase.to_owned(),
        message: if failed {
            "one or more synchronization tasks completed unsuccessfully"
        } else {
            "successfully synced"
        }
        .to_owned(),
        initiated_by: "alice".to_owned(),
        revisions: vec![DEPLOYED.to_owned()],
        tasks,
        ..OperationRecord::default()
    })
}

pub(crate) fn event(uid: &str, warning: bool, reason: &str, message: &str, at: &str) -> LiveEvent {
    let event = KubernetesEvent {
        uid: uid.to_owned(),
        at: Some(time(at)),
        is_warning: warning,
        about: String::new(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        count: if warning { 4 } else { 1 },
        source: "argocd-application-controller".to_owned(),
    };
    LiveEvent::KubernetesEvent { key: key(), event }
}

/// An object that lives, from its manifest.
pub(crate) fn lives(group: &str, kind: &str, name: &str, status: &Value) -> Object {
    let manifest = manifests(false).into_iter().find(|object| object.kind() == kind && object.name() == name);
    let version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
    let metadata = json!({"name": name, "namespace": "shop"});
    let bare = || object(json!({"apiVersion": version, "kind": kind, "metadata": metadata}));
    let mut object = (*manifest.unwrap_or_else(bare)).clone();
    object.as_json_mut().insert("status".to_owned(), status.clone());
    object
}

/// The application in its list, and everything about it there for who asks.
pub(crate) fn checkout(size: (u16, u16), phase: &str, automated: bool) -> Screen {
    let mut screen = Screen::connected(size, now());
    let made = review(TARGET, &[]);
    screen.names = RevisionNames {
        branches: vec!["main".to_owned(), "maintenance-1.7".to_owned(), "coupons".to_owned()],
        tags: vec!["v1.7.3".to_owned(), "v1.8.0".to_owned()],
        commits: made.revisions.sources[0].commits.clone(),
    };
    screen.review(made);
    screen.review(review("1111111000000000000000000000000000000000", &["1111111000000000000000000000000000000000"]));
    screen.review(review(MOVED, &["v1.7.3"]));
    screen.history = vec![
        record("2026-11-20T09:00:00Z", "Succeeded", 11_000),
        record("2026-11-20T11:00:00Z", "Failed", 31_500),
        record("2026-11-21T16:29:30Z", "Succeeded", 12_400),
    ];
    screen.log(
        "db-migrate",
        &["connecting to db:5432", "applying 0042_add_coupons.sql", "ERROR: lock timeout", "giving up"],
    );
    screen.lives(&lives(
        "apps",
        "Deployment",
        "web",
        &json!({"replicas": 2, "updatedReplicas": 1, "observedGeneration": 1}),
    ));
    screen.lives(&lives("", "Secret", "database", &json!({})));
    screen.lives(&lives("", "ConfigMap", "limits", &json!({})));
    screen.application(&application(phase, automated));
    screen.complete();
    screen.live(event("e1", false, "OperationStarted", "alice initiated sync to 9ab12cd", "2026-11-22T02:50:00Z"));
    screen.live(event(
        "e2",
        true,
        "SyncError",
        "Failed sync attempt to 9ab12cd: one or more objects failed to apply",
        "2026-11-22T03:01:00Z",
    ));
    screen
}
