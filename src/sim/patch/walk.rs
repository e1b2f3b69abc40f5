//! Objects and field sets, walked along their types: which fields an object has, how two objects differ, how they
//! merge, and an object without some of its fields. The rules are those of Kubernetes' structured merge and diff.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::fields::{FieldSet, Step};
use crate::sim::openapi::{Kind, ListType, Schema};

/// What a value is to somebody who merges it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// One value, with whatever is in it.
    Leaf,
    /// A list whose elements are told apart.
    List,
    /// A map or an object whose fields are told apart.
    Map,
}

fn shape(schema: Schema<'_>, value: &Value) -> Shape {
    if schema.is_atomic() {
        return Shape::Leaf;
    }
    match (schema.kind(), value) {
        (Kind::Map | Kind::Any, Value::Object(_)) | (Kind::Map, Value::Null) => Shape::Map,
        (Kind::List, Value::Array(_) | Value::Null) if *schema.list_type() != ListType::Atomic => Shape::List,
        _ => Shape::Leaf,
    }
}

/// Why an object cannot be taken apart along its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct WrongType {
    /// Where, as `.spec.containers[name="web"].image`.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
}

/// The step to an element of a list: its keys, or itself.
///
/// A key that is missing counts with its default; an element without any key, or one that cannot be told from others,
/// is an error which says why.
fn element_step(schema: Schema<'_>, element: &Value) -> Result<Step, String> {
    match schema.list_type() {
        ListType::Map(names) => {
            let Some(map) = element.as_object() else {
                return Err("associative list with keys may not have non-map elements".to_owned());
            };
            let mut keys = Map::new();
            for name in names {
                let value = map.get(name.as_ref()).or_else(|| schema.element().field_default(name));
                if let Some(value) = value {
                    keys.insert(name.to_string(), value.clone());
                }
            }
            if keys.is_empty() {
                let names: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
                return Err(format!(
                    "associative list with keys has an element that omits all key fields [{}] (and doesn't have \
                     default values for any key fields)",
                    names.join(" ")
                ));
            }
            Ok(Step::keys(&keys))
        }
        ListType::Set if element.is_object() => {
            Err("associative list without keys has an element that's a map type".to_owned())
        }
        ListType::Set if element.is_array() => Err("not supported: associative list with lists as elements".to_owned()),
        ListType::Set if element.is_null() => {
            Err("associative list without keys has an element that's an explicit null".to_owned())
        }
        ListType::Set => Ok(Step::value(element)),
        ListType::Atomic => Err("invalid indexing of non-associative list".to_owned()),
    }
}

fn elements(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn child<'t>(schema: Schema<'t>, name: &str) -> Schema<'t> {
    schema.child(name).unwrap_or(schema.any())
}

/// The fields that an object has. Elements of a list with equal keys count as one field without anything below.
pub fn fields_of(schema: Schema<'_>, value: &Value) -> FieldSet {
    let mut set = FieldSet::default();
    collect(schema, value, &mut Vec::new(), &mut set);
    set
}

fn collect(schema: Schema<'_>, value: &Value, path: &mut Vec<Step>, set: &mut FieldSet) {
    match shape(schema, value) {
        Shape::Leaf => set.insert(path),
        Shape::Map => {
            for (name, value) in value.as_object().into_iter().flatten() {
                path.push(Step::field(name));
                collect(child(schema, name), value, path, set);
                let is_empty = value.is_null() || value.as_object().is_some_and(Map::is_empty);
                if is_empty || schema.field(name).is_none() {
                    set.insert(path);
                }
                path.pop();
            }
        }
        Shape::List => {
            let steps: Vec<_> = elements(value).iter().map(|element| element_step(schema, element).ok()).collect();
            for (element, step) in elements(value).iter().zip(&steps) {
                let Some(step) = step else { continue };
                path.push(step.clone());
                if steps.iter().flatten().filter(|other| *other == step).count() == 1 {
                    collect(schema.element(), element, path, set);
                }
                set.insert(path);
                path.pop();
            }
        }
    }
}

/// How a second object differs from a first. No field is in more than one of the sets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Only in the second.
    pub added: FieldSet,
    /// In both, with different values.
    pub modified: FieldSet,
    /// Only in the first.
    pub removed: FieldSet,
}

