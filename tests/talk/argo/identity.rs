//! What is kept of a cluster is found again under whatever name it is reached.

use boathook::argo::{Live, Namespaces, Options};
use boathook::clock::Clock;
use boathook::sim::resource::NAMESPACES;
use boathook::sim::server::write_kubeconfig;
use boathook::store::Deferral;
use serde_json::json;

use super::world::{World, hook_result, put, running, simulator};

fn done() -> serde_json::Value {
    let mut done = running("a", &json!([hook_result("migrate", "Succeeded")]));
    done["status"]["operationState"]["phase"] = json!("Succeeded");
    done["status"]["operationState"]["finishedAt"] = json!("2026-11-22T11:00:20Z");
    done.as_object_mut().unwrap().remove("operation");
    done
}

/// A world in which an operation is in the history.
async fn recorded() -> World {
    let simulator = simulator();
    put(
        &simulator,
        &NAMESPACES,
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "kube-system", "uid": "0f3b-the-cluster" } }),
    );
    let mut world = World::with(simulator, |_| ()).await;
    world.put_app(running("a", &json!([hook_result("migrate", "Running")])));
    world.until("it runs", |picture| !picture.applications.is_empty()).await;
    world.put_app(done());
    world.until("it is recorded", |picture| !picture.records.is_empty()).await;
    world
}

#[tokio::test]
async fn history_belongs_to_the_cluster_and_not_to_the_name_of_a_context() {
    let world = recorded().await;
    let key = world.key("a");
    assert_eq!(&*world.live.stored(&key).cluster, "0f3b-the-cluster");
    assert_eq!(world.live.history(&key).await.unwrap().len(), 1);
    let deferral = Deferral {
        cluster: key.cluster.to_string(),
        namespace: key.namespace.to_string(),
        application: key.name.to_string(),
        note: "after lunch".to_owned(),
        ..Deferral::default()
    };
    assert_eq!(world.live.defer(deferral.clone()).await.unwrap(), [deferral]);
    world.live.stop().await;
    // The same cluster under another name.
    let path = world.home.path().join("renamed");
    let renamed = world.simulator.kubeconfig().replace(&*key.cluster, "another-name");
    write_kubeconfig(&path, &renamed).unwrap();
    let options = |path: &std::path::Path| Options {
        kubeconfig: Some(path.to_owned()),
        namespaces: Namespaces::One("argocd".to_owned()),
        state: Some(world.home.path().join("state")),
        ..Options::default()
    };
    let (live, _events) = Live::start(options(&path), &Clock::real()).await.unwrap();
    assert_eq!(&**live.cluster(), "another-name");
    let mut other = key.clone();
    other.cluster = live.cluster().clone();
    assert_eq!(live.history(&other).await.unwrap().len(), 1, "as soon as it is asked");
    let put_off = live.deferrals().await.unwrap();
    assert_eq!((&*put_off[0].cluster, put_off[0].note.as_str()), ("another-name", "after lunch"));
    let again = live.defer(Deferral { note: "tomorrow".to_owned(), ..put_off[0].clone() }).await.unwrap();
    assert_eq!(again.iter().map(|own| own.note.as_str()).collect::<Vec<_>>(), ["tomorrow"], "it is replaced");
    live.stop().await;
    // Another cluster under the same name.
    let second = simulator();
    put(
        &second,
        &NAMESPACES,
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "kube-system", "uid": "77aa-another-cluster" } }),
    );
    let path = world.home.path().join("second");
    write_kubeconfig(&path, &second.kubeconfig()).unwrap();
    let (live, _events) = Live::start(options(&path), &Clock::real()).await.unwrap();
    assert_eq!(live.cluster(), &key.cluster);
    assert!(live.history(&key).await.unwrap().is_empty());
    // What was put off there stays, and is not told as if it were of this cluster.
    let put_off = live.deferrals().await.unwrap();
    assert_eq!(put_off.iter().map(|own| &*own.cluster).collect::<Vec<_>>(), ["0f3b-the-cluster"]);
    live.take_back(&key).await.unwrap();
    assert_eq!(live.deferrals().await.unwrap().len(), 1);
}

#[tokio::test]
async fn history_can_be_read_while_the_cluster_is_down() {
    let world = recorded().await;
    let key = world.key("a");
    world.live.stop().await;
    world.simulator.refuse_connections();
    let options = super::world::options(world.home.path());
    let (live, _events) = Live::start(options, &Clock::real()).await.unwrap();
    let history = live.history(&key).await.unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!((&*history[0].application, &*history[0].cluster), ("a", &*key.cluster));
}
