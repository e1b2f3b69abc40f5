//! What the answer to a write tells: an API server drops fields that the definition of an object does not know, and says
//! that all is well.

use serde_json::Value;

use crate::domain::manifest::Object;
use crate::domain::request::{Write, WriteBody};

/// Paths that are named of what was dropped.
const MOST: usize = 10;

/// What of a write its answer lacks, as paths of fields.
pub(super) fn dropped(write: &Write, answer: &Object) -> Vec<String> {
    match &write.body {
        WriteBody::Merge(patch) => {
            let mut lacking = Vec::new();
            let answer = Value::Object(answer.as_json().clone());
            lacks(&answer, &without_guard(patch), &mut String::new(), &mut lacking);
            lacking
        }
        WriteBody::StatusPatch(_) if !is_being_failed(answer) => vec!["status.conditions".to_owned()],
        // What a Job is made of Kubernetes itself defines.
        WriteBody::StatusPatch(_) | WriteBody::Create(_) => Vec::new(),
    }
}

/// Whether a Job has the condition that makes the Job controller fail it.
pub(super) fn is_being_failed(job: &Object) -> bool {
    let conditions = job.at(&["status", "conditions"]).and_then(Value::as_array);
    let kind = |condition: &Value| condition.get("type").and_then(Value::as_str).map(str::to_owned);
    conditions.into_iter().flatten().filter_map(kind).any(|kind| kind == "FailureTarget" || kind == "Failed")
}

/// A patch without what ties it to one version of one object.
pub(super) fn without_guard(patch: &Value) -> Value {
    let mut patch = patch.clone();
    if let Some(metadata) = patch.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("resourceVersion");
        metadata.remove("uid");
    }
    patch
}

/// Whether a value is as a merge patch would leave it.
pub(super) fn contains(value: &Value, patch: &Value) -> bool {
    let mut lacking = Vec::new();
    lacks(value, patch, &mut String::new(), &mut lacking);
    lacking.is_empty()
}

/// The fields in which a value is not as a merge patch would leave it. What the server adds is no difference.
fn lacks(value: &Value, patch: &Value, path: &mut String, found: &mut Vec<String>) {
    let length = path.len();
    match (value, patch) {
        _ if found.len() >= MOST => {}
        (Value::Object(own), Value::Object(fields)) => {
            for (name, wanted) in fields {
                if length > 0 {
                    path.push('.');
                }
                path.push_str(name);
                match own.get(name) {
                    Some(own) => lacks(own, wanted, path, found),
                    None if is_nothing(wanted) => {}
                    None => found.push(path.clone()),
                }
                path.truncate(length);
            }
        }
        (Value::Array(own), Value::Array(wanted)) if own.len() == wanted.len() => {
            for (index, (own, wanted)) in own.iter().zip(wanted).enumerate() {
                path.extend(["[", &index.to_string(), "]"]);
                lacks(own, wanted, path, found);
                path.truncate(length);
            }
        }
        (own, wanted) if own == wanted => {}
        _ => found.push(path.clone()),
    }
}

/// Whether a patch leaves nothing where nothing was.
fn is_nothing(patch: &Value) -> bool {
    patch.is_null() || patch.as_object().is_some_and(|fields| fields.values().all(is_nothing))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_an_answer_lacks_is_named_and_what_it_adds_is_not() {
        let table = [
            ("all of it", json!({ "a": { "b": 1, "c": 2 } }), json!({ "a": { "b": 1 } }), vec![]),
            ("a field", json!({ "a": { "c": 2 } }), json!({ "a": { "b": false } }), vec!["a.b"]),
            ("another value", json!({ "a": { "b": 2 } }), json!({ "a": { "b": 1 } }), vec!["a.b"]),
            ("a whole part", json!({}), json!({ "a": { "b": 1, "c": 1 } }), vec!["a"]),
            ("what was removed", json!({}), json!({ "a": { "b": null }, "c": null }), vec![]),
            ("what was to be removed", json!({ "a": { "b": 1 } }), json!({ "a": { "b": null } }), vec!["a.b"]),
            ("defaults in a list", json!({ "l": [{ "n": 1, "d": 0 }] }), json!({ "l": [{ "n": 1 }] }), vec![]),
            ("a field in a list", json!({ "l": [{ "n": 1 }] }), json!({ "l": [{ "n": 1, "x": 2 }] }), vec!["l[0].x"]),
            ("a shorter list", json!({ "l": [] }), json!({ "l": [1] }), vec!["l"]),
        ];
        for (what, answer, patch, expected) in table {
            let mut found = Vec::new();
            lacks(&answer, &patch, &mut String::new(), &mut found);
            assert_eq!(found, expected, "{what}");
        }
    }
}
