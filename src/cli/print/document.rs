//! Documents for programs. Within v1 fields and kinds are only added; `assets/schema/v1.json` lists them.

use serde::Serialize;
use serde_json::Value;

use crate::domain::text::lines;

/// The version of every document.
pub(in crate::cli) const API_VERSION: &str = "boathook.dev/v1";
/// Characters of a text: more is cut.
const LONGEST: usize = 8_000;

/// What is printed for programs, made safe to show: JSON escapes control characters by itself, but is often printed with
/// `jq -r`.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli) struct Document(Value);

impl Document {
    /// From what can be written as JSON.
    pub(in crate::cli) fn new(content: &impl Serialize) -> Self {
        // Nothing in it can fail to be written: keys are texts, numbers are finite.
        Self(clean(serde_json::to_value(content).unwrap_or_default(), LONGEST))
    }

    /// The same, with its texts as long as they are: of what was bounded before.
    pub(in crate::cli) fn whole(content: &impl Serialize) -> Self {
        Self(clean(serde_json::to_value(content).unwrap_or_default(), usize::MAX))
    }

    pub(in crate::cli) const fn value(&self) -> &Value {
        &self.0
    }
}

fn clean(value: Value, longest: usize) -> Value {
    match value {
        Value::String(text) => Value::String(lines(&text, longest)),
        Value::Array(items) => items.into_iter().map(|item| clean(item, longest)).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (lines(&name, longest), clean(value, longest))).collect()
        }
        other => other,
    }
}
