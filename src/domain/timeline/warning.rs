//! Kubernetes Events of type Warning: what the objects themselves do not say, such as a Job that may create no pod
//! because of a quota, or a volume that cannot be mounted.

use std::collections::HashMap;

use serde_json::Value;

use crate::domain::manifest::Object;

/// Objects of which a warning is remembered.
const MAX_WARNINGS: usize = 1_000;
/// Bytes kept of a reason and of a message.
const MAX_BYTES: usize = 1_024;

/// The last warning about each object, by its UID.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Warnings(HashMap<String, Warning>);

/// A warning about an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Warning {
    /// When it was last given, then its text: a total order, so that it does not matter which came first.
    time: String,
    reason: String,
    message: String,
}

impl Warnings {
    /// Takes in an Event object; `false` if it is not the last warning about its object.
    pub(crate) fn observe(&mut self, event: &Object) -> bool {
        let text = |path: &[&str]| event.at(path).and_then(Value::as_str).unwrap_or_default();
        if text(&["type"]) != "Warning" {
            return false;
        }
        // The two APIs of Events name the same things differently.
        let first = |paths: [&[&str]; 2]| paths.map(text).into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        let uid = first([&["involvedObject", "uid"], &["regarding", "uid"]]);
        if uid.is_empty() || (self.0.len() >= MAX_WARNINGS && !self.0.contains_key(uid)) {
            return false;
        }
        let times =
            [&["series", "lastObservedTime"][..], &["lastTimestamp"], &["deprecatedLastTimestamp"], &["eventTime"]];
        let time = times.into_iter().map(text).find(|time| !time.is_empty()).unwrap_or_default();
        let bounded = |text: &str| text.chars().take(MAX_BYTES).collect::<String>();
        let warning = Warning {
            time: bounded(time),
            reason: bounded(text(&["reason"])),
            message: bounded(first([&["message"], &["note"]])),
        };
        match self.0.get_mut(uid) {
            Some(known) if *known >= warning => false,
            Some(known) => {
                *known = warning;
                true
            }
            None => {
                self.0.insert(uid.to_owned(), warning);
                true
            }
        }
    }

    /// The last warning about an object, in one line.
    pub(crate) fn about(&self, uid: &str) -> Option<String> {
        let warning = self.0.get(uid)?;
        Some(format!("{}: {}", warning.reason, warning.message))
    }
}
