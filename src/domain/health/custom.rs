//! Kinds that Argo CD judges by scripts. Of its some 240 these are the ones met most; the conditions they look at and
//! the words they use are the scripts'.

use serde_json::Value;

use super::check::Check;
use super::conditions::{Condition, conditions};
use super::fields::Fields;
use super::types::{Health, HealthError, HealthStatus};
use crate::domain::manifest::Object;

/// Kinds with one condition that decides, its type, and the words while it is not there.
const ONE_CONDITION: [(&str, &str, &str, &str); 8] = [
    ("cert-manager.io", "Certificate", "Ready", "Waiting for certificate"),
    ("cert-manager.io", "Issuer", "Ready", "Initializing issuer"),
    ("cert-manager.io", "ClusterIssuer", "Ready", "Initializing ClusterIssuer"),
    ("external-secrets.io", "ExternalSecret", "Ready", "Waiting for ExternalSecret"),
    ("external-secrets.io", "SecretStore", "Ready", "Waiting for SecretStore"),
    ("external-secrets.io", "ClusterSecretStore", "Ready", "Waiting for ClusterSecretStore"),
    ("external-secrets.io", "PushSecret", "Ready", "Waiting for PushSecret"),
    ("bitnami.com", "SealedSecret", "Synced", "Waiting for Sealed Secret to be decrypted"),
];

/// The check of a kind that has no built-in one.
pub(super) fn check(group: &str, kind: &str) -> Option<Check> {
    match (group, kind) {
        ("apiextensions.k8s.io", "CustomResourceDefinition") => Some(definition),
        ("batch", "CronJob") => Some(cron_job),
        ("policy", "PodDisruptionBudget") => Some(disruption_budget),
        ("argoproj.io", "Rollout") => Some(rollout),
        ("argoproj.io", "CronWorkflow") => Some(cron_workflow),
        ("argoproj.io", "AnalysisRun") => Some(analysis_run),
        _ => ONE_CONDITION.iter().any(|(g, k, ..)| (*g, *k) == (group, kind)).then_some(one_condition),
    }
}

fn one_condition(object: &Object) -> Result<Health, HealthError> {
    let rule = ONE_CONDITION.iter().find(|(group, kind, ..)| (*group, *kind) == (object.group(), object.kind()));
    let Some((_, kind, decisive, waiting)) = rule else { return Ok(Health::progressing("")) };
    let conditions = conditions(&Fields::of(object))?;
    let issuing = conditions.iter().find(|condition| condition.kind == "Issuing" && condition.is_true());
    if let Some(issuing) = issuing.filter(|_| *kind == "Certificate") {
        return Ok(Health::progressing(issuing.message));
    }
    let decided = conditions
        .iter()
        .find(|condition| condition.kind == *decisive && ["True", "False"].contains(&condition.status));
    Ok(match decided {
        Some(condition) if condition.is_true() => Health::healthy(condition.message),
        Some(condition) => Health::degraded(condition.message),
        None => Health::progressing(*waiting),
    })
}

/// A CustomResourceDefinition is healthy when it is established.
fn definition(object: &Object) -> Result<Health, HealthError> {
    if object.is_deleting() {
        return Ok(Health::progressing("CRD is terminating"));
    }
    let conditions = conditions(&Fields::of(object))?;
    if conditions.is_empty() {
        return Ok(Health::progressing("Status conditions not found"));
    }
    let mut established = false;
    for Condition { kind, status, reason, message } in conditions {
        match (kind, status) {
            ("Terminating", "True") => return Ok(Health::progressing(format!("CRD is terminating: {message}"))),
            ("NamesAccepted", "False") => {
                return Ok(Health::degraded(format!("CRD names have not been accepted: {message}")));
            }
            ("NonStructuralSchema", "True") => {
                return Ok(Health::degraded(format!("Schema violations found: {message}")));
            }
            ("Established", "True") => established = true,
            ("Established", _) if reason == "Installing" => {
                return Ok(Health::progressing("CRD is being installed"));
            }
            _ => {}
        }
    }
    Ok(if established { Health::healthy("CRD is healthy") } else { Health::degraded("CRD is not established") })
}

