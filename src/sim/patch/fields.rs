//! Sets of fields: who owns what. A field is named by the path to it, each step being a field name, the keys of a list
//! element, or the value of a set element, in the notation of `FieldsV1`: `f:name`, `k:{"name":"web"}`, `v:"text"`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

/// How deep a set from outside may nest.
const DEEPEST: usize = 128;

/// One step of a path, as `FieldsV1` writes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step(Box<str>);

impl Step {
    /// The field of an object, or the key of a map.
    pub fn field(name: &str) -> Self {
        Self(format!("f:{name}").into())
    }

    /// The element of a list with these keys.
    pub fn keys(keys: &Map<String, Value>) -> Self {
        Self(format!("k:{}", Value::Object(keys.clone())).into())
    }

    /// The element of a set.
    pub fn value(value: &Value) -> Self {
        Self(format!("v:{value}").into())
    }

    /// Reads a step; keys and values are brought into one form, so that equal ones compare equal.
    fn parse(text: &str) -> Option<Self> {
        match text.split_at_checked(2)? {
            ("f:", _) => Some(Self(text.into())),
            ("k:", keys) => Some(Self::keys(serde_json::from_str::<Value>(keys).ok()?.as_object()?)),
            ("v:", value) => Some(Self::value(&serde_json::from_str(value).ok()?)),
            ("i:", index) => index.parse::<u32>().ok().map(|_| Self(text.into())),
            _ => None,
        }
    }

    /// The name, if this is a field.
    pub fn field_name(&self) -> Option<&str> {
        self.0.strip_prefix("f:")
    }

    /// As it stands in a path for people: `.name`, `[name="web"]`, `[="text"]`.
    fn display(&self, out: &mut String) {
        if let Some(name) = self.field_name() {
            out.push('.');
            out.push_str(name);
        } else if let Some(keys) = self.0.strip_prefix("k:") {
            let keys = serde_json::from_str::<Map<String, Value>>(keys).unwrap_or_default();
            let keys: Vec<_> = keys.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let _ = write!(out, "[{}]", keys.join(","));
        } else if let Some(value) = self.0.strip_prefix("v:") {
            let _ = write!(out, "[={value}]");
        } else if let Some(index) = self.0.strip_prefix("i:") {
            let _ = write!(out, "[{index}]");
        }
    }
}

/// A path for people: `.spec.containers[name="web"].image`.
pub fn display(path: &[Step]) -> String {
    let mut out = String::new();
    for step in path {
        step.display(&mut out);
    }
    out
}

/// A set of fields. A parent may be in it without its children and the other way round.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldSet(BTreeMap<Step, Entry>);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Entry {
    member: bool,
    below: FieldSet,
}

impl Entry {
    fn is_empty(&self) -> bool {
        !self.member && self.below.is_empty()
    }
}

