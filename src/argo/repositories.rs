//! The repositories of applications: fetched in the background, one fetch a repository however many applications, and
//! never more often than asked.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::options::RepositoryOptions;
use crate::clock::Clock;
use crate::cluster::{Cluster, Kind, Scope, Selectors};
use crate::domain::live::RepositoryState;
use crate::domain::manifest::Object;
use crate::domain::secret::SecretValues;
use crate::git::{
    CommitId, Credentials, FetchLimits, FileRepositories, RepoUrl, Repositories, Repository, Transport, UrlError,
    secret_for, trust,
};

/// The label by which Argo CD knows its Secrets.
const SECRET_TYPE: &str = "argocd.argoproj.io/secret-type";

/// What opens a repository.
#[derive(Default)]
pub(super) struct Opened {
    credentials: Credentials,
    /// The field of its Secret by which Argo CD opens it and boathook cannot: the user's own `git` may all the same.
    unsupported: Option<&'static str>,
}

/// Repositories. Cheap to clone.
#[derive(Clone)]
pub(super) struct Repos {
    options: Arc<RepositoryOptions>,
    cache: Option<Repositories>,
    clock: Clock,
    fetched: Arc<Mutex<HashMap<String, Fetched>>>,
    turns: Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>>,
    next: Arc<Mutex<Option<Duration>>>,
}

/// The last fetch of a repository.
#[derive(Debug, Clone, Default)]
struct Fetched {
    /// When the last try ended, in the clock's monotonic time.
    tried: Option<Duration>,
    at: Option<Timestamp>,
    problem: Option<String>,
    /// Commits that were fetched for and did not come: they are not asked for again and again.
    sought: HashSet<CommitId>,
}

/// Commits that are remembered as not to be had, of one repository.
const MOST_SOUGHT: usize = 1_000;

impl Repos {
    pub(super) fn new(options: &RepositoryOptions, clock: &Clock) -> Self {
        let cache = options.cache.as_ref().map(|root| Repositories::new(root, clock.clone(), FetchLimits::default()));
        Self {
            options: Arc::new(options.clone()),
            cache,
            clock: clock.clone(),
            fetched: Arc::default(),
            turns: Arc::default(),
            next: Arc::default(),
        }
    }

    /// Removes the keys that an earlier boathook left behind. Uses the disk.
    pub(super) fn sweep(&self) {
        if let Some(cache) = &self.cache {
            cache.sweep();
        }
    }

    /// Whether Git is asked at all.
    pub(super) fn is_on(&self) -> bool {
        self.cache.is_some() || !self.options.checkouts.is_empty()
    }

    pub(super) fn parse(&self, url: &str) -> Result<RepoUrl, UrlError> {
        RepoUrl::parse(url, self.files())
    }

    fn files(&self) -> FileRepositories {
        if self.options.allow_files { FileRepositories::Allowed } else { FileRepositories::Refused }
    }

    /// The local checkout that stands for a repository.
    fn checkout(&self, url: &RepoUrl) -> Option<&PathBuf> {
        let mut checkouts = self.options.checkouts.iter();
        checkouts.find(|(own, _)| self.parse(own).is_ok_and(|own| own.key() == url.key())).map(|(_, path)| path)
    }

    /// Whether a local checkout stands for a repository.
    pub(super) fn is_checkout(&self, url: &RepoUrl) -> bool {
        self.checkout(url).is_some()
    }

    /// Where a repository is read.
    pub(super) fn path(&self, url: &RepoUrl) -> Option<PathBuf> {
        self.checkout(url).cloned().or_else(|| self.cache.as_ref().map(|cache| cache.path(url)))
    }

    /// What is known of the last fetch.
    pub(super) fn state(&self, url: &RepoUrl) -> RepositoryState {
        let fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        let fetched = fetched.get(url.key()).cloned().unwrap_or_default();
        RepositoryState { repository: url.to_string(), fetching: false, fetched: fetched.at, problem: fetched.problem }
    }

    fn is_due(&self, url: &RepoUrl, every: Duration) -> bool {
        let fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        let tried = fetched.get(url.key()).and_then(|fetched| fetched.tried);
        tried.is_none_or(|tried| self.clock.monotonic().saturating_sub(tried) >= every)
    }

    /// Whether a commit is known of that is not cached, so that the cache is older than what the cluster says. Not if it
    /// was [sought](Self::sought) already.
    pub(super) async fn lacks(&self, url: &RepoUrl, commit: &str) -> bool {
        let Some(commit) = CommitId::parse(commit) else { return false };
        let Some(path) = self.path(url) else { return false };
        let was_sought = {
            let fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
            fetched.get(url.key()).is_some_and(|fetched| fetched.sought.contains(&commit))
        };
        let is_known = move || Repository::open(&path).is_ok_and(|cached| cached.resolve(&commit.to_string()).is_ok());
        !was_sought && !tokio::task::spawn_blocking(is_known).await.unwrap_or(true)
    }

