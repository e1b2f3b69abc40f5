//! The log of requests: what was asked of clusters, and what came of it. One JSON object a line.

use std::io::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::StoreError;
use super::folder::{State, append, failed, make, read};

const FILE: &str = "requests.jsonl";
/// Beyond it the file is set aside as `requests.old.jsonl` and a new one is begun.
const LARGEST: u64 = 8 << 20;

/// One request, as it was sent or as it ended.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RequestEntry {
    /// `boathook.dev/v1`.
    pub api_version: String,
    /// `Request`.
    pub kind: String,
    /// When.
    pub at: Option<Timestamp>,
    /// What its entries have in common: that it was sent, and what came of it. No other request of this user has it, unless
    /// two were begun within a thousandth of a second.
    pub id: u64,
    /// The cluster of the Application.
    pub cluster: String,
    /// Namespace of the Application.
    pub namespace: String,
    /// Name of the Application.
    pub application: String,
    /// What was asked, in one word.
    pub request: String,
    /// `patch` or `create`.
    pub verb: String,
    /// What was written: kind, namespace and name.
    pub object: String,
    /// The patch, or the object.
    pub body: Value,
    /// What came of it; empty: it was only sent.
    pub result: String,
}

/// The log of requests.
#[derive(Debug, Clone)]
pub struct RequestLog {
    state: State,
}

impl RequestLog {
    /// The log in a state folder.
    pub fn new(state: &State) -> Self {
        Self { state: state.clone() }
    }

    /// Appends an entry.
    pub fn append(&self, mut entry: RequestEntry) -> Result<(), StoreError> {
        "boathook.dev/v1".clone_into(&mut entry.api_version);
        "Request".clone_into(&mut entry.kind);
        make(&self.state.versioned())?;
        let path = self.state.file(FILE);
        let unwritable = |reason: String| StoreError::Unreadable { path: path.display().to_string(), reason };
        let mut line = serde_json::to_vec(&entry).map_err(|error| unwritable(error.to_string()))?;
        line.push(b'\n');
        let mut file = append(&path)?;
        if file.metadata().is_ok_and(|metadata| metadata.len() > LARGEST) {
            std::fs::rename(&path, self.state.file("requests.old.jsonl")).map_err(failed("setting aside", &path))?;
            file = append(&path)?;
        }
        // One write: lines of two processes do not mix.
        file.write_all(&line).map_err(failed("writing", &path))
    }

    /// The entries, oldest first. Lines that cannot be read are passed over.
    pub fn entries(&self) -> Result<Vec<RequestEntry>, StoreError> {
        let content = read(&self.state.file(FILE), LARGEST * 2)?.unwrap_or_default();
        let lines = content.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }
}
