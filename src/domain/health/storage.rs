//! Claims of volumes.

use super::fields::Fields;
use super::types::{Health, HealthError, HealthStatus};
use crate::domain::manifest::Object;

/// A PersistentVolumeClaim is healthy when it is bound. One whose volume is bound by its first consumer only waits until
/// a Pod uses it.
pub(super) fn claim(object: &Object) -> Result<Health, HealthError> {
    let status = match Fields::of(object).text(&["status", "phase"])? {
        "Bound" => HealthStatus::Healthy,
        "Pending" => HealthStatus::Progressing,
        "Lost" => HealthStatus::Degraded,
        _ => HealthStatus::Unknown,
    };
    Ok(Health::new(status, ""))
}
