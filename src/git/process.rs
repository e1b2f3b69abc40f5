//! Running a program that reads a repository (`git`, `helm`, `kustomize`): no shell, no standard input, an end in time,
//! a bound on what it prints, and nothing of it left behind.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

use crate::clock::Clock;
use crate::domain::text::one_line;

/// Why a program did not give its output.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProcessError {
    /// It is not installed, or not on `PATH`.
    #[error("{program} was not found on PATH: install it, or put it there")]
    Missing {
        /// The program.
        program: String,
    },
    /// It could not be started.
    #[error("{program} could not be started: {reason}")]
    Start {
        /// The program.
        program: String,
        /// The system's words.
        reason: String,
    },
    /// It ended with another code than 0.
    #[error("{program} {action} failed ({status}): {stderr}")]
    Failed {
        /// The program.
        program: String,
        /// What it was asked to do.
        action: String,
        /// Exit code or signal.
        status: String,
        /// The last lines of its standard error, passwords removed.
        stderr: String,
    },
    /// It did not end in time and was killed. Trying again may help.
    #[error("{program} {action} did not end within {seconds} s and was stopped")]
    TimedOut {
        /// The program.
        program: String,
        /// What it was asked to do.
        action: String,
        /// The limit.
        seconds: u64,
    },
    /// It printed more than is read and was killed.
    #[error("{program} {action} printed more than {limit} bytes and was stopped")]
    TooMuch {
        /// The program.
        program: String,
        /// What it was asked to do.
        action: String,
        /// The limit.
        limit: usize,
    },
    /// Its output could not be read.
    #[error("the output of {program} {action} could not be read: {reason}")]
    Output {
        /// The program.
        program: String,
        /// What it was asked to do.
        action: String,
        /// The system's words.
        reason: String,
    },
}

/// How much a program may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Wall time.
    pub time: Duration,
    /// Bytes of standard output; more ends the program.
    pub stdout: usize,
}

impl Default for Limits {
    /// Two minutes and 64 MiB.
    fn default() -> Self {
        Self { time: Duration::from_secs(120), stdout: 64 << 20 }
    }
}

/// Of standard error only so much is kept, from its end.
const STDERR: usize = 16 << 10;

/// One run of a program.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    program: OsString,
    action: String,
    args: Vec<OsString>,
    env: BTreeMap<OsString, Option<OsString>>,
    dir: Option<PathBuf>,
    limits: Limits,
    secrets: Vec<String>,
    copies: Option<PathBuf>,
}

