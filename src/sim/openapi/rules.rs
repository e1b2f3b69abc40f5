//! What a custom resource's schema demands of a value besides its type.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

/// How deep conditions may nest.
const DEEPEST: usize = 16;

/// The conditions on one value.
#[derive(Debug, Default)]
pub struct Rules {
    /// The text matches.
    pub pattern: Option<Regex>,
    /// Not less; more, where `exclusive_minimum`.
    pub minimum: Option<f64>,
    /// `minimum` itself is too small.
    pub exclusive_minimum: bool,
    /// Not more; less, where `exclusive_maximum`.
    pub maximum: Option<f64>,
    /// `maximum` itself is too large.
    pub exclusive_maximum: bool,
    /// A multiple of it.
    pub multiple_of: Option<f64>,
    /// Least number of characters.
    pub min_length: Option<u64>,
    /// Greatest number of characters.
    pub max_length: Option<u64>,
    /// Least number of elements.
    pub min_items: Option<u64>,
    /// Greatest number of elements.
    pub max_items: Option<u64>,
    /// No two elements are equal.
    pub unique_items: bool,
    /// Least number of fields.
    pub min_properties: Option<u64>,
    /// Greatest number of fields.
    pub max_properties: Option<u64>,
    /// All hold.
    pub all_of: Vec<Rules>,
    /// One or more hold.
    pub any_of: Vec<Rules>,
    /// Exactly one holds.
    pub one_of: Vec<Rules>,
    /// Does not hold.
    pub not: Option<Box<Rules>>,
    /// Conditions on fields; only within `allOf`, `anyOf`, `oneOf` and `not`.
    pub properties: BTreeMap<String, Rules>,
    /// Fields that are there; only within those four.
    pub required: Vec<String>,
    /// Allowed values; only within those four.
    pub choices: Vec<Value>,
    /// Name of the JSON type; only within those four.
    pub json_type: Option<String>,
}

impl Rules {
    /// Reads the conditions of a schema; `None` where it has none. A pattern that is no regular expression here is no
    /// condition.
    pub(super) fn parse(schema: &Value, depth: usize) -> Option<Self> {
        if depth > DEEPEST {
            return None;
        }
        let number = |field: &str| schema.get(field).and_then(Value::as_f64);
        let count = |field: &str| schema.get(field).and_then(Value::as_u64);
        let flag = |field: &str| schema.get(field).and_then(Value::as_bool).unwrap_or_default();
        let list = |field: &str| schema.get(field).and_then(Value::as_array).into_iter().flatten();
        let nested = |field: &str| -> Vec<Self> {
            list(field).map(|schema| Self::parse(schema, depth + 1).unwrap_or_default()).collect()
        };
        let mut rules = Self {
            pattern: schema.get("pattern").and_then(Value::as_str).and_then(|pattern| Regex::new(pattern).ok()),
            minimum: number("minimum"),
            exclusive_minimum: flag("exclusiveMinimum"),
            maximum: number("maximum"),
            exclusive_maximum: flag("exclusiveMaximum"),
            multiple_of: number("multipleOf"),
            min_length: count("minLength"),
            max_length: count("maxLength"),
            min_items: count("minItems"),
            max_items: count("maxItems"),
            unique_items: flag("uniqueItems"),
            min_properties: count("minProperties"),
            max_properties: count("maxProperties"),
            all_of: nested("allOf"),
            any_of: nested("anyOf"),
            one_of: nested("oneOf"),
            not: schema.get("not").and_then(|schema| Self::parse(schema, depth + 1)).map(Box::new),
            ..Self::default()
        };
        if depth > 0 {
            rules.required = list("required").filter_map(Value::as_str).map(str::to_owned).collect();
            rules.choices = list("enum").cloned().collect();
            rules.json_type = schema.get("type").and_then(Value::as_str).map(str::to_owned);
            for (name, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                if let Some(inner) = Self::parse(schema, depth + 1) {
                    rules.properties.insert(name.clone(), inner);
                }
            }
        }
        (!rules.is_empty()).then_some(rules)
    }

    fn is_empty(&self) -> bool {
        let numbers = [self.minimum, self.maximum, self.multiple_of];
        let counts = [
            self.min_length,
            self.max_length,
            self.min_items,
            self.max_items,
            self.min_properties,
            self.max_properties,
        ];
        let lists = [&self.all_of, &self.any_of, &self.one_of];
        self.pattern.is_none()
            && numbers.iter().all(Option::is_none)
            && counts.iter().all(Option::is_none)
            && lists.iter().all(|list| list.is_empty())
            && self.not.is_none()
            && !self.unique_items
            && self.properties.is_empty()
            && self.required.is_empty()
            && self.choices.is_empty()
            && self.json_type.is_none()
    }
}
