//! An operation as it is kept: what `operation.json` in the folder of its logs holds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An operation that was seen. Within version 1 fields are only added.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OperationRecord {
    /// `boathook.dev/v1`.
    pub api_version: String,
    /// `Operation`.
    pub kind: String,
    /// The cluster of the Application.
    pub cluster: String,
    /// Namespace of the Application.
    pub namespace: String,
    /// Name of the Application.
    pub application: String,
    /// UID of the Application.
    pub application_uid: String,
    /// Begin of the first attempt: with the application it names the operation.
    pub started_at: Option<Timestamp>,
    /// End; none while it runs.
    pub finished_at: Option<Timestamp>,
    /// Its phase, as Argo CD writes it.
    pub phase: String,
    /// The controller's words.
    pub message: String,
    /// Attempts repeated.
    pub retry_count: i64,
    /// Who asked.
    pub initiated_by: String,
    /// The controller itself asked.
    pub automated: bool,
    /// It changed nothing.
    pub dry_run: bool,
    /// Revisions, one a source.
    pub revisions: Vec<String>,
    /// It began before anybody watched.
    pub joined_late: bool,
    /// Its tasks, in their order.
    pub tasks: Vec<TaskRecord>,
}

/// One task of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskRecord {
    /// Its phase.
    pub phase: String,
    /// Its wave.
    pub wave: Option<i64>,
    /// API group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// It is a hook.
    pub is_hook: bool,
    /// How it ended, in one word.
    pub state: String,
    /// Begin.
    pub started_at: Option<Timestamp>,
    /// End.
    pub ended_at: Option<Timestamp>,
    /// How long it took in milliseconds; none where that is not known.
    pub elapsed_ms: Option<i64>,
    /// The last words about it.
    pub message: String,
    /// Why it did not go well.
    pub reasons: Vec<String>,
    /// The container that decided how it ended.
    pub exit: Option<ExitRecord>,
    /// Its runs.
    pub runs: Vec<RunRecord>,
}

/// One run of a hook.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunRecord {
    /// UID of its object.
    pub uid: String,
    /// Name of its object.
    pub name: String,
    /// Attempt of the operation, from 1; none: outside of it.
    pub attempt: Option<i64>,
    /// How it ended, in one word.
    pub state: String,
    /// Its pods' UIDs, oldest first.
    pub pods: Vec<String>,
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExitRecord {
    /// Pod.
    pub pod: String,
    /// Container.
    pub container: String,
    /// Exit code.
    pub code: Option<i32>,
    /// Signal.
    pub signal: Option<i32>,
    /// Kubernetes' word.
    pub reason: String,
}
