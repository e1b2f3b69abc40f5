//! Engines of two control planes: they work beside each other only where their Applications are not the same, also while no
//! Application says whose it is.

use boathook::cluster::Scope;
use boathook::domain::scenario::{AccessRule, Pattern};
use boathook::engine::{Engine, EngineError, EngineOptions, Handle};
use boathook::sim::resource::{LEASES, NAMESPACES};
use serde_json::json;

use super::world::{ARGOCD, Setup, World};

const OTHER: &str = "ctl2";
const LEASE: &str = "boathook-engine";

/// A cluster with two control planes and no Application.
async fn world() -> World {
    let world = World::new(&Setup::made("")).await;
    world.create(&NAMESPACES, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OTHER}}));
    world
}

async fn start(world: &World, control_plane: &str, is_for_all: bool) -> Result<Handle, EngineError> {
    let own = Scope::Namespace(control_plane.to_owned());
    let options = EngineOptions {
        repo_cache: world.path().join(control_plane),
        control_plane: control_plane.to_owned(),
        applications: if is_for_all { Scope::All } else { own },
        ..world.options.clone()
    };
    Engine::start(world.cluster.clone(), options, world.clock.clone()).await
}

fn is_refused(started: Result<Handle, EngineError>) -> bool {
    match started {
        Ok(_) => false,
        Err(EngineError::OtherController(who)) => {
            assert!(who.contains("the Lease boathook-engine") && who.contains("in namespace argocd"), "{who}");
            true
        }
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_is_refused_beside_one_of_another_control_plane_that_works_for_the_same_applications() {
    for (first, second, refused) in
        [(true, true, true), (true, false, true), (false, true, true), (false, false, false)]
    {
        let (world, context) = (world().await, format!("first for all: {first}, second for all: {second}"));
        let idle = start(&world, ARGOCD, first).await.unwrap();
        assert_eq!(is_refused(start(&world, OTHER, second).await), refused, "{context}");
        let lease = world.get(&LEASES, OTHER, LEASE);
        assert_eq!(lease.is_some(), !refused, "{context}: who is refused writes nothing");
        idle.stop().await;
        // Its Lease is given back: the second one works now, whatever it works for.
        if refused {
            start(&world, OTHER, second).await.unwrap().stop().await;
        }
        let lease = world.get(&LEASES, OTHER, LEASE).unwrap();
        let applications = if second { "*" } else { OTHER };
        assert_eq!(lease["metadata"]["annotations"]["boathook.dev/applications"], applications, "{context}");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_takes_a_lease_that_does_not_say_for_whom_it_is_for_one_for_all() {
    let world = world().await;
    let idle = start(&world, ARGOCD, false).await.unwrap();
    world.change(&LEASES, ARGOCD, LEASE, |lease| {
        lease["metadata"].as_object_mut().unwrap().remove("annotations");
    });
    assert!(is_refused(start(&world, OTHER, false).await));
    idle.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_that_may_not_look_for_others_works_without() {
    let world = world().await;
    let idle = start(&world, ARGOCD, true).await.unwrap();
    let patterns = |words: &[&str]| words.iter().map(|word| Pattern::new(*word)).collect();
    let denied = AccessRule {
        allow: false,
        verbs: patterns(&["list"]),
        groups: Vec::new(),
        resources: patterns(&["leases"]),
        namespaces: patterns(&[""]),
        names: Vec::new(),
        reason: String::new(),
    };
    world.simulator.access().restrict("admin", &[denied]);
    start(&world, OTHER, false).await.unwrap().stop().await;
    idle.stop().await;
    world.stop().await;
}
