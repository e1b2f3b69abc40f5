//! Reading a repository with libgit2: from the cache, or from a local checkout.

use std::path::Path;

use git2::{ErrorCode, ObjectType, Oid, Repository as Git};

use super::cache::REMOTE_HEAD;
use super::semver::Constraint;

/// Why something could not be read from a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The folder is no repository.
    #[error("{path} is not a Git repository: {reason}")]
    Open {
        /// The folder.
        path: String,
        /// libgit2's words.
        reason: String,
    },
    /// No branch, tag or commit of that name. Fetching may help.
    #[error("revision {0:?} was not found: no branch, tag or commit has that name")]
    UnknownRevision(String),
    /// No tag matches a version range. Fetching may help.
    #[error("no tag matches the version range {0:?}")]
    NoMatchingTag(String),
    /// The beginning of several commits' names.
    #[error("revision {0:?} is ambiguous: several commits begin with it")]
    Ambiguous(String),
    /// A revision that cannot be one: control characters, a dash first, or what is not a plain name.
    #[error("{0:?} is not a revision")]
    NotARevision(String),
    /// The path does not exist at the revision.
    #[error("{path}: no such path at revision {revision}")]
    NoPath {
        /// Path in the repository.
        path: String,
        /// Commit.
        revision: String,
    },
    /// A path that leads out of the repository.
    #[error("{0:?} leads out of the repository")]
    Outside(String),
    /// A symbolic link that leads out of the repository.
    #[error("{0:?} is a link that leads out of the repository")]
    LinkOutside(String),
    /// More than is read.
    #[error("{path}: {what}, more than the {limit} that are read")]
    TooLarge {
        /// Path in the repository.
        path: String,
        /// What is too large and how large it is.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// Objects are missing (partial or shallow clone) or damaged, or the disk failed.
    #[error("{action}: {reason}")]
    Git {
        /// What was attempted.
        action: String,
        /// libgit2's words.
        reason: String,
    },
}

impl ReadError {
    /// The repository was read, and the name of the revision means nothing in it, or more than one commit.
    pub const fn is_of_the_name(&self) -> bool {
        matches!(self, Self::UnknownRevision(_) | Self::NoMatchingTag(_) | Self::Ambiguous(_) | Self::NotARevision(_))
    }
}

impl ReadError {
    pub(crate) fn git(action: impl Into<String>) -> impl FnOnce(git2::Error) -> Self {
        let action = action.into();
        move |error| Self::Git { action, reason: error.message().to_owned() }
    }
}

/// The name of a commit: 40 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitId(pub(crate) Oid);

impl CommitId {
    /// Reads 40 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 40 {
            return None;
        }
        Oid::from_str(text).ok().map(Self)
    }

    /// The first seven digits, as Git shows them.
    pub fn short(&self) -> String {
        self.0.to_string().chars().take(7).collect()
    }
}

impl std::fmt::Display for CommitId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

impl std::fmt::Debug for CommitId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// An open repository. Calls read the disk and block: use it from a thread that may.
pub struct Repository {
    pub(crate) git: Git,
}

impl Repository {
    /// Opens a bare repository or a checkout, exactly at this path, never one of a parent folder.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let git = Git::open_ext(path, git2::RepositoryOpenFlags::NO_SEARCH, std::iter::empty::<&Path>()).map_err(
            |error| ReadError::Open { path: path.display().to_string(), reason: error.message().to_owned() },
        )?;
        Ok(Self { git })
    }

    /// The commit that a revision means, as Argo CD reads `targetRevision`: empty or `HEAD`, a branch, a tag, a full
    /// or shortened commit, or a range of versions, which means the highest tag in it.
    pub fn resolve(&self, revision: &str) -> Result<CommitId, ReadError> {
        let revision = revision.trim();
        if revision.is_empty() || revision == "HEAD" {
            let head = self.peel(REMOTE_HEAD).or_else(|| self.peel("HEAD"));
            return head.ok_or_else(|| ReadError::UnknownRevision("HEAD".to_owned()));
        }
        if !is_plain(revision) && Constraint::parse(revision).is_none() {
            return Err(ReadError::NotARevision(revision.to_owned()));
        }
        if let Some(id) = CommitId::parse(revision) {
            return match self.git.find_commit(id.0) {
                Ok(_) => Ok(id),
                Err(_) => Err(ReadError::UnknownRevision(revision.to_owned())),
            };
        }
        if is_plain(revision) {
            let full = revision.strip_prefix("refs/").map(|_| revision.to_owned());
            let names = full
                .into_iter()
                .chain(["refs/heads/", "refs/tags/", "refs/remotes/origin/"].iter().map(|p| format!("{p}{revision}")));
            for name in names {
                if let Some(id) = self.peel(&name) {
                    return Ok(id);
                }
            }
        }
        if let Some(constraint) = Constraint::parse(revision) {
            let tags = self.tags()?;
            let best = constraint.highest(tags.iter().map(String::as_str));
            return match best.and_then(|tag| self.peel(&format!("refs/tags/{tag}"))) {
                Some(id) => Ok(id),
                None => Err(ReadError::NoMatchingTag(revision.to_owned())),
            };
        }
        self.shortened(revision)
    }

    fn shortened(&self, revision: &str) -> Result<CommitId, ReadError> {
        if revision.len() < 7 || !revision.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ReadError::UnknownRevision(revision.to_owned()));
        }
        match self.git.revparse_single(revision).and_then(|object| object.peel_to_commit()) {
            Ok(commit) => Ok(CommitId(commit.id())),
            Err(error) if error.code() == ErrorCode::Ambiguous => Err(ReadError::Ambiguous(revision.to_owned())),
            Err(_) => Err(ReadError::UnknownRevision(revision.to_owned())),
        }
    }

    /// The names of all tags.
    pub fn tags(&self) -> Result<Vec<String>, ReadError> {
        self.names("refs/tags/")
    }

    /// The names of all branches: those of the cache, and a checkout's remote ones.
    pub fn branches(&self) -> Result<Vec<String>, ReadError> {
        let mut names = self.names("refs/heads/")?;
        names.extend(self.names("refs/remotes/origin/")?.into_iter().filter(|name| name != "HEAD"));
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn names(&self, prefix: &str) -> Result<Vec<String>, ReadError> {
        let action = || format!("listing {prefix}");
        let references = self.git.references_glob(&format!("{prefix}*")).map_err(ReadError::git(action()))?;
        let mut names = Vec::new();
        for reference in references {
            let reference = reference.map_err(ReadError::git(action()))?;
            if let Some(name) = reference.name().ok().and_then(|name| name.strip_prefix(prefix)) {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    fn peel(&self, reference: &str) -> Option<CommitId> {
        let reference = self.git.find_reference(reference).ok()?;
        let object = reference.peel(ObjectType::Commit).ok()?;
        Some(CommitId(object.id()))
    }
}

/// A branch, tag or commit: what `git check-ref-format` allows, and nothing that Git's own language of revisions
/// (`HEAD~3`, `:/text`, `@{upstream}`) or an option could be made of.
fn is_plain(revision: &str) -> bool {
    revision.len() <= 1024
        && !revision.starts_with(['-', '/'])
        && !revision.ends_with(['/', '.'])
        && !revision.contains("..")
        && !revision.contains("@{")
        && !revision.contains("//")
        && !revision.chars().any(|c| c.is_control() || " ~^:?*[\\".contains(c))
}
