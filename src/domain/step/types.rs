//! What goes into a step and what comes out of it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::domain::hook::SyncPhase;
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::operation::{OperationPhase, OperationState};
use crate::domain::plan::{ApplyRule, Plan, Propagation, TaskId};

/// Everything a step depends on besides the [`Progress`].
#[derive(Debug, Clone, Copy)]
pub struct StepInput<'a> {
    /// What the sync does. It may be made anew between steps, from the same manifests.
    pub plan: &'a Plan,
    /// What is seen of the cluster.
    pub seen: &'a Observation,
    /// How patient the driver is.
    pub settings: &'a Settings,
    /// The time.
    pub now: Timestamp,
}

/// How patient a driver is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    /// Pause between the apply of one wave and that of the next. Argo CD pauses for 2 seconds.
    pub wave_delay: SignedDuration,
    /// How long an operation may take, with all its attempts; then it is terminated. `None`: without limit.
    pub timeout: Option<SignedDuration>,
}

/// What is seen of the cluster.
#[derive(Debug, Clone, Default)]
pub struct Observation {
    /// Live objects under the keys of the plan's tasks, as far as watches have seen them. May lag behind: nothing is
    /// given up for lost, and nothing is taken for free, before a [`Action::Read`] says so.
    pub objects: HashMap<ObjectKey, Arc<Object>>,
    /// What came of the actions of the step before, each exactly once.
    pub outcomes: Vec<Outcome>,
    /// When somebody approved deletions (annotation `argocd.argoproj.io/deletion-approved` of the Application).
    pub approved: Option<Timestamp>,
}

/// How far an operation is.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// What is written to `status.operationState`.
    pub state: OperationState,
    /// What only the driver knows. Empty after a restart.
    pub memory: Memory,
}

/// What a driver remembers between steps. Everything in it can be found out again.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// Tasks that were tried with success before anything is applied.
    pub(super) tried: HashSet<TaskId>,
    /// A trial failed.
    pub(super) trial_failed: bool,
    /// Answers of the API server that watches have not caught up with.
    pub(super) memos: HashMap<ObjectKey, Memo>,
    /// Names that a create found taken, until a read says by whom.
    pub(super) taken: HashSet<ObjectKey>,
    /// UIDs whose deletion was accepted.
    pub(super) deleting: HashSet<String>,
    /// UIDs that are no more, whatever a watch still shows.
    pub(super) gone: HashSet<String>,
    /// UIDs whose hook finalizer was removed, or could not be.
    pub(super) released: HashSet<String>,
    /// UIDs that could not be deleted.
    pub(super) undeletable: HashSet<String>,
    /// When an object was applied last, and of which phase and wave.
    pub(super) applied: Option<(Timestamp, (SyncPhase, i64))>,
    /// The API server leaves requests without an answer.
    pub(super) unanswered: Option<Unanswered>,
    /// Something could not be ended while the operation was terminated.
    pub(super) termination_failed: bool,
    /// Hooks whose record may have been lost were looked for, before they are terminated.
    pub(super) swept: bool,
}

/// Requests without an answer.
#[derive(Debug, Clone)]
pub(super) struct Unanswered {
    /// The first one since the API server answered.
    pub(super) since: Timestamp,
    /// The last one.
    pub(super) at: Timestamp,
    /// So many steps met one.
    pub(super) times: u32,
    /// What the last one met with.
    pub(super) why: String,
}

/// An object as the API server answered.
#[derive(Debug, Clone)]
pub(super) struct Memo {
    pub(super) object: Arc<Object>,
    pub(super) at: Timestamp,
}

/// What is to be done next.
#[derive(Debug, Clone)]
pub struct Step {
    /// How far the operation is now. Write the state before acting.
    pub progress: Progress,
    /// What to do, in order; see [`Step::groups`].
    pub actions: Vec<Action>,
    /// What the operation waits for, if it does.
    pub wait: Option<Wait>,
    /// The manifests are to be rendered again before the next step, and a new plan made of them.
    pub render: Option<Render>,
}

impl Step {
    /// Whether the operation is over. Its `.operation` can be cleared in the same write.
    pub fn is_finished(&self) -> bool {
        self.progress.state.phase.is_some_and(OperationPhase::is_completed)
    }

    /// The actions in groups: the members of a group may run at the same time, groups run one after the other, and each
    /// group runs whatever came of the one before. Objects of one kind form a group, as in Argo CD; after the apply of a
    /// `CustomResourceDefinition` the driver waits (Argo CD: at most 3 seconds) until it is established.
    pub fn groups(&self) -> impl Iterator<Item = &[Action]> {
        self.actions.chunk_by(|one, other| one.applied_kind() == other.applied_kind())
    }
}

/// What an operation waits for. What is waited for is told in Argo CD's words in `operationState.message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// What has to happen.
    pub what: WaitFor,
    /// When to look again even if nothing happens; perhaps at once. `None`: only when something happens.
    pub until: Option<Timestamp>,
}

/// What an operation waits for; numbers are indices of the plan's tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitFor {
    /// Hooks that run, and ordinary objects that are not healthy yet.
    Tasks(Vec<usize>),
    /// Objects that are being deleted: prunes, or the predecessors of hooks.
    Deletion(Vec<usize>),
    /// A predecessor that still runs, of a hook that may not be deleted before it is created.
    Predecessor(Vec<usize>),
    /// Somebody has to approve these prunes.
    Approval(Vec<usize>),
    /// The pause between waves.
    WaveDelay,
    /// The next attempt.
    Retry,
    /// The API server, which did not answer.
    ApiServer,
}

