//! What waits for a person, and what has come between.

use boathook::sim::logs::RunKey;
use boathook::sim::resource::PODS;
use serde_json::{Value, json};

use super::show::{on_stage, shots};
use super::world::{Repository, World};
use crate::release::resumable;
use crate::replay::recording;

/// An operation that waits until somebody confirms a prune.
fn prune(repository: &Repository) -> World {
    let world = World::checkout(repository, "Running");
    world.change("Application", "checkout", |checkout| {
        let status = &mut checkout["status"];
        let state = status["operationState"].as_object_mut().unwrap();
        state.remove("finishedAt");
        state.insert("startedAt".to_owned(), json!("2026-11-22T03:07:12Z"));
        state.insert("message".to_owned(), json!("waiting for pruning confirmation of /ConfigMap/old-limits"));
        status["resources"][1]["requiresDeletionConfirmation"] = json!(true);
        checkout["operation"] = checkout["status"]["operationState"]["operation"].clone();
    });
    world
}

#[tokio::test]
async fn a_prune() {
    let repository = Repository::new();
    shots(
        || prune(&repository),
        "{live} enter {It waits for a person: ConfigMap old-limits}",
        &[
            ("app_prune", ""),
            ("approvals_prune", "A {1 waits for a person} {asks first}"),
            ("dialog_prune", "a {What is deleted} {!asking}"),
            ("prune_confirmed", "a {What is deleted} {!asking} backtab enter {the cluster has taken it}"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_deletion() {
    let repository = Repository::new();
    let deleted = || {
        let world = World::checkout(&repository, "Succeeded");
        world.change("Application", "checkout", |checkout| {
            checkout["metadata"]["deletionTimestamp"] = json!("2026-11-22T03:00:00Z");
            checkout["metadata"]["finalizers"] = json!(["resources-finalizer.argocd.argoproj.io"]);
            checkout["status"]["resources"][3]["requiresDeletionConfirmation"] = json!(true);
        });
        world
    };
    shots(
        deleted,
        "{live} A {1 waits for a person} {asks first}",
        &[("approvals_deletion", ""), ("dialog_deletion", "a {What is deleted} {!asking}")],
    )
    .await;
}

#[tokio::test]
async fn an_operation_that_goes_on_where_it_failed() {
    let repository = Repository::new();
    let engine = || {
        let world = World::checkout(&repository, "Failed");
        world.remove("StatefulSet", "argocd", "argocd-application-controller");
        world.put(json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": "boathook-engine", "namespace": "argocd"},
            "spec": {"holderIdentity": "engine-0", "renewTime": "2026-11-22T03:07:40.000000Z",
                "leaseDurationSeconds": 3600}}));
        world.change("Application", "checkout", resumable);
        world
    };
    shots(engine, "{live} enter {giving up} {3 commits behind}", &[("dialog_resume", "C {Go on with} {!asking}")])
        .await;
}

/// Somebody pushes a commit, and Argo CD has compared with it.
fn push(repository: &Repository, world: &World) {
    repository.tree.write(
        "checkout/limits.json",
        "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \
        \"metadata\": {\"name\": \"more\"}, \"data\": {\"coupons\": \"30\"}}",
    );
    let pushed = repository.tree.commit_as("feat: thirty coupons", "Ada Lovelace", "2026-11-22T03:05:00Z");
    world.change("Application", "checkout", |checkout| checkout["status"]["sync"]["revision"] = json!(pushed));
}

#[tokio::test]
async fn a_target_that_moves_while_it_is_reviewed() {
    let repository = Repository::new();
    let world = World::checkout(&repository, "Succeeded");
    on_stage(&world, async |actor| {
        actor.play("{live} A {for a person} {add coupons} {smoke}").await;
        push(&repository, &world);
        actor.play("{THE TARGET HAS MOVED} {thirty coupons}").await;
        actor.shot("approvals_moved").await;
        actor.play("a {the target has moved since you looked}").await;
        actor.shot("approvals_moved_refused").await;
        actor.play("a {Approve the sync} {!asking}").await;
        actor.shot("dialog_approve_moved").await;
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn a_target_that_moves_under_a_dialog() {
    let repository = Repository::new();
    let world = World::checkout(&repository, "Succeeded");
    on_stage(&world, async |actor| {
        actor.play("{live} enter {giving up} {3 commits behind} s {smoke} {!asking} backtab {▶ Sync ◀}").await;
        push(&repository, &world);
        actor.play("{Nothing was sent} {▶ Cancel ◀} {thirty coupons} {!asking} {4 commits behind}").await;
        actor.shot("dialog_sync_moved").await;
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn what_is_asked_of_an_application_that_is_not_open() {
    let repository = Repository::new();
    shots(
        || World::checkout(&repository, "Succeeded"),
        "{live}",
        &[
            ("list_rollback_command", ": \"rollback checkout 7\" enter {Roll checkout back} {!asking} {!being made}"),
            ("list_rerun_command", ": \"rerun-hook checkout\" enter {rerun-hook: }"),
            ("list_logs_command", ": \"logs checkout\" enter {giving up}"),
            ("list_messages", "o > M {sorted by}"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_hook_with_two_containers() {
    let recording = recording("abort");
    let pod = recording.events.iter().find(|event| event.object.kind() == "Pod").unwrap();
    let (namespace, name) = (pod.object.namespace().to_owned(), pod.object.name().to_owned());
    let two = || {
        let world = World::recorded(&recording, |view| {
            view.tasks().any(|task| task.is_hook && task.state == boathook::domain::timeline::TaskState::Running)
        });
        let stored = world.simulator.store().get(&PODS, &namespace, &name).unwrap();
        let mut object = stored.value().as_ref().clone();
        for path in ["/spec/containers", "/status/containerStatuses"] {
            let all = object.pointer_mut(path).and_then(Value::as_array_mut).unwrap();
            let mut second = all[0].clone();
            second["name"] = json!("proxy");
            all.push(second);
        }
        world.put(object.clone());
        let pod = boathook::domain::manifest::Object::from_json(object).unwrap();
        let key = RunKey { pod: pod.uid().to_owned(), container: "proxy".to_owned(), restart: 0 };
        world.simulator.logs().start(&key);
        for (millis, line) in [(20, "listening on 127.0.0.1:5432"), (60, "a client has connected")] {
            world.write(&key, &pod, millis, line);
        }
        world
    };
    shots(
        two,
        "{live} enter {connecting} {a client has connected} l {2 containers}",
        &[("log_merged", ""), ("log_first_container", "c {only}"), ("log_second_container", "c {only} c {/proxy}")],
    )
    .await;
}
