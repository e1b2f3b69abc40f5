//! The commits of an application's sources: what is deployed, what the target is, and what lies between.

use std::path::PathBuf;

use tokio::sync::mpsc;

use super::message::Message;
use super::repositories::Repos;
use crate::cluster::Cluster;
use crate::domain::application::{Application, Source};
use crate::domain::live::{
    ChangedFile, CommitSummary, FileStatus, LiveEvent, RevisionNames, Revisions, SourceRevisions,
};
use crate::git::{ChangeKind, Commit, CommitId, ReadError, RepoUrl, Repository};

/// Commits that are told.
const COMMITS: usize = 200;
/// Commits that are looked at.
const WALK: usize = 20_000;
/// Of what is not there yet, nothing is known.
const NOT_FETCHED: &str = "the repository was not fetched yet";

/// A source with the commits it is at.
pub(super) struct Placed {
    pub source: Source,
    pub path: PathBuf,
    pub deployed: Option<CommitId>,
    pub target: Option<CommitId>,
}

/// What is asked of Git for an application.
pub(super) struct Fetch<'a> {
    pub repos: &'a Repos,
    pub cluster: &'a Cluster,
    /// Argo CD's namespace, for its repository Secrets.
    pub home: &'a str,
    pub sources: &'a [Source],
    /// The commits that the controller has compared the sources with: one that is not cached yet is fetched at once.
    pub compared: &'a [String],
    /// Somebody asked for it.
    pub forced: bool,
    pub sender: &'a mpsc::Sender<Message>,
}

impl Fetch<'_> {
    /// Fetches the repositories that are due, and tells how that goes; `false`: none was.
    pub(super) async fn run(&self) -> bool {
        let due = self.due().await;
        for (url, lacking) in &due {
            let mut state = self.repos.state(url);
            state.fetching = true;
            let _ = self.sender.send(Message::Tell(Box::new(LiveEvent::Repository(state)))).await;
            let opened = self.repos.credentials(self.cluster, self.home, url).await;
            self.repos.fetch(url, &opened, self.forced, lacking).await;
            for commit in lacking {
                self.repos.sought(url, commit);
            }
            let _ = self.sender.send(Message::Tell(Box::new(LiveEvent::Repository(self.repos.state(url))))).await;
        }
        !due.is_empty()
    }

    /// The repositories to fetch, each with the commits that it lacks.
    async fn due(&self) -> Vec<(RepoUrl, Vec<String>)> {
        let mut due: Vec<(RepoUrl, Vec<String>)> = Vec::new();
        for (index, source) in self.sources.iter().enumerate().filter(|(_, source)| source.chart.is_empty()) {
            let Ok(url) = self.repos.parse(&source.repo_url) else { continue };
            let compared = self.compared.get(index).map(String::as_str).unwrap_or_default();
            let lacking: Vec<String> =
                if self.repos.lacks(&url, compared).await { vec![compared.to_owned()] } else { Vec::new() };
            if let Some((_, known)) = due.iter_mut().find(|(known, _)| known.key() == url.key()) {
                known.extend(lacking);
            } else if self.repos.would_fetch(&url, self.forced) || !lacking.is_empty() && self.repos.may_fetch(&url) {
                due.push((url, lacking));
            }
        }
        due
    }
}

/// Whether a repository was fetched since this was read of it, by somebody who was faster.
pub(super) fn is_stale(repos: &Repos, sources: &[Source], told: &Revisions) -> bool {
    sources.iter().zip(&told.sources).filter(|(source, _)| source.chart.is_empty()).any(|(source, told)| {
        let state = repos.parse(&source.repo_url).map(|url| repos.state(&url));
        state.is_ok_and(|state| {
            state.fetched != told.fetched
                || state.problem.as_ref().is_some_and(|own| told.problem.as_ref() != Some(own))
        })
    })
}

/// The commits that the controller has compared each source with last; empty where that is not known.
pub(super) fn compared(application: &Application) -> Vec<String> {
    let sync = &application.status.sync;
    if sync.revisions.is_empty() { vec![sync.revision.clone()] } else { sync.revisions.clone() }
}

