//! Argo Workflows.

use serde_json::Value;

use super::types::{Health, HealthError, HealthStatus};
use crate::domain::manifest::Object;

/// A Workflow says itself how it is. What is no string counts as empty.
#[expect(clippy::unnecessary_wraps, reason = "all checks have one type")]
pub(super) fn workflow(object: &Object) -> Result<Health, HealthError> {
    let text = |field| object.at(&["status", field]).and_then(Value::as_str).unwrap_or_default();
    let status = match text("phase") {
        "" | "Pending" | "Running" => HealthStatus::Progressing,
        "Succeeded" => HealthStatus::Healthy,
        "Failed" | "Error" => HealthStatus::Degraded,
        _ => HealthStatus::Unknown,
    };
    Ok(Health::new(status, text("message")))
}
