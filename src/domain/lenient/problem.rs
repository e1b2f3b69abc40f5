//! What was found where something else was expected.

use std::cell::RefCell;
use std::fmt;

use serde_json::Value;

use super::text::cut;

/// A field that could not be read. The field has its default instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: field names joined by dots, list positions in brackets, for example
    /// `status.operationState.syncResult.resources[3].hookPhase`.
    pub path: String,
    /// What should have been there, for example `a string`.
    pub expected: &'static str,
    /// What is there: its type, and for a short string the string.
    pub found: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: expected {}, found {}", self.path, self.expected, self.found)
    }
}

/// The problems of one reading, in the order in which the fields were read. Bounded: an object with thousands of wrong
/// fields reports the first [`Problems::MOST`] and how many more there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems {
    list: Vec<Problem>,
    more: usize,
}

impl Problems {
    /// So many problems are kept, the rest are counted.
    pub const MOST: usize = 100;

    /// The problems that were kept.
    pub fn list(&self) -> &[Problem] {
        &self.list
    }

    /// How many there were beyond those that were kept.
    pub fn more(&self) -> usize {
        self.more
    }

    /// Whether everything could be read.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    fn add(&mut self, problem: impl FnOnce() -> Problem) {
        if self.list.len() < Self::MOST {
            self.list.push(problem());
        } else {
            self.more = self.more.saturating_add(1);
        }
    }
}

/// Where a reading in progress notes its problems.
#[derive(Debug, Default)]
pub(crate) struct Notes(RefCell<Problems>);

impl Notes {
    pub(super) fn add(&self, path: impl FnOnce() -> String, expected: &'static str, found: &Value) {
        self.0.borrow_mut().add(|| Problem { path: cut(&path(), 512).to_owned(), expected, found: describe(found) });
    }

    pub(super) fn into_problems(self) -> Problems {
        self.0.into_inner()
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(text) if text.chars().count() <= 40 => format!("{text:?}"),
        Value::String(_) => "a long string".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
