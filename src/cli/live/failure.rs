//! Why a command cannot do what it was asked for, as a person reads it.

use std::fmt;

use crate::argo::ConnectError;
use crate::cli::exit::Exit;
use crate::domain::text::one_line;

/// Characters of a line of an error.
const LINE: usize = 600;

/// One line that says it, then details, then what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Failure {
    pub exit: Exit,
    line: String,
    details: Vec<String>,
    advice: Vec<String>,
}

impl Failure {
    pub(in crate::cli) fn new(exit: Exit, line: impl AsRef<str>) -> Self {
        Self { exit, line: one_line(line.as_ref(), LINE), details: Vec::new(), advice: Vec::new() }
    }

    /// What it is, in one line with its details.
    pub(in crate::cli) fn words(&self) -> String {
        std::iter::once(&self.line).chain(&self.details).map(String::as_str).collect::<Vec<_>>().join(": ")
    }

    /// With a detail, on a line of its own.
    pub(in crate::cli) fn detail(mut self, line: impl AsRef<str>) -> Self {
        self.details.push(one_line(line.as_ref(), LINE));
        self
    }

    /// With something to do about it.
    pub(in crate::cli) fn advice(mut self, line: impl AsRef<str>) -> Self {
        self.advice.push(one_line(line.as_ref(), LINE));
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "boathook: {}", self.line)?;
        for detail in &self.details {
            writeln!(formatter, "  {detail}")?;
        }
        for advice in &self.advice {
            writeln!(formatter, "  try: {advice}")?;
        }
        Ok(())
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let exit = if matches!(error, ConnectError::Credentials { .. }) { Exit::NoAccess } else { Exit::Usage };
        Self::new(exit, error.to_string())
    }
}