    /// A repository was fetched for this commit: whether it came or not, that is not done again.
    pub(super) fn sought(&self, url: &RepoUrl, commit: &str) {
        let Some(commit) = CommitId::parse(commit) else { return };
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        let sought = &mut fetched.entry(url.key().to_owned()).or_default().sought;
        if sought.len() >= MOST_SOUGHT {
            sought.clear();
        }
        sought.insert(commit);
    }

    /// Whether a fetch would ask the network now.
    pub(super) fn would_fetch(&self, url: &RepoUrl, forced: bool) -> bool {
        let every = if forced { Duration::from_secs(1) } else { self.options.every };
        self.may_fetch(url) && self.is_due(url, every)
    }

    /// Whether a repository is fetched at all.
    pub(super) fn may_fetch(&self, url: &RepoUrl) -> bool {
        !self.options.offline && self.cache.is_some() && !self.is_checkout(url)
    }

    /// Fetches a repository if its last fetch is old enough, or it lacks a commit; waits for a fetch that is under way.
    pub(super) async fn fetch(&self, url: &RepoUrl, opened: &Opened, forced: bool, lacking: &[String]) {
        let Some(cache) = &self.cache else { return };
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(url.key().to_owned()).or_default())
        };
        let _turn = turn.lock().await;
        let mut is_due = self.would_fetch(url, forced);
        for commit in lacking {
            // The fetch that was waited for may have brought it.
            is_due = is_due || self.lacks(url, commit).await;
        }
        if !is_due {
            return;
        }
        let result = cache.fetch(url, &opened.credentials).await;
        let tried = self.clock.monotonic();
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        let own = fetched.entry(url.key().to_owned()).or_default();
        own.tried = Some(tried);
        match result {
            Ok(()) => {
                own.at = Some(self.clock.now());
                own.problem = None;
            }
            Err(error) => {
                let by = opened.unsupported.map_or_else(String::new, |name| {
                    format!(" (Argo CD opens it by {name} of its repository Secret, which boathook cannot)")
                });
                own.problem = Some(format!("{error}{by}"));
            }
        }
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(tried.saturating_add(self.options.every));
    }

    /// When the repositories of open applications are to be fetched next.
    pub(super) fn next_fetch(&self) -> Option<Duration> {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is that time.
    pub(super) fn take_due(&self) -> bool {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let due = next.is_some_and(|next| next <= self.clock.monotonic());
        if due {
            *next = None;
        }
        due
    }

    /// The credentials that Argo CD has for a repository, if they may be read; else the user's own are all there is. Who may
    /// read the Secrets of all projects sees the repositories of all projects.
    pub(super) async fn credentials(&self, cluster: &Cluster, home: &str, url: &RepoUrl) -> Opened {
        if !self.options.argo_credentials {
            return Opened::default();
        }
        let secrets = Kind::known("", "v1", "Secret", "secrets", true);
        let labels = format!("{SECRET_TYPE} in (repository,repo-creds)");
        let selectors = Selectors { labels, ..Selectors::default() };
        let Ok(list) = cluster.list(&secrets, &Scope::Namespace(home.to_owned()), &selectors).await else {
            return Opened::default();
        };
        let of_type = |wanted: &str| -> Vec<SecretValues> {
            let is_wanted = |secret: &&Object| secret.label(SECRET_TYPE) == Some(wanted);
            list.items.iter().filter(is_wanted).map(SecretValues::of).collect()
        };
        let (own, templates) = (of_type("repository"), of_type("repo-creds"));
        // What the user's own ssh and git trust counts where they also open the repository.
        let Some(secret) = secret_for(&own, &templates, url, self.files(), None) else { return Opened::default() };
        let credentials = match Credentials::of_secret(secret) {
            Ok(credentials) => credentials,
            Err(name) => return Opened { unsupported: Some(name), ..Opened::default() },
        };
        let trusted = match trust(url) {
            Some((map, entry)) => trusted(cluster, home, map, entry).await,
            None => None,
        };
        // Host keys of other servers are no reason to know this one by none.
        let trusted = trusted.filter(|lines| url.transport() != Transport::Ssh || lines.contains(url.host()));
        Opened { credentials: credentials.trusting(url, trusted), unsupported: None }
    }
}

/// What Argo CD trusts a server by; `None` where it does not say, or that may not be read.
async fn trusted(cluster: &Cluster, home: &str, name: &str, entry: &str) -> Option<String> {
    let kind = Kind::known("", "v1", "ConfigMap", "configmaps", true);
    let map = cluster.get(&kind, home, name).await.ok().flatten()?;
    let text = map.at(&["data", entry])?.as_str()?;
    Some(text.to_owned()).filter(|text| !text.trim().is_empty())
}
