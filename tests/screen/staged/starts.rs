//! Before there is anything to see, and when nothing can be seen any more.

use boathook::sim::faults::{Action, Failure, Fault, requests};

use super::show::{on_stage, with_settings};
use super::world::{Repository, World};
use crate::harness::settings;

#[tokio::test]
async fn without_a_kubeconfig() {
    let mut world = World::empty("2026-11-22T03:07:42Z");
    world.change_options =
        |options| options.kubeconfig = options.kubeconfig.take().map(|path| path.with_extension("none"));
    on_stage(&world, async |actor| {
        actor.play("{The kubeconfig cannot be used}").await;
        actor.shot("start_no_kubeconfig").await;
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn without_a_network() {
    let world = World::empty("2026-11-22T03:07:42Z");
    world.simulator.refuse_connections();
    on_stage(&world, async |actor| {
        // Which request is refused first is chance.
        actor.play("{refused}").await;
        world.simulator.accept_connections().await.unwrap();
        actor.play("+{live}").await;
        actor.shot("start_no_applications").await;
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn a_cluster_that_answers_nothing_of_use() {
    for (name, resource, failure, seen) in [
        (
            "start_unavailable",
            "statefulsets",
            Failure::Server { code: 503, message: String::new() },
            "{currently unable}",
        ),
        ("start_forbidden", "applications", Failure::Forbidden, "{forbidden}"),
    ] {
        let world = World::empty("2026-11-22T03:07:42Z");
        world.simulator.faults().add(Fault::new(requests(&["list", "watch"], &[resource]), Action::Fail(failure)));
        on_stage(&world, async |actor| {
            actor.play(seen).await;
            actor.shot(name).await;
        })
        .await;
        world.stop().await;
    }
}

#[tokio::test]
async fn a_connection_that_breaks() {
    let repository = Repository::new();
    let world = World::shop(&repository);
    on_stage(&world, async |actor| {
        actor.play("{live}").await;
        actor.until("the commits of all are known", |text| text.matches("feat: …").count() == 10).await;
        world.simulator.refuse_connections();
        actor.play("{!live}").await;
        actor.shot("interrupted").await;
        world.simulator.accept_connections().await.unwrap();
        actor.play("+{live}").await;
        actor.until("nothing went", |text| text.matches("feat: …").count() == 10).await;
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn read_only() {
    let repository = Repository::new();
    let world = World::checkout(&repository, "Failed");
    let settings = boathook::tui::Settings { read_only: true, ..settings() };
    with_settings(&world, settings, async |actor| {
        actor.play("{live}").await;
        actor.shot("read_only_list").await;
        actor.play("enter {giving up} {3 commits behind} ?").await;
        actor.shot("read_only_help").await;
        actor.play("esc s {read-only}").await;
        actor.shot("read_only_sync").await;
    })
    .await;
    world.stop().await;
}
