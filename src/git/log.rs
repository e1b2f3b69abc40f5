//! Commits between two revisions, the files they change, and the names that point at them.

use std::path::Path;

use git2::{Commit as GitCommit, Delta, DiffFindOptions, DiffOptions, Sort};
use jiff::Timestamp;

use super::repository::{CommitId, ReadError, Repository};
use super::tree::parts;

/// How long a subject and a name are kept.
const MAX_TEXT: usize = 512;
/// How long a message is kept.
const MAX_BODY: usize = 16 << 10;

/// One commit. The texts are an author's own: escape them before they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its name.
    pub id: CommitId,
    /// First line of the message.
    pub subject: String,
    /// The rest of the message.
    pub body: String,
    /// The author's name.
    pub author: String,
    /// The author's address.
    pub email: String,
    /// When it was written, by the author's clock.
    pub time: Option<Timestamp>,
    /// Its parents; two or more: a merge.
    pub parents: Vec<CommitId>,
}

/// The commits that lie between what is deployed and what is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Log {
    /// Newest first, only those that touch the path, at most as many as were asked for.
    pub commits: Vec<Commit>,
    /// How many touch the path.
    pub touching: usize,
    /// How many there are.
    pub total: usize,
    /// The walk ended at its bound: there are more than `total`.
    pub truncated: bool,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// New.
    Added,
    /// Gone.
    Deleted,
    /// Other content, or another mode.
    Modified,
    /// Another name.
    Renamed,
}

/// One file that differs between two revisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Path from the root of the repository.
    pub path: String,
    /// Its former path, where it was renamed.
    pub old_path: Option<String>,
    /// What happened to it.
    pub kind: ChangeKind,
}

impl Repository {
    /// One commit.
    pub fn commit_details(&self, id: CommitId) -> Result<Commit, ReadError> {
        Ok(details(&self.commit(id)?))
    }

    /// The commits that `new` has and `old` has not. Of those that touch `path` (empty: all) at most `most` are
    /// returned; at most `walk` commits are looked at.
    ///
    /// A merge touches the path only where it differs from all of its parents, as `git log -- PATH` has it.
    pub fn log(
        &self,
        old: Option<CommitId>,
        new: CommitId,
        path: &str,
        most: usize,
        walk: usize,
    ) -> Result<Log, ReadError> {
        let path = parts(path)?.join("/");
        let action = || ReadError::git(format!("walking the commits of {new}"));
        let mut revwalk = self.git.revwalk().map_err(action())?;
        revwalk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME).map_err(action())?;
        revwalk.push(new.0).map_err(|_| ReadError::UnknownRevision(new.to_string()))?;
        if let Some(old) = old {
            revwalk.hide(old.0).map_err(|_| ReadError::UnknownRevision(old.to_string()))?;
        }
        let mut log = Log::default();
        for id in revwalk {
            if log.total >= walk {
                log.truncated = true;
                break;
            }
            log.total += 1;
            let commit = self.commit(CommitId(id.map_err(action())?))?;
            if touches(&commit, &path) {
                log.touching += 1;
                if log.commits.len() < most {
                    log.commits.push(details(&commit));
                }
            }
        }
        Ok(log)
    }

    /// How many commits `new` has that `old` has not, and the other way round.
    pub fn ahead_behind(&self, new: CommitId, old: CommitId) -> Result<(usize, usize), ReadError> {
        self.git.graph_ahead_behind(new.0, old.0).map_err(ReadError::git(format!("comparing {new} with {old}")))
    }

    /// The files below `path` (empty: all) that differ between two commits, by path.
    pub fn changes(&self, old: CommitId, new: CommitId, path: &str) -> Result<Vec<FileChange>, ReadError> {
        let path = parts(path)?.join("/");
        let action = || ReadError::git(format!("comparing {old} with {new}"));
        let old_tree = self.commit(old)?.tree().map_err(action())?;
        let new_tree = self.commit(new)?.tree().map_err(action())?;
        let mut options = DiffOptions::new();
        options.disable_pathspec_match(true);
        if !path.is_empty() {
            options.pathspec(&path);
        }
        let mut diff =
            self.git.diff_tree_to_tree(Some(&old_tree), Some(&new_tree), Some(&mut options)).map_err(action())?;
        diff.find_similar(Some(DiffFindOptions::new().renames(true).rename_limit(200))).map_err(action())?;
        let lossy = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
        let mut changes: Vec<_> = diff
            .deltas()
            .filter_map(|delta| {
                let kind = match delta.status() {
                    Delta::Added | Delta::Copied => ChangeKind::Added,
                    Delta::Deleted => ChangeKind::Deleted,
                    Delta::Renamed => ChangeKind::Renamed,
                    Delta::Modified | Delta::Typechange => ChangeKind::Modified,
                    _ => return None,
                };
                let old_path = lossy(delta.old_file().path_bytes());
                let path = lossy(delta.new_file().path_bytes());
                Some(FileChange { old_path: (kind == ChangeKind::Renamed).then_some(old_path), path, kind })
            })
            .collect();
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(changes)
    }

    /// The branches and tags that point at a commit, sorted: `main`, `v1.2.0`.
    pub fn names_of(&self, id: CommitId) -> Result<Vec<String>, ReadError> {
        let mut names = Vec::new();
        for prefix in ["refs/heads/", "refs/tags/", "refs/remotes/origin/"] {
            let action = || format!("listing {prefix}");
            for reference in self.git.references_glob(&format!("{prefix}*")).map_err(ReadError::git(action()))? {
                let reference = reference.map_err(ReadError::git(action()))?;
                let points_here = reference.peel_to_commit().is_ok_and(|commit| commit.id() == id.0);
                if let (true, Ok(name)) = (points_here, reference.name()) {
                    names.push(name.trim_start_matches(prefix).to_owned());
                }
            }
        }
        names.sort();
        names.dedup();
        Ok(names)
    }
}

fn touches(commit: &GitCommit<'_>, path: &str) -> bool {
    if path.is_empty() {
        return true;
    }
    let here = entry(commit, path);
    if commit.parent_count() == 0 {
        return here.is_some();
    }
    commit.parents().all(|parent| entry(&parent, path) != here)
}

fn entry(commit: &GitCommit<'_>, path: &str) -> Option<git2::Oid> {
    commit.tree().ok()?.get_path(Path::new(path)).ok().map(|entry| entry.id())
}

fn details(commit: &GitCommit<'_>) -> Commit {
    let message = String::from_utf8_lossy(commit.message_bytes());
    let (subject, body) = message.trim_start().split_once('\n').unwrap_or((message.trim_start(), ""));
    let author = commit.author();
    Commit {
        id: CommitId(commit.id()),
        subject: cut(subject.trim_end(), MAX_TEXT),
        body: cut(body.trim(), MAX_BODY),
        author: cut(&String::from_utf8_lossy(author.name_bytes()), MAX_TEXT),
        email: cut(&String::from_utf8_lossy(author.email_bytes()), MAX_TEXT),
        time: Timestamp::from_second(author.when().seconds()).ok(),
        parents: commit.parent_ids().map(CommitId).collect(),
    }
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
