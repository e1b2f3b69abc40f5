//! Keys and certificates that `git` and `ssh` only read from files.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::credentials::Credentials;
use super::process::private_folder;

/// What the names of their folders begin with.
const PREFIX: &str = ".keys-";
/// Locked, for all to share, by everybody who has such a folder.
const IN_USE: &str = ".keys.lock";

/// In a private folder, gone when this is dropped.
pub(super) struct SecretFiles {
    /// The folder, and the file that says to whoever sweeps that somebody uses it.
    folder: Option<(tempfile::TempDir, File)>,
}

impl SecretFiles {
    pub(super) fn write(root: &Path, credentials: &Credentials) -> std::io::Result<Self> {
        let files = [
            ("ssh-key", credentials.ssh_private_key.as_deref()),
            ("known-hosts", credentials.ssh_known_hosts.as_deref()),
            ("client.crt", credentials.tls_client.as_ref().map(|(certificate, _)| certificate.as_str())),
            ("client.key", credentials.tls_client.as_ref().map(|(_, key)| key.as_str())),
            ("ca.crt", credentials.tls_ca.as_deref()),
        ];
        if files.iter().all(|(_, content)| content.is_none()) {
            return Ok(Self { folder: None });
        }
        sweep(root);
        let in_use = lock_file(root)?;
        in_use.lock_shared()?;
        let folder = private_folder(PREFIX, root)?;
        for (name, content) in files {
            if let Some(content) = content {
                let path = folder.path().join(name);
                let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
                file.write_all(content.trim_end().as_bytes())?;
                // ssh refuses a key whose last line has no end.
                file.write_all(b"\n")?;
            }
        }
        Ok(Self { folder: Some((folder, in_use)) })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.as_ref().map(|(folder, _)| folder.path().join(name)).unwrap_or_default()
    }
}

fn lock_file(root: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(root.join(IN_USE))
}

/// Removes what was left behind: a process that is killed, and one that loses its power, removes nothing itself. While
/// anybody has such a folder none is removed.
pub(super) fn sweep(root: &Path) {
    let is_left = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with(PREFIX);
    let entries = || fs::read_dir(root).into_iter().flatten().flatten();
    if !entries().any(|entry| is_left(&entry.file_name())) {
        return;
    }
    let Ok(lock) = lock_file(root) else { return };
    if lock.try_lock().is_err() {
        return;
    }
    for entry in entries().filter(|entry| is_left(&entry.file_name())) {
        if let Err(error) = fs::remove_dir_all(entry.path()) {
            tracing::warn!(%error, "keys that were left behind cannot be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path) -> SecretFiles {
        let credentials = Credentials { ssh_private_key: Some("a key".to_owned()), ..Credentials::default() };
        SecretFiles::write(root, &credentials).unwrap()
    }

    fn folders(root: &Path) -> usize {
        let names = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(PREFIX)).count()
    }

    #[test]
    fn what_was_left_behind_is_removed_and_what_is_used_is_not() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let left = root.join(".keys-left");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("ssh-key"), "a key").unwrap();
        let used = write(root);
        assert!(!left.exists(), "the next one who has a key removes it");
        fs::create_dir(&left).unwrap();
        sweep(root);
        assert!(left.exists() && used.path("ssh-key").exists(), "somebody has keys");
        let second = write(root);
        drop(used);
        sweep(root);
        assert!(second.path("ssh-key").exists(), "somebody still has");
        drop(second);
        sweep(root);
        assert_eq!(folders(root), 0);
        assert!(SecretFiles::write(root, &Credentials::default()).unwrap().path("ssh-key").as_os_str().is_empty());
    }
}
