//! Counts a Job's pods exactly once, over writes that may be cut off at any point.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::outcome::{Outcome, completions, indexed, is_finished, new_condition, only_failed};
use super::pods::{JobPod, TRACKING, read_indexes, write_indexes};
use super::policy::{Action, action};
use crate::sim::controllers::Context;
use crate::sim::controllers::json::{condition, int, is_true, list, seconds, set, text};
use crate::sim::resource::{JOBS, PODS};
use crate::sim::status::Status;
use crate::sim::store::Stored;

/// So many pods are counted at once.
const MOST: usize = 500;

/// Writes what has changed of a Job's status, and counts the pods that have ended. `job` carries the new status so
/// far.
pub(super) fn track(
    context: &mut Context<'_>,
    stored: &Stored,
    mut job: Value,
    pods: &[JobPod],
    outcome: &Outcome,
) -> Result<(), Status> {
    let before = stored.value();
    count_those_without_finalizer(&mut job, pods);
    let free = name_uncounted(&mut job, pods, outcome);
    if let Some((kind, _, reason, message)) = outcome.conditions()
        && condition(&job, kind).is_none()
    {
        add_condition(&mut job, new_condition(kind, true, reason, message, context.now));
    }
    if job.get("status") != before.get("status") {
        context.set_status(&JOBS, stored, job.get("status").unwrap_or(&Value::Null))?;
    }
    for pod in &free {
        context.remove_finalizer(&PODS, &pod.stored, TRACKING)?;
    }
    let freed: Vec<&str> = free.iter().map(|pod| pod.uid()).collect();
    let left: Vec<JobPod> = pods.iter().filter(|pod| !freed.contains(&pod.uid())).cloned().collect();
    let written = job.clone();
    count_those_without_finalizer(&mut job, &left);
    let finished = finish(&mut job, outcome, context.now);
    if job != written {
        context.set_status(&JOBS, stored, job.get("status").unwrap_or(&Value::Null))?;
    }
    if finished {
        tell(context, &job, outcome);
    }
    Ok(())
}

/// Pods that are named but have lost their finalizer, or are gone, become numbers.
fn count_those_without_finalizer(job: &mut Value, pods: &[JobPod]) {
    for (named, counter) in [("succeeded", "/status/succeeded"), ("failed", "/status/failed")] {
        let pointer = format!("/status/uncountedTerminatedPods/{named}");
        let (keep, done): (Vec<Value>, Vec<Value>) = list(job, &pointer)
            .iter()
            .cloned()
            .partition(|uid| pods.iter().any(|pod| Some(pod.uid()) == uid.as_str() && pod.tracked()));
        if !done.is_empty() {
            let counted = int(job, counter).unwrap_or(0) + i64::try_from(done.len()).unwrap_or(0);
            set(job, counter, counted.into());
            set(job, &pointer, if keep.is_empty() { Value::Null } else { keep.into() });
        }
    }
}

/// Names the pods that have ended, and answers those whose finalizer may go.
fn name_uncounted<'p>(job: &mut Value, pods: &'p [JobPod], outcome: &Outcome) -> Vec<&'p JobPod> {
    let deleting = !text(job, "/metadata/deletionTimestamp").is_empty();
    let only_failed = only_failed(job);
    let most = completions(job).unwrap_or(0);
    let mut succeeded: Vec<Value> = list(job, "/status/uncountedTerminatedPods/succeeded").to_vec();
    let mut failed: Vec<Value> = list(job, "/status/uncountedTerminatedPods/failed").to_vec();
    let mut indexes = read_indexes(text(job, "/status/completedIndexes"), most);
    let mut free = Vec::new();
    for pod in pods.iter().filter(|pod| pod.tracked()).take(MOST) {
        let uid = Value::from(pod.uid());
        // When a Job has failed, what still runs is deleted and counts as failed.
        let given_up = matches!(outcome, Outcome::Failed { .. }) && pod.stored.is_deleting();
        if pod.succeeded() {
            match pod.index().filter(|index| indexed(job) && *index < most) {
                Some(index) => indexes.push(index),
                None if indexed(job) => {}
                None if !succeeded.contains(&uid) => succeeded.push(uid),
                None => {}
            }
            free.push(pod);
        } else if pod.failed(only_failed) || given_up {
            if action(job, pod) != Action::Ignore && !failed.contains(&uid) {
                failed.push(uid);
            }
            free.push(pod);
        } else if deleting {
            // Nobody counts the pods of a Job that goes.
            free.push(pod);
        }
    }
    for (named, uids) in [("succeeded", succeeded), ("failed", failed)] {
        let pointer = format!("/status/uncountedTerminatedPods/{named}");
        set(job, &pointer, if uids.is_empty() { Value::Null } else { uids.into() });
    }
    if indexed(job) && !indexes.is_empty() {
        indexes.sort_unstable();
        indexes.dedup();
        set(job, "/status/completedIndexes", write_indexes(&indexes).into());
        set(job, "/status/succeeded", indexes.len().into());
    }
    if job.pointer("/status/uncountedTerminatedPods").is_none() {
        set(job, "/status/uncountedTerminatedPods", json!({}));
    }
    free
}

/// Writes the last condition once nothing is left to count or to end.
fn finish(job: &mut Value, outcome: &Outcome, now: Timestamp) -> bool {
    let Some((_, kind, reason, message)) = outcome.conditions() else { return false };
    let uncounted = ["succeeded", "failed"]
        .iter()
        .any(|named| !list(job, &format!("/status/uncountedTerminatedPods/{named}")).is_empty());
    let busy = int(job, "/status/active").unwrap_or(0) > 0 || int(job, "/status/terminating").unwrap_or(0) > 0;
    if uncounted || busy || is_finished(job) {
        return false;
    }
    if is_true(job, "Suspended") {
        set(job, "/status/startTime", Value::Null);
    }
    add_condition(job, new_condition(kind, true, reason, message, now));
    if kind == "Complete" {
        set(job, "/status/completionTime", seconds(now).into());
    }
    true
}

fn tell(context: &mut Context<'_>, job: &Value, outcome: &Outcome) {
    match outcome {
        Outcome::Open => {}
        Outcome::Complete { .. } => context.tell(job, "Completed", "Job completed"),
        Outcome::Failed { reason, message } => context.warn(job, reason, message),
    }
}

/// Appends a condition.
pub(super) fn add_condition(job: &mut Value, condition: Value) {
    let mut conditions = list(job, "/status/conditions").to_vec();
    conditions.push(condition);
    set(job, "/status/conditions", conditions.into());
}
