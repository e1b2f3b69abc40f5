//! The API server goes away for longer than the engine's Lease holds, or Git goes away, in the middle of an operation.

use std::time::Duration;

use boathook::clock::Clock;
use boathook::engine::EngineError;
use boathook::sim::resource::{CONFIG_MAPS, GroupResource, JOBS, LEASES, PODS};
use boathook::sim::store::{EventKind, Part, WriteOptions};
use serde_json::{Value, json};

use super::git_server::GitServer;
use super::rows::{hook, map, shop};
use super::world::{ARGOCD, World, phase};

const PATIENCE: Duration = Duration::from_secs(60);
const NAME: &str = "boathook-engine";

/// An operation whose hook runs for as long as nobody ends it.
async fn waiting_for_its_hook() -> World {
    let mut world = shop(&(hook("slow", "PreSync", "") + &map("a", "", "1"))).await;
    world.kill();
    world.options.lease = Duration::from_secs(3);
    world.start().await;
    world.sync(&json!({}));
    world.until_message("waiting for completion of hook batch/Job/slow").await;
    world
}

/// Waits until the engine does nothing any more, or works again.
async fn until_suspended(world: &World, wanted: bool) {
    let mut suspended = world.engine().suspended();
    let is_so = suspended.wait_for(|reason| reason.is_some() == wanted);
    let reason = Clock::real().timeout(PATIENCE, is_so).await.expect("it does not change").unwrap();
    assert!(reason.as_ref().is_none_or(|reason| reason.contains("cannot be reached")), "{reason:?}");
}

fn holder(world: &World) -> Value {
    world.get(&LEASES, ARGOCD, NAME).unwrap()["spec"]["holderIdentity"].clone()
}

fn seize(world: &World, renewed: &str) {
    world.change(&LEASES, ARGOCD, NAME, |lease| {
        lease["spec"]["holderIdentity"] = json!("thief");
        lease["spec"]["renewTime"] = json!(renewed);
    });
}

/// Waits until an object is as wanted.
async fn until_it_is(world: &World, id: &GroupResource, is_so: impl Fn(&Value) -> bool) {
    let (_, mut changes) = world.simulator.store().list_and_watch(id);
    let objects = || world.names(id).into_iter().filter_map(|name| world.get(id, "shop", &name));
    while !objects().any(|object| is_so(&object)) {
        let changed = Clock::real().timeout(PATIENCE, changes.next()).await;
        changed.unwrap_or_else(|_| panic!("it is {:#?}", objects().collect::<Vec<_>>())).unwrap();
    }
}

