//! Sync options, spelt as Argo CD compares them: letter by letter.

use serde_json::Value;

use super::code::Code;
use super::facts::Subject;
use super::finding::Finding;
use super::kinds;
use crate::domain::hook;
use crate::domain::sync_options::{Removal, SyncOptions};

/// Key, the values that mean something, and whether an object's annotation may have it.
const KNOWN: &[(&str, &[&str], bool)] = &[
    ("Prune", &["true", "false", "confirm"], true),
    ("PruneLast", &["true", "false"], true),
    ("Delete", &["true", "false", "confirm"], true),
    ("Replace", &["true", "false"], true),
    ("Force", &["true", "false"], true),
    ("ServerSideApply", &["true", "false"], true),
    ("Validate", &["true", "false"], true),
    ("SkipDryRunOnMissingResource", &["true", "false"], true),
    ("PrunePropagationPolicy", &["foreground", "background", "orphan"], false),
    ("ClientSideApplyMigration", &["true", "false"], false),
    ("ApplyOutOfSyncOnly", &["true", "false"], false),
    ("CreateNamespace", &["true", "false"], false),
    ("RespectIgnoreDifferences", &["true", "false"], false),
    ("FailOnSharedResource", &["true", "false"], false),
];

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let options = SyncOptions::of_object(subject.object);
    for option in options.iter() {
        findings.extend(check_option(option, Some(subject.index), true));
    }
    if kinds::is(subject.object, "argoproj.io", "Application") {
        let own = subject.object.at(&["spec", "syncPolicy", "syncOptions"]).and_then(Value::as_array);
        for option in own.into_iter().flatten().filter_map(Value::as_str) {
            findings.extend(check_option(option, Some(subject.index), false));
        }
    }
    if options.prune() == Some(Removal::AfterConfirmation) && subject.hook().is_none() {
        let message = "with Prune=confirm, its removal from Git holds up the wave it is pruned in";
        findings.push(Finding::new(Code::PruneConfirm, subject.index, message));
    }
    let (force, replace) = (options.has("Force=true"), options.has("Replace=true"));
    // For a Job that is no hook it is the way to run it again.
    if force && !kinds::runs_once(subject.object) {
        let message = if replace {
            "Force=true with Replace=true deletes it and creates it again on every sync"
        } else if kinds::holds_data(subject.object) {
            "Force=true deletes it, with what is in it, when an update is refused"
        } else {
            "Force=true deletes it and creates it again when an update is refused"
        };
        findings.push(Finding::new(Code::ForceReplace, subject.index, message));
    }
}

/// The same for the options of the operation.
pub(super) fn of_operation(options: &[String]) -> Vec<Finding> {
    options.iter().filter_map(|option| check_option(option, None, false)).collect()
}

fn check_option(option: &str, object: Option<usize>, on_object: bool) -> Option<Finding> {
    let finding = |code: Code, message: String| Finding {
        code,
        object,
        others: Vec::new(),
        message,
        remedy: code.remedy().to_owned(),
    };
    let (key, value) = option.split_once('=').unwrap_or((option, ""));
    if let Some((_, values, for_objects)) = KNOWN.iter().find(|(known, ..)| *known == key) {
        if !values.contains(&value) {
            let meant = nearest(value, values.iter().copied());
            let message = format!("{option} is not an option: of {key} only {} count", values.join(", "));
            return Some(finding(Code::SyncOptionMisspelt, message).remedy(match meant {
                Some(value) => format!("write {key}={value}"),
                None => format!("write {key}={}", values.first().unwrap_or(&"true")),
            }));
        }
        let message = format!("{option} does nothing on an object");
        return (on_object && !for_objects).then(|| finding(Code::SyncOptionNoEffect, message));
    }
    Some(match nearest(key, KNOWN.iter().map(|(known, ..)| *known)) {
        Some(meant) => {
            let value = if value.trim().is_empty() { "true" } else { value.trim() };
            finding(Code::SyncOptionMisspelt, format!("{option} is not an option; it looks like {meant}"))
                .remedy(format!("write {meant}={value}"))
        }
        None => finding(Code::SyncOptionUnknown, format!("{option} is not an option that Argo CD knows")),
    })
}

/// The word that was probably meant.
fn nearest<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain: String =
        text.chars().filter(char::is_ascii_alphabetic).take(32).map(|letter| letter.to_ascii_lowercase()).collect();
    let close = words.map(|word| (hook::distance(&plain, &word.to_ascii_lowercase()), word)).min()?;
    (close.0 <= 2 && close.0 * 3 < plain.len().max(1)).then_some(close.1)
}
