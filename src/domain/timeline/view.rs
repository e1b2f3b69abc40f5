//! What is read from a timeline: plain data, made anew for each look at it.

use std::sync::Arc;

use jiff::Timestamp;

use super::elapsed::{Elapsed, Moment};
use super::facts::runs_hooks;
use super::lifecycle::Lifecycle;
use super::task::{TaskKey, TaskPhase, TaskState};
use crate::domain::health::waiting::Reason;
use crate::domain::operation::{Operation, OperationPhase};

/// An operation and all that is known of its tasks, at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationView {
    /// How far the operation is.
    pub state: OperationStatus,
    /// Its phase as the controller wrote it; `None` before it did, or where it wrote a word that is not known.
    pub phase: Option<OperationPhase>,
    /// The controller's words.
    pub message: String,
    /// `startedAt`, which is also its name; `None` while it is only requested.
    pub started_at: Option<Timestamp>,
    /// `finishedAt`, while it is over or waits for its next attempt.
    pub finished_at: Option<Timestamp>,
    /// From its start to its end, or to now.
    pub elapsed: Option<Elapsed>,
    /// Number of the current attempt, from 1.
    pub attempt: i64,
    /// How many attempts there may be; `None`: any number.
    pub attempts: Option<i64>,
    /// The request: who asked, for what, with which options.
    pub request: Arc<Operation>,
    /// Revisions that are synced, one for each source; empty while unknown.
    pub revisions: Vec<String>,
    /// It began before we looked.
    pub joined_late: bool,
    /// It is said to be in progress, but nobody will advance it: its `.operation` is gone.
    pub is_ghost: bool,
    /// The phases that have tasks, in their order.
    pub phases: Vec<PhaseView>,
}

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperationStatus {
    /// There has been none.
    None,
    /// Written, and not yet taken by a controller.
    Requested,
    /// At work.
    Running,
    /// An attempt has failed; the next will begin.
    WaitingForRetry,
    /// Being ended.
    Terminating,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// Could not be done.
    Error,
    /// The controller wrote something that is not known.
    Unknown,
}

impl OperationStatus {
    /// Whether it is over.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Error)
    }
}

/// One phase.
#[derive(Debug, Clone, PartialEq)]
pub struct PhaseView {
    /// The phase.
    pub phase: TaskPhase,
    /// Its tasks' states in one.
    pub state: TaskState,
    /// From the start of its first task to the end of its last, or to now.
    pub elapsed: Option<Elapsed>,
    /// Tasks by state.
    pub counts: Counts,
    /// Its waves, in their order; those of an unknown number last.
    pub waves: Vec<WaveView>,
}

/// How many tasks are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts([usize; TaskState::ALL.len()]);

impl Counts {
    /// How many are in this state.
    pub fn of(&self, state: TaskState) -> usize {
        self.0.get(state as usize).copied().unwrap_or_default()
    }

    /// How many there are.
    pub fn total(&self) -> usize {
        self.0.iter().sum()
    }

    pub(super) fn add(&mut self, state: TaskState) {
        if let Some(count) = self.0.get_mut(state as usize) {
            *count += 1;
        }
    }
}

/// The tasks of one wave.
#[derive(Debug, Clone, PartialEq)]
pub struct WaveView {
    /// Its number; `None` where it is not known.
    pub wave: Option<i64>,
    /// Its tasks.
    pub tasks: Vec<TaskView>,
}

/// One task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskView {
    /// Its name. Of a hook with a `generateName` that has no name yet, the name is that prefix.
    pub key: TaskKey,
    /// It is a hook, not an ordinary resource.
    pub is_hook: bool,
    /// How far it is.
    pub state: TaskState,
    /// Its begin in the current attempt of the operation.
    pub started: Moment,
    /// Its end in the current attempt of the operation.
    pub ended: Moment,
    /// From begin to end, or to now.
    pub elapsed: Option<Elapsed>,
    /// The controller's words about it, or the object's own where those are newer.
    pub message: String,
    /// Why it has not ended, or not well; the most important reason first.
    pub reasons: Vec<Reason>,
    /// The container that decided how it ended; while a Job tries again, how the last attempt ended.
    pub exit: Option<Exit>,
    /// How far it is in numbers.
    pub progress: Option<Progress>,
    /// What the controller has recorded about it is an end.
    pub is_recorded: bool,
    /// An object of its name is there that an earlier operation left.
    pub predecessor: Option<Predecessor>,
    /// Its runs in this operation, oldest first: one for each object that was created for it.
    pub attempts: Vec<AttemptView>,
    /// Runs outside the operation.
    pub reruns: Vec<AttemptView>,
}

/// An object of the same name that was there before the operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predecessor {
    /// Its UID.
    pub uid: String,
    /// A deletion was asked for.
    pub deleting: bool,
}

/// How far a task is, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// This attempt of that many, of a Job that takes one pod: each is a pod of its own, or restarts the one.
    Attempt {
        /// From 1.
        number: i64,
        /// How many there may be.
        of: i64,
    },
    /// Successful pods of those it takes.
    Completions {
        /// Successful ones.
        done: i64,
        /// Needed.
        of: i64,
    },
    /// Steps of a Workflow.
    Steps {
        /// Done.
        done: i64,
        /// Known so far.
        of: i64,
    },
}

/// The container that decided how a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// Pod.
    pub pod: String,
    /// Container; empty where the pod does not say.
    pub container: String,
    /// Exit code; `None` where it is not known.
    pub code: Option<i32>,
    /// Signal, where one was given.
    pub signal: Option<i32>,
    /// Kubernetes' word for it, for example `OOMKilled`.
    pub reason: String,
}

