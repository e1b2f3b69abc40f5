//! Pods: scheduling, phases, restarts, waits, deletion, logs.

use boathook::sim::controllers::ControllerName;
use boathook::sim::logs::LogOptions;
use boathook::sim::resource::{NODES, PODS};
use boathook::sim::store::EventKind;
use serde_json::{Value, json};

use super::cluster::{Cluster, conditions, list, seconds, text};

fn pod(cluster: &Cluster, name: &str, spec: &Value) {
    let mut full = json!({"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox:1.36"}]});
    full.as_object_mut().unwrap().extend(spec.as_object().cloned().unwrap_or_default());
    cluster.create(&PODS, json!({"metadata": {"name": name, "namespace": "default"}, "spec": full}));
}

fn state(pod: &Value) -> (&str, String) {
    let state = pod.pointer("/status/containerStatuses/0/state").and_then(Value::as_object);
    let kind = state.and_then(|state| state.keys().next().cloned()).unwrap_or_default();
    let reason = text(pod, &format!("/status/containerStatuses/0/state/{kind}/reason")).to_owned();
    (text(pod, "/status/phase"), format!("{kind} {reason}").trim().to_owned())
}

/// The different states a pod has shown, in order.
fn course(cluster: &mut Cluster, name: &str, time: f64) -> Vec<(String, String)> {
    let mut events = cluster.store.watch(&PODS, 0).unwrap();
    cluster.run(seconds(time));
    let mut course: Vec<(String, String)> = Vec::new();
    while let Some(event) = events.try_next().unwrap() {
        if event.object.name() == name && event.kind != EventKind::Deleted {
            let value = event.object.value();
            let (phase, state) = state(&value);
            let now = (phase.to_owned(), state);
            if course.last() != Some(&now) {
                course.push(now);
            }
        }
    }
    course
}

fn pairs(course: &[(String, String)]) -> Vec<(&str, &str)> {
    course
        .iter()
        .map(|(phase, state)| (phase.as_str(), state.as_str()))
        .filter(|(_, state)| !state.is_empty())
        .collect()
}

#[test]
fn controllers_pod_nobody_scripted_logs_its_command_and_ends() {
    let mut cluster = Cluster::new("  pods: []");
    pod(
        &cluster,
        "p",
        &json!({"containers": [{"name": "main", "image": "i", "command": ["sh", "-c"], "args": ["make all"]}]}),
    );
    let course = course(&mut cluster, "p", 10.0);
    assert_eq!(
        pairs(&course),
        [("Pending", "waiting ContainerCreating"), ("Running", "running"), ("Succeeded", "terminated Completed")]
    );
    assert_eq!(cluster.log("p", &LogOptions::default()), "sh -c make all\n");
    assert_eq!(cluster.told("p"), ["Scheduled", "Pulling", "Pulled", "Created", "Started"]);
    let now = cluster.get(&PODS, "p");
    assert_eq!(conditions(&now), ["Initialized", "PodScheduled"]);
    assert_eq!(text(&now, "/spec/nodeName"), "node-1");
    assert_eq!(now["metadata"]["generation"], 1);
}

#[test]
fn controllers_pod_with_restart_policy_always_runs_until_it_is_deleted() {
    let mut cluster = Cluster::new("  pods: [{match: {name: slow}, ready: 5s}]");
    pod(&cluster, "p", &json!({"restartPolicy": "Always"}));
    pod(&cluster, "slow", &json!({"restartPolicy": "Always"}));
    cluster.run(seconds(3.0));
    assert!(conditions(&cluster.get(&PODS, "p")).contains(&"Ready"));
    assert!(!conditions(&cluster.get(&PODS, "slow")).contains(&"Ready"));
    cluster.run(seconds(1000.0));
    assert!(conditions(&cluster.get(&PODS, "slow")).contains(&"Ready"));
    assert_eq!(state(&cluster.get(&PODS, "p")), ("Running", "running".to_owned()));
    cluster.delete(&PODS, "p", None);
    assert_eq!(cluster.get(&PODS, "p")["metadata"]["deletionGracePeriodSeconds"], 30);
    cluster.run(seconds(1.0));
    assert!(cluster.get(&PODS, "p").is_null());
    assert!(cluster.told("p").contains(&"Killing".to_owned()));
}

