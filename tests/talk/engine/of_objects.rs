//! Sync options in an object's own annotation, and those of an operation that an object refuses.

use boathook::sim::resource::{APPLICATIONS, CONFIG_MAPS, DEPLOYMENTS, REPLICA_SETS};
use boathook::sim::store::{DeleteOptions, WriteOptions};
use serde_json::{Value, json};

use super::rows::{map, shop};
use super::world::{ARGOCD, World, phase, results};

const DEPLOYMENT: &str = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 1\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: nginx}]}\n";

fn with(options: &str) -> String {
    format!("argocd.argoproj.io/sync-options: \"{options}\"")
}

fn data(world: &World, name: &str) -> Value {
    world.get(&CONFIG_MAPS, "shop", name).map(|map| map["data"].clone()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_options_of_an_object_are_its_own() {
    // Options of the object and of the operation, and what is told of an object that is there already.
    for (own, asked, told) in [
        ("", vec![], "configmap/m configured"),
        ("Replace=true", vec![], "configmap/m replaced"),
        (" Validate=false , Replace=true", vec![], "configmap/m replaced"),
        ("replace=true", vec![], "configmap/m configured"),
        ("ServerSideApply=true", vec![], "configmap/m serverside-applied"),
        ("ServerSideApply=false", vec!["ServerSideApply=true"], "configmap/m configured"),
        ("", vec!["ServerSideApply=true"], "configmap/m serverside-applied"),
        ("ServerSideApply=true,Replace=true", vec![], "configmap/m replaced"),
        // What nobody knows changes nothing.
        ("SkipSchemaValidation=true,Whatever", vec!["Unknown=true", "prune=false"], "configmap/m configured"),
    ] {
        let mut world = shop(&map("m", "", "1")).await;
        world.synced(&json!({})).await;
        world.deploys(&map("m", &with(own), "2"));
        let state = world.synced(&json!({ "syncOptions": asked })).await;
        assert_eq!(results(&state), [format!("Sync ConfigMap/m Synced Running {told}")], "{own:?} {asked:?}");
        assert_eq!(data(&world, "m"), json!({"a": "2"}));
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_options_of_an_object_can_force_it_and_spare_it_validation() {
    let fixed = |options: &str, value: &str| map("b", &with(options), value) + "immutable: true\n";
    let mut world = shop(&fixed("", "1")).await;
    world.synced(&json!({})).await;
    let uid = |world: &World| world.get(&CONFIG_MAPS, "shop", "b").unwrap()["metadata"]["uid"].clone();
    let first = uid(&world);
    world.deploys(&fixed("", "2"));
    assert_eq!(phase(&world.synced(&json!({})).await), "Failed");
    assert_eq!(uid(&world), first);
    world.deploys(&fixed("Force=true", "2"));
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    assert_eq!(data(&world, "b"), json!({"a": "2"}));
    assert_ne!(uid(&world), first);
    // With both it is made anew each time.
    let second = uid(&world);
    world.deploys(&fixed("Force=true,Replace=true", "2"));
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    assert_ne!(uid(&world), second);
    world.deploys(&(map("c", &with("Validate=false"), "1") + "unknown: 1\n" + &map("d", "", "1")));
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    assert_eq!((data(&world, "c"), data(&world, "d")), (json!({"a": "1"}), json!({"a": "1"})));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_options_say_what_is_pruned_and_how() {
    let mut world = shop(&(map("a", "", "1") + &map("kept", "helm.sh/resource-policy: keep", "1") + DEPLOYMENT)).await;
    world.synced(&json!({})).await;
    world.simulator.controllers().unwrap().settled().await;
    world.deploys("# nothing\n");
    // The operation's word for all.
    let state = world.synced(&json!({"prune": true, "syncOptions": ["Prune=false"]})).await;
    assert_eq!(phase(&state), "Succeeded");
    assert!(
        results(&state).iter().all(|result| result.ends_with("PruneSkipped Succeeded ignored (no prune)")),
        "{state:?}"
    );
    assert_eq!(world.names(&CONFIG_MAPS), ["a", "kept"]);
    let state = world.synced(&json!({"prune": true, "syncOptions": ["PrunePropagationPolicy=orphan"]})).await;
    assert_eq!(phase(&state), "Succeeded", "{state:?}");
    assert!(world.names(&DEPLOYMENTS).is_empty());
    assert_eq!(world.names(&REPLICA_SETS).len(), 1, "what the Deployment made goes on");
    assert!(world.names(&CONFIG_MAPS).is_empty(), "Helm's policy is for deletion, not for pruning");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_options_say_what_is_deleted_with_the_application() {
    let manifests = map("a", "", "1")
        + &map("kept", "helm.sh/resource-policy: keep", "1")
        + &map("own", &with("Delete=true"), "1")
        + &map("stays", &with("Delete=false"), "1");
    for (policy, left) in
        [(json!([]), ["kept", "stays"].as_slice()), (json!(["Delete=false"]), &["a", "kept", "stays"])]
    {
        let mut world = shop(&manifests).await;
        world.edit(|application| {
            application["metadata"]["finalizers"] = json!(["resources-finalizer.argocd.argoproj.io"]);
            application["spec"]["syncPolicy"] = json!({ "syncOptions": policy });
        });
        world.synced(&json!({})).await;
        let (_, mut changes) = world.simulator.store().list_and_watch(&APPLICATIONS);
        world.simulator.store().delete(&APPLICATIONS, ARGOCD, "shop", &DeleteOptions::default()).unwrap();
        while world.get(&APPLICATIONS, ARGOCD, "shop").is_some() {
            let changed =
                boathook::clock::Clock::real().timeout(std::time::Duration::from_secs(60), changes.next()).await;
            changed.unwrap_or_else(|_| panic!("it stays: {:#}", world.application())).unwrap();
        }
        assert_eq!(world.names(&CONFIG_MAPS), left, "{policy}");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_options_can_leave_kubectls_fields_alone() {
    for (asked, left) in
        [(json!([]), json!({"a": "1"})), (json!(["ClientSideApplyMigration=false"]), json!({"a": "1", "gone": "x"}))]
    {
        let mut world = shop(&map("a", "", "1")).await;
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "shop", "name": "a",
            "annotations": {"argocd.argoproj.io/tracking-id": "shop:/ConfigMap:shop/a"}}, "data": {"a": "1", "gone": "x"}});
        let options = WriteOptions::by("kubectl-client-side-apply");
        world.simulator.store().create(&CONFIG_MAPS, object, &options).unwrap();
        let state = world.synced(&json!({ "syncOptions": asked })).await;
        assert_eq!(phase(&state), "Succeeded");
        assert_eq!(data(&world, "a"), left, "{asked}");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_options_of_comparisons_and_health_are_kept() {
    let broken = DEPLOYMENT
        .replace("{name: web}\n", "{name: web, annotations: {argocd.argoproj.io/ignore-healthcheck: \"true\"}}\n");
    let extra = map("extra", "argocd.argoproj.io/compare-options: IgnoreExtraneous", "1");
    let mut world = shop(&(map("a", "", "1") + &extra + &broken)).await;
    world.synced(&json!({})).await;
    world.deploys(&(map("a", "", "1") + &broken));
    world.change(&DEPLOYMENTS, "shop", "web", |deployment| deployment["spec"]["paused"] = json!(true));
    let status = world.refreshed().await["status"].clone();
    let resources = status["resources"].as_array().unwrap();
    let extra = resources.iter().find(|resource| resource["name"] == "extra").unwrap();
    assert_eq!((&extra["status"], &extra["requiresPruning"]), (&json!("OutOfSync"), &json!(true)));
    assert_eq!((&status["sync"]["status"], &status["health"]["status"]), (&json!("Synced"), &json!("Healthy")));
    let web = resources.iter().find(|resource| resource["name"] == "web").unwrap();
    assert_eq!(web["health"]["status"], "Suspended", "it is told, and does not count: {web}");
    world.stop().await;
}
