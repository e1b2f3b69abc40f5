//! From the arguments to one of the commands.

use super::about::{completions, man, version};
use super::args::{Cli, Command, ConnectArgs, GetWhat, GitArgs, TargetArgs};
use super::command::{
    approve, get_app, get_apps, get_history, get_hooks, get_windows, logs, plain, plan_app, refresh, rerun, rollback,
    sync, wait, watch,
};
use super::context::Surroundings;
use super::exit::Exit;
use super::live::{Failure, Needs, Session, Stop};
use super::paint::Paint;
use super::plan;
use super::print::{Printer, nobody_reads};
use crate::clock::Clock;
use crate::domain::request::Request;

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
    let runner = Runner { cli, surroundings, clock };
    let result = match &cli.command {
        Some(Command::Plan(args)) if args.app.app.is_none() => {
            let outcome = plan::run(args, context, printer.paint, clock.now());
            let printed = printer.print(&outcome.output);
            // Errors last, so that they stand below a long plan.
            printer.note(outcome.errors.trim_end_matches('\n'));
            printed.map(|()| outcome.exit).map_err(Stop::from)
        }
        Some(Command::Config(_)) => printer.print(crate::config::DEFAULT).map(|()| Exit::Success).map_err(Stop::from),
        Some(Command::Version(args)) => version(args, &mut printer).map_err(Stop::from),
        Some(Command::Completions(args)) => completions(args.shell, &mut printer).map_err(Stop::from),
        Some(Command::Man(args)) => man(args, &mut printer).map_err(Stop::from),
        Some(Command::Sim(_) | Command::Demo(_) | Command::Engine(_)) | None => {
            Err(Failure::new(Exit::Internal, "this command is run by the program itself").into())
        }
        Some(command) => runner.live(command, &mut printer).await,
    };
    if result.is_ok() {
        printer.tell_selected();
    }
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

/// What a command needs of a live view.
struct Wants<'a> {
    connect: ConnectArgs,
    targets: TargetArgs,
    needs: Needs<'a>,
}

impl<'a> Wants<'a> {
    fn of(connect: &ConnectArgs, targets: &TargetArgs) -> Self {
        Self { connect: connect.clone(), targets: targets.clone(), needs: Needs::default() }
    }

    fn one(connect: &ConnectArgs, name: &str) -> Self {
        Self { connect: connect.clone(), targets: TargetArgs::named(name), needs: Needs::default() }
    }

    fn logs(mut self) -> Self {
        self.needs.logs = true;
        self
    }

    fn git(mut self, git: &'a GitArgs) -> Self {
        self.needs.git = Some(git);
        self
    }
}

impl Runner<'_> {
    async fn live(&self, command: &Command, printer: &mut Printer) -> Result<Exit, Stop> {
        let Some(wants) = wants(command) else {
            return Err(Failure::new(Exit::Internal, "this command needs no cluster").into());
        };
        let connect = wants.connect.or(&self.cli.look().connect).for_targets(&wants.targets);
        let mut session = Session::start(&connect, wants.needs, self.surroundings, self.clock).await?;
        let can_ask = self.surroundings.can_ask;
        let result = tokio::select! {
            result = carry_out(command, &mut session, printer, can_ask) => result,
            // What only prints, and would go on for as long as it may, ends at once.
            () = nobody_reads(), if goes_on(command) => Ok(Exit::Success),
        };
        session.finish().await;
        result
    }
}

/// Whether a command does nothing but print, until somebody ends it.
const fn goes_on(command: &Command) -> bool {
    match command {
        Command::Watch(_) => true,
        Command::Logs(args) => args.follow,
        _ => false,
    }
}

/// What a command needs of a live view; `None`: it needs none.
fn wants(command: &Command) -> Option<Wants<'_>> {
    Some(match command {
        Command::Get(args) => match &args.what {
            None => Wants::of(&args.apps.connect, &args.apps.targets),
            Some(GetWhat::Apps(args) | GetWhat::Windows(args)) => Wants::of(&args.connect, &args.targets),
            Some(GetWhat::App(args) | GetWhat::Hooks(args) | GetWhat::History(args)) => {
                Wants::one(&args.connect, &args.name)
            }
        },
        Command::Sync(args) => Wants::of(&args.connect, &args.targets).git(&args.git).logs(),
        Command::Wait(args) => Wants::of(&args.connect, &args.targets),
        Command::Watch(args) => Wants::of(&args.connect, &args.targets),
        Command::Logs(args) => Wants::one(&args.connect, &args.name).logs(),
        Command::Abort(args) | Command::Retry(args) | Command::Resume(args) => {
            Wants::of(&args.connect, &args.targets).logs()
        }
        Command::Rerun(args) => Wants::one(&args.connect, &args.name),
        Command::Rollback(args) => Wants::one(&args.connect, &args.name).logs(),
        Command::Refresh(args) => Wants::of(&args.connect, &args.targets),
        Command::Approve(args) => Wants::one(&args.connect, &args.name).git(&args.git).logs(),
        Command::Plan(args) => Wants::one(&args.app.connect(), args.app.app.as_deref()?).git(&args.app.git),
        Command::Demo(_)
        | Command::Sim(_)
        | Command::Engine(_)
        | Command::Config(_)
        | Command::Version(_)
        | Command::Completions(_)
        | Command::Man(_) => return None,
    })
}

async fn carry_out(
    command: &Command,
    session: &mut Session,
    printer: &mut Printer,
    can_ask: bool,
) -> Result<Exit, Stop> {
    match command {
        Command::Get(args) => match &args.what {
            None => get_apps(&args.apps, session, printer).await,
            Some(GetWhat::Apps(args)) => get_apps(args, session, printer).await,
            Some(GetWhat::App(args)) => get_app(args, session, printer).await,
            Some(GetWhat::Hooks(args)) => get_hooks(args, session, printer).await,
            Some(GetWhat::History(args)) => get_history(args, session, printer).await,
            Some(GetWhat::Windows(args)) => get_windows(args, session, printer).await,
        },
        Command::Sync(args) => sync(args, session, printer, can_ask).await,
        Command::Wait(args) => wait(args, session, printer).await,
        Command::Watch(args) => watch(args, session, printer).await,
        Command::Logs(args) => logs(args, session, printer).await,
        Command::Abort(args) => plain("abort", &Request::Abort, args, session, printer, can_ask).await,
        Command::Retry(args) => plain("retry", &Request::Retry, args, session, printer, can_ask).await,
        Command::Resume(args) => plain("resume", &Request::Resume, args, session, printer, can_ask).await,
        Command::Rerun(args) => rerun(args, session, printer, can_ask).await,
        Command::Rollback(args) => rollback(args, session, printer, can_ask).await,
        Command::Refresh(args) => refresh(args, session, printer, can_ask).await,
        Command::Approve(args) => approve(args, session, printer, can_ask).await,
        Command::Plan(args) => plan_app(args, &args.app, session, printer).await,
        Command::Demo(_)
        | Command::Sim(_)
        | Command::Engine(_)
        | Command::Config(_)
        | Command::Version(_)
        | Command::Completions(_)
        | Command::Man(_) => Err(Failure::new(Exit::Internal, "this command needs no cluster").into()),
    }
}
