//! The plan itself.

use super::rules::Propagation;
use super::task::Task;
use crate::domain::hook::{SyncPhase, Unused};
use crate::domain::manifest::ObjectKey;

/// What a sync will do, in order, and what it will not do.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The tasks in the order in which they run.
    pub tasks: Vec<Task>,
    /// Objects that yield no task, in the order of the manifests, live ones last.
    pub left_out: Vec<LeftOut>,
    /// The distinct waves of prunes as they are written, in order, when the attempt began.
    pub prune_waves: Vec<i64>,
    /// Nothing is changed.
    pub dry_run: bool,
    /// Whether objects that Git has no more are deleted; else they are only reported.
    pub prune: bool,
    /// Only what differs is applied (`ApplyOutOfSyncOnly=true`). Once applied, it differs no more.
    pub out_of_sync_only: bool,
    /// What becomes of the dependants of what is deleted, prunes and hooks.
    pub propagation: Propagation,
    /// The revision.
    pub revision: String,
    /// Namespace for objects that name none.
    pub destination_namespace: String,
}

impl Plan {
    /// What will be done, counted. Tasks that are skipped count as skipped only.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        let mut last_step = None;
        for task in &self.tasks {
            if task.skip.is_some() {
                totals.skipped += 1;
                continue;
            }
            let Some(phase) = totals.phases.iter_mut().find(|own| own.phase == task.phase()) else { continue };
            phase.tasks += 1;
            if task.is_hook() {
                phase.hooks += 1;
            }
            if task.is_prune() {
                phase.prunes += 1;
            }
            if last_step.replace(task.step()) != Some(task.step()) {
                phase.waves += 1;
            }
        }
        totals.invalid = self.tasks.iter().filter(|task| task.invalid.is_some()).count();
        totals.left_out = self.left_out.len();
        totals
    }
}

/// What a plan will do, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// Each phase, in order.
    pub phases: [PhaseTotals; 4],
    /// Tasks for which nothing has to be done.
    pub skipped: usize,
    /// Tasks that cannot be applied and end the operation before it begins.
    pub invalid: usize,
    /// Objects that yield no task.
    pub left_out: usize,
}

impl Default for Totals {
    fn default() -> Self {
        let phases = SyncPhase::ALL.map(|phase| PhaseTotals { phase, tasks: 0, hooks: 0, prunes: 0, waves: 0 });
        Self { phases, skipped: 0, invalid: 0, left_out: 0 }
    }
}

impl Totals {
    /// All tasks that will run. Those of `SyncFail` run only after a failure.
    pub fn tasks(&self) -> usize {
        self.phases.iter().map(|phase| phase.tasks).sum()
    }

    /// All hooks that will run. Those of `SyncFail` run only after a failure.
    pub fn hooks(&self) -> usize {
        self.phases.iter().map(|phase| phase.hooks).sum()
    }
}

/// What one phase will do, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhaseTotals {
    /// The phase.
    pub phase: SyncPhase,
    /// Its tasks: hooks, prunes and ordinary objects.
    pub tasks: usize,
    /// Hooks among them.
    pub hooks: usize,
    /// Prunes among them.
    pub prunes: usize,
    /// Its waves.
    pub waves: usize,
}

/// An object that yields no task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The object as it is written; the name is the `generateName` where there is no name.
    pub key: ObjectKey,
    /// Position of its manifest among the targets of the plan; `None` for a live object that has none.
    pub manifest: Option<usize>,
    /// Why.
    pub reason: LeftOutReason,
}

/// Why an object yields no task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftOutReason {
    /// Marked as a hook of a kind that Argo CD does not know: it drops the object without a word.
    Dropped(Vec<Unused>),
    /// Marked `Skip`.
    Skipped,
    /// Runs only when the application is deleted.
    RunsAtDeletion,
    /// A hook, but strategy `apply` runs none.
    NoHooksWithApply,
    /// A hook, but a selective sync runs none.
    NoHooksInSelectiveSync,
    /// Not among the selected objects.
    NotSelected,
    /// Written again further on; the last one counts.
    Repeated,
    /// A hook or `Skip` object that lives and that Git has no more, or the namespace that the operation creates: never
    /// pruned.
    NeverPruned,
}
