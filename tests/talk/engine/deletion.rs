//! The end of an Application: its objects, wave by wave, and its delete hooks.

use boathook::sim::resource::{APPLICATIONS, CONFIG_MAPS, JOBS};
use boathook::sim::store::{DeleteOptions, EventKind};
use serde_json::json;

use super::rows::{hook, map, shop};
use super::world::{ARGOCD, World, phase};

const RESOURCES: &str = "resources-finalizer.argocd.argoproj.io";

fn delete(world: &World) {
    let store = world.simulator.store();
    store.delete(&APPLICATIONS, ARGOCD, "shop", &DeleteOptions::default()).unwrap();
}

async fn gone(world: &World) {
    let (_, mut changes) = world.simulator.store().list_and_watch(&APPLICATIONS);
    while world.get(&APPLICATIONS, ARGOCD, "shop").is_some() {
        let limit = boathook::clock::Clock::real();
        let changed = limit.timeout(std::time::Duration::from_secs(30), changes.next()).await;
        changed.unwrap_or_else(|_| panic!("it stays: {:#}", world.application())).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_deletes_what_it_deployed_but_what_is_to_stay() {
    let keep = map("kept", "argocd.argoproj.io/sync-options: Delete=false", "1");
    let mut world = shop(&(map("a", "", "1") + &map("z", "argocd.argoproj.io/sync-wave: \"5\"", "1") + &keep)).await;
    world.edit(|application| application["metadata"]["finalizers"] = json!([RESOURCES]));
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    let store = world.simulator.store();
    let mut changes = store.watch(&CONFIG_MAPS, store.revision()).unwrap();
    delete(&world);
    gone(&world).await;
    assert_eq!(world.names(&CONFIG_MAPS), ["kept"]);
    let mut order = Vec::new();
    while let Some(event) = changes.try_next().unwrap() {
        if event.kind == EventKind::Deleted {
            order.push(event.object.name().to_owned());
        }
    }
    assert_eq!(order, ["z", "a"], "the highest wave first");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_runs_delete_hooks_around_the_deletion() {
    let manifests =
        map("a", "", "1") + &hook("before", "PreDelete", "HookSucceeded") + &hook("after", "PostDelete", "");
    let mut world = shop(&manifests).await;
    world.edit(|application| application["metadata"]["finalizers"] = json!([RESOURCES]));
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    assert!(world.names(&JOBS).is_empty(), "they are no part of a sync");
    assert_eq!(world.application()["metadata"]["finalizers"].as_array().unwrap().len(), 5);
    let store = world.simulator.store();
    let mut changes = store.watch(&JOBS, store.revision()).unwrap();
    delete(&world);
    gone(&world).await;
    world.left(&JOBS, &["after"]).await;
    assert!(world.names(&CONFIG_MAPS).is_empty());
    let mut made = Vec::new();
    while let Some(event) = changes.try_next().unwrap() {
        if event.kind == EventKind::Added {
            made.push(event.object.name().to_owned());
        }
    }
    assert_eq!(made, ["before", "after"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_deletes_nothing_when_a_hook_before_it_fails() {
    let mut world = shop(&(map("a", "", "1") + &hook("bad", "PreDelete", ""))).await;
    world.edit(|application| application["metadata"]["finalizers"] = json!([RESOURCES]));
    world.synced(&json!({})).await;
    delete(&world);
    world
        .until("a condition", |application, _| {
            let conditions = application.pointer("/status/conditions").cloned().unwrap_or_default().to_string();
            conditions.contains("DeletionError") && conditions.contains("PreDelete hook(s) failed: shop/bad")
        })
        .await;
    assert_eq!(world.names(&CONFIG_MAPS), ["a"]);
    let state = &world.application()["status"]["operationState"];
    assert_eq!(state["operation"]["info"][0]["name"], "boathook.dev/delete");
    assert_eq!(state["syncResult"]["resources"][0]["hookType"], "PreDelete");
    world.stop().await;
}
