//! What the conditions of an object suggest where Argo CD has no check for its kind.

use serde_json::Value;

use super::check::has_check;
use crate::domain::manifest::Object;

/// What an object says about itself. Argo CD does not look at it: such an object counts as done as soon as it is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Whether it says that it is ready; `None` if it says that it does not know yet.
    pub ready: Option<bool>,
    /// The condition that says so: `Ready`, or else `Available`.
    pub condition: String,
    /// Its reason, often empty. From the cluster, as it came.
    pub reason: String,
    /// Its words, often empty. From the cluster, as they came.
    pub message: String,
}

/// The hint of an object of a kind without a check; `None` for kinds with one, and where there is no such condition.
pub fn hint(object: &Object) -> Option<Hint> {
    if has_check(object.group(), object.kind()) {
        return None;
    }
    let conditions = object.at(&["status", "conditions"])?.as_array()?;
    let text =
        |condition: &Value, field: &str| condition.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let found = |kind: &str| conditions.iter().find(|condition| text(condition, "type") == kind);
    let condition = found("Ready").or_else(|| found("Available"))?;
    let ready = match text(condition, "status").as_str() {
        "True" => Some(true),
        "False" => Some(false),
        _ => None,
    };
    Some(Hint {
        ready,
        condition: text(condition, "type"),
        reason: text(condition, "reason"),
        message: text(condition, "message"),
    })
}
