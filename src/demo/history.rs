//! Git repositories made on the spot, by the user's own `git`.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::process::Stdio;

use jiff::{SignedDuration, Timestamp};
use tokio::process::Command;

use super::story::{Commit, Repository, seconds};

/// Why a repository was not made.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// `git` is not there, or did not do it.
    #[error("git {command} in {}: {message}", folder.display())]
    Git {
        /// What it was to do.
        command: String,
        /// Where.
        folder: PathBuf,
        /// What it said.
        message: String,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of the scenario lies outside of its repository.
    #[error("{0} does not lie within the repository")]
    Outside(String),
}

/// Makes a repository with its history; gives its folder.
pub(super) async fn make(root: &Path, repository: &Repository, now: Timestamp) -> Result<PathBuf, HistoryError> {
    let folder = root.join(&repository.name);
    fs::create_dir_all(&folder).map_err(|source| HistoryError::File { path: folder.clone(), source })?;
    git(&folder, &["init", "--quiet", "--initial-branch=main"], "Ada", now).await?;
    for entry in &repository.commits {
        commit(&folder, entry, now).await?;
    }
    Ok(folder)
}

/// Makes one commit.
pub(super) async fn commit(folder: &Path, commit: &Commit, now: Timestamp) -> Result<(), HistoryError> {
    for (name, content) in &commit.files {
        let path = inside(folder, name)?;
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, content));
        written.map_err(|source| HistoryError::File { path, source })?;
    }
    for name in &commit.remove {
        let path = inside(folder, name)?;
        fs::remove_file(&path).map_err(|source| HistoryError::File { path, source })?;
    }
    // Times were checked when the scenario was read; those of commits alone may be anything.
    let ago = seconds(&commit.ago).unwrap_or_default();
    let at = now.checked_sub(SignedDuration::try_from_secs_f64(ago).unwrap_or_default()).unwrap_or(now);
    git(folder, &["add", "--all"], &commit.author, at).await?;
    git(folder, &["commit", "--quiet", "--allow-empty", "--message", &commit.message], &commit.author, at).await
}

fn inside(folder: &Path, name: &str) -> Result<PathBuf, HistoryError> {
    let path = Path::new(name);
    let is_inside = path.components().all(|part| matches!(part, Component::Normal(part) if part != ".git"));
    if is_inside { Ok(folder.join(path)) } else { Err(HistoryError::Outside(name.to_owned())) }
}

/// Runs `git` with none of the user's own settings.
async fn git(folder: &Path, arguments: &[&str], author: &str, at: Timestamp) -> Result<(), HistoryError> {
    let failed = |message: String| HistoryError::Git {
        command: arguments.first().copied().unwrap_or_default().to_owned(),
        folder: folder.to_owned(),
        message,
    };
    let email = format!("{}@example.com", author.to_lowercase().replace(' ', "."));
    let date = format!("{at:.0}");
    let output = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_AUTHOR_NAME", author)
        .env("GIT_COMMITTER_NAME", author)
        .env("GIT_AUTHOR_EMAIL", &email)
        .env("GIT_COMMITTER_EMAIL", &email)
        .env("GIT_AUTHOR_DATE", &date)
        .env("GIT_COMMITTER_DATE", &date)
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .output()
        .await
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
