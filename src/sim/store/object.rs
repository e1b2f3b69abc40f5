use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

/// Objects up to this size in bytes are kept parsed as well. Larger ones (an Application has 20 KB, and there may be
/// ten thousand) are parsed each time somebody asks, because parsed JSON takes four times the memory of its text.
const KEEP_PARSED: usize = 16 * 1024;

/// One version of one object. Never changes: a write makes another.
pub struct Stored {
    namespace: String,
    name: String,
    uid: String,
    revision: u64,
    labels: Vec<(String, String)>,
    deleting: bool,
    json: Bytes,
    parsed: Option<Arc<Value>>,
}

impl Stored {
    /// Takes an object that already carries its `resourceVersion`.
    pub(super) fn new(value: Value, revision: u64) -> Self {
        let text = |field: &str| super::metadata::text(&value, field).to_owned();
        let labels = value.pointer("/metadata/labels").and_then(Value::as_object);
        let labels = labels.into_iter().flatten();
        let labels = labels.filter_map(|(key, label)| Some((key.clone(), label.as_str()?.to_owned()))).collect();
        let json = Bytes::from(value.to_string());
        Self {
            namespace: text("namespace"),
            name: text("name"),
            uid: text("uid"),
            revision,
            labels,
            deleting: !super::metadata::text(&value, "deletionTimestamp").is_empty(),
            parsed: (json.len() <= KEEP_PARSED).then(|| Arc::new(value)),
            json,
        }
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

    /// The object, parsed.
    pub fn value(&self) -> Arc<Value> {
        match &self.parsed {
            Some(value) => Arc::clone(value),
            // It was made from a value, so it parses.
            None => Arc::new(serde_json::from_slice(&self.json).unwrap_or_default()),
        }
    }
}

impl fmt::Debug for Stored {
    /// Only the identity: an object may be a Secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Stored({}/{} at {})", self.namespace, self.name, self.revision)
    }
}
