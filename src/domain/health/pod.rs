//! Pods.

use super::conditions::conditions;
use super::fields::Fields;
use super::types::{Health, HealthError, HealthStatus};
use crate::domain::hook;
use crate::domain::manifest::Object;
use crate::domain::names;

/// A Pod that runs for ever is judged by whether it is ready; one that ends by how it ends.
///
/// A Pod that ends is never degraded before it has ended, whatever its image or its containers are waiting for: Argo CD
/// would otherwise fail a hook that may run after all.
pub(super) fn pod(object: &Object) -> Result<Health, HealthError> {
    let fields = Fields::of(object);
    let policy = fields.text(&["spec", "restartPolicy"])?;
    let containers = fields.list(&["status", "containerStatuses"], "status.containerStatuses")?;
    let message = fields.text(&["status", "message"])?;
    let runs_for_ever = policy == "Always"
        || (object.annotation(names::IGNORE_RESTART_POLICY) == Some("true") && !hook::classify(object).is_hook());
    if runs_for_ever && let Some(stuck) = stuck(&containers)? {
        return Ok(Health::degraded(stuck));
    }
    Ok(match fields.text(&["status", "phase"])? {
        "Pending" => Health::progressing(message),
        "Succeeded" => Health::healthy(message),
        "Failed" if !message.is_empty() => Health::degraded(message),
        "Failed" => {
            let init = fields.list(&["status", "initContainerStatuses"], "status.initContainerStatuses")?;
            Health::degraded(failure(init.iter().chain(&containers))?)
        }
        "Running" if runs_for_ever => {
            let ready = conditions(&fields)?.iter().any(|condition| condition.kind == "Ready" && condition.is_true());
            let mut restarted = false;
            for container in &containers {
                restarted |= container.has_object(&["lastState", "terminated"])?;
            }
            match (ready, restarted) {
                (true, _) => Health::healthy(message),
                (false, true) => Health::degraded(message),
                (false, false) => Health::progressing(message),
            }
        }
        "Running" if ["OnFailure", "Never"].contains(&policy) => Health::progressing(message),
        _ => Health::new(HealthStatus::Unknown, message),
    })
}

/// The messages of the containers that wait because of an error; `None` if there are none.
fn stuck(containers: &[Fields<'_>]) -> Result<Option<String>, HealthError> {
    let mut messages = Vec::new();
    for container in containers {
        let reason = container.text(&["state", "waiting", "reason"])?;
        if reason.starts_with("Err") || reason.ends_with("Error") || reason.ends_with("BackOff") {
            messages.push(container.text(&["state", "waiting", "message"])?);
        }
    }
    Ok(if messages.is_empty() { None } else { Some(messages.join(", ")) })
}

/// What the first container that has something to say about its end says.
fn failure<'a>(containers: impl Iterator<Item = &'a Fields<'a>>) -> Result<String, HealthError> {
    for container in containers {
        let message = container.text(&["state", "terminated", "message"])?;
        if !message.is_empty() {
            return Ok(message.to_owned());
        }
        if container.text(&["state", "terminated", "reason"])? == "OOMKilled" {
            return Ok("OOMKilled".to_owned());
        }
        let code = container.integer(&["state", "terminated", "exitCode"])?;
        if code != 0 {
            let name = container.text(&["name"])?;
            return Ok(format!("container {name:?} failed with exit code {code}"));
        }
    }
    Ok(String::new())
}