/// Render the manifests again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Render {
    /// At the same revision.
    SameRevision,
    /// At whatever the target revision is now.
    LatestRevision,
}

/// One request to the cluster.
#[derive(Debug, Clone)]
pub enum Action {
    /// Apply an object, or try to.
    Apply(Box<Apply>),
    /// Delete an object.
    Delete(Box<Delete>),
    /// Remove the finalizer `argocd.argoproj.io/hook-finalizer`, if the object still has this UID. Its absence is fine.
    RemoveFinalizer {
        /// For this task.
        task: TaskId,
        /// The object.
        object: ObjectKey,
        /// Its UID.
        uid: String,
    },
    /// Read an object from the API server itself, not from a watch.
    Read {
        /// The object.
        object: ObjectKey,
    },
}

/// Apply an object.
#[derive(Debug, Clone)]
pub struct Apply {
    /// For this task.
    pub task: TaskId,
    /// The object's key in the cluster.
    pub object: ObjectKey,
    /// What to apply.
    pub manifest: Arc<Object>,
    /// Create or patch.
    pub method: Method,
    /// Options.
    pub rule: ApplyRule,
    /// Let the API server only try. A name that is taken is no failure then.
    pub dry_run: bool,
}

/// How an object gets into the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Created; answered with [`ApplyResult::AlreadyExists`] if the name is taken. A hook that runs to completion is
    /// never patched: that would not run it again.
    Create,
    /// Created or patched, as the options say.
    Apply,
}

/// Delete an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delete {
    /// For this task.
    pub task: TaskId,
    /// The object.
    pub object: ObjectKey,
    /// Its UID: a precondition of the request. Another object of the same name is left alone.
    pub uid: String,
    /// What becomes of its dependants.
    pub propagation: Propagation,
    /// Why.
    pub why: DeleteReason,
}

/// Why an object is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeleteReason {
    /// Git has it no more.
    Prune,
    /// It is a predecessor, and the hook's policy is `BeforeHookCreation`.
    BeforeHookCreation,
    /// It is a predecessor that has ended, and the hook could not run beside it.
    EndedPredecessor,
    /// The operation succeeded, and the hook's policy is `HookSucceeded`.
    HookSucceeded,
    /// The operation failed, and the hook's policy is `HookFailed`.
    HookFailed,
    /// The operation was terminated while the hook ran.
    Terminated,
}

/// What came of an action.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Of [`Action::Apply`].
    Apply {
        /// The task.
        task: TaskId,
        /// It was only tried.
        dry_run: bool,
        /// What came of it.
        result: ApplyResult,
    },
    /// Of [`Action::Delete`].
    Delete {
        /// The action.
        delete: Delete,
        /// What came of it.
        result: DeleteResult,
    },
    /// Of [`Action::RemoveFinalizer`]. An object that is gone, or of another UID, counts as done. The request can be
    /// repeated without harm, so a driver repeats it until there is an answer.
    RemoveFinalizer {
        /// The task.
        task: TaskId,
        /// UID of the object.
        uid: String,
        /// The error's text.
        result: Result<(), String>,
    },
    /// Of [`Action::Read`].
    Read {
        /// The object's key.
        object: ObjectKey,
        /// The object, `None` if there is none, or the error's text.
        result: Result<Option<Arc<Object>>, String>,
    },
}

/// What came of applying an object.
#[derive(Debug, Clone)]
pub enum ApplyResult {
    /// The object as it lives now (as it would, if it was only tried).
    Done {
        /// What changed.
        change: Change,
        /// The object.
        object: Arc<Object>,
    },
    /// A create found the name taken.
    AlreadyExists,
    /// The API server refused it, or it cannot be done. The error's text.
    Failed(String),
    /// No answer came (a cut, a time out): it may have been applied or not. The step finds out. What came instead, for
    /// those who wait meanwhile.
    Unknown(String),
}

/// What applying an object changed, in kubectl's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It did not exist.
    Created,
    /// It was changed.
    Configured,
    /// It already was as it should be.
    Unchanged,
    /// Server-side apply was asked for, which does not say.
    ServerSideApplied,
    /// It was replaced.
    Replaced,
}

/// What came of deleting an object. The request can be repeated without harm, so a driver repeats it until there is an
/// answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeleteResult {
    /// It goes, or will go when its finalizers are done.
    Accepted,
    /// There was no object of this UID.
    Gone,
    /// The error's text.
    Failed(String),
}

impl Action {
    /// The kind that is applied; `None` for what may run at any time.
    fn applied_kind(&self) -> Option<(&str, &str)> {
        match self {
            Self::Apply(apply) => Some((&apply.object.group, &apply.object.kind)),
            _ => None,
        }
    }

    /// Whether it changes anything in the cluster.
    pub fn is_write(&self) -> bool {
        match self {
            Self::Apply(apply) => !apply.dry_run,
            Self::Delete(_) | Self::RemoveFinalizer { .. } => true,
            Self::Read { .. } => false,
        }
    }
}
