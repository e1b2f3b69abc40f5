//! The kubeconfig with which `kubectl` and others reach a simulator.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Name of the cluster, the user and the context in it.
const NAME: &str = "boathook-sim";

/// Why a kubeconfig was not written.
#[derive(Debug, thiserror::Error)]
pub enum KubeconfigError {
    /// There is one already, of other clusters. Trying again does not help; another file does.
    #[error("{} is a kubeconfig of other clusters, and is left as it is; name another file", .0.display())]
    NotOurs(PathBuf),
    /// The system refuses.
    #[error("cannot write the kubeconfig {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A kubeconfig for one server.
///
/// kubectl sends no token to a server without TLS, so the address holds it as well: see
/// [`PATH_OF_TOKEN`](crate::sim::api::PATH_OF_TOKEN).
pub(super) fn kubeconfig(url: &str, token: &str) -> String {
    let path = crate::sim::api::PATH_OF_TOKEN;
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: {NAME}\n  cluster:\n    server: {url}{path}{token}\nusers:\n- name: {NAME}\n  \
         user:\n    token: {token}\ncontexts:\n- name: {NAME}\n  context:\n    cluster: {NAME}\n    user: {NAME}\n    \
         namespace: default\ncurrent-context: {NAME}\n"
    )
}

/// Writes a kubeconfig that only its owner can read. Replaces one of an earlier simulator, and nothing else.
///
/// # Errors
/// Where another kubeconfig is there, or the file cannot be written.
pub fn write_kubeconfig(path: &Path, text: &str) -> Result<(), KubeconfigError> {
    let failed = |source| KubeconfigError::Io { path: path.to_owned(), source };
    match fs::read_to_string(path) {
        Ok(existing) if !existing.trim().is_empty() && !existing.contains(&format!("current-context: {NAME}\n")) => {
            return Err(KubeconfigError::NotOurs(path.to_owned()));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    // Beside it and then in its place: nobody ever reads half of it, and it never had other permissions.
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&temporary);
        failed(error)
    })
}
