//! `wait`.

use jiff::Timestamp;

use crate::cli::args::{Condition, WaitArgs};
use crate::cli::exit::Exit;
use crate::cli::live::{Failure, Known, News, Picture, Session, Stop, Targets};
use crate::cli::print::{
    Document, Printer, ResultDocument, Tally, exit_of, exit_of_view, health, print_one, print_tally, standing,
};
use crate::domain::application::{AppKey, AppSummary, SyncStatus};
use crate::domain::health::HealthStatus;
use crate::domain::text::one_line;
use crate::domain::timeline::{OperationStatus, OperationView, TaskPhase, TaskState};

/// What waiting for an application has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Met(String),
    /// It will not come.
    Failed(Exit, String),
    /// Not yet; for what.
    Waiting(String),
}

pub(in crate::cli) async fn wait(args: &WaitArgs, session: &mut Session, printer: &mut Printer) -> Result<Exit, Stop> {
    let conditions = if args.conditions.is_empty() {
        vec![Condition::Operation, Condition::Synced, Condition::Healthy]
    } else {
        args.conditions.clone()
    };
    session.limit(args.timeout);
    let mut targets = Targets::required(&args.targets)?;
    if conditions == [Condition::Deleted] {
        targets = targets.if_there();
    }
    let mut open = match targets.choose_some(session).await {
        // What is not there is deleted.
        Err(Stop::Failed(failure)) if failure.exit == Exit::NotFound && conditions == [Condition::Deleted] => {
            return Ok(Exit::Success);
        }
        chosen => chosen?,
    };
    let is_detailed = |condition: &Condition| matches!(condition, Condition::Phase(_) | Condition::Hook(_));
    if conditions.iter().any(is_detailed) {
        for key in &open {
            session.live.open(key);
        }
    }
    let several = open.len() > 1;
    let mut tally = Tally::default();
    loop {
        let now = session.clock.now();
        let mut left = Vec::new();
        for key in std::mem::take(&mut open) {
            match judge(&conditions, &key, &mut session.picture, now) {
                Verdict::Waiting(_) => left.push(key),
                Verdict::Met(words) => tell(args, printer, &session.picture, &key, Exit::Success, &words, &mut tally)?,
                Verdict::Failed(exit, words) => tell(args, printer, &session.picture, &key, exit, &words, &mut tally)?,
            }
        }
        open = left;
        if open.is_empty() {
            break;
        }
        let stop = loop {
            match session.next().await {
                // A watch that breaks off is taken up again; somebody may wonder why nothing happens.
                Ok(News::Interrupted(error)) => printer.note(&format!("boathook: {}", one_line(&error, 300))),
                Ok(News::App(_) | News::Gone(_) | News::Details(_) | News::Live) => break None,
                Ok(_) => {}
                Err(stop) => break Some(stop),
            }
        };
        match stop {
            None => while session.try_next().is_some() {},
            Some(Stop::TimedOut) => {
                for key in &open {
                    let verdict = judge(&conditions, key, &mut session.picture, session.clock.now());
                    let Verdict::Waiting(words) = verdict else { continue };
                    tell(args, printer, &session.picture, key, Exit::TimedOut, &words, &mut tally)?;
                }
                break;
            }
            Some(stop) => return Err(stop),
        }
    }
    if several {
        print_tally(printer, &args.output, "wait", &tally)?;
    }
    Ok(tally.exit())
}

/// Says what came of it for one application.
fn tell(
    args: &WaitArgs,
    printer: &mut Printer,
    picture: &Picture,
    key: &AppKey,
    exit: Exit,
    words: &str,
    tally: &mut Tally,
) -> Result<(), Failure> {
    tally.add(exit);
    if args.output.is_text() {
        let line = format!("{}: {words}", picture.name(key));
        if exit == Exit::Success {
            return printer.line(&line);
        }
        let lead = if exit == Exit::TimedOut { "the time is over; " } else { "" };
        printer.note(&format!("boathook: {lead}{line}"));
        return Ok(());
    }
    let document = Document::new(&ResultDocument::new("wait", key, exit, words));
    let name = format!("{}/{}", key.namespace, key.name);
    print_one(printer, &args.output, &document, Some(&name).filter(|_| exit == Exit::Success).map(String::as_str))
}

/// Whether all conditions hold: the first that never will, else the first that does not yet.
fn judge(conditions: &[Condition], key: &AppKey, picture: &mut Picture, now: Timestamp) -> Verdict {
    let known = picture.apps.get(key).cloned();
    let mut met = Vec::new();
    let mut waiting = None;
    for condition in conditions {
        let verdict = match (condition, &known) {
            (Condition::Deleted, None) => Verdict::Met("deleted".to_owned()),
            (Condition::Deleted, Some(_)) => Verdict::Waiting("it is still there".to_owned()),
            (_, None) => Verdict::Failed(Exit::NotFound, "it is gone".to_owned()),
            (_, Some(Known::Unreadable(reason))) => Verdict::Waiting(format!("it cannot be read: {reason}")),
            (Condition::Synced, Some(Known::Summary(summary))) => synced(summary),
            (Condition::Healthy, Some(Known::Summary(summary))) => healthy(summary),
            (Condition::Operation, Some(Known::Summary(summary))) => operation(summary),
            (Condition::Phase(phase), Some(_)) => in_view(key, picture, now, |view| phase_over(*phase, view)),
            (Condition::Hook(name), Some(_)) => in_view(key, picture, now, |view| hook_over(name, view)),
        };
        match verdict {
            Verdict::Met(words) => met.push(words),
            Verdict::Failed(..) => return verdict,
            Verdict::Waiting(_) => waiting = waiting.or(Some(verdict)),
        }
    }
    waiting.unwrap_or_else(|| Verdict::Met(met.join(", ")))
}

