//! Jobs: attempts, deadlines, quotas.

use serde_json::json;

use super::given::{event, job, main, pod, shown, why, why_with};

#[test]
fn waiting_jobs_that_are_suspended_or_not_begun() {
    assert_eq!(shown(&why(&job(&json!({}), &json!({})))), ["NotStarted: no pod yet"]);
    assert_eq!(
        shown(&why(&job(&json!({"suspend": true}), &json!({})))),
        ["Suspended: suspended: somebody must resume it (spec.suspend)"]
    );
    let complete = json!({"conditions": [{"type": "Complete", "status": "True"}], "succeeded": 1, "failed": 1});
    assert!(why(&job(&json!({}), &complete)).is_empty());
    // Without the right to see pods.
    let active = json!({"active": 1, "ready": 0});
    assert_eq!(shown(&why(&job(&json!({}), &active))), ["Running: 1 pod active, 0 ready"]);
}

#[test]
fn waiting_jobs_count_their_attempts() {
    let spec = json!({"backoffLimit": 2});
    let end = json!({"terminated": {"exitCode": 3, "reason": "Error", "finishedAt": "2026-11-22T10:00:55Z"}});
    let first = pod("a", "Failed", &json!({"containerStatuses": main(&end)}));
    let second = pod("b", "Running", &json!({}));
    let running = job(&spec, &json!({"active": 1, "failed": 1}));
    let found = why_with(&running, &[&second, &first], &[]);
    assert_eq!(shown(&found), ["Attempt: attempt 2 of 3; the last one: main: exit code 3", "Running: runs for 1m 0s"]);
    assert_eq!(found[0].detail("backoff limit"), Some("2"));
    // Between two pods. Seen before the Job counts it, and after.
    for status in [json!({}), json!({"failed": 1}), json!({"uncountedTerminatedPods": {"failed": ["uid-a"]}})] {
        assert_eq!(
            shown(&why_with(&job(&spec, &status), &[&first], &[])),
            [
                "ContainerFailed: main: exit code 3",
                "Attempt: attempt 2 of 3 starts in about 5s; the last one: main: exit code 3"
            ],
            "{status}"
        );
    }
    let over = why_with(&job(&spec, &json!({"failed": 3})), &[&first], &[]);
    assert_eq!(shown(&over)[1], "Attempt: the last of 3 attempts has failed; the last one: main: exit code 3");
    // Restarts within a pod count like pods.
    let status = json!({"containerStatuses": [{"name": "main", "ready": true, "restartCount": 1,
        "state": {"running": {"startedAt": "2026-11-22T10:00:50Z"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}],
        "conditions": [{"type": "Ready", "status": "True"}]});
    let restarted = pod("c", "Running", &status);
    assert_eq!(
        shown(&why_with(&job(&spec, &json!({"active": 1})), &[&restarted], &[])),
        ["Attempt: attempt 2 of 3", "Restarted: main: runs again after exit code 1, 1 restart"]
    );
    let parallel = job(&json!({"parallelism": 3, "completions": 9}), &json!({"active": 3, "failed": 2}));
    assert_eq!(shown(&why(&parallel)), ["Attempt: 2 pods failed, backoff limit 6", "Running: 3 pods active, 0 ready"]);
}

#[test]
fn waiting_jobs_that_failed_say_why() {
    let words = "Job has reached the specified backoff limit";
    let end = json!({"terminated": {"exitCode": 3, "reason": "Error"}});
    let last = pod("b", "Failed", &json!({"containerStatuses": main(&end)}));
    for kind in ["Failed", "FailureTarget"] {
        let condition = json!({"type": kind, "status": "True", "reason": "BackoffLimitExceeded", "message": words});
        let failed = job(&json!({"backoffLimit": 1}), &json!({"failed": 2, "conditions": [condition]}));
        let found = why_with(&failed, &[&last], &[]);
        assert_eq!(shown(&found), ["ContainerFailed: main: exit code 3", &format!("Failed: {words}")]);
        assert_eq!(found[1].detail("reason"), Some("BackoffLimitExceeded"));
        assert!(found[0].kind.is_failure() && found[1].kind.is_failure());
    }
    let late = json!({"type": "Failed", "status": "True", "reason": "DeadlineExceeded",
        "message": "Job was active longer than specified deadline"});
    let running = pod("b", "Running", &json!({}));
    let found = why_with(&job(&json!({}), &json!({"conditions": [late]})), &[&running], &[]);
    assert_eq!(shown(&found)[0], "Failed: Job was active longer than specified deadline");
}

#[test]
fn waiting_jobs_know_their_deadline() {
    let spec = json!({"activeDeadlineSeconds": 300});
    let status = json!({"startTime": "2026-11-22T10:00:10Z", "active": 1, "ready": 1});
    assert_eq!(
        shown(&why(&job(&spec, &status))),
        ["Running: 1 pod active, 1 ready", "Deadline: ends in 4m 10s at the latest (activeDeadlineSeconds 300)"]
    );
    let spec = json!({"activeDeadlineSeconds": 30});
    let found = why(&job(&spec, &status));
    assert_eq!(shown(&found)[1], "Deadline: over its deadline of 30s for 20s");
    assert_eq!(found[1].detail("seconds left"), Some("-20"));
}

#[test]
fn waiting_jobs_whose_pods_are_refused() {
    let waits = job(&json!({}), &json!({}));
    let quota = "Error creating: pods \"migrate-x\" is forbidden: exceeded quota: compute, requested: pods=1, \
        used: pods=5, limited: pods=5";
    let found = why_with(&waits, &[], &[&event(&waits, "FailedCreate", quota)]);
    assert_eq!(
        shown(&found),
        ["Quota: no pod: exceeded quota: compute, requested: pods=1, used: pods=5, limited: pods=5"]
    );
    assert_eq!(found[0].detail("message"), Some(quota));
    assert!(found[0].kind.needs_help());
    let account = "Error creating: pods \"migrate-\" is forbidden: error looking up service account shop/db: \
        serviceaccount \"db\" not found";
    let found = why_with(&waits, &[], &[&event(&waits, "FailedCreate", account)]);
    assert_eq!(
        shown(&found),
        ["CreationRefused: no pod: error looking up service account shop/db: serviceaccount \"db\" not found"]
    );
}

#[test]
fn waiting_jobs_say_once_what_many_pods_say() {
    let state = json!({"waiting": {"reason": "ErrImagePull", "message": "not found"}});
    let pods: Vec<_> =
        ["a", "b", "c"].map(|name| pod(name, "Pending", &json!({"containerStatuses": main(&state)}))).into();
    let pods: Vec<_> = pods.iter().collect();
    let found = why_with(&job(&json!({"parallelism": 3}), &json!({"active": 3})), &pods, &[]);
    assert_eq!(shown(&found), ["ImagePull: cannot pull image registry.example.com/shop/db:1: not found (3 times)"]);
}
