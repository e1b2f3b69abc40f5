//! From the arguments to one of the commands.

use std::io::{self, ErrorKind, Write};

use super::args::{Cli, Command};
use super::context::Context;
use super::exit::Exit;
use super::paint::Paint;
use super::plan;
use crate::clock::Clock;

/// What a command prints, and how it ends.
#[derive(Debug)]
pub(super) struct Outcome {
    /// For standard output.
    pub output: String,
    /// For standard error: one line that says it, then details.
    pub errors: String,
    pub exit: Exit,
}

/// Runs the command that was asked for. Writes to standard output and standard error.
pub fn run(cli: &Cli, context: Context, clock: &Clock) -> Exit {
    let paint = Paint { is_on: context.colours(cli.color) };
    let outcome = match &cli.command {
        Some(Command::Plan(args)) => plan::run(args, context, paint, clock.now()),
        Some(Command::Sim(_) | Command::Demo(_) | Command::Engine(_)) | None => Outcome {
            output: String::new(),
            errors: "boathook: this command is run by the program itself\n".to_owned(),
            exit: Exit::Internal,
        },
        Some(Command::Version) => Outcome {
            output: format!("boathook {}\n", env!("CARGO_PKG_VERSION")),
            errors: String::new(),
            exit: Exit::Success,
        },
    };
    // Errors last, so that they stand below a long plan; on a closed standard error there is nobody to tell.
    let written = write(&mut io::stdout().lock(), &outcome.output);
    let _ = write(&mut io::stderr().lock(), &outcome.errors);
    match written {
        // Whoever read our output has seen enough.
        Ok(()) => outcome.exit,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => outcome.exit,
        Err(error) => {
            let _ = write(&mut io::stderr().lock(), &format!("boathook: cannot write the output: {error}\n"));
            Exit::Internal
        }
    }
}

fn write(to: &mut impl Write, text: &str) -> io::Result<()> {
    to.write_all(text.as_bytes())?;
    to.flush()
}
