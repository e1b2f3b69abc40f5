//! Colours of the text output: few, and never the only carrier of a meaning.

use super::print::Tone;
use crate::domain::findings::Severity;

/// Paints text, or leaves it as it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    pub is_on: bool,
}

impl Paint {
    fn with(self, sequence: &str, text: &str) -> String {
        if self.is_on && !text.trim().is_empty() { format!("\x1b[{sequence}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(super) fn tone(self, tone: Tone, text: &str) -> String {
        let sequence = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Warning => "33",
            Tone::Running => "36",
            Tone::Dim => "2",
            Tone::Strong => "1",
        };
        self.with(sequence, text)
    }

    pub(super) fn severity(self, severity: Severity, text: &str) -> String {
        self.with(
            match severity {
                Severity::Error => "1;31",
                Severity::Warning => "1;33",
                Severity::Note => "36",
            },
            text,
        )
    }
}
