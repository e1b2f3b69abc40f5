//! How an engine works.

use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;

use crate::cluster::Scope;
use crate::git::{FetchLimits, FileRepositories};

/// How an engine works.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// The namespace of the control plane: `AppProject`s, cluster and repository Secrets, the Lease. Argo CD's is
    /// `argocd`.
    pub control_plane: String,
    /// Where Applications are looked for.
    pub applications: Scope,
    /// Folder in which repositories are kept.
    pub repo_cache: PathBuf,
    /// How much of a repository is fetched.
    pub fetch: FetchLimits,
    /// Whether `file://` repositories are read.
    pub file_repositories: FileRepositories,
    /// An application is compared with Git at least this often, and a repository is fetched no more often unless
    /// somebody asks.
    pub interval: Duration,
    /// Pause between the apply of one wave and that of the next. Argo CD pauses for 2 seconds.
    pub wave_delay: SignedDuration,
    /// How long an operation may take with all its attempts; `None`: without limit, as in Argo CD.
    pub timeout: Option<SignedDuration>,
    /// Pause before delete hooks are run again that failed, times the number of the attempt.
    pub deletion_pause: SignedDuration,
    /// Whether operations may bring their manifests along (`operation.sync.manifests`).
    pub local_manifests: bool,
    /// For how long a claim on the Lease holds without a renewal, in whole seconds and no less than three.
    pub lease: Duration,
    /// How many applications are worked on at the same time. Those that wait for their hooks do not count.
    pub workers: usize,
    /// How many requests an operation sends at the same time.
    pub parallel_requests: usize,
}

impl EngineOptions {
    /// Argo CD's own settings, with repositories kept in a folder.
    pub fn new(repo_cache: impl Into<PathBuf>) -> Self {
        let control_plane = "argocd".to_owned();
        Self {
            applications: Scope::Namespace(control_plane.clone()),
            control_plane,
            repo_cache: repo_cache.into(),
            fetch: FetchLimits::default(),
            file_repositories: FileRepositories::default(),
            interval: Duration::from_secs(180),
            wave_delay: SignedDuration::from_secs(2),
            timeout: None,
            deletion_pause: SignedDuration::from_secs(10),
            local_manifests: false,
            lease: Duration::from_secs(15),
            workers: 20,
            parallel_requests: 10,
        }
    }
}
