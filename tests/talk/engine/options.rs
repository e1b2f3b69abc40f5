//! Sync options and the other fields of an operation: one test a row.

use boathook::sim::resource::{CONFIG_MAPS, DEPLOYMENTS, JOBS, NAMESPACES, PODS};
use serde_json::{Value, json};

use super::boats::{BOAT, DEFINITION};
use super::rows::{hook, map, shop};
use super::world::{World, phase, results};

fn value(world: &World, name: &str) -> Value {
    world.get(&CONFIG_MAPS, "shop", name).map(|map| map["data"].clone()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_dry_run_changes_nothing() {
    let mut world = shop(&(hook("good", "PreSync", "HookSucceeded") + &map("a", "", "1"))).await;
    let state = world.synced(&json!({"dryRun": true})).await;
    assert_eq!(phase(&state), "Succeeded");
    assert_eq!(
        results(&state),
        [
            "PreSync Job/good Synced Succeeded job.batch/good created (dry run)",
            "Sync ConfigMap/a Synced Succeeded configmap/a created (dry run)"
        ]
    );
    assert!(world.names(&JOBS).is_empty() && world.names(&CONFIG_MAPS).is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_prunes_only_when_asked_and_only_what_may_go() {
    let keep = map("kept", "argocd.argoproj.io/sync-options: Prune=false", "1");
    let mut world = shop(&(map("a", "", "1") + &map("b", "", "1") + &keep)).await;
    world.synced(&json!({})).await;
    world.create(
        &CONFIG_MAPS,
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "shop", "name": "foreign",
        "annotations": {"argocd.argoproj.io/tracking-id": "other:/ConfigMap:shop/foreign"}}}),
    );
    world.create(
        &CONFIG_MAPS,
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "shop", "name": "copy",
        "annotations": {"argocd.argoproj.io/tracking-id": "shop:/ConfigMap:shop/original"}}}),
    );
    world.deploys(&map("a", "", "1"));
    let state = world.synced(&json!({})).await;
    assert_eq!(
        results(&state),
        [
            "Sync ConfigMap/b PruneSkipped Succeeded ignored (requires pruning)",
            "Sync ConfigMap/kept PruneSkipped Succeeded ignored (requires pruning)",
            "Sync ConfigMap/a Synced Running configmap/a unchanged",
        ]
    );
    let state = world.synced(&json!({"prune": true})).await;
    assert!(results(&state).contains(&"Sync ConfigMap/b Pruned Succeeded pruned".to_owned()), "{state:?}");
    assert!(results(&state).contains(&"Sync ConfigMap/kept PruneSkipped Succeeded ignored (no prune)".to_owned()));
    assert_eq!(world.names(&CONFIG_MAPS), ["a", "copy", "foreign", "kept"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_prunes_the_last_object_of_a_kind_after_a_restart_with_an_empty_status() {
    let service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n";
    let mut world = shop(&(map("a", "", "1") + service)).await;
    world.synced(&json!({})).await;
    world.kill();
    world.edit(|application| application["status"] = json!({}));
    world.deploys(&map("a", "", "1"));
    world.start().await;
    let state = world.synced(&json!({"prune": true})).await;
    assert!(results(&state).contains(&"Sync Service/s Pruned Succeeded pruned".to_owned()), "{state:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_prune_waits_for_confirmation() {
    let careful = map("b", "argocd.argoproj.io/sync-options: Prune=confirm", "1");
    let mut world = shop(&(map("a", "", "1") + &careful)).await;
    world.synced(&json!({})).await;
    world.deploys(&map("a", "", "1"));
    world.sync(&json!({"prune": true}));
    let state = world.until_message("waiting for pruning confirmation of /ConfigMap/b").await;
    assert_eq!(phase(&state), "Running");
    let now = boathook::clock::Clock::real().now().checked_add(jiff::SignedDuration::from_secs(5)).unwrap();
    world.edit(|application| {
        application["metadata"]["annotations"] = json!({"argocd.argoproj.io/deletion-approved": now.to_string()});
    });
    assert_eq!(phase(&world.end().await), "Succeeded");
    assert_eq!(world.names(&CONFIG_MAPS), ["a"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_creates_the_namespace() {
    let mut world = shop(&map("a", "", "1")).await;
    world.edit(|application| application["spec"]["destination"]["namespace"] = json!("new"));
    let state = world.synced(&json!({})).await;
    assert_eq!(phase(&state), "Failed");
    assert!(results(&state).concat().contains("new"), "{state:?}");
    let state = world.synced(&json!({"syncOptions": ["CreateNamespace=true"]})).await;
    assert_eq!(phase(&state), "Succeeded", "{}", state.message);
    assert_eq!(results(&state)[0], "PreSync Namespace/new Synced Succeeded namespace/new created");
    assert!(world.get(&NAMESPACES, "", "new").is_some());
    assert!(world.get(&CONFIG_MAPS, "new", "a").is_some());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_replaces_and_forces() {
    let mut world = shop(&map("a", "", "1")).await;
    world.synced(&json!({})).await;
    world.change(&CONFIG_MAPS, "shop", "a", |map| map["data"]["own"] = json!("x"));
    let state = world.synced(&json!({})).await;
    assert_eq!(results(&state), ["Sync ConfigMap/a Synced Running configmap/a unchanged"]);
    assert_eq!(value(&world, "a"), json!({"a": "1", "own": "x"}), "a field of somebody else stays");
    let state = world.synced(&json!({"syncOptions": ["Replace=true"]})).await;
    assert_eq!(results(&state), ["Sync ConfigMap/a Synced Running configmap/a replaced"]);
    assert_eq!(value(&world, "a"), json!({"a": "1"}));
    // An immutable one can only be made anew.
    let fixed = |value: &str| map("b", "", value) + "immutable: true\n";
    world.deploys(&fixed("1"));
    world.synced(&json!({})).await;
    world.deploys(&fixed("2"));
    let state = world.synced(&json!({})).await;
    assert_eq!(phase(&state), "Failed");
    assert!(results(&state).concat().contains("mmutable"), "{state:?}");
    let state = world.synced(&json!({"syncStrategy": {"hook": {"force": true}}})).await;
    assert_eq!((phase(&state).as_str(), value(&world, "b")), ("Succeeded", json!({"a": "2"})), "{}", state.message);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_says_server_side_apply_and_validates() {
    let mut world = shop(&map("a", "", "1")).await;
    let state = world.synced(&json!({"syncOptions": ["ServerSideApply=true"]})).await;
    assert_eq!(results(&state), ["Sync ConfigMap/a Synced Running configmap/a serverside-applied"]);
    world.deploys(&(map("a", "", "1") + "unknown: 1\n"));
    let state = world.synced(&json!({})).await;
    assert_eq!(phase(&state), "Failed");
    assert!(results(&state).concat().contains("unknown"), "{state:?}");
    let state = world.synced(&json!({"syncOptions": ["Validate=false"]})).await;
    assert_eq!(phase(&state), "Succeeded", "{}", state.message);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_refuses_shared_resources_only_where_asked() {
    let mut world = shop(&map("a", "", "1")).await;
    world.create(
        &CONFIG_MAPS,
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "shop", "name": "a",
        "annotations": {"argocd.argoproj.io/tracking-id": "other:/ConfigMap:shop/a"}}}),
    );
    let state = world.synced(&json!({"syncOptions": ["FailOnSharedResource=true"]})).await;
    assert_eq!(phase(&state), "Failed");
    assert_eq!(state.message, "Shared resource found: ConfigMap/a is part of applications shop and other");
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_deletes_with_the_propagation_that_is_asked_for() {
    let mut world = shop(&hook("slow", "PreSync", "")).await;
    world.sync(&json!({"syncOptions": ["PrunePropagationPolicy=orphan"]}));
    world.until_message("waiting for completion of hook batch/Job/slow").await;
    world.simulator.controllers().unwrap().settled().await;
    world.edit(|application| application["status"]["operationState"]["phase"] = json!("Terminating"));
    world.end().await;
    world.left(&JOBS, &[]).await;
    assert_eq!(world.names(&PODS).len(), 1, "the pods of an orphaned Job go on");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_brings_definitions_and_their_objects_in_one_sync() {
    let mut world = shop(BOAT).await;
    let state = world.synced(&json!({})).await;
    assert_eq!(phase(&state), "Failed");
    assert!(state.message.contains("Make sure the \"Boat\" CRD is installed"), "{}", state.message);
    world.deploys(&format!("{BOAT}{DEFINITION}"));
    let state = world.synced(&json!({})).await;
    assert_eq!(phase(&state), "Succeeded", "{}", state.message);
    assert_eq!(results(&state).len(), 2);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_takes_local_manifests_only_where_allowed() {
    let manifest = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "local"}}).to_string();
    let mut world = shop(&map("a", "", "1")).await;
    let state = world.synced(&json!({"manifests": [manifest]})).await;
    assert_eq!(phase(&state), "Error");
    assert!(state.message.contains("local manifests are not allowed"), "{}", state.message);
    assert!(world.names(&CONFIG_MAPS).is_empty());
    world.kill();
    world.options.local_manifests = true;
    world.start().await;
    assert_eq!(phase(&world.synced(&json!({"manifests": [manifest]})).await), "Succeeded");
    assert_eq!(world.names(&CONFIG_MAPS), ["local"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_takes_over_the_fields_that_argo_cd_applied() {
    let mut world = shop(&map("a", "", "1")).await;
    let options = boathook::sim::store::WriteOptions::by("argocd-controller");
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "shop", "name": "a",
        "annotations": {"argocd.argoproj.io/tracking-id": "shop:/ConfigMap:shop/a"}}, "data": {"a": "1", "gone": "x"}});
    world.simulator.store().create(&CONFIG_MAPS, object, &options).unwrap();
    world.synced(&json!({})).await;
    assert_eq!(value(&world, "a"), json!({"a": "1"}), "a field that Git has no more disappears");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_waits_for_waves_and_selects() {
    let deployment = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: nginx}]}\n";
    let last = map("z", "argocd.argoproj.io/sync-wave: \"1\"", "1");
    let mut world = shop(&(hook("good", "PreSync", "") + deployment + &last)).await;
    let state = world.synced(&json!({})).await;
    assert_eq!(phase(&state), "Succeeded");
    let messages: Vec<&str> = world.states.iter().map(|state| state.message.as_str()).collect();
    assert!(messages.contains(&"waiting for healthy state of apps/Deployment/web"), "{messages:?}");
    assert!(world.get(&DEPLOYMENTS, "shop", "web").is_some());
    let state = world.synced(&json!({"resources": [{"kind": "ConfigMap", "name": "z"}]})).await;
    assert_eq!(results(&state), ["Sync ConfigMap/z Synced Running configmap/z unchanged"]);
    world.stop().await;
}
