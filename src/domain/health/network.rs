//! Services and Ingresses.

use serde_json::Value;

use super::fields::Fields;
use super::types::{Health, HealthError};
use crate::domain::manifest::Object;

/// A Service is healthy at once, but for a load balancer, which first needs an address.
pub(super) fn service(object: &Object) -> Result<Health, HealthError> {
    let fields = Fields::of(object);
    let addresses = fields.list(&["status", "loadBalancer", "ingress"], "status.loadBalancer.ingress")?;
    let waits = fields.text(&["spec", "type"])? == "LoadBalancer" && addresses.is_empty();
    Ok(if waits { Health::progressing("") } else { Health::healthy("") })
}

/// An Ingress is healthy when it has an address. Nothing else is looked at, nor minded.
#[expect(clippy::unnecessary_wraps, reason = "all checks have one type")]
pub(super) fn ingress(object: &Object) -> Result<Health, HealthError> {
    let addresses = object.at(&["status", "loadBalancer", "ingress"]).and_then(Value::as_array);
    let waits = addresses.is_none_or(Vec::is_empty);
    Ok(if waits { Health::progressing("") } else { Health::healthy("") })
}
