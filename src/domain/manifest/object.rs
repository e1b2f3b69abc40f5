//! One Kubernetes object as JSON, and the names by which objects are known.

use std::fmt;

use serde_json::{Map, Value};

/// A Kubernetes object: JSON that is known to be an object with an `apiVersion` that names a version, and a `kind`.
///
/// Everything else in it is untrusted and may be missing or of the wrong type: the accessors answer with an empty
/// string or `None` then, and never panic. This is the form in which objects cross module borders.
#[derive(Clone, PartialEq, serde::Serialize)]
#[serde(transparent)]
pub struct Object(Map<String, Value>);

/// Why a JSON value is not a Kubernetes object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnObject {
    /// The value is a list, a string, a number or null.
    #[error("expected a Kubernetes object, found {0}")]
    WrongType(&'static str),
    /// `apiVersion` or `kind` is missing, empty, or not a string.
    #[error("{0} is missing, or is not a string")]
    MissingField(&'static str),
    /// `apiVersion` is neither a version nor a group and a version.
    #[error("apiVersion is neither `version` nor `group/version`")]
    ApiVersion,
    /// `metadata` is there but is not an object.
    #[error("metadata is not an object")]
    Metadata,
    /// `kind: List` without a list of items.
    #[error("items of the List is missing, or is not a list")]
    Items,
}

impl Object {
    /// Takes a JSON value for an object, or says why it is none.
    pub fn from_json(value: Value) -> Result<Self, NotAnObject> {
        let map = match value {
            Value::Object(map) => map,
            Value::Null => return Err(NotAnObject::WrongType("null")),
            Value::Bool(_) => return Err(NotAnObject::WrongType("a boolean")),
            Value::Number(_) => return Err(NotAnObject::WrongType("a number")),
            Value::String(_) => return Err(NotAnObject::WrongType("a string")),
            Value::Array(_) => return Err(NotAnObject::WrongType("a list")),
        };
        for field in ["apiVersion", "kind"] {
            if map.get(field).and_then(Value::as_str).is_none_or(str::is_empty) {
                return Err(NotAnObject::MissingField(field));
            }
        }
        let api_version = map.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
        if api_version.matches('/').count() > 1 || api_version.ends_with('/') {
            return Err(NotAnObject::ApiVersion);
        }
        if map.get("metadata").is_some_and(|metadata| !metadata.is_object() && !metadata.is_null()) {
            return Err(NotAnObject::Metadata);
        }
        Ok(Self(map))
    }

    /// The JSON of the object.
    pub fn as_json(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The JSON of the object, to change; the caller keeps `apiVersion` and `kind` as they are.
    pub fn as_json_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.0
    }

    /// The object as a JSON value.
    pub fn into_json(self) -> Value {
        Value::Object(self.0)
    }

    /// `apiVersion`, for example `batch/v1`.
    pub fn api_version(&self) -> &str {
        self.0.get("apiVersion").and_then(Value::as_str).unwrap_or_default()
    }

    /// The API group, empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version().rsplit_once('/').map_or("", |(group, _)| group)
    }

    /// The API version without its group, for example `v1`.
    pub fn version(&self) -> &str {
        let api_version = self.api_version();
        api_version.rsplit_once('/').map_or(api_version, |(_, version)| version)
    }

    /// `kind`, for example `Job`.
    pub fn kind(&self) -> &str {
        self.0.get("kind").and_then(Value::as_str).unwrap_or_default()
    }

    /// `metadata.name`, empty where the API server is to choose it.
    pub fn name(&self) -> &str {
        self.metadata_str("name")
    }

    /// `metadata.generateName`, empty where there is none.
    pub fn generate_name(&self) -> &str {
        self.metadata_str("generateName")
    }

    /// `metadata.namespace`, empty where none is given.
    pub fn namespace(&self) -> &str {
        self.metadata_str("namespace")
    }

    /// `metadata.uid`, empty in a manifest.
    pub fn uid(&self) -> &str {
        self.metadata_str("uid")
    }

    /// Whether `metadata.deletionTimestamp` is set: the object is being deleted.
    pub fn is_deleting(&self) -> bool {
        !self.metadata_str("deletionTimestamp").is_empty()
    }

    /// The value of one annotation; `None` where it is missing or is not a string.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.at(&["metadata", "annotations", name])?.as_str()
    }

    /// The value of one label; `None` where it is missing or is not a string.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.at(&["metadata", "labels", name])?.as_str()
    }

    /// `metadata.finalizers`, passing over what is not a string.
    pub fn finalizers(&self) -> impl Iterator<Item = &str> {
        self.at(&["metadata", "finalizers"]).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// The value at a path of field names; `None` where any part of it is missing.
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.0.get(*first)?, |value, field| value.get(*field))
    }

    /// The object's key: what Argo CD calls it by.
    pub fn key(&self) -> ObjectKey {
        ObjectKey::new(self.group(), self.kind(), self.namespace(), self.name())
    }

    fn metadata_str(&self, field: &str) -> &str {
        self.at(&["metadata", field]).and_then(Value::as_str).unwrap_or_default()
    }
}

impl fmt::Debug for Object {
    /// Only the identity: an object may be a Secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Object({})", self.key())
    }
}

/// What names an object within a cluster: API group, kind, namespace, name (never the version).
///
/// Shown as Argo CD shows it: `g/K/n`, without the namespace; the core group is the empty string, so that the text
/// starts with `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct ObjectKey {
    /// API group, empty for the core group.
    pub group: String,
    /// Kind, for example `Job`.
    pub kind: String,
    /// Namespace, empty for a cluster-scoped object.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl ObjectKey {
    /// A key from its parts.
    pub fn new(
        group: impl Into<String>,
        kind: impl Into<String>,
        namespace: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        Self { group: group.into(), kind: kind.into(), namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/{}", self.group, self.kind, self.name)
    }
}
