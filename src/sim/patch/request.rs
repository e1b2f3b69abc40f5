//! A patch as it comes over HTTP: its kind by content type, its body, and the answers to what is wrong with it.

use json_patch::{PatchOperation, RemoveOperation, ReplaceOperation};
use serde_json::Value;

use super::strategic::strategic_merge;
use crate::sim::openapi::Schema;
use crate::sim::status::Status;

/// The kinds of patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchKind {
    /// RFC 6902.
    Json,
    /// RFC 7386.
    Merge,
    /// A merge patch that knows lists.
    Strategic,
    /// Server-side apply.
    Apply,
}

impl PatchKind {
    /// The kind of a `Content-Type`, whose parameters do not count. Custom resources know no strategic merge patch.
    ///
    /// # Errors
    /// 415 for anything else.
    pub fn of_content_type(content_type: &str, custom: bool) -> Result<Self, Status> {
        let mut accepted =
            vec!["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"];
        let kind = match content_type.split(';').next().unwrap_or_default().trim() {
            "application/json-patch+json" => Some(Self::Json),
            "application/merge-patch+json" => Some(Self::Merge),
            "application/strategic-merge-patch+json" if !custom => Some(Self::Strategic),
            "application/apply-patch+yaml" => Some(Self::Apply),
            _ => None,
        };
        kind.ok_or_else(|| {
            if !custom {
                accepted.insert(2, "application/strategic-merge-patch+json");
            }
            let message = format!(
                "the body of the request was in an unknown format - accepted media types include: {}",
                accepted.join(", ")
            );
            Status::new(415, "UnsupportedMediaType", message)
        })
    }
}

/// Most bytes that the copies of a JSON patch may add, as in Kubernetes: copies of copies double each time.
const MOST_COPIED: usize = 3 * 1024 * 1024;

/// Most operations of a JSON patch, as in Kubernetes.
const MOST_OPERATIONS: usize = 10_000;

/// Applies a JSON, merge or strategic merge patch to an object. What comes out still has to be decoded: a patch can
/// say anything.
///
/// # Errors
/// 400 where the body is no patch, 422 where it does not fit the object, 413 where it is too long.
pub fn patch(kind: PatchKind, schema: Schema<'_>, object: &Value, body: &[u8]) -> Result<Value, Status> {
    match kind {
        PatchKind::Json => json(object, body),
        PatchKind::Merge => {
            let patch = parse_map(body).map_err(|why| Status::bad_request(format!("error decoding patch: {why}")))?;
            let mut patched = object.clone();
            json_patch::merge(&mut patched, &patch);
            Ok(patched)
        }
        PatchKind::Strategic => {
            let patch = parse_map(body).map_err(Status::bad_request)?;
            strategic_merge(schema, object, &patch).map_err(|error| Status::new(500, "", error.to_string()))
        }
        PatchKind::Apply => Err(Status::internal("an apply is not a patch of this kind")),
    }
}

fn parse_map(body: &[u8]) -> Result<Value, String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let found = match &value {
        Value::Object(_) => return Ok(value),
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Bool(_) => "bool",
        Value::Null => "null",
    };
    Err(format!("json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"))
}

