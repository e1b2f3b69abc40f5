//! Parameters in templates: `{{inputs.parameters.NAME}}` and the like.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::sim::controllers::json::{list, text};

/// Values by the text between the braces.
pub(super) type Scope = BTreeMap<String, String>;

/// What a workflow as a whole offers.
pub(super) fn of_workflow(workflow: &Value) -> Scope {
    let mut scope = Scope::new();
    for (name, pointer) in [
        ("workflow.name", "/metadata/name"),
        ("workflow.namespace", "/metadata/namespace"),
        ("workflow.uid", "/metadata/uid"),
        ("workflow.creationTimestamp", "/metadata/creationTimestamp"),
        ("workflow.serviceAccountName", "/spec/serviceAccountName"),
    ] {
        scope.insert(name.to_owned(), text(workflow, pointer).to_owned());
    }
    for parameter in list(workflow, "/spec/arguments/parameters") {
        scope.insert(format!("workflow.parameters.{}", text(parameter, "/name")), value_of(parameter));
    }
    scope
}

/// The inputs of a template: its defaults, then the arguments it is called with, in which `scope` is filled in.
pub(super) fn inputs(template: &Value, arguments: &Value, scope: &Scope) -> Vec<(String, String)> {
    let given = list(arguments, "/parameters");
    list(template, "/inputs/parameters")
        .iter()
        .map(|input| {
            let name = text(input, "/name");
            let argument = given.iter().find(|argument| text(argument, "/name") == name);
            let value = argument.map_or_else(|| value_of(input), value_of);
            (name.to_owned(), fill_text(&value, scope))
        })
        .collect()
}

fn value_of(parameter: &Value) -> String {
    let value = parameter.get("value").or_else(|| parameter.get("default"));
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// Fills a scope into all texts of a value. What is not known stays as it is.
pub(super) fn fill(value: &Value, scope: &Scope) -> Value {
    match value {
        Value::String(text) => Value::String(fill_text(text, scope)),
        Value::Array(list) => list.iter().map(|value| fill(value, scope)).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), fill(value, scope))).collect(),
        other => other.clone(),
    }
}

/// The same for one text.
pub(super) fn fill_text(text: &str, scope: &Scope) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let Some((name, tail)) = after.split_once("}}") else {
            filled.push_str("{{");
            rest = after;
            continue;
        };
        match scope.get(name.trim()) {
            Some(value) => filled.push_str(value),
            None => filled.extend(["{{", name, "}}"]),
        }
        rest = tail;
    }
    filled.push_str(rest);
    filled
}

/// Whether a `when` that is filled in holds: `a == b` or `a != b`. Anything else counts as true.
pub(super) fn holds(when: &str) -> bool {
    let clean = |text: &str| text.trim().trim_matches(['\'', '"']).to_owned();
    if let Some((left, right)) = when.split_once("==") {
        clean(left) == clean(right)
    } else if let Some((left, right)) = when.split_once("!=") {
        clean(left) != clean(right)
    } else {
        clean(when) != "false"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_filled_and_what_is_unknown_stays() {
        let scope = Scope::from([("inputs.parameters.a".to_owned(), "{{x}}".to_owned())]);
        for (text, expected) in [
            ("say {{inputs.parameters.a}}!", "say {{x}}!"),
            ("{{ inputs.parameters.a }}", "{{x}}"),
            ("{{unknown}} {{open", "{{unknown}} {{open"),
            ("", ""),
        ] {
            assert_eq!(fill_text(text, &scope), expected);
        }
    }

    #[test]
    fn conditions_are_equality() {
        assert!(holds("prod == 'prod'") && !holds("a == b") && holds("a != b") && holds("true") && !holds("false"));
    }
}
