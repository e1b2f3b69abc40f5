//! The cache of repositories: bare ones, filled by the user's own `git`, shared by all applications and by all
//! boathooks of the user.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::credentials::Credentials;
use super::process::{Limits, ProcessError, Run, private_folder};
use super::repository::{CommitId, ReadError, Repository};
use super::secret_files::{self, SecretFiles};
use super::url::{RepoUrl, Transport};
use crate::clock::Clock;

/// Where the remote's `HEAD` is kept: a bare repository's own cannot be fetched into.
pub(crate) const REMOTE_HEAD: &str = "refs/boathook/HEAD";

/// Why a repository could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The user, or the credentials given, may not read it. Trying again does not help.
    #[error("{url}: access denied: {reason}")]
    Forbidden {
        /// The repository, without password.
        url: String,
        /// The last words of `git`.
        reason: String,
    },
    /// There is no such repository, or it is hidden from this user. Trying again does not help.
    #[error("{url}: no such repository: {reason}")]
    NotFound {
        /// The repository, without password.
        url: String,
        /// The last words of `git`.
        reason: String,
    },
    /// The server is not the one that is expected: its certificate or host key is not trusted. Trying again does not help.
    #[error("{url}: the server is not trusted: {reason}")]
    Untrusted {
        /// The repository, without password.
        url: String,
        /// The last words of `git`.
        reason: String,
    },
    /// The network or the server did not answer. Trying again may help.
    #[error("{url}: not reachable: {reason}")]
    Unreachable {
        /// The repository, without password.
        url: String,
        /// The last words of `git`.
        reason: String,
    },
    /// The repository is larger than is fetched.
    #[error("{url}: larger than the {limit} bytes that are fetched of one repository")]
    TooLarge {
        /// The repository, without password.
        url: String,
        /// The limit.
        limit: u64,
    },
    /// `git` is missing, took too long, or failed otherwise.
    #[error("{url}: {source}")]
    Git {
        /// The repository, without password.
        url: String,
        /// What happened.
        source: ProcessError,
    },
    /// The cache's folder could not be made, locked or read.
    #[error("{url}: the cache {path} cannot be used: {reason}")]
    Cache {
        /// The repository, without password.
        url: String,
        /// The folder.
        path: String,
        /// The system's words.
        reason: String,
    },
}

impl FetchError {
    /// Whether the same fetch may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Git { source, .. } => matches!(source, ProcessError::TimedOut { .. }),
            Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::Untrusted { .. }
            | Self::TooLarge { .. }
            | Self::Cache { .. } => false,
        }
    }
}

/// How much a fetch may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// Wall time.
    pub time: Duration,
    /// Bytes of one repository in the cache.
    pub bytes: u64,
}

impl Default for FetchLimits {
    /// Five minutes and 4 GiB.
    fn default() -> Self {
        Self { time: Duration::from_secs(300), bytes: 4 << 30 }
    }
}

/// The repositories in one folder. Cheap to clone.
#[derive(Clone)]
pub struct Repositories {
    root: PathBuf,
    clock: Clock,
    limits: FetchLimits,
    /// One fetch a repository at a time within this process; a file lock does the same between processes.
    busy: Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>>,
}

impl Repositories {
    /// A cache in a folder, which is made when it is first needed.
    pub fn new(root: impl Into<PathBuf>, clock: Clock, limits: FetchLimits) -> Self {
        Self { root: root.into(), clock, limits, busy: Arc::default() }
    }

