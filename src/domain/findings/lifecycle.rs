//! From the creation of a hook to its deletion: does it end, is it noticed, does it run the next time?

use serde_json::Value;

use super::code::Code;
use super::facts::Subject;
use super::finding::Finding;
use super::kinds::{self, is};
use crate::domain::hook::{Classification, DeletePhase, DeletePolicy, Hook};
use crate::domain::names;
use crate::domain::sync_options::SyncOptions;

/// More attempts than this take minutes: the waits between them are 10, 20, 40, ... seconds.
const FEW_RETRIES: i64 = 3;
/// What Kubernetes takes if a Job does not say.
const DEFAULT_BACKOFF_LIMIT: i64 = 6;

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    match &subject.class {
        Classification::Resource => ordinary(subject, findings),
        Classification::Hook(hook) => {
            what_it_is(subject, findings);
            deletion(subject, hook, findings);
            if kinds::runs_once(subject.object) {
                ending(subject, findings);
                next_time(subject, hook, findings);
            }
        }
        Classification::Skipped | Classification::Dropped(_) => {}
    }
    if is(subject.object, "batch", "Job") && !matches!(subject.class, Classification::Dropped(_)) {
        restart_policy(subject, findings);
    }
}

fn ordinary(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    if !is(subject.object, "batch", "Job") {
        return;
    }
    let options = SyncOptions::of_object(subject.object);
    if !options.has("Replace=true") && !options.has("Force=true") {
        let message = "an ordinary Job runs once, and changing it fails the sync (field is immutable)";
        findings.push(Finding::new(Code::JobWithoutHook, subject.index, message));
    }
    if let Some(ttl) = subject.object.at(&["spec", "ttlSecondsAfterFinished"]).and_then(Value::as_i64) {
        let message = format!("{ttl} s after its end the Job is gone and the application out of sync");
        findings.push(Finding::new(Code::JobExpires, subject.index, message));
    }
}

/// Kinds that make poor hooks.
fn what_it_is(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let object = subject.object;
    let mut found = |code: Code, message: String| findings.push(Finding::new(code, subject.index, message));
    let kind = object.kind();
    if kinds::holds_data(object) {
        found(Code::HookDestroysData, format!("each sync deletes the {kind} with everything in it"));
    } else if kinds::runs_on(object) {
        found(Code::HookLongRunning, format!("a {kind} does not end; it is deleted and created again by each sync"));
    } else if is(object, "batch", "CronJob") {
        found(Code::HookOnSchedule, "a CronJob does nothing in the sync; it runs on its schedule".to_owned());
    } else if ["ConfigMap", "Secret", "ServiceAccount", "Service"].contains(&kind) && object.group().is_empty() {
        found(Code::HookRecreated, format!("the {kind} is deleted and created again by each sync, and never pruned"));
    }
    let has_owner =
        object.at(&["metadata", "ownerReferences"]).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if has_owner {
        found(Code::HookOwned, "a hook with ownerReferences is waited for without end".to_owned());
    }
    let finalizers: Vec<&str> = object.finalizers().filter(|name| *name != names::HOOK_FINALIZER).collect();
    if let Some(first) = finalizers.first() {
        found(Code::HookFinalizer, format!("the finalizer {first} can hold up the deletion of the hook, and the sync"));
    }
}

fn deletion(subject: &Subject<'_>, hook: &Hook, findings: &mut Vec<Finding>) {
    let removes = subject.has_policy(DeletePolicy::HookSucceeded);
    if hook.runs_at(DeletePhase::PostDelete) && !removes && !subject.has_generated_name() {
        let message = "nothing deletes the PostDelete hook: it stays in the cluster";
        findings.push(Finding::new(Code::DeleteHookStays, subject.index, message));
    }
    if subject.has_policy(DeletePolicy::HookFailed) && kinds::runs_once(subject.object) {
        let message = "HookFailed deletes the hook and its log when the sync has failed";
        findings.push(Finding::new(Code::LogLost, subject.index, message));
    }
}

