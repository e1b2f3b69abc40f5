//! `version`, `completions` and `man`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::ArgValueCompleter;

use super::format::Format;
use crate::cli::complete::formats_wide;

/// Print the version
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_VERSION)]
pub(in crate::cli) struct VersionArgs {
    /// text, wide, json, yaml, name or jsonpath=PATH
    #[arg(short, long, default_value = "text", value_name = "FORMAT", add = ArgValueCompleter::new(formats_wide))]
    pub output: Format,
}

/// Print the default configuration, with every key explained
///
/// Yours is ~/.config/boathook/config.yaml and needs only what differs.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_VERSION)]
pub(in crate::cli) struct ConfigArgs {}

/// Print the completions for a shell: of commands, options, applications, contexts and hooks
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_COMPLETIONS)]
pub(in crate::cli) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// A shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Shell {
    Bash,
    Zsh,
    Fish,
    Elvish,
    Powershell,
}

impl Shell {
    pub(in crate::cli) const fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Elvish => "elvish",
            Self::Powershell => "powershell",
        }
    }
}

const AFTER_VERSION: &str = "\
Exit codes:
  0  it is printed
  2  the arguments make no sense
 70  a fault of boathook itself, or the output cannot be written";

const AFTER_COMPLETIONS: &str = "\
Exit codes:
  0  they are printed
  2  the arguments make no sense
 70  a fault of boathook itself, or the output cannot be written

Examples, for the shell's start file, so that they are those of the program that is installed:
  source <(boathook completions bash)
  source <(boathook completions zsh)
  boathook completions fish | source";

/// Print the man page of boathook, or of a command
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_MAN)]
pub(in crate::cli) struct ManArgs {
    /// The command
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
    /// Write all pages into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub dir: Option<PathBuf>,
}

const AFTER_MAN: &str = "\
Exit codes:
  0  it is printed, or written
  2  the arguments make no sense, or there is no such command
 70  the pages cannot be written

Examples:
  boathook man sync | man -l -
  boathook man --dir ~/.local/share/man/man1";
