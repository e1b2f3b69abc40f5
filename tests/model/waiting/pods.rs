//! Pods and their containers.

use boathook::domain::health::waiting::{Evidence, reasons};
use boathook::domain::manifest::Object;
use serde_json::{Value, json};

use super::given::{event, main, now, object, pod, shown, why, why_with};

fn waiting(reason: &str, message: &str) -> Value {
    json!({"containerStatuses": main(&json!({"waiting": {"reason": reason, "message": message}}))})
}

fn terminated(code: i64, reason: &str, message: &str) -> Value {
    let state = json!({"terminated": {"exitCode": code, "reason": reason, "message": message}});
    json!({"containerStatuses": main(&state)})
}

#[test]
fn waiting_pods_say_what_they_wait_for() {
    let not_found = "Back-off pulling image \"registry.example.com/shop/db:1\": ErrImagePull: rpc error: code = NotFound \
        desc = failed to pull and unpack image: registry.example.com/shop/db:1: not found";
    let unauthorised = "failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized";
    let unknown_host = "dial tcp: lookup registry.example.com on 10.96.0.10:53: no such host";
    let quota = "toomanyrequests: You have reached your pull rate limit.";
    let image = "cannot pull image registry.example.com/shop/db:1";
    let unschedulable = json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": "0/3 nodes are available: 3 Insufficient memory."}]});
    let crash = json!({"containerStatuses": [{"name": "main", "ready": false, "restartCount": 4,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 1m20s restarting failed container"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "message": "no such table"}}}]});
    let killed = json!({"containerStatuses": [{"name": "main", "ready": false, "restartCount": 1,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]});
    let again = json!({"containerStatuses": [{"name": "main", "ready": true, "restartCount": 2,
        "state": {"running": {"startedAt": "2026-11-22T10:00:40Z"}},
        "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}}}],
        "conditions": [{"type": "Ready", "status": "True"}]});
    let table: &[(&str, Value, &str)] = &[
        ("Pending", waiting("ImagePullBackOff", not_found), &format!("ImagePull: {image}: not found")),
        ("Pending", waiting("ErrImagePull", unauthorised), &format!("ImagePull: {image}: not authorised")),
        (
            "Pending",
            waiting("ErrImagePull", unknown_host),
            &format!("ImagePull: {image}: the registry's name is not known"),
        ),
        ("Pending", waiting("ErrImagePull", quota), &format!("ImagePull: {image}: rate limit of the registry")),
        ("Pending", waiting("ErrImagePull", ""), &format!("ImagePull: {image}: ErrImagePull")),
        ("Pending", waiting("InvalidImageName", ""), &format!("ImagePull: {image}: InvalidImageName")),
        (
            "Pending",
            waiting("CreateContainerConfigError", "secret \"db\" not found"),
            "CreateContainer: main: CreateContainerConfigError: secret \"db\" not found",
        ),
        (
            "Pending",
            waiting("CreateContainerError", "context deadline exceeded"),
            "CreateContainer: main: CreateContainerError: context deadline exceeded",
        ),
        (
            "Pending",
            waiting("RunContainerError", "exec: \"migrat\": executable file not found in $PATH"),
            "CreateContainer: main: RunContainerError: exec: \"migrat\": executable file not found in $PATH",
        ),
        ("Running", crash, "CrashLoop: main: CrashLoopBackOff, last exit code 1, 4 restarts"),
        ("Running", killed, "OutOfMemory: main: OOMKilled (exit code 137), 1 restart"),
        ("Pending", unschedulable, "Unschedulable: Unschedulable: 0/3 nodes are available: 3 Insufficient memory."),
        ("Pending", waiting("ContainerCreating", ""), "Starting: main: ContainerCreating for 1m 0s"),
        ("Pending", json!({}), "NotStarted: waiting for a node for 1m 0s"),
        ("Running", again, "Restarted: main: runs again after exit code 3, 2 restarts"),
        ("Failed", terminated(3, "Error", ""), "ContainerFailed: main: exit code 3"),
        ("Failed", terminated(137, "Error", ""), "ContainerFailed: main: exit code 137 (SIGKILL)"),
        ("Failed", terminated(1, "Error", "no such table"), "ContainerFailed: main: exit code 1: no such table"),
        ("Failed", terminated(137, "OOMKilled", ""), "OutOfMemory: main: OOMKilled (exit code 137)"),
        ("Failed", terminated(137, "ContainerStatusUnknown", ""), "PodGone: main: stopped, exit code unknown"),
        (
            "Failed",
            json!({"reason": "Evicted", "message": "The node was low on resource: memory."}),
            "PodFailed: Evicted: The node was low on resource: memory.",
        ),
        ("Failed", json!({}), "PodFailed: the pod failed, nobody says why"),
        ("Unknown", json!({"message": "node lost"}), "PodFailed: the node does not answer: node lost"),
        ("Running", json!({"conditions": [{"type": "Ready", "status": "True"}]}), "Running: runs for 1m 0s"),
    ];
    for (phase, status, expected) in table {
        let found = why(&pod("a", phase, status));
        assert_eq!(shown(&found), [*expected], "{phase} {status}");
    }
    assert!(why(&pod("a", "Succeeded", &terminated(0, "Completed", ""))).is_empty());
}

#[test]
fn waiting_pods_give_the_details() {
    let message = "rpc error: not found";
    let found = why(&pod("a", "Pending", &waiting("ErrImagePull", message)));
    assert_eq!(found[0].detail("image"), Some("registry.example.com/shop/db:1"));
    assert_eq!(found[0].detail("message"), Some(message));
    assert_eq!((found[0].detail("container"), found[0].detail("pod")), (Some("main"), Some("a")));
    let found = why(&pod("a", "Failed", &terminated(3, "Error", "")));
    assert_eq!(found[0].detail("exit code"), Some("3"));
    assert_eq!(found[0].detail("message"), None);
}

/// What the node or the scheduler said about this pod, and not about another of the same name.
#[test]
fn waiting_pods_have_the_words_of_their_events() {
    let creating = pod("a", "Pending", &waiting("ContainerCreating", ""));
    let other: Object = {
        let mut json = creating.clone().into_json();
        json["metadata"]["uid"] = json!("another");
        object(json)
    };
    let mount = event(&creating, "FailedMount", "MountVolume.SetUp failed for volume \"db\": secret \"db\" not found");
    let foreign = event(&other, "FailedMount", "not mine");
    let found = why_with(&creating, &[], &[&mount, &foreign]);
    assert_eq!(
        shown(&found),
        ["Mount: cannot mount: MountVolume.SetUp failed for volume \"db\": secret \"db\" not found"]
    );
    assert_eq!(shown(&why_with(&creating, &[], &[&foreign])), ["Starting: main: ContainerCreating for 1m 0s"]);
    let sandbox = event(&creating, "FailedCreatePodSandBox", "no IP addresses available");
    assert_eq!(shown(&why_with(&creating, &[], &[&sandbox])), ["Sandbox: no sandbox: no IP addresses available"]);

    let backs_off = pod("a", "Pending", &waiting("ImagePullBackOff", "Back-off pulling image"));
    let failed = event(
        &backs_off,
        "Failed",
        "Failed to pull image \"registry.example.com/shop/db:1\": pull access denied, repository does not exist",
    );
    assert_eq!(
        shown(&why_with(&backs_off, &[], &[&failed])),
        ["ImagePull: cannot pull image registry.example.com/shop/db:1: access denied, or no such image"]
    );
}

#[test]
fn waiting_pods_that_run_and_are_not_ready() {
    let running = json!([{"name": "main", "ready": false, "started": true, "restartCount": 0, "lastState": {},
        "state": {"running": {"startedAt": "2026-11-22T10:00:30Z"}}}]);
    let status = json!({"containerStatuses": running, "conditions": [{"type": "Ready", "status": "False"}]});
    let web = pod("web", "Running", &status);
    assert_eq!(shown(&why(&web)), ["NotReady: main: runs for 30s, not ready"]);
    let probe = event(&web, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503");
    assert_eq!(
        shown(&why_with(&web, &[], &[&probe])),
        ["NotReady: main: runs for 30s, not ready: Readiness probe failed: HTTP probe failed with statuscode: 503"]
    );
    let mut json = web.into_json();
    json["status"]["containerStatuses"][0]["ready"] = json!(true);
    json["spec"]["readinessGates"] = json!([{"conditionType": "example.com/in-service"}]);
    assert_eq!(shown(&why(&object(json))), ["NotReady: readiness gate example.com/in-service is not open"]);
}

#[test]
fn waiting_pods_with_init_containers() {
    let init = |name: &str, state: Value| json!({"name": name, "restartCount": 0, "lastState": {}, "state": state});
    let done = json!({"terminated": {"exitCode": 0, "reason": "Completed"}});
    let initialising = json!({"waiting": {"reason": "PodInitializing"}});
    let with = |statuses: Value, phase: &str| {
        let status = json!({"initContainerStatuses": statuses, "containerStatuses": main(&initialising)});
        let mut json = pod("a", phase, &status).into_json();
        json["spec"]["initContainers"] = json!([{"name": "wait"}, {"name": "schema"}, {"name": "seed"}]);
        why(&object(json))
    };
    let runs = json!({"running": {"startedAt": "2026-11-22T10:00:48Z"}});
    let found =
        with(json!([init("wait", done.clone()), init("schema", runs), init("seed", initialising.clone())]), "Pending");
    assert_eq!(shown(&found)[0], "Initialising: init container schema (2 of 3) runs for 12s");
    let failed = json!({"terminated": {"exitCode": 7, "reason": "Error"}});
    let found = with(json!([init("wait", done), init("schema", failed)]), "Failed");
    assert_eq!(shown(&found), ["InitContainerFailed: init container schema: exit code 7"]);
}

#[test]
fn waiting_objects_that_are_being_deleted_name_what_holds_them() {
    let deleted = |finalizers: Value| {
        let mut json = pod("a", "Succeeded", &json!({})).into_json();
        json["metadata"]["deletionTimestamp"] = json!("2026-11-22T10:00:20Z");
        json["metadata"]["finalizers"] = finalizers;
        shown(&why(&object(json)))
    };
    assert_eq!(
        deleted(json!(["example.com/backup"])),
        ["HeldByFinalizer: being deleted for 40s, held by finalizer example.com/backup"]
    );
    assert_eq!(deleted(json!(["a", "b"])), ["HeldByFinalizer: being deleted for 40s, held by finalizers a, b"]);
    assert_eq!(deleted(json!(null)), ["Deleting: being deleted for 40s"]);
}

#[test]
fn waiting_texts_of_a_hostile_cluster_do_no_harm() {
    let hostile = format!("\u{1b}]0;owned\u{7}\u{1b}[2J\n\u{202e}{}", "x".repeat(100_000));
    let found = why(&pod("a", "Pending", &waiting("CreateContainerError", &hostile)));
    for text in found
        .iter()
        .flat_map(|reason| reason.details.iter().map(|detail| &detail.value).chain(std::iter::once(&reason.text)))
    {
        assert!(text.chars().count() <= 1000, "{}", text.len());
        assert!(!text.chars().any(boathook::domain::text::is_hidden), "{text:?}");
    }
    assert!(found[0].text.chars().count() <= 180);
    assert!(found[0].text.starts_with("main: CreateContainerError: \\x1b]0;owned\\x07\\x1b[2J \\u{202e}xxx"));
}

/// A pod that vanished while it ran.
#[test]
fn waiting_for_a_pod_that_is_gone() {
    let job = super::given::job(&json!({"backoffLimit": 2}), &json!({}));
    let ran = pod("a", "Running", &json!({}));
    let ended = pod("b", "Failed", &terminated(1, "Error", ""));
    let evidence = Evidence { object: &job, children: &[], gone: &[&ran], events: &[], now: now() };
    assert_eq!(shown(&reasons(&evidence))[0], "PodGone: the pod was deleted before it ended: exit code unknown");
    let evidence = Evidence { object: &job, children: &[], gone: &[&ended], events: &[], now: now() };
    assert_eq!(
        shown(&reasons(&evidence)),
        ["ContainerFailed: main: exit code 1", "Attempt: attempt 2 of 3 starts soon; the last one: main: exit code 1"]
    );
    let succeeded = pod("c", "Succeeded", &terminated(0, "Completed", ""));
    assert_eq!(
        shown(&why_with(&job, &[&succeeded], &[])),
        ["Running: its pod has succeeded, the Job does not say so yet"]
    );
}
