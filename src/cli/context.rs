//! What a command knows of the place it runs in.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use super::args::Color;
use crate::argo::{CaptureOptions, RepositoryOptions};
use crate::config::{Config, Git, Kept};

/// What standard output is, and how wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// Whether standard output is a terminal.
    pub is_terminal: bool,
    /// Columns to fill with text. Lines that cannot be broken may be longer.
    pub width: usize,
    /// Columns of a table. Without a terminal there is no bound: a row is one line, which other programs can read.
    pub table: usize,
}

/// What a command knows of the place it runs in, beside standard output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// Standard output.
    pub output: Context,
    /// Whether a person is asked: standard input or standard error is a terminal.
    pub can_ask: bool,
    /// Where logs and history are kept; `None`: nowhere.
    pub state: Option<PathBuf>,
    /// Where repositories are kept, and how they are read.
    pub repositories: RepositoryOptions,
    /// What is kept of logs.
    pub capture: CaptureOptions,
    /// Refuse everything that writes.
    pub read_only: bool,
}

impl Surroundings {
    /// How repositories are read by this configuration, with their cache in a folder; `None`: Git is not asked.
    pub fn repositories(config: &Config, cache: Option<PathBuf>) -> RepositoryOptions {
        let Git { every, offline, secrets, file_repositories, ref checkouts } = config.git;
        let (checkouts, argo_credentials, allow_files) = (checkouts.clone(), secrets, file_repositories);
        RepositoryOptions { cache, every, offline, argo_credentials, checkouts, allow_files }
    }

    /// What is kept of logs by this configuration.
    pub fn capture(config: &Config) -> CaptureOptions {
        let Kept { enabled, mebibytes, days } = config.kept;
        let keep = Duration::from_secs(days.saturating_mul(24 * 3600));
        CaptureOptions { enabled, quota: mebibytes.saturating_mul(1 << 20), keep }
    }
}

/// Text that is read by another program, or later, is set for this width.
const PLAIN_WIDTH: usize = 80;

impl Context {
    /// Standard output as it is: a terminal of so many columns, or no terminal.
    pub fn new(terminal_columns: Option<u16>) -> Self {
        match terminal_columns {
            // Very long lines are hard to read, very short ones leave no room for the tables.
            Some(columns) => {
                let columns = usize::from(columns).max(40);
                Self { is_terminal: true, width: columns.min(120), table: columns }
            }
            None => Self { is_terminal: false, width: PLAIN_WIDTH, table: usize::MAX },
        }
    }

    /// Whether lines can be drawn in place of others.
    pub(super) fn can_redraw(self) -> bool {
        self.is_terminal && env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
    }

    /// Whether to colour. `NO_COLOR` (see no-color.org) and a dumb terminal win over `auto`.
    pub(super) fn colours(self, wanted: Color) -> bool {
        let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        match wanted {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                self.is_terminal && !is_set("NO_COLOR") && env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        }
    }
}