impl Comparison {
    /// The same without some fields and what is below them.
    #[must_use]
    pub fn without(&self, ignored: &FieldSet) -> Self {
        Self {
            added: self.added.without_below(ignored),
            modified: self.modified.without_below(ignored),
            removed: self.removed.without_below(ignored),
        }
    }
}

/// Compares two objects of one type.
pub fn compare(schema: Schema<'_>, first: &Value, second: &Value) -> Comparison {
    let mut comparison = Comparison::default();
    differ(schema, Some(first), Some(second), &mut Vec::new(), &mut comparison);
    comparison
}

fn differ(
    schema: Schema<'_>,
    first: Option<&Value>,
    second: Option<&Value>,
    path: &mut Vec<Step>,
    out: &mut Comparison,
) {
    let shapes = (first.map(|value| shape(schema, value)), second.map(|value| shape(schema, value)));
    let inner = match shapes {
        (Some(one), Some(other)) if one != other => {
            // A map became a scalar or the other way round: the field changed, and what was below it came or went.
            out.modified.insert(path);
            for (value, set) in [(first, &mut out.removed), (second, &mut out.added)] {
                let Some(value) = value else { continue };
                let mut below = FieldSet::default();
                collect(schema, value, path, &mut below);
                let mut own = FieldSet::default();
                own.insert(path);
                *set = std::mem::take(set).union(&below.difference(&own));
            }
            return;
        }
        (Some(shape), _) | (None, Some(shape)) => shape,
        (None, None) => return,
    };
    let is_empty = |value: Option<&Value>| match value {
        None | Some(Value::Null) => true,
        Some(Value::Array(list)) => list.is_empty(),
        Some(Value::Object(map)) => map.is_empty(),
        Some(_) => false,
    };
    if inner == Shape::Leaf || (is_empty(first) && is_empty(second)) {
        match (first, second) {
            (None, Some(_)) => out.added.insert(path),
            (Some(_), None) => out.removed.insert(path),
            (Some(first), Some(second)) if first != second => out.modified.insert(path),
            _ => {}
        }
        return;
    }
    if inner == Shape::Map {
        let empty = Map::new();
        let first_map = first.and_then(Value::as_object).unwrap_or(&empty);
        let second_map = second.and_then(Value::as_object).unwrap_or(&empty);
        let only_second = second_map.keys().filter(|name| !first_map.contains_key(*name));
        for name in first_map.keys().chain(only_second) {
            path.push(Step::field(name));
            differ(child(schema, name), first_map.get(name), second_map.get(name), path, out);
            path.pop();
        }
    } else {
        differ_lists(schema, first, second, path, out);
    }
    match (first, second) {
        (None, Some(_)) => out.added.insert(path),
        (Some(_), None) => out.removed.insert(path),
        _ => {}
    }
}

fn by_step<'v>(schema: Schema<'_>, value: Option<&'v Value>) -> BTreeMap<Step, Vec<&'v Value>> {
    let mut found: BTreeMap<Step, Vec<&Value>> = BTreeMap::new();
    for element in value.map_or(&[][..], elements) {
        if let Ok(step) = element_step(schema, element) {
            found.entry(step).or_default().push(element);
        }
    }
    found
}

fn differ_lists(
    schema: Schema<'_>,
    first: Option<&Value>,
    second: Option<&Value>,
    path: &mut Vec<Step>,
    out: &mut Comparison,
) {
    let (first, second) = (by_step(schema, first), by_step(schema, second));
    let only_second = second.keys().filter(|step| !first.contains_key(*step));
    for step in first.keys().chain(only_second) {
        let one = first.get(step).map_or(&[][..], Vec::as_slice);
        let other = second.get(step).map_or(&[][..], Vec::as_slice);
        path.push(step.clone());
        if one.len() <= 1 && other.len() <= 1 {
            differ(schema.element(), one.first().copied(), other.first().copied(), path, out);
        } else if one.len() > 1 && other.len() > 1 {
            if one != other {
                out.modified.insert(path);
            }
        } else if one.len() > 1 {
            differ(schema.element(), None, other.first().copied(), path, out);
            out.removed.insert(path);
        } else {
            differ(schema.element(), one.first().copied(), None, path, out);
            out.added.insert(path);
        }
        path.pop();
    }
}