fn json(object: &Value, body: &[u8]) -> Result<Value, Status> {
    let unfit = || Status::new(422, "Invalid", "the server rejected our request due to an error in our request");
    let operations: Value =
        serde_json::from_slice(body).map_err(|error| Status::bad_request(format!("error decoding patch: {error}")))?;
    let Value::Array(operations) = operations else {
        let why = "json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp";
        return Err(Status::bad_request(format!("error decoding patch: {why}")));
    };
    if operations.len() > MOST_OPERATIONS {
        let message =
            format!("The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {}", operations.len());
        return Err(Status::new(413, "RequestEntityTooLarge", message));
    }
    let mut patched = object.clone();
    let mut copied = 0_usize;
    for operation in operations {
        let operation: PatchOperation = serde_json::from_value(operation).map_err(|_| unfit())?;
        let operation = match operation {
            // The API server replaces fields of an object that are not there as well.
            PatchOperation::Replace(ReplaceOperation { path, value })
                if patched.pointer(path.as_str()).is_none()
                    && parent(&patched, path.as_str()).is_some_and(Value::is_object) =>
            {
                PatchOperation::Add(json_patch::AddOperation { path, value })
            }
            PatchOperation::Test(test) if test.value.is_null() && patched.pointer(test.path.as_str()).is_none() => {
                continue;
            }
            PatchOperation::Copy(copy) => {
                let source = patched.pointer(copy.from.as_str()).ok_or_else(unfit)?;
                copied = copied.saturating_add(source.to_string().len());
                if copied > MOST_COPIED {
                    return Err(unfit());
                }
                PatchOperation::Copy(copy)
            }
            PatchOperation::Remove(RemoveOperation { path }) if path.as_str().is_empty() => return Err(unfit()),
            other => other,
        };
        json_patch::patch(&mut patched, &[operation]).map_err(|_| unfit())?;
    }
    if !patched.is_object() {
        return Err(unfit());
    }
    Ok(patched)
}

fn parent<'v>(object: &'v Value, pointer: &str) -> Option<&'v Value> {
    object.pointer(pointer.rsplit_once('/')?.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::openapi::Types;

    fn run(kind: PatchKind, patch_body: &str) -> Result<Value, u16> {
        let schema = Types::built_in().kind("v1", "ConfigMap").unwrap();
        let object = json!({"data": {"a": "1"}});
        patch(kind, schema, &object, patch_body.as_bytes()).map_err(|status| status.code)
    }

    /// What a real API server answered to the same bodies.
    #[test]
    fn patches_fail_as_they_do_in_kubernetes() {
        for (kind, body, code) in [
            (PatchKind::Json, r#"[{"op":"test","path":"/data/a","value":"2"}]"#, 422),
            (PatchKind::Json, r#"[{"op":"remove","path":"/data/zz"}]"#, 422),
            (PatchKind::Json, r#"[{"op":"foo","path":"/data/zz","value":"1"}]"#, 422),
            (PatchKind::Json, r#"{"op":"foo"}"#, 400),
            (PatchKind::Json, r#"[{"op":"add","path":"/data/x/y/z","value":"1"}]"#, 422),
            (PatchKind::Json, "xx", 400),
            (PatchKind::Merge, "[1]", 400),
            (PatchKind::Strategic, "[1]", 400),
            (PatchKind::Strategic, r#"{"$patch":"foo"}"#, 500),
        ] {
            assert_eq!(run(kind, body), Err(code), "{kind:?} {body}");
        }
    }

    #[test]
    fn copies_of_copies_are_bounded() {
        let copies = |count: usize| {
            let all = (0..count).map(|n| json!({"op": "copy", "from": "/data", "path": format!("/data/x{n}")}));
            json(&json!({"data": {"a": "1"}}), &serde_json::to_vec(&all.collect::<Vec<_>>()).unwrap())
        };
        assert!(copies(5).is_ok());
        assert_eq!(copies(60).unwrap_err().code, 422);
    }

    #[test]
    fn a_json_patch_may_replace_a_field_that_is_not_there() {
        let replaced = run(PatchKind::Json, r#"[{"op":"replace","path":"/data/b","value":"1"}]"#);
        assert_eq!(replaced, Ok(json!({"data": {"a": "1", "b": "1"}})));
    }

    #[test]
    fn a_custom_resource_takes_no_strategic_merge_patch() {
        let strategic = "application/strategic-merge-patch+json";
        assert_eq!(PatchKind::of_content_type(strategic, false), Ok(PatchKind::Strategic));
        assert_eq!(PatchKind::of_content_type(strategic, true).unwrap_err().code, 415);
        assert_eq!(
            PatchKind::of_content_type("application/merge-patch+json; charset=utf-8", true),
            Ok(PatchKind::Merge)
        );
    }
}
