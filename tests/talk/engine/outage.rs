//! What goes wrong around an operation at night: a kind that is down, a cluster that answers with errors, hooks and
//! Applications that somebody deletes.

use std::time::Duration;

use boathook::clock::Clock;
use boathook::cluster::{Target, connect};
use boathook::sim::faults::{Action, Failure, Fault, requests};
use boathook::sim::resource::{APPLICATIONS, CONFIG_MAPS, JOBS};
use boathook::sim::store::DeleteOptions;
use serde_json::{Value, json};

use super::boats::{BOAT, BOATS, DEFINITION};
use super::rows::{hook, map, shop};
use super::world::{ARGOCD, Setup, World, phase, results};

fn answers(code: u16, message: &str) -> Action {
    Action::Fail(Failure::Server { code, message: message.to_owned() })
}

async fn with_a_hook_that_runs(more: &str) -> World {
    let mut world = shop(&(hook("slow", "PreSync", "") + &map("a", "", "1") + more)).await;
    world.sync(&json!({}));
    world.until_message("waiting for completion of hook batch/Job/slow").await;
    world
}

fn delete(world: &World, application: bool) {
    let (id, namespace, name) = if application { (&APPLICATIONS, ARGOCD, "shop") } else { (&JOBS, "shop", "slow") };
    world.simulator.store().delete(id, namespace, name, &DeleteOptions::default()).unwrap();
}

