//! One task of a plan: one object in one phase.

use std::fmt;
use std::sync::Arc;

use super::rules::{ApplyRule, DryRun, PruneRule};
use crate::domain::hook::{DeletePolicies, DeletePolicy, HookType, SyncPhase};
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::tracking::TrackingId;

/// What a task, and its result in `syncResult`, is known by. An object has one task for each phase it runs in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId {
    /// The object as results name it: a cluster-scoped one has the destination's namespace.
    pub key: ObjectKey,
    /// The phase.
    pub phase: SyncPhase,
}

impl fmt::Display for TaskId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} in {}", self.key, self.phase)
    }
}

/// One object in one phase of a sync.
#[derive(Debug, Clone)]
pub struct Task {
    /// What it is known by. The name is final.
    pub id: TaskId,
    /// Where the object is in the cluster: without a namespace if it is cluster-scoped.
    pub object: ObjectKey,
    /// API version without group.
    pub version: String,
    /// The wave within the phase.
    pub wave: i64,
    /// What kind of task it is.
    pub role: Role,
    /// Position of its manifest among the targets of the plan; `None` for a prune, and for a namespace that no manifest
    /// defines.
    pub manifest: Option<usize>,
    /// The manifest as it will be applied: with its final name and namespace, hooks with their finalizer. `None` for a
    /// prune.
    pub target: Option<Arc<Object>>,
    /// The live object when the plan was made.
    pub live: Option<Arc<Object>>,
    /// Where the name comes from, if the manifest had none.
    pub generated: Option<GeneratedName>,
    /// How it is applied.
    pub apply: ApplyRule,
    /// Whether it can be tried before anything is written.
    pub dry_run: DryRun,
    /// How it is pruned.
    pub prune: PruneRule,
    /// Why nothing has to be done for it.
    pub skip: Option<Skip>,
    /// Why its phase or wave is not the one that is written, in the order in which that happened.
    pub moved: Vec<Moved>,
    /// Why it cannot be applied, in Argo CD's words. One such task ends the operation before anything is applied.
    pub invalid: Option<String>,
}

/// What kind of task it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// An ordinary object, applied.
    Resource,
    /// A hook.
    Hook(HookTask),
    /// A live object that Git has no more.
    Prune,
    /// The destination's namespace (`CreateNamespace=true`).
    Namespace,
}

/// What makes a task a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookTask {
    /// The kind of hook: as the annotation says, whatever phase the task was moved to.
    pub hook_type: HookType,
    /// When its object is deleted.
    pub policies: DeletePolicies,
}

/// The name of a hook without `metadata.name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedName {
    /// `metadata.generateName`.
    pub prefix: String,
    /// How many hooks of this prefix, kind, namespace and phase come before it in the manifests.
    pub position: usize,
    /// Another hook of this phase has the same generated name. Without `unique_names` they share one object.
    pub collides: bool,
}

/// Why nothing has to be done for a task, unless the operation recorded it already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// `ApplyOutOfSyncOnly=true`, and it does not differ.
    InSync,
    /// The namespace is there, with the metadata it should have.
    NamespaceExists,
}

/// Why a task is not in the phase or wave that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// Prunes run their waves from the highest to the lowest.
    PruneReversed {
        /// Wave as written.
        from: i64,
    },
    /// `PruneLast=true`: after every wave of the Sync phase.
    PruneLast {
        /// Wave before.
        from: i64,
    },
    /// A Namespace or a `CustomResourceDefinition`, moved before the first task that needs it.
    BeforeItsUser {
        /// Phase before.
        from_phase: SyncPhase,
        /// Wave before.
        from: i64,
        /// The first task that needs it.
        user: ObjectKey,
    },
}

impl Task {
    /// The phase.
    pub const fn phase(&self) -> SyncPhase {
        self.id.phase
    }

    /// Phase and wave: what runs together.
    pub const fn step(&self) -> (SyncPhase, i64) {
        (self.id.phase, self.wave)
    }

    /// What makes it a hook, if it is one.
    pub const fn hook(&self) -> Option<&HookTask> {
        match &self.role {
            Role::Hook(hook) => Some(hook),
            _ => None,
        }
    }

    /// Whether it is a hook.
    pub const fn is_hook(&self) -> bool {
        self.hook().is_some()
    }

    /// The application that a live object belongs to, if that is another one than the task's own.
    pub fn other_application(&self, live: &Object) -> Option<String> {
        let own = TrackingId::of_object(self.target.as_deref()?)?;
        let tracking = TrackingId::of_object(live).filter(|tracking| tracking.is_for(&live.key()))?;
        (tracking.instance != own.instance).then_some(tracking.instance)
    }

    /// Whether it deletes instead of applying.
    pub const fn is_prune(&self) -> bool {
        matches!(self.role, Role::Prune)
    }

    /// Whether it is a hook with this delete policy.
    pub fn has_policy(&self, policy: DeletePolicy) -> bool {
        self.hook().is_some_and(|hook| hook.policies.contains(policy))
    }

    /// UID of the live object when the plan was made; empty if there is none.
    pub fn live_uid(&self) -> &str {
        self.live.as_deref().map_or("", Object::uid)
    }
}
