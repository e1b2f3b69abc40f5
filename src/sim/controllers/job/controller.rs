//! One look at a Job.

use std::time::Duration;

use serde_json::Value;

use super::outcome::{
    Counts, Outcome, backoff_until, completions, count, deadline_left, failure, indexed, is_finished, only_failed,
    parallelism, success, wanted,
};
use super::pods::{JobPod, new_pod, read_indexes};
use super::track::{add_condition, track};
use crate::sim::controllers::json::{condition, controller_of, int, is_true, seconds, set, text, truth};
use crate::sim::controllers::names::ControllerName;
use crate::sim::controllers::owners::Owners;
use crate::sim::controllers::{Change, Context, Controller, Key, Wake};
use crate::sim::resource::{JOBS, PODS};
use crate::sim::status::Status;
use crate::sim::store::{EventKind, Propagation, Stored};

/// Changes of pods are gathered for so long before a Job is looked at.
const BATCH: Duration = Duration::from_secs(1);

/// So many pods are made or deleted in one look.
const MOST: i64 = 500;

/// See the module.
#[derive(Debug, Default)]
pub(in crate::sim::controllers) struct JobController;

impl Controller for JobController {
    fn name(&self) -> ControllerName {
        ControllerName::Job
    }

    fn manager(&self) -> &'static str {
        "job-controller"
    }

    fn observe(&mut self, change: &Change, owners: &Owners, wake: &mut Wake<'_>) {
        let object = &change.object;
        if change.id == JOBS && change.kind != EventKind::Deleted {
            let generation = |job: &Stored| int(&job.value(), "/metadata/generation");
            let only_status =
                change.previous.as_ref().is_some_and(|previous| generation(previous) == generation(object));
            let delay = if only_status { BATCH } else { Duration::ZERO };
            wake.after(object.namespace(), object.name(), delay);
        }
        if change.id == PODS
            && let Some(owner) = controller_of(&object.value())
            && text(owner, "/kind") == "Job"
        {
            match owners.find(text(owner, "/uid")) {
                Some(job) => wake.after(&job.namespace, &job.name, BATCH),
                // Its Job is gone: nobody else lets it go.
                None => wake.resource("pods", object.namespace(), object.name(), Duration::ZERO),
            }
        }
        if change.id == JOBS && change.kind == EventKind::Deleted {
            for place in owners.places(object.uid()).filter(|place| place.id == PODS) {
                wake.resource("pods", &place.namespace, &place.name, Duration::ZERO);
            }
        }
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Status> {
        if key.resource == "pods" {
            return free_orphan(context, key);
        }
        let Some(stored) = context.store.get(&JOBS, &key.namespace, &key.name) else { return Ok(()) };
        let value = stored.value();
        if is_finished(&value) && !stored.is_deleting() {
            return Ok(());
        }
        let owned = context.owners.owned(context.store, stored.uid(), &PODS);
        let pods: Vec<JobPod> = owned.into_iter().map(JobPod::new).collect();
        look(context, key, &stored, (*value).clone(), pods)
    }
}

/// A pod whose Job no longer exists is not held back.
fn free_orphan(context: &Context<'_>, key: &Key) -> Result<(), Status> {
    let Some(stored) = context.store.get(&PODS, &key.namespace, &key.name) else { return Ok(()) };
    let gone = controller_of(&stored.value()).is_none_or(|owner| context.owners.find(text(owner, "/uid")).is_none());
    if gone { context.remove_finalizer(&PODS, &stored, super::pods::TRACKING) } else { Ok(()) }
}

fn look(
    context: &mut Context<'_>,
    key: &Key,
    stored: &Stored,
    mut job: Value,
    pods: Vec<JobPod>,
) -> Result<(), Status> {
    let suspended = truth(&job, "/spec/suspend");
    if text(&job, "/status/startTime").is_empty() && !suspended {
        set(&mut job, "/status/startTime", seconds(context.now).into());
    }
    let mut counts = count(&job, &pods);
    let mut outcome = Outcome::Open;
    if !stored.is_deleting() {
        outcome = failure(&job, &pods, &counts, context.now, context.speed);
        if matches!(outcome, Outcome::Failed { .. }) {
            stop_all(context, &job, &pods, &mut counts)?;
        } else {
            if let Some(left) = deadline_left(&job, context.now, context.speed)
                && let Ok(at) = context.now.checked_add(left)
            {
                context.again_at(key, at);
            }
            keep_pods(context, key, &job, &pods, &mut counts)?;
            outcome = success(&job, &counts);
            if outcome == Outcome::Open {
                note_suspension(context, &mut job, suspended);
            }
        }
    }
    set(&mut job, "/status/active", if counts.active == 0 { Value::Null } else { counts.active.into() });
    set(&mut job, "/status/ready", counts.ready.into());
    set(&mut job, "/status/terminating", counts.terminating.into());
    // Pods that were deleted above are read again, as the next look would.
    let pods: Vec<JobPod> = pods
        .into_iter()
        .filter_map(|pod| context.store.get(&PODS, pod.stored.namespace(), pod.stored.name()))
        .map(JobPod::new)
        .collect();
    track(context, stored, job, &pods, &outcome)
}