/// Waits until a Job has no hook finalizer.
async fn until_it_can_go(world: &World, name: &str) {
    let (_, mut changes) = world.simulator.store().list_and_watch(&JOBS);
    let is_held = || {
        let job = world.get(&JOBS, "shop", name).unwrap();
        job["metadata"].get("finalizers").is_some_and(|all| all.to_string().contains("hook-finalizer"))
    };
    while is_held() {
        let changed = Clock::real().timeout(Duration::from_secs(60), changes.next()).await;
        changed.unwrap_or_else(|_| panic!("{name} keeps its finalizer")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_goes_on_where_a_kind_is_down_that_the_application_never_had() {
    let mut world = shop(&map("a", "", "1")).await;
    world.kill();
    world.faults(&["list", "watch"], &["cronjobs"], answers(503, "no endpoints available"));
    world.start().await;
    let state = world.synced(&json!({})).await;
    assert_eq!(phase(&state), "Succeeded", "{}", state.message);
    assert_eq!(world.refreshed().await["status"]["sync"]["status"], "Synced");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_waits_and_says_so_where_a_kind_is_down_that_the_application_has() {
    let mut world = shop(&(map("a", "", "1") + &hook("good", "PreSync", ""))).await;
    world.kill();
    world.faults(&["list", "watch"], &["jobs"], answers(503, "no endpoints available"));
    world.start().await;
    world.sync(&json!({}));
    let wait = " (it cannot go on yet: UnknownError: watching jobs: no endpoints available";
    let state = world.until("it says so", |_, state| state.message.contains(wait)).await;
    assert_eq!(phase(&state), "Running");
    world.simulator.faults().clear();
    assert_eq!(phase(&world.end().await), "Succeeded");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_goes_on_without_an_aggregated_api_that_is_down_and_waits_for_it_only_where_it_is_needed() {
    let mut world = World::new(&Setup::made("")).await;
    let target = Target::Kubeconfig { path: Some(world.path().join("kubeconfig")), context: None };
    let (clock, driver) = Clock::driven(Clock::real().now());
    world.cluster = connect(&target, &clock, "boathook-engine").await.unwrap();
    world.clock = clock;
    world.make_application(&json!({}));
    world.deploys(&(map("a", "", "1") + DEFINITION));
    world.start().await;
    let waits = tokio::spawn(async move { driver.pass_waits(Duration::from_secs(3)).await });
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    world.kill();
    world.simulator.faults().take_down("example.com");
    world.start().await;
    // Nothing of it is of that API.
    let state = world.synced(&json!({})).await;
    assert_eq!(phase(&state), "Succeeded", "{}", state.message);
    assert_eq!(world.refreshed().await["status"]["sync"]["status"], "Synced");
    // Now something is: that it does not exist is what nobody can know.
    world.deploys(&(map("a", "", "2") + DEFINITION + BOAT));
    world.sync(&json!({}));
    let wait = "it cannot go on yet: UnknownError: discovering the API group example.com: ";
    let state = world.until("it says so", |_, state| state.message.contains(wait)).await;
    assert_eq!(
        (phase(&state).as_str(), &world.get(&CONFIG_MAPS, "shop", "a").unwrap()["data"]["a"]),
        ("Running", &json!("1"))
    );
    world.simulator.faults().clear();
    let state = world.end().await;
    assert_eq!(phase(&state), "Succeeded", "{}", state.message);
    assert!(world.get(&BOATS, "shop", "one").is_some());
    waits.abort();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_tries_internal_errors_again_and_believes_them_then() {
    let mut world = shop(&(hook("good", "PreSync", "") + &map("a", "", "1"))).await;
    let refused = "failed calling webhook \"a.example.com\": context deadline exceeded";
    for (verb, kind) in [("get", "configmaps"), ("patch", "configmaps"), ("create", "jobs")] {
        let fault = Fault::new(requests(&[verb], &[kind]), answers(500, refused)).times(2);
        world.simulator.faults().add(fault);
        let state = world.synced(&json!({})).await;
        assert_eq!(phase(&state), "Succeeded", "{verb}: {state:?}");
        world.deploys(&(hook("good", "PreSync", "") + &map("a", "", verb)));
    }
    world.faults(&["patch"], &["configmaps"], answers(500, refused));
    let state = world.synced(&json!({})).await;
    assert_eq!(phase(&state), "Failed");
    assert!(results(&state).concat().contains(refused), "{state:?}");
    world.simulator.faults().clear();
    // Also where it is a deletion, which else would be repeated for ever.
    world.faults(&["delete"], &["configmaps"], answers(500, refused));
    world.deploys(&map("b", "", "1"));
    let state = world.synced(&json!({"prune": true})).await;
    assert_eq!(phase(&state), "Failed");
    assert!(results(&state).concat().contains(refused), "{state:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_says_why_it_waits_and_can_be_terminated_where_nothing_can_be_deleted() {
    let mut world = shop(&map("a", "", "1")).await;
    world.synced(&json!({})).await;
    world.faults(&["delete"], &["configmaps"], answers(503, "try later"));
    world.deploys(&map("b", "", "1"));
    world.sync(&json!({"prune": true}));
    world
        .until("it says so", |_, state| {
            state.message.contains("it cannot go on yet") && state.message.contains("try later")
        })
        .await;
    world.edit(|application| application["status"]["operationState"]["phase"] = json!("Terminating"));
    assert_eq!(world.end().await.message, "Operation terminated");
    world.simulator.faults().clear();
    let state = world.synced(&json!({"prune": true})).await;
    assert_eq!((phase(&state).as_str(), world.names(&CONFIG_MAPS)), ("Succeeded", vec!["b".to_owned()]));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_operation_fails_where_somebody_deletes_its_hook() {
    for is_by_force in [false, true] {
        let mut world = with_a_hook_that_runs(&hook("rescue", "SyncFail", "")).await;
        if is_by_force {
            world.change(&JOBS, "shop", "slow", |job| {
                drop(job["metadata"].as_object_mut().unwrap().remove("finalizers"));
            });
        }
        delete(&world, false);
        let state = world.end().await;
        assert_eq!(phase(&state), "Failed", "{state:?}");
        let told = results(&state);
        let wanted = "was deleted while it was running";
        assert!(
            told.iter()
                .any(|result| result.contains(wanted) || result.contains("is missing, it might have been deleted")),
            "{told:?}"
        );
        assert!(told.iter().any(|result| result.starts_with("SyncFail Job/rescue Synced Succeeded")), "{told:?}");
        assert!(world.names(&CONFIG_MAPS).is_empty());
        world.left(&JOBS, &["rescue"]).await;
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_leaves_no_finalizer_behind_where_somebody_deletes_the_application() {
    let world = with_a_hook_that_runs("").await;
    delete(&world, true);
    until_it_can_go(&world, "slow").await;
    assert!(world.names(&CONFIG_MAPS).is_empty());
    // What runs is somebody's who can end it now.
    delete(&world, false);
    world.left(&JOBS, &[]).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_ends_an_operation_before_the_deletion_of_its_application_begins() {
    let mut world = shop(&(hook("slow", "PreSync", "") + &map("a", "", "1"))).await;
    let finalizers = json!(["resources-finalizer.argocd.argoproj.io"]);
    world.edit(|application| application["metadata"]["finalizers"] = finalizers.clone());
    world.sync(&json!({}));
    world.until_message("waiting for completion of hook batch/Job/slow").await;
    delete(&world, true);
    assert_eq!(world.names(&JOBS), ["slow"]);
    world.edit(|application| application["status"]["operationState"]["phase"] = json!("Terminating"));
    let (_, mut changes) = world.simulator.store().list_and_watch(&APPLICATIONS);
    while world.get(&APPLICATIONS, ARGOCD, "shop").is_some() {
        let changed = Clock::real().timeout(Duration::from_secs(60), changes.next()).await;
        changed.unwrap_or_else(|_| panic!("it stays: {:#}", world.application())).unwrap();
    }
    world.left(&JOBS, &[]).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_lets_the_hooks_of_an_operation_go_that_another_one_replaces() {
    let mut world = with_a_hook_that_runs("").await;
    world.deploys(&map("b", "", "1"));
    let state = world.synced(&json!({})).await;
    assert_eq!((phase(&state).as_str(), world.names(&CONFIG_MAPS)), ("Succeeded", vec!["b".to_owned()]));
    until_it_can_go(&world, "slow").await;
    let job = world.get(&JOBS, "shop", "slow").unwrap();
    assert_eq!(job["status"].get("conditions"), None::<&Value>, "nobody ended it: {job:#}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_says_why_it_waits_and_does_not_hammer_where_nothing_can_be_tried() {
    let mut world = shop(&map("a", "", "1")).await;
    let fault = Fault::new(requests(&["patch"], &["configmaps"]), answers(503, "try later"));
    let fault = world.simulator.faults().add(fault);
    world.sync(&json!({}));
    world.until_message("waiting for an answer of the API server: try later").await;
    // Each pause is longer than the one before.
    world.simulator.faults().until_met(fault, 3).await;
    assert!(world.names(&CONFIG_MAPS).is_empty());
    world.simulator.faults().clear();
    let state = world.end().await;
    assert_eq!((phase(&state).as_str(), state.message.as_str()), ("Succeeded", "successfully synced (all tasks run)"));
    world.stop().await;
}