    /// Where the repository is, or will be, kept.
    pub fn path(&self, url: &RepoUrl) -> PathBuf {
        let digest = Sha256::digest(url.key().as_bytes());
        let hex = digest.iter().take(10).fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        let last = url.key().rsplit('/').next().unwrap_or_default();
        let name: String = last.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).take(40).collect();
        self.root.join(format!("{}-{hex}.git", name.trim_start_matches('.')))
    }

    /// Removes the keys that a process left behind which was killed. Those of one that runs stay. Every fetch does the
    /// same first.
    pub fn sweep(&self) {
        secret_files::sweep(&self.root);
    }

    /// Opens what is cached, without any network. Reads the disk.
    pub fn open(&self, url: &RepoUrl) -> Result<Repository, ReadError> {
        Repository::open(&self.path(url))
    }

    /// Brings all branches and tags of the repository into the cache.
    pub async fn fetch(&self, url: &RepoUrl, credentials: &Credentials) -> Result<(), FetchError> {
        let heads = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
        let head = format!("+HEAD:{REMOTE_HEAD}");
        let lock = self.lock(url).await?;
        let result = match self.git_fetch(url, credentials, heads.iter().copied().chain([head.as_str()])).await {
            // An empty repository, or one whose HEAD names a branch that is not there.
            Err(FetchError::Git { source: ProcessError::Failed { stderr, .. }, .. })
                if stderr.contains("find remote ref HEAD") =>
            {
                self.git_fetch(url, credentials, heads.iter().copied()).await
            }
            result => result,
        };
        drop(lock);
        result
    }

    /// Brings one commit into the cache that no branch or tag leads to, if the server gives it.
    pub async fn fetch_commit(
        &self,
        url: &RepoUrl,
        credentials: &Credentials,
        commit: CommitId,
    ) -> Result<(), FetchError> {
        let lock = self.lock(url).await?;
        let spec = format!("+{commit}:refs/boathook/commits/{commit}");
        let result = self.git_fetch(url, credentials, [spec.as_str()]).await;
        drop(lock);
        result
    }

    async fn lock(&self, url: &RepoUrl) -> Result<Lock, FetchError> {
        let turn = {
            let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
            busy.entry(url.key().to_owned()).or_default().clone()
        };
        let turn = turn.lock_owned().await;
        let path = self.path(url);
        let lock_path = path.with_extension("lock");
        let failed = |reason: String| cache_error(url, &path, reason);
        let root = self.root.clone();
        let file = tokio::task::spawn_blocking(move || {
            DirBuilder::new().recursive(true).mode(0o700).create(&root)?;
            let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(lock_path)?;
            file.lock()?;
            Ok::<_, std::io::Error>(file)
        })
        .await
        .map_err(|error| failed(error.to_string()))?
        .map_err(|error| failed(error.to_string()))?;
        Ok(Lock { _turn: turn, _file: file })
    }

    async fn git_fetch(
        &self,
        url: &RepoUrl,
        credentials: &Credentials,
        specs: impl IntoIterator<Item = &str>,
    ) -> Result<(), FetchError> {
        let path = self.path(url);
        let secrets = SecretFiles::write(&self.root, credentials)
            .map_err(|error| cache_error(url, &self.root, error.to_string()))?;
        if !path.join("HEAD").exists() {
            self.init(url, &path).await?;
        }
        let run = remote_git("fetch", url, credentials, &secrets)
            .arg("--git-dir")
            .arg(&path)
            .args(["fetch", "--quiet", "--force", "--prune", "--no-tags", "--no-write-fetch-head"])
            .args(["--no-auto-maintenance", "--no-recurse-submodules", "--"])
            .arg(url.as_str())
            .args(specs)
            .limits(Limits { time: self.limits.time, stdout: 1 << 20 });
        let result = tokio::select! {
            result = run.output(&self.clock) => result.map(|_| ()).map_err(|source| classify(url, source)),
            () = self.outgrows(&path) => {
                Err(FetchError::TooLarge { url: url.to_string(), limit: self.limits.bytes })
            }
        };
        // What was sent quickly is measured too.
        let result = match result {
            Ok(()) if self.size(&path).await > self.limits.bytes => {
                Err(FetchError::TooLarge { url: url.to_string(), limit: self.limits.bytes })
            }
            result => result,
        };
        match &result {
            Ok(()) => {}
            // Nothing of it is used, so nothing of it is kept.
            Err(FetchError::TooLarge { .. }) => drop(fs::remove_dir_all(&path)),
            // Somebody damaged it: the next fetch begins anew.
            Err(FetchError::Git { source: ProcessError::Failed { stderr, .. }, .. })
                if stderr.contains("not a git repository") =>
            {
                drop(fs::remove_dir_all(&path));
            }
            Err(_) => remove_leftovers(&path),
        }
        result
    }

    /// Makes an empty repository. It is there as a whole or not at all, whenever this is stopped.
    async fn init(&self, url: &RepoUrl, path: &Path) -> Result<(), FetchError> {
        let failed = |error: std::io::Error| cache_error(url, path, error.to_string());
        let folder = private_folder(".new-", &self.root).map_err(failed)?;
        let made = folder.path().join("repository.git");
        let init = git("init").args(["init", "--bare", "--quiet", "--template="]).arg("--").arg(&made);
        init.output(&self.clock).await.map_err(|source| FetchError::Git { url: url.to_string(), source })?;
        // Without HEAD it is no repository, and a folder cannot be put in the place of one that is not empty.
        if path.exists() {
            fs::remove_dir_all(path).map_err(failed)?;
        }
        fs::rename(made, path).map_err(failed)
    }

    /// Ends when the repository on disk is larger than allowed: the server alone decides how much it sends.
    async fn outgrows(&self, path: &Path) {
        loop {
            self.clock.sleep(Duration::from_millis(500)).await;
            if self.size(path).await > self.limits.bytes {
                return;
            }
        }
    }

    /// Bytes of a repository on disk.
    async fn size(&self, path: &Path) -> u64 {
        let objects = path.join("objects");
        tokio::task::spawn_blocking(move || pack_bytes(&objects)).await.unwrap_or(0)
    }
}