/// The first object with the fields of the second laid over it. Lists whose elements are told apart keep the elements
/// of both, the second's in its order.
pub fn merge(schema: Schema<'_>, first: &Value, second: &Value) -> Value {
    if shape(schema, first) != shape(schema, second) {
        return second.clone();
    }
    match (first, second) {
        (Value::Object(one), Value::Object(other)) if shape(schema, first) == Shape::Map => {
            if one.is_empty() && other.is_empty() {
                return second.clone();
            }
            let mut out = one.clone();
            for (name, value) in other {
                let merged = match one.get(name) {
                    Some(before) => merge(child(schema, name), before, value),
                    None => value.clone(),
                };
                out.insert(name.clone(), merged);
            }
            Value::Object(out)
        }
        (Value::Array(one), Value::Array(other)) if shape(schema, first) == Shape::List => {
            Value::Array(merge_lists(schema, one, other))
        }
        // An explicit null takes nothing away from a map or a list that has something.
        (Value::Object(one), Value::Null) if !one.is_empty() => first.clone(),
        (Value::Array(one), Value::Null) if !one.is_empty() && shape(schema, first) == Shape::List => first.clone(),
        _ => second.clone(),
    }
}

fn merge_lists(schema: Schema<'_>, first: &[Value], second: &[Value]) -> Vec<Value> {
    let steps = |list: &[Value]| -> Vec<Option<Step>> {
        list.iter().map(|element| element_step(schema, element).ok()).collect()
    };
    let (first_steps, second_steps) = (steps(first), steps(second));
    let wanted: BTreeMap<&Step, &Value> =
        second_steps.iter().zip(second).filter_map(|(step, value)| Some((step.as_ref()?, value))).collect();
    let merged = |step: &Option<Step>, value: &Value| {
        let mut before = first_steps.iter().zip(first).filter(|(other, _)| *other == step);
        match (before.next(), before.next()) {
            (Some((_, before)), None) => merge(schema.element(), before, value),
            _ => value.clone(),
        }
    };
    let mut shared = second_steps.iter().flatten().filter(|step| first_steps.iter().flatten().any(|one| one == *step));
    let mut next_shared = shared.next();
    let mut out = Vec::with_capacity(first.len() + second.len());
    let mut taken: Vec<&Step> = Vec::new();
    let (mut left, mut right) = (0, 0);
    while left < first.len() || right < second.len() {
        let left_step = first_steps.get(left).and_then(Option::as_ref);
        let right_step = second_steps.get(right).and_then(Option::as_ref);
        if let (Some(one), Some(other)) = (left_step, right_step) {
            if one == other {
                if let Some(value) = second.get(right) {
                    out.push(merged(&Some(other.clone()), value));
                    taken.push(other);
                }
                left += 1;
                right += 1;
                next_shared = shared.next();
                continue;
            }
            if wanted.contains_key(one) && next_shared.is_some_and(|next| next != one) {
                // Shared, but its turn comes later, in the order of the second list.
                left += 1;
                continue;
            }
        }
        if let Some(value) = first.get(left) {
            match left_step {
                Some(step) if wanted.contains_key(step) => {
                    if taken.contains(&step) {
                        left += 1;
                    }
                }
                _ => {
                    out.push(value.clone());
                    left += 1;
                    continue;
                }
            }
        }
        if let Some(value) = second.get(right) {
            match right_step {
                Some(step) => {
                    out.push(merged(&Some(step.clone()), value));
                    taken.push(step);
                    if next_shared == Some(step) {
                        next_shared = shared.next();
                    }
                }
                None => out.push(value.clone()),
            }
            right += 1;
        }
    }
    out
}

