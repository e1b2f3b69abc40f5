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
pub(super) async fn commit(
    shared: &Shared,
    url: &RepoUrl,
    revision: &str,
    project: &str,
    fetch: Fetch,
) -> Result<CommitId, Problem> {
    let known = CommitId::parse(revision);
    if known.is_some()
        && let Ok(commit) = resolve(shared, url, revision).await
    {
        return Ok(commit);
    }
    let now = shared.clock.monotonic();
    let is_old = |at: Duration| now.saturating_sub(at) >= shared.options.interval;
    if fetch == Fetch::Always || shared.fetched.at(url).is_none_or(is_old) {
        fetch_all(shared, url, project).await?;
    }
    match (resolve(shared, url, revision).await, known) {
        (Ok(commit), _) => Ok(commit),
        (Err(ReadError::UnknownRevision(_)), Some(commit)) => {
            let credentials = credentials(shared, url, project).await?;
            let fetched = shared.repositories.fetch_commit(url, &credentials, commit).await;
            fetched.map_err(|error| Problem::comparison(error.to_string(), error.is_transient()))?;
            resolve(shared, url, revision).await.map_err(|error| unreadable(url, &error))
        }
        (Err(error), _) => Err(unreadable(url, &error)),
    }
}

async fn fetch_all(shared: &Shared, url: &RepoUrl, project: &str) -> Result<(), Problem> {
    let begun = shared.clock.monotonic();
    let credentials = credentials(shared, url, project).await?;
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

/// Credentials of Argo CD's repository Secrets: those of this very repository, else the longest prefix of a template. A
/// Secret that belongs to a project is for the applications of that project alone, and comes before everybody's. None where
/// Secrets may not be read.
async fn credentials(shared: &Shared, url: &RepoUrl, project: &str) -> Result<Credentials, Problem> {
    let files = shared.options.file_repositories;
    let is_ours = |secret: &&SecretValues| ["", project].contains(&secret.text("project"));
    let is_of_project = |secret: &&SecretValues| !secret.text("project").is_empty();
    let is_exact =
        |secret: &&SecretValues| RepoUrl::parse(secret.text("url"), files).is_ok_and(|known| known.key() == url.key());
    let own = of_type(shared, "repository").await?;
    let exact = own.iter().filter(is_ours).filter(is_exact).max_by_key(is_of_project);
    if let Some(secret) = exact.filter(|secret| has_credentials(secret)) {
        return read(secret, url);
    }
    let templates = of_type(shared, "repo-creds").await?;
    let best = (templates.iter().filter(is_ours))
        .filter(|secret| !secret.text("url").is_empty() && url.as_str().starts_with(secret.text("url")))
        .max_by_key(|secret| secret.text("url").len());
    best.or(exact).map_or_else(|| Ok(Credentials::default()), |secret| read(secret, url))
}

async fn of_type(shared: &Shared, secret_type: &str) -> Result<Vec<SecretValues>, Problem> {
    match secrets(&shared.cluster, &shared.options.control_plane, secret_type).await {
        Err(error) if error.is_denied() => Ok(Vec::new()),
        found => found.map_err(|error| Problem::cluster(&error)),
    }
}

/// Ways to open a repository that Argo CD has and the engine has not.
const UNSUPPORTED: &[&str] =
    &["bearerToken", "githubAppID", "githubAppPrivateKey", "gcpServiceAccountKey", "useAzureWorkloadIdentity"];

fn has_credentials(secret: &SecretValues) -> bool {
    let known = ["password", "sshPrivateKey", "tlsClientCertData"];
    known.iter().chain(UNSUPPORTED).any(|name| !secret.text(name).is_empty())
}

fn read(secret: &SecretValues, url: &RepoUrl) -> Result<Credentials, Problem> {
    let is_set = |name: &&&str| !["", "false"].contains(&secret.text(name));
    if let Some(name) = UNSUPPORTED.iter().chain(&["enableLfs"]).find(is_set) {
        let message = format!("{url}: {name} of its repository Secret is not supported by boathook's engine");
        return Err(Problem::invalid_spec(message));
    }
    Ok(Credentials {
        basic: secret.some("password").map(|password| (secret.text("username").to_owned(), password)),
        ssh_private_key: secret.some("sshPrivateKey"),
        ssh_known_hosts: None,
        tls_client: secret.some("tlsClientCertData").zip(secret.some("tlsClientCertKey")),
        tls_ca: None,
        insecure: secret.text("insecure") == "true" || secret.text("insecureIgnoreHostKey") == "true",
        proxy: secret.some("proxy"),
    })
}
