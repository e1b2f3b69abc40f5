//! What may still be read of a source.

use super::limits::Limits;
use super::place::Fault;

/// How much was read so far, against the limits.
pub(super) struct Budget {
    limits: Limits,
    used: Used,
}

/// Values and bytes of strings.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Used {
    pub(super) values: usize,
    pub(super) text: usize,
}

impl Used {
    /// What was used since an earlier moment.
    pub(super) fn since(self, before: Self) -> Self {
        Self { values: self.values.saturating_sub(before.values), text: self.text.saturating_sub(before.text) }
    }
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, used: Used::default() }
    }

    pub(super) fn used(&self) -> Used {
        self.used
    }

    /// Whether the source is too large to be read on: each further document would only say so again.
    pub(super) fn is_exhausted(&self) -> bool {
        self.used.values > self.limits.values || self.used.text > self.limits.text
    }

    /// Takes so much, before it is made.
    pub(super) fn take(&mut self, more: Used) -> Result<(), Fault> {
        self.used.values = self.used.values.saturating_add(more.values);
        self.used.text = self.used.text.saturating_add(more.text);
        if self.used.values > self.limits.values {
            return Err(Fault::TooMuch { what: "values in one source, aliases counted", most: self.limits.values });
        }
        if self.used.text > self.limits.text {
            return Err(Fault::TooMuch {
                what: "bytes of text in one source, aliases counted",
                most: self.limits.text,
            });
        }
        Ok(())
    }

    /// One value with a text.
    pub(super) fn take_scalar(&mut self, text: &str) -> Result<(), Fault> {
        self.take(Used { values: 1, text: text.len() })
    }

    /// One more mapping or list within so many others.
    pub(super) fn take_container(&mut self, depth: usize) -> Result<(), Fault> {
        if depth >= self.limits.depth {
            return Err(Fault::TooMuch { what: "mappings and lists within each other", most: self.limits.depth });
        }
        self.take(Used { values: 1, text: 0 })
    }
}
