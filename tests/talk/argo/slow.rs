//! A reader that does not keep up: what waits for it is bounded, and in the end it knows what is.

use std::collections::BTreeMap;

use boathook::domain::application::AppSummary;
use boathook::domain::timeline::TaskState;
use boathook::sim::resource::{APPLICATIONS, PODS};
use serde_json::json;

use super::hooks::{ended, pod, pods, put_job, state_of, up};
use super::world::{World, app, hook_result, put, running};

/// More changes than fit between the live view and its reader, and more than are told in full.
const CHANGES: usize = 6_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_slept_knows_in_the_end_what_is() {
    let mut world = World::new().await;
    world.put_app(running("a", &json!([hook_result("migrate", "Running")])));
    world.until_live().await;
    let key = world.key("a");
    let job = put_job(&world);
    put(&world.simulator, &PODS, pod(&job, "pod-1", &up(), 0));
    world.until("it runs", |picture| state_of(picture, &key) == Some(TaskState::Running)).await;
    // From here on nobody reads.
    for index in 0..CHANGES {
        let mut same = pod(&job, "pod-1", &up(), 0);
        same["metadata"]["labels"] = json!({ "tick": index.to_string() });
        put(&world.simulator, &PODS, same);
        let mut other = app(&format!("app-{}", index % 20));
        other["metadata"]["labels"] = json!({ "tick": index.to_string() });
        world.put_app(other);
        if index % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    put(&world.simulator, &PODS, pod(&job, "pod-1", &ended(4), 0));
    world.simulator.store().remove_raw(&APPLICATIONS, "argocd", "app-7");
    let (stored, _) = world.simulator.store().list(&APPLICATIONS, Some("argocd"));
    let cluster = world.live.cluster().clone();
    let fresh: BTreeMap<_, _> = stored
        .iter()
        .map(|stored| {
            let summary = AppSummary::from_json(cluster.clone(), &stored.json()).unwrap();
            (summary.key.clone(), summary)
        })
        .collect();
    world.until("all applications as they are", |picture| picture.apps == fresh).await;
    world
        .until("the pod's end", |picture| {
            let exit = || {
                super::hooks::view(picture, &key)?
                    .task(&super::hooks::task(boathook::domain::timeline::TaskPhase::PreSync))?
                    .exit
                    .clone()
            };
            exit().is_some_and(|exit| exit.code == Some(4))
        })
        .await;
    assert_eq!(pods(&world.picture, &key), 1);
    world.live.stop().await;
}
