//! The program `boathook`: arguments, then one of its commands.

use std::io::{IsTerminal, stdout};
use std::process::ExitCode;

use boathook::cli::{self, Cli, Context};
use boathook::clock::Clock;
use clap::Parser;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let columns = stdout().is_terminal().then(|| crossterm::terminal::size().map_or(80, |(columns, _)| columns));
    cli::run(&cli, Context::new(columns), &Clock::real()).into()
}