/// One run of a hook: one object with its UID, and its pods.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptView {
    /// UID of the object.
    pub uid: String,
    /// Name of the object.
    pub name: String,
    /// Number of the operation's attempt it belongs to, from 1; `None` outside the operation.
    pub operation_attempt: Option<i64>,
    /// Who ran it outside the operation, and why.
    pub rerun: Option<Rerun>,
    /// How far it is.
    pub state: TaskState,
    /// Its begin.
    pub started: Moment,
    /// Its end.
    pub ended: Moment,
    /// From begin to end, or to now.
    pub elapsed: Option<Elapsed>,
    /// The object's own words.
    pub message: String,
    /// The container that decided how it ended; while a Job tries again, how the last attempt ended.
    pub exit: Option<Exit>,
    /// The object exists no more.
    pub is_gone: bool,
    /// Its pods, oldest first: of a Job, each of its own attempts is one.
    pub pods: Vec<PodView>,
    /// Steps of a Workflow that run as pods, and those that failed.
    pub nodes: Vec<NodeView>,
}

/// A run outside the operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rerun {
    /// Who asked.
    pub by: String,
    /// The reason given.
    pub why: String,
}

/// One pod.
#[derive(Debug, Clone, PartialEq)]
pub struct PodView {
    /// UID.
    pub uid: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Index in an indexed Job.
    pub index: Option<i64>,
    /// How far it is.
    pub state: PodState,
    /// It exists no more.
    pub is_gone: bool,
    /// A deletion was asked for.
    pub deleting: bool,
    /// Begin of its first container.
    pub started: Moment,
    /// Its end.
    pub ended: Moment,
    /// From begin to end, or to now.
    pub elapsed: Option<Elapsed>,
    /// Its own words.
    pub message: String,
    /// Containers, init containers first.
    pub containers: Vec<ContainerView>,
}

/// How far a pod is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PodState {
    /// Not all of it has begun.
    Pending,
    /// At work.
    Running,
    /// All containers ended well.
    Succeeded,
    /// A container ended badly.
    Failed,
    /// Taken away while it ran: its exit code is not known.
    Stopped,
    /// Its node does not answer.
    Unknown,
}

impl PodState {
    /// Whether it is an end.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Stopped)
    }
}

/// One container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerView {
    /// Name.
    pub name: String,
    /// Its part in the pod.
    pub kind: ContainerKind,
    /// Begin of its first run that is known.
    pub first_start: Option<Timestamp>,
    /// Its current run.
    pub state: ContainerState,
    /// The run before, if it was restarted.
    pub last: Option<ContainerState>,
    /// How often it was restarted.
    pub restarts: u32,
}

/// The part of a container in its pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContainerKind {
    /// Runs before the main containers.
    Init,
    /// Runs beside the main containers, and does not count for their end.
    Sidecar,
    /// What the pod is for.
    Main,
}

/// How far a container is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerState {
    /// Not begun.
    Waiting {
        /// Kubernetes' word, for example `ImagePullBackOff`.
        reason: String,
        /// Its explanation.
        message: String,
    },
    /// At work.
    Running {
        /// Since.
        started: Option<Timestamp>,
    },
    /// Ended.
    Terminated {
        /// Exit code; 0 is good.
        exit_code: Option<i32>,
        /// Signal that ended it.
        signal: Option<i32>,
        /// Kubernetes' word, for example `Error` or `OOMKilled`.
        reason: String,
        /// Its termination message.
        message: String,
        /// Begin.
        started: Option<Timestamp>,
        /// End.
        finished: Option<Timestamp>,
    },
    /// Not told.
    Unknown,
}

impl ContainerState {
    /// When it began.
    pub const fn started(&self) -> Option<Timestamp> {
        match self {
            Self::Running { started } | Self::Terminated { started, .. } => *started,
            Self::Waiting { .. } | Self::Unknown => None,
        }
    }

    /// When it ended.
    pub const fn finished(&self) -> Option<Timestamp> {
        match self {
            Self::Terminated { finished, .. } => *finished,
            _ => None,
        }
    }

    /// Whether it ended badly: with another exit code than 0, or with none.
    pub const fn is_failure(&self) -> bool {
        matches!(self, Self::Terminated { exit_code, .. } if !matches!(exit_code, Some(0)))
    }
}

/// One step of a Workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeView {
    /// Its id.
    pub id: String,
    /// The name to show.
    pub name: String,
    /// `Pod`, `DAG`, `Steps`, ...
    pub kind: String,
    /// `Pending`, `Running`, `Succeeded`, `Skipped`, `Failed`, `Error`, `Omitted`.
    pub phase: String,
    /// Why.
    pub message: String,
    /// Begin.
    pub started: Option<Timestamp>,
    /// End.
    pub finished: Option<Timestamp>,
}

impl OperationView {
    /// Every task, in the order of the phases and waves.
    pub fn tasks(&self) -> impl Iterator<Item = &TaskView> {
        self.phases.iter().flat_map(|phase| &phase.waves).flat_map(|wave| &wave.tasks)
    }

    /// One task.
    pub fn task(&self, key: &TaskKey) -> Option<&TaskView> {
        self.tasks().find(|task| task.key == *key)
    }

    /// Whether it changes nothing.
    pub fn is_dry_run(&self) -> bool {
        self.request.sync.as_ref().is_some_and(|sync| sync.dry_run)
    }

    /// Whether hooks run in it: not with strategy apply, nor when only some resources are synced.
    pub fn runs_hooks(&self) -> bool {
        runs_hooks(&self.request)
    }

    /// The lifecycle in one line.
    pub fn lifecycle(&self) -> Lifecycle {
        Lifecycle::of(self)
    }
}
