//! What is to become of a Job: pure decisions from the Job, its pods and the time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::pods::{JobPod, read_indexes};
use super::policy::{Action, action};
use crate::sim::controllers::json::{condition, int, is_true, list, seconds, text, time, truth};

/// First delay after a failed pod.
const BACKOFF: Duration = Duration::from_secs(10);

/// The delay grows up to this.
const BACKOFF_MOST: Duration = Duration::from_secs(600);

/// How a Job ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Not decided.
    Open,
    /// It has succeeded.
    Complete {
        /// Reason of both conditions.
        reason: String,
        /// Message of both conditions.
        message: String,
    },
    /// It has failed.
    Failed {
        /// Reason of both conditions.
        reason: String,
        /// Message of both conditions.
        message: String,
    },
}

impl Outcome {
    /// The condition that comes first, and the one that comes when all pods are counted.
    pub(super) fn conditions(&self) -> Option<(&'static str, &'static str, &str, &str)> {
        match self {
            Self::Open => None,
            Self::Complete { reason, message } => Some(("SuccessCriteriaMet", "Complete", reason, message)),
            Self::Failed { reason, message } => Some(("FailureTarget", "Failed", reason, message)),
        }
    }
}

/// Numbers of a Job's pods, those that are counted already included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Pods that work.
    pub(super) active: i64,
    /// Of these, ready.
    pub(super) ready: i64,
    /// Pods that are being deleted and still run.
    pub(super) terminating: i64,
    /// Pods that have ended well.
    pub(super) succeeded: i64,
    /// Pods that have failed and count.
    pub(super) failed: i64,
}

/// Whether pods that are being deleted do not count as failed before they have ended.
pub(super) fn only_failed(job: &Value) -> bool {
    text(job, "/spec/podReplacementPolicy") == "Failed" || job.pointer("/spec/podFailurePolicy").is_some()
}

/// Whether the completions have indexes.
pub(super) fn indexed(job: &Value) -> bool {
    text(job, "/spec/completionMode") == "Indexed"
}

/// Whether a Job is over.
pub(super) fn is_finished(job: &Value) -> bool {
    is_true(job, "Complete") || is_true(job, "Failed")
}

/// Counts a Job's pods.
pub(super) fn count(job: &Value, pods: &[JobPod]) -> Counts {
    let only_failed = only_failed(job);
    let named = |list_name: &str| list(job, &format!("/status/uncountedTerminatedPods/{list_name}"));
    let is_named = |uid: &str| named("succeeded").iter().chain(named("failed")).any(|name| name.as_str() == Some(uid));
    let length = |list_name: &str| i64::try_from(named(list_name).len()).unwrap_or(i64::MAX);
    let mut counts = Counts {
        succeeded: int(job, "/status/succeeded").unwrap_or(0) + length("succeeded"),
        failed: int(job, "/status/failed").unwrap_or(0) + length("failed"),
        ..Counts::default()
    };
    let mut indexes = read_indexes(text(job, "/status/completedIndexes"), completions(job).unwrap_or(0));
    for pod in pods {
        counts.active += i64::from(pod.active());
        counts.ready += i64::from(pod.active() && pod.ready());
        counts.terminating += i64::from(pod.terminating());
        // Without the finalizer it was counted before.
        if !pod.tracked() || is_named(pod.uid()) {
            continue;
        }
        if pod.succeeded() {
            match pod.index() {
                Some(index) if indexed(job) => indexes.push(index),
                _ => counts.succeeded += 1,
            }
        } else if pod.failed(only_failed) && action(job, pod) != Action::Ignore {
            counts.failed += 1;
        }
    }
    if indexed(job) {
        indexes.sort_unstable();
        indexes.dedup();
        counts.succeeded = i64::try_from(indexes.len()).unwrap_or(i64::MAX);
    }
    counts
}

/// `spec.completions`.
pub(super) fn completions(job: &Value) -> Option<i64> {
    int(job, "/spec/completions")
}

/// `spec.parallelism`, 1 where it is missing.
pub(super) fn parallelism(job: &Value) -> i64 {
    int(job, "/spec/parallelism").unwrap_or(1)
}