/// Held while one repository is written.
struct Lock {
    _turn: tokio::sync::OwnedMutexGuard<()>,
    _file: File,
}

/// `git`, with nothing of the caller's repository in its environment, no hooks, no prompts.
fn git(action: &str) -> Run {
    let mut run = Run::new("git", action)
        .env("LC_ALL", "C")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "")
        .args(["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.askPass="])
        // As one pack, whose size can be seen while it comes.
        .args(["-c", "advice.detachedHead=false", "-c", "gc.auto=0", "-c", "fetch.unpackLimit=1"]);
    for name in [
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_NAMESPACE",
        "GIT_TRACE",
        "GIT_TRACE_CURL",
        "GIT_CURL_VERBOSE",
        "GIT_EXTERNAL_DIFF",
    ] {
        run = run.without_env(name);
    }
    run
}

/// `git` for a command that talks to the repository's server.
fn remote_git(action: &str, url: &RepoUrl, credentials: &Credentials, files: &SecretFiles) -> Run {
    let protocol = match url.transport() {
        Transport::Https | Transport::Http => "https:http",
        // A user's `insteadOf` may turn one into the other.
        Transport::Ssh => "ssh:https",
        Transport::File => "file",
    };
    let mut run = git(action)
        .env("GIT_ALLOW_PROTOCOL", if protocol == "https:http" { "https:http:ssh" } else { protocol })
        .env("GIT_PROTOCOL_FROM_USER", "0")
        // ssh asks nobody: not the terminal, which may be showing boathook's screen, and not a window.
        .env("SSH_ASKPASS", "/bin/false")
        .env("SSH_ASKPASS_REQUIRE", "force");
    let mut config: Vec<(String, String)> = Vec::new();
    if let Some((user, password)) = &credentials.basic {
        let token = STANDARD.encode(format!("{user}:{password}"));
        // In the environment, not among the arguments: those can be read by every user of the machine. Only for this
        // server, so that a redirect elsewhere does not carry it along.
        config.push((format!("http.{}.extraHeader", server(url)), format!("Authorization: Basic {token}")));
        config.push(("credential.helper".to_owned(), String::new()));
        run = run.secret(&token).secret(password);
    }
    if credentials.insecure {
        config.push(("http.sslVerify".to_owned(), "false".to_owned()));
    }
    if credentials.tls_client.is_some() {
        config.push(("http.sslCert".to_owned(), files.path("client.crt").display().to_string()));
        config.push(("http.sslKey".to_owned(), files.path("client.key").display().to_string()));
    }
    if credentials.tls_ca.is_some() {
        config.push(("http.sslCAInfo".to_owned(), files.path("ca.crt").display().to_string()));
        // It would count for more.
        run = run.without_env("GIT_SSL_CAINFO");
    }
    if let Some(proxy) = &credentials.proxy {
        config.push(("http.proxy".to_owned(), proxy.clone()));
    }
    if url.transport() == Transport::Ssh
        && let Some(command) = ssh_command(credentials, files)
    {
        run = run.env("GIT_SSH_COMMAND", command);
    }
    // The caller's own GIT_CONFIG_* stays: it may be how the user's proxy is told.
    let before = std::env::var("GIT_CONFIG_COUNT").ok().and_then(|count| count.parse::<usize>().ok()).unwrap_or(0);
    if !config.is_empty() {
        run = run.env("GIT_CONFIG_COUNT", (before + config.len()).to_string());
    }
    for (index, (name, value)) in config.into_iter().enumerate() {
        run = run.env(&format!("GIT_CONFIG_KEY_{}", before + index), name);
        run = run.env(&format!("GIT_CONFIG_VALUE_{}", before + index), value);
    }
    run
}

