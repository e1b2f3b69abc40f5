//! How objects are applied, compared and taken over, as their options say.

use boathook::sim::faults::{Action, Failure, Fault, requests};
use boathook::sim::resource::{CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, DEPLOYMENTS, GroupResource, JOBS, NAMESPACES};
use boathook::sim::store::{DeleteOptions, EventKind, WriteOptions};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::boats::{BOAT, BOATS, DEFINITION};
use super::rows::{hook, map, shop};
use super::world::{World, phase, results};

const DEPLOYMENT: &str = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 1\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: nginx}]}\n";

fn data(world: &World, name: &str) -> Value {
    world.get(&CONFIG_MAPS, "shop", name).map(|map| map["data"].clone()).unwrap_or_default()
}

fn options(options: &[&str]) -> Value {
    json!({ "syncOptions": options })
}

fn with_policy(world: &World, options: &[&str]) {
    world.edit(|application| application["spec"]["syncPolicy"] = json!({ "syncOptions": options }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_apply_prunes_last_where_asked() {
    for (asked, order) in [(vec![], ["gone", "z"]), (vec!["PruneLast=true"], ["z", "gone"])] {
        let mut world = shop(&(map("a", "", "1") + &map("gone", "", "1"))).await;
        world.synced(&json!({})).await;
        let store = world.simulator.store();
        let mut changes = store.watch(&CONFIG_MAPS, store.revision()).unwrap();
        world.deploys(&(map("a", "", "1") + &map("z", "argocd.argoproj.io/sync-wave: \"3\"", "1")));
        let state = world.synced(&json!({"prune": true, "syncOptions": asked})).await;
        assert_eq!(phase(&state), "Succeeded", "{state:?}");
        let mut seen = Vec::new();
        while let Some(event) = changes.try_next().unwrap() {
            if event.kind == EventKind::Deleted || event.kind == EventKind::Added {
                seen.push(event.object.name().to_owned());
            }
        }
        assert_eq!(seen, order, "{asked:?}");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_apply_does_not_try_kinds_that_may_come_later() {
    let first = map("a", "argocd.argoproj.io/sync-wave: \"-1\"", "1");
    let mut world = shop(&(first + BOAT)).await;
    let state = world.synced(&json!({})).await;
    assert!(state.message.starts_with("one or more synchronization tasks are not valid"), "{}", state.message);
    assert!(world.names(&CONFIG_MAPS).is_empty());
    // Nothing is said against it beforehand, and it fails where its turn comes.
    let skips = options(&["SkipDryRunOnMissingResource=true"]);
    let state = world.synced(&skips).await;
    assert_eq!(phase(&state), "Failed");
    assert!(results(&state).concat().contains("does not serve example.com/v1 Boat"), "{state:?}");
    assert_eq!(world.names(&CONFIG_MAPS), ["a"]);
    world.deploys(&(DEFINITION.to_owned() + BOAT));
    assert_eq!(phase(&world.synced(&skips).await), "Succeeded");
    assert!(world.get(&BOATS, "shop", "one").is_some());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_apply_only_what_is_out_of_sync_at_that_moment() {
    let mut world = shop(&(map("a", "", "1") + &map("b", "", "1") + &hook("good", "PreSync", ""))).await;
    world.synced(&json!({})).await;
    world.refreshed().await;
    // No comparison has seen that yet.
    world.change(&CONFIG_MAPS, "shop", "b", |map| map["data"]["a"] = json!("changed"));
    let state = world.synced(&options(&["ApplyOutOfSyncOnly=true"])).await;
    assert_eq!(phase(&state), "Succeeded");
    let told = results(&state);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("PreSync Job/good"), "hooks always run: {told:?}");
    assert_eq!(told[1], "Sync ConfigMap/b Synced Running configmap/b configured");
    assert_eq!(data(&world, "b"), json!({"a": "1"}));
    assert_eq!(world.application()["status"]["history"].as_array().map(Vec::len), Some(2));
    // With waves, what was applied is still waited for.
    let later = map("z", "argocd.argoproj.io/sync-wave: \"1\"", "1");
    world.deploys(&(map("a", "", "1") + DEPLOYMENT + &later));
    let state = world.synced(&options(&["ApplyOutOfSyncOnly=true"])).await;
    assert_eq!(phase(&state), "Succeeded");
    let is_settled = |result: &String| result.starts_with("Sync Deployment/web Synced Succeeded");
    assert!(results(&state).iter().any(is_settled), "{state:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_apply_leaves_ignored_fields_alone_only_where_asked() {
    let rule = json!([{"group": "", "kind": "ConfigMap", "jsonPointers": ["/data/a"]}]);
    for (asked, value) in [(vec![], "git"), (vec!["RespectIgnoreDifferences=true"], "live")] {
        let mut world = shop(&map("m", "", "git")).await;
        world.edit(|application| application["spec"]["ignoreDifferences"] = rule.clone());
        world.synced(&json!({})).await;
        world.change(&CONFIG_MAPS, "shop", "m", |map| map["data"]["a"] = json!("live"));
        let application = world.refreshed().await;
        assert_eq!(application["status"]["sync"]["status"], "Synced", "it is ignored");
        world.deploys(&(map("m", "", "git") + "  b: new\n").replace("data: {a: \"git\"}\n", "data:\n  a: \"git\"\n"));
        let state = world.synced(&json!({ "syncOptions": asked })).await;
        assert_eq!(phase(&state), "Succeeded", "{}", state.message);
        assert_eq!(data(&world, "m"), json!({"a": value, "b": "new"}), "{asked:?}");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_apply_compares_without_fields_of_managers_that_are_ignored() {
    let mut world = shop(&(map("m", "", "git") + &map("k", "", "git"))).await;
    let rule = json!([{"group": "", "kind": "ConfigMap", "name": "m", "managedFieldsManagers": ["scaler"]}]);
    world.edit(|application| application["spec"]["ignoreDifferences"] = rule.clone());
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    let set = |world: &World, name: &str, manager: &str| {
        let value = |current: &Value| {
            let mut current = current.clone();
            current["data"]["a"] = json!(manager);
            Ok(current)
        };
        world.simulator.store().update(&CONFIG_MAPS, "shop", name, &WriteOptions::by(manager), value).unwrap();
    };
    let status = |application: &Value| application["status"]["sync"]["status"].clone();
    set(&world, "m", "scaler");
    assert_eq!(status(&world.refreshed().await), "Synced");
    set(&world, "m", "somebody");
    assert_eq!(status(&world.refreshed().await), "OutOfSync", "of others it counts");
    set(&world, "m", "scaler");
    set(&world, "k", "scaler");
    let application = world.refreshed().await;
    let resources = application["status"]["resources"].as_array().unwrap();
    let differing: Vec<_> = resources.iter().filter(|resource| resource["status"] == "OutOfSync").collect();
    assert!(matches!(&differing[..], [one] if one["name"] == "k"), "{differing:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_apply_that_replaces_is_in_sync_afterwards_and_notices_what_git_removes() {
    let two = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: \"1\", b: \"1\"}\n";
    let mut world = shop(&(two.to_owned() + DEPLOYMENT)).await;
    with_policy(&world, &["Replace=true"]);
    let state = world.synced(&options(&["Replace=true"])).await;
    assert_eq!(phase(&state), "Succeeded", "{}", state.message);
    let status = |application: &Value| application["status"]["sync"]["status"].clone();
    assert_eq!(status(&world.refreshed().await), "Synced");
    world.synced(&options(&["Replace=true"])).await;
    assert_eq!(status(&world.refreshed().await), "Synced", "also when it was there before");
    // What others add is theirs.
    world.change(&CONFIG_MAPS, "shop", "m", |map| map["data"]["theirs"] = json!("x"));
    assert_eq!(status(&world.refreshed().await), "Synced");
    world.deploys(&(map("m", "", "1") + DEPLOYMENT));
    let application = world.refreshed().await;
    let differing = application["status"]["resources"].as_array().unwrap().iter();
    let differing: Vec<&Value> = differing.filter(|resource| resource["status"] == "OutOfSync").collect();
    assert!(matches!(&differing[..], [one] if one["name"] == "m"), "{differing:?}");
    // Also without the option the field goes, and then only it.
    world.synced(&json!({})).await;
    assert_eq!(data(&world, "m"), json!({"a": "1", "theirs": "x"}));
    assert_eq!(status(&world.refreshed().await), "Synced");
    world.synced(&options(&["Replace=true"])).await;
    assert_eq!(data(&world, "m"), json!({"a": "1"}));
    assert_eq!(status(&world.refreshed().await), "Synced");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_apply_without_validation_is_in_sync_afterwards() {
    let more = "unknown: 1\nbinaryData: {b: YQ==}\n";
    let mut world = shop(&(map("m", "", "1") + more)).await;
    let application = world.refreshed().await;
    assert_eq!(application["status"]["sync"]["status"], "OutOfSync");
    with_policy(&world, &["Validate=false"]);
    for _ in 0..2 {
        let state = world.synced(&options(&["Validate=false"])).await;
        assert_eq!(phase(&state), "Succeeded", "{}", state.message);
        let application = world.refreshed().await;
        assert_eq!(application["status"]["sync"]["status"], "Synced");
        assert_eq!(application["status"].get("conditions"), None);
    }
    let binary = |world: &World| world.get(&CONFIG_MAPS, "shop", "m").unwrap().get("binaryData").cloned();
    assert_eq!(binary(&world), Some(json!({"b": "YQ=="})));
    // What Git removes is noticed, and goes.
    world.deploys(&(map("m", "", "1") + "unknown: 1\n"));
    assert_eq!(world.refreshed().await["status"]["sync"]["status"], "OutOfSync");
    assert_eq!(phase(&world.synced(&options(&["Validate=false"])).await), "Succeeded");
    assert_eq!((binary(&world), data(&world, "m")), (None, json!({"a": "1"})));
    assert_eq!(world.refreshed().await["status"]["sync"]["status"], "Synced");
    // With validation it would be refused: that is no reason to know nothing about the others.
    with_policy(&world, &[]);
    let application = world.refreshed().await;
    assert_eq!(application["status"]["sync"]["status"], "OutOfSync");
    assert_eq!(application["status"].get("conditions"), None);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_apply_never_deletes_a_namespace_or_a_definition_to_make_it_anew() {
    let namespace = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: extra, labels: {a: \"1\"}}\n";
    let mut world = shop(&(namespace.to_owned() + DEFINITION + BOAT)).await;
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    let uid = |world: &World, id: &GroupResource, namespace: &str, name: &str| {
        world.get(id, namespace, name).unwrap()["metadata"]["uid"].clone()
    };
    let before = (uid(&world, &NAMESPACES, "", "extra"), uid(&world, &BOATS, "shop", "one"));
    world.deploys(&(namespace.replace("\"1\"", "\"2\"") + DEFINITION + &BOAT.replace("{a: 1}", "{a: 2}")));
    let forced = json!({"syncOptions": ["Replace=true"], "syncStrategy": {"hook": {"force": true}}});
    let state = world.synced(&forced).await;
    assert_eq!(phase(&state), "Succeeded", "{state:?}");
    let told = results(&state);
    assert!(told.iter().any(|result| result.ends_with("Namespace/extra updated")), "{told:?}");
    assert!(
        told.iter().any(|result| result.contains("CustomResourceDefinition/boats.example.com updated")),
        "{told:?}"
    );
    assert_eq!(uid(&world, &NAMESPACES, "", "extra"), before.0);
    assert_ne!(uid(&world, &BOATS, "shop", "one"), before.1, "others are made anew");
    // A field that cannot be changed does not change that.
    world.deploys(&DEFINITION.replace("scope: Namespaced", "scope: Cluster"));
    let state = world.synced(&json!({"syncStrategy": {"hook": {"force": true}}})).await;
    assert_eq!(phase(&state), "Failed");
    assert!(world.get(&BOATS, "shop", "one").is_some());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_apply_gives_the_namespace_its_metadata() {
    let mut world = shop(&map("a", "", "1")).await;
    world.edit(|application| {
        application["spec"]["destination"]["namespace"] = json!("new");
        application["spec"]["syncPolicy"] = json!({"managedNamespaceMetadata": {"labels": {"team": "shop"}}});
    });
    let state = world.synced(&options(&["CreateNamespace=true"])).await;
    assert_eq!(phase(&state), "Succeeded", "{}", state.message);
    let label = |world: &World| world.get(&NAMESPACES, "", "new").unwrap()["metadata"]["labels"]["team"].clone();
    assert_eq!(label(&world), "shop");
    world.edit(|application| {
        application["spec"]["syncPolicy"]["managedNamespaceMetadata"]["labels"]["team"] = json!("other");
    });
    assert_eq!(phase(&world.synced(&options(&["CreateNamespace=true"])).await), "Succeeded");
    assert_eq!(label(&world), "other");
    world.deploys("# nothing\n");
    let state = world.synced(&json!({"prune": true, "syncOptions": ["CreateNamespace=true"]})).await;
    assert_eq!(phase(&state), "Succeeded", "{}", state.message);
    assert!(world.get(&NAMESPACES, "", "new").is_some(), "it is never pruned");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_apply_takes_fields_over_from_argo_cd_and_kubectl() {
    for manager in ["argocd-controller", "kubectl-client-side-apply"] {
        let mut world = shop(&map("a", "", "1")).await;
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "shop", "name": "a",
            "annotations": {"argocd.argoproj.io/tracking-id": "shop:/ConfigMap:shop/a"}}, "data": {"a": "1", "gone": "x"}});
        world.simulator.store().create(&CONFIG_MAPS, object, &WriteOptions::by(manager)).unwrap();
        world.change(&CONFIG_MAPS, "shop", "a", |map| map["data"]["theirs"] = json!("x"));
        let status = |application: &Value| application["status"]["sync"]["status"].clone();
        assert_eq!(status(&world.refreshed().await), "OutOfSync", "{manager}: Git has a field less");
        assert_eq!(data(&world, "a"), json!({"a": "1", "gone": "x", "theirs": "x"}), "comparing changes nothing");
        world.synced(&json!({})).await;
        assert_eq!(data(&world, "a"), json!({"a": "1", "theirs": "x"}), "{manager}");
        assert_eq!(status(&world.refreshed().await), "Synced", "{manager}");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_apply_of_a_dry_run_leaves_everything_as_it_is() {
    let first = hook("good", "PreSync", "HookSucceeded") + &map("a", "", "1") + &map("gone", "", "1");
    let mut world = shop(&first.replace("HookSucceeded", "BeforeHookCreation")).await;
    world.synced(&json!({})).await;
    world.deploys(&(hook("good", "PreSync", "HookSucceeded") + &map("a", "", "2") + DEPLOYMENT));
    let everything = |world: &World| {
        let kinds = [JOBS, CONFIG_MAPS, DEPLOYMENTS];
        let all = kinds.iter().flat_map(|id| world.simulator.store().list(id, Some("shop")).0);
        all.map(|object| (*object.value()).clone()).collect::<Vec<_>>()
    };
    let before = everything(&world);
    let state = world.synced(&json!({"dryRun": true, "prune": true, "syncOptions": ["Replace=true"]})).await;
    assert_eq!((phase(&state).as_str(), state.message.as_str()), ("Succeeded", "successfully synced (no more tasks)"));
    assert!(results(&state).contains(&"Sync ConfigMap/gone Pruned Succeeded pruned (dry run)".to_owned()), "{state:?}");
    assert_eq!(everything(&world), before);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_apply_of_a_selection_runs_no_hooks_and_leaves_others_alone() {
    let mut world = shop(&(hook("good", "PreSync", "") + &map("a", "", "1") + &map("b", "", "1"))).await;
    let chosen = json!({"resources": [{"kind": "ConfigMap", "name": "b", "namespace": "shop"}], "prune": true});
    let state = world.synced(&chosen).await;
    assert_eq!(results(&state), ["Sync ConfigMap/b Synced Running configmap/b created"]);
    assert!(world.names(&JOBS).is_empty());
    assert_eq!(world.names(&CONFIG_MAPS), ["b"]);
    // What Git has no more can be chosen too.
    world.synced(&json!({})).await;
    world.deploys(&map("c", "", "1"));
    let state = world.synced(&chosen).await;
    assert_eq!(results(&state), ["Sync ConfigMap/b Pruned Succeeded pruned"]);
    assert_eq!(world.names(&CONFIG_MAPS), ["a"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_ends_an_operation_that_takes_too_long() {
    let mut world = shop(&(hook("slow", "PreSync", "") + &map("a", "", "1"))).await;
    world.kill();
    world.options.timeout = Some(SignedDuration::from_secs(1));
    world.start().await;
    let retry = json!({"limit": 5, "backoff": {"duration": "0.1s"}});
    world.request(&json!({"sync": {}, "retry": retry}));
    let state = world.end().await;
    assert_eq!(state.message, "Operation terminated, triggered by controller sync timeout");
    assert_eq!((phase(&state).as_str(), state.retry_count), ("Failed", 0));
    world.left(&JOBS, &[]).await;
    assert!(world.names(&CONFIG_MAPS).is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_apply_by_force_deletes_nothing_for_what_cannot_be_made() {
    let mut world = shop(DEPLOYMENT).await;
    let forced = json!({"syncStrategy": {"hook": {"force": true}}});
    assert_eq!(phase(&world.synced(&forced).await), "Succeeded");
    let uid = |world: &World| world.get(&DEPLOYMENTS, "shop", "web").unwrap()["metadata"]["uid"].clone();
    let before = uid(&world);
    let selected = DEPLOYMENT.replace("app: web", "app: other");
    for broken in [DEPLOYMENT, &selected] {
        world.deploys(&broken.replace("replicas: 1", "replicas: -1"));
        for more in [json!([]), json!(["Replace=true"])] {
            let mut request = forced.clone();
            request["syncOptions"] = more;
            let state = world.synced(&request).await;
            assert_eq!(state.message, "one or more objects failed to apply (dry run)");
            assert!(results(&state).concat().contains("spec.replicas: Invalid value"), "{state:?}");
            assert_eq!(uid(&world), before, "{state:?}");
        }
    }
    // What is refused only now: the third create, after those that only try.
    world.deploys(&selected);
    let refused = Fault::new(requests(&["create"], &["deployments"]), Action::Fail(Failure::Forbidden));
    world.simulator.faults().add(refused.skip(2).times(1));
    let state = world.synced(&forced).await;
    assert_eq!(phase(&state), "Failed");
    let told = results(&state).concat();
    assert!(told.contains("forbidden") && told.contains("it was deleted for that, and made again as it was"), "{told}");
    let selector = |world: &World| {
        world.get(&DEPLOYMENTS, "shop", "web").unwrap()["spec"]["selector"]["matchLabels"]["app"].clone()
    };
    assert_eq!(selector(&world), "web");
    assert_ne!(uid(&world), before);
    assert_eq!(phase(&world.synced(&forced).await), "Succeeded");
    assert_eq!(selector(&world), "other");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_apply_brings_a_definition_back_that_somebody_deleted() {
    let mut world = shop(&(DEFINITION.to_owned() + BOAT)).await;
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    let store = world.simulator.store();
    store.delete(&CUSTOM_RESOURCE_DEFINITIONS, "", "boats.example.com", &DeleteOptions::default()).unwrap();
    assert!(world.get(&BOATS, "shop", "one").is_none());
    let state = world.synced(&json!({})).await;
    assert_eq!(phase(&state), "Succeeded", "{state:?}");
    assert!(world.get(&BOATS, "shop", "one").is_some());
    world.stop().await;
}