/// An object without some of its fields. What contained them stays, if need be empty.
pub fn without(schema: Schema<'_>, value: &Value, fields: &FieldSet) -> Value {
    match (shape(schema, value), value) {
        (Shape::Map, Value::Object(map)) => {
            let kept = map.iter().filter_map(|(name, value)| {
                let step = Step::field(name);
                if fields.has(&step) {
                    return None;
                }
                let value = match fields.below(&step) {
                    Some(below) => without(child(schema, name), value, below),
                    None => value.clone(),
                };
                Some((name.clone(), value))
            });
            Value::Object(kept.collect())
        }
        (Shape::List, Value::Array(list)) => {
            let kept = list.iter().filter_map(|element| {
                let Ok(step) = element_step(schema, element) else { return Some(element.clone()) };
                if fields.has(&step) {
                    return None;
                }
                Some(match fields.below(&step) {
                    Some(below) => without(schema.element(), element, below),
                    None => element.clone(),
                })
            });
            Value::Array(kept.collect())
        }
        _ => value.clone(),
    }
}

/// A set with the parents of its fields that the type names: they count as owned when it is asked what may be removed.
pub fn with_named_parents(schema: Schema<'_>, set: &FieldSet) -> FieldSet {
    set.rewritten(|step, member, below| {
        let (inner, named) = match step.field_name() {
            Some(name) => (child(schema, name), schema.field(name).is_some()),
            None => (schema.element(), false),
        };
        (member || (named && !below.is_empty()), with_named_parents(inner, below))
    })
}

/// A set as it would be written today: where a type became atomic, the field itself instead of what was below it.
pub fn reconciled(schema: Schema<'_>, set: &FieldSet) -> FieldSet {
    set.rewritten(|step, member, below| {
        let inner = match step.field_name() {
            Some(name) => match schema.child(name) {
                Some(inner) => inner,
                None => return (member, below.clone()),
            },
            None => schema.element(),
        };
        let atomic = inner.is_atomic() || (inner.kind() == Kind::List && *inner.list_type() == ListType::Atomic);
        if atomic && !below.is_empty() {
            return (true, FieldSet::default());
        }
        (member, reconciled(inner, below))
    })
}

/// Whether a configuration somebody applies can be taken apart along its type: no unknown fields, no values of the
/// wrong type, no two elements of a list with equal keys.
pub fn check(schema: Schema<'_>, value: &Value) -> Result<(), WrongType> {
    check_at(schema, value, &mut String::new())
}

fn check_at(schema: Schema<'_>, value: &Value, path: &mut String) -> Result<(), WrongType> {
    let wrong = |path: &str, problem: String| WrongType { path: path.to_owned(), problem };
    let length = path.len();
    match (schema.kind(), value) {
        (_, Value::Null) | (Kind::Any, _) => {}
        (Kind::Map, Value::Object(map)) => {
            for (name, value) in map {
                path.push('.');
                path.push_str(name);
                let Some(inner) = schema.child(name) else {
                    return Err(wrong(path, "field not declared in schema".to_owned()));
                };
                check_at(inner, value, path)?;
                path.truncate(length);
            }
        }
        (Kind::List, Value::Array(list)) => {
            let mut seen = Vec::new();
            for (index, element) in list.iter().enumerate() {
                if *schema.list_type() == ListType::Atomic {
                    let _ = write!(path, "[{index}]");
                } else {
                    let step = element_step(schema, element)
                        .map_err(|problem| wrong(path, format!("element {index}: {problem}")))?;
                    let text = super::fields::display(std::slice::from_ref(&step));
                    if seen.contains(&step) {
                        return Err(wrong(path, format!("duplicate entries for key {text}")));
                    }
                    seen.push(step);
                    path.push_str(&text);
                }
                check_at(schema.element(), element, path)?;
                path.truncate(length);
            }
        }
        (Kind::Map, _) => return Err(wrong(path, format!("expected map, got {}", shown(value)))),
        (Kind::List, _) => return Err(wrong(path, format!("expected list, got {}", shown(value)))),
        (kind, value) => {
            let (fits, expected) = match kind {
                Kind::Boolean => (value.is_boolean(), "boolean"),
                Kind::Integer | Kind::Number => (value.is_number(), "numeric (int or float)"),
                Kind::String => (value.is_string(), "string"),
                _ => (!value.is_object() && !value.is_array(), "any scalar"),
            };
            if !fits {
                return Err(wrong(path, format!("expected {expected}, got {}", shown(value))));
            }
        }
    }
    Ok(())
}

/// A value of the wrong type as a Go program prints it.
fn shown(value: &Value) -> String {
    format!("&value.valueUnstructured{{Value:{value}}}")
}
