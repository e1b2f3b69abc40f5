//! Kubernetes Events: what controllers and nodes told about an object and the object itself does not, such as a Job that
//! may create no pod because of a quota, or a volume that cannot be mounted.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use crate::domain::manifest::Object;

/// Objects about which Events are remembered.
const MAX_OBJECTS: usize = 1_000;
/// Reasons remembered of each of them.
const MAX_REASONS: usize = 16;

/// The last Event of each reason about each object, by the object's UID.
#[derive(Debug, Clone, Default)]
pub(super) struct Told(HashMap<String, BTreeMap<String, Arc<Object>>>);

impl Told {
    /// Takes in an Event; `false` if it is not news.
    pub(crate) fn observe(&mut self, event: &Arc<Object>) -> bool {
        let about = text(event, &["involvedObject", "uid"]);
        let reason = text(event, &["reason"]);
        if about.is_empty() || (self.0.len() >= MAX_OBJECTS && !self.0.contains_key(about)) {
            return false;
        }
        let reasons = self.0.entry(about.to_owned()).or_default();
        let is_news = match reasons.get(reason) {
            Some(known) => version(event).is_none() || version(event) > version(known),
            None => reasons.len() < MAX_REASONS,
        };
        if is_news {
            reasons.insert(reason.to_owned(), Arc::clone(event));
        }
        is_news
    }

    /// The Events about an object.
    pub(crate) fn about(&self, uid: &str) -> impl Iterator<Item = &Object> {
        self.0.get(uid).into_iter().flat_map(BTreeMap::values).map(Arc::as_ref)
    }
}

fn text<'a>(event: &'a Object, path: &[&str]) -> &'a str {
    event.at(path).and_then(Value::as_str).unwrap_or_default()
}

fn version(event: &Object) -> Option<u64> {
    text(event, &["metadata", "resourceVersion"]).parse().ok()
}
