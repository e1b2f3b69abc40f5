//! Clusters of Argo CD's Secrets as destinations: what is deployed there, how it is compared there, and who may not.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use boathook::clock::Clock;
use boathook::cluster::{Target, connect};
use boathook::domain::scenario::{Pattern, RequestMatch};
use boathook::sim::faults::{Action, Fault, WatchOrder, requests};
use boathook::sim::resource::{APP_PROJECTS, CONFIG_MAPS, GroupResource, JOBS, NAMESPACES, SECRETS};
use boathook::sim::server::{Simulator, SimulatorOptions};
use boathook::sim::store::{Part, WriteOptions};
use serde_json::{Value, json};

use super::rows::{hook, map, shop};
use super::world::{ARGOCD, PATIENCE, Setup, World, phase, results};

fn secret(other: &Simulator, token: &str, project: &str) -> Value {
    let config = json!({ "bearerToken": token }).to_string();
    let fields = [("name", "eu"), ("server", &other.url()), ("config", &config), ("project", project)];
    let data: serde_json::Map<String, Value> =
        fields.iter().map(|(name, text)| ((*name).to_owned(), STANDARD.encode(text).into())).collect();
    json!({"apiVersion": "v1", "kind": "Secret", "data": data, "metadata": {"name": "cluster-eu", "namespace": ARGOCD,
        "labels": {"argocd.argoproj.io/secret-type": "cluster"}}})
}

/// A second cluster, with the application's namespace.
fn elsewhere() -> Simulator {
    let options = SimulatorOptions { speed: 20.0, ..SimulatorOptions::default() };
    let other = Simulator::start(options).unwrap();
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
    other.store().create(&NAMESPACES, namespace, &WriteOptions::by("test")).unwrap();
    other
}

fn names(other: &Simulator) -> Vec<String> {
    let (maps, _) = other.store().list(&CONFIG_MAPS, Some("shop"));
    let names = maps.iter().map(|map| map.name().to_owned());
    names.filter(|name| name != "kube-root-ca.crt").collect()
}

