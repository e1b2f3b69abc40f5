//! Who an engine is: the same again after a crash, so that it takes its Lease back at once, and never two at a time.

use std::fs::{self, File, OpenOptions};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use sha2::{Digest as _, Sha256};

use super::error::EngineError;

/// The name of an engine, and a lock on its folder that makes the name its own for as long as it runs.
#[derive(Debug)]
pub(super) struct Identity {
    /// The machine's name and the folder's.
    pub(super) name: String,
    lock: File,
}

impl Drop for Identity {
    /// Closing the file is not enough: a program that is being started holds a copy of it for a moment.
    fn drop(&mut self) {
        // Where it fails, the lock ends with the last copy.
        let _ = flock(&self.lock, FlockOperation::Unlock);
    }
}

impl Identity {
    /// Locks the folder in which an engine keeps its repositories. Makes it if it is not there.
    pub(super) fn lock(folder: &Path) -> Result<Self, EngineError> {
        let refused = |reason: String| EngineError::Option {
            option: "--repo-cache",
            reason: format!("{}: {reason}", folder.display()),
        };
        fs::create_dir_all(folder).map_err(|error| refused(error.to_string()))?;
        let path = folder.join("engine.lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
        let file = file.map_err(|error| refused(error.to_string()))?;
        if let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            return Err(if error == rustix::io::Errno::WOULDBLOCK {
                EngineError::OtherController(format!("another engine that uses the folder {}", folder.display()))
            } else {
                refused(error.to_string())
            });
        }
        let place = fs::canonicalize(folder).map_err(|error| refused(error.to_string()))?;
        let digest = Sha256::digest(place.as_os_str().as_encoded_bytes());
        let digest = digest.iter().take(5).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        Ok(Self { name: format!("{}_{digest:010x}", rustix::system::uname().nodename().to_string_lossy()), lock: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_engine_at_a_time_and_gives_it_one_name() {
        let folder = tempfile::tempdir().unwrap();
        let first = Identity::lock(folder.path()).unwrap();
        assert!(matches!(Identity::lock(folder.path()), Err(EngineError::OtherController(_))));
        let name = first.name.clone();
        drop(first);
        assert_eq!(Identity::lock(folder.path()).unwrap().name, name);
        let other = tempfile::tempdir().unwrap();
        assert_ne!(Identity::lock(other.path()).unwrap().name, name);
    }
}
