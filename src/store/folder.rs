//! Folders and files of the state folder.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::StoreError;
use super::operations::{OperationFolder, OperationId};
use super::path::part;
use crate::domain::application::AppKey;

/// The version of the layout.
const VERSION: &str = "v1";

/// The state folder. Nothing is made before it is needed. Cheap to clone.
#[derive(Debug, Clone)]
pub struct State {
    root: Arc<PathBuf>,
}

impl State {
    /// The state folder at a path, for example `~/.local/state/boathook`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: Arc::new(root.into()) }
    }

    /// The folder of the current version.
    pub(super) fn versioned(&self) -> PathBuf {
        self.root.join(VERSION)
    }

    /// The folder of an application.
    pub(super) fn application(&self, key: &AppKey) -> PathBuf {
        self.versioned().join(part(&key.cluster)).join(part(&key.namespace)).join(part(&key.name))
    }

    /// The folder of one attempt of an operation.
    pub fn operation(&self, key: &AppKey, id: OperationId) -> OperationFolder {
        OperationFolder::new(self.application(key).join(id.to_string()), id)
    }

    /// The operations of an application that are kept, oldest first. What is not one is passed over.
    pub fn operations(&self, key: &AppKey) -> Result<Vec<OperationFolder>, StoreError> {
        let folder = self.application(key);
        let mut found = Vec::new();
        for entry in entries(&folder)? {
            if let Some(id) = entry.file_name().and_then(|name| name.to_str()).and_then(OperationId::parse) {
                found.push(OperationFolder::new(entry, id));
            }
        }
        found.sort_by_key(OperationFolder::id);
        Ok(found)
    }

    /// The namespaces of a cluster in which something is kept of an application of this name, in their order.
    pub fn namespaces(&self, cluster: &str, name: &str) -> Result<Vec<String>, StoreError> {
        let mut found = Vec::new();
        for folder in entries(&self.versioned().join(part(cluster)))? {
            // What Kubernetes takes for a namespace stands there as it is.
            let namespace = folder.file_name().and_then(|own| own.to_str()).filter(|own| part(own) == **own);
            if let Some(namespace) = namespace
                && folder.join(part(name)).is_dir()
            {
                found.push(namespace.to_owned());
            }
        }
        found.sort();
        Ok(found)
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.versioned().join(name)
    }
}

pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.display().to_string();
    move |error| StoreError::Io { action, path, reason: error.to_string() }
}

/// What is in a folder; nothing if it is not there.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    match fs::read_dir(folder) {
        Ok(read) => Ok(read.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed("reading", folder)(error)),
    }
}

/// Makes a folder that nobody else can read.
pub(super) fn make(folder: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed("making", folder))
}

/// Opens a file for appending that nobody else can read. Never through a link.
pub(super) fn append(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).read(true).mode(0o600).custom_flags(NO_FOLLOW);
    options.open(path).map_err(failed("opening", path))
}

/// `O_NOFOLLOW`.
const NO_FOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();

/// Replaces a file whole: a reader sees the old one or the new one.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make(folder)?;
    let write = || -> io::Result<()> {
        // Its name is random and its mode 0600.
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
        file.write_all(content)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(failed("writing", path))
}

/// Reads a small file; `None` if it is not there.
pub(super) fn read(path: &Path, most: u64) -> Result<Option<Vec<u8>>, StoreError> {
    use std::io::Read as _;
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("opening", path)(error)),
    };
    let mut content = Vec::new();
    file.take(most).read_to_end(&mut content).map_err(failed("reading", path))?;
    Ok(Some(content))
}

/// Keeps a folder for this process; `None`: another has it.
pub(super) fn lock(folder: &Path) -> Result<Option<File>, StoreError> {
    make(folder)?;
    let path = folder.join(".lock");
    let file = append(&path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(failed("locking", &path)(error)),
    }
}
