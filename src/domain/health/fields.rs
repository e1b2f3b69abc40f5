//! Reading the fields of an object as strictly as Argo CD does: a missing or null field is its type's zero, a value of
//! the wrong type is an error.

use serde_json::{Map, Value};

use super::types::HealthError;
use crate::domain::manifest::Object;

/// An object, or one entry of a list in it.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    kind: &'a str,
    /// Where in the object this is; empty for the object itself.
    place: &'static str,
}

impl<'a> Fields<'a> {
    pub(super) fn of(object: &'a Object) -> Self {
        Self { map: object.as_json(), kind: object.kind(), place: "" }
    }

    /// A string; empty where it is missing.
    pub(super) fn text(&self, path: &[&str]) -> Result<&'a str, HealthError> {
        self.read(path, "a string", Value::as_str).map(Option::unwrap_or_default)
    }

    /// An integer; 0 where it is missing.
    pub(super) fn integer(&self, path: &[&str]) -> Result<i64, HealthError> {
        self.optional_integer(path).map(Option::unwrap_or_default)
    }

    /// An integer, or `None` where it is missing.
    pub(super) fn optional_integer(&self, path: &[&str]) -> Result<Option<i64>, HealthError> {
        self.read(path, "an integer", Value::as_i64)
    }

    /// A boolean; false where it is missing.
    pub(super) fn boolean(&self, path: &[&str]) -> Result<bool, HealthError> {
        self.read(path, "a boolean", Value::as_bool).map(Option::unwrap_or_default)
    }

    /// Whether there is an object at the path.
    pub(super) fn has_object(&self, path: &[&str]) -> Result<bool, HealthError> {
        self.read(path, "an object", Value::as_object).map(|map| map.is_some())
    }

    /// The entries of a list of objects; none where it is missing. `place` names the list in errors.
    pub(super) fn list(&self, path: &[&str], place: &'static str) -> Result<Vec<Self>, HealthError> {
        let entries = self.read(path, "a list", Value::as_array)?.map(Vec::as_slice).unwrap_or_default();
        let fields = |entry: &'a Value| match entry.as_object() {
            Some(map) => Ok(Self { map, kind: self.kind, place }),
            None => Err(self.wrong(format!("{place}[]"), "an object")),
        };
        entries.iter().map(fields).collect()
    }

    fn read<T>(
        &self,
        path: &[&str],
        expected: &'static str,
        cast: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, HealthError> {
        let Some((last, parents)) = path.split_last() else { return Ok(None) };
        let mut map = self.map;
        for (depth, parent) in parents.iter().enumerate() {
            match map.get(*parent) {
                None | Some(Value::Null) => return Ok(None),
                Some(Value::Object(child)) => map = child,
                Some(_) => return Err(self.wrong(self.path(path.get(..=depth).unwrap_or(path)), "an object")),
            }
        }
        match map.get(*last) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match cast(value) {
                Some(value) => Ok(Some(value)),
                None => Err(self.wrong(self.path(path), expected)),
            },
        }
    }

    fn path(&self, path: &[&str]) -> String {
        let path = path.join(".");
        if self.place.is_empty() { path } else { format!("{}[].{path}", self.place) }
    }

    fn wrong(&self, field: String, expected: &'static str) -> HealthError {
        HealthError::Field { kind: self.kind.to_owned(), field, expected }
    }
}
