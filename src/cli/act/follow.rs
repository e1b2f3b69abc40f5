//! Operations to their end.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::job::{Ended, Job, Lateness};
use super::own::Whose;
use super::progress::Progress;
use super::run::{Act, of_outcome, unpreviewed};
use super::told::{Told, approve};
use crate::cli::args::FollowArgs;
use crate::cli::exit::Exit;
use crate::cli::live::{Failure, News, Stop};
use crate::cli::print::{exit_of_view, has_done_nothing, took};
use crate::domain::application::AppKey;
use crate::domain::live::{Outcome, RequestState, RequestUpdate};
use crate::domain::request::{Controller, Refusal, Request};
use crate::domain::text::duration;
use crate::domain::timeline::{OperationStatus, OperationView};

/// How often times move on, on a terminal.
const TICK: Duration = Duration::from_millis(500);
/// How long the end of what was aborted is waited for.
const ABORTED: Duration = Duration::from_secs(120);
impl Act<'_> {
    /// Follows every operation that was asked for to its end, or until the time is over.
    pub(super) async fn follow(&mut self, follow: &FollowArgs) -> Result<(), Stop> {
        let open: Vec<AppKey> = self.jobs.iter().filter(|job| job.is_open()).map(|job| job.key.clone()).collect();
        for key in &open {
            self.session.live.open(key);
        }
        self.session.limit(follow.timeout);
        let mut told = HashMap::new();
        match self.until_over(&mut told).await {
            Err(Stop::TimedOut) => {}
            Err(Stop::Interrupted) => return Err(self.interrupted()),
            ended => return ended,
        }
        let after = duration(i64::try_from(follow.timeout.unwrap_or_default().as_secs()).unwrap_or(i64::MAX));
        if !follow.abort_on_timeout {
            let hints = self.session.hints.clone();
            return Ok(self.end_all(|job| {
                let abort = hints.about("abort", &job.key);
                let words = match told.get(&job.key).map(Told::waits).filter(|waits| !waits.is_empty()) {
                    Some(waits) => {
                        let approve = approve(job, &hints);
                        format!(
                            "not over after {after}; it {waits}: {approve} gives it, and {abort} ends the operation"
                        )
                    }
                    None => format!("not over after {after}; it goes on, and {abort} ends it"),
                };
                Ended::new(Exit::TimedOut, words)
            })?);
        }
        self.printer.note(&format!("boathook: not over after {after}: aborting"));
        for job in self.jobs.iter_mut().filter(|job| job.is_open()) {
            job.lateness = Lateness::ToAbort;
        }
        self.session.limit(Some(ABORTED));
        match self.until_over(&mut told).await {
            Err(Stop::TimedOut) => Ok(self.end_all(|job| {
                let but = if job.lateness == Lateness::ToAbort {
                    "it has not begun, so that it could not be aborted"
                } else {
                    "its end was asked for, but it has not ended"
                };
                Ended::new(Exit::TimedOut, format!("not over after {after}, and {but}"))
            })?),
            Err(Stop::Interrupted) => Err(self.interrupted()),
            ended => ended,
        }
    }

    async fn until_over(&mut self, told: &mut HashMap<AppKey, Told>) -> Result<(), Stop> {
        let moves = self.answer.output.is_text() && self.printer.context.can_redraw();
        self.session.tick_every(moves.then_some(TICK));
        let places: HashMap<AppKey, usize> =
            self.jobs.iter().enumerate().map(|(index, job)| (job.key.clone(), index)).collect();
        let mut changed: BTreeSet<usize> = self.open().collect();
        loop {
            for index in std::mem::take(&mut changed) {
                self.look(index, told)?;
            }
            self.session.tell_outages(self.printer);
            self.tell_controller();
            if self.abort_begun().await? {
                // What was told while the cluster was asked is in the picture, and nobody has looked at it.
                changed.extend(self.open());
                continue;
            }
            if self.open().next().is_none() {
                break;
            }
            if moves {
                self.draw()?;
            }
            let mut next = Some(self.session.next().await?);
            while let Some(news) = next {
                match news {
                    News::Details(key) | News::App(key) | News::Gone(key) => changed.extend(places.get(&key)),
                    News::Request(RequestUpdate { key, state: RequestState::Ended(outcome), .. }) => {
                        // The only request that is sent while an operation is followed asks for its end.
                        if let Some(index) = places.get(&key) {
                            self.abort_ended(*index, &outcome).await?;
                            changed.extend(self.open());
                        }
                    }
                    _ => {}
                }
                next = self.session.try_next();
            }
        }
        self.session.tick_every(None);
        Ok(())
    }

    /// Says, once, that nobody carries the operations out any more: their end would be waited for in vain.
    fn tell_controller(&mut self) {
        let open = self.jobs.iter().filter(|job| job.is_open());
        let details = &self.session.picture.details;
        let is_alone = |job: &Job| details.get(&job.key).is_some_and(|own| own.controller == Controller::None);
        let alone = open.filter(|job| is_alone(job)).count();
        if alone > 0 && !self.is_alone {
            self.printer.note(&format!("boathook: {}; the operation waits", Refusal::NoController));
        }
        self.is_alone = alone > 0;
    }

    /// Looks at one operation: tells what is new, and whether it is over.
    fn look(&mut self, index: usize, told: &mut HashMap<AppKey, Told>) -> Result<(), Failure> {
        let now = self.session.clock.now();
        let picture = &mut self.session.picture;
        let Some(job) = self.jobs.get_mut(index).filter(|job| job.is_open()) else { return Ok(()) };
        if picture.is_complete && !picture.apps.contains_key(&job.key) {
            return self.end(index, Ended::new(Exit::NotFound, "the application is gone"));
        }
        let details = picture.details(&job.key);
        let Some(application) = details.application.clone() else { return Ok(()) };
        if !job.is_same_application(&application) {
            return self.end(index, Ended::new(Exit::NotFound, "the application was deleted and made anew"));
        }
        let view = details.view(now);
        job.was_seen |= application.operation.is_some();
        match job.whose(&view) {
            Whose::Nobodys => return Ok(()),
            Whose::Own => {}
            Whose::Others => {
                let ended = job.replaced(details, &view, now);
                return self.end(index, ended);
            }
        }
        let (format, printer) = ((&self.answer.output, &self.session.hints), &mut *self.printer);
        told.entry(job.key.clone()).or_default().tell(job, &view, now, format, printer)?;
        if !(view.state.is_over() && application.is_done()) {
            return Ok(());
        }
        let ended = ended(job, &view);
        self.end(index, ended)
    }

    /// Aborts what takes too long, as soon as it is known which operation that is; `false`: there was nothing of that kind.
    async fn abort_begun(&mut self) -> Result<bool, Stop> {
        let has_begun = |job: &Job| job.lateness == Lateness::ToAbort && job.own.is_some();
        let begun: Vec<usize> = self.open().filter(|index| self.jobs.get(*index).is_some_and(has_begun)).collect();
        for index in &begun {
            self.abort(*index).await?;
        }
        Ok(!begun.is_empty())
    }

    /// Asks for the end of an operation, if it is still the one that was asked for. What has changed meanwhile is looked
    /// at anew.
    async fn abort(&mut self, index: usize) -> Result<(), Stop> {
        let Some(job) = self.jobs.get_mut(index).filter(|job| job.is_open()) else { return Ok(()) };
        job.lateness = Lateness::Asked;
        let (key, own, live) = (job.key.clone(), job.own, self.session.live.clone());
        let asked_of = job.preview.as_ref().map(|preview| preview.seen.uid().to_owned());
        let preview = match self.session.meanwhile(live.preview(&key, Request::Abort)).await? {
            Ok(preview) => preview,
            Err(error) => {
                let ended = unpreviewed(&error);
                let message = format!("not over in time, and it could not be aborted: {}", ended.message);
                return Ok(self.end(index, Ended { message, ..ended })?);
            }
        };
        let is_other = preview.seen.started_at() != own || asked_of.is_some_and(|uid| preview.seen.uid() != uid);
        let refusals = &preview.refusals;
        // It is over, or another one is there: nothing is to be aborted, and the next look tells what it came to.
        if is_other || (!refusals.is_empty() && refusals.iter().all(is_over_or_ending)) {
            return Ok(());
        }
        if !refusals.is_empty() {
            let refused = Ended::refused(&preview.refusals);
            return Ok(self.end(index, Ended { message: not_aborted(&refused.message), ..refused })?);
        }
        self.session.live.send(&key, Request::Abort, Some(preview.seen));
        Ok(())
    }

    /// What came of asking for an end.
    async fn abort_ended(&mut self, index: usize, outcome: &Outcome) -> Result<(), Stop> {
        if let Outcome::Changed(_) = outcome {
            return self.abort(index).await;
        }
        if self.jobs.get(index).is_none_or(|job| !job.is_open()) {
            return Ok(());
        }
        match of_outcome(outcome) {
            // It came to its end by itself.
            Some(_) if matches!(outcome, Outcome::Refused(refusals) if refusals.iter().all(is_over_or_ending)) => {}
            Some(refused) => self.end(index, Ended { message: not_aborted(&refused.message), ..refused })?,
            None => {
                if let Some(job) = self.jobs.get_mut(index) {
                    job.lateness = Lateness::Aborted;
                }
            }
        }
        Ok(())
    }

    fn draw(&mut self) -> Result<(), Failure> {
        let now = self.session.clock.now();
        let mut progress = Progress::default();
        for job in self.jobs.iter_mut().filter(|job| job.is_open()) {
            let view = self.session.picture.details(&job.key).view(now);
            if job.whose(&view) == Whose::Own {
                progress.add(job, &view, self.printer);
            }
        }
        progress.draw(self.printer)
    }
}

