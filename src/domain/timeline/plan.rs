//! What a timeline takes from a plan.

use super::task::TaskKey;

/// A task that is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedTask {
    /// Its name.
    pub key: TaskKey,
    /// `generateName` of a hook without a name: the name it will get depends on when the operation starts.
    pub generate_name: Option<String>,
    /// It is a hook.
    pub is_hook: bool,
    /// Its wave.
    pub wave: i64,
    /// Nothing has to be done for it.
    pub is_skipped: bool,
}
