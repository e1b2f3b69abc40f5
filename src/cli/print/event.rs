//! What happens, and what came of a command, as documents of a stream: an object a line.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::document::API_VERSION;
use crate::cli::exit::Exit;
use crate::domain::application::AppKey;
use crate::domain::live::LogSource;

/// Kind `Event`: something happened to an application.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct EventDocument {
    api_version: &'static str,
    kind: &'static str,
    time: Option<Timestamp>,
    cluster: String,
    namespace: String,
    application: String,
    /// What: `Added`, `Changed`, `Removed`, `Left`, `Operation`, `Task`, `Log`.
    #[serde(rename = "type")]
    what: &'static str,
    /// Of what: a field, a phase, or the kind and name of a task.
    #[serde(skip_serializing_if = "String::is_empty")]
    subject: String,
    /// The phase of a task.
    #[serde(skip_serializing_if = "String::is_empty")]
    phase: String,
    /// It is a hook.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_hook: bool,
    /// Nothing of it has happened: it is of a dry run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    /// What it was.
    #[serde(skip_serializing_if = "String::is_empty")]
    from: String,
    /// What it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    to: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    /// Whose log it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pod: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    container: String,
}

impl EventDocument {
    pub(in crate::cli) fn new(key: &AppKey, time: Timestamp, what: &'static str) -> Self {
        Self {
            api_version: API_VERSION,
            kind: "Event",
            time: Some(time),
            cluster: key.cluster.to_string(),
            namespace: key.namespace.to_string(),
            application: key.name.to_string(),
            what,
            ..Self::default()
        }
    }

    pub(in crate::cli) fn change(mut self, subject: impl Into<String>, from: &str, to: &str) -> Self {
        (self.subject, self.from, self.to) = (subject.into(), from.to_owned(), to.to_owned());
        self
    }

    pub(in crate::cli) fn task(mut self, phase: &str, is_hook: bool) -> Self {
        (self.phase, self.is_hook) = (phase.to_owned(), is_hook);
        self
    }

    /// Whether it is of a dry run.
    pub(in crate::cli) const fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// Of the log of a container.
    pub(in crate::cli) fn source(mut self, source: &LogSource) -> Self {
        (self.pod, self.container) = (source.pod.clone(), source.container.clone());
        self
    }

    pub(in crate::cli) fn message(mut self, message: &str) -> Self {
        message.clone_into(&mut self.message);
        self
    }
}

/// Kind `Result`: what came of a command for one application.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct ResultDocument {
    api_version: &'static str,
    kind: &'static str,
    command: &'static str,
    cluster: String,
    namespace: String,
    application: String,
    outcome: &'static str,
    exit_code: u8,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    revisions: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<String>,
    /// It changed nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
}

impl ResultDocument {
    pub(in crate::cli) fn new(command: &'static str, key: &AppKey, exit: Exit, message: &str) -> Self {
        Self {
            api_version: API_VERSION,
            kind: "Result",
            command,
            cluster: key.cluster.to_string(),
            namespace: key.namespace.to_string(),
            application: key.name.to_string(),
            outcome: outcome(exit),
            exit_code: exit.code(),
            message: message.to_owned(),
            revisions: Vec::new(),
            started_at: None,
            finished_at: None,
            failed: Vec::new(),
            dry_run: false,
        }
    }

    /// Whether its operation changed nothing.
    pub(in crate::cli) fn dry_run(self, dry_run: bool) -> Self {
        Self { dry_run, ..self }
    }

    /// With what is known of its operation, and the names of what failed in it.
    pub(in crate::cli) fn operation(
        mut self,
        revisions: Vec<String>,
        started_at: Option<Timestamp>,
        finished_at: Option<Timestamp>,
        failed: Vec<String>,
    ) -> Self {
        (self.revisions, self.started_at, self.finished_at, self.failed) = (revisions, started_at, finished_at, failed);
        self
    }
}

/// Kind `Summary`: what came of a command for all of its applications.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct SummaryDocument {
    api_version: &'static str,
    kind: &'static str,
    command: &'static str,
    exit_code: u8,
    total: usize,
    outcomes: Vec<OutcomeCount>,
}

