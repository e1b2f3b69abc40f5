//! Which cluster a context led to when it was last reached: what is kept of it can be read while it is down.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::error::StoreError;
use super::folder::{State, lock, read, replace};

const FILE: &str = "clusters.json";
/// Clusters that are remembered; the oldest go first.
const MOST: usize = 500;
const LARGEST: u64 = 4 << 20;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Entry {
    context: String,
    /// A digest: an address may hold a password.
    server: String,
    uid: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Document {
    api_version: String,
    kind: String,
    clusters: Vec<Entry>,
}

impl Default for Document {
    fn default() -> Self {
        Self { api_version: "boathook.dev/v1".to_owned(), kind: "Clusters".to_owned(), clusters: Vec::new() }
    }
}

/// The clusters that contexts led to.
#[derive(Debug, Clone)]
pub struct Clusters {
    state: State,
}

impl Clusters {
    /// Those in a state folder.
    pub fn new(state: &State) -> Self {
        Self { state: state.clone() }
    }

    /// The UID of the cluster that a context at this address led to.
    pub fn find(&self, context: &str, server: &str) -> Option<String> {
        let document = self.document().ok()?;
        let server = digest(server);
        let mut entries = document.clusters.into_iter();
        entries.find(|entry| entry.context == context && entry.server == server).map(|entry| entry.uid)
    }

    /// Remembers where a context led to.
    pub fn put(&self, context: &str, server: &str, uid: &str) -> Result<(), StoreError> {
        let path = self.state.file(FILE);
        let _lock =
            lock(&self.state.versioned())?.ok_or_else(|| StoreError::Busy { path: path.display().to_string() })?;
        // What cannot be read is only a memory: it is made anew.
        let mut document = self.document().or_else(|error| match error {
            StoreError::Unreadable { .. } => Ok(Document::default()),
            error => Err(error),
        })?;
        if document.api_version != Document::default().api_version {
            return Err(StoreError::Newer { path: path.display().to_string(), version: document.api_version });
        }
        let server = digest(server);
        document.clusters.retain(|entry| entry.context != context || entry.server != server);
        document.clusters.push(Entry { context: context.to_owned(), server, uid: uid.to_owned() });
        let surplus = document.clusters.len().saturating_sub(MOST);
        document.clusters.drain(..surplus);
        let content = serde_json::to_vec_pretty(&document)
            .map_err(|error| StoreError::Unreadable { path: path.display().to_string(), reason: error.to_string() })?;
        replace(&path, &content)
    }

    fn document(&self) -> Result<Document, StoreError> {
        let path = self.state.file(FILE);
        let Some(content) = read(&path, LARGEST)? else { return Ok(Document::default()) };
        serde_json::from_slice(&content)
            .map_err(|error| StoreError::Unreadable { path: path.display().to_string(), reason: error.to_string() })
    }
}

fn digest(server: &str) -> String {
    let digest = Sha256::digest(server.as_bytes());
    digest.iter().take(16).fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}
