//! Reads a YAML document field by field and collects every problem, each with its path and line.

use std::fmt;

use jiff::SignedDuration;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_yaml::{Mapping, Value};

use super::Pattern;

/// Larger texts are refused: these files are written by hand.
const MAX_BYTES: usize = 16 << 20;

/// The longest duration a file may name.
const MAX_DURATION: SignedDuration = SignedDuration::from_hours(24 * 365);

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, as `world.pods[2].match`; empty for the file as a whole.
    pub path: String,
    /// The line, from 1; `None` where it is not known.
    pub line: Option<usize>,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(formatter, "line {line}: ")?;
        }
        if !self.path.is_empty() {
            write!(formatter, "{}: ", self.path)?;
        }
        formatter.write_str(&self.message)
    }
}

/// Everything that is wrong with a file, in the order of its lines. Reading it again will not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin} is not valid:{}", list(problems))]
pub struct ScenarioError {
    /// The name of the file, as the caller gave it.
    pub origin: String,
    /// At least one problem.
    pub problems: Vec<Problem>,
}

fn list(problems: &[Problem]) -> String {
    problems.iter().fold(String::new(), |list, problem| list + "\n  " + &problem.to_string())
}

/// One step of a path into the document.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

/// A value and where it stands.
#[derive(Clone)]
pub(crate) struct Node<'a> {
    value: &'a Value,
    path: Vec<Step>,
}

/// The fields of a mapping whose keys are all known.
pub(crate) struct Fields<'a> {
    map: &'a Mapping,
    path: Vec<Step>,
}

/// What was found wrong so far.
#[derive(Default)]
pub(crate) struct Problems {
    found: Vec<(Vec<Step>, bool, String)>,
}

/// Reads a document with `read`; the result only counts if nothing was wrong.
pub(crate) fn read_document<T>(
    origin: &str,
    text: &str,
    read: impl FnOnce(&Node<'_>, &mut Problems) -> T,
) -> Result<T, ScenarioError> {
    let refuse = |line, message: String| ScenarioError {
        origin: origin.to_owned(),
        problems: vec![Problem { path: String::new(), line, message }],
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > MAX_BYTES {
        return Err(refuse(None, format!("the file is larger than {} MiB", MAX_BYTES >> 20)));
    }
    let mut value: Value = serde_yaml::from_str(text)
        .map_err(|error| refuse(error.location().map(|location| location.line()), error.to_string()))?;
    value.apply_merge().map_err(|error| refuse(error.location().map(|location| location.line()), error.to_string()))?;
    let mut problems = Problems::default();
    let result = read(&Node { value: &value, path: Vec::new() }, &mut problems);
    if problems.found.is_empty() {
        return Ok(result);
    }
    let mut problems: Vec<Problem> = problems
        .found
        .into_iter()
        .map(|(path, at_key, message)| Problem { line: line_of(text, &path, at_key), path: show(&path), message })
        .collect();
    problems.sort_by_key(|problem| problem.line);
    Err(ScenarioError { origin: origin.to_owned(), problems })
}

impl Problems {
    fn at(&mut self, path: &[Step], message: String) {
        self.found.push((path.to_vec(), false, message));
    }
}

impl<'a> Node<'a> {
    /// Says that something is wrong here.
    pub(crate) fn refuse(&self, problems: &mut Problems, message: impl Into<String>) {
        problems.at(&self.path, message.into());
    }

    /// The value itself.
    pub(crate) fn value(&self) -> &'a Value {
        self.value
    }

    /// Whether it is a mapping.
    pub(crate) fn is_mapping(&self) -> bool {
        self.value.is_mapping()
    }

    /// Its fields; keys other than `known` are problems.
    pub(crate) fn fields(&self, problems: &mut Problems, known: &[&str]) -> Option<Fields<'a>> {
        let Value::Mapping(map) = self.value else {
            self.refuse(problems, format!("expected a mapping with {}, found {}", known.join(", "), what(self.value)));
            return None;
        };
        for key in map.keys() {
            match key.as_str() {
                Some(key) if known.contains(&key) => {}
                Some(key) => {
                    let mut path = self.path.clone();
                    path.push(Step::Key(key.to_owned()));
                    problems.found.push((path, true, format!("unknown key; known here: {}", known.join(", "))));
                }
                None => self.refuse(problems, format!("a key is {}, not a text", what(key))),
            }
        }
        Some(Fields { map, path: self.path.clone() })
    }

    /// The elements of a list.
    pub(crate) fn list(&self, problems: &mut Problems) -> Vec<Node<'a>> {
        let Value::Sequence(list) = self.value else {
            self.refuse(problems, format!("expected a list, found {}", what(self.value)));
            return Vec::new();
        };
        list.iter()
            .enumerate()
            .map(|(index, value)| {
                let mut path = self.path.clone();
                path.push(Step::Index(index));
                Node { value, path }
            })
            .collect()
    }

    /// A text; numbers and booleans are taken as they are written.
    pub(crate) fn text(&self, problems: &mut Problems) -> Option<String> {
        match self.value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            other => {
                self.refuse(problems, format!("expected a text, found {}", what(other)));
                None
            }
        }
    }

    /// `true` or `false`.
    pub(crate) fn truth(&self, problems: &mut Problems) -> Option<bool> {
        let truth = self.value.as_bool();
        if truth.is_none() {
            self.refuse(problems, format!("expected true or false, found {}", what(self.value)));
        }
        truth
    }

    /// A whole number between `least` and `most`.
    pub(crate) fn number(&self, problems: &mut Problems, least: i64, most: i64) -> Option<i64> {
        let number = self.value.as_i64().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let found = what(self.value);
            self.refuse(problems, format!("expected a whole number from {least} to {most}, found {found}"));
        }
        number
    }

    /// A duration: `0.5s`, `200ms`, `1m 30s`.
    pub(crate) fn duration(&self, problems: &mut Problems) -> Option<SignedDuration> {
        let duration = match self.value {
            Value::String(text) => text.parse::<SignedDuration>().ok(),
            Value::Number(number) if number.as_i64() == Some(0) => Some(SignedDuration::ZERO),
            _ => None,
        };
        let duration = duration.filter(|duration| !duration.is_negative() && *duration <= MAX_DURATION);
        if duration.is_none() {
            let found = what(self.value);
            self.refuse(problems, format!("expected a duration such as 0.5s, 200ms or 1m 30s, found {found}"));
        }
        duration
    }

    /// A glob.
    pub(crate) fn pattern(&self, problems: &mut Problems) -> Option<Pattern> {
        self.text(problems).map(Pattern::new)
    }

    /// The keys and values of a mapping that may have any keys.
    pub(crate) fn entries(&self, problems: &mut Problems) -> Vec<(String, Node<'a>)> {
        let Value::Mapping(map) = self.value else {
            self.refuse(problems, format!("expected a mapping, found {}", what(self.value)));
            return Vec::new();
        };
        let mut entries = Vec::new();
        for (key, value) in map {
            match key.as_str() {
                Some(key) => {
                    let mut path = self.path.clone();
                    path.push(Step::Key(key.to_owned()));
                    entries.push((key.to_owned(), Node { value, path }));
                }
                None => self.refuse(problems, format!("a key is {}, not a text", what(key))),
            }
        }
        entries
    }
}