/// There is nothing to end any more.
fn is_over_or_ending(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Nothing(_))
}

fn not_aborted(reason: &str) -> String {
    format!("not over in time, and it goes on: it cannot be aborted: {reason}")
}

/// What an operation that is over has come to.
pub(super) fn ended(job: &Job, view: &OperationView) -> Ended {
    let message = &view.message;
    let time = took(view.elapsed);
    let exit = exit_of_view(view);
    if job.lateness == Lateness::Aborted {
        let what = if view.state == OperationStatus::Succeeded { "ended" } else { "was aborted" };
        return Ended::new(Exit::TimedOut, format!("was not over in time, and {what}: {message}")).of(view);
    }
    if job.request == Request::Abort {
        // It may have come to its own end before.
        return Ended::new(Exit::Success, format!("over{time}: {message}")).of(view);
    }
    let word = match exit {
        Exit::Success if view.is_dry_run() => "dry run succeeded, and nothing was changed",
        Exit::Success => "succeeded",
        Exit::Aborted => "aborted",
        _ => "failed",
    };
    let bad: Vec<String> = view
        .tasks()
        .filter(|task| task.state.is_bad() && !has_done_nothing(view))
        .map(|task| format!("{} {}/{}", task.key.phase, task.key.object.kind, task.key.object.name))
        .collect();
    let failed = if bad.is_empty() { String::new() } else { format!(" ({})", bad.join(", ")) };
    Ended::new(exit, format!("{word}{time}: {message}{failed}")).of(view)
}