#[test]
fn controllers_pod_that_ignores_sigterm_is_killed_after_its_grace_period() {
    let mut cluster = Cluster::new("  pods: [{match: {}, run: forever, stop: ignore}]");
    pod(&cluster, "p", &json!({"terminationGracePeriodSeconds": 7}));
    cluster.run(seconds(3.0));
    let mut events = cluster.store.watch(&PODS, cluster.store.revision()).unwrap();
    cluster.delete(&PODS, "p", None);
    cluster.run(seconds(6.9));
    assert!(!cluster.get(&PODS, "p").is_null());
    cluster.run(seconds(0.2));
    assert!(cluster.get(&PODS, "p").is_null());
    let mut last = Value::Null;
    while let Some(event) = events.try_next().unwrap() {
        last = (*event.object.value()).clone();
    }
    assert_eq!(last.pointer("/status/containerStatuses/0/state/terminated/exitCode"), Some(&json!(137)));
    assert_eq!(text(&last, "/status/phase"), "Failed");
}

#[test]
fn controllers_pod_that_cannot_be_scheduled_says_why_until_it_can() {
    let mut cluster = Cluster::new(
        "  pods: [{match: {name: p}, unschedulable: {message: \"0/1 nodes are available: 1 Insufficient memory.\", for: 20s}}]",
    );
    pod(&cluster, "p", &json!({}));
    pod(&cluster, "picky", &json!({"nodeSelector": {"disk": "ssd"}}));
    cluster.run(seconds(10.0));
    let waiting = cluster.get(&PODS, "p");
    let condition = &list(&waiting, "/status/conditions")[0];
    assert_eq!((text(condition, "/reason"), text(condition, "/status")), ("Unschedulable", "False"));
    assert_eq!(text(condition, "/message"), "0/1 nodes are available: 1 Insufficient memory.");
    assert_eq!(cluster.told("p"), ["FailedScheduling"]);
    cluster.run(seconds(20.0));
    assert_eq!(text(&cluster.get(&PODS, "p"), "/status/phase"), "Succeeded");
    let picky = cluster.get(&PODS, "picky");
    assert!(text(&picky, "/status/conditions/0/message").contains("didn't match Pod's node affinity/selector"));
    cluster.store.put_raw(
        &NODES,
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "fast", "uid": "n", "labels": {"disk": "ssd"}}}),
    );
    cluster.run(seconds(1.0));
    assert_eq!(text(&cluster.get(&PODS, "picky"), "/spec/nodeName"), "fast");
}

#[test]
fn controllers_pod_waits_for_its_image() {
    let mut cluster = Cluster::new("  pods: [{match: {}, pull: {for: 15s}, start: 0.2s, run: 1s}]");
    pod(&cluster, "p", &json!({}));
    let course = course(&mut cluster, "p", 30.0);
    let states: Vec<&str> = course.iter().map(|(_, state)| state.as_str()).filter(|state| !state.is_empty()).collect();
    assert_eq!(states.first(), Some(&"waiting ErrImagePull"));
    assert!(states.contains(&"waiting ImagePullBackOff"), "{states:?}");
    assert_eq!(states.last(), Some(&"terminated Completed"));
}

#[test]
fn controllers_pod_restarts_back_off_and_the_log_of_the_run_before_stays() {
    let mut cluster = Cluster::new(
        "  pods:
  - match: {}
    start: 0.2s
    log: [first]
    exitCode: 1
    restarts: [{log: [second], exitCode: 1}, {log: [third], run: forever}]",
    );
    pod(&cluster, "p", &json!({"restartPolicy": "Always"}));
    cluster.run(seconds(5.0));
    let now = cluster.get(&PODS, "p");
    assert_eq!(state(&now), ("Running", "waiting CrashLoopBackOff".to_owned()));
    let message = text(&now, "/status/containerStatuses/0/state/waiting/message");
    assert!(message.starts_with("back-off 10s restarting failed container=main pod=p_default("), "{message}");
    assert_eq!(now["status"]["containerStatuses"][0]["restartCount"], 1);
    assert_eq!(cluster.log("p", &LogOptions::default()), "second\n");
    cluster.run(seconds(15.0));
    let now = cluster.get(&PODS, "p");
    assert_eq!(
        (state(&now).1.as_str(), &now["status"]["containerStatuses"][0]["restartCount"]),
        ("running", &json!(2))
    );
    assert_eq!(cluster.log("p", &LogOptions::default()), "third\n");
    assert_eq!(cluster.log("p", &LogOptions { previous: true, ..LogOptions::default() }), "second\n");
    assert!(cluster.told("p").contains(&"BackOff".to_owned()));
}

