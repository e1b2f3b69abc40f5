use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use crate::sim::resource::{Printer, Resource, json_path};

/// Built-in objects up to this size in bytes are kept parsed as well: controllers look at them all the time. Larger ones
/// and custom resources (there may be ten thousand Applications, and no controller of a cluster reads them) are parsed
/// each time somebody asks, because parsed JSON takes many times the memory of its text.
const KEEP_PARSED: usize = 16 * 1024;

/// One version of one object. Never changes: a write makes another.
///
/// Its JSON is made once, in the order in which Kubernetes writes it (kind, apiVersion, metadata, the rest), so that
/// lists, watches, metadata alone and other API versions are cut from it without being parsed again.
pub struct Stored {
    namespace: String,
    name: String,
    uid: String,
    revision: u64,
    created: String,
    labels: Vec<(String, String)>,
    deleting: bool,
    json: Bytes,
    /// Where `"metadata"` begins in `json`: what is before names kind and apiVersion.
    body: usize,
    /// Where the value of `metadata` is in `json`.
    metadata: Range<usize>,
    parsed: Option<Arc<Value>>,
    /// Of a custom resource with columns: their values in the stored version.
    cells: Option<(Arc<Resource>, Vec<Value>)>,
}

impl Stored {
    /// Takes an object that already carries its `resourceVersion`.
    pub(super) fn new(value: Value, revision: u64, resource: Option<&Arc<Resource>>) -> Self {
        let text = |field: &str| super::metadata::text(&value, field).to_owned();
        let labels = value.pointer("/metadata/labels").and_then(Value::as_object);
        let labels = labels.into_iter().flatten();
        let labels = labels.filter_map(|(key, label)| Some((key.clone(), label.as_str()?.to_owned()))).collect();
        let (json, body, metadata) = write(&value);
        let is_custom = resource.is_some_and(|resource| resource.custom);
        Self {
            namespace: text("namespace"),
            name: text("name"),
            uid: text("uid"),
            created: text("creationTimestamp"),
            revision,
            labels,
            deleting: !super::metadata::text(&value, "deletionTimestamp").is_empty(),
            cells: resource.and_then(|resource| cells(&value, resource)),
            parsed: (!is_custom && json.len() <= KEEP_PARSED).then(|| Arc::new(value)),
            json,
            body,
            metadata,
        }
    }

    /// The same content under another `resourceVersion`: as a watch shows what is no longer selected.
    pub(crate) fn at_revision(&self, revision: u64) -> Self {
        let mut value = (*self.value()).clone();
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("resourceVersion".to_owned(), revision.to_string().into());
        }
        Self::new(value, revision, self.cells.as_ref().map(|(resource, _)| resource))
    }

    /// `metadata.namespace`, empty for a cluster-scoped object.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `metadata.uid`.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// `metadata.creationTimestamp`.
    pub fn created(&self) -> &str {
        &self.created
    }

    /// `metadata.resourceVersion` as a number.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// `metadata.labels`, ordered by key.
    pub fn labels(&self) -> &[(String, String)] {
        &self.labels
    }

    /// One label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| label == key).map(|(_, value)| value.as_str())
    }

    /// Whether `metadata.deletionTimestamp` is set.
    pub fn is_deleting(&self) -> bool {
        self.deleting
    }

    /// The object as JSON text; shared, not copied.
    pub fn json(&self) -> Bytes {
        self.json.clone()
    }

    /// The JSON from `"metadata"` on to the closing brace: without kind and apiVersion.
    pub fn json_body(&self) -> Bytes {
        self.json.slice(self.body..)
    }

    /// The JSON of `metadata`.
    pub fn json_metadata(&self) -> Bytes {
        self.json.slice(self.metadata.clone())
    }

    /// The object, parsed.
    pub fn value(&self) -> Arc<Value> {
        match &self.parsed {
            Some(value) => Arc::clone(value),
            // It was made from a value, so it parses.
            None => Arc::new(serde_json::from_slice(&self.json).unwrap_or_default()),
        }
    }

    /// The values of the columns that this very definition of the resource has, if they are known.
    pub fn cells(&self, resource: &Arc<Resource>) -> Option<&[Value]> {
        let (of, cells) = self.cells.as_ref()?;
        Arc::ptr_eq(of, resource).then_some(cells.as_slice())
    }
}

/// The JSON, where its body begins, and where its metadata is.
fn write(value: &Value) -> (Bytes, usize, Range<usize>) {
    let field = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let quoted = |text: &str| Value::from(text).to_string();
    let empty = serde_json::Map::new();
    let object = value.as_object().unwrap_or(&empty);
    let mut json = format!("{{\"kind\":{},\"apiVersion\":{},", quoted(field("kind")), quoted(field("apiVersion")));
    let body = json.len();
    json.push_str("\"metadata\":");
    let start = json.len();
    json.push_str(&object.get("metadata").map_or_else(|| "{}".to_owned(), Value::to_string));
    let metadata = start..json.len();
    for (name, value) in object {
        if !matches!(name.as_str(), "kind" | "apiVersion" | "metadata") {
            json.push(',');
            json.push_str(&quoted(name));
            json.push(':');
            json.push_str(&value.to_string());
        }
    }
    json.push('}');
    (Bytes::from(json), body, metadata)
}

fn cells(value: &Value, resource: &Arc<Resource>) -> Option<(Arc<Resource>, Vec<Value>)> {
    let Printer::Columns(columns) = &resource.served_version(&resource.version)?.printer else { return None };
    let cells = columns.iter().map(|column| json_path::first(value, &column.json_path).cloned().unwrap_or_default());
    Some((Arc::clone(resource), cells.collect()))
}

impl fmt::Debug for Stored {
    /// Only the identity: an object may be a Secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Stored({}/{} at {})", self.namespace, self.name, self.revision)
    }
}
