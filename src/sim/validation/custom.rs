//! Custom resources against the schema of their definition.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::pod::unsupported;
use crate::sim::openapi::{Kind, ListType, Rules, Schema};
use crate::sim::status::{FieldError, FieldProblem};

/// Most complaints about one object.
const MOST: usize = 100;

/// What is wrong with a custom resource. `metadata` has rules of its own.
pub(super) fn custom(schema: Schema<'_>, object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut path = String::new();
    for name in schema.required().filter(|name| object.get(*name).is_none()) {
        errors.push(FieldError::required(name, ""));
    }
    for (name, value) in object.as_object().into_iter().flatten() {
        if let (Some(field), false) = (schema.field(name), ["apiVersion", "kind", "metadata"].contains(&name.as_str()))
        {
            path.clear();
            path.push_str(name);
            walk(field, value, &mut path, &mut errors);
        }
    }
    if let Some(rules) = schema.rules() {
        check_rules(rules, object, "", &mut errors);
    }
    errors.truncate(MOST);
    errors
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn walk(schema: Schema<'_>, value: &Value, path: &mut String, errors: &mut Vec<FieldError>) {
    if errors.len() >= MOST || (value.is_null() && schema.is_nullable()) {
        return;
    }
    let expected = match (schema.kind(), value) {
        (Kind::Any, _)
        | (Kind::Boolean, Value::Bool(_))
        | (Kind::String | Kind::IntOrString | Kind::Quantity, Value::String(_))
        | (Kind::Number | Kind::Quantity, Value::Number(_))
        | (Kind::Map, Value::Object(_))
        | (Kind::List, Value::Array(_)) => None,
        (Kind::Integer | Kind::IntOrString, Value::Number(number)) if is_whole(number) => None,
        (Kind::Boolean, _) => Some("boolean"),
        (Kind::String, _) => Some("string"),
        (Kind::Number, _) => Some("number"),
        (Kind::Integer, _) => Some("integer"),
        (Kind::IntOrString, _) => Some("integer,string"),
        (Kind::Quantity, _) => Some("number,string"),
        (Kind::Map, _) => Some("object"),
        (Kind::List, _) => Some("array"),
    };
    if let Some(expected) = expected {
        let found = json_type(value);
        let detail = format!("{path} in body must be of type {expected}: {found:?}");
        errors.push(FieldError::new(FieldProblem::TypeInvalid, path.clone(), Some(json!(found)), detail));
        return;
    }
    if !schema.choices().is_empty() && !schema.choices().contains(value) {
        errors.push(not_supported(path, value, schema.choices()));
    }
    if let Some(rules) = schema.rules() {
        check_rules(rules, value, path, errors);
    }
    let length = path.len();
    match value {
        Value::Object(map) => {
            for name in schema.required().filter(|name| !map.contains_key(*name)) {
                errors.push(FieldError::required(format!("{path}.{name}"), ""));
            }
            for (name, value) in map {
                let Some(field) = schema.child(name) else { continue };
                if schema.is_embedded_object() && name == "metadata" {
                    continue;
                }
                path.push('.');
                path.push_str(name);
                walk(field, value, path, errors);
                path.truncate(length);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                let _ = write!(path, "[{index}]");
                walk(schema.element(), value, path, errors);
                path.truncate(length);
            }
            duplicates(schema, list, path, errors);
        }
        _ => {}
    }
}

fn is_whole(number: &serde_json::Number) -> bool {
    !number.is_f64() || number.as_f64().is_some_and(|number| number.fract() == 0.0)
}

fn not_supported(path: &str, value: &Value, choices: &[Value]) -> FieldError {
    let texts: Vec<_> =
        choices.iter().map(|choice| choice.as_str().map_or_else(|| choice.to_string(), str::to_owned)).collect();
    unsupported(path, value, &texts.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Elements of a set, or of a list with keys, that stand there twice.
fn duplicates(schema: Schema<'_>, list: &[Value], path: &str, errors: &mut Vec<FieldError>) {
    let name = |value: &Value| match schema.list_type() {
        ListType::Atomic => None,
        ListType::Set => Some(value.clone()),
        ListType::Map(keys) => {
            let keys = keys.iter().filter_map(|key| Some((key.to_string(), value.get(key.as_ref())?.clone())));
            let keys: serde_json::Map<_, _> = keys.collect();
            (!keys.is_empty()).then_some(Value::Object(keys))
        }
    };
    let mut seen = std::collections::HashSet::new();
    for (index, value) in list.iter().enumerate() {
        let Some(name) = name(value) else { continue };
        if !seen.insert(name.to_string()) {
            let field = format!("{path}[{index}]");
            errors.push(FieldError::new(FieldProblem::Duplicate, field, Some(name), ""));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "the limits of a schema are floating point in Kubernetes as well")]
fn check_rules(rules: &Rules, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let mut wrong = |why: String| {
        errors.push(FieldError::invalid(path, value.clone(), format!("{path} in body {why}")));
    };
    let number = |limit: f64| if limit.fract() == 0.0 { format!("{limit:.0}") } else { limit.to_string() };
    if let Some(given) = value.as_f64() {
        if let Some(limit) = rules.minimum {
            if rules.exclusive_minimum && given <= limit {
                wrong(format!("should be greater than {}", number(limit)));
            } else if given < limit {
                wrong(format!("should be greater than or equal to {}", number(limit)));
            }
        }
        if let Some(limit) = rules.maximum {
            if rules.exclusive_maximum && given >= limit {
                wrong(format!("should be less than {}", number(limit)));
            } else if given > limit {
                wrong(format!("should be less than or equal to {}", number(limit)));
            }
        }
        if let Some(factor) = rules.multiple_of
            && factor != 0.0
            && (given / factor).fract() != 0.0
        {
            wrong(format!("should be a multiple of {}", number(factor)));
        }
    }
    if let Some(text) = value.as_str() {
        let length = text.chars().count() as f64;
        if rules.min_length.is_some_and(|least| length < least as f64) {
            wrong(format!("should be at least {} chars long", rules.min_length.unwrap_or_default()));
        }
        if let Some(pattern) = &rules.pattern
            && !pattern.is_match(text)
        {
            wrong(format!("should match '{}'", pattern.as_str()));
        }
        if let Some(most) = rules.max_length.filter(|most| length > *most as f64) {
            let why = format!("may not be more than {most} bytes");
            errors.push(FieldError::new(FieldProblem::TooLong, path, None, why));
        }
    }
    let count = |value: &Value| match value {
        Value::Array(list) => Some((list.len() as u64, rules.min_items, rules.max_items, "items")),
        Value::Object(map) => Some((map.len() as u64, rules.min_properties, rules.max_properties, "properties")),
        _ => None,
    };
    if let Some((count, least, most, what)) = count(value) {
        if let Some(least) = least.filter(|least| count < *least) {
            let why = format!("{path} in body should have at least {least} {what}");
            errors.push(FieldError::invalid(path, json!(count), why));
        }
        if let Some(most) = most.filter(|most| count > *most) {
            let why = format!("must have at most {most} items");
            errors.push(FieldError::new(FieldProblem::TooMany, path, Some(json!(count)), why));
        }
    }
    if rules.unique_items
        && let Some(list) = value.as_array()
        && (1..list.len()).any(|index| list.get(..index).is_some_and(|before| before.contains(&value[index])))
    {
        errors.push(FieldError::invalid(path, value.clone(), format!("{path} in body shouldn't contain duplicates")));
    }
    let failing = |rules: &Rules| !holds(rules, value);
    for inner in rules.all_of.iter().filter(|inner| failing(inner)) {
        let before = errors.len();
        check_nested(inner, value, path, errors);
        if errors.len() == before {
            errors.push(FieldError::invalid(
                path,
                json!(""),
                format!("{path:?} must validate all the schemas (allOf)"),
            ));
        }
    }
    if !rules.any_of.is_empty() && rules.any_of.iter().all(failing) {
        let why = format!("{path:?} must validate at least one schema (anyOf)");
        errors.push(FieldError::invalid(path, json!(""), why));
    }
    if !rules.one_of.is_empty() {
        let valid = rules.one_of.iter().filter(|rules| holds(rules, value)).count();
        if valid != 1 {
            let found = if valid == 0 { "none valid".to_owned() } else { format!("{valid} valid alternatives") };
            let why = format!("{path:?} must validate one and only one schema (oneOf). Found {found}");
            errors.push(FieldError::invalid(path, json!(""), why));
        }
    }
    if rules.not.as_ref().is_some_and(|rules| holds(rules, value)) {
        errors.push(FieldError::invalid(path, json!(""), format!("{path:?} must not validate the schema (not)")));
    }
}

/// Conditions within `allOf` and its like, with the fields they name.
fn check_nested(rules: &Rules, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    check_rules(rules, value, path, errors);
    let inner = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    if let Some(map) = value.as_object() {
        for name in rules.required.iter().filter(|name| !map.contains_key(*name)) {
            errors.push(FieldError::required(inner(name), ""));
        }
        for (name, rules) in &rules.properties {
            if let Some(value) = map.get(name) {
                check_nested(rules, value, &inner(name), errors);
            }
        }
    }
    if !rules.choices.is_empty() && !rules.choices.contains(value) {
        errors.push(not_supported(path, value, &rules.choices));
    }
    if let Some(expected) = &rules.json_type {
        let found = json_type(value);
        let fits = found == expected || (expected == "number" && found == "integer");
        if !fits {
            let why = format!("{path} in body must be of type {expected}: {found:?}");
            errors.push(FieldError::new(FieldProblem::TypeInvalid, path, Some(json!(found)), why));
        }
    }
}

fn holds(rules: &Rules, value: &Value) -> bool {
    let mut errors = Vec::new();
    check_nested(rules, value, "", &mut errors);
    errors.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::openapi::Types;

    /// The answers of a Kubernetes 1.36 to the same objects.
    #[test]
    fn custom_resources_are_refused_in_the_words_of_kubernetes() {
        let types = Types::custom(Some(&json!({"type": "object", "required": ["spec"], "properties": {"spec": {
            "type": "object", "required": ["size"], "properties": {
                "size": {"type": "integer", "minimum": 1, "maximum": 10},
                "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5},
                "mode": {"type": "string", "enum": ["a", "b"]},
                "parts": {
                    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"],
                    "items": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}},
                },
                "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                "plain": {"type": "array", "items": {"type": "string"}},
                "port": {"x-kubernetes-int-or-string": true},
                "opt": {"type": "string", "nullable": true},
            },
        }}})));
        for (object, expected) in [
            (
                json!({"spec": {
                    "size": "x", "name": "A", "mode": "q", "parts": [{"n": 1}], "port": [], "opt": null,
                }}),
                vec![
                    "spec.mode: Unsupported value: \"q\": supported values: \"a\", \"b\"",
                    "spec.name: Invalid value: \"A\": spec.name in body should match '^[a-z]+$'",
                    "spec.parts[0].id: Required value",
                    "spec.port: Invalid value: \"array\": spec.port in body must be of type integer,string: \"array\"",
                    "spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\"",
                ],
            ),
            (
                json!({"spec": {
                    "size": 11, "name": "abcdefgh", "parts": [{"id": "x"}, {"id": "x"}], "tags": ["a", "a"],
                    "plain": [1],
                }}),
                vec![
                    "spec.name: Too long: may not be more than 5 bytes",
                    "spec.parts[1]: Duplicate value: {\"id\":\"x\"}",
                    "spec.plain[0]: Invalid value: \"integer\": spec.plain[0] in body must be of type string: \
                     \"integer\"",
                    "spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10",
                    "spec.tags[1]: Duplicate value: \"a\"",
                ],
            ),
            (json!({}), vec!["spec: Required value"]),
            (json!({"spec": {}}), vec!["spec.size: Required value"]),
            (
                json!({"spec": []}),
                vec!["spec: Invalid value: \"array\": spec in body must be of type object: \"array\""],
            ),
        ] {
            let found: Vec<_> = custom(types.root(), &object).iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{object}");
        }
    }
}
