//! Names: missing, too long, refused, generated twice.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::code::Code;
use super::facts::Subject;
use super::finding::Finding;
use super::kinds;
use crate::domain::hook::{Classification, SyncPhase, generated_name, is_dns_label, is_dns_subdomain};
use crate::domain::manifest::ObjectKey;

/// A commit stands in for a revision that is not known: forty digits, of which seven are used.
const SOME_COMMIT: &str = "0000000000000000000000000000000000000000";
/// A time of ten digits, as all are until the year 2286.
const SOME_TIME: Timestamp = Timestamp::constant(1_787_479_200, 0);

pub(super) fn check(subject: &Subject<'_>, revision: Option<&str>, findings: &mut Vec<Finding>) {
    if matches!(subject.class, Classification::Skipped | Classification::Dropped(_)) {
        return;
    }
    let object = subject.object;
    let mut found = |code: Code, message: String| findings.push(Finding::new(code, subject.index, message));
    // A namespace y or a generateName 1e3 is taken for missing otherwise, and the object for another one.
    for field in ["namespace", "generateName"] {
        if let Some(value @ (Value::Bool(_) | Value::Number(_))) = object.at(&["metadata", field]) {
            let message = format!("metadata.{field} is read as {value}, not as a string: put it in quotes");
            found(Code::NameInvalid, message);
        } else if let Some(Value::Array(_) | Value::Object(_)) = object.at(&["metadata", field]) {
            found(Code::NameInvalid, format!("metadata.{field} is a list or a map, not a string"));
        }
    }
    if !object.namespace().is_empty() && !is_dns_label(object.namespace()) {
        found(Code::NameInvalid, format!("Kubernetes refuses the namespace {}", object.namespace()));
    }
    if object.name().is_empty() && object.generate_name().is_empty() {
        let message = match object.at(&["metadata", "name"]) {
            // YAML reads y, no, 1e3 and the like as something else.
            Some(value @ (Value::Bool(_) | Value::Number(_))) => {
                format!("metadata.name is read as {value}, not as a string: put it in quotes")
            }
            _ => "metadata.name is missing".to_owned(),
        };
        found(Code::NameMissing, message);
        return;
    }
    let hook = subject.hook();
    if object.name().is_empty() && hook.is_none() {
        found(Code::NameMissing, "generateName works for hooks only; this is an ordinary resource".to_owned());
        return;
    }
    if object.name().is_empty() {
        if let Some(derived) = hook.and_then(|hook| hook.delete.first()) {
            found(
                Code::DeleteHookGenerateName,
                format!("a {} hook with generateName is created again and again", derived.phase.as_str()),
            );
        }
        let longest = hook.into_iter().flat_map(|hook| &hook.sync).map(|derived| {
            generated_name(object.generate_name(), revision.unwrap_or(SOME_COMMIT), derived.phase, SOME_TIME)
        });
        if let Some(name) = longest.max_by_key(|name| name.chars().count()) {
            let limit = kinds::longest_name(object);
            let length = name.chars().count();
            if length > limit {
                let message = format!(
                    "with revision, phase and time the name has {length} characters, a {} may have {limit}",
                    object.kind()
                );
                found(Code::NameTooLong, message);
            }
            // Letters and digits stand for the part that is counted and not read.
            if kinds::has_dns_name(object) && length <= 253 && !is_dns_subdomain(&name) {
                found(Code::NameInvalid, format!("Kubernetes will refuse the generated name {name}"));
            }
        }
        return;
    }
    let length = object.name().chars().count();
    let limit = kinds::longest_name(object);
    if length > limit {
        let message = format!("the name has {length} characters, a {} may have {limit}", object.kind());
        found(Code::NameTooLong, message);
    } else if kinds::has_dns_name(object) && !is_dns_subdomain(object.name())
        || kinds::has_label_name(object) && !is_dns_label(object.name())
    {
        found(Code::NameInvalid, format!("Kubernetes refuses the name {}", object.name()));
    }
}

/// What only shows when all objects are looked at.
pub(super) fn check_all(subjects: &[Subject<'_>], findings: &mut Vec<Finding>) {
    let mut by_key: BTreeMap<ObjectKey, Vec<usize>> = BTreeMap::new();
    let mut by_prefix: BTreeMap<(ObjectKey, SyncPhase), Vec<usize>> = BTreeMap::new();
    for subject in subjects {
        let object = subject.object;
        let key = |name: &str| ObjectKey::new(object.group(), object.kind(), subject.namespace, name);
        if subject.has_generated_name() {
            for derived in subject.hook().into_iter().flat_map(|hook| &hook.sync) {
                by_prefix.entry((key(object.generate_name()), derived.phase)).or_default().push(subject.index);
            }
        } else if !object.name().is_empty() {
            by_key.entry(key(object.name())).or_default().push(subject.index);
        }
    }
    // Each names one other only, the one that counts: all of all would be as many as their square.
    for indexes in by_key.into_values() {
        if let [again @ .., last] = &indexes[..] {
            for index in again {
                let message = format!("it is written {} times; Argo CD keeps the last one", indexes.len());
                findings.push(Finding::new(Code::DuplicateObject, *index, message).others([*last]));
            }
        }
    }
    for ((_, phase), indexes) in by_prefix {
        if let [first, again @ ..] = &indexes[..] {
            for index in again {
                let message = format!(
                    "{} {phase} hooks with this generateName get one name: only one of them runs",
                    indexes.len()
                );
                findings.push(Finding::new(Code::HookNameCollision, *index, message).others([*first]));
            }
        }
    }
}
