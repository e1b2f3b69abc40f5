//! Deployments, StatefulSets, DaemonSets.

use boathook::sim::resource::{DAEMON_SETS, DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS};
use serde_json::{Value, json};

use super::cluster::{Cluster, list, seconds, text};

fn workload(name: &str, replicas: i64, image: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": image}]},
            },
        },
    })
}

fn condition<'a>(object: &'a Value, kind: &str) -> (&'a str, &'a str) {
    let found = list(object, "/status/conditions").iter().find(|condition| text(condition, "/type") == kind);
    found.map_or(("", ""), |found| (text(found, "/status"), text(found, "/reason")))
}

fn number(object: &Value, field: &str) -> i64 {
    object.pointer(field).and_then(Value::as_i64).unwrap_or(0)
}

#[test]
fn controllers_deployment_rolls_out_without_losing_availability() {
    let mut cluster = Cluster::new("  pods: [{match: {}, start: 1s, ready: 2s}]");
    cluster.create(&DEPLOYMENTS, workload("web", 4, "nginx:1"));
    cluster.run(seconds(1.5));
    let web = cluster.get(&DEPLOYMENTS, "web");
    assert_eq!(condition(&web, "Progressing"), ("True", "ReplicaSetUpdated"));
    assert_eq!(condition(&web, "Available"), ("False", "MinimumReplicasUnavailable"));
    cluster.run(seconds(5.0));
    let web = cluster.get(&DEPLOYMENTS, "web");
    assert_eq!(condition(&web, "Progressing"), ("True", "NewReplicaSetAvailable"));
    assert_eq!(condition(&web, "Available"), ("True", "MinimumReplicasAvailable"));
    assert_eq!(text(&web, "/metadata/annotations/deployment.kubernetes.io~1revision"), "1");
    assert_eq!(web["metadata"]["generation"], 1);
    cluster.change(&DEPLOYMENTS, "web", |web| {
        web["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:2".into();
    });
    let mut least = i64::MAX;
    let mut most = 0;
    for _ in 0..300 {
        cluster.run(seconds(0.1));
        let web = cluster.get(&DEPLOYMENTS, "web");
        least = least.min(number(&web, "/status/availableReplicas"));
        most = most.max(number(&web, "/status/replicas"));
    }
    assert!(least >= 3 && most <= 5, "between {least} and {most}");
    let web = cluster.get(&DEPLOYMENTS, "web");
    assert_eq!(condition(&web, "Progressing"), ("True", "NewReplicaSetAvailable"));
    assert_eq!((number(&web, "/status/updatedReplicas"), number(&web, "/status/replicas")), (4, 4));
    assert_eq!(text(&web, "/metadata/annotations/deployment.kubernetes.io~1revision"), "2");
    assert_eq!(cluster.store.list(&REPLICA_SETS, None).0.len(), 2);
    assert!(cluster.pods().iter().all(|pod| text(pod, "/spec/containers/0/image") == "nginx:2"));
    // Back to the first: its set is used again, with a new revision.
    cluster.change(&DEPLOYMENTS, "web", |web| {
        web["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:1".into();
    });
    cluster.run(seconds(30.0));
    let web = cluster.get(&DEPLOYMENTS, "web");
    assert_eq!(text(&web, "/metadata/annotations/deployment.kubernetes.io~1revision"), "3");
    assert_eq!(cluster.store.list(&REPLICA_SETS, None).0.len(), 2);
}

#[test]
fn controllers_deployment_that_makes_no_progress_says_so() {
    let mut cluster = Cluster::new("  pods: [{match: {}, pull: {}}]");
    let mut web = workload("web", 2, "nginx:none");
    web["spec"]["progressDeadlineSeconds"] = 60.into();
    cluster.create(&DEPLOYMENTS, web);
    cluster.run(seconds(50.0));
    assert_eq!(condition(&cluster.get(&DEPLOYMENTS, "web"), "Progressing").0, "True");
    cluster.run(seconds(15.0));
    assert_eq!(condition(&cluster.get(&DEPLOYMENTS, "web"), "Progressing"), ("False", "ProgressDeadlineExceeded"));
}

#[test]
fn controllers_deployment_recreates_only_when_the_old_pods_are_gone() {
    let mut cluster = Cluster::new("  pods: [{match: {}, start: 0.5s, stop: {after: 4s}}]");
    let mut web = workload("web", 2, "nginx:1");
    web["spec"]["strategy"] = json!({"type": "Recreate"});
    cluster.create(&DEPLOYMENTS, web);
    cluster.run(seconds(5.0));
    cluster.change(&DEPLOYMENTS, "web", |web| {
        web["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:2".into();
    });
    cluster.run(seconds(3.0));
    assert!(cluster.pods().iter().all(|pod| text(pod, "/spec/containers/0/image") == "nginx:1"));
    cluster.run(seconds(5.0));
    let images: Vec<String> =
        cluster.pods().iter().map(|pod| text(pod, "/spec/containers/0/image").to_owned()).collect();
    assert_eq!(images, ["nginx:2", "nginx:2"]);
}

#[test]
fn controllers_deployment_scales_up_and_down() {
    let mut cluster = Cluster::new("  pods: []");
    cluster.create(&DEPLOYMENTS, workload("web", 1, "nginx:1"));
    cluster.run(seconds(3.0));
    for replicas in [5, 2, 0] {
        cluster.change(&DEPLOYMENTS, "web", |web| web["spec"]["replicas"] = replicas.into());
        cluster.run(seconds(5.0));
        assert_eq!(cluster.pods().len(), usize::try_from(replicas).unwrap());
        let web = cluster.get(&DEPLOYMENTS, "web");
        assert_eq!(number(&web, "/status/availableReplicas"), replicas);
        assert_eq!(web["status"]["observedGeneration"], web["metadata"]["generation"]);
    }
}

#[test]
fn controllers_stateful_set_goes_in_order() {
    let mut cluster = Cluster::new("  pods: [{match: {}, start: 1s, ready: 1s}]");
    let mut db = workload("db", 3, "pg:1");
    db["spec"]["serviceName"] = "db".into();
    db["spec"]["volumeClaimTemplates"] = json!([{"metadata": {"name": "data"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]);
    cluster.create(&STATEFUL_SETS, db);
    cluster.run(seconds(1.5));
    let names = |cluster: &Cluster| -> Vec<String> {
        cluster.pods().iter().map(|pod| text(pod, "/metadata/name").to_owned()).collect()
    };
    assert_eq!(names(&cluster), ["db-0"]);
    cluster.run(seconds(8.0));
    assert_eq!(names(&cluster), ["db-0", "db-1", "db-2"]);
    let claim = text(&cluster.pods()[0], "/spec/volumes/0/persistentVolumeClaim/claimName").to_owned();
    assert_eq!(claim, "data-db-0");
    let before = cluster.get(&STATEFUL_SETS, "db");
    cluster.change(&STATEFUL_SETS, "db", |db| db["spec"]["template"]["spec"]["containers"][0]["image"] = "pg:2".into());
    cluster.run(seconds(1.0));
    let old = cluster.pods().iter().filter(|pod| text(pod, "/spec/containers/0/image") == "pg:1").count();
    assert_eq!(old, 2, "one after the other, the last first");
    cluster.run(seconds(20.0));
    let db = cluster.get(&STATEFUL_SETS, "db");
    assert_eq!((number(&db, "/status/updatedReplicas"), number(&db, "/status/readyReplicas")), (3, 3));
    assert_eq!(db["status"]["currentRevision"], db["status"]["updateRevision"]);
    assert_ne!(db["status"]["currentRevision"], before["status"]["currentRevision"]);
    cluster.change(&STATEFUL_SETS, "db", |db| db["spec"]["replicas"] = 1.into());
    cluster.run(seconds(10.0));
    assert_eq!(names(&cluster), ["db-0"]);
}

#[test]
fn controllers_daemon_set_has_a_pod_on_every_node() {
    let mut cluster = Cluster::new("  nodes: [{name: a}, {name: b}, {name: c, labels: {role: edge}}]");
    cluster.create(&DAEMON_SETS, workload("agent", 0, "agent:1"));
    cluster.run(seconds(5.0));
    let mut nodes: Vec<String> = cluster.pods().iter().map(|pod| text(pod, "/spec/nodeName").to_owned()).collect();
    nodes.sort();
    assert_eq!(nodes, ["a", "b", "c"]);
    let agent = cluster.get(&DAEMON_SETS, "agent");
    assert_eq!((number(&agent, "/status/numberReady"), number(&agent, "/status/numberAvailable")), (3, 3));
    cluster.change(&DAEMON_SETS, "agent", |agent| {
        agent["spec"]["template"]["spec"]["containers"][0]["image"] = "agent:2".into();
    });
    cluster.run(seconds(20.0));
    let agent = cluster.get(&DAEMON_SETS, "agent");
    assert_eq!((number(&agent, "/status/updatedNumberScheduled"), number(&agent, "/status/numberReady")), (3, 3));
}
