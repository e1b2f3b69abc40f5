//! Bringing repositories into the cache, and revisions to commits.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::engine::problem::Problem;
use crate::engine::secret::{SecretValues, secrets};
use crate::engine::shared::Shared;
use crate::git::{CommitId, Credentials, ReadError, RepoUrl};

/// Whether a repository is fetched that was fetched before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fetch {
    /// If that was longer ago than the interval.
    IfOld,
    /// In any case: somebody asked, and wants what is there now.
    Always,
}

/// When each repository was fetched, by the monotonic clock.
#[derive(Debug, Default)]
pub(crate) struct Fetched(Mutex<HashMap<String, Duration>>);

impl Fetched {
    fn at(&self, url: &RepoUrl) -> Option<Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(url.key()).copied()
    }

    fn note(&self, url: &RepoUrl, now: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(url.key().to_owned(), now);
    }
}

/// The commit that a revision of a repository means. A full commit that is in the cache needs no fetch.
pub(super) async fn commit(shared: &Shared, url: &RepoUrl, revision: &str, fetch: Fetch) -> Result<CommitId, Problem> {
    let known = CommitId::parse(revision);
    if known.is_some()
        && let Ok(commit) = resolve(shared, url, revision).await
    {
        return Ok(commit);
    }
    let now = shared.clock.monotonic();
    let is_old = |at: Duration| now.saturating_sub(at) >= shared.options.interval;
    if fetch == Fetch::Always || shared.fetched.at(url).is_none_or(is_old) {
        fetch_all(shared, url).await?;
    }
    match (resolve(shared, url, revision).await, known) {
        (Ok(commit), _) => Ok(commit),
        (Err(ReadError::UnknownRevision(_)), Some(commit)) => {
            let credentials = credentials(shared, url).await?;
            let fetched = shared.repositories.fetch_commit(url, &credentials, commit).await;
            fetched.map_err(|error| Problem::comparison(error.to_string(), error.is_transient()))?;
            resolve(shared, url, revision).await.map_err(|error| unreadable(url, &error))
        }
        (Err(error), _) => Err(unreadable(url, &error)),
    }
}

async fn fetch_all(shared: &Shared, url: &RepoUrl) -> Result<(), Problem> {
    let begun = shared.clock.monotonic();
    let credentials = credentials(shared, url).await?;
    let fetched = shared.repositories.fetch(url, &credentials).await;
    fetched.map_err(|error| Problem::comparison(error.to_string(), error.is_transient()))?;
    shared.fetched.note(url, begun);
    Ok(())
}

async fn resolve(shared: &Shared, url: &RepoUrl, revision: &str) -> Result<CommitId, ReadError> {
    let (repositories, url, revision) = (shared.repositories.clone(), url.clone(), revision.to_owned());
    let work = tokio::task::spawn_blocking(move || repositories.open(&url)?.resolve(&revision));
    work.await.unwrap_or_else(|error| {
        Err(ReadError::Git { action: "resolving a revision".to_owned(), reason: error.to_string() })
    })
}

fn unreadable(url: &RepoUrl, error: &ReadError) -> Problem {
    Problem::comparison(format!("{url}: {error}"), false)
}

/// Credentials of Argo CD's repository Secrets: those of this very repository, else the longest prefix of a template.
async fn credentials(shared: &Shared, url: &RepoUrl) -> Result<Credentials, Problem> {
    let control_plane = &shared.options.control_plane;
    let files = shared.options.file_repositories;
    let of = |secret_type| secrets(&shared.cluster, control_plane, secret_type);
    let failed = |error| Problem::cluster(&error);
    let own = of("repository").await.map_err(failed)?;
    let exact =
        own.iter().find(|secret| RepoUrl::parse(secret.text("url"), files).is_ok_and(|known| known.key() == url.key()));
    if let Some(secret) = exact.filter(|secret| has_credentials(secret)) {
        return Ok(read(secret));
    }
    let templates = of("repo-creds").await.map_err(failed)?;
    let best = templates
        .iter()
        .filter(|secret| !secret.text("url").is_empty() && url.as_str().starts_with(secret.text("url")))
        .max_by_key(|secret| secret.text("url").len());
    Ok(best.or(exact).map(read).unwrap_or_default())
}

fn has_credentials(secret: &SecretValues) -> bool {
    ["password", "sshPrivateKey", "tlsClientCertData"].iter().any(|name| !secret.text(name).is_empty())
}

fn read(secret: &SecretValues) -> Credentials {
    Credentials {
        basic: secret.some("password").map(|password| (secret.text("username").to_owned(), password)),
        ssh_private_key: secret.some("sshPrivateKey"),
        ssh_known_hosts: None,
        tls_client: secret.some("tlsClientCertData").zip(secret.some("tlsClientCertKey")),
        tls_ca: None,
        insecure: secret.text("insecure") == "true" || secret.text("insecureIgnoreHostKey") == "true",
        proxy: secret.some("proxy"),
    }
}
