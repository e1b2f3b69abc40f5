//! Comma lists in annotations.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;

use crate::domain::manifest::Object;
use crate::domain::names;

/// Whose annotation a word stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// An annotation of Argo CD.
    Argo,
    /// An annotation of Helm.
    Helm,
}

impl Dialect {
    /// The annotation that makes an object a hook.
    pub const fn hook_annotation(self) -> &'static str {
        match self {
            Self::Argo => names::HOOK,
            Self::Helm => names::HELM_HOOK,
        }
    }

    /// The annotation that says when a hook's object is deleted.
    pub const fn policy_annotation(self) -> &'static str {
        match self {
            Self::Argo => names::HOOK_DELETE_POLICY,
            Self::Helm => names::HELM_HOOK_DELETE_POLICY,
        }
    }
}

/// One word of a comma list, with the world it was written for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    /// Whose annotation it stands in.
    pub dialect: Dialect,
    /// The word, without the spaces around it.
    pub text: String,
}

impl Token {
    /// A word of a list.
    pub fn new(dialect: Dialect, text: impl Into<String>) -> Self {
        Self { dialect, text: text.into() }
    }
}

/// The words of a comma list as Argo CD reads them: spaces around them cut off, empty ones and repetitions left out,
/// in the order of their first appearance. Case matters.
pub fn tokens(list: &str) -> Vec<&str> {
    let mut seen = HashSet::new();
    list.split(',').map(str::trim).filter(|word| !word.is_empty() && seen.insert(*word)).collect()
}

/// The value of a hook annotation. The annotation is there also if its value is not a string: null (nothing was written
/// behind the colon) is an empty one, and of an unquoted number or boolean its JSON, which is no kind of hook.
pub(super) fn hook_annotation(object: &Object, dialect: Dialect) -> Option<Cow<'_, str>> {
    let value = object.at(&["metadata", "annotations", dialect.hook_annotation()])?;
    Some(match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Null => Cow::Borrowed(""),
        other => Cow::Owned(other.to_string()),
    })
}
