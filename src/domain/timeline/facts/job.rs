//! What is remembered of a Job.

use jiff::Timestamp;
use serde_json::Value;

use super::json;
use crate::domain::manifest::Object;
use crate::domain::timeline::elapsed::Moment;

/// Kubernetes' default of `backoffLimit`.
const DEFAULT_BACKOFF_LIMIT: i64 = 6;

/// A Job as last seen. Its end is remembered even if a later event should deny it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::domain::timeline) struct JobFacts {
    /// Successful pods it takes; `None`: any one, once all have ended (a work queue).
    pub completions: Option<i64>,
    /// Pods at a time.
    pub parallelism: i64,
    /// Failed pods it bears.
    pub backoff_limit: i64,
    /// Each index has to succeed once.
    pub indexed: bool,
    /// Its end by failure can be told from its failed pods: each of them counts, and one too many is the end. Not so
    /// with a podFailurePolicy, with a limit for each index, or where containers restart within a pod.
    pub failures_count: bool,
    /// Somebody paused it.
    pub suspended: bool,
    /// Pods at work, as the Job counts them.
    pub active: i64,
    /// Pods that are ready, as the Job counts them.
    pub ready: i64,
    /// Pods that succeeded, as the Job counts them.
    pub succeeded: i64,
    /// Pods that failed, as the Job counts them.
    pub failed: i64,
    /// The Job's own word about its end.
    pub end: Option<JobEnd>,
}

/// The Job's own word about its end.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::domain::timeline) struct JobEnd {
    /// Complete, or failed.
    pub succeeded: bool,
    /// When.
    pub moment: Moment,
    /// Why.
    pub message: String,
    /// Decided, and not yet carried out: pods are still being counted or taken away.
    pub decided_only: bool,
}

impl JobFacts {
    pub(crate) fn new(object: &Object, at: Timestamp, live: bool) -> Self {
        let mut job = Self {
            completions: None,
            parallelism: 1,
            backoff_limit: DEFAULT_BACKOFF_LIMIT,
            indexed: false,
            failures_count: false,
            suspended: false,
            active: 0,
            ready: 0,
            succeeded: 0,
            failed: 0,
            end: None,
        };
        job.update(object, at, live);
        job
    }

    pub(crate) fn update(&mut self, object: &Object, at: Timestamp, live: bool) {
        static NULL: Value = Value::Null;
        let spec = object.at(&["spec"]).unwrap_or(&NULL);
        let status = object.at(&["status"]).unwrap_or(&NULL);
        self.completions = json::integer(spec, "completions");
        self.parallelism = json::integer(spec, "parallelism").unwrap_or(1);
        self.backoff_limit = json::integer(spec, "backoffLimit").unwrap_or(DEFAULT_BACKOFF_LIMIT);
        self.indexed = json::text(spec, "completionMode") == Some("Indexed");
        let restart_policy = object.at(&["spec", "template", "spec", "restartPolicy"]).and_then(Value::as_str);
        let has = |field| spec.get(field).is_some_and(|value| !value.is_null());
        self.failures_count =
            restart_policy == Some("Never") && !has("podFailurePolicy") && !has("backoffLimitPerIndex");
        self.suspended = spec.get("suspend").and_then(Value::as_bool).unwrap_or(false);

        let uncounted = |field| {
            let pods = status.get("uncountedTerminatedPods").map(|pods| json::list(pods, field).len());
            i64::try_from(pods.unwrap_or(0)).unwrap_or(i64::MAX)
        };
        let count = |field| json::integer(status, field).unwrap_or(0).max(0);
        self.active = count("active");
        self.ready = count("ready");
        self.succeeded = count("succeeded").saturating_add(uncounted("succeeded"));
        self.failed = count("failed").saturating_add(uncounted("failed"));
        self.read_end(status, at, live);
    }

    fn read_end(&mut self, status: &Value, at: Timestamp, live: bool) {
        let condition = |kind: &str| {
            let is_true = |condition: &&Value| {
                json::text(condition, "type") == Some(kind) && json::text(condition, "status") == Some("True")
            };
            json::list(status, "conditions").iter().find(is_true)
        };
        // The last two are promises that the controller keeps once it has counted the pods.
        let words = [("Failed", false), ("Complete", true), ("FailureTarget", false), ("SuccessCriteriaMet", true)];
        let Some((kind, succeeded, condition)) =
            words.into_iter().find_map(|(kind, succeeded)| Some((kind, succeeded, condition(kind)?)))
        else {
            return;
        };
        let decided_only = !matches!(kind, "Failed" | "Complete");
        if self.end.as_ref().is_some_and(|end| decided_only && !end.decided_only) {
            return;
        }
        // The first word about the end is when it was seen, as long as it does not change its mind.
        let first = self.end.take().filter(|end| end.succeeded == succeeded).map(|end| end.moment);
        let recorded = if succeeded { json::time(status, "completionTime") } else { None };
        let recorded = recorded.or_else(|| json::time(condition, "lastTransitionTime"));
        let moment = first.unwrap_or_else(|| Moment::seen(at, live)).with_record(recorded);
        self.end = Some(JobEnd { succeeded, moment, message: json::message(condition, "message"), decided_only });
    }
}
