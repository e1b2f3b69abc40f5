//! One YAML document to JSON: the parser's events, with anchors, merge keys, tags and duplicate keys as kubectl takes
//! them (duplicate keys, which it passes over in silence, are an error here), within a budget.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};
use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, Span, StructureStyle, Tag};

use super::budget::{Budget, Used};
use super::place::Fault;
use super::scalar::{plain_key, resolve, resolve_tagged};

/// A fault and its place within the chunk: line and column from 1.
pub(super) struct Located {
    pub(super) fault: Fault,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// A document.
pub(super) struct Document {
    /// Null for a document without content.
    pub(super) value: Value,
    /// The line its content begins in, from 1.
    pub(super) line: usize,
    /// The lines in which the elements of a top level list `items` begin.
    pub(super) item_lines: Vec<usize>,
}

/// Reads the only document of a chunk.
pub(super) fn document(text: &str, budget: &mut Budget) -> Result<Document, Located> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut builder =
        Builder { budget, stack: Vec::new(), anchors: HashMap::new(), root: None, line: 1, item_lines: Vec::new() };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| {
            let (line, column) = (error.marker().line(), error.marker().col() + 1);
            // What is wrong behind the document's end is that it is there.
            let fault = if builder.root.is_some() { Fault::SecondDocument } else { Fault::syntax(&error.info()) };
            Located { fault, line, column }
        })?;
        let at = span.start;
        if is_indented_with_tab(text, &event, &span) {
            let fault = Fault::syntax("a tab where only spaces may indent");
            return Err(Located { fault, line: at.line(), column: 1 });
        }
        builder.event(event, &span).map_err(|fault| Located { fault, line: at.line(), column: at.col() + 1 })?;
    }
    let value = builder.root.take().unwrap_or_default();
    Ok(Document { value, line: builder.line, item_lines: builder.item_lines })
}

/// Whether a block begins behind a tab: the parser takes that of the outermost block, kubectl's does not.
fn is_indented_with_tab(text: &str, event: &Event<'_>, span: &Span) -> bool {
    use StructureStyle::Block;
    if !matches!(event, Event::MappingStart(Block, ..) | Event::SequenceStart(Block, ..)) {
        return false;
    }
    let before = span.start.byte_offset().and_then(|at| text.get(..at)).unwrap_or_default();
    let indent = before.rsplit('\n').next().unwrap_or_default();
    indent.contains('\t') && indent.trim_start_matches([' ', '\t']).is_empty()
}

/// The name of a tag of YAML's own (`!!int`), also of those that are not in the core schema (`!!binary`).
fn yaml_tag(tag: &Tag) -> Option<&str> {
    if tag.handle() == "tag:yaml.org,2002:" { Some(tag.suffix()) } else { tag.core_suffix() }
}

struct Builder<'b> {
    budget: &'b mut Budget,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Anchored>,
    root: Option<Value>,
    line: usize,
    item_lines: Vec<usize>,
}

/// A value that aliases repeat, and what a repetition costs.
struct Anchored {
    value: Value,
    cost: Used,
}

/// A mapping or list that is being read.
struct Frame {
    anchor: usize,
    before: Used,
    node: Node,
}

enum Node {
    List(Vec<Value>),
    Mapping(Mapping),
}

#[derive(Default)]
struct Mapping {
    map: Map<String, Value>,
    /// Keys that a merge put there: they may be written once more.
    merged: BTreeSet<String>,
    key: Option<Key>,
}

