//! The list of applications: first rows, changes, disconnects.

use boathook::domain::live::{Need, WatchState, Watched};
use boathook::domain::request::Controller;
use boathook::sim::faults::{Action, Failure, Fault, WatchOrder, requests};
use boathook::sim::resource::APPLICATIONS;
use serde_json::json;

use super::world::{World, app, simulator};

#[tokio::test]
async fn the_list_is_complete_and_follows_every_change() {
    let simulator = simulator();
    for name in ["a", "b", "c"] {
        super::world::put(&simulator, &APPLICATIONS, app(name));
    }
    let mut world = World::with(simulator, |_| ()).await;
    world.until_live().await;
    assert_eq!(world.picture.early.len(), 3, "the table came first");
    assert_eq!((world.picture.apps.len(), world.picture.complete), (3, Some(3)));
    world.put_app(app("d"));
    let mut changed = app("a");
    changed["status"]["sync"]["status"] = json!("OutOfSync");
    world.put_app(changed);
    world.simulator.store().remove_raw(&APPLICATIONS, "argocd", "b");
    let (a, b, d) = (world.key("a"), world.key("b"), world.key("d"));
    world
        .until("all changes", |picture| {
            picture.apps.contains_key(&d)
                && !picture.apps.contains_key(&b)
                && format!("{:?}", picture.apps[&a].sync) == "Some(OutOfSync)"
        })
        .await;
}

#[tokio::test]
async fn after_a_disconnect_the_list_is_read_again_and_what_is_gone_is_gone() {
    let mut world = World::new().await;
    for name in ["a", "b"] {
        world.put_app(app(name));
    }
    let (a, b, c) = (world.key("a"), world.key("b"), world.key("c"));
    world.until("both are there", |picture| picture.apps.len() == 2 && picture.is_live()).await;
    world.simulator.refuse_connections();
    world
        .until("the age is told", |picture| {
            matches!(picture.watches.get(&Watched::Applications), Some(WatchState::Interrupted { since: Some(_), .. }))
        })
        .await;
    assert_eq!(world.picture.apps.len(), 2, "what was known is kept meanwhile");
    world.simulator.store().remove_raw(&APPLICATIONS, "argocd", "a");
    world.put_app(app("c"));
    world.simulator.store().compact();
    world.simulator.accept_connections().await.unwrap();
    world.until_live().await;
    world
        .until("as it is now", |picture| {
            !picture.apps.contains_key(&a) && picture.apps.contains_key(&b) && picture.apps.contains_key(&c)
        })
        .await;
}

#[tokio::test]
async fn failures_of_all_kinds_end_no_watch() {
    let mut world = World::new().await;
    world.put_app(app("a"));
    world.until("it is there", |picture| picture.apps.len() == 1).await;
    let watches = || requests(&["list", "watch"], &["applications"]);
    for (index, failure) in [
        Failure::Gone,
        Failure::TooManyRequests { retry_after: 1 },
        Failure::Server { code: 500, message: String::new() },
        Failure::Server { code: 503, message: String::new() },
        Failure::Unauthorized,
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("n{index}");
        let fault = world.simulator.faults().add(Fault::new(watches(), Action::Fail(failure.clone())).times(1));
        world.simulator.faults().order(watches(), WatchOrder::Cut);
        world.put_app(app(&name));
        let key = world.key(&name);
        world.until(&format!("it goes on after {failure:?}"), |picture| picture.apps.contains_key(&key)).await;
        assert_eq!(world.simulator.faults().met(fault), 1, "{failure:?} was met");
    }
}

#[tokio::test]
async fn a_server_without_streaming_lists_is_listed_page_by_page() {
    let simulator = simulator();
    for index in 0..1200 {
        super::world::put(&simulator, &APPLICATIONS, app(&format!("app-{index}")));
    }
    let bad = Failure::Server { code: 422, message: String::new() };
    let watches = requests(&["watch"], &["applications"]);
    let fault = simulator.faults().add(Fault::new(watches, Action::Fail(bad)).times(1));
    let mut world = World::with(simulator, |_| ()).await;
    world.until_live().await;
    assert_eq!(world.picture.apps.len(), 1200);
    assert_eq!(world.simulator.faults().met(fault), 1);
    assert!(world.picture.interruptions.is_empty(), "it falls back without a word");
}

#[tokio::test]
async fn rights_and_the_controller_are_known_before_a_key_is_pressed() {
    let mut world = World::new().await;
    world.put_app(app("a"));
    world.until("rights", |picture| !picture.rights.is_empty()).await;
    assert_eq!(world.picture.rights[0].known.get(&Need::PatchApplications), Some(&Ok(())));
    let key = world.open("a").await;
    world.until("the controller", |picture| picture.controllers.contains_key(&key)).await;
    assert_eq!(world.picture.controllers[&key], Controller::ArgoCd);
}

#[tokio::test]
async fn a_deletion_is_told_in_full_without_being_asked_for() {
    let mut world = World::new().await;
    let mut going = app("going");
    going["metadata"]["finalizers"] = json!(["resources-finalizer.argocd.argoproj.io"]);
    going["metadata"]["deletionTimestamp"] = json!("2026-11-22T10:00:00Z");
    going["status"]["resources"] =
        json!([{"kind": "ConfigMap", "version": "v1", "name": "a", "requiresDeletionConfirmation": true}]);
    world.put_app(going);
    world.put_app(app("staying"));
    let (going, staying) = (world.key("going"), world.key("staying"));
    world
        .until("it is told what the deletion waits for", |picture| {
            picture.applications.get(&going).is_some_and(|application| {
                application.status.resources.iter().any(|resource| resource.requires_deletion_confirmation)
            })
        })
        .await;
    world.until_live().await;
    assert!(!world.picture.applications.contains_key(&staying), "nobody has opened that");
}
