//! Jobs: retries, limits, indexes, suspension.

use boathook::sim::logs::LogOptions;
use boathook::sim::resource::{JOBS, PODS};
use serde_json::{Value, json};

use super::cluster::{Cluster, conditions, list, seconds, text};

const FAILS: &str = "  pods: [{match: {}, log: [no], exitCode: 3}]";
const WORKS: &str = "  pods: [{match: {}, start: 0.2s, log: [{line: working, every: 1s}]}]";

fn count(job: &Value, field: &str) -> i64 {
    job.pointer(&format!("/status/{field}")).and_then(Value::as_i64).unwrap_or(0)
}

#[test]
fn controllers_job_completes_and_says_so() {
    let mut cluster = Cluster::new(WORKS);
    cluster.job("hook", &json!({}));
    cluster.run(seconds(5.0));
    let job = cluster.get(&JOBS, "hook");
    assert_eq!(conditions(&job), ["SuccessCriteriaMet", "Complete"]);
    assert_eq!((count(&job, "succeeded"), count(&job, "failed"), count(&job, "active")), (1, 0, 0));
    assert_eq!(text(&job, "/status/conditions/1/message"), "Reached expected number of succeeded pods");
    assert!(job.pointer("/status/completionTime").is_some());
    assert_eq!(cluster.told("hook"), ["SuccessfulCreate", "Completed"]);
    let pod = &cluster.pods()[0];
    assert!(list(pod, "/metadata/finalizers").is_empty());
    assert_eq!(cluster.log(text(pod, "/metadata/name"), &LogOptions::default()), "working\n");
}

#[test]
fn controllers_job_retries_with_growing_delays_up_to_its_limit() {
    let mut cluster = Cluster::new(FAILS);
    cluster.job("hook", &json!({"backoffLimit": 3}));
    let mut made = Vec::new();
    for pods in 1..=4 {
        cluster.run_until(seconds(200.0), "a new pod", |cluster| cluster.pods().len() == pods);
        made.push(cluster.clock.monotonic().as_secs());
    }
    assert_eq!(made.len(), 4);
    let pauses: Vec<u64> = made.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // The delay counts from the end of the pod, in whole seconds.
    assert!(
        (9..=12).contains(&pauses[0]) && (19..=22).contains(&pauses[1]) && (39..=42).contains(&pauses[2]),
        "{pauses:?}"
    );
    cluster.run(seconds(5.0));
    let job = cluster.get(&JOBS, "hook");
    assert_eq!(conditions(&job), ["FailureTarget", "Failed"]);
    assert_eq!(text(&job, "/status/conditions/0/reason"), "BackoffLimitExceeded");
    assert_eq!(text(&job, "/status/conditions/1/message"), "Job has reached the specified backoff limit");
    assert_eq!(count(&job, "failed"), 4);
    assert_eq!(cluster.told("hook").last().unwrap(), "BackoffLimitExceeded");
}

#[test]
fn controllers_job_deadline_deletes_its_pods_first() {
    let mut cluster = Cluster::new("  pods: [{match: {}, run: forever, stop: {after: 3s}}]");
    cluster.job("hook", &json!({"activeDeadlineSeconds": 10}));
    cluster.run(seconds(10.5));
    let job = cluster.get(&JOBS, "hook");
    assert_eq!(conditions(&job), ["FailureTarget"], "the pod has not ended yet");
    assert_eq!((count(&job, "terminating"), count(&job, "active")), (1, 0));
    cluster.run(seconds(10.0));
    let job = cluster.get(&JOBS, "hook");
    assert_eq!(conditions(&job), ["FailureTarget", "Failed"]);
    assert_eq!(text(&job, "/status/conditions/1/reason"), "DeadlineExceeded");
    assert_eq!((count(&job, "failed"), count(&job, "terminating")), (1, 0));
    assert!(cluster.pods().is_empty());
    assert_eq!(cluster.told("hook"), ["SuccessfulCreate", "SuccessfulDelete", "DeadlineExceeded"]);
}

#[test]
fn controllers_job_with_indexes_runs_each_once() {
    let mut cluster = Cluster::new(WORKS);
    cluster.job("hook", &json!({"completionMode": "Indexed", "completions": 4, "parallelism": 2}));
    cluster.run(seconds(1.0));
    assert_eq!(cluster.pods().len(), 2);
    cluster.run(seconds(20.0));
    let job = cluster.get(&JOBS, "hook");
    assert_eq!(conditions(&job), ["SuccessCriteriaMet", "Complete"]);
    assert_eq!((text(&job, "/status/completedIndexes"), count(&job, "succeeded")), ("0-3", 4));
    let mut names: Vec<String> = cluster.pods().iter().map(|pod| text(pod, "/spec/hostname").to_owned()).collect();
    names.sort();
    assert_eq!(names, ["hook-0", "hook-1", "hook-2", "hook-3"]);
}

