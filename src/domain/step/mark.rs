//! What a hook carries so that it is known again.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::domain::hook::SyncPhase;
use crate::domain::manifest::Object;
use crate::domain::names;
use crate::domain::operation::OperationState;

/// The attempt of an operation that a hook was created for: `<startedAt>/<retryCount>`, in the annotation
/// `boathook.dev/operation`. The annotation `boathook.dev/phase` beside it tells the two objects of a hook apart that runs
/// in two phases under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark(String);

impl Mark {
    /// The mark of an operation's current attempt. Whole seconds, as Kubernetes keeps them.
    pub fn of(state: &OperationState) -> Self {
        let seconds = state.started_at.map_or(0, jiff::Timestamp::as_second);
        let started = jiff::Timestamp::from_second(seconds).unwrap_or_default();
        Self(format!("{started}/{}", state.retry_count))
    }

    /// Whether a live object was created for this attempt, as a hook of this phase.
    pub fn is_on(&self, object: &Object, phase: SyncPhase) -> bool {
        object.annotation(names::BOATHOOK_OPERATION) == Some(&self.0) && Self::phase_on(object) == Some(phase)
    }

    /// Whether a live object was created for any attempt of any operation, as a hook of this phase.
    pub(super) fn any_is_on(object: &Object, phase: SyncPhase) -> bool {
        object.annotation(names::BOATHOOK_OPERATION).is_some() && Self::phase_on(object) == Some(phase)
    }

    /// The phase that a live object was created for as a hook.
    pub(super) fn phase_on(object: &Object) -> Option<SyncPhase> {
        SyncPhase::from_name(object.annotation(names::BOATHOOK_PHASE)?)
    }

    /// The manifest of a hook with this mark on it.
    pub fn put_on(&self, target: &Arc<Object>, phase: SyncPhase) -> Arc<Object> {
        let mut object = Object::clone(target);
        let Some(metadata) = object.as_json_mut().get_mut("metadata").and_then(Value::as_object_mut) else {
            return Arc::clone(target);
        };
        if !metadata.get("annotations").is_some_and(Value::is_object) {
            metadata.insert("annotations".into(), Value::Object(Map::new()));
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.insert(names::BOATHOOK_OPERATION.into(), self.0.as_str().into());
            annotations.insert(names::BOATHOOK_PHASE.into(), phase.as_str().into());
        }
        Arc::new(object)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
