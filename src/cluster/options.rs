//! What requests are asked with, and the lists that answer them.

use serde_json::Value;

use crate::domain::manifest::Object;

/// Where objects are looked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// In the whole cluster.
    All,
    /// In one namespace.
    Namespace(String),
}

/// Which objects are looked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Selectors {
    /// Label selector, empty: all.
    pub labels: String,
    /// Field selector, empty: all.
    pub fields: String,
}

/// What one page of a list is asked with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// At most so many objects; 0: all.
    pub limit: u32,
    /// The token of the page before.
    pub token: String,
}

/// A list, complete or one page of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ObjectList {
    /// The objects, with `apiVersion` and `kind`.
    pub items: Vec<Object>,
    /// Version of the whole list, from where a watch goes on.
    pub resource_version: String,
    /// Token of the next page, empty on the last.
    pub next: String,
}

/// A part of an object that is written by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Subresource {
    /// The object itself.
    #[default]
    None,
    /// `status`.
    Status,
}

/// How a write is checked and marked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WriteOptions {
    /// Change nothing, but answer as if.
    pub dry_run: bool,
    /// Name in managedFields, at most 128 characters.
    pub manager: String,
    /// Unknown fields are an error, else they are dropped.
    pub strict: bool,
    /// Which part is written.
    pub subresource: Subresource,
}

/// Server-side apply.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Apply {
    /// Take over fields of other managers.
    pub force: bool,
    /// The rest.
    pub options: WriteOptions,
}

/// A patch, by its kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Patch {
    /// RFC 7386.
    Merge(Value),
    /// RFC 6902.
    Json(Value),
    /// Kubernetes' own, for built-in kinds.
    Strategic(Value),
}

/// What happens to an object's dependents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Propagation {
    /// They go first.
    #[default]
    Foreground,
    /// They go afterwards.
    Background,
    /// They stay.
    Orphan,
}

/// How an object is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delete {
    /// Only this object, not another of its name: 409 otherwise. Empty: any.
    pub uid: String,
    /// Only this version of it. Empty: any.
    pub resource_version: String,
    /// What happens to its dependents.
    pub propagation: Propagation,
    /// Seconds of grace; `None`: the object's own.
    pub grace: Option<u32>,
    /// Change nothing, but answer as if.
    pub dry_run: bool,
}