/// The commits of one source, and where it is, unless something is missing.
pub(super) async fn read(
    repos: &Repos,
    source: &Source,
    deployed: String,
    wanted: String,
) -> (SourceRevisions, Option<Placed>) {
    let mut told = SourceRevisions { path: source.path.clone(), ..SourceRevisions::default() };
    let url = match repos.parse(&source.repo_url) {
        _ if !source.chart.is_empty() => {
            told.repository.clone_from(&source.repo_url);
            told.problem = Some(format!("{} is a chart of a registry, which is not read", source.chart));
            return (told, None);
        }
        Ok(url) => url,
        Err(error) => {
            told.problem = Some(error.to_string());
            return (told, None);
        }
    };
    told.repository = url.to_string();
    let state = repos.state(&url);
    told.fetched = state.fetched;
    let Some(path) = repos.path(&url) else {
        told.problem = Some("Git is not asked".to_owned());
        return (told, None);
    };
    // A checkout is as it is; it is not fetched.
    let is_fetched = state.fetched.is_some() || repos.is_checkout(&url);
    let (folder, source, fresh) = (path.clone(), source.clone(), told);
    let read = move || match Repository::open(&folder) {
        Ok(cached) if is_fetched || cached.resolve(&wanted).is_ok() || !is_blank(&cached) => {
            read_source(&folder, &cached, &source, &deployed, &wanted, fresh)
        }
        _ => (SourceRevisions { problem: Some(NOT_FETCHED.to_owned()), ..fresh }, None),
    };
    let read = tokio::task::spawn_blocking(read).await;
    let Ok((mut told, placed)) = read else { return (SourceRevisions::default(), None) };
    // Why it could not be fetched says more than that it is not there.
    if let Some(problem) = state.problem {
        told.is_missing = false;
        told.problem = Some(problem);
    }
    // What is on this disk may lack what the repository has.
    told.is_missing &= repos.may_fetch(&url);
    (told, placed)
}

/// Whether a revision that was not found is nowhere. A commit, or a reference that is neither branch nor tag, may be in the
/// repository and not be fetched.
fn is_certain(error: &ReadError, wanted: &str) -> bool {
    let is_commit = wanted.len() >= 7 && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
    error.is_of_the_name() && !is_commit && !wanted.starts_with("refs/")
}

/// What is deployed of a source: what the last operation that succeeded brought.
pub(super) fn deployed(application: &Application, index: usize) -> String {
    let Some(last) = application.status.history.last() else { return String::new() };
    if last.revisions.is_empty() && index == 0 {
        return last.revision.clone();
    }
    last.revisions.get(index).cloned().unwrap_or_default()
}

/// Whether a cache has neither branch nor tag: a first fetch that fails leaves one like that behind, and it says nothing
/// about what the repository has.
fn is_blank(cached: &Repository) -> bool {
    let is_none = |names: Result<Vec<String>, ReadError>| names.is_ok_and(|names| names.is_empty());
    is_none(cached.branches()) && is_none(cached.tags())
}

