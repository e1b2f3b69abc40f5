//! A judge of JSON by the part of JSON Schema that `assets/schema/v1.json` uses. It refuses a schema with words that it
//! does not know, so that nothing in the schema goes unchecked.

use std::path::Path;

use serde_json::Value;

/// Everything in which a document is not what the schema says; empty if it is.
pub(crate) fn violations(document: &Value) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/schema/v1.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut found = Vec::new();
    let kind = document["kind"].as_str().unwrap_or_default();
    let listed = schema["oneOf"].as_array().unwrap();
    if !listed.iter().any(|entry| entry["$ref"] == format!("#/$defs/{kind}")) {
        found.push(format!("the schema does not list the kind {kind:?}"));
    }
    check(&schema["$defs"][kind], document, &schema, "$", &mut found);
    found
}

fn check(rule: &Value, value: &Value, schema: &Value, at: &str, found: &mut Vec<String>) {
    let Some(words) = rule.as_object() else {
        found.push(format!("{at}: there is no rule"));
        return;
    };
    for (word, argument) in words {
        match word.as_str() {
            "description" | "properties" => {}
            "$ref" => {
                let name = argument.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                check(&schema["$defs"][name], value, schema, at, found);
            }
            "const" => expect(value == argument, at, &format!("is not {argument}"), found),
            "enum" => {
                expect(argument.as_array().unwrap().contains(value), at, &format!("{value} is not listed"), found);
            }
            "type" => {
                let kinds = argument.as_array().map_or(std::slice::from_ref(argument), Vec::as_slice);
                let holds = kinds.iter().any(|kind| is(value, kind.as_str().unwrap()));
                expect(holds, at, &format!("is no {argument}"), found);
            }
            "required" => {
                for field in argument.as_array().unwrap() {
                    expect(value.get(field.as_str().unwrap()).is_some(), at, &format!("has no {field}"), found);
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(argument, item, schema, &format!("{at}[{index}]"), found);
                }
            }
            "additionalProperties" => {
                assert_eq!(argument, false);
                for (field, inner) in value.as_object().into_iter().flatten() {
                    match rule["properties"].get(field) {
                        Some(rule) => check(rule, inner, schema, &format!("{at}.{field}"), found),
                        None => found.push(format!("{at}: {field} is not in the schema")),
                    }
                }
            }
            other => panic!("the schema says {other:?}, which this test does not know"),
        }
    }
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the schema says type {other:?}, which this test does not know"),
    }
}

fn expect(holds: bool, at: &str, message: &str, found: &mut Vec<String>) {
    if !holds {
        found.push(format!("{at}: {message}"));
    }
}

#[test]
fn schema_violations_are_found() {
    let good = serde_json::json!({
        "apiVersion": "boathook.dev/v1", "kind": "Plan", "namespace": "", "tasks": [], "deletionHooks": [],
        "leftOut": [], "findings": [], "problems": [], "totals": {"objects": 0, "tasks": 0, "hooks": 0, "leftOut": 0,
        "problems": 0, "errors": 0, "warnings": 0, "notes": 0, "ignored": 0},
    });
    assert_eq!(violations(&good), Vec::<String>::new());
    for (path, bad) in [
        ("/kind", serde_json::json!("Plane")),
        ("/namespace", serde_json::json!(1)),
        ("/totals", serde_json::json!({})),
        ("/tasks", serde_json::json!([{"phase": "Presync"}])),
        ("/problems", serde_json::json!([{"source": "a", "message": "b", "extra": 1}])),
    ] {
        let mut document = good.clone();
        *document.pointer_mut(path).unwrap() = bad;
        assert_ne!(violations(&document), Vec::<String>::new(), "{path}");
    }
}
