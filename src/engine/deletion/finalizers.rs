//! The finalizers of an Application that stand for the parts of its deletion.

use std::sync::Arc;

use crate::domain::hook::{Classification, DeletePhase, classify};
use crate::domain::manifest::Object;
use crate::domain::names;
use crate::domain::plan::Propagation;

/// A part of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// PreDelete hooks run.
    PreDelete,
    /// Its objects are deleted.
    Objects(Propagation),
    /// PostDelete hooks run.
    PostDelete,
    /// PreDelete hooks are deleted, as their policies say.
    CleanPreDelete,
    /// PostDelete hooks are deleted, as their policies say.
    CleanPostDelete,
}

const ORDER: &[(&str, Part)] = &[
    (names::PRE_DELETE_FINALIZER, Part::PreDelete),
    (names::RESOURCES_FINALIZER, Part::Objects(Propagation::Foreground)),
    (names::RESOURCES_FINALIZER_FOREGROUND, Part::Objects(Propagation::Foreground)),
    (names::RESOURCES_FINALIZER_BACKGROUND, Part::Objects(Propagation::Background)),
    (names::POST_DELETE_FINALIZER, Part::PostDelete),
    (names::PRE_DELETE_FINALIZER_CLEANUP, Part::CleanPreDelete),
    (names::POST_DELETE_FINALIZER_CLEANUP, Part::CleanPostDelete),
];

/// The next part, with the finalizer that stands for it; `None`: nothing is left that is ours to do.
pub(super) fn next(finalizers: &[String]) -> Option<(&'static str, Part)> {
    ORDER.iter().find(|(name, _)| finalizers.iter().any(|finalizer| finalizer == name)).copied()
}

/// The finalizers that an Application with these manifests should have, if they are not those it has: its delete hooks
/// run only if a finalizer holds it.
pub(in crate::engine) fn settled(finalizers: &[String], targets: &[Arc<Object>]) -> Option<Vec<String>> {
    let has = |phase: DeletePhase| {
        targets.iter().any(|target| matches!(classify(target), Classification::Hook(hook) if hook.runs_at(phase)))
    };
    let mut wanted = finalizers.to_vec();
    for (phase, names) in [
        (DeletePhase::PreDelete, [names::PRE_DELETE_FINALIZER, names::PRE_DELETE_FINALIZER_CLEANUP]),
        (DeletePhase::PostDelete, [names::POST_DELETE_FINALIZER, names::POST_DELETE_FINALIZER_CLEANUP]),
    ] {
        let is_wanted = has(phase);
        for name in names {
            let is_there = wanted.iter().any(|finalizer| finalizer == name);
            if is_wanted && !is_there {
                wanted.push(name.to_owned());
            } else if !is_wanted {
                wanted.retain(|finalizer| finalizer != name);
            }
        }
    }
    (wanted != finalizers).then_some(wanted)
}

/// What remains without one.
pub(super) fn without(finalizers: &[String], gone: &str) -> Vec<String> {
    finalizers.iter().filter(|finalizer| *finalizer != gone).cloned().collect()
}

/// What remains without any of them.
pub(super) fn foreign(finalizers: &[String]) -> Vec<String> {
    finalizers.iter().filter(|finalizer| !ORDER.iter().any(|(name, _)| finalizer == name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_in_their_order_whatever_the_order_of_the_finalizers_is() {
        let mut finalizers: Vec<String> =
            ORDER.iter().rev().map(|(name, _)| (*name).to_owned()).chain(["example.com/other".to_owned()]).collect();
        assert_eq!(foreign(&finalizers), ["example.com/other"]);
        let mut parts = Vec::new();
        while let Some((name, part)) = next(&finalizers) {
            parts.push(part);
            finalizers = without(&finalizers, name);
        }
        assert_eq!(parts, ORDER.iter().map(|(_, part)| *part).collect::<Vec<_>>());
    }
}
