//! Which Applications boathook's engine acts on.

use std::sync::Arc;

use boathook::argo::Namespaces;
use boathook::clock::Clock;
use boathook::domain::application::AppKey;
use boathook::domain::live::Preview;
use boathook::domain::names::{BOATHOOK_APPLICATIONS, EVERY_NAMESPACE};
use boathook::domain::request::{Controller, Refusal, Request};
use boathook::sim::resource::{LEASES, STATEFUL_SETS};
use serde_json::json;

use super::world::{Picture, World, app, put, simulator};

fn sync() -> Request {
    Request::Sync(Box::default())
}

#[tokio::test]
async fn an_engine_of_one_namespace_acts_on_no_application_of_another() {
    let simulator = simulator();
    let lease = json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": { "name": "boathook-engine", "namespace": "argocd", "annotations": { BOATHOOK_APPLICATIONS: "argocd" } },
        "spec": { "holderIdentity": "one", "leaseDurationSeconds": 3600, "renewTime": Clock::real().now().to_string() } });
    put(&simulator, &LEASES, lease.clone());
    let mut world = World::with(simulator, |options| options.namespaces = Namespaces::All).await;
    world.simulator.store().remove_raw(&STATEFUL_SETS, "argocd", "argocd-application-controller");
    let mut elsewhere = app("b");
    elsewhere["metadata"]["namespace"] = json!("shop");
    world.put_app(app("a"));
    world.put_app(elsewhere);
    let own = world.open("a").await;
    let other = AppKey::new(Arc::clone(world.live.cluster()), "shop", "b");
    world.live.open(&other);
    let acts = |controller| move |picture: &Picture, key: &AppKey| picture.controllers.get(key) == Some(&controller);
    let (engine, nobody) = (acts(Controller::Engine), acts(Controller::None));
    world.until("the engine has its own", |picture| engine(picture, &own) && nobody(picture, &other)).await;
    let refused = |preview: Preview| preview.refusals.contains(&Refusal::NoController);
    assert!(!refused(world.live.preview(&own, sync()).await.unwrap()));
    assert!(refused(world.live.preview(&other, sync()).await.unwrap()));
    let mut of_all = lease;
    of_all["metadata"]["annotations"][BOATHOOK_APPLICATIONS] = json!(EVERY_NAMESPACE);
    put(&world.simulator, &LEASES, of_all);
    world.until("it has all", |picture| engine(picture, &own) && engine(picture, &other)).await;
    assert!(!refused(world.live.preview(&other, sync()).await.unwrap()));
}
