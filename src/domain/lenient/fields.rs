//! The fields of one JSON object, read one by one.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::LazyLock;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::Problems;
use super::problem::Notes;
use super::text::{time, word};

static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

/// A JSON object being read. `null` is the same as missing, as it is to Go.
pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    trail: Trail<'a>,
    notes: &'a Notes,
}

/// Where an object is within the whole; made into text only for a problem.
#[derive(Clone, Copy)]
enum Trail<'a> {
    Root,
    Field(&'a Trail<'a>, &'a str),
    Item(&'a Trail<'a>, &'a str, usize),
}

impl Trail<'_> {
    fn push_to(&self, path: &mut String) {
        let (before, name) = match self {
            Self::Root => return,
            Self::Field(before, name) | Self::Item(before, name, _) => (before, name),
        };
        before.push_to(path);
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name);
        if let Self::Item(_, _, index) = self {
            // Writing to a String cannot fail.
            let _ = write!(path, "[{index}]");
        }
    }
}

impl Fields<'_> {
    /// Reads a whole value with `read`; one that is not an object is a problem and reads as an empty object.
    pub(crate) fn read<T>(value: &Value, read: impl FnOnce(&Fields<'_>) -> T) -> (T, Problems) {
        let notes = Notes::default();
        let map = value.as_object().unwrap_or_else(|| {
            notes.add(String::new, "an object", value);
            &EMPTY
        });
        let read = read(&Fields { map, trail: Trail::Root, notes: &notes });
        (read, notes.into_problems())
    }

    /// As `read`, of something already known to be an object.
    pub(crate) fn read_map<T>(map: &Map<String, Value>, read: impl FnOnce(&Fields<'_>) -> T) -> (T, Problems) {
        let notes = Notes::default();
        let read = read(&Fields { map, trail: Trail::Root, notes: &notes });
        (read, notes.into_problems())
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    fn wrong(&self, name: &str, expected: &'static str, found: &Value) {
        let path = || {
            let mut path = String::new();
            Trail::Field(&self.trail, name).push_to(&mut path);
            path
        };
        self.notes.add(path, expected, found);
    }

    /// The value, if `pick` takes it; else a problem.
    fn pick<'s, T>(
        &'s self,
        name: &str,
        expected: &'static str,
        pick: impl FnOnce(&'s Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(name)?;
        let picked = pick(value);
        if picked.is_none() {
            self.wrong(name, expected, value);
        }
        picked
    }

    /// Whether the field is there and not null, of whatever type.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A string, empty by default.
    pub(crate) fn text(&self, name: &str) -> String {
        self.pick(name, "a string", Value::as_str).unwrap_or_default().to_owned()
    }

    /// A boolean, false by default.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.optional_flag(name).unwrap_or_default()
    }

    /// A boolean that may be missing.
    pub(crate) fn optional_flag(&self, name: &str) -> Option<bool> {
        self.pick(name, "true or false", Value::as_bool)
    }

    /// A whole number, 0 by default.
    pub(crate) fn integer(&self, name: &str) -> i64 {
        self.optional_integer(name).unwrap_or_default()
    }

    /// A whole number that may be missing.
    pub(crate) fn optional_integer(&self, name: &str) -> Option<i64> {
        self.pick(name, "a whole number", Value::as_i64)
    }

    /// A time; an empty string is none.
    pub(crate) fn time(&self, name: &str) -> Option<Timestamp> {
        self.pick(name, "an RFC 3339 time", |value| match value.as_str()? {
            "" => Some(None),
            text => time(text).map(Some),
        })?
    }

    /// A word of an enum; an empty string is none, an unknown word is none and a problem.
    pub(crate) fn word<T: serde::de::DeserializeOwned>(&self, name: &str, expected: &'static str) -> Option<T> {
        self.word_or(name, expected, &[])
    }

    /// As `word`; the words of `also` are known too, and read as none.
    pub(crate) fn word_or<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        expected: &'static str,
        also: &[&str],
    ) -> Option<T> {
        self.pick(name, expected, |value| match value.as_str()? {
            "" => Some(None),
            text if also.contains(&text) => Some(None),
            text => word(text).map(Some),
        })?
    }

    /// The whole object as it is.
    pub(crate) fn whole(&self) -> Value {
        Value::Object(self.map.clone())
    }

    /// An object as it is.
    pub(crate) fn object_value(&self, name: &str) -> Option<Value> {
        self.pick(name, "an object", |value| value.is_object().then(|| value.clone()))
    }

    /// A list of objects as they are; what is not an object is left out.
    pub(crate) fn object_values(&self, name: &str) -> Vec<Value> {
        self.list(name, |fields| Value::Object(fields.map.clone()))
    }

    /// Reads an object; `None` where it is missing or is not an object.
    pub(crate) fn object<T>(&self, name: &str, read: impl FnOnce(&Fields<'_>) -> T) -> Option<T> {
        let map = self.pick(name, "an object", Value::as_object)?;
        Some(read(&Fields { map, trail: Trail::Field(&self.trail, name), notes: self.notes }))
    }

    /// Reads an object, an empty one where it is missing.
    pub(crate) fn object_or_empty<T>(&self, name: &str, read: impl FnOnce(&Fields<'_>) -> T) -> T {
        let map = self.pick(name, "an object", Value::as_object).unwrap_or(&EMPTY);
        read(&Fields { map, trail: Trail::Field(&self.trail, name), notes: self.notes })
    }

    /// Reads each object of a list; what is not an object is a problem and left out.
    pub(crate) fn list<T>(&self, name: &str, mut read: impl FnMut(&Fields<'_>) -> T) -> Vec<T> {
        let items = self.pick(name, "a list", Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut all = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let trail = Trail::Item(&self.trail, name, index);
            if let Value::Object(map) = item {
                all.push(read(&Fields { map, trail, notes: self.notes }));
            } else {
                self.wrong_item(&trail, "an object", item);
            }
        }
        all
    }

    /// A list of strings; what is not a string is a problem and, to keep the positions, an empty string.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let items = self.pick(name, "a list", Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut all = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            if !item.is_string() {
                self.wrong_item(&Trail::Item(&self.trail, name, index), "a string", item);
            }
            all.push(item.as_str().unwrap_or_default().to_owned());
        }
        all
    }

    /// An object of strings (labels, annotations); what is not a string is a problem and left out.
    pub(crate) fn strings(&self, name: &str) -> BTreeMap<String, String> {
        self.object_or_empty(name, |fields| {
            let of = |(key, value): (&String, &Value)| match value {
                Value::String(text) => Some((key.clone(), text.clone())),
                Value::Null => None,
                other => {
                    fields.wrong(key, "a string", other);
                    None
                }
            };
            fields.map.iter().filter_map(of).collect()
        })
    }

    fn wrong_item(&self, trail: &Trail<'_>, expected: &'static str, found: &Value) {
        let path = || {
            let mut path = String::new();
            trail.push_to(&mut path);
            path
        };
        self.notes.add(path, expected, found);
    }
}
