//! Objects as YAML, and what differs between two of them.

use similar::{ChangeTag, TextDiff};

use crate::domain::live::ChangedObject;
use crate::domain::manifest::{Object, without_secrets};
use crate::domain::text;
use crate::tui::model::Parts;
use crate::tui::theme::Role;

/// Longest text that is shown, in characters.
const LONGEST: usize = 400_000;
/// Lines that stay the same around those that differ.
const AROUND: usize = 3;

/// An object as YAML. What only servers read is left out, and values of Secrets.
pub(super) fn yaml(object: &Object) -> String {
    let mut object = without_secrets(object.clone());
    let fields = object.as_json_mut();
    if let Some(metadata) = fields.get_mut("metadata").and_then(serde_json::Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    text::lines(&serde_yaml::to_string(object.as_json()).unwrap_or_default(), LONGEST)
}

/// YAML with its keys in another colour than the values.
pub(super) fn colored(yaml: &str) -> Vec<Parts> {
    let line = |line: &str| match line.split_once(':') {
        Some((key, value)) if key.trim_start().chars().all(|c| c.is_alphanumeric() || "-_./ ".contains(c)) => {
            vec![(Role::Key, format!(" {key}:")), (Role::Text, value.to_owned())]
        }
        _ => vec![(Role::Text, format!(" {line}"))],
    };
    yaml.lines().map(line).collect()
}

/// What differs in one object.
pub(super) fn diff(change: &ChangedObject) -> Vec<Parts> {
    let side = |object: Option<&std::sync::Arc<Object>>| object.map(|object| yaml(object)).unwrap_or_default();
    let (old, new) = (side(change.old.as_ref()), side(change.new.as_ref()));
    let diff = TextDiff::from_lines(&old, &new);
    let mut lines = Vec::new();
    for (place, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if place > 0 {
            lines.push(vec![(Role::Dim, "   ⋮".to_owned())]);
        }
        for op in group {
            for change in diff.iter_changes(op) {
                let (role, sign) = match change.tag() {
                    ChangeTag::Equal => (Role::Dim, " "),
                    ChangeTag::Delete => (Role::Bad, "-"),
                    ChangeTag::Insert => (Role::Good, "+"),
                };
                lines.push(vec![(role, format!(" {sign} {}", change.value().trim_end_matches('\n')))]);
            }
        }
    }
    lines
}
