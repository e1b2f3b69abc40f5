//! Events: what controllers and nodes said about an object lately.

use super::gather::Evidence;
use super::read::{text, time};
use super::reason::{Reason, ReasonKind};
use crate::domain::manifest::Object;

/// The latest event about the object or its children whose reason is wanted.
pub(super) fn latest<'a>(evidence: &Evidence<'a>, wanted: impl Fn(&str) -> bool) -> Option<&'a Object> {
    let concerned = |event: &Object| {
        std::iter::once(evidence.object).chain(evidence.children.iter().copied()).any(|object| is_about(event, object))
    };
    newest(evidence, |event| wanted(text(event, &["reason"])) && concerned(event))
}

/// The latest event about one pod whose reason is wanted.
pub(super) fn about<'a>(evidence: &Evidence<'a>, pod: &Object, wanted: impl Fn(&str) -> bool) -> Option<&'a Object> {
    newest(evidence, |event| wanted(text(event, &["reason"])) && is_about(event, pod))
}

fn newest<'a>(evidence: &Evidence<'a>, wanted: impl Fn(&Object) -> bool) -> Option<&'a Object> {
    evidence.events.iter().copied().filter(|event| wanted(event)).max_by_key(|event| last_seen(event))
}

/// When an event was last seen.
pub(super) fn last_seen(event: &Object) -> Option<jiff::Timestamp> {
    let places: [&[&str]; 5] = [
        &["series", "lastObservedTime"],
        &["lastTimestamp"],
        &["eventTime"],
        &["firstTimestamp"],
        &["metadata", "creationTimestamp"],
    ];
    places.into_iter().find_map(|place| time(event, place))
}

fn is_about(event: &Object, object: &Object) -> bool {
    let own = text(object, &["metadata", "uid"]);
    let meant = text(event, &["involvedObject", "uid"]);
    if !own.is_empty() && !meant.is_empty() {
        return own == meant;
    }
    let same = |field: &str, path: &[&str]| text(event, &["involvedObject", field]) == text(object, path);
    same("kind", &["kind"]) && same("namespace", &["metadata", "namespace"]) && same("name", &["metadata", "name"])
}

/// Why a controller could not create a pod, from what the API server answered it.
pub(super) fn refused(words: &str) -> Reason {
    let kind = if words.contains("exceeded quota") { ReasonKind::Quota } else { ReasonKind::CreationRefused };
    // `Error creating: pods "x-" is forbidden: exceeded quota: ...`: the pod's name says nothing.
    let short = words.split_once(" is forbidden: ").map_or(words, |(_, rest)| rest);
    let short = short.trim_start_matches("Error creating: ");
    Reason::new(kind, format!("no pod: {short}")).with("message", words)
}
