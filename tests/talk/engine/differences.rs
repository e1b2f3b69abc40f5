//! Recorded states that the engine does not go through, each with its reason. None is about the end of an operation, the
//! end of a task, the order of phases and waves, or what is deleted.

/// A state of a recording that the engine leaves out.
pub(crate) struct Difference {
    /// File in `tests/traces`, without its ending.
    pub(crate) recording: &'static str,
    /// Begin of the state's message, generated names masked.
    pub(crate) message: &'static str,
    /// Why the engine leaves it out.
    #[expect(dead_code, reason = "for those who read the table")]
    pub(crate) why: &'static str,
}

impl Difference {
    pub(crate) fn explains(&self, recording: &str, message: &str) -> bool {
        self.recording == recording && !message.is_empty() && message.starts_with(self.message)
    }
}

/// All of them.
pub(crate) const DIFFERENCES: &[Difference] = &[];
