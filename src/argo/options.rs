//! What a live view is started with.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Where Applications are looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Namespaces {
    /// Where Argo CD is: found by its controller or the engine's Lease, else by where Applications are, else `argocd`.
    #[default]
    Find,
    /// In this namespace; projects and controller are where Argo CD is in any case.
    One(String),
    /// In all namespaces.
    All,
}

/// What a live view is started with.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The kubeconfig; `None`: as `kubectl` finds it.
    pub kubeconfig: Option<PathBuf>,
    /// The context; `None`: the current one.
    pub context: Option<String>,
    /// Where Applications are.
    pub namespaces: Namespaces,
    /// Refuse every request that writes.
    pub read_only: bool,
    /// `~/.local/state/boathook`, or what stands for it; `None`: nothing is kept on disk, neither logs nor history.
    pub state: Option<PathBuf>,
    /// What is kept of logs.
    pub capture: CaptureOptions,
    /// Where revisions come from.
    pub repositories: RepositoryOptions,
    /// Watch the hooks of every operation that runs, not only of applications that are open. Off for commands that look
    /// at a fleet once.
    pub watch_operations: bool,
}

/// What is kept of logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureOptions {
    /// Whether hooks' logs are written to disk.
    pub enabled: bool,
    /// Bytes of all logs together; the oldest operations go first.
    pub quota: u64,
    /// How long operations are kept.
    pub keep: Duration,
}

impl Default for CaptureOptions {
    /// On, 2 GiB, 30 days.
    fn default() -> Self {
        Self { enabled: true, quota: 2 << 30, keep: Duration::from_secs(30 * 24 * 3600) }
    }
}

/// Where revisions come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryOptions {
    /// The folder of the cache, `~/.cache/boathook/git`; `None`: Git is not asked.
    pub cache: Option<PathBuf>,
    /// A repository is fetched at most this often, unless somebody asks.
    pub every: Duration,
    /// Never fetch, use what is cached.
    pub offline: bool,
    /// Use the credentials of Argo CD's repository Secrets where they can be read.
    pub argo_credentials: bool,
    /// Repositories that are read from a local checkout: URL as the Application has it, and folder.
    pub checkouts: BTreeMap<String, PathBuf>,
    /// Allow `file:` repositories and paths; for demos and tests.
    pub allow_files: bool,
}

impl Default for RepositoryOptions {
    fn default() -> Self {
        Self {
            cache: None,
            every: Duration::from_secs(180),
            offline: false,
            argo_credentials: true,
            checkouts: BTreeMap::new(),
            allow_files: false,
        }
    }
}
