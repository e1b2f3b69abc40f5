//! What a timeline takes from a plan.

use super::task::TaskKey;
use crate::domain::plan::Task;

/// A task that is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedTask {
    /// Its name.
    pub key: TaskKey,
    /// `generateName` of a hook that is written without a name. The name it gets depends on when the operation starts, so
    /// the one in `key` may be another.
    pub generate_name: Option<String>,
    /// It is a hook.
    pub is_hook: bool,
    /// Its wave.
    pub wave: i64,
    /// Nothing has to be done for it.
    pub is_skipped: bool,
}

impl From<&Task> for PlannedTask {
    fn from(task: &Task) -> Self {
        Self {
            key: TaskKey { phase: task.phase().into(), object: task.id.key.clone() },
            generate_name: task.generated.as_ref().map(|generated| generated.prefix.clone()),
            is_hook: task.is_hook(),
            wave: task.wave,
            is_skipped: task.skip.is_some(),
        }
    }
}
