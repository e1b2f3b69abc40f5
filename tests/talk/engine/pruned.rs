//! What Git has no more, beyond config maps: kinds that no manifest has any more, made by whomever.

use boathook::sim::resource::{CONFIG_MAPS, DEPLOYMENTS, GroupResource, NAMESPACES, SERVICE_ACCOUNTS, SERVICES};
use boathook::sim::store::WriteOptions;
use serde_json::{Value, json};

use super::boats::{BOATS, DEFINITION};
use super::rows::{map, shop};
use super::world::{World, phase, results};

/// One object of each kind, as Argo CD leaves it.
fn object(group_kind: (&str, &str), name: &str, tracking: &str, owners: &Value) -> Value {
    let (api_version, kind) = group_kind;
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let id = format!("{tracking}:{group}/{kind}:shop/{name}");
    let labels = json!({"app": name});
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name,
        "annotations": {"argocd.argoproj.io/tracking-id": id}, "ownerReferences": owners}});
    if kind != "Namespace" {
        object["metadata"]["namespace"] = json!("shop");
    }
    match kind {
        "Service" => object["spec"] = json!({"ports": [{"port": 80}]}),
        "Deployment" => {
            let pod =
                json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "nginx"}]}});
            object["spec"] = json!({"replicas": 0, "selector": {"matchLabels": labels}, "template": pod});
        }
        _ => {}
    }
    object
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_prunes_whatever_argo_cd_applied_and_nothing_of_others() {
    let mut world = shop(&(map("a", "", "1") + DEFINITION)).await;
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    world.kill();
    let owner = |world: &World| {
        let map = world.get(&CONFIG_MAPS, "shop", "a").unwrap();
        json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": map["metadata"]["uid"]}])
    };
    let owner = owner(&world);
    let kinds = [
        (("v1", "Service"), &SERVICES),
        (("v1", "ServiceAccount"), &SERVICE_ACCOUNTS),
        (("apps/v1", "Deployment"), &DEPLOYMENTS),
        (("example.com/v1", "Boat"), &BOATS),
    ];
    let by_argo_cd = WriteOptions::by("argocd-controller");
    let make = |id: &GroupResource, object: Value| world.simulator.store().create(id, object, &by_argo_cd).unwrap();
    for (kind, id) in kinds {
        make(id, object(kind, "gone", "shop", &json!([])));
        make(id, object(kind, "theirs", "other", &json!([])));
        make(id, object(kind, "longer", "shop-2", &json!([])));
        make(id, object(kind, "owned", "shop", &owner));
        let mut copy = object(kind, "gone", "shop", &json!([]));
        copy["metadata"]["name"] = json!("copy");
        make(id, copy);
    }
    // Outside of namespaces the id names the destination's.
    make(&NAMESPACES, object(("v1", "Namespace"), "gone", "shop", &json!([])));
    make(&NAMESPACES, object(("v1", "Namespace"), "theirs", "other", &json!([])));
    world.edit(|application| application["status"] = json!({}));
    world.start().await;
    let state = world.synced(&json!({"prune": true})).await;
    assert_eq!(phase(&state), "Succeeded", "{state:?}");
    let mut pruned: Vec<String> = results(&state).into_iter().filter(|result| result.contains(" Pruned ")).collect();
    pruned.sort();
    let wanted = ["Boat", "Deployment", "Namespace", "Service", "ServiceAccount"];
    assert_eq!(pruned, wanted.map(|kind| format!("Sync {kind}/gone Pruned Succeeded pruned")));
    for (_, id) in kinds {
        let mut names = world.names(id);
        names.retain(|name| name != "default");
        assert_eq!(names, ["copy", "longer", "owned", "theirs"], "{id:?}");
    }
    assert!(world.get(&NAMESPACES, "", "theirs").is_some());
    world.stop().await;
}
