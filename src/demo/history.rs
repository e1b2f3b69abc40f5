//! Git repositories made on the spot, by the user's own `git`: bare, and written by `git fast-import`, so that a history
//! takes two processes however long it is.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use jiff::Timestamp;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::story::{Commit, Repository};

/// Why a repository was not made.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// There is no `git`.
    #[error("git was not found on PATH: the demo needs it to make its repositories")]
    Missing,
    /// `git` did not do it.
    #[error("git {command} in {}: {message}", folder.display())]
    Git {
        /// What it was to do.
        command: &'static str,
        /// Where.
        folder: PathBuf,
        /// What it said.
        message: String,
    },
    /// A file cannot be read or written.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A repository that was made.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) folder: PathBuf,
    /// The files at each tag, and its commit.
    pub(super) tags: BTreeMap<String, Tagged>,
}

/// A commit with a tag.
#[derive(Debug, Clone)]
pub(super) struct Tagged {
    pub(super) commit: String,
    pub(super) files: BTreeMap<String, String>,
}

/// Makes a repository with its history.
pub(super) async fn make(root: &Path, repository: &Repository, now: Timestamp) -> Result<Made, HistoryError> {
    let folder = root.join(&repository.name);
    std::fs::create_dir_all(&folder).map_err(|source| HistoryError::File { path: folder.clone(), source })?;
    git(&folder, "init", &["--quiet", "--bare", "--initial-branch=main"], b"").await?;
    let mut stream = Vec::new();
    for (index, commit) in repository.commits.iter().enumerate() {
        write(&mut stream, commit, Some(index + 1), now);
    }
    let file = folder.join("boathook-marks");
    let export = format!("--export-marks={}", file.display());
    import(&folder, &[&export], &stream).await?;
    let marks = std::fs::read_to_string(&file).map_err(|source| HistoryError::File { path: file, source })?;
    let marks: BTreeMap<&str, &str> = marks.lines().filter_map(|line| line.split_once(' ')).collect();
    let (mut files, mut tags) = (BTreeMap::new(), BTreeMap::new());
    for (index, commit) in repository.commits.iter().enumerate() {
        for path in &commit.remove {
            files.remove(path);
        }
        files.extend(commit.files.clone());
        let sha = marks.get(format!(":{}", index + 1).as_str());
        if let Some(sha) = sha.filter(|_| !commit.tag.is_empty()) {
            tags.insert(commit.tag.clone(), Tagged { commit: (*sha).to_owned(), files: files.clone() });
        }
    }
    Ok(Made { folder, tags })
}

/// Makes one commit on top of the others.
pub(super) async fn commit(folder: &Path, commit: &Commit, now: Timestamp) -> Result<(), HistoryError> {
    let mut stream = Vec::new();
    write(&mut stream, commit, None, now);
    import(folder, &[], &stream).await
}

async fn import(folder: &Path, arguments: &[&str], stream: &[u8]) -> Result<(), HistoryError> {
    let arguments: Vec<&str> = ["--quiet", "--date-format=raw"].iter().chain(arguments).copied().collect();
    git(folder, "fast-import", &arguments, stream).await
}

/// A commit as `git fast-import` reads it. With a mark it belongs to a new history, without one it follows the last.
fn write(stream: &mut Vec<u8>, commit: &Commit, mark: Option<usize>, now: Timestamp) {
    let at = now.checked_sub(commit.ago).unwrap_or(now).as_second().max(0);
    let email = commit.author.to_lowercase().replace(' ', ".");
    let who = format!("{} <{email}@example.com> {at} +0000", commit.author);
    let mut line = |text: String| {
        stream.extend_from_slice(text.as_bytes());
        stream.push(b'\n');
    };
    line("commit refs/heads/main".to_owned());
    if let Some(mark) = mark {
        line(format!("mark :{mark}"));
    }
    line(format!("author {who}\ncommitter {who}"));
    line(data(&commit.message));
    if mark.is_none() {
        line("from refs/heads/main^0".to_owned());
    }
    // Paths were checked when the scenario was read: no quotes, backslashes or control characters.
    for path in &commit.remove {
        line(format!("D \"{path}\""));
    }
    for (path, content) in &commit.files {
        line(format!("M 100644 inline \"{path}\"\n{}", data(content)));
    }
    if let Some(mark) = mark.filter(|_| !commit.tag.is_empty()) {
        line(format!("\nreset refs/tags/{}\nfrom :{mark}\n", commit.tag));
    }
}

fn data(text: &str) -> String {
    format!("data {}\n{text}", text.len())
}

/// Runs `git` with none of the user's own settings.
async fn git(folder: &Path, command: &'static str, arguments: &[&str], input: &[u8]) -> Result<(), HistoryError> {
    let failed = |message: String| HistoryError::Git { command, folder: folder.to_owned(), message };
    let mut child = Command::new("git")
        .arg("--git-dir")
        .arg(folder)
        .arg(command)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .env_remove("GIT_OBJECT_DIRECTORY")
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => HistoryError::Missing,
            _ => failed(error.to_string()),
        })?;
    if let Some(mut stdin) = child.stdin.take() {
        // It says on standard error why it reads no further.
        let _ = stdin.write_all(input).await;
    }
    let output = child.wait_with_output().await.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