/// Whether sync status and health are from after the last operation, and no comparison is asked for.
fn is_compared(summary: &AppSummary) -> bool {
    let finished = summary.operation.as_ref().filter(|own| !own.dry_run).and_then(|own| own.finished_at);
    summary.refresh.is_none() && !summary.busy && finished.is_none_or(|at| summary.reconciled_at >= Some(at))
}

fn synced(summary: &AppSummary) -> Verdict {
    match (summary.sync, is_compared(summary)) {
        (Some(SyncStatus::Synced), true) => Verdict::Met("synced".to_owned()),
        (Some(SyncStatus::Synced), false) => Verdict::Waiting("it is being compared".to_owned()),
        _ => Verdict::Waiting(format!("it is {}", standing(summary).text)),
    }
}

fn healthy(summary: &AppSummary) -> Verdict {
    match (summary.health, is_compared(summary)) {
        (Some(HealthStatus::Healthy), true) => Verdict::Met("healthy".to_owned()),
        (Some(HealthStatus::Healthy), false) => Verdict::Waiting("it is being compared".to_owned()),
        _ => Verdict::Waiting(format!("its health is {}", health(summary.health).text)),
    }
}

fn operation(summary: &AppSummary) -> Verdict {
    let Some(operation) = &summary.operation else { return Verdict::Met("no operation".to_owned()) };
    if !summary.is_done() {
        let words = one_line(&operation.message, 200);
        let colon = if words.is_empty() { "" } else { ": " };
        return Verdict::Waiting(format!("its operation is not over{colon}{words}"));
    }
    let words = one_line(&operation.message, 200);
    match exit_of(operation) {
        Exit::Success => Verdict::Met(words),
        exit => Verdict::Failed(exit, words),
    }
}

/// Judges the operation as its hooks themselves tell it.
fn in_view(key: &AppKey, picture: &mut Picture, now: Timestamp, judge: impl Fn(&OperationView) -> Verdict) -> Verdict {
    let details = picture.details(key);
    if !details.is_settled {
        return Verdict::Waiting("its hooks are being read".to_owned());
    }
    let view = details.view(now);
    if view.state == OperationStatus::None {
        return Verdict::Waiting("no operation has begun".to_owned());
    }
    judge(&view)
}

fn phase_over(wanted: TaskPhase, view: &OperationView) -> Verdict {
    let phase = view.phases.iter().find(|phase| phase.phase == wanted);
    let state = phase.map_or(TaskState::Skipped, |phase| phase.state);
    match state {
        state if state.is_good() => Verdict::Met(format!("{wanted} {state}")),
        state if state.is_bad() => Verdict::Failed(failure_of(view), format!("{wanted} {state}")),
        _ if view.state == OperationStatus::Succeeded => Verdict::Met(format!("nothing to do in {wanted}")),
        _ if view.state.is_over() => Verdict::Failed(failure_of(view), format!("{wanted} was not reached")),
        state => Verdict::Waiting(format!("{wanted} is {state}")),
    }
}

fn hook_over(wanted: &str, view: &OperationView) -> Verdict {
    let is_meant = |name: &str, kind: &str| name == wanted || wanted == format!("{kind}/{name}");
    let hook =
        view.tasks().filter(|task| task.is_hook).find(|task| is_meant(&task.key.object.name, &task.key.object.kind));
    let Some(hook) = hook else {
        let over = view.state.is_over();
        let words = format!("no hook {wanted} was seen in its operation");
        return if over { Verdict::Failed(Exit::NotFound, words) } else { Verdict::Waiting(words) };
    };
    let time = hook.elapsed.map(|elapsed| format!(" after {elapsed}")).unwrap_or_default();
    match hook.state {
        state if state.is_good() => Verdict::Met(format!("hook {wanted} {state}{time}")),
        TaskState::Failed => Verdict::Failed(Exit::HookFailed, format!("hook {wanted} failed{time}")),
        state @ (TaskState::Stopped | TaskState::Skipped) if view.state.is_over() => {
            Verdict::Failed(failure_of(view), format!("hook {wanted} {state}"))
        }
        state => Verdict::Waiting(format!("hook {wanted} is {state}")),
    }
}

/// The exit code of an operation in which something did not go well.
fn failure_of(view: &OperationView) -> Exit {
    match exit_of_view(view) {
        Exit::Success => Exit::SyncFailed,
        exit => exit,
    }
}