/// Whether a Job has failed, or was told before that it will.
pub(super) fn failure(job: &Value, pods: &[JobPod], counts: &Counts, now: Timestamp, speed: f64) -> Outcome {
    if let Some(target) = condition(job, "FailureTarget").filter(|target| text(target, "/status") == "True") {
        return Outcome::Failed {
            reason: text(target, "/reason").to_owned(),
            message: text(target, "/message").to_owned(),
        };
    }
    let failed =
        |reason: &str, message: &str| Outcome::Failed { reason: reason.to_owned(), message: message.to_owned() };
    let only_failed = only_failed(job);
    for pod in pods.iter().filter(|pod| pod.failed(only_failed)) {
        if let Action::FailJob(message) = action(job, pod) {
            return failed("PodFailurePolicy", &message);
        }
    }
    let limit = int(job, "/spec/backoffLimit").unwrap_or(6);
    if counts.failed > limit || past_limit_by_restarts(job, pods, limit) {
        return failed("BackoffLimitExceeded", "Job has reached the specified backoff limit");
    }
    if deadline_left(job, now, speed).is_some_and(|left| left.is_zero()) {
        return failed("DeadlineExceeded", "Job was active longer than specified deadline");
    }
    Outcome::Open
}

/// With restartPolicy `OnFailure` it is the containers' restarts that count.
fn past_limit_by_restarts(job: &Value, pods: &[JobPod], limit: i64) -> bool {
    if text(job, "/spec/template/spec/restartPolicy") != "OnFailure" {
        return false;
    }
    let restarts: i64 = pods.iter().filter(|pod| !pod.finished()).map(JobPod::restarts).sum();
    if limit == 0 { restarts > 0 } else { restarts >= limit }
}

/// How long a Job may still be active; `None` without a deadline, or while it is suspended or has not begun.
pub(super) fn deadline_left(job: &Value, now: Timestamp, speed: f64) -> Option<Duration> {
    let deadline = u64::try_from(int(job, "/spec/activeDeadlineSeconds")?).unwrap_or(0);
    if truth(job, "/spec/suspend") {
        return None;
    }
    let start = time(job, "/status/startTime")?;
    let deadline = crate::sim::controllers::scale(Duration::from_secs(deadline), speed);
    let active = now.duration_since(start);
    Some(if active.is_negative() { deadline } else { deadline.saturating_sub(active.unsigned_abs()) })
}

/// Whether a Job that has not failed has succeeded.
pub(super) fn success(job: &Value, counts: &Counts) -> Outcome {
    if let Some(met) = condition(job, "SuccessCriteriaMet").filter(|met| text(met, "/status") == "True") {
        return Outcome::Complete {
            reason: text(met, "/reason").to_owned(),
            message: text(met, "/message").to_owned(),
        };
    }
    let complete = match completions(job) {
        None => counts.succeeded > 0 && counts.active == 0,
        Some(completions) => counts.succeeded >= completions && counts.active == 0,
    };
    if complete {
        return Outcome::Complete {
            reason: "CompletionsReached".to_owned(),
            message: "Reached expected number of succeeded pods".to_owned(),
        };
    }
    Outcome::Open
}

/// How many pods a Job should have now.
pub(super) fn wanted(job: &Value, counts: &Counts) -> i64 {
    if truth(job, "/spec/suspend") {
        return 0;
    }
    let parallelism = parallelism(job);
    match completions(job) {
        None if counts.succeeded > 0 => counts.active.min(parallelism),
        None => parallelism,
        Some(completions) => (completions - counts.succeeded).min(parallelism).max(0),
    }
}

/// When a pod may be made again after failures: the delay doubles with each failure since the last success.
pub(super) fn backoff_until(pods: &[JobPod], counts: &Counts, only_failed: bool, speed: f64) -> Option<Timestamp> {
    let last = pods.iter().filter(|pod| pod.failed(only_failed)).filter_map(JobPod::finished_at).max()?;
    // A success in between begins anew.
    let success = pods.iter().filter(|pod| pod.succeeded()).filter_map(JobPod::finished_at).max();
    let failures = counts.failed;
    if failures == 0 || success.is_some_and(|success| success >= last) {
        return None;
    }
    let doublings = u32::try_from(failures - 1).unwrap_or(u32::MAX).min(16);
    let delay = BACKOFF.saturating_mul(1 << doublings).min(BACKOFF_MOST);
    let delay = crate::sim::controllers::scale(delay, speed);
    last.checked_add(SignedDuration::try_from(delay).unwrap_or(SignedDuration::ZERO)).ok()
}

/// A condition as the Job controller writes it.
pub(super) fn new_condition(kind: &str, status: bool, reason: &str, message: &str, now: Timestamp) -> Value {
    let now = seconds(now);
    json!({
        "type": kind,
        "status": if status { "True" } else { "False" },
        "lastProbeTime": now,
        "lastTransitionTime": now,
        "reason": reason,
        "message": message,
    })
}