#[test]
fn controllers_job_is_suspended_and_resumed() {
    let mut cluster = Cluster::new("  pods: [{match: {}, start: 0.2s, run: 5s}]");
    cluster.job("hook", &json!({"suspend": true}));
    cluster.run(seconds(2.0));
    let job = cluster.get(&JOBS, "hook");
    assert_eq!(conditions(&job), ["Suspended"]);
    assert!(cluster.pods().is_empty() && job.pointer("/status/startTime").is_none());
    cluster.change(&JOBS, "hook", |job| job["spec"]["suspend"] = false.into());
    cluster.run(seconds(2.0));
    assert_eq!(cluster.pods().len(), 1);
    cluster.change(&JOBS, "hook", |job| job["spec"]["suspend"] = true.into());
    cluster.run(seconds(3.0));
    assert!(cluster.pods().is_empty());
    cluster.change(&JOBS, "hook", |job| job["spec"]["suspend"] = false.into());
    cluster.run(seconds(30.0));
    let job = cluster.get(&JOBS, "hook");
    assert_eq!(conditions(&job), ["SuccessCriteriaMet", "Complete"]);
    let told = ["Suspended", "SuccessfulCreate", "Resumed", "SuccessfulDelete", "SuccessfulCreate", "Completed"];
    assert_eq!(cluster.told("hook"), told);
}

#[test]
fn controllers_job_policy_ignores_or_fails_at_once() {
    let policy = |action: &str| {
        json!({"backoffLimit": 0, "podFailurePolicy": {"rules": [
            {"action": action, "onExitCodes": {"operator": "In", "values": [3]}}]}})
    };
    let mut cluster = Cluster::new(FAILS);
    cluster.job("strict", &policy("FailJob"));
    cluster.run(seconds(5.0));
    let job = cluster.get(&JOBS, "strict");
    assert_eq!(text(&job, "/status/conditions/1/reason"), "PodFailurePolicy");
    let message = text(&job, "/status/conditions/1/message");
    assert!(message.starts_with("Container main for pod default/strict-"), "{message}");
    assert!(message.ends_with("failed with exit code 3 matching FailJob rule at index 0"), "{message}");

    let mut cluster = Cluster::new("  pods: [{match: {}, attempts: [{exitCode: 3}, {exitCode: 3}, {exitCode: 0}]}]");
    cluster.job("patient", &policy("Ignore"));
    cluster.run(seconds(120.0));
    let job = cluster.get(&JOBS, "patient");
    assert_eq!(conditions(&job), ["SuccessCriteriaMet", "Complete"]);
    assert_eq!((count(&job, "failed"), count(&job, "succeeded")), (0, 1));
}

#[test]
fn controllers_job_restarts_in_place_count_towards_the_limit() {
    let mut cluster = Cluster::new(FAILS);
    let spec = json!({"backoffLimit": 2, "template": {"spec": {"restartPolicy": "OnFailure"}}});
    cluster.job("hook", &spec);
    cluster.run(seconds(60.0));
    let job = cluster.get(&JOBS, "hook");
    assert_eq!(conditions(&job), ["FailureTarget", "Failed"]);
    assert_eq!(count(&job, "failed"), 1);
    assert!(cluster.pods().is_empty(), "the pod that still ran is deleted");
}

#[test]
fn controllers_job_is_deleted_after_its_time_to_live() {
    let mut cluster = Cluster::new(WORKS);
    cluster.job("hook", &json!({"ttlSecondsAfterFinished": 30}));
    cluster.run(seconds(20.0));
    assert!(!cluster.get(&JOBS, "hook").is_null());
    cluster.run(seconds(20.0));
    assert!(cluster.get(&JOBS, "hook").is_null() && cluster.pods().is_empty());
}

#[test]
fn controllers_job_delays_are_shortened_by_the_speed() {
    let mut cluster = Cluster::with(FAILS, 0, 10.0);
    cluster.job("hook", &json!({"backoffLimit": 2}));
    cluster.run(seconds(6.0));
    assert_eq!(conditions(&cluster.get(&JOBS, "hook")), ["FailureTarget", "Failed"]);
    assert_eq!(cluster.store.list(&PODS, None).0.len(), 3);
}
