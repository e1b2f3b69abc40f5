//! `status.conditions`, the list most kinds report their state in.

use super::fields::Fields;
use super::types::HealthError;

/// One condition. Fields that are missing are empty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Condition<'a> {
    pub(super) kind: &'a str,
    pub(super) status: &'a str,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
}

impl Condition<'_> {
    pub(super) fn is_true(&self) -> bool {
        self.status == "True"
    }
}

/// The conditions in the order in which the object has them.
pub(super) fn conditions<'a>(fields: &Fields<'a>) -> Result<Vec<Condition<'a>>, HealthError> {
    let read = |entry: &Fields<'a>| {
        Ok(Condition {
            kind: entry.text(&["type"])?,
            status: entry.text(&["status"])?,
            reason: entry.text(&["reason"])?,
            message: entry.text(&["message"])?,
        })
    };
    fields.list(&["status", "conditions"], "status.conditions")?.iter().map(read).collect()
}
