//! Why a Job is not complete, or has failed.

use jiff::Timestamp;
use serde_json::Value;

use super::gather::{Evidence, deletion};
use super::read::{condition, counted, integer, is_true, list, seconds_between, text, time};
use super::reason::{Reason, ReasonKind};
use super::{events, pod};
use crate::domain::manifest::Object;
use crate::domain::text::duration;

/// Kubernetes' own limit of attempts where a Job sets none.
const BACKOFF_LIMIT: i64 = 6;
/// First and longest wait of the Job controller between a failed pod and the next one, in seconds.
const BACKOFF: (i64, i64) = (10, 600);

/// Reasons of a Job.
pub(super) fn job(job: &Object, evidence: &Evidence<'_>, reasons: &mut Vec<Reason>) {
    if condition(job, "Complete").is_some() {
        return;
    }
    let has_failed = failed(job, reasons);
    if !has_failed && (is_true(job, "Suspended") || job.at(&["spec", "suspend"]) == Some(&Value::Bool(true))) {
        reasons.push(Reason::new(ReasonKind::Suspended, "suspended: somebody must resume it (spec.suspend)"));
        return;
    }
    let pods = known_pods(evidence);
    let is_gone = |pod: &Object| evidence.gone.iter().any(|gone| gone.uid() == pod.uid());
    let phase = |pod: &Object| text(pod, &["status", "phase"]).to_owned();
    let ended: Vec<&Object> = pods.iter().copied().filter(|pod| phase(pod) == "Failed").collect();
    let alive: Vec<&Object> = pods
        .iter()
        .copied()
        .filter(|pod| !is_gone(pod) && !["Succeeded", "Failed"].contains(&phase(pod).as_str()))
        .collect();
    for pod in &alive {
        deletion(pod, evidence.now, reasons);
        pod::pod(pod, evidence, reasons);
    }
    // Pods that ended before are told by the attempt, unless nothing else is left to tell.
    let newest = pods.last().copied().filter(|_| alive.is_empty());
    if let Some(newest) = newest {
        match phase(newest).as_str() {
            "Failed" => pod::pod(newest, evidence, reasons),
            "Succeeded" if !has_failed => {
                let line = "its pod has succeeded, the Job does not say so yet";
                reasons.push(Reason::new(ReasonKind::Running, line).with("pod", newest.name()));
            }
            _ => reasons.extend(pod::gone(newest)),
        }
    }
    if has_failed {
        return;
    }
    // The Job's own count of its pods is behind what is known of them.
    let active = if pods.is_empty() { integer(job, &["status", "active"]) } else { 0 };
    if alive.is_empty() {
        let refused = events::latest(evidence, |reason| reason == "FailedCreate");
        let created = newest.and_then(created);
        if let Some(event) = refused.filter(|event| events::last_seen(event) >= created) {
            reasons.push(events::refused(text(event, &["message"])));
        } else if active > 0 {
            let ready = integer(job, &["status", "ready"]);
            let line = format!("{} active, {ready} ready", counted(active, "pod", "pods"));
            reasons.push(Reason::new(ReasonKind::Running, line));
        } else if pods.is_empty() && failures(job) == 0 {
            reasons.push(Reason::new(ReasonKind::NotStarted, "no pod yet"));
        }
    }
    attempt(job, &alive, &ended, active, evidence.now, reasons);
    deadline(job, evidence.now, reasons);
}

/// The Job's own words about its failure. `FailureTarget` comes a moment before `Failed`, which Argo CD waits for.
fn failed(job: &Object, reasons: &mut Vec<Reason>) -> bool {
    let Some(failed) = condition(job, "Failed").or_else(|| condition(job, "FailureTarget")) else { return false };
    let (reason, message) = (text(failed, &["reason"]), text(failed, &["message"]));
    let line = if message.is_empty() { reason } else { message };
    let line = if line.is_empty() { "the Job failed" } else { line };
    let limit = job.at(&["spec", "backoffLimit"]).and_then(Value::as_i64).unwrap_or(BACKOFF_LIMIT);
    reasons.push(
        Reason::new(ReasonKind::Failed, line)
            .with("reason", reason)
            .with("failed pods", failures(job).to_string())
            .with("backoff limit", limit.to_string()),
    );
    true
}

/// The Job's pods, also those that are gone, oldest first.
fn known_pods<'a>(evidence: &Evidence<'a>) -> Vec<&'a Object> {
    let all = evidence.children.iter().chain(evidence.gone).copied();
    let mut pods: Vec<&Object> = all.filter(|object| object.kind() == "Pod").collect();
    pods.sort_by_key(|pod| (created(pod), pod.name().to_owned()));
    pods
}

