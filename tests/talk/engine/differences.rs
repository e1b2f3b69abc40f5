//! Recorded states that the engine does not go through, each with its reason. None is about the end of an operation, the
//! end of a task, the order of phases and waves, or what is deleted.

/// A state of a recording that the engine leaves out.
pub(super) struct Difference {
    /// File in `tests/traces`, without its ending.
    pub(super) recording: &'static str,
    /// Begin of the state's message, generated names masked.
    pub(super) message: &'static str,
    /// Why the engine leaves it out.
    #[expect(dead_code, reason = "for those who read the table")]
    pub(super) why: &'static str,
}

impl Difference {
    pub(super) fn explains(&self, recording: &str, message: &str) -> bool {
        self.recording == recording && !message.is_empty() && message.starts_with(self.message)
    }
}

/// All of them.
pub(super) const DIFFERENCES: &[Difference] = &[];
