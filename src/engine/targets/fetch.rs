//! Bringing repositories into the cache, and revisions to commits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::credentials::credentials;
use crate::engine::problem::Problem;
use crate::engine::shared::Shared;
use crate::git::{CommitId, ReadError, RepoUrl};

/// Of one Git server so many repositories are fetched at the same time. One that does not answer holds up nobody else.
const PER_SERVER: usize = 8;

/// For so long a fetch that failed is not repeated for those that did not ask for it themselves: hundreds of applications
/// may wait for one repository.
const FAILED: Duration = Duration::from_secs(5);

/// Whether a repository is fetched that was fetched before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fetch {
    /// If that was longer ago than the interval, or failed and was not just now.
    IfOld,
    /// In any case: somebody asked, and wants what is there now.
    Always,
}

/// The last fetch of a repository.
#[derive(Debug, Clone)]
struct Last {
    /// When it began, by the monotonic clock.
    began: Duration,
    result: Result<(), Problem>,
}

/// A repository, as applications of one project see it: with the credentials that are theirs.
#[derive(Debug, Default)]
struct Slot {
    last: Mutex<Option<Last>>,
    /// Held while it is fetched.
    turn: tokio::sync::Mutex<()>,
}

impl Slot {
    fn last(&self) -> Option<Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, last: Last) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }
}

/// What is fetched, and when each repository was.
#[derive(Debug, Default)]
pub(crate) struct Fetched {
    /// By the address's key and the project.
    slots: Mutex<HashMap<(String, String), Arc<Slot>>>,
    servers: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Fetched {
    fn slot(&self, url: &RepoUrl, project: &str) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry((url.key().to_owned(), project.to_owned())).or_default())
    }

    fn server(&self, url: &RepoUrl) -> Arc<Semaphore> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Semaphore::new(PER_SERVER));
        Arc::clone(servers.entry(url.server().to_owned()).or_insert_with(new))
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
    bring(shared, url, project, fetch).await?;
    match (resolve(shared, url, revision).await, known) {
        (Ok(commit), _) => Ok(commit),
        (Err(ReadError::UnknownRevision(_)), Some(commit)) => {
            let credentials = credentials(shared, url, project).await?;
            let fetched = shared.lend(shared.repositories.fetch_commit(url, &credentials, commit)).await;
            fetched.map_err(|error| Problem::comparison(error.to_string(), error.is_transient()))?;
            resolve(shared, url, revision).await.map_err(|error| unreadable(url, &error))
        }
        (Err(error), _) => Err(unreadable(url, &error)),
    }
}

/// Fetches a repository, if that is due. Of many that ask for the same one at the same time one fetches it, and what
/// became of that is true for all who asked before it began: hundreds of applications may have one repository.
async fn bring(shared: &Shared, url: &RepoUrl, project: &str, fetch: Fetch) -> Result<(), Problem> {
    let slot = shared.fetched.slot(url, project);
    let asked = shared.clock.monotonic();
    let is_young = |last: &Last| {
        let lasts = if last.result.is_ok() { shared.options.interval } else { FAILED };
        asked.saturating_sub(last.began) < lasts
    };
    if let Some(last) = slot.last().filter(|last| fetch == Fetch::IfOld && is_young(last)) {
        return last.result;
    }
    // Whoever waits here for a server that does not answer does nothing: others may work.
    shared
        .lend(async {
            let _turn = slot.turn.lock().await;
            if let Some(last) = slot.last().filter(|last| last.began > asked) {
                return last.result;
            }
            // It is never closed.
            let _place = shared.fetched.server(url).acquire_owned().await.ok();
            let began = shared.clock.monotonic();
            let result = fetch_all(shared, url, project).await;
            slot.put(Last { began, result: result.clone() });
            result
        })
        .await
}

async fn fetch_all(shared: &Shared, url: &RepoUrl, project: &str) -> Result<(), Problem> {
    let credentials = credentials(shared, url, project).await?;
    let fetched = shared.repositories.fetch(url, &credentials).await;
    fetched.map_err(|error| Problem::comparison(error.to_string(), error.is_transient()))
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
