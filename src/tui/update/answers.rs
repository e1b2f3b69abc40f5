//! Answers to what was asked for.

use std::sync::Arc;

use super::pages;
use crate::domain::application::AppKey;
use crate::domain::health::health;
use crate::domain::live::OperationRecord;
use crate::domain::manifest::{Object, ObjectKey, without_secrets};
use crate::tui::model::{Model, SeenObject};

/// The operations that are kept.
pub(super) fn history(model: &mut Model, key: &AppKey, answer: Result<Vec<Arc<OperationRecord>>, String>) {
    if let Some(details) = model.details.get_mut(key) {
        details.set_history(answer);
    }
}

/// An object as it lives.
pub(super) fn object(model: &mut Model, key: &AppKey, object: ObjectKey, answer: Result<Option<Box<Object>>, String>) {
    let now = model.now;
    let Some(details) = model.details.get_mut(key) else { return };
    let health = answer.as_ref().ok().and_then(Option::as_ref).and_then(|object| health(object).ok().flatten());
    // Whoever read it: values of Secrets come no further than here.
    let answer = answer.map(|object| object.map(|object| Arc::new(without_secrets(*object))));
    details.objects.insert(object, SeenObject { at: Some(now), answer, health });
    pages::refresh(model, Some(key));
}
