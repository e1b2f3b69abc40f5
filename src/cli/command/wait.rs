//! `wait`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::cli::args::{Condition, WaitArgs};
use crate::cli::exit::Exit;
use crate::cli::live::{Failure, Known, News, Picture, Session, Stop, Targets};
use crate::cli::print::{
    Document, Printer, ResultDocument, Tally, exit_of, exit_of_view, health, print_one, print_tally, standing,
};
use crate::domain::application::{AppKey, AppSummary, SyncStatus};
use crate::domain::health::HealthStatus;
use crate::domain::request::{Controller, Refusal, Request};
use crate::domain::text::one_line;
use crate::domain::timeline::{OperationStatus, OperationView, TaskPhase, TaskState};

/// How long reading may take at least, whatever the time is for which is waited: how things stand is said in any case.
const READING: Duration = Duration::from_secs(60);

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
    session.limit(args.timeout.map(|timeout| timeout.max(READING)));
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
    let with_hooks = conditions.iter().any(is_detailed);
    if with_hooks {
        for key in &open {
            session.live.open(key);
        }
    } else {
        // Who the controller is, is told of what is looked at; it is the same for all of a namespace.
        for key in first_of_each_namespace(&open) {
            session.live.open(&key);
        }
        session.picture.outages.is_of_applications = true;
    }
    let mut controllers: BTreeMap<Arc<str>, Alone> = BTreeMap::new();
    let several = open.len() > 1;
    let mut tally = Tally::default();
    let mut has_read = false;
    loop {
        let is_read = !with_hooks || open.iter().all(|key| session.picture.details(key).is_settled);
        if is_read && !std::mem::replace(&mut has_read, true) {
            session.limit(args.timeout);
        }
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
        session.tell_outages(printer);
        let mut is_looked_at_anew = false;
        for first in first_of_each_namespace(&open) {
            let controller = controllers.entry(Arc::clone(&first.namespace)).or_default();
            let is_missing = controller.is_missing_from_the_start(&session.picture, &first.namespace, printer);
            if !is_missing || conditions == [Condition::Deleted] {
                continue;
            }
            is_looked_at_anew = true;
            // Argo CD's controller may only be restarting: what it would say to a sync is judged by what it wrote lately, too.
            if is_controlled(&first, session).await? {
                controller.was_there = true;
                continue;
            }
            let (alone, others) = open.into_iter().partition(|key: &AppKey| key.namespace == first.namespace);
            open = others;
            let alone: Vec<AppKey> = alone;
            for key in &alone {
                let words = Refusal::NoController.to_string();
                tell(args, printer, &session.picture, key, Exit::Refused, &words, &mut tally)?;
            }
        }
        if is_looked_at_anew {
            continue;
        }
        let stop = loop {
            match session.next().await {
                Ok(News::App(_) | News::Gone(_) | News::Details(_) | News::Watch) => break None,
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

/// One application of each namespace: what acts on it acts on all of them there.
pub(super) fn first_of_each_namespace(keys: &[AppKey]) -> Vec<AppKey> {
    let mut firsts: BTreeMap<&str, &AppKey> = BTreeMap::new();
    for key in keys {
        firsts.entry(&key.namespace).or_insert(key);
    }
    firsts.into_values().cloned().collect()
}

/// Whether a sync would find somebody who carries it out.
pub(super) async fn is_controlled(key: &AppKey, session: &mut Session) -> Result<bool, Stop> {
    let live = session.live.clone();
    let preview = session.meanwhile(live.preview(key, Request::Sync(Box::default()))).await?;
    Ok(preview.is_err() || preview.is_ok_and(|preview| !preview.refusals.contains(&Refusal::NoController)))
}

/// Whether anybody is there who would make it happen.
#[derive(Debug, Default)]
struct Alone {
    /// There was a controller.
    was_there: bool,
    /// That there is none any more was said.
    is_told: bool,
}

impl Alone {
    /// Whether there is no controller, and was none since the waiting began: then nothing will come of it. One that is
    /// gone meanwhile may be restarted: that is said, once, and waited for.
    fn is_missing_from_the_start(&mut self, picture: &Picture, namespace: &str, printer: &Printer) -> bool {
        let own = picture.details.iter().filter(|(key, _)| *key.namespace == *namespace);
        let known = own.map(|(_, details)| &details.controller);
        let mut known = known.filter(|controller| **controller != Controller::Unknown).peekable();
        if known.peek().is_none() {
            return false;
        }
        if known.any(|controller| *controller != Controller::None) {
            (self.was_there, self.is_told) = (true, false);
            return false;
        }
        if self.was_there && !std::mem::replace(&mut self.is_told, true) {
            printer.note(&format!("boathook: {}; what is waited for does not come", Refusal::NoController));
        }
        !self.was_there
    }
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
    let line = format!("{}: {}", picture.name(key), one_line(words, 400));
    if exit != Exit::Success && !args.output.tells_failures() {
        let lead = if exit == Exit::TimedOut { "the time is over; " } else { "" };
        printer.note(&format!("boathook: {lead}{line}"));
    }
    if args.output.is_text() {
        return if exit == Exit::Success { printer.line(&line) } else { Ok(()) };
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
        let words = &operation.message;
        let colon = if words.is_empty() { "" } else { ": " };
        return Verdict::Waiting(format!("its operation is not over{colon}{words}"));
    }
    let words = operation.message.to_string();
    match exit_of(operation) {
        Exit::Success if operation.dry_run => Verdict::Met(format!("a dry run, which changed nothing: {words}")),
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
    if view.is_dry_run() {
        // It says of hooks and phases that they succeeded, and nothing has run.
        return if view.state.is_over() {
            Verdict::Failed(Exit::NotFound, "its last operation was a dry run: nothing has run".to_owned())
        } else {
            Verdict::Waiting("its operation is a dry run".to_owned())
        };
    }
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
        state if state.is_bad() && is_tried_again(view) => Verdict::Waiting(again(&wanted.to_string(), view)),
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
        TaskState::Failed if is_tried_again(view) => Verdict::Waiting(again(&format!("hook {wanted}"), view)),
        TaskState::Failed => Verdict::Failed(Exit::HookFailed, format!("hook {wanted} failed{time}")),
        state @ (TaskState::Stopped | TaskState::Skipped) if view.state.is_over() => {
            Verdict::Failed(failure_of(view), format!("hook {wanted} {state}"))
        }
        state => Verdict::Waiting(format!("hook {wanted} is {state}")),
    }
}

/// Whether what has failed is not final yet: the operation goes on, and may be attempted once more.
fn is_tried_again(view: &OperationView) -> bool {
    let is_left =
        view.state == OperationStatus::WaitingForRetry || view.attempts.is_none_or(|most| view.attempt < most);
    !view.state.is_over() && view.state != OperationStatus::Terminating && is_left
}

fn again(what: &str, view: &OperationView) -> String {
    format!("{what} failed in attempt {}, and another may follow", view.attempt)
}

/// The exit code of an operation in which something did not go well.
fn failure_of(view: &OperationView) -> Exit {
    match exit_of_view(view) {
        Exit::Success => Exit::SyncFailed,
        exit => exit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Context;
    use crate::cli::paint::Paint;

    #[test]
    fn one_of_each_namespace_says_who_acts_there() {
        let key = |namespace: &str, name: &str| AppKey::new("c", namespace, name);
        let all = [key("b", "one"), key("a", "two"), key("b", "three")];
        assert_eq!(first_of_each_namespace(&all), [key("a", "two"), key("b", "one")]);
    }

    #[test]
    fn a_controller_that_was_never_there_is_not_waited_for_and_one_that_is_gone_is() {
        let mut picture = Picture::default();
        let key = AppKey::new("c", "argocd", "shop");
        let printer = Printer::new(Context::new(None), Paint { is_on: false });
        let never = [(Controller::Unknown, false), (Controller::None, true)];
        let gone = [
            (Controller::Engine, false),
            (Controller::None, false),
            (Controller::Unknown, false),
            (Controller::None, false),
        ];
        for story in [&never[..], &gone[..]] {
            let mut alone = Alone::default();
            // Who acts elsewhere does not act here.
            picture.details(&AppKey::new("c", "elsewhere", "shop")).controller = Controller::Engine;
            for (controller, expected) in story {
                picture.details(&key).controller = controller.clone();
                assert_eq!(alone.is_missing_from_the_start(&picture, "argocd", &printer), *expected, "{controller:?}");
            }
            assert_eq!(alone.is_told, story.len() > 2);
        }
    }
}