/// Deletes the pods of a Job that has failed.
fn stop_all(context: &mut Context<'_>, job: &Value, pods: &[JobPod], counts: &mut Counts) -> Result<(), Status> {
    for pod in pods.iter().filter(|pod| pod.active()) {
        context.delete(&PODS, &pod.stored, Propagation::Background)?;
        context.tell(job, "SuccessfulDelete", &format!("Deleted pod: {}", pod.stored.name()));
        counts.active -= 1;
        counts.ready -= i64::from(pod.ready());
        counts.terminating += 1;
    }
    Ok(())
}

/// Makes or deletes pods so that there are as many as wanted.
fn keep_pods(
    context: &mut Context<'_>,
    key: &Key,
    job: &Value,
    pods: &[JobPod],
    counts: &mut Counts,
) -> Result<(), Status> {
    let wanted = wanted(job, counts);
    if counts.active > wanted {
        // Those that have got least far go first.
        let mut active: Vec<&JobPod> = pods.iter().filter(|pod| pod.active()).collect();
        active.sort_by_key(|pod| (pod.ready(), text(&pod.pod, "/status/phase") == "Running"));
        let surplus = usize::try_from(counts.active - wanted).unwrap_or(0);
        for pod in active.into_iter().take(surplus) {
            context.delete(&PODS, &pod.stored, Propagation::Background)?;
            context.tell(job, "SuccessfulDelete", &format!("Deleted pod: {}", pod.stored.name()));
            counts.active -= 1;
            counts.ready -= i64::from(pod.ready());
            counts.terminating += 1;
        }
        return Ok(());
    }
    let held_by_terminating = if only_failed(job) { counts.terminating } else { 0 };
    let missing = (wanted - counts.active - held_by_terminating).clamp(0, MOST);
    if missing == 0 || truth(job, "/spec/suspend") {
        return Ok(());
    }
    if let Some(until) =
        backoff_until(pods, counts, only_failed(job), context.speed).filter(|until| *until > context.now)
    {
        context.again_at(key, until);
        return Ok(());
    }
    let indexes = free_indexes(job, pods, missing);
    for turn in 0..missing {
        let index = if indexed(job) {
            let Some(index) = usize::try_from(turn).ok().and_then(|turn| indexes.get(turn)) else { break };
            Some(*index)
        } else {
            None
        };
        match context.create(&PODS, new_pod(job, index)) {
            Ok(pod) => {
                counts.active += 1;
                context.tell(job, "SuccessfulCreate", &format!("Created pod: {}", pod.name()));
            }
            Err(error) => {
                context.warn(job, "FailedCreate", &format!("Error creating: {error}"));
                // In a namespace that is being deleted nothing can be made any more.
                if error.code == 403 {
                    break;
                }
                return Err(error);
            }
        }
    }
    Ok(())
}

/// The lowest indexes without a pod and not completed.
fn free_indexes(job: &Value, pods: &[JobPod], most: i64) -> Vec<i64> {
    let completions = completions(job).unwrap_or_else(|| parallelism(job));
    let done = read_indexes(text(job, "/status/completedIndexes"), completions);
    let taken = |index: i64| {
        pods.iter().any(|pod| pod.index() == Some(index) && (pod.active() || pod.succeeded())) || done.contains(&index)
    };
    (0..completions).filter(|index| !taken(*index)).take(usize::try_from(most).unwrap_or(0)).collect()
}

/// The condition `Suspended`, and the start time, which counts from the last resumption.
fn note_suspension(context: &mut Context<'_>, job: &mut Value, suspended: bool) {
    let before = is_true(job, "Suspended");
    let known = condition(job, "Suspended").is_some();
    if suspended == before || (!suspended && !known) {
        return;
    }
    let (reason, message) = if suspended { ("JobSuspended", "Job suspended") } else { ("JobResumed", "Job resumed") };
    let mut conditions = super::super::json::list(job, "/status/conditions").to_vec();
    conditions.retain(|condition| text(condition, "/type") != "Suspended");
    set(job, "/status/conditions", conditions.into());
    let condition = super::outcome::new_condition("Suspended", suspended, reason, message, context.now);
    add_condition(job, condition);
    if suspended {
        set(job, "/status/startTime", Value::Null);
        context.tell(job, "Suspended", message);
    } else {
        set(job, "/status/startTime", seconds(context.now).into());
        context.tell(job, "Resumed", message);
    }
}