#[test]
fn controllers_pod_runs_its_init_containers_one_after_the_other() {
    let mut cluster = Cluster::new(
        "  pods:
  - {match: {container: one}, start: 0s, run: 2s}
  - {match: {container: two}, start: 0s, run: 2s}
  - {match: {container: main}, start: 0s, run: 2s, oomKilled: true, message: too much}",
    );
    pod(&cluster, "p", &json!({"initContainers": [{"name": "one", "image": "i"}, {"name": "two", "image": "i"}]}));
    cluster.run(seconds(1.0));
    let now = cluster.get(&PODS, "p");
    assert_eq!(state(&now), ("Pending", "waiting PodInitializing".to_owned()));
    let initialized = list(&now, "/status/conditions").iter().find(|c| text(c, "/type") == "Initialized").unwrap();
    assert_eq!(text(initialized, "/message"), "containers with incomplete status: [one two]");
    assert!(now.pointer("/status/initContainerStatuses/0/state/running").is_some());
    assert_eq!(text(&now, "/status/initContainerStatuses/1/state/waiting/reason"), "PodInitializing");
    cluster.run(seconds(2.0));
    assert!(cluster.get(&PODS, "p").pointer("/status/initContainerStatuses/1/state/running").is_some());
    cluster.run(seconds(4.0));
    let now = cluster.get(&PODS, "p");
    assert_eq!(state(&now), ("Failed", "terminated OOMKilled".to_owned()));
    let ended = now.pointer("/status/containerStatuses/0/state/terminated").unwrap();
    assert_eq!((&ended["exitCode"], &ended["message"]), (&json!(137), &json!("too much")));
}

#[test]
fn controllers_pod_log_has_the_times_of_its_script() {
    let mut cluster = Cluster::new(
        "  pods: [{match: {}, start: 1s, log: [a, {after: 1.5s, line: b}, {hex: \"ff\"}, {repeat: 2, every: 1s, line: \"{n}\"}]}]",
    );
    pod(&cluster, "p", &json!({}));
    cluster.run(seconds(60.0));
    let log = cluster.log("p", &LogOptions { timestamps: true, ..LogOptions::default() });
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines[0], "2026-11-22T13:00:01.000000000Z a");
    assert_eq!(lines[1], "2026-11-22T13:00:02.500000000Z b");
    assert_eq!(lines[3..], ["2026-11-22T13:00:02.500000000Z 1", "2026-11-22T13:00:03.500000000Z 2"]);
    let ended = cluster.get(&PODS, "p");
    assert_eq!(text(&ended, "/status/containerStatuses/0/state/terminated/finishedAt"), "2026-11-22T13:00:04Z");
}

#[test]
fn controllers_can_be_switched_off_and_on_again() {
    let mut cluster = Cluster::new("  pods: []");
    cluster.manager.switch(ControllerName::Scheduler, false);
    pod(&cluster, "p", &json!({}));
    cluster.run(seconds(10.0));
    assert_eq!(text(&cluster.get(&PODS, "p"), "/spec/nodeName"), "");
    cluster.manager.switch(ControllerName::Kubelet, false);
    cluster.manager.switch(ControllerName::Scheduler, true);
    cluster.run(seconds(10.0));
    let bound = cluster.get(&PODS, "p");
    assert_eq!((text(&bound, "/spec/nodeName"), state(&bound).1.as_str()), ("node-1", ""));
    cluster.manager.switch(ControllerName::Kubelet, true);
    cluster.run(seconds(10.0));
    assert_eq!(text(&cluster.get(&PODS, "p"), "/status/phase"), "Succeeded");
}