/// The user's own ssh command is kept, unless a key of Argo CD's is to be used.
fn ssh_command(credentials: &Credentials, files: &SecretFiles) -> Option<String> {
    let own = std::env::var_os("GIT_SSH_COMMAND").is_some()
        || std::env::var_os("GIT_SSH").is_some()
        || git2::Config::open_default().and_then(|config| config.get_string("core.sshCommand")).is_ok();
    if credentials.ssh_private_key.is_none() && own {
        return None;
    }
    let quoted = |path: PathBuf| format!("'{}'", path.display().to_string().replace('\'', r"'\''"));
    let mut command = vec!["ssh -o BatchMode=yes".to_owned()];
    if credentials.ssh_private_key.is_some() {
        command.push("-o IdentitiesOnly=yes -o IdentityAgent=none -i".to_owned());
        command.push(quoted(files.path("ssh-key")));
    }
    if credentials.insecure {
        command.push("-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null".to_owned());
    } else if credentials.ssh_known_hosts.is_some() {
        command.push("-o StrictHostKeyChecking=yes -o".to_owned());
        // ssh parts names of files at spaces, unless they are quoted for it too.
        let file = format!("\"{}\"", files.path("known-hosts").display());
        command.push(quoted(format!("UserKnownHostsFile={file}").into()));
    }
    Some(command.join(" "))
}

/// Scheme and host of an address.
fn server(url: &RepoUrl) -> String {
    let text = url.as_str();
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}/")
}

fn cache_error(url: &RepoUrl, path: &Path, reason: String) -> FetchError {
    FetchError::Cache { url: url.to_string(), path: path.display().to_string(), reason }
}

/// What `git` says is for people and changes between versions: an unknown sentence is passed on as it is.
fn classify(url: &RepoUrl, source: ProcessError) -> FetchError {
    let ProcessError::Failed { stderr, .. } = &source else {
        return FetchError::Git { url: url.to_string(), source };
    };
    let said = |words: &[&str]| words.iter().any(|words| stderr.to_ascii_lowercase().contains(words));
    let url_text = url.to_string();
    let reason = stderr.clone();
    // Said together with what follows from it.
    if said(&["certificate verification failed", "ssl certificate problem", "host key verification failed"]) {
        FetchError::Untrusted { url: url_text, reason }
    } else if said(&[
        "authentication failed",
        "could not read username",
        "could not read password",
        "permission denied",
        "returned error: 403",
    ]) {
        FetchError::Forbidden { url: url_text, reason }
    } else if said(&["repository not found", "does not exist", "not found", "does not appear to be a git repository"]) {
        FetchError::NotFound { url: url_text, reason }
    } else if said(&[
        "could not resolve",
        "connection refused",
        "timed out",
        "failed to connect",
        "unable to access",
        "network is unreachable",
        "connection reset",
        "no route to host",
        "early eof",
        "remote end hung up",
    ]) {
        FetchError::Unreachable { url: url_text, reason }
    } else {
        FetchError::Git { url: url_text, source }
    }
}

fn pack_bytes(objects: &Path) -> u64 {
    let sizes = |folder: PathBuf| -> u64 {
        fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|e| e.metadata().ok()).map(|m| m.len()).sum()
    };
    sizes(objects.join("pack")) + sizes(objects.to_owned())
}

/// A fetch that was stopped leaves its half of a pack behind.
fn remove_leftovers(path: &Path) {
    for entry in fs::read_dir(path.join("objects/pack")).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("tmp_") {
            // It is only space: the next fetch tries again.
            let _ = fs::remove_file(entry.path());
        }
    }
}
