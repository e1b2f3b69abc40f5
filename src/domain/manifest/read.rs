//! Reads sources of many objects.

use std::sync::Arc;

use serde_json::Value;

use super::budget::Budget;
use super::json;
use super::limits::Limits;
use super::object::{NotAnObject, Object};
use super::place::{Fault, ManifestError, Place};
use super::split::{Chunk, chunks};
use super::yaml;

/// An object and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The object.
    pub object: Object,
    /// Its place.
    pub place: Place,
}

/// What was read of one source: the objects of the documents that could be read, and what is wrong with the others.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Manifests {
    /// The objects in the order in which they are written.
    pub objects: Vec<Manifest>,
    /// What is wrong, in the order in which it is written.
    pub errors: Vec<ManifestError>,
}

/// Reads a source of YAML or JSON: many documents, lists flattened, documents without content left out. `source` is the
/// name it has in errors and places.
///
/// YAML and streams of JSON are read as kubectl reads them. A source that is called `.json` is read as Argo CD reads such
/// a file: JSON without leniency, and one object in it.
pub fn read(source: impl Into<Arc<str>>, bytes: &[u8]) -> Manifests {
    read_within(source, bytes, Limits::default())
}

/// As [`read`], within other limits.
pub fn read_within(source: impl Into<Arc<str>>, bytes: &[u8], limits: Limits) -> Manifests {
    let mut reader = Reader { source: source.into(), limits, budget: Budget::new(limits), read: Manifests::default() };
    match text(bytes, limits) {
        Ok(text) if reader.source.ends_with(".json") => reader.json_file(text),
        Ok(text) => reader.source(text),
        Err(at) => reader.fail(0, at),
    }
    reader.read
}

/// The source as text, or what keeps it from being read at all.
fn text(bytes: &[u8], limits: Limits) -> Result<&str, yaml::Located> {
    if bytes.len() > limits.bytes {
        let fault = Fault::TooMuch { what: "bytes in one source", most: limits.bytes };
        return Err(yaml::Located { fault, line: 1, column: 1 });
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let good = String::from_utf8_lossy(good);
        let (line, column) = position(&good, good.len());
        yaml::Located { fault: Fault::NotText, line, column }
    })
}

/// Line and column, from 1, of a byte of a text.
fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}

struct Reader {
    source: Arc<str>,
    limits: Limits,
    budget: Budget,
    read: Manifests,
}

impl Reader {
    fn source(&mut self, text: &str) {
        for (index, chunk) in chunks(text).enumerate() {
            let document = index + 1;
            if document > self.limits.documents {
                let fault = Fault::TooMuch { what: "documents in one source", most: self.limits.documents };
                self.fail(document, yaml::Located { fault, line: chunk.line, column: 1 });
                return;
            }
            if let Err(at) = self.chunk(document, chunk) {
                self.fail(document, at);
            }
            if self.budget.is_exhausted() || self.read.errors.len() >= self.limits.errors {
                return;
            }
        }
    }

    fn fail(&mut self, document: usize, at: yaml::Located) {
        if self.read.errors.len() >= self.limits.errors {
            return;
        }
        let yaml::Located { fault, line, column } = at;
        let source_name = Arc::clone(&self.source);
        self.read.errors.push(ManifestError { source_name, line, column, document: document.max(1), fault });
    }

