//! Jobs.

use super::conditions::conditions;
use super::fields::Fields;
use super::types::{Health, HealthError};
use crate::domain::manifest::Object;

/// A Job is judged by which conditions it has; whether they are true is asked of `Suspended` alone.
///
/// A Job that was suspended and goes on has `Suspended` with status `False`: Argo CD takes it for done, and so does this.
pub(super) fn job(object: &Object) -> Result<Health, HealthError> {
    let conditions = conditions(&Fields::of(object))?;
    let last = |kind: &str| conditions.iter().rfind(|condition| condition.kind == kind);
    if let Some(failed) = last("Failed") {
        return Ok(Health::degraded(failed.message));
    }
    // The message is that of the last one of the two, whichever decides.
    let settled = conditions.iter().rfind(|condition| ["Complete", "Suspended"].contains(&condition.kind));
    let message = settled.map(|condition| condition.message).unwrap_or_default();
    Ok(if conditions.iter().any(|condition| condition.kind == "Suspended" && condition.is_true()) {
        Health::suspended(message)
    } else if settled.is_some() {
        Health::healthy(message)
    } else {
        Health::progressing("")
    })
}