/// Whether, and when, it ends.
fn ending(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let object = subject.object;
    let mut found = |code: Code, message: String| findings.push(Finding::new(code, subject.index, message));
    if object.at(&["spec", "suspend"]).and_then(Value::as_bool) == Some(true) {
        found(Code::HookSuspended, "the hook is suspended: the sync waits for it without end".to_owned());
    }
    let number = |path: &[&str]| object.at(path).and_then(Value::as_i64);
    if number(&["spec", "activeDeadlineSeconds"]).is_none() {
        let message = if number(&["spec", "template", "spec", "activeDeadlineSeconds"]).is_some() {
            "the deadline is in the pod template: it holds for each attempt, and not before a pod has started"
        } else {
            "no activeDeadlineSeconds: if it hangs, the sync hangs"
        };
        found(Code::HookNoDeadline, message.to_owned());
    }
    if is(object, "", "Pod")
        && matches!(object.at(&["spec", "restartPolicy"]).and_then(Value::as_str), None | Some("Always"))
    {
        found(Code::PodHookRestarts, "restartPolicy is Always: the Pod restarts when it is done".to_owned());
    }
    if is(object, "batch", "Job") {
        let limit = number(&["spec", "backoffLimit"]);
        if limit.unwrap_or(DEFAULT_BACKOFF_LIMIT) > FEW_RETRIES {
            let message = match limit {
                Some(limit) => {
                    format!("backoffLimit {limit}: it fails only after {} attempts", limit.saturating_add(1))
                }
                None => "no backoffLimit: it fails only after 7 attempts, in ten minutes and more".to_owned(),
            };
            found(Code::HookManyRetries, message);
        }
        if restart_policy_of(subject) == Some("OnFailure") {
            found(
                Code::HookRestartsInPlace,
                "restartPolicy OnFailure: when the Job fails its pod is deleted, with the log".to_owned(),
            );
        }
    }
}

fn restart_policy_of<'a>(subject: &Subject<'a>) -> Option<&'a str> {
    subject.object.at(&["spec", "template", "spec", "restartPolicy"])?.as_str()
}

fn restart_policy(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let message = match restart_policy_of(subject) {
        Some("Never" | "OnFailure") => return,
        Some(other) => format!("restartPolicy {other} is refused for a Job"),
        None => "restartPolicy is missing: its default, Always, is refused for a Job".to_owned(),
    };
    findings.push(Finding::new(Code::RestartPolicyInvalid, subject.index, message));
}

/// Whether the next sync, retry or phase runs it again.
fn next_time(subject: &Subject<'_>, hook: &Hook, findings: &mut Vec<Finding>) {
    if hook.sync.is_empty() {
        return;
    }
    let mut found = |code: Code, message: String| findings.push(Finding::new(code, subject.index, message));
    let before = subject.has_policy(DeletePolicy::BeforeHookCreation);
    let after_success = subject.has_policy(DeletePolicy::HookSucceeded);
    let after_failure = subject.has_policy(DeletePolicy::HookFailed);
    if subject.has_generated_name() {
        let expires = ["ttlSecondsAfterFinished", "ttlStrategy"]
            .iter()
            .any(|field| subject.object.at(&["spec", field]).is_some());
        if !after_success && !expires {
            found(Code::HookPilesUp, "each sync creates one more of them, and nothing deletes them".to_owned());
        }
        if after_success && !before && !after_failure {
            let message = "a retry finds the failed hook under the same generated name, and fails at once";
            found(Code::HookSticksAfterFailure, message.to_owned());
        }
        return;
    }
    if before {
        return;
    }
    if !after_failure {
        let message = "HookSucceeded alone: after a failure the next sync finds the failed hook, and fails at once";
        found(Code::HookSticksAfterFailure, message.to_owned());
    }
    if !after_success {
        let message = "HookFailed alone: after a success the next sync finds the hook done, and does not run it";
        found(Code::HookSkippedAfterSuccess, message.to_owned());
    } else if let [first, second, ..] = &hook.sync[..] {
        let message =
            format!("in {} it is found done from {} under the same name, and does not run", second.phase, first.phase);
        found(Code::HookSkippedAfterSuccess, message);
    }
}
