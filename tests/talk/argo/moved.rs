//! Clusters that go on elsewhere, or under other credentials.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use boathook::clock::Clock;
use boathook::domain::live::{HookAccess, Outcome, WatchState, Watched};
use boathook::domain::request::Request;
use boathook::sim::access::User;
use boathook::sim::faults::{Action, Fault, WatchOrder, requests};
use boathook::sim::resource::{JOBS, NAMESPACES, SECRETS};
use serde_json::json;

use super::world::{Picture, World, app, hook_result, put, running, simulator};

fn is_interrupted(picture: &Picture) -> bool {
    matches!(picture.watches.get(&Watched::Applications), Some(WatchState::Interrupted { .. }))
}

/// What names a cluster for good.
fn system(uid: &str) -> serde_json::Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "kube-system", "uid": uid } })
}

fn admin() -> User {
    User { name: "admin".to_owned(), ..User::default() }
}

#[tokio::test]
async fn an_api_server_that_moved_is_found_through_its_kubeconfig() {
    let first = simulator();
    put(&first, &NAMESPACES, system("the-cluster"));
    let mut world = World::with(first, |_| ()).await;
    world.put_app(app("a"));
    let (a, b) = (world.key("a"), world.key("b"));
    world.until("the first server", |picture| picture.apps.contains_key(&a) && picture.is_live()).await;
    // Another port and another token; it holds what the first one held, but for what has changed since.
    let moved = simulator();
    put(&moved, &NAMESPACES, json!({ "metadata": { "name": "argocd" } }));
    put(&moved, &NAMESPACES, system("the-cluster"));
    put(&moved, &boathook::sim::resource::APPLICATIONS, app("b"));
    world.simulator.refuse_connections();
    world.until("it is told", is_interrupted).await;
    // Half written it helps nobody, and harms nobody.
    let path = world.home.path().join("kubeconfig");
    let whole = moved.kubeconfig();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    // Nor does another cluster that the context is made to lead to: who looks at this one does not mean that one.
    let another = simulator();
    put(&another, &NAMESPACES, json!({ "metadata": { "name": "argocd" } }));
    put(&another, &NAMESPACES, system("another-cluster"));
    put(&another, &boathook::sim::resource::APPLICATIONS, app("b"));
    let asked = Fault::new(requests(&["get"], &["namespaces"]), Action::Delay(Duration::ZERO));
    let asked = another.faults().add(asked);
    fs::write(&path, another.kubeconfig()).unwrap();
    let faults = another.faults().clone();
    let limit = Duration::from_secs(60);
    Clock::real().timeout(limit, faults.until_met(asked, 2)).await.expect("it was never asked which cluster it is");
    while let Ok(event) = world.events.try_recv() {
        world.picture.fold(event);
    }
    assert!(world.picture.apps.contains_key(&a) && !world.picture.apps.contains_key(&b), "it shows another cluster");
    fs::write(&path, &whole).unwrap();
    world
        .until("the second server", |picture| {
            picture.is_live() && picture.apps.contains_key(&b) && !picture.apps.contains_key(&a)
        })
        .await;
    assert_eq!(world.ask("b", Request::Refresh { hard: false }, None).await, Outcome::Written);
    let refreshed = moved.store().get(&boathook::sim::resource::APPLICATIONS, "argocd", "b").unwrap().value();
    assert_eq!(refreshed["metadata"]["annotations"]["argocd.argoproj.io/refresh"], "normal");
}

/// A backup was restored: the objects are those of then, under the UIDs they had, and versions count from there.
#[tokio::test]
async fn an_open_application_goes_back_with_a_cluster_that_was_restored() {
    let state = |phase: &str| {
        let mut app = running("a", &json!([hook_result("migrate", phase)]));
        app["metadata"]["uid"] = json!("the-application");
        app["status"]["operationState"]["message"] = json!(format!("migrate is {phase}"));
        app
    };
    let first = simulator();
    put(&first, &NAMESPACES, system("the-cluster"));
    first.store().skip_revisions(50_000);
    let mut world = World::with(first, |_| ()).await;
    world.put_app(state("Succeeded"));
    let key = world.open("a").await;
    world.until_live().await;
    let restored = simulator();
    put(&restored, &NAMESPACES, json!({ "metadata": { "name": "argocd" } }));
    put(&restored, &NAMESPACES, system("the-cluster"));
    put(&restored, &boathook::sim::resource::APPLICATIONS, state("Running"));
    world.simulator.refuse_connections();
    world.until("it is told", is_interrupted).await;
    fs::write(world.home.path().join("kubeconfig"), restored.kubeconfig()).unwrap();
    let message = |picture: &Picture| {
        let state = picture.applications.get(&key)?.status.operation_state.clone()?;
        Some(state.message)
    };
    let is = |picture: &Picture, words: &str| message(picture).as_deref() == Some(words);
    world.until("what was", |picture| is(picture, "migrate is Running")).await;
    // It goes on from there.
    put(&restored, &boathook::sim::resource::APPLICATIONS, state("Failed"));
    world.until("what came then", |picture| is(picture, "migrate is Failed")).await;
}