impl<'a> Fields<'a> {
    /// The field of this name; `None` where it is missing or null.
    pub(crate) fn get(&self, name: &str) -> Option<Node<'a>> {
        let value = self.map.get(name).filter(|value| !value.is_null())?;
        let mut path = self.path.clone();
        path.push(Step::Key(name.to_owned()));
        Some(Node { value, path })
    }

    /// The field of this name, whose lack is a problem.
    pub(crate) fn need(&self, problems: &mut Problems, name: &str) -> Option<Node<'a>> {
        let node = self.get(name);
        if node.is_none() {
            problems.at(&self.path, format!("{name} is missing"));
        }
        node
    }

    /// A text, empty where it is missing.
    pub(crate) fn text(&self, problems: &mut Problems, name: &str) -> String {
        self.get(name).and_then(|node| node.text(problems)).unwrap_or_default()
    }

    /// A glob, where there is one.
    pub(crate) fn pattern(&self, problems: &mut Problems, name: &str) -> Option<Pattern> {
        self.get(name)?.pattern(problems)
    }

    /// A list of globs, empty where it is missing.
    pub(crate) fn patterns(&self, problems: &mut Problems, name: &str) -> Vec<Pattern> {
        let list = self.get(name).map(|node| node.list(problems)).unwrap_or_default();
        list.iter().filter_map(|node| node.pattern(problems)).collect()
    }

    /// A duration, where there is one.
    pub(crate) fn duration(&self, problems: &mut Problems, name: &str) -> Option<SignedDuration> {
        self.get(name)?.duration(problems)
    }

    /// The elements of a list, none where it is missing.
    pub(crate) fn list(&self, problems: &mut Problems, name: &str) -> Vec<Node<'a>> {
        self.get(name).map(|node| node.list(problems)).unwrap_or_default()
    }
}

fn what(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.chars().count() > 40 => "a long text".to_owned(),
        Value::String(text) => format!("{text:?}"),
        Value::Sequence(_) => "a list".to_owned(),
        Value::Mapping(_) => "a mapping".to_owned(),
        Value::Tagged(tagged) => format!("the tag {}", tagged.tag),
    }
}

fn show(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => {
                text.push('.');
                text.push_str(key);
            }
            Step::Index(index) => text.extend(["[", index.to_string().as_str(), "]"]),
        }
    }
    text
}

/// The line on which a key of a document stands, for what is found wrong with its value only later.
pub(crate) fn line_of_key(text: &str, path: &[&str]) -> Option<usize> {
    let path: Vec<Step> = path.iter().map(|key| Step::Key((*key).to_owned())).collect();
    line_of(text, &path, true)
}

/// The line on which the value at `path` (or its key) begins. `serde_yaml` tells places only of errors, so a second
/// read goes down the path and fails there on purpose.
fn line_of(text: &str, path: &[Step], at_key: bool) -> Option<usize> {
    let seek = Seek { path, at_key };
    let error = seek.deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
    error.location().map(|location| location.line())
}

const FOUND: &str = "found";

struct Seek<'p> {
    path: &'p [Step],
    at_key: bool,
}

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(FOUND)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((Step::Key(wanted), rest)) = self.path.split_first() else {
            return Err(A::Error::custom(FOUND));
        };
        let here = self.at_key && rest.is_empty();
        while let Some(found) = map.next_key_seed(Key { wanted, fail: here })? {
            if found {
                return map.next_value_seed(Seek { path: rest, at_key: self.at_key });
            }
            map.next_value::<serde::de::IgnoredAny>()?;
        }
        Err(A::Error::custom(FOUND))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Some((Step::Index(wanted), rest)) = self.path.split_first() else {
            return Err(A::Error::custom(FOUND));
        };
        for _ in 0..*wanted {
            list.next_element::<serde::de::IgnoredAny>()?;
        }
        list.next_element_seed(Seek { path: rest, at_key: self.at_key })?;
        Err(A::Error::custom(FOUND))
    }
}

/// Reads a key and says whether it is the wanted one.
struct Key<'p> {
    wanted: &'p str,
    fail: bool,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<bool, E> {
        if key == self.wanted && self.fail { Err(E::custom(FOUND)) } else { Ok(key == self.wanted) }
    }
}
