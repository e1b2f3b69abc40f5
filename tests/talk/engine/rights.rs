//! A right that the engine does not have: the operation says which, and so does a condition. Other applications go on.

use boathook::domain::scenario::{AccessRule, Pattern};
use boathook::sim::resource::{APPLICATIONS, CONFIG_MAPS, NAMESPACES};
use serde_json::{Value, json};

use super::rows::{hook, map, shop};
use super::world::{ARGOCD, World, phase, results};

fn deny(verbs: &[&str], resources: &[&str], namespace: &str) -> AccessRule {
    let patterns = |words: &[&str]| words.iter().map(|word| Pattern::new(*word)).collect();
    AccessRule {
        allow: false,
        verbs: patterns(verbs),
        groups: Vec::new(),
        resources: patterns(resources),
        namespaces: patterns(&[namespace]),
        names: Vec::new(),
        reason: String::new(),
    }
}

/// A service account with rights in namespaces: it may look through none of them at once.
fn only_in_namespaces() -> AccessRule {
    deny(&["list", "watch"], &["*"], "")
}

async fn other_goes_on(world: &mut World) {
    if world.get(&NAMESPACES, "", "away").is_none() {
        world.create(&NAMESPACES, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "away"}}));
    }
    world.write("other/all.yaml", &map("other", "", "1"));
    world.commit("other");
    let other = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "other", "namespace": ARGOCD}, "operation": {"sync": {}},
        "spec": {"project": "default", "destination": {"name": "in-cluster", "namespace": "away"},
            "source": {"repoURL": world.repository(), "path": "other"}}});
    let mut maps = world.simulator.store().list_and_watch(&CONFIG_MAPS).1;
    world.create(&APPLICATIONS, other);
    while world.get(&CONFIG_MAPS, "away", "other").is_none() {
        let event = boathook::clock::Clock::real().timeout(std::time::Duration::from_secs(60), maps.next()).await;
        event.expect("the other application stands still").unwrap();
    }
}

fn conditions(application: &Value) -> String {
    application.pointer("/status/conditions").cloned().unwrap_or_default().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_rights_to_write_that_are_missing_are_named() {
    for (verb, resource, words) in [
        ("patch", "configmaps", "cannot patch resource \"configmaps\" in API group \"\" in the namespace \"shop\""),
        ("get", "configmaps", "cannot get resource \"configmaps\" in API group \"\" in the namespace \"shop\""),
        ("create", "jobs", "cannot create resource \"jobs\" in API group \"batch\" in the namespace \"shop\""),
    ] {
        let mut world = shop(&(hook("good", "PreSync", "") + &map("a", "", "1"))).await;
        world.simulator.access().restrict("admin", &[deny(&[verb], &[resource], "shop")]);
        let state = world.synced(&json!({})).await;
        assert_eq!(phase(&state), "Failed", "{verb} {resource}: {state:?}");
        let told = format!("{} {}", state.message, results(&state).concat());
        assert!(told.contains(words), "{words:?} is not in {told:?}");
        assert!(world.names(&CONFIG_MAPS).is_empty());
        other_goes_on(&mut world).await;
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_rights_to_delete_that_are_missing_are_named() {
    let mut world = shop(&(map("a", "", "1") + &map("gone", "", "1"))).await;
    world.synced(&json!({})).await;
    world.deploys(&map("a", "", "1"));
    world.simulator.access().restrict("admin", &[deny(&["delete"], &["configmaps"], "shop")]);
    let state = world.synced(&json!({"prune": true})).await;
    assert_eq!(phase(&state), "Failed", "{state:?}");
    let words = "cannot delete resource \"configmaps\" in API group \"\" in the namespace \"shop\"";
    assert!(results(&state).concat().contains(words), "{state:?}");
    other_goes_on(&mut world).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_rights_to_look_that_are_missing_are_named() {
    // A list is asked for as a watch where the server offers that: without that right nothing is known.
    for denied in [&["list", "watch"][..], &["watch"]] {
        let mut world = shop(&(hook("good", "PreSync", "") + &map("a", "", "1"))).await;
        world.kill();
        let rule = deny(denied, &["configmaps"], "shop");
        world.simulator.access().restrict("admin", &[only_in_namespaces(), rule]);
        world.start().await;
        let state = world.synced(&json!({})).await;
        assert_eq!(phase(&state), "Error", "{denied:?}: {state:?}");
        let words = "cannot watch resource \"configmaps\" in API group \"\" in the namespace \"shop\"";
        assert!(state.message.contains(words), "{denied:?}: {}", state.message);
        assert!(world.names(&CONFIG_MAPS).is_empty());
        let application = world.refreshed().await;
        let words = words.replace('"', "\\\"");
        assert!(conditions(&application).contains(&words), "{denied:?}: {application:#}");
        assert_eq!(application["status"]["sync"]["status"], "Unknown");
        other_goes_on(&mut world).await;
        // With the right it goes on.
        world.simulator.access().restrict("admin", &[only_in_namespaces()]);
        assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded", "{denied:?}");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_rights_for_what_is_to_be_pruned_are_not_passed_over() {
    let service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n";
    let mut world = shop(&(map("a", "", "1") + service)).await;
    world.synced(&json!({})).await;
    world.refreshed().await;
    world.kill();
    world.deploys(&map("a", "", "1"));
    world
        .simulator
        .access()
        .restrict("admin", &[only_in_namespaces(), deny(&["list", "watch"], &["services"], "shop")]);
    world.start().await;
    let application = world.refreshed().await;
    assert!(conditions(&application).contains("services"), "{application:#}");
    assert_eq!(application["status"]["sync"]["status"], "Unknown", "it does not count as gone");
    let state = world.synced(&json!({"prune": true})).await;
    assert_eq!(phase(&state), "Error");
    assert!(state.message.contains("services"), "{}", state.message);
    world.stop().await;
}