/// A CronJob is never `Suspended`, and `Degraded` only if its last run is known to have failed.
fn cron_job(object: &Object) -> Result<Health, HealthError> {
    let fields = Fields::of(object);
    if fields.boolean(&["spec", "suspend"])? {
        return Ok(Health::healthy("CronJob is Suspended"));
    }
    if !fields.has_object(&["status"])? {
        return Ok(Health::progressing("Waiting for CronJob"));
    }
    let scheduled = fields.text(&["status", "lastScheduleTime"])?;
    let succeeded = fields.text(&["status", "lastSuccessfulTime"])?;
    let active = fields.list(&["status", "active"], "status.active")?;
    Ok(if scheduled.is_empty() {
        Health::healthy("CronJob has not been scheduled yet")
    } else if succeeded.is_empty() {
        Health::healthy("The CronJob never completed successfully. It may not be healthy")
    } else if !active.is_empty() {
        Health::healthy("The job is running. Its last execution may not have been successful")
    // Kubernetes writes all times alike, so that their texts are in the order of the times.
    } else if succeeded < scheduled {
        Health::degraded("CronJob has not completed its last execution successfully")
    } else {
        Health::healthy("CronJob has completed its last execution successfully")
    })
}

/// A PodDisruptionBudget with too few pods is healthy: that is what it is for.
fn disruption_budget(object: &Object) -> Result<Health, HealthError> {
    let conditions = conditions(&Fields::of(object))?;
    let bad = conditions.iter().find(|condition| condition.status == "False" && condition.reason != "InsufficientPods");
    Ok(match (bad, conditions.last()) {
        (Some(bad), _) => Health::degraded(format!("PodDisruptionBudget has {}", bad.reason)),
        (None, Some(last)) => Health::healthy(format!("PodDisruptionBudget has {}", last.reason)),
        (None, None) => Health::progressing("Waiting for status"),
    })
}

/// A Rollout (from version 1.0 on) says itself how it is; a paused one is `Suspended`.
fn rollout(object: &Object) -> Result<Health, HealthError> {
    let fields = Fields::of(object);
    // Its controller writes the generation as a string.
    let number = |value: Option<&Value>| match value {
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_i64(),
        None => None,
    };
    let generation = fields.integer(&["metadata", "generation"])?;
    let observed = number(object.at(&["status", "observedGeneration"]));
    let seen = fields.has_object(&["status"])? && observed.is_none_or(|observed| observed >= generation);
    let has_workload = fields.has_object(&["spec", "workloadRef"])?
        && object.at(&["metadata", "annotations"]).is_some_and(Value::is_object);
    let workload_seen = !has_workload
        || number(object.at(&["metadata", "annotations", "rollout.argoproj.io/workload-generation"]))
            == number(object.at(&["status", "workloadObservedGeneration"]));
    if !seen || !workload_seen {
        return Ok(Health::progressing("Waiting for rollout spec update to be observed"));
    }
    let message = fields.text(&["status", "message"])?;
    Ok(match fields.text(&["status", "phase"])? {
        "" => Health::progressing("Waiting for rollout to finish: status has not been reconciled."),
        "Paused" => Health::suspended(message),
        phase => match HealthStatus::from_name(phase) {
            Some(status) => Health::new(status, message),
            None => Health::new(HealthStatus::Unknown, "Lua returned an invalid health status"),
        },
    })
}

fn cron_workflow(object: &Object) -> Result<Health, HealthError> {
    for condition in conditions(&Fields::of(object))?.iter().filter(|condition| condition.is_true()) {
        match condition.kind {
            "SpecError" | "SubmissionError" => return Ok(Health::degraded(condition.message)),
            "Completed" => return Ok(Health::healthy(condition.message)),
            _ => {}
        }
    }
    Ok(Health::healthy("CronWorkflow is healthy."))
}

fn analysis_run(object: &Object) -> Result<Health, HealthError> {
    let fields = Fields::of(object);
    let message = fields.text(&["status", "message"])?;
    let or = |default: &str| if message.is_empty() { default.to_owned() } else { message.to_owned() };
    Ok(match fields.text(&["status", "phase"])? {
        "Pending" | "Running" => Health::progressing("Analysis run is running"),
        "Successful" => Health::healthy(or("Analysis run completed successfully")),
        "Failed" => Health::degraded(or("Analysis run failed")),
        "Error" => Health::degraded(or("Analysis run had an error")),
        "Inconclusive" => Health::new(HealthStatus::Unknown, or("Analysis run was inconclusive")),
        _ => Health::progressing("Waiting for analysis run to finish: status has not been reconciled."),
    })
}
