//! An operation as it is kept: what `operation.json` in the folder of its logs holds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::application::AppKey;
use crate::domain::timeline::{AttemptView, OperationView, TaskView};

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

impl OperationRecord {
    /// The kind in `kind`.
    pub const KIND: &'static str = "Operation";
    /// The version in `apiVersion`.
    pub const API_VERSION: &'static str = "boathook.dev/v1";

    /// What is kept of an operation of an application, as it looks now. `None` while no controller has accepted it.
    pub fn of(view: &OperationView, key: &AppKey, uid: &str) -> Option<Self> {
        let started_at = view.started_at?;
        let request = &view.request;
        Some(Self {
            api_version: Self::API_VERSION.to_owned(),
            kind: Self::KIND.to_owned(),
            cluster: key.cluster.to_string(),
            namespace: key.namespace.to_string(),
            application: key.name.to_string(),
            application_uid: uid.to_owned(),
            started_at: Some(started_at),
            finished_at: view.finished_at.filter(|_| view.state.is_over()),
            phase: view.phase.map(|phase| format!("{phase:?}")).unwrap_or_default(),
            message: view.message.clone(),
            retry_count: view.attempt.saturating_sub(1),
            initiated_by: request.initiated_by.username.clone(),
            automated: request.initiated_by.automated,
            dry_run: view.is_dry_run(),
            revisions: view.revisions.clone(),
            joined_late: view.joined_late,
            tasks: view
                .phases
                .iter()
                .flat_map(|phase| &phase.waves)
                .flat_map(|wave| wave.tasks.iter().map(move |task| TaskRecord::of(task, wave.wave)))
                .collect(),
        })
    }
}

impl TaskRecord {
    fn of(task: &TaskView, wave: Option<i64>) -> Self {
        let object = &task.key.object;
        Self {
            phase: task.key.phase.as_str().to_owned(),
            wave,
            group: object.group.clone(),
            kind: object.kind.clone(),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
            is_hook: task.is_hook,
            state: task.state.as_str().to_owned(),
            started_at: task.started.known(),
            ended_at: task.ended.known(),
            elapsed_ms: task
                .elapsed
                .filter(|_| !task.state.is_active())
                .and_then(|elapsed| i64::try_from(elapsed.duration().as_millis()).ok()),
            message: task.message.clone(),
            reasons: task.reasons.iter().map(|reason| reason.text.clone()).collect(),
            exit: task.exit.as_ref().map(|exit| ExitRecord {
                pod: exit.pod.clone(),
                container: exit.container.clone(),
                code: exit.code,
                signal: exit.signal,
                reason: exit.reason.clone(),
            }),
            runs: task.attempts.iter().chain(&task.reruns).map(RunRecord::of).collect(),
        }
    }
}

impl RunRecord {
    fn of(run: &AttemptView) -> Self {
        Self {
            uid: run.uid.clone(),
            name: run.name.clone(),
            attempt: run.operation_attempt,
            state: run.state.as_str().to_owned(),
            pods: run.pods.iter().map(|pod| pod.uid.clone()).collect(),
        }
    }
}
