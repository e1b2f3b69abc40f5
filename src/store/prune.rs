//! Bounds on what is kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::error::StoreError;
use super::folder::{State, entries, failed};
use super::operations::{OperationFolder, OperationId};

/// What was taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Operations.
    pub operations: usize,
    /// Bytes.
    pub bytes: u64,
    /// Bytes that are left.
    pub left: u64,
}

/// Deletes operations that are older than `keep`, and the oldest ones until all together are below `quota` bytes. What
/// a process writes now, and what a newer boathook wrote, stays.
pub fn prune(state: &State, quota: u64, keep: Duration, now: Timestamp) -> Result<Pruned, StoreError> {
    let mut operations = Vec::new();
    let mut left = 0;
    for cluster in folders(&state.versioned())? {
        for namespace in folders(&cluster)? {
            for application in folders(&namespace)? {
                for path in folders(&application)? {
                    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                    let Some(id) = OperationId::parse(name) else { continue };
                    let bytes = size(&path)?;
                    left += bytes;
                    operations.push((id, bytes, OperationFolder::new(path, id)));
                }
            }
        }
    }
    operations.sort_by_key(|(id, ..)| *id);
    let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
    let mut pruned = Pruned::default();
    for (id, bytes, folder) in operations {
        let is_old = now.duration_since(id.started_at) > keep;
        if !is_old && left <= quota {
            break;
        }
        let Ok(_lock) = folder.lock() else { continue };
        if folder.is_newer() {
            continue;
        }
        fs::remove_dir_all(folder.path()).map_err(failed("deleting", folder.path()))?;
        left -= bytes;
        pruned.operations += 1;
        pruned.bytes += bytes;
    }
    pruned.left = left;
    Ok(pruned)
}

/// Real folders, never links to some.
fn folders(path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let is_folder = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir());
    Ok(entries(path)?.into_iter().filter(is_folder).collect())
}

fn size(path: &Path) -> Result<u64, StoreError> {
    let mut bytes = 0;
    for entry in entries(path)? {
        let Ok(metadata) = fs::symlink_metadata(&entry) else { continue };
        bytes += if metadata.is_dir() { size(&entry)? } else { metadata.len() };
    }
    Ok(bytes)
}
