//! From the arguments to one of the commands.

use super::args::{Cli, Command, ConnectArgs, GetWhat, TargetArgs};
use super::command::{get_app, get_apps, wait, watch};
use super::context::Surroundings;
use super::exit::Exit;
use super::live::{Failure, Needs, Session, Stop};
use super::paint::Paint;
use super::plan;
use super::print::Printer;
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

/// Runs the command that was asked for. Writes to standard output and standard error. Needs a tokio runtime.
pub async fn run(cli: &Cli, surroundings: &Surroundings, clock: &Clock) -> Exit {
    let context = surroundings.output;
    let mut printer = Printer::new(context, Paint { is_on: context.colours(cli.color) });
    let live = Runner { cli, surroundings, clock };
    let result = match &cli.command {
        Some(Command::Plan(args)) => {
            let outcome = plan::run(args, context, printer.paint, clock.now());
            let printed = printer.print(&outcome.output);
            // Errors last, so that they stand below a long plan.
            printer.note(outcome.errors.trim_end_matches('\n'));
            printed.map(|()| outcome.exit).map_err(Stop::from)
        }
        Some(Command::Get(args)) => match &args.what {
            None => live.get_apps(&args.apps, &mut printer).await,
            Some(GetWhat::Apps(args)) => live.get_apps(args, &mut printer).await,
            Some(GetWhat::App(args)) => {
                let targets = TargetArgs::named(&args.name);
                let needs = Needs::default();
                live.with(&args.connect, &targets, needs, async |session| get_app(args, session, &mut printer).await)
                    .await
            }
        },
        Some(Command::Wait(args)) => {
            let needs = Needs::default();
            live.with(&args.connect, &args.targets, needs, async |session| wait(args, session, &mut printer).await)
                .await
        }
        Some(Command::Watch(args)) => {
            let needs = Needs::default();
            live.with(&args.connect, &args.targets, needs, async |session| watch(args, session, &mut printer).await)
                .await
        }
        Some(Command::Sim(_) | Command::Demo(_) | Command::Engine(_)) | None => {
            Err(Failure::new(Exit::Internal, "this command is run by the program itself").into())
        }
        Some(Command::Version) => {
            printer.line(&format!("boathook {}", env!("CARGO_PKG_VERSION"))).map(|()| Exit::Success).map_err(Stop::from)
        }
    };
    ended(&printer, result)
}

/// Says why a command ended early, and gives the exit code for it.
fn ended(printer: &Printer, result: Result<Exit, Stop>) -> Exit {
    match result {
        Ok(exit) => exit,
        Err(Stop::Failed(failure)) => {
            printer.note(failure.to_string().trim_end_matches('\n'));
            failure.exit
        }
        Err(Stop::TimedOut) => {
            printer.note("boathook: the time is over");
            Exit::TimedOut
        }
        Err(Stop::Interrupted) => {
            printer.note("boathook: interrupted");
            Exit::Interrupted
        }
    }
}

/// Starts and ends the live view around a command.
struct Runner<'a> {
    cli: &'a Cli,
    surroundings: &'a Surroundings,
    clock: &'a Clock,
}

impl Runner<'_> {
    async fn get_apps(&self, args: &super::args::GetAppsArgs, printer: &mut Printer) -> Result<Exit, Stop> {
        let needs = Needs::default();
        self.with(&args.connect, &args.targets, needs, async |session| get_apps(args, session, printer).await).await
    }

    async fn with(
        &self,
        connect: &ConnectArgs,
        targets: &TargetArgs,
        needs: Needs<'_>,
        command: impl AsyncFnOnce(&mut Session) -> Result<Exit, Stop>,
    ) -> Result<Exit, Stop> {
        let connect = connect.or(&self.cli.look().connect).for_targets(targets);
        let mut session = Session::start(&connect, needs, self.surroundings, self.clock).await?;
        let result = command(&mut session).await;
        session.finish().await;
        result
    }
}