enum Key {
    Text(String),
    Merge,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<(), Fault> {
        match event {
            Event::DocumentStart(..) if self.root.is_some() => Err(Fault::SecondDocument),
            Event::Scalar(text, style, anchor, tag) => self.scalar(text, style, anchor, tag.as_deref(), span),
            Event::SequenceStart(_, anchor, _) => self.open(Node::List(Vec::new()), anchor, span),
            Event::MappingStart(_, anchor, _) => self.open(Node::Mapping(Mapping::default()), anchor, span),
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(anchor, span),
            _ => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: &Span,
    ) -> Result<(), Fault> {
        self.budget.take_scalar(&text)?;
        let plain = style == ScalarStyle::Plain && tag.is_none();
        if plain && anchor == 0 && self.expects_key() {
            let key = if text == "<<" { Key::Merge } else { Key::Text(plain_key(&text)?) };
            return self.key(key);
        }
        let tagged = match tag.and_then(yaml_tag) {
            Some(name) => resolve_tagged(name, &text)?,
            None => None,
        };
        let cost = Used { values: 1, text: text.len() };
        let value = match tagged {
            Some(value) => value,
            None if plain => resolve(&text)?,
            None => Value::String(text.into_owned()),
        };
        self.anchor(anchor, &value, cost)?;
        self.put(value, span)
    }

    fn open(&mut self, node: Node, anchor: usize, span: &Span) -> Result<(), Fault> {
        if self.expects_key() {
            return Err(Fault::Key(if matches!(node, Node::List(_)) { "a list" } else { "a mapping" }));
        }
        self.begins(span);
        let before = self.budget.used();
        self.budget.take_container(self.stack.len())?;
        self.stack.push(Frame { anchor, before, node });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        let Some(Frame { anchor, before, node }) = self.stack.pop() else { return Ok(()) };
        let value = match node {
            Node::List(items) => Value::Array(items),
            Node::Mapping(mapping) => Value::Object(mapping.map),
        };
        let cost = self.budget.used().since(before);
        self.anchor(anchor, &value, cost)?;
        self.add(value)
    }

    fn alias(&mut self, anchor: usize, span: &Span) -> Result<(), Fault> {
        let anchored = self.anchors.get(&anchor).ok_or(Fault::Cycle)?;
        self.budget.take(anchored.cost)?;
        let value = anchored.value.clone();
        self.put(value, span)
    }

    /// Keeps a value for its aliases. The copy counts too.
    fn anchor(&mut self, anchor: usize, value: &Value, cost: Used) -> Result<(), Fault> {
        if anchor != 0 {
            self.budget.take(cost)?;
            self.anchors.insert(anchor, Anchored { value: value.clone(), cost });
        }
        Ok(())
    }

    fn expects_key(&self) -> bool {
        matches!(self.stack.last(), Some(Frame { node: Node::Mapping(Mapping { key: None, .. }), .. }))
    }

    /// A value that is a key, an element, or the whole.
    fn put(&mut self, value: Value, span: &Span) -> Result<(), Fault> {
        if self.expects_key() {
            return match value {
                Value::String(text) => self.key(Key::Text(text)),
                Value::Bool(flag) => self.key(Key::Text(flag.to_string())),
                Value::Number(number) => self.key(Key::Text(number.to_string())),
                Value::Null => Err(Fault::Key("null")),
                Value::Array(_) => Err(Fault::Key("a list")),
                Value::Object(_) => Err(Fault::Key("a mapping")),
            };
        }
        self.begins(span);
        self.add(value)
    }

    fn key(&mut self, key: Key) -> Result<(), Fault> {
        let Some(Frame { node: Node::Mapping(mapping), .. }) = self.stack.last_mut() else { return Ok(()) };
        if let Key::Text(text) = &key
            && mapping.map.contains_key(text)
            && !mapping.merged.remove(text)
        {
            return Err(Fault::DuplicateKey(text.clone()));
        }
        mapping.key = Some(key);
        Ok(())
    }

    fn add(&mut self, value: Value) -> Result<(), Fault> {
        match self.stack.last_mut().map(|frame| &mut frame.node) {
            None => self.root = Some(value),
            Some(Node::List(items)) => items.push(value),
            Some(Node::Mapping(mapping)) => match mapping.key.take() {
                Some(Key::Text(key)) => {
                    mapping.map.insert(key, value);
                }
                Some(Key::Merge) => mapping.merge(value)?,
                None => {}
            },
        }
        Ok(())
    }

    /// Notes the line of the whole, and of the elements of a top level `items`.
    fn begins(&mut self, span: &Span) {
        let line = span.start.line();
        match self.stack.as_slice() {
            [] => self.line = line,
            [
                Frame { node: Node::Mapping(Mapping { key: Some(Key::Text(key)), .. }), .. },
                Frame { node: Node::List(_), .. },
            ] if key == "items" => {
                self.item_lines.push(line);
            }
            _ => {}
        }
    }
}

impl Mapping {
    /// Merges at the place of the `<<`, as kubectl's reader does: over the keys before it, under those after it; of a
    /// list the first counts most.
    fn merge(&mut self, value: Value) -> Result<(), Fault> {
        let maps = match value {
            Value::Object(map) => vec![map],
            Value::Array(items) => {
                let maps = items.into_iter().rev().map(|item| match item {
                    Value::Object(map) => Ok(map),
                    _ => Err(Fault::Merge),
                });
                maps.collect::<Result<_, _>>()?
            }
            _ => return Err(Fault::Merge),
        };
        for (key, value) in maps.into_iter().flatten() {
            if self.map.insert(key.clone(), value).is_none() {
                self.merged.insert(key);
            }
        }
        Ok(())
    }
}
