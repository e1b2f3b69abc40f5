//! The plan of a sync: from manifests, live objects and options to the ordered list of what will be done, with what will
//! not be done and why. Pure, total and deterministic: the order of the manifests matters only where one is repeated (the
//! last counts) and among hooks of one `generateName` (they are numbered).
//!
//! The order is Argo CD's: phase (PreSync, Sync, PostSync, SyncFail), wave, rank of the kind, name. On top of that it
//! turns the waves of prunes around, puts `PruneLast` behind everything, and moves a Namespace or a
//! `CustomResourceDefinition` before the first task that needs it.

mod build;
mod digest;
mod input;
mod kinds;
mod kinds_table;
mod model;
mod namespace;
mod order;
mod rules;
mod target;
mod task;
mod validate;

pub use build::plan;
pub use digest::manifest_digest;
pub use input::{Permission, PlanInput};
pub use kinds::{KindInfo, Kinds, Lookup};
pub use model::{LeftOut, LeftOutReason, PhaseTotals, Plan, Totals};
pub use order::kind_rank;
pub(crate) use order::record_prune_waves;
pub use rules::{ApplyRule, DryRun, Propagation, PruneRule};
pub use target::runs_to_completion;
pub use task::{GeneratedName, HookTask, Moved, Role, Skip, Task, TaskId};
