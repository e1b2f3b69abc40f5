//! Approvals that somebody put off, with a note.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::folder::{State, lock, read, replace};
use crate::domain::application::AppKey;

const FILE: &str = "deferred.json";

/// An approval that was put off. It counts for one revision: when the target moves, it is asked again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Deferral {
    /// The cluster of the Application, as [`AppKey::cluster`] on disk; told by a live view: in memory.
    pub cluster: String,
    /// Namespace of the Application.
    pub namespace: String,
    /// Name of the Application.
    pub application: String,
    /// The revision that was looked at.
    pub revision: String,
    /// The note.
    pub note: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Document {
    api_version: String,
    kind: String,
    deferrals: Vec<Deferral>,
}

impl Default for Document {
    fn default() -> Self {
        Self { api_version: "boathook.dev/v1".to_owned(), kind: "Deferrals".to_owned(), deferrals: Vec::new() }
    }
}

/// The approvals that were put off.
#[derive(Debug, Clone)]
pub struct Deferrals {
    state: State,
}

impl Deferrals {
    /// Those in a state folder.
    pub fn new(state: &State) -> Self {
        Self { state: state.clone() }
    }

    /// All of them.
    pub fn all(&self) -> Result<Vec<Deferral>, StoreError> {
        Ok(self.document()?.deferrals)
    }

    /// Puts an approval off; an earlier one of the same application is replaced.
    pub fn put(&self, deferral: Deferral) -> Result<(), StoreError> {
        self.change(|all| {
            all.retain(|other| !same(other, &deferral));
            all.push(deferral);
        })
    }

    /// The application is approved, or asked for again.
    pub fn remove(&self, key: &AppKey) -> Result<(), StoreError> {
        self.change(|all| {
            all.retain(|other| {
                other.cluster != *key.cluster || other.namespace != *key.namespace || other.application != *key.name
            });
        })
    }

    fn document(&self) -> Result<Document, StoreError> {
        let path = self.state.file(FILE);
        let Some(content) = read(&path, 16 << 20)? else { return Ok(Document::default()) };
        serde_json::from_slice(&content)
            .map_err(|error| StoreError::Unreadable { path: path.display().to_string(), reason: error.to_string() })
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Deferral>)) -> Result<(), StoreError> {
        let folder = self.state.versioned();
        let path = self.state.file(FILE);
        let _lock = lock(&folder)?.ok_or_else(|| StoreError::Busy { path: path.display().to_string() })?;
        let mut document = self.document()?;
        if document.api_version != Document::default().api_version {
            return Err(StoreError::Newer { path: path.display().to_string(), version: document.api_version });
        }
        change(&mut document.deferrals);
        let content = serde_json::to_vec_pretty(&document)
            .map_err(|error| StoreError::Unreadable { path: path.display().to_string(), reason: error.to_string() })?;
        replace(&path, &content)
    }
}

fn same(one: &Deferral, other: &Deferral) -> bool {
    (&one.cluster, &one.namespace, &one.application) == (&other.cluster, &other.namespace, &other.application)
}