async fn refused(world: &mut World, words: &str) {
    let state = world.synced(&json!({})).await;
    assert_eq!(phase(&state), "Error", "{words}: {state:?}");
    assert!(state.message.contains(words), "{words:?} is not in {:?}", state.message);
    let conditions = world.refreshed().await.pointer("/status/conditions").cloned().unwrap_or_default().to_string();
    let conditions = conditions.replace("\\\"", "\"");
    assert!(conditions.contains(words), "{words:?} is not in {conditions}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_places_are_the_clusters_of_argo_cds_secrets_by_name_and_by_server() {
    for by_name in [true, false] {
        let other = elsewhere();
        let mut world = shop(&(hook("good", "PreSync", "") + &map("a", "", "1") + &map("gone", "", "1"))).await;
        let server = format!("{}/", other.url());
        world.edit(|application| {
            application["spec"]["destination"] = if by_name {
                json!({"name": "eu", "namespace": "shop"})
            } else {
                json!({"server": server, "namespace": "shop"})
            };
        });
        refused(&mut world, if by_name { "no clusters with this name: eu" } else { "no clusters with this address" })
            .await;
        world.create(&SECRETS, secret(&other, other.token(), ""));
        let state = world.synced(&json!({})).await;
        assert_eq!(phase(&state), "Succeeded", "{}", state.message);
        assert!(results(&state)[0].starts_with("PreSync Job/good Synced Succeeded"), "{state:?}");
        assert_eq!(names(&other), ["a", "gone"]);
        assert!(other.store().get(&JOBS, "shop", "good").is_some());
        assert!(world.names(&CONFIG_MAPS).is_empty() && world.names(&JOBS).is_empty(), "nothing of it is here");
        let status = |application: &Value| application["status"]["sync"]["status"].clone();
        assert_eq!(status(&world.refreshed().await), "Synced");
        // It is compared with what lives there.
        world.deploys(&map("a", "", "1"));
        assert_eq!(status(&world.refreshed().await), "OutOfSync");
        assert_eq!(phase(&world.synced(&json!({"prune": true})).await), "Succeeded");
        assert_eq!(names(&other), ["a"]);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_places_that_cannot_be_reached_or_are_of_other_projects_are_told() {
    let other = elsewhere();
    let mut world = shop(&map("a", "", "1")).await;
    world.edit(|application| application["spec"]["destination"] = json!({"name": "eu", "namespace": "shop"}));
    let renew = |world: &World, new: Value| {
        world.change(&SECRETS, ARGOCD, "cluster-eu", |own| own["data"] = new["data"].clone());
    };
    world.create(&SECRETS, secret(&other, "wrong", ""));
    refused(&mut world, &other.url()).await;
    let mut unsupported = secret(&other, "x", "");
    unsupported["data"]["config"] = STANDARD.encode(r#"{"execProviderConfig": {"command": "aws"}}"#).into();
    renew(&world, unsupported);
    refused(&mut world, "config.execProviderConfig is not supported").await;
    let mut broken = secret(&other, "x", "");
    broken["data"]["config"] = STANDARD.encode("token: hunter2").into();
    renew(&world, broken);
    refused(&mut world, "config is not JSON").await;
    assert!(!world.application().to_string().contains("hunter2"));
    let mut told = secret(&other, other.token(), "");
    told["data"]["server"] = STANDARD.encode(other.url().replace("://", "://somebody:hunter3@")).into();
    renew(&world, told);
    refused(&mut world, "server is no address, or one with a user or a password in it").await;
    assert!(!world.application().to_string().contains("hunter3"));
    // The project decides by the cluster's own name and address.
    renew(&world, secret(&other, other.token(), ""));
    let spec =
        json!({"sourceRepos": ["*"], "destinations": [{"server": "https://kubernetes.default.svc", "namespace": "*"}]});
    let project = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
        "metadata": {"name": "p", "namespace": ARGOCD}, "spec": spec});
    world.create(&APP_PROJECTS, project);
    world.edit(|application| application["spec"]["project"] = json!("p"));
    refused(&mut world, "do not match any of the allowed destinations in project 'p'").await;
    assert!(names(&other).is_empty() && world.names(&CONFIG_MAPS).is_empty());
    world.change(&APP_PROJECTS, ARGOCD, "p", |project| {
        project["spec"]["destinations"] = json!([{"name": "eu", "server": other.url(), "namespace": "shop"}]);
    });
    let state = world.synced(&json!({})).await;
    assert_eq!((phase(&state).as_str(), names(&other)), ("Succeeded", vec!["a".to_owned()]), "{}", state.message);
    world.stop().await;
}

const CLUSTER_ROLES: GroupResource = GroupResource::of("rbac.authorization.k8s.io", "clusterroles");
const ROLE: &str =
    "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: reader}\nrules: []\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_places_of_which_a_part_is_managed_get_nothing_beyond_it() {
    let other = elsewhere();
    // It could do anything there, and looks nowhere else for all that.
    let outside = requests(&["list", "watch"], &["clusterroles", "configmaps"]);
    let outside = RequestMatch { namespaces: vec![Pattern::new("")], ..outside };
    let outside = other.faults().add(Fault::new(outside, Action::Delay(Duration::ZERO)));
    let mut world = shop(&map("a", "", "1")).await;
    world.edit(|application| application["spec"]["destination"] = json!({"name": "eu", "namespace": "shop"}));
    let restricted = |fields: &[(&str, &str)]| {
        let mut secret = secret(&other, other.token(), "");
        for (name, value) in fields {
            secret["data"][*name] = STANDARD.encode(value).into();
        }
        secret
    };
    world.create(&SECRETS, restricted(&[("namespaces", "blog, crew")]));
    refused(&mut world, "namespace \"shop\" for ConfigMap \"a\" is not managed").await;
    let manage = |world: &World, fields: &[(&str, &str)]| {
        let new = restricted(fields);
        world.change(&SECRETS, ARGOCD, "cluster-eu", |own| own["data"] = new["data"].clone());
    };
    // As many words as Argo CD has for it; nothing of the rest is deployed either.
    world.deploys(&(map("a", "", "1") + ROLE));
    manage(&world, &[("namespaces", "blog, shop"), ("clusterResources", "false")]);
    let words = "cluster level ClusterRole \"reader\" can not be managed when in namespaced mode";
    refused(&mut world, words).await;
    assert!(names(&other).is_empty());
    world.deploys(&map("a", "", "1"));
    let state = world.synced(&json!({})).await;
    assert_eq!((phase(&state).as_str(), names(&other)), ("Succeeded", vec!["a".to_owned()]), "{}", state.message);
    assert_eq!(world.refreshed().await["status"]["sync"]["status"], "Synced");
    assert_eq!(other.faults().met(outside), 0);
    // What is tracked and outside of it is nobody's to prune.
    let tracked = |id: &GroupResource, object: Value| {
        other.store().create(id, object, &WriteOptions::by("argocd-controller")).unwrap();
    };
    let annotation = |key: &str| json!({"argocd.argoproj.io/tracking-id": format!("shop:{key}")});
    tracked(
        &CLUSTER_ROLES,
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "rules": [], "metadata": {"name": "old",
            "annotations": annotation("rbac.authorization.k8s.io/ClusterRole:shop/old")}}),
    );
    tracked(
        &CONFIG_MAPS,
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "old", "namespace": "shop",
            "annotations": annotation("/ConfigMap:shop/old")}}),
    );
    assert_eq!(phase(&world.synced(&json!({"prune": true})).await), "Succeeded");
    assert_eq!(names(&other), ["a"]);
    assert!(other.store().get(&CLUSTER_ROLES, "", "old").is_some());
    // With cluster resources it is theirs.
    manage(&world, &[("namespaces", "shop"), ("clusterResources", "true")]);
    world.deploys(&(map("a", "", "1") + ROLE));
    let state = world.synced(&json!({"prune": true})).await;
    assert_eq!(phase(&state), "Succeeded", "{state:?}");
    assert!(other.store().get(&CLUSTER_ROLES, "", "reader").is_some());
    assert!(other.store().get(&CLUSTER_ROLES, "", "old").is_none_or(|old| old.is_deleting()));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_places_whose_credential_is_replaced_are_reached_with_the_new_one_while_hooks_run() {
    let other = elsewhere();
    let suspended =
        hook("slow", "PreSync", "").replace("spec:\n  backoffLimit", "spec:\n  suspend: true\n  backoffLimit");
    let mut world = shop(&(suspended + &map("a", "", "1"))).await;
    world.edit(|application| application["spec"]["destination"] = json!({"name": "eu", "namespace": "shop"}));
    let admin = other.access().user(other.token()).unwrap();
    for token in ["first", "second"] {
        other.access().add(token, admin.clone());
    }
    world.create(&SECRETS, secret(&other, "first", ""));
    world.sync(&json!({}));
    world.until_message("waiting for completion of hook batch/Job/slow").await;
    other.access().expire("first");
    other.faults().order(requests(&["watch"], &[]), WatchOrder::Cut);
    let new = secret(&other, "second", "");
    world.change(&SECRETS, ARGOCD, "cluster-eu", |own| own["data"] = new["data"].clone());
    // What the engine sees from now on it sees with the new one.
    let options = WriteOptions::by("test").part(Part::Whole);
    let resumed = other.store().update(&JOBS, "shop", "slow", &options, |job| {
        let mut job = job.clone();
        job["spec"]["suspend"] = json!(false);
        Ok(job)
    });
    resumed.unwrap();
    let state = world.end().await;
    assert_eq!((phase(&state).as_str(), names(&other)), ("Succeeded", vec!["a".to_owned()]), "{}", state.message);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_places_that_answer_nothing_hold_only_what_goes_there() {
    let other = elsewhere();
    let swallowed = other.faults().add(Fault::new(requests(&[], &[]), Action::Delay(Duration::from_secs(3600))));
    let mut world = World::new(&Setup::made("")).await;
    // Time stands still for the engine: nothing is given up because it takes long.
    let (clock, _driver) = Clock::driven(Clock::real().now());
    let target = Target::Kubeconfig { path: Some(world.path().join("kubeconfig")), context: None };
    world.cluster = connect(&target, &clock, "boathook-engine").await.unwrap();
    world.clock = clock;
    world.options.workers = 1;
    world.deploys(&map("a", "", "1"));
    world.create(&SECRETS, secret(&other, other.token(), ""));
    world.make_application(&json!({}));
    let elsewhere = json!({"server": null, "name": "eu", "namespace": "shop"});
    let operation = json!({"sync": {"syncStrategy": {"hook": {}}}});
    world.make_neighbour("far", &json!({"spec": {"destination": elsewhere}, "operation": operation}));
    world.start().await;
    let asked = other.faults().clone();
    Clock::real().timeout(PATIENCE, asked.until_met(swallowed, 1)).await.unwrap();
    let state = world.synced(&json!({})).await;
    assert_eq!(phase(&state), "Succeeded", "{}", state.message);
    assert_eq!(asked.met(swallowed), 1, "the other still waits for its first answer");
    world.stop().await;
}
