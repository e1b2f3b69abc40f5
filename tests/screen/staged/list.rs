//! The list of applications, and the queue of approvals.

use std::time::Duration;

use boathook::domain::scenario::Pattern;
use boathook::sim::faults::{Action, Fault, requests};
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
async fn many_at_once() {
    let repository = Repository::new();
    shots(
        || World::shop(&repository),
        "{live}",
        &[
            ("list_sync_many", "space space s {Sync 2} {!asking}"),
            ("list_refresh_many", "space space ctrl-r {efresh} {!asking}"),
            ("list_approvals", "A {wait for a person} {!found out}"),
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

#[tokio::test]
async fn the_commits_of_an_application_that_is_left_before_they_are_known() {
    let repository = Repository::new();
    let world = World::shop(&repository);
    // Its destination is asked for in a Secret, and no answer comes.
    let secrets = requests(&["list"], &["secrets"]);
    world.simulator.faults().add(Fault::new(secrets, Action::Delay(Duration::from_secs(100_000))));
    let mut one = requests(&["get"], &["applications"]);
    one.names = vec![Pattern::new("zeta")];
    world.simulator.faults().add(Fault::new(one, Action::Delay(Duration::from_secs(1))));
    on_stage(&world, async |actor| {
        actor.play("{live}").await;
        let mut zeta = world.object("Application", "catalog");
        zeta["metadata"]["name"] = json!("zeta");
        zeta["metadata"]["uid"] = json!("uid-zeta");
        zeta["spec"]["destination"] = json!({"server": "https://elsewhere.example.com", "namespace": "shop"});
        world.put(zeta);
        // What is read for its row, and for its screen, comes while that is open.
        actor.play("{zeta} G {›~zeta} enter {Reading the application} +{Synced   Healthy} esc").await;
        actor
            .until("its row has its commit", |text| {
                text.lines().any(|row| row.contains("zeta") && row.contains("feat"))
            })
            .await;
    })
    .await;
    world.stop().await;
}
