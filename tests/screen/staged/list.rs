//! The list of applications, and the queue of approvals.

use serde_json::json;

use super::show::{on_stage, shots};
use super::world::{Repository, World};

#[tokio::test]
async fn sorted() {
    let repository = Repository::new();
    shots(
        || World::shop(&repository),
        "{live}",
        &[
            ("list", "j j"),
            ("list_by_project", ">"),
            ("list_by_sync", "> >"),
            ("list_by_health", "> > >"),
            ("list_by_phases", "> > > >"),
            ("list_by_revision", "> > > > >"),
            ("list_by_behind", ": \"sort behind\" enter"),
            ("list_by_last_sync", "<"),
            ("list_reversed", "o"),
            ("list_end", "G"),
        ],
    )
    .await;
}

#[tokio::test]
async fn filtered_and_marked() {
    let repository = Repository::new();
    shots(
        || World::shop(&repository),
        "{live}",
        &[
            ("list_faults", "f"),
            ("list_text", "/ \"pay\""),
            ("list_inverse", "/ \"!shop\" enter"),
            ("list_label", "/ \"-l tier=web\" enter"),
            ("list_label_absent", "/ \"-l !tier\" enter"),
            ("list_project", "space space / \"-p shop\" enter"),
            ("list_nothing_matches", "/ \"zzz\" enter"),
            ("list_all_marked", "ctrl-a"),
            ("list_unknown_key", "X"),
            ("list_help", "?"),
            ("list_requests", "m"),
        ],
    )
    .await;
}

#[tokio::test]
async fn commands() {
    let repository = Repository::new();
    shots(
        || World::shop(&repository),
        "{live}",
        &[
            ("list_command", ": \"so\" tab"),
            ("list_command_offers", ": \"app \" tab"),
            ("list_command_unknown", ": \"frobnicate\" enter"),
            ("list_theme_unknown", ": \"theme none\" enter"),
            ("list_sort_unknown", ": \"sort colour\" enter"),
            ("list_app_unknown", ": \"app nothing\" enter"),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_has_just_changed() {
    let repository = Repository::new();
    let world = World::shop(&repository);
    on_stage(&world, async |actor| {
        actor.play("{live} {catalog}").await;
        world.change("Application", "catalog", |catalog| catalog["status"]["sync"]["status"] = json!("OutOfSync"));
        actor.play("{~catalog}").await;
        actor.shot("list_changed").await;
        actor.play("+10s {!~catalog}").await;
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn an_application_that_cannot_be_read() {
    let repository = Repository::new();
    let world = World::shop(&repository);
    world.put(json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "broken", "namespace": "argocd"}, "spec": {"source": 7}}));
    on_stage(&world, async |actor| {
        actor.play("{live} {broken}").await;
        actor.shot("list_unreadable").await;
    })
    .await;
    world.stop().await;
}