impl Run {
    /// A run of `program`; `action` is the word for it in errors, and is not an argument.
    pub(crate) fn new(program: impl AsRef<OsStr>, action: &str) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            action: action.to_owned(),
            args: Vec::new(),
            env: BTreeMap::new(),
            dir: None,
            limits: Limits::default(),
            secrets: Vec::new(),
            copies: None,
        }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.insert(name.into(), Some(value.as_ref().to_owned()));
        self
    }

    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.env.insert(name.into(), None);
        self
    }

    pub(crate) fn dir(mut self, dir: &Path) -> Self {
        self.dir = Some(dir.to_owned());
        self
    }

    pub(crate) fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// A word that is struck from every error.
    pub(crate) fn secret(mut self, secret: &str) -> Self {
        if !secret.is_empty() {
            self.secrets.push(secret.to_owned());
        }
        self
    }

    /// The folder of private copies, one in each of its folders: errors name files as they are called in their repository.
    pub(crate) fn copies(mut self, folder: &Path) -> Self {
        self.copies = Some(folder.to_owned());
        self
    }

    /// Runs the program to its end and gives its standard output. Dropping the future kills the program with all its
    /// children.
    pub(crate) async fn output(self, clock: &Clock) -> Result<Vec<u8>, ProcessError> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .process_group(0);
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => ProcessError::Missing { program: self.program() },
            _ => ProcessError::Start { program: self.program(), reason: error.to_string() },
        })?;
        let mut group = Group::of(&child);
        let work = self.drain(&mut child);
        let result = tokio::select! {
            result = work => result,
            () = clock.sleep(self.limits.time) => Err(ProcessError::TimedOut {
                program: self.program(),
                action: self.action.clone(),
                seconds: self.limits.time.as_secs(),
            }),
        };
        if result.is_ok() {
            group.is_over();
        }
        drop(group);
        let (status, stdout, stderr) = result?;
        if status.success() {
            return Ok(stdout);
        }
        Err(ProcessError::Failed {
            program: self.program(),
            action: self.action.clone(),
            status: status.code().map_or_else(|| "killed by a signal".to_owned(), |code| format!("exit code {code}")),
            stderr: self.clean(&stderr),
        })
    }

    async fn drain(&self, child: &mut Child) -> Result<(ExitStatus, Vec<u8>, Vec<u8>), ProcessError> {
        let stdout = child.stdout.take();
        let stderr = child.stderr.take();
        let limit = self.limits.stdout;
        let (stdout, stderr) = tokio::try_join!(
            async {
                let bytes = read_up_to(stdout, limit).await.map_err(|error| self.unreadable(&error))?;
                if bytes.len() > limit {
                    return Err(ProcessError::TooMuch { program: self.program(), action: self.action.clone(), limit });
                }
                Ok(bytes)
            },
            async { read_tail(stderr).await.map_err(|error| self.unreadable(&error)) },
        )?;
        let status = child.wait().await.map_err(|error| self.unreadable(&error))?;
        Ok((status, stdout, stderr))
    }

    fn unreadable(&self, error: &std::io::Error) -> ProcessError {
        ProcessError::Output { program: self.program(), action: self.action.clone(), reason: error.to_string() }
    }

    fn program(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }

    fn clean(&self, stderr: &[u8]) -> String {
        let mut text = String::from_utf8_lossy(stderr).trim().to_owned();
        for secret in &self.secrets {
            text = text.replace(secret.as_str(), "***");
        }
        if let Some(copies) = &self.copies {
            text = without_copies(&text, &format!("{}/", copies.display()));
        }
        let is_news = |line: &&str| !line.trim().is_empty() && !NO_NEWS.iter().any(|words| line.contains(words));
        let lines: Vec<_> = text.lines().filter(is_news).rev().take(12).collect();
        lines.into_iter().rev().map(|line| one_line(line, 500)).collect::<Vec<_>>().join("\n")
    }
}

/// Advice of `git` and `helm` that says nothing of what happened.
const NO_NEWS: &[&str] = &[
    "Could not read from remote repository",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
    "Use --debug flag to render out invalid YAML",
];

/// The text without a folder's path and the name of the folder in it.
fn without_copies(text: &str, folder: &str) -> String {
    let mut parts = text.split(folder);
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let name = part.find(|c: char| c == '/' || c.is_whitespace() || "'\":".contains(c)).unwrap_or(part.len());
        let rest = part.get(name..).unwrap_or_default();
        clean.push_str(rest.strip_prefix('/').unwrap_or(rest));
    }
    clean
}

async fn read_up_to(from: Option<impl AsyncRead + Unpin>, limit: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(limit as u64 + 1).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// Everything is read, so that the program never waits, and the last of it is kept.
async fn read_tail(from: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut tail = Vec::new();
    let Some(mut from) = from else { return Ok(tail) };
    let mut buffer = vec![0; 8 << 10];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return Ok(tail);
        }
        tail.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if tail.len() > 2 * STDERR {
            tail.drain(..tail.len() - STDERR);
        }
    }
}

/// A folder that nobody else can look into, gone when it is dropped: keys, and copies of repositories.
pub(crate) fn private_folder(prefix: &str, within: &Path) -> std::io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix(prefix).permissions(Permissions::from_mode(0o700)).tempdir_in(within)
}

/// The process group of a child: killed when dropped, because `git` and `helm` start programs of their own.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    /// The child was waited for: its number may be another's soon.
    fn is_over(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may have ended just now, which is what is wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_files_as_their_repository_does() {
        let run = Run::new("helm", "template").copies(Path::new("/tmp/boathook-render-x")).secret("hunter2");
        let said = "Error: open '/tmp/boathook-render-x/shop-1.git-abc/values/eu.yaml': no such file\n\n\
                    fatal: hunter2 in /tmp/boathook-render-x/shop-1.git-abc: x\nUse --debug flag to render out invalid YAML";
        assert_eq!(run.clean(said.as_bytes()), "Error: open 'values/eu.yaml': no such file\nfatal: *** in : x");
    }
}
