//! Where an object was written, and what is wrong with what was written there.

use std::fmt;
use std::sync::Arc;

use super::object::NotAnObject;
use crate::domain::lenient::cut;

/// The place of an object in what was read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, or what else the text came from.
    pub source: Arc<str>,
    /// The first line of the object, counted from 1.
    pub line: usize,
    /// The document within the source, counted from 1; documents without content do not count.
    pub document: usize,
}

impl fmt::Display for Place {
    /// `source:line`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.source, self.line)
    }
}

/// What is wrong with a manifest. Reading again does not help: the text has to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{source_name}:{line}:{column}: {fault} (document {document})")]
pub struct ManifestError {
    /// The file, or what else the text came from.
    pub source_name: Arc<str>,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// The document within the source, counted from 1; documents without content do not count.
    pub document: usize,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong at one place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Neither YAML nor JSON.
    #[error("{0}")]
    Syntax(String),
    /// Bytes that are no text.
    #[error("not UTF-8 text")]
    NotText,
    /// Something stands behind `---`, which kubectl does not read.
    #[error("only a comment may follow `---` on its line")]
    AfterSeparator,
    /// A second document without `---`, which kubectl does not read.
    #[error("a document may only begin after `---`")]
    SecondDocument,
    /// A second object in a file of JSON, of which Argo CD reads only one.
    #[error("Argo CD takes only one object in a .json file: use a List, or YAML")]
    SecondInJson,
    /// A key that is written twice in one mapping.
    #[error("the key {0:?} is written twice")]
    DuplicateKey(String),
    /// A key that JSON cannot have.
    #[error("a key must be a string, a number or a boolean, found {0}")]
    Key(&'static str),
    /// `<<` with something that is neither a mapping nor a list of mappings.
    #[error("`<<` needs a mapping or a list of mappings")]
    Merge,
    /// A value that is not what its tag says. The value is not repeated: it may be a secret.
    #[error("the value is not what its tag {0} says")]
    Tag(String),
    /// A number that JSON cannot have: infinite, not a number, or too large.
    #[error("JSON cannot hold {0}")]
    Number(String),
    /// An alias within its own anchor.
    #[error("the alias stands within its own anchor")]
    Cycle,
    /// More of something than is read.
    #[error("more than {most} {what}")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        most: usize,
    },
    /// The document is no Kubernetes object.
    #[error(transparent)]
    NotAnObject(#[from] NotAnObject),
}

impl Fault {
    /// The words of a parser, bounded, without control characters: they may quote the text.
    pub(super) fn syntax(words: &str) -> Self {
        let words = cut(words, 300).chars();
        Self::Syntax(words.map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect())
    }
}
