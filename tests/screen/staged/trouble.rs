//! What is in trouble, seen from the list; and what is not sent because nobody could have seen what it does.

use serde_json::{Value, json};

use super::show::{on_stage, shots};
use super::world::{Repository, World};
use crate::release;

/// An operation whose hook waits for an image that nobody can pull.
fn stuck(repository: &Repository) -> World {
    let world = World::checkout(repository, "Succeeded");
    world.put(repository.real(&release::running()));
    world.put(json!({"apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "db-migrate", "namespace": "shop", "uid": "job", "creationTimestamp": "2026-11-22T03:07:13Z",
            "annotations": {"argocd.argoproj.io/hook": "PreSync",
                "argocd.argoproj.io/tracking-id": "checkout:batch/Job:shop/db-migrate"}},
        "spec": {"template": {"spec": {"containers": [{"name": "main", "image": "shop/migrate:typo"}]}}},
        "status": {"active": 1}}));
    world.put(json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "db-migrate-x7k2p", "namespace": "shop", "uid": "pod",
            "creationTimestamp": "2026-11-22T03:07:14Z", "labels": {"batch.kubernetes.io/job-name": "db-migrate"},
            "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "db-migrate", "uid": "job",
                "controller": true}]},
        "spec": {"containers": [{"name": "main", "image": "shop/migrate:typo"}]},
        "status": {"phase": "Pending", "containerStatuses": [{"name": "main", "image": "shop/migrate:typo",
            "ready": false, "restartCount": 0, "state": {"waiting": {"reason": "ImagePullBackOff",
                "message": "Back-off pulling image \"shop/migrate:typo\""}}}]}}));
    for (uid, about, reason, message) in [
        ("w1", "pod", "Failed", "Failed to pull image \"shop/migrate:typo\": not found"),
        ("w2", "another", "FailedMount", "a stranger's volume"),
    ] {
        world.put(json!({"apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": reason, "message": message,
            "metadata": {"name": format!("x.{uid}"), "namespace": "shop", "uid": uid},
            "involvedObject": {"kind": "Pod", "name": "db-migrate-x7k2p", "namespace": "shop", "uid": about},
            "source": {"component": "kubelet"}, "lastTimestamp": "2026-11-22T03:07:30Z", "count": 3}));
    }
    world
}

#[tokio::test]
async fn a_hook_that_will_not_go_on() {
    let repository = Repository::new();
    shots(
        || stuck(&repository),
        "{live} {1 stuck} {Pre ! db-migrate}",
        &[
            ("stuck_faults", "f {Pre ! db-migrate}"),
            ("stuck_events", "enter {ImagePullBackOff} e {Pod/db-migrate-x7k2p} {OperationStarted}"),
        ],
    )
    .await;
}

#[tokio::test]
async fn an_operation_that_came_to_no_task_and_one_that_is_requested() {
    let repository = Repository::new();
    let world = World::shop(&repository);
    on_stage(&world, async |actor| {
        actor.play("{live} {mail} {catalog}").await;
        world.change("Application", "mail", |mail| {
            let state = &mut mail["status"]["operationState"];
            (state["phase"], state["message"]) = (json!("Error"), json!("ComparisonError: no such revision"));
            state["syncResult"] = json!({"revision": "nope", "resources": []});
        });
        actor.play("{✖ Error}").await;
        world.change("Application", "catalog", |catalog| {
            catalog["operation"] = json!({"initiatedBy": {"username": "dora"}, "sync": {}});
        });
        actor.play("{Requested} {dora} +10s {!~catalog}").await;
        actor.shot("list_trouble").await;
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn after_a_failure() {
    let repository = Repository::new();
    shots(
        || World::shop(&repository),
        "{live} {payments} / \"payments\" enter {1 of 10}",
        &[("dialog_rollback_failed", "enter b {entry 3} {!asking} {!being made}")],
    )
    .await;
}

#[tokio::test]
async fn a_revision_that_there_is_not() {
    let repository = Repository::new();
    let world = World::checkout(&repository, "Succeeded");
    on_stage(&world, async |actor| {
        actor.play("{live} : \"sync checkout nope\" enter {was not found}").await;
        actor.shot("dialog_sync_unknown").await;
        actor.play("backtab {▶(Sync)◀} enter {was not found} {Sync checkout}").await;
    })
    .await;
    let stored = world.object("Application", "checkout");
    assert_eq!(stored.get("operation"), None::<&Value>);
    world.stop().await;
}

#[tokio::test]
async fn marks_that_the_filter_hides() {
    let repository = Repository::new();
    shots(
        || World::shop(&repository),
        "{live} {auth} space space / \"payments\" enter {1 of 10}",
        &[("dialog_sync_several", "s {2 of 2 are not shown} {to be sent to 2}")],
    )
    .await;
}
