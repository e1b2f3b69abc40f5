//! The repositories of applications: fetched in the background, one fetch a repository however many applications, and
//! never more often than asked.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::destinations::field;
use super::options::RepositoryOptions;
use crate::clock::Clock;
use crate::cluster::{Cluster, Kind, Scope, Selectors};
use crate::domain::live::RepositoryState;
use crate::git::{
    CommitId, Credentials, FetchLimits, FileRepositories, RepoUrl, Repositories, Repository, Transport, UrlError,
    is_template_for,
};

/// Argo CD's ConfigMap of host keys, and its entry: lines of `known_hosts`.
const KNOWN_HOSTS: (&str, &str) = ("argocd-ssh-known-hosts-cm", "ssh_known_hosts");
/// Argo CD's ConfigMap of certificates (PEM) by the name of the server that they are for.
const CERTIFICATES: &str = "argocd-tls-certs-cm";

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
        let files = if self.options.allow_files { FileRepositories::Allowed } else { FileRepositories::Refused };
        RepoUrl::parse(url, files)
    }

    /// The local checkout that stands for a repository.
    fn checkout(&self, url: &RepoUrl) -> Option<&PathBuf> {
        let mut checkouts = self.options.checkouts.iter();
        checkouts.find(|(own, _)| self.parse(own).is_ok_and(|own| own.key() == url.key())).map(|(_, path)| path)
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
        !self.options.offline && self.cache.is_some() && self.checkout(url).is_none()
    }

    /// Fetches a repository if its last fetch is old enough, or it lacks a commit; waits for a fetch that is under way.
    pub(super) async fn fetch(&self, url: &RepoUrl, credentials: &Credentials, forced: bool, lacking: &[String]) {
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
        let result = cache.fetch(url, credentials).await;
        let tried = self.clock.monotonic();
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        let own = fetched.entry(url.key().to_owned()).or_default();
        own.tried = Some(tried);
        match result {
            Ok(()) => {
                own.at = Some(self.clock.now());
                own.problem = None;
            }
            Err(error) => own.problem = Some(error.to_string()),
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

    /// The credentials that Argo CD has for a repository, if they may be read; else the user's own are all there is.
    pub(super) async fn credentials(&self, cluster: &Cluster, home: &str, url: &RepoUrl) -> Credentials {
        if !self.options.argo_credentials {
            return Credentials::default();
        }
        let secrets = Kind::known("", "v1", "Secret", "secrets", true);
        let labels = "argocd.argoproj.io/secret-type in (repository,repo-creds)".to_owned();
        let selectors = Selectors { labels, ..Selectors::default() };
        let Ok(list) = cluster.list(&secrets, &Scope::Namespace(home.to_owned()), &selectors).await else {
            return Credentials::default();
        };
        // A repository's own Secret, else the template with the longest address that its own begins with.
        let rank = |secret: &&crate::domain::manifest::Object| {
            let own = field(secret, "url").unwrap_or_default();
            let is_template = secret.label("argocd.argoproj.io/secret-type") == Some("repo-creds");
            if is_template {
                is_template_for(&own, url.as_str()).then_some(own.len())
            } else {
                self.parse(&own).is_ok_and(|own| own.key() == url.key()).then_some(usize::MAX)
            }
        };
        let best = list.items.iter().filter(|secret| rank(secret).is_some()).max_by_key(rank);
        // What the user's own ssh and git trust counts where they also open the repository.
        let Some(secret) = best else { return Credentials::default() };
        let (ssh_known_hosts, tls_ca) = match url.transport() {
            Transport::Ssh => {
                let known = trusted(cluster, home, KNOWN_HOSTS.0, KNOWN_HOSTS.1).await;
                (known.filter(|lines| lines.contains(url.host())), None)
            }
            Transport::Https => (None, trusted(cluster, home, CERTIFICATES, url.host()).await),
            Transport::Http | Transport::File => (None, None),
        };
        let text = |name: &str| field(secret, name).filter(|text| !text.is_empty());
        Credentials {
            basic: text("password").map(|password| (text("username").unwrap_or_default(), password)),
            ssh_private_key: text("sshPrivateKey"),
            tls_client: text("tlsClientCertData").zip(text("tlsClientCertKey")),
            proxy: text("proxy"),
            ssh_known_hosts,
            tls_ca,
            ..Credentials::default()
        }
    }
}

/// What Argo CD trusts a server by; `None` where it does not say, or that may not be read.
async fn trusted(cluster: &Cluster, home: &str, name: &str, entry: &str) -> Option<String> {
    let kind = Kind::known("", "v1", "ConfigMap", "configmaps", true);
    let map = cluster.get(&kind, home, name).await.ok().flatten()?;
    let text = map.at(&["data", entry])?.as_str()?;
    Some(text.to_owned()).filter(|text| !text.trim().is_empty())
}
