//! API services: parts of the Kubernetes API that somebody else serves.

use super::conditions::conditions;
use super::fields::Fields;
use super::types::{Health, HealthError};
use crate::domain::manifest::Object;

/// An `APIService` is healthy when it is `Available`.
pub(super) fn api_service(object: &Object) -> Result<Health, HealthError> {
    let available = conditions(&Fields::of(object))?.into_iter().find(|condition| condition.kind == "Available");
    Ok(match available {
        Some(condition) if condition.is_true() => {
            Health::healthy(format!("{}: {}", condition.reason, condition.message))
        }
        Some(condition) => Health::progressing(format!("{}: {}", condition.reason, condition.message)),
        None => Health::progressing("Waiting to be processed"),
    })
}
