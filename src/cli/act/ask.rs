//! Asking the person at the terminal. Where one is, nothing is sent without an answer or `-y`: also if standard error goes to
//! a file, or standard input comes from a pipe.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Write as _};

/// Where a person is asked.
#[derive(Debug)]
pub(super) enum Asked {
    /// On standard error, answering on standard input.
    Standard,
    /// On the terminal of the process, whatever its standard streams are.
    Terminal(File),
}

impl Asked {
    /// Where a person can be asked; `None`: nowhere, although there is a terminal.
    pub(super) fn find() -> Option<Self> {
        if io::stdin().is_terminal() && io::stderr().is_terminal() {
            return Some(Self::Standard);
        }
        OpenOptions::new().read(true).write(true).open("/dev/tty").ok().map(Self::Terminal)
    }

    /// Shows what is asked.
    pub(super) fn show(&mut self, text: &str) {
        // Whoever cannot see the question does not answer with yes.
        let _ = match self {
            Self::Standard => io::stderr().lock().write_all(text.as_bytes()),
            Self::Terminal(terminal) => terminal.write_all(text.as_bytes()),
        };
    }

    /// Waits for a line; empty at the end of the input.
    pub(super) fn answer(self) -> io::Result<String> {
        let mut line = String::new();
        match self {
            Self::Standard => io::stdin().lock().read_line(&mut line)?,
            Self::Terminal(terminal) => BufReader::new(terminal).read_line(&mut line)?,
        };
        Ok(line)
    }
}