impl FieldSet {
    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(Entry::is_empty)
    }

    /// Adds one field; the parents are not added. The empty path, the object as a whole, belongs to nobody.
    pub fn insert(&mut self, path: &[Step]) {
        let Some((first, rest)) = path.split_first() else { return };
        let entry = self.0.entry(first.clone()).or_default();
        if rest.is_empty() {
            entry.member = true;
        } else {
            entry.below.insert(rest);
        }
    }

    /// A set of paths of field names.
    pub fn of_fields(paths: &[&[&str]]) -> Self {
        let mut set = Self::default();
        for path in paths {
            set.insert(&path.iter().map(|name| Step::field(name)).collect::<Vec<_>>());
        }
        set
    }

    /// Whether the field itself is in the set.
    pub fn contains(&self, path: &[Step]) -> bool {
        let Some((first, rest)) = path.split_first() else { return false };
        self.0.get(first).is_some_and(|entry| if rest.is_empty() { entry.member } else { entry.below.contains(rest) })
    }

    /// Whether a child is in the set.
    pub fn has(&self, step: &Step) -> bool {
        self.0.get(step).is_some_and(|entry| entry.member)
    }

    /// What is below a child; `None` where nothing is.
    pub fn below(&self, step: &Step) -> Option<&Self> {
        self.0.get(step).map(|entry| &entry.below).filter(|below| !below.is_empty())
    }

    /// What is in either.
    #[must_use]
    pub fn union(mut self, other: &Self) -> Self {
        for (step, entry) in &other.0 {
            let mine = self.0.entry(step.clone()).or_default();
            mine.member |= entry.member;
            mine.below = std::mem::take(&mut mine.below).union(&entry.below);
        }
        self
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.filtered(|step, entry| {
            let theirs = other.0.get(step)?;
            Some(Entry { member: entry.member && theirs.member, below: entry.below.intersection(&theirs.below) })
        })
    }

    /// What is in this one only. A parent does not take its children with it.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.filtered(|step, entry| {
            Some(match other.0.get(step) {
                Some(theirs) => {
                    Entry { member: entry.member && !theirs.member, below: entry.below.difference(&theirs.below) }
                }
                None => entry.clone(),
            })
        })
    }

    /// What is in this one only; a parent takes its children with it.
    #[must_use]
    pub fn without_below(&self, other: &Self) -> Self {
        self.filtered(|step, entry| match other.0.get(step) {
            Some(theirs) if theirs.member => None,
            Some(theirs) => Some(Entry { member: entry.member, below: entry.below.without_below(&theirs.below) }),
            None => Some(entry.clone()),
        })
    }

    fn filtered(&self, keep: impl Fn(&Step, &Entry) -> Option<Entry>) -> Self {
        let kept = self.0.iter().filter_map(|(step, entry)| Some((step.clone(), keep(step, entry)?)));
        Self(kept.filter(|(_, entry)| !entry.is_empty()).collect())
    }

    /// Rewrites the set step by step: `change` gets every child, whether it is in the set and what is below it.
    #[must_use]
    pub fn rewritten(&self, mut change: impl FnMut(&Step, bool, &Self) -> (bool, Self)) -> Self {
        let mut set = Self::default();
        for (step, entry) in &self.0 {
            let (member, below) = change(step, entry.member, &entry.below);
            let entry = Entry { member, below };
            if !entry.is_empty() {
                set.0.insert(step.clone(), entry);
            }
        }
        set
    }

    /// All fields in the set: at each level first the members, then what is below.
    pub fn paths(&self) -> Vec<Vec<Step>> {
        let mut paths = Vec::new();
        self.collect(&mut Vec::new(), &mut paths);
        paths
    }

    fn collect(&self, prefix: &mut Vec<Step>, paths: &mut Vec<Vec<Step>>) {
        for (step, _) in self.0.iter().filter(|(_, entry)| entry.member) {
            paths.push(prefix.iter().chain([step]).cloned().collect());
        }
        for (step, entry) in &self.0 {
            prefix.push(step.clone());
            entry.below.collect(prefix, paths);
            prefix.pop();
        }
    }

    /// Reads `fieldsV1`; `None` where it is not in that format.
    pub fn from_json(value: &Value) -> Option<Self> {
        Self::read(value, 0)
    }

    fn read(value: &Value, depth: usize) -> Option<Self> {
        if depth > DEEPEST {
            return None;
        }
        let mut set = Self::default();
        for (text, below) in value.as_object()? {
            if text == "." {
                continue;
            }
            let object = below.as_object()?;
            let member = object.is_empty() || object.contains_key(".");
            let below = Self::read(below, depth + 1)?;
            let entry = set.0.entry(Step::parse(text)?).or_default();
            entry.member |= member;
            entry.below = std::mem::take(&mut entry.below).union(&below);
        }
        Some(set)
    }

    /// Writes `fieldsV1`.
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        for (step, entry) in &self.0 {
            if entry.is_empty() {
                continue;
            }
            let mut below = entry.below.to_json();
            if let Value::Object(fields) = &mut below
                && entry.member
                && !fields.is_empty()
            {
                fields.insert(".".to_owned(), Value::Object(Map::new()));
            }
            map.insert(step.0.to_string(), below);
        }
        Value::Object(map)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_v1_survives_a_round_trip_in_one_form() {
        let written = json!({
            "f:spec": {
                "f:containers": {"k:{\"protocol\":\"TCP\",\"containerPort\":80}": {".": {}, "f:name": {}}},
                "f:replicas": {},
            },
            "f:metadata": {"f:finalizers": {".": {}, "v:\"a/b\"": {}}},
        });
        let set = FieldSet::from_json(&written).unwrap();
        let again = set.to_json();
        assert_eq!(
            again["f:spec"]["f:containers"],
            json!({"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}}})
        );
        assert_eq!(FieldSet::from_json(&again), Some(set.clone()));
        let paths: Vec<_> = set.paths().iter().map(|path| display(path)).collect();
        assert_eq!(
            paths,
            [
                ".metadata.finalizers",
                ".metadata.finalizers[=\"a/b\"]",
                ".spec.replicas",
                ".spec.containers[containerPort=80,protocol=\"TCP\"]",
                ".spec.containers[containerPort=80,protocol=\"TCP\"].name",
            ]
        );
    }

    #[test]
    fn a_parent_leaves_its_children_unless_asked() {
        let set = FieldSet::of_fields(&[&["a"], &["a", "b"], &["c"]]);
        let parent = FieldSet::of_fields(&[&["a"]]);
        assert_eq!(set.difference(&parent), FieldSet::of_fields(&[&["a", "b"], &["c"]]));
        assert_eq!(set.without_below(&parent), FieldSet::of_fields(&[&["c"]]));
        assert_eq!(set.intersection(&parent), parent);
        assert_eq!(parent.clone().union(&set), set);
    }

    #[test]
    fn what_is_not_fields_v1_is_refused() {
        for bad in [json!([]), json!({"x": {}}), json!({"f:a": 1}), json!({"k:{": {}}), json!({"é": {}})] {
            assert_eq!(FieldSet::from_json(&bad), None, "{bad}");
        }
    }
}