#[derive(Debug, Serialize)]
struct OutcomeCount {
    outcome: &'static str,
    count: usize,
}

/// Counts how it ended for each application.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::cli) struct Tally(BTreeMap<Exit, usize>);

impl Tally {
    pub(in crate::cli) fn add(&mut self, exit: Exit) {
        *self.0.entry(exit).or_default() += 1;
    }

    /// The highest.
    pub(in crate::cli) fn exit(&self) -> Exit {
        self.0.last_key_value().map_or(Exit::Success, |(exit, _)| *exit)
    }

    pub(in crate::cli) fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// In words: `200 applications: 199 succeeded, 1 hook failed`.
    pub(in crate::cli) fn words(&self) -> String {
        let parts: Vec<String> = self.0.iter().map(|(exit, count)| format!("{count} {}", spaced(*exit))).collect();
        format!("{} applications: {}", self.total(), parts.join(", "))
    }

    pub(in crate::cli) fn document(&self, command: &'static str) -> SummaryDocument {
        SummaryDocument {
            api_version: API_VERSION,
            kind: "Summary",
            command,
            exit_code: self.exit().code(),
            total: self.total(),
            outcomes: self
                .0
                .iter()
                .map(|(exit, count)| OutcomeCount { outcome: outcome(*exit), count: *count })
                .collect(),
        }
    }
}

/// One word for it, as programs read it.
const fn outcome(exit: Exit) -> &'static str {
    match exit {
        Exit::Success => "Succeeded",
        Exit::Findings => "Findings",
        Exit::Usage => "Usage",
        Exit::SyncFailed => "SyncFailed",
        Exit::HookFailed => "HookFailed",
        Exit::Aborted => "Aborted",
        Exit::TimedOut => "TimedOut",
        Exit::Refused => "Refused",
        Exit::NotFound => "NotFound",
        Exit::NoAccess => "NoAccess",
        Exit::Unreachable => "Unreachable",
        Exit::Internal => "Internal",
        Exit::Interrupted => "Interrupted",
    }
}

/// The same for people.
const fn spaced(exit: Exit) -> &'static str {
    match exit {
        Exit::Success => "succeeded",
        Exit::Findings => "with findings",
        Exit::Usage => "cannot be asked",
        Exit::SyncFailed => "sync failed",
        Exit::HookFailed => "hook failed",
        Exit::Aborted => "aborted",
        Exit::TimedOut => "timed out",
        Exit::Refused => "refused",
        Exit::NotFound => "not found",
        Exit::NoAccess => "no access",
        Exit::Unreachable => "unreachable",
        Exit::Internal => "broken",
        Exit::Interrupted => "interrupted",
    }
}

/// Kind `LogLine`: a line of a hook's log.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct LogLineDocument {
    api_version: &'static str,
    kind: &'static str,
    cluster: String,
    namespace: String,
    application: String,
    phase: &'static str,
    hook_kind: String,
    hook: String,
    pod: String,
    container: String,
    restart: u32,
    /// Begin of the operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<Timestamp>,
    /// Attempt of the operation, from 1.
    attempt: i64,
    time: Option<Timestamp>,
    text: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
}

impl LogLineDocument {
    pub(in crate::cli) fn new(
        key: &AppKey,
        source: &LogSource,
        time: Option<Timestamp>,
        text: &str,
        truncated: bool,
    ) -> Self {
        Self {
            api_version: API_VERSION,
            kind: "LogLine",
            cluster: key.cluster.to_string(),
            namespace: key.namespace.to_string(),
            application: key.name.to_string(),
            phase: source.phase.as_str(),
            hook_kind: source.kind.clone(),
            hook: source.hook.clone(),
            pod: source.pod.clone(),
            container: source.container.clone(),
            restart: source.restart,
            operation: source.operation,
            attempt: source.attempt.saturating_add(1),
            time,
            text: text.to_owned(),
            truncated,
        }
    }
}