    /// Errors have their line within the source.
    fn chunk(&mut self, document: usize, chunk: Chunk<'_>) -> Result<(), yaml::Located> {
        let before = chunk.line - 1;
        if chunk.after_separator {
            return Err(yaml::Located { fault: Fault::AfterSeparator, line: before.max(1), column: 5 });
        }
        let is_json = chunk.text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).starts_with('{');
        // Behind a `---` everything is YAML, of which JSON is a part.
        if is_json && before == 0 { self.json(document, chunk, true) } else { self.yaml(document, chunk) }
    }

    fn yaml(&mut self, document: usize, chunk: Chunk<'_>) -> Result<(), yaml::Located> {
        let before = chunk.line - 1;
        let read = yaml::document(chunk.text, &mut self.budget)
            .map_err(|at| yaml::Located { line: at.line + before, ..at })?;
        let lines: Vec<usize> = read.item_lines.iter().map(|line| line + before).collect();
        self.object(document, read.line + before, read.value, &lines)
    }

    /// A file of JSON, as Argo CD takes it: one value, and nothing of YAML.
    fn json_file(&mut self, text: &str) {
        let chunk = Chunk { text, line: 1, after_separator: false };
        if text.trim_start_matches('\u{feff}').trim().is_empty() {
            let fault = Fault::syntax("no JSON in a .json file");
            self.fail(1, yaml::Located { fault, line: 1, column: 1 });
        } else if let Err(at) = self.json(1, chunk, false) {
            self.fail(1, at);
        }
    }

    /// JSON values, one after another where it is a `stream`. What a stream begins with may also be a flow mapping of YAML.
    fn json(&mut self, document: usize, chunk: Chunk<'_>, stream: bool) -> Result<(), yaml::Located> {
        // One character of the line, but none that JSON knows.
        let text = chunk.text.trim_start_matches('\u{feff}');
        let (mut read_to, mut at) = (0, (1, 1));
        for (index, raw) in json::values(text).enumerate() {
            if self.budget.is_exhausted() || self.read.errors.len() >= self.limits.errors {
                break;
            }
            let (start, raw) = match raw {
                Ok(found) => found,
                // What begins like JSON gets JSON's words.
                Err(_) if index == 0 && stream && !is_like_json(text) => return self.yaml(document, chunk),
                Err(error) => return Err(json_error((1, 1), None, &error, chunk.line)),
            };
            // Counted on from the value before: there may be very many.
            let between = text.get(read_to..start).unwrap_or_default();
            let (lines, columns) = position(between, between.len());
            at = (at.0 + lines - 1, if lines == 1 { at.1 + columns - 1 } else { columns });
            read_to = start;
            if index > 0 && !stream {
                return Err(yaml::Located { fault: Fault::SecondInJson, line: chunk.line + at.0 - 1, column: at.1 });
            }
            let value =
                json::strict(raw, &mut self.budget).map_err(|(fault, error)| json_error(at, fault, &error, chunk.line));
            // One wrong value does not hide the others.
            if let Err(wrong) = value.and_then(|value| self.object(document, at.0 + chunk.line - 1, value, &[])) {
                self.fail(document, wrong);
            }
        }
        Ok(())
    }

    /// Takes one value for an object, a list for its items.
    fn object(&mut self, document: usize, line: usize, value: Value, items: &[usize]) -> Result<(), yaml::Located> {
        let wrong = |fault: NotAnObject, line| yaml::Located { fault: fault.into(), line, column: 1 };
        if value.is_null() {
            return Ok(());
        }
        let mut object = Object::from_json(value).map_err(|fault| wrong(fault, line))?;
        let Some(list) = take_items(&mut object).map_err(|fault| wrong(fault, line))? else {
            let place = Place { source: Arc::clone(&self.source), line, document };
            self.read.objects.push(Manifest { object, place });
            return Ok(());
        };
        let kind = object.kind().strip_suffix("List").filter(|kind| !kind.is_empty());
        for (index, mut item) in list.into_iter().enumerate() {
            let line = items.get(index).copied().unwrap_or(line);
            if let (Some(kind), Value::Object(map)) = (kind, &mut item)
                && !map.contains_key("kind")
            {
                map.insert("kind".to_owned(), kind.into());
                map.insert("apiVersion".to_owned(), object.api_version().into());
            }
            // One wrong item does not hide the others.
            if let Err(at) = self.object(document, line, item, &[]) {
                self.fail(document, at);
            }
        }
        Ok(())
    }
}

/// Whether a text begins as only JSON does by habit: with a quoted key.
fn is_like_json(text: &str) -> bool {
    text.trim_start().strip_prefix('{').is_some_and(|inside| inside.trim_start().starts_with('"'))
}

/// An error within a JSON value that begins `at` a line and column of a chunk that begins in a line.
fn json_error(at: (usize, usize), fault: Option<Fault>, error: &serde_json::Error, chunk: usize) -> yaml::Located {
    let (line, column) = at;
    let column = if error.line() <= 1 { (column + error.column()).saturating_sub(1) } else { error.column() };
    let fault = fault.unwrap_or_else(|| {
        let words = error.to_string();
        Fault::syntax(words.split(" at line ").next().unwrap_or_default())
    });
    yaml::Located { fault, line: chunk + line + error.line().max(1) - 2, column: column.max(1) }
}

/// The items of a List: of `kind: List`, and of any kind that ends so and has a list of items.
fn take_items(object: &mut Object) -> Result<Option<Vec<Value>>, NotAnObject> {
    if !object.kind().ends_with("List") {
        return Ok(None);
    }
    let is_list = object.kind() == "List" && object.group().is_empty();
    match object.as_json_mut().get_mut("items") {
        Some(Value::Array(items)) => Ok(Some(std::mem::take(items))),
        _ if is_list => Err(NotAnObject::Items),
        _ => Ok(None),
    }
}
