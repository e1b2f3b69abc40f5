//! Garbage collection and namespaces.

use boathook::sim::resource::{CONFIG_MAPS, JOBS, NAMESPACES, PERSISTENT_VOLUME_CLAIMS, PODS, SERVICES};
use boathook::sim::store::{DeleteOptions, Propagation, WriteOptions};
use serde_json::{Value, json};

use super::cluster::{Cluster, list, seconds, text};

const LONG: &str = "  pods: [{match: {}, run: forever, stop: {after: 2s}}]";

fn owned(cluster: &Cluster, name: &str, owners: &[&Value]) {
    let references: Vec<Value> = owners
        .iter()
        .map(|owner| {
            json!({"apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"], "blockOwnerDeletion": true})
        })
        .collect();
    let object = json!({"metadata": {"name": name, "namespace": "default", "ownerReferences": references}});
    cluster.create(&CONFIG_MAPS, object);
}

#[test]
fn controllers_foreground_deletion_waits_for_what_is_owned() {
    let mut cluster = Cluster::new(LONG);
    cluster.job("hook", &json!({}));
    cluster.run(seconds(3.0));
    cluster.delete(&JOBS, "hook", Some(Propagation::Foreground));
    cluster.run(seconds(1.0));
    let job = cluster.get(&JOBS, "hook");
    assert_eq!(list(&job, "/metadata/finalizers"), [json!("foregroundDeletion")]);
    assert_eq!(cluster.pods().len(), 1);
    cluster.run(seconds(2.0));
    assert!(cluster.get(&JOBS, "hook").is_null() && cluster.pods().is_empty());
}

#[test]
fn controllers_background_deletion_takes_what_is_owned_afterwards() {
    let mut cluster = Cluster::new(LONG);
    cluster.job("hook", &json!({}));
    cluster.run(seconds(3.0));
    cluster.delete(&JOBS, "hook", Some(Propagation::Background));
    assert!(cluster.get(&JOBS, "hook").is_null());
    cluster.run(seconds(3.0));
    assert!(cluster.pods().is_empty());
}

#[test]
fn controllers_orphans_stay_without_their_reference() {
    let mut cluster = Cluster::new(LONG);
    cluster.job("hook", &json!({}));
    cluster.run(seconds(3.0));
    cluster.delete(&JOBS, "hook", Some(Propagation::Orphan));
    cluster.run(seconds(60.0));
    assert!(cluster.get(&JOBS, "hook").is_null());
    let pods = cluster.pods();
    assert_eq!(pods.len(), 1);
    assert!(list(&pods[0], "/metadata/ownerReferences").is_empty());
    assert!(list(&pods[0], "/metadata/finalizers").is_empty(), "nobody will count it any more");
}

#[test]
fn controllers_an_object_stays_while_one_of_its_owners_does() {
    let mut cluster = Cluster::new("  pods: []");
    for name in ["a", "b"] {
        owned(&cluster, name, &[]);
    }
    let (a, b) = (cluster.get(&CONFIG_MAPS, "a"), cluster.get(&CONFIG_MAPS, "b"));
    owned(&cluster, "child", &[&a, &b]);
    cluster.delete(&CONFIG_MAPS, "a", None);
    cluster.run(seconds(1.0));
    let child = cluster.get(&CONFIG_MAPS, "child");
    assert_eq!(list(&child, "/metadata/ownerReferences").len(), 1);
    cluster.delete(&CONFIG_MAPS, "b", None);
    cluster.run(seconds(1.0));
    assert!(cluster.get(&CONFIG_MAPS, "child").is_null());
    // A namesake of the owner with another UID is no owner.
    owned(&cluster, "late", &[&a]);
    owned(&cluster, "a", &[]);
    cluster.run(seconds(1.0));
    assert!(cluster.get(&CONFIG_MAPS, "late").is_null());
}

#[test]
fn controllers_namespace_is_filled_and_emptied() {
    let mut cluster = Cluster::new(LONG);
    cluster.create(&NAMESPACES, json!({"metadata": {"name": "shop"}, "spec": {"finalizers": ["kubernetes"]}}));
    cluster.run(seconds(1.0));
    assert!(cluster.store.get(&CONFIG_MAPS, "shop", "kube-root-ca.crt").is_some());
    let held = json!({"metadata": {"name": "held", "namespace": "shop", "finalizers": ["example.com/hold"]}});
    cluster.create(&CONFIG_MAPS, held);
    cluster.create(
        &PODS,
        json!({"metadata": {"name": "p", "namespace": "shop"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}),
    );
    cluster.run(seconds(3.0));
    cluster.store.delete(&NAMESPACES, "", "shop", &DeleteOptions::default()).unwrap();
    cluster.run(seconds(30.0));
    let namespace = cluster.store.get(&NAMESPACES, "", "shop").unwrap().value();
    assert_eq!(text(&namespace, "/status/phase"), "Terminating");
    let message = text(&namespace, "/status/conditions/4/message");
    assert_eq!(
        message,
        "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
    );
    let freed = cluster.store.update(&CONFIG_MAPS, "shop", "held", &WriteOptions::default(), |current| {
        let mut current = current.clone();
        current["metadata"]["finalizers"] = json!([]);
        Ok(current)
    });
    freed.unwrap();
    cluster.run(seconds(1.0));
    assert!(cluster.store.get(&NAMESPACES, "", "shop").is_none());
}

fn claim_spec() -> Value {
    json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}})
}

#[test]
fn controllers_load_balancers_and_claims_follow_their_rules() {
    let mut cluster = Cluster::new(
        "  services: [{match: {name: never}, loadBalancer: pending}, {match: {name: late}, loadBalancer: 10s}]
  claims: [{match: {name: never}, bind: never}]",
    );
    for name in ["now", "late", "never"] {
        cluster.create(
            &SERVICES,
            json!({"metadata": {"name": name, "namespace": "default"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}),
        );
        cluster.create(
            &PERSISTENT_VOLUME_CLAIMS,
            json!({"metadata": {"name": name, "namespace": "default"}, "spec": claim_spec()}),
        );
    }
    cluster.run(seconds(1.0));
    let has = |cluster: &Cluster, name| !list(&cluster.get(&SERVICES, name), "/status/loadBalancer/ingress").is_empty();
    assert_eq!(["now", "late", "never"].map(|name| has(&cluster, name)), [true, false, false]);
    let phase = |name| text(&cluster.get(&PERSISTENT_VOLUME_CLAIMS, name), "/status/phase").to_owned();
    assert_eq!(["now", "late", "never"].map(phase), ["Bound", "Bound", "Pending"]);
    cluster.run(seconds(10.0));
    assert_eq!(["now", "late", "never"].map(|name| has(&cluster, name)), [true, true, false]);
}
