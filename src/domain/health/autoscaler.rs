//! Autoscalers.

use serde_json::Value;

use super::conditions::conditions;
use super::fields::Fields;
use super::types::{Health, HealthError};
use crate::domain::manifest::Object;

/// Where version 1 of the API keeps the conditions, as JSON.
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";

/// Type and reason of conditions that an autoscaler does not get out of by itself.
const DEGRADED: [(&str, &str); 8] = [
    ("AbleToScale", "FailedGetScale"),
    ("AbleToScale", "FailedUpdateScale"),
    ("ScalingActive", "FailedGetResourceMetric"),
    ("ScalingActive", "FailedGetObjectMetric"),
    ("ScalingActive", "FailedGetPodsMetric"),
    ("ScalingActive", "FailedGetExternalMetric"),
    ("ScalingActive", "FailedComputeMetricsReplicas"),
    ("ScalingActive", "InvalidSelector"),
];

/// A HorizontalPodAutoscaler is judged by its conditions.
pub(super) fn autoscaler(object: &Object) -> Result<Health, HealthError> {
    if object.version() == "v1" {
        let Some(annotation) = object.annotation(CONDITIONS) else { return Ok(waiting()) };
        return judge_annotation(object.kind(), annotation);
    }
    let conditions = conditions(&Fields::of(object))?;
    let conditions: Vec<_> = conditions
        .iter()
        .map(|condition| (condition.kind, condition.reason, condition.status, condition.message))
        .collect();
    Ok(judge(&conditions))
}

fn judge_annotation(kind: &str, annotation: &str) -> Result<Health, HealthError> {
    let wrong = |what: &str| HealthError::Annotation(what.to_owned());
    let parsed: Value = serde_json::from_str(annotation).map_err(|error| wrong(&error.to_string()))?;
    let entries = match &parsed {
        Value::Null => return Ok(waiting()),
        Value::Array(entries) => entries,
        _ => return Err(wrong(&format!("the conditions of {kind} are not a list"))),
    };
    let mut conditions = Vec::new();
    for entry in entries {
        let text = |field: &str| match entry.get(field) {
            None | Some(Value::Null) => Ok(""),
            Some(Value::String(text)) => Ok(text.as_str()),
            Some(_) => Err(wrong(&format!("{field} is not a string"))),
        };
        if !entry.is_object() && !entry.is_null() {
            return Err(wrong("a condition is not an object"));
        }
        conditions.push((text("type")?, text("reason")?, text("status")?, text("message")?));
    }
    Ok(judge(&conditions))
}

/// From conditions as (type, reason, status, message).
fn judge(conditions: &[(&str, &str, &str, &str)]) -> Health {
    if let Some((.., message)) = conditions.iter().find(|(kind, reason, ..)| DEGRADED.contains(&(*kind, *reason))) {
        return Health::degraded(*message);
    }
    let works = conditions
        .iter()
        .find(|(kind, _, status, _)| ["AbleToScale", "ScalingLimited"].contains(kind) && *status == "True");
    works.map_or_else(waiting, |(.., message)| Health::healthy(*message))
}

fn waiting() -> Health {
    Health::progressing("Waiting to Autoscale")
}
