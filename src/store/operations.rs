//! The folder of one attempt of an operation.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::error::StoreError;
use super::folder::{entries, lock, read, replace};
use super::log::{KeptLog, LogInfo, LogWriter};
use crate::domain::live::OperationRecord;

const RECORD: &str = "operation.json";
/// Largest record that is read.
const MOST: u64 = 64 << 20;

/// What names an attempt of an operation of an application. Sorted by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId {
    /// Begin of the operation's first attempt.
    pub started_at: Timestamp,
    /// Attempts before this one.
    pub retry_count: i64,
}

impl OperationId {
    /// Reads what its `Display` writes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (started_at, retry_count) = text.rsplit_once('-')?;
        Some(Self { started_at: started_at.parse().ok()?, retry_count: retry_count.parse().ok()? })
    }
}

impl fmt::Display for OperationId {
    /// `<startedAt>-<retryCount>`, as its folder is called.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.started_at, self.retry_count.max(0))
    }
}

/// The folder of one attempt of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationFolder {
    path: PathBuf,
    id: OperationId,
}

impl OperationFolder {
    pub(super) fn new(path: PathBuf, id: OperationId) -> Self {
        Self { path, id }
    }

    /// Which.
    pub fn id(&self) -> OperationId {
        self.id
    }

    /// Where.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether anything was kept of it.
    pub fn exists(&self) -> bool {
        self.path.is_dir()
    }

    /// Keeps the folder for this process, for as long as the file lives. The error of a folder that another process
    /// has is [`StoreError::Busy`].
    pub fn lock(&self) -> Result<File, StoreError> {
        lock(&self.path)?.ok_or_else(|| StoreError::Busy { path: self.path.display().to_string() })
    }

    /// Its record; `None`: none was written. Of a newer version what can be read.
    pub fn record(&self) -> Result<Option<OperationRecord>, StoreError> {
        let path = self.path.join(RECORD);
        let Some(content) = read(&path, MOST)? else { return Ok(None) };
        let unreadable = |reason: String| StoreError::Unreadable { path: path.display().to_string(), reason };
        serde_json::from_slice(&content).map(Some).map_err(|error| unreadable(error.to_string()))
    }

    /// Whether a newer boathook wrote it: then it is left as it is.
    pub fn is_newer(&self) -> bool {
        let own = |record: OperationRecord| record.api_version == OperationRecord::API_VERSION;
        self.record().ok().flatten().is_some_and(|record| !own(record))
    }

    /// Writes its record.
    pub fn write_record(&self, record: &OperationRecord) -> Result<(), StoreError> {
        let path = self.path.join(RECORD);
        if self.is_newer() {
            let version = self.record()?.map(|record| record.api_version).unwrap_or_default();
            return Err(StoreError::Newer { path: path.display().to_string(), version });
        }
        let unwritable = |reason: String| StoreError::Unreadable { path: path.display().to_string(), reason };
        let mut content = serde_json::to_vec_pretty(record).map_err(|error| unwritable(error.to_string()))?;
        content.push(b'\n');
        replace(&path, &content)
    }

    /// Opens a container's log for writing; what was captured before is kept.
    pub fn write_log(&self, info: &LogInfo) -> Result<LogWriter, StoreError> {
        if self.is_newer() {
            return Err(StoreError::Newer { path: self.path.display().to_string(), version: String::new() });
        }
        LogWriter::open(&self.path, info)
    }

    /// The logs that are kept of it, in the order of their begin.
    pub fn logs(&self) -> Result<Vec<KeptLog>, StoreError> {
        let mut logs = Vec::new();
        for hook in entries(&self.path)?.into_iter().filter(|path| path.is_dir()) {
            for file in entries(&hook)? {
                if file.extension().is_some_and(|extension| extension == "log")
                    && let Some(log) = KeptLog::open(&file)?
                {
                    logs.push(log);
                }
            }
        }
        logs.sort_by(|a, b| {
            (a.info.started_at, &a.info.pod, &a.info.container, a.info.restart).cmp(&(
                b.info.started_at,
                &b.info.pod,
                &b.info.container,
                b.info.restart,
            ))
        });
        Ok(logs)
    }
}
