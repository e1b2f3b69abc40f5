//! The kubeconfig with which `kubectl` and others reach a simulator.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::simulator::ADMIN;

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

/// A kubeconfig for the server at this address (`HOST:PORT`).
///
/// `kubectl` sends no token to a server without TLS, but it does send the password in an address, so the token stands in
/// both places.
pub(super) fn kubeconfig(address: &str, token: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: {NAME}\n  cluster:\n    server: http://{ADMIN}:{token}@{address}\n\
         users:\n- name: {NAME}\n  user:\n    token: {token}\ncontexts:\n- name: {NAME}\n  context:\n    \
         cluster: {NAME}\n    user: {NAME}\n    namespace: default\ncurrent-context: {NAME}\n"
    )
}

/// Whether a kubeconfig names nothing but a simulator.
fn is_ours(text: &str) -> bool {
    let Ok(config) = serde_yaml::from_str::<Value>(text) else { return false };
    let named = |list: &str| config.get(list).and_then(Value::as_array).into_iter().flatten();
    let mut all = ["clusters", "users", "contexts"].into_iter().flat_map(named).peekable();
    config.is_null() || all.peek().is_some() && all.all(|one| one.get("name").is_some_and(|name| name == NAME))
}

/// Writes a kubeconfig that only its owner can read. Replaces one of an earlier simulator, and nothing else.
///
/// # Errors
/// Where another kubeconfig is there, or the file cannot be written.
pub fn write_kubeconfig(path: &Path, text: &str) -> Result<(), KubeconfigError> {
    let failed = |source| KubeconfigError::Io { path: path.to_owned(), source };
    match fs::read_to_string(path) {
        Ok(existing) if !is_ours(&existing) => {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_names_a_simulator_alone_may_be_replaced() {
        let ours = kubeconfig("127.0.0.1:1", "t");
        assert!(is_ours(&ours) && is_ours("") && is_ours("# nothing\n"));
        let merged = ours.replace("users:\n", "- name: production\n  cluster: {}\nusers:\n");
        for other in [merged.as_str(), "current-context: boathook-sim\n", "a: [", "text", "clusters: []\n"] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
