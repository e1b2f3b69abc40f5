//! What the health of an object means for the task that applied it.

use serde_json::Value;

use super::check::health;
use super::types::HealthStatus;
use crate::domain::manifest::Object;
use crate::domain::operation::HookPhase;

/// How far a task is, by its live object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskHealth {
    /// The state of the task.
    pub phase: HookPhase,
    /// The message to record; where it is empty, the one recorded before stays.
    pub message: String,
}

/// How far a hook is. A kind without a check is done as soon as it is there; a hook that is suspended waits for ever; one
/// that cannot be judged has failed.
///
/// A Job that was suspended and goes on is running, although Argo CD takes it for healthy.
pub fn hook_task(object: &Object) -> TaskHealth {
    let (phase, message) = match health(object) {
        Err(error) => (HookPhase::Error, format!("failed to get resource health: {error}")),
        Ok(None) => (HookPhase::Succeeded, created(object)),
        Ok(Some(health)) => match health.status {
            HealthStatus::Healthy if is_resumed_job(object) => (HookPhase::Running, health.message),
            HealthStatus::Healthy => (HookPhase::Succeeded, health.message),
            HealthStatus::Progressing | HealthStatus::Suspended => (HookPhase::Running, health.message),
            HealthStatus::Degraded | HealthStatus::Unknown => (HookPhase::Failed, health.message),
            HealthStatus::Missing => (HookPhase::Succeeded, created(object)),
        },
    };
    TaskHealth { phase, message }
}

/// How far the task of an ordinary resource is, if somebody waits for it. Only a degraded one has failed: all others wait
/// without limit, also one that cannot be judged.
pub fn resource_task(object: &Object) -> TaskHealth {
    let (phase, message) = match health(object) {
        Ok(None) => (HookPhase::Succeeded, String::new()),
        Ok(Some(health)) if health.status == HealthStatus::Healthy => (HookPhase::Succeeded, health.message),
        Ok(Some(health)) if health.status == HealthStatus::Degraded => (HookPhase::Failed, health.message),
        // Argo CD records neither the words nor the error while it waits.
        Ok(Some(_)) | Err(_) => (HookPhase::Running, String::new()),
    };
    TaskHealth { phase, message }
}

/// Whether an object is a Job that was suspended and has not ended since: it has the condition `Suspended`, and none for
/// its end.
fn is_resumed_job(object: &Object) -> bool {
    let conditions = || object.at(&["status", "conditions"]).and_then(Value::as_array).into_iter().flatten();
    let has = |kind: &str| conditions().any(|condition| condition.get("type").and_then(Value::as_str) == Some(kind));
    object.group() == "batch" && object.kind() == "Job" && has("Suspended") && !has("Complete")
}

fn created(object: &Object) -> String {
    format!("{} created", object.name())
}