fn created(pod: &Object) -> Option<Timestamp> {
    time(pod, &["metadata", "creationTimestamp"])
}

/// Failed pods, also those the Job has seen and not yet counted.
fn failures(job: &Object) -> i64 {
    let uncounted = list(job, &["status", "uncountedTerminatedPods", "failed"]).len();
    integer(job, &["status", "failed"]).saturating_add(i64::try_from(uncounted).unwrap_or(i64::MAX))
}

/// Which attempt this is, of how many, and when the next one comes. Restarts of containers within a pod count, too.
fn attempt(job: &Object, alive: &[&Object], ended: &[&Object], active: i64, now: Timestamp, reasons: &mut Vec<Reason>) {
    let last = ended.last().copied();
    let restarts = alive.iter().map(|pod| restarts(pod)).fold(0, i64::saturating_add);
    // A pod that has failed is seen before the Job counts it; one that was counted may be gone.
    let ended = i64::try_from(ended.len()).unwrap_or(i64::MAX);
    let failed = failures(job).max(ended).saturating_add(restarts);
    if failed == 0 {
        return;
    }
    let limit = job.at(&["spec", "backoffLimit"]).and_then(Value::as_i64).unwrap_or(BACKOFF_LIMIT);
    let all = limit.saturating_add(1);
    let number = failed.saturating_add(1);
    let parallel = integer(job, &["spec", "parallelism"]) > 1 || integer(job, &["spec", "completions"]) > 1;
    let line = if parallel {
        format!("{} failed, backoff limit {limit}", counted(failed, "pod", "pods"))
    } else if number > all {
        format!("the last of {} has failed", counted(all, "attempt", "attempts"))
    } else if !alive.is_empty() || active > 0 {
        format!("attempt {number} of {all}")
    } else {
        format!("attempt {number} of {all} {}", when(last, failed, now))
    };
    let mut earlier = Vec::new();
    if let Some(last) = last {
        let evidence = Evidence::of(last, now);
        pod::pod(last, &evidence, &mut earlier);
    }
    earlier.sort_by_key(|reason| reason.kind);
    let before = earlier.first().map(|reason| reason.text.as_str()).unwrap_or_default();
    let line = if before.is_empty() { line } else { format!("{line}; the last one: {before}") };
    reasons.push(
        Reason::new(ReasonKind::Attempt, line)
            .with("failed", failed.to_string())
            .with("backoff limit", limit.to_string())
            .with("last failure", before),
    );
}

/// When the Job controller will start the next pod, as far as one can tell from the end of the last one.
fn when(last: Option<&Object>, failed: i64, now: Timestamp) -> String {
    let ends = last.map(|pod| list(pod, &["status", "containerStatuses"])).unwrap_or_default();
    let end = ends.iter().filter_map(|status| time(status, &["state", "terminated", "finishedAt"])).max();
    let Some(end) = end else { return "starts soon".to_owned() };
    let doublings = u32::try_from(failed.saturating_sub(1).clamp(0, 10)).unwrap_or_default();
    let wait = BACKOFF.0.saturating_mul(1 << doublings).min(BACKOFF.1);
    match wait.saturating_sub(seconds_between(end, now)) {
        left if left > 0 => format!("starts in about {}", duration(left)),
        _ => "starts soon".to_owned(),
    }
}

/// Restarts of a pod's containers.
fn restarts(pod: &Object) -> i64 {
    let lists = [["status", "initContainerStatuses"], ["status", "containerStatuses"]];
    let statuses = lists.iter().flat_map(|path| list(pod, path));
    statuses.map(|status| integer(status, &["restartCount"]).max(0)).fold(0, i64::saturating_add)
}

/// How much time `activeDeadlineSeconds` leaves.
fn deadline(job: &Object, now: Timestamp, reasons: &mut Vec<Reason>) {
    let seconds = job.at(&["spec", "activeDeadlineSeconds"]).and_then(Value::as_i64);
    let (Some(seconds), Some(start)) = (seconds, time(job, &["status", "startTime"])) else { return };
    let left = seconds.saturating_sub(seconds_between(start, now));
    let line = if left > 0 {
        format!("ends in {} at the latest (activeDeadlineSeconds {seconds})", duration(left))
    } else {
        format!("over its deadline of {} for {}", duration(seconds), duration(left.saturating_neg()))
    };
    reasons.push(Reason::new(ReasonKind::Deadline, line).with("seconds left", left.to_string()));
}
