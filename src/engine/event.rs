//! Kubernetes Events on an Application, with Argo CD's reasons. They are for people: nothing depends on them, and one
//! that cannot be written is only logged.

use serde_json::json;

use super::shared::Shared;
use crate::cluster::{Kind, WriteOptions};
use crate::domain::manifest::Object;

/// Whether something went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Nothing did.
    Normal,
    /// Something did.
    Warning,
}

/// Writes an Event. The name is Argo CD's: the application's and a hexadecimal time.
pub(crate) async fn tell(shared: &Shared, about: &Object, severity: Severity, reason: &str, message: &str) {
    let now = shared.clock.now();
    let seconds = format!("{now:.0}");
    let message: String = message.chars().take(1024).collect();
    let event = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": format!("{}.{:x}", about.name(), now.as_nanosecond()),
            "namespace": about.namespace(),
        },
        "involvedObject": {
            "apiVersion": about.api_version(),
            "kind": about.kind(),
            "namespace": about.namespace(),
            "name": about.name(),
            "uid": about.uid(),
        },
        "type": match severity {
            Severity::Normal => "Normal",
            Severity::Warning => "Warning",
        },
        "reason": reason,
        "message": message,
        "source": { "component": "boathook-engine" },
        "firstTimestamp": seconds,
        "lastTimestamp": seconds,
        "count": 1,
    });
    let Ok(event) = Object::from_json(event) else { return };
    let kind = Kind::known("", "v1", "Event", "events", true);
    if let Err(error) = shared.cluster.create(&kind, &event, &WriteOptions::default()).await {
        tracing::debug!(%error, "an Event was not written");
    }
}