fn read_source(
    path: &std::path::Path,
    repository: &Repository,
    source: &Source,
    deployed: &str,
    wanted: &str,
    mut told: SourceRevisions,
) -> (SourceRevisions, Option<Placed>) {
    let target = match repository.resolve(wanted) {
        Ok(target) => Some(target),
        Err(error) => {
            told.is_missing = is_certain(&error, wanted);
            told.problem = Some(error.to_string());
            None
        }
    };
    let asked = CommitId::parse(deployed);
    let deployed = asked.filter(|commit| repository.resolve(&commit.to_string()).is_ok());
    if let (Some(commit), None) = (asked, deployed) {
        let problem = format!(
            "the repository has no commit {commit} any more, which is deployed: how far behind it is, is not known"
        );
        told.problem.get_or_insert(problem);
    }
    told.target = target.and_then(|target| summary(repository, target));
    told.deployed = deployed.and_then(|deployed| summary(repository, deployed));
    if let Some(target) = target {
        match repository.log(deployed, target, &source.path, COMMITS, WALK) {
            Ok(log) => {
                told.behind = if deployed.is_some() { log.touching } else { 0 };
                told.between = if deployed.is_some() { log.total } else { 0 };
                told.truncated = log.truncated;
                told.commits = log.commits.iter().map(commit).collect();
            }
            Err(error) => told.problem = Some(error.to_string()),
        }
        if let Some(deployed) = deployed {
            told.ahead = repository.ahead_behind(deployed, target).map_or(0, |(ahead, _)| ahead);
            let files = repository.changes(deployed, target, &source.path).unwrap_or_default();
            told.files = files
                .into_iter()
                .map(|file| ChangedFile {
                    path: file.path,
                    old_path: file.old_path,
                    status: match file.kind {
                        ChangeKind::Added => FileStatus::Added,
                        ChangeKind::Deleted => FileStatus::Deleted,
                        ChangeKind::Modified => FileStatus::Modified,
                        ChangeKind::Renamed => FileStatus::Renamed,
                    },
                })
                .collect();
        }
    }
    (told, Some(Placed { source: source.clone(), path: path.to_owned(), deployed, target }))
}

fn summary(repository: &Repository, id: CommitId) -> Option<CommitSummary> {
    let mut summary = commit(&repository.commit_details(id).ok()?);
    summary.names = repository.names_of(id).unwrap_or_default();
    Some(summary)
}

fn commit(commit: &Commit) -> CommitSummary {
    CommitSummary {
        sha: commit.id.to_string(),
        subject: commit.subject.clone(),
        body: commit.body.clone(),
        author: commit.author.clone(),
        time: commit.time,
        names: Vec::new(),
    }
}

/// What can stand in the revision field, from what is cached.
pub(super) fn names(path: &std::path::Path, source: &Source) -> Result<RevisionNames, String> {
    let repository = Repository::open(path).map_err(|error| error.to_string())?;
    let target = repository.resolve(source.effective_target_revision()).ok();
    let log = target.and_then(|target| repository.log(None, target, &source.path, COMMITS, 2_000).ok());
    Ok(RevisionNames {
        branches: repository.branches().map_err(|error| error.to_string())?,
        tags: repository.tags().map_err(|error| error.to_string())?,
        commits: log.map(|log| log.commits.iter().map(commit).collect()).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use serde_json::json;

    use super::*;
    use crate::argo::RepositoryOptions;
    use crate::argo::repositories::Opened;
    use crate::clock::Clock;

    #[tokio::test]
    async fn what_was_read_before_somebody_fetched_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let work = folder.path().join("work");
        for arguments in [
            &["init", "--quiet", work.to_str().unwrap()][..],
            &["-C", work.to_str().unwrap(), "commit", "--quiet", "--allow-empty", "--message", "first"],
        ] {
            let mut git = Command::new("git");
            git.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgSign=false"]);
            assert!(git.args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null").status().unwrap().success());
        }
        let cache = Some(folder.path().join("cache"));
        let options = RepositoryOptions { cache, allow_files: true, ..RepositoryOptions::default() };
        let repos = Repos::new(&options, &Clock::real());
        let address = format!("file://{}", work.display());
        let sources = [Source::from_json(&json!({"repoURL": address, "path": "."})).0];
        let read = async || {
            let (told, _) = read(&repos, &sources[0], String::new(), "HEAD".to_owned()).await;
            Revisions { sources: vec![told] }
        };
        let before = read().await;
        assert!(!is_stale(&repos, &sources, &before));
        repos.fetch(&repos.parse(&address).unwrap(), &Opened::default(), false, &[]).await;
        assert!(is_stale(&repos, &sources, &before));
        let now = read().await;
        assert!(now.sources[0].target.is_some() && !is_stale(&repos, &sources, &now), "{now:#?}");
    }
}
