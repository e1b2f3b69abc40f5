//! Applications on one cluster, hooks on another.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use boathook::domain::live::HookAccess;
use boathook::domain::manifest::ObjectKey;
use boathook::domain::timeline::{TaskKey, TaskPhase, TaskState};
use boathook::sim::resource::{JOBS, NAMESPACES, SECRETS};
use boathook::sim::server::Simulator;
use serde_json::json;

use super::world::{World, hook_result, put, running, simulator};

pub(super) fn secret(other: &Simulator) -> serde_json::Value {
    let encode = |text: &str| STANDARD.encode(text);
    let config = json!({ "bearerToken": other.token() }).to_string();
    json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "cluster-eu", "namespace": "argocd", "labels": { "argocd.argoproj.io/secret-type": "cluster" } },
        "data": { "name": encode("eu"), "server": encode(&other.url()), "config": encode(&config) } })
}

#[tokio::test]
async fn hooks_are_watched_where_they_run_by_name_or_by_server() {
    for by_name in [true, false] {
        let other = simulator();
        put(&other, &NAMESPACES, json!({ "metadata": { "name": "shop" } }));
        let mut world = World::new().await;
        put(&world.simulator, &SECRETS, secret(&other));
        let mut app = running("a", &json!([hook_result("migrate", "Running")]));
        app["spec"]["destination"] = if by_name {
            json!({ "name": "eu", "namespace": "shop" })
        } else {
            json!({ "server": format!("{}/", other.url()), "namespace": "shop" })
        };
        world.put_app(app);
        put(
            &other,
            &JOBS,
            json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "migrate", "namespace": "shop", "creationTimestamp": "2026-11-22T11:00:01Z" },
                "status": { "failed": 1, "conditions": [{ "type": "Failed", "status": "True", "reason": "BackoffLimitExceeded" }] } }),
        );
        let key = world.key("a");
        let task = TaskKey { phase: TaskPhase::PreSync, object: ObjectKey::new("batch", "Job", "shop", "migrate") };
        let now = "2026-11-22T11:05:00Z".parse().unwrap();
        world
            .until("the failure on the other cluster", |picture| {
                let view = picture.timelines.get(&key).map(|timeline| timeline.view(now));
                view.and_then(|view| Some(view.task(&task)?.state)) == Some(TaskState::Failed)
            })
            .await;
        assert_eq!(world.picture.access[&key], HookAccess::Watched { cluster: "eu".into() });
        // What happens to one cluster does not stop the other.
        other.refuse_connections();
        world.put_app(super::world::app("b"));
        let b = world.key("b");
        world.until("the list goes on", |picture| picture.apps.contains_key(&b)).await;
    }
}

#[tokio::test]
async fn the_access_comes_when_the_secret_does() {
    let other = simulator();
    put(&other, &NAMESPACES, json!({ "metadata": { "name": "shop" } }));
    let mut world = World::new().await;
    let mut app = super::world::app("a");
    app["spec"]["destination"] = json!({ "name": "eu", "namespace": "shop" });
    world.put_app(app);
    let key = world.open("a").await;
    world.until("no access", |picture| matches!(picture.access.get(&key), Some(HookAccess::None { .. }))).await;
    put(&world.simulator, &SECRETS, secret(&other));
    world.until("access", |picture| matches!(picture.access.get(&key), Some(HookAccess::Watched { .. }))).await;
}
