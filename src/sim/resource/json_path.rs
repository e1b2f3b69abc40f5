//! The simple JSON paths of printer columns and selectable fields: `.spec.a`, `.status.conditions[0].type`,
//! `.metadata.annotations.example\.com/x`, `.status.conditions[?(@.type=="Ready")].status`.

use serde_json::Value;

/// One step of a path.
enum Step<'a> {
    Field(String),
    Index(usize),
    Where { field: &'a str, equals: &'a str },
}

/// The first value that a path finds; `None` where it finds nothing or is not such a path.
pub fn first<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    steps(path)?.iter().try_fold(value, |value, step| match step {
        Step::Field(name) => value.get(name),
        Step::Index(index) => value.get(index),
        Step::Where { field, equals } => {
            value.as_array()?.iter().find(|item| item.get(field).is_some_and(|found| found.as_str() == Some(equals)))
        }
    })
}

/// `None` where the path is of another form.
fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut steps = Vec::new();
    let mut rest = path.trim();
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (inside, after) = inside.split_once(']')?;
            steps.push(bracket(inside.trim())?);
            rest = after;
            continue;
        }
        let (name, after) = field(rest.strip_prefix('.').unwrap_or(rest));
        if name.is_empty() {
            return None;
        }
        steps.push(Step::Field(name));
        rest = after;
    }
    Some(steps)
}

fn bracket(inside: &str) -> Option<Step<'_>> {
    if let Ok(index) = inside.parse() {
        return Some(Step::Index(index));
    }
    if let Some(name) = unquote(inside) {
        return Some(Step::Field(name.to_owned()));
    }
    let condition = inside.strip_prefix("?(@.")?.strip_suffix(')')?;
    let (field, equals) = condition.split_once("==")?;
    Some(Step::Where { field: field.trim(), equals: unquote(equals.trim())? })
}

fn unquote(text: &str) -> Option<&str> {
    ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
}

/// A field name up to the next `.` or `[` that no backslash protects, and the rest.
fn field(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '\\' if !escaped => escaped = true,
            '.' | '[' if !escaped => return (name, text.get(at..).unwrap_or_default()),
            _ => {
                name.push(letter);
                escaped = false;
            }
        }
    }
    (name, "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_of_printer_columns_find_their_value() {
        let object = json!({
            "metadata": {"annotations": {"example.com/x": "y"}},
            "status": {"sync": {"status": "Synced"}, "conditions": [{"type": "A"}, {"type": "Ready", "status": "True"}]},
        });
        for (path, expected) in [
            (".status.sync.status", json!("Synced")),
            ("status.sync.status", json!("Synced")),
            (".metadata.annotations.example\\.com/x", json!("y")),
            (".metadata.annotations['example.com/x']", json!("y")),
            (".status.conditions[0].type", json!("A")),
            (".status.conditions[?(@.type==\"Ready\")].status", json!("True")),
        ] {
            assert_eq!(first(&object, path), Some(&expected), "{path}");
        }
        for path in [".status.nothing", ".status.conditions[9].type", "[", "..", ".status.conditions[?(bad)]", "[]["] {
            assert_eq!(first(&object, path), None, "{path}");
        }
    }
}
