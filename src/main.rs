//! The program `boathook`: arguments, then one of its commands.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::process::ExitCode;

use boathook::cli::{self, Cli, Context, Exit, SimArgs};
use boathook::clock::Clock;
use boathook::demo::{SimulatorError, run_simulator};
use clap::Parser;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let columns = stdout().is_terminal().then(|| crossterm::terminal::size().map_or(80, |(columns, _)| columns));
    match cli.simulator() {
        Some(args) => simulate(args).into(),
        None => cli::run(&cli, Context::new(columns), &Clock::real()).into(),
    }
}

fn simulate(args: &SimArgs) -> Exit {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended =
        runtime.map_err(SimulatorError::Io).and_then(|runtime| runtime.block_on(run_simulator(args, Clock::real())));
    let Err(error) = ended else { return Exit::Success };
    // On a closed standard error there is nobody to tell.
    let _ = writeln!(stderr(), "boathook: {error}");
    if error.is_input() { Exit::Findings } else { Exit::Internal }
}