/// Ends the hook's pod well, and lets the Job take note of it.
pub(super) async fn complete_the_hook(world: &World) {
    until_it_is(world, &PODS, |pod| pod["status"]["phase"] == "Running").await;
    for name in world.names(&PODS) {
        let options = WriteOptions::by("test").part(Part::Status);
        let ended = world.simulator.store().update(&PODS, "shop", &name, &options, |pod| {
            let mut pod = pod.clone();
            pod["status"]["phase"] = json!("Succeeded");
            Ok(pod)
        });
        ended.unwrap();
    }
    until_it_is(world, &JOBS, |job| job["status"]["succeeded"] == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_goes_on_after_the_api_server_was_away_for_longer_than_its_lease() {
    let mut world = waiting_for_its_hook().await;
    let me = holder(&world);
    let store = world.simulator.store();
    let mut jobs = store.watch(&JOBS, store.revision()).unwrap();
    world.simulator.refuse_connections();
    until_suspended(&world, true).await;
    complete_the_hook(&world).await;
    assert!(world.names(&CONFIG_MAPS).is_empty());
    world.simulator.accept_connections().await.unwrap();
    until_suspended(&world, false).await;
    let state = world.end().await;
    assert_eq!(phase(&state), "Succeeded", "{state:?}");
    assert_eq!(world.names(&CONFIG_MAPS), ["a"]);
    let lease = world.get(&LEASES, ARGOCD, NAME).unwrap();
    assert_eq!((&lease["spec"]["holderIdentity"], &lease["spec"]["leaseTransitions"]), (&me, &json!(1)));
    while let Some(event) = jobs.try_next().unwrap() {
        assert_ne!(event.kind, EventKind::Added, "the hook runs once");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_that_was_away_takes_its_lease_back_from_one_whose_claim_ended() {
    let mut world = waiting_for_its_hook().await;
    let me = holder(&world);
    world.simulator.refuse_connections();
    until_suspended(&world, true).await;
    seize(&world, "2026-11-22T10:00:00.000000Z");
    world.simulator.accept_connections().await.unwrap();
    until_suspended(&world, false).await;
    assert_eq!(holder(&world), me);
    world.edit(|application| application["status"]["operationState"]["phase"] = json!("Terminating"));
    assert_eq!(world.end().await.message, "Operation terminated");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_that_was_away_stops_where_another_has_its_lease_now() {
    let world = waiting_for_its_hook().await;
    world.simulator.refuse_connections();
    until_suspended(&world, true).await;
    seize(&world, "9999-01-01T00:00:00.000000Z");
    world.simulator.accept_connections().await.unwrap();
    let ended = Clock::real().timeout(PATIENCE, world.engine().ended()).await.unwrap();
    assert!(matches!(&ended, EngineError::LeaseLost(reason) if reason.contains("the engine thief")), "{ended}");
    assert!(world.names(&CONFIG_MAPS).is_empty());
    assert_eq!(world.names(&JOBS), ["slow"], "what runs is left to the other one");
    world.stop().await;
}

/// An operation whose hook runs, and whose engine was started again and finds no Git.
async fn waiting_for_git() -> (World, GitServer) {
    let mut world = shop(&(hook("slow", "PreSync", "") + &map("a", "", "1"))).await;
    let server = GitServer::start(world.path(), None);
    let url = server.url("work/.git");
    world.edit(|application| application["spec"]["source"]["repoURL"] = json!(url));
    world.sync(&json!({}));
    world.until_message("waiting for completion of hook batch/Job/slow").await;
    world.kill();
    server.set_away(true);
    std::fs::remove_dir_all(&world.options.repo_cache).unwrap();
    world.start().await;
    world.until("Git is missed", |_, state| state.message.contains("it cannot go on yet: ComparisonError")).await;
    (world, server)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_operation_that_waits_for_git_goes_on_once_it_is_back() {
    let (mut world, server) = waiting_for_git().await;
    // A change of the Application in the meantime is no reason to end its operation: it is tried again.
    let wait = "waiting for completion of hook batch/Job/slow (it cannot go on yet: ComparisonError";
    world.edit(|application| application["metadata"]["labels"] = json!({"team": "shop"}));
    world.edit(|application| application["spec"]["source"]["targetRevision"] = json!("main"));
    complete_the_hook(&world).await;
    let state = world.states.last().unwrap();
    assert!(state.message.starts_with(wait), "{}", state.message);
    assert_eq!((phase(state).as_str(), world.names(&CONFIG_MAPS)), ("Running", Vec::new()));
    server.set_away(false);
    world.edit(|application| application["metadata"]["labels"] = json!({"team": "other"}));
    let state = world.end().await;
    assert_eq!((phase(&state).as_str(), state.message.contains("go on")), ("Succeeded", false), "{}", state.message);
    assert_eq!(world.names(&CONFIG_MAPS), ["a"]);
    assert_eq!(world.names(&JOBS), ["slow"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_operation_that_waits_for_git_can_be_terminated() {
    let (mut world, _server) = waiting_for_git().await;
    world.edit(|application| application["status"]["operationState"]["phase"] = json!("Terminating"));
    let state = world.end().await;
    assert_eq!((phase(&state).as_str(), state.message.as_str()), ("Failed", "Operation terminated"));
    world.left(&JOBS, &[]).await;
    world.stop().await;
}