/// A kubeconfig whose credentials a plugin gives: the token that stands in a file.
fn with_plugin(folder: &Path, url: &str, token: &str) {
    let plugin = folder.join("plugin");
    let script = format!(
        "#!/bin/sh\necho run >> {0}/runs\nprintf '{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"%s\"}}}}' \"$(cat {0}/token)\"\n",
        folder.display()
    );
    fs::write(&plugin, script).unwrap();
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(folder.join("token"), token).unwrap();
    let config = json!({ "apiVersion": "v1", "kind": "Config", "current-context": "it",
        "clusters": [{ "name": "it", "cluster": { "server": url } }],
        "contexts": [{ "name": "it", "context": { "cluster": "it", "user": "it" } }],
        "users": [{ "name": "it", "user": { "exec": { "apiVersion": "client.authentication.k8s.io/v1",
            "command": plugin, "interactiveMode": "Never" } } }] });
    fs::write(folder.join("exec"), config.to_string()).unwrap();
}

#[tokio::test]
async fn credentials_of_a_plugin_that_expire_during_a_watch_are_renewed() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = simulator();
    with_plugin(folder.path(), &simulator.url(), simulator.token());
    let mut world = World::with(simulator, |options| options.kubeconfig = Some(folder.path().join("exec"))).await;
    world.put_app(app("a"));
    let (a, b) = (world.key("a"), world.key("b"));
    world.until("the list", |picture| picture.apps.contains_key(&a) && picture.is_live()).await;
    let runs = || fs::read_to_string(folder.path().join("runs")).unwrap().lines().count();
    let before = runs();
    world.simulator.access().add("another", admin());
    world.simulator.access().expire(world.simulator.token());
    // The plugin does not know yet.
    world.simulator.faults().order(requests(&["watch"], &[]), WatchOrder::Cut);
    world.put_app(app("b"));
    world
        .until("nobody knows who asks", |picture| {
            matches!(picture.watches.get(&Watched::Applications), Some(WatchState::Interrupted { denied: true, .. }))
        })
        .await;
    assert!(world.picture.apps.contains_key(&a), "what was known is kept meanwhile");
    fs::write(folder.path().join("token"), "another").unwrap();
    world.until("it goes on", |picture| picture.apps.contains_key(&b) && picture.is_live()).await;
    let more = runs() - before;
    assert!((1..10).contains(&more), "the plugin was run {more} times more");
}

#[tokio::test]
async fn a_destination_whose_secret_is_renewed_is_opened_with_it() {
    let other = simulator();
    put(&other, &NAMESPACES, json!({ "metadata": { "name": "shop" } }));
    let mut world = World::new().await;
    let mut secret = super::clusters::secret(&other);
    put(&world.simulator, &SECRETS, secret.clone());
    let mut object = running("a", &json!([hook_result("migrate", "Running")]));
    object["spec"]["destination"] = json!({ "name": "eu", "namespace": "shop" });
    world.put_app(object);
    let key = world.key("a");
    world.until("access", |picture| matches!(picture.access.get(&key), Some(HookAccess::Watched { .. }))).await;
    let jobs = Watched::Hooks { kind: "jobs".into(), namespace: "shop".into() };
    world.until("jobs are watched", |picture| picture.watches.get(&jobs) == Some(&WatchState::Live)).await;
    other.access().add("another", admin());
    other.access().expire(other.token());
    other.faults().order(requests(&["watch"], &[]), WatchOrder::Cut);
    world.until("it is told", |picture| picture.watches.get(&jobs) != Some(&WatchState::Live)).await;
    let config = json!({ "bearerToken": "another" }).to_string();
    secret["data"]["config"] = json!(base64::engine::general_purpose::STANDARD.encode(config));
    put(&world.simulator, &SECRETS, secret);
    put(
        &other,
        &JOBS,
        json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "migrate", "namespace": "shop", "uid": "late" }, "status": { "active": 1 } }),
    );
    world
        .until("what happens there", |picture| {
            picture.objects_of.get(&key).is_some_and(|known| known.contains_key("late"))
        })
        .await;
}
