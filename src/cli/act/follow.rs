//! Operations to their end.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::job::{Ended, Job};
use super::progress::Progress;
use super::run::{Act, of_outcome};
use super::told::Told;
use crate::cli::args::FollowArgs;
use crate::cli::exit::Exit;
use crate::cli::live::{Failure, News, Stop};
use crate::cli::print::exit_of_view;
use crate::domain::application::AppKey;
use crate::domain::live::{RequestState, RequestUpdate};
use crate::domain::request::{Controller, Refusal, Request};
use crate::domain::text::{duration, one_line};
use crate::domain::timeline::{OperationStatus, OperationView};

/// How often times move on, on a terminal.
const TICK: Duration = Duration::from_millis(500);
/// How long the end of what was aborted is waited for.
const ABORTED: Duration = Duration::from_secs(120);
/// Characters of a message.
const LONGEST: usize = 500;

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
            return Ok(self.end_all(|job| {
                let words = format!("not over after {after}; it goes on, and boathook abort {} ends it", job.name);
                Ended::new(Exit::TimedOut, words)
            })?);
        }
        let late: Vec<usize> = self.open().collect();
        self.printer.note(&format!("boathook: not over after {after}: aborting"));
        for index in late {
            let Some(job) = self.jobs.get(index) else { continue };
            self.session.live.send(&job.key, Request::Abort, None);
        }
        self.session.limit(Some(ABORTED));
        match self.until_over(&mut told).await {
            Err(Stop::TimedOut) => {
                let words = format!("not over after {after}, and its end was asked for, but it has not ended");
                Ok(self.end_all(|_| Ended::new(Exit::TimedOut, words.clone()))?)
            }
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
            self.tell_controller();
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
                    News::Interrupted(error) => {
                        let error = one_line(&error, LONGEST);
                        self.printer.note(&format!("boathook: what is told is not what is any more: {error}"));
                    }
                    News::Request(RequestUpdate { key, name, state: RequestState::Ended(outcome), .. }) => {
                        if let Some(ended) = of_outcome(&outcome) {
                            let name = format!("{name} {}", self.session.picture.name(&key));
                            self.printer.note(&format!("boathook: {name}: {}", ended.message));
                        } else if let Some(job) = places.get(&key).and_then(|index| self.jobs.get_mut(*index)) {
                            // The only request that is sent while an operation is followed asks for its end.
                            job.late = true;
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
        let view = details.view(now);
        job.was_seen |= application.operation.is_some();
        if !job.is_own(&view) {
            return Ok(());
        }
        let (format, printer) = (&self.answer.output, &mut *self.printer);
        told.entry(job.key.clone()).or_default().tell(job, &view, now, format, printer)?;
        if !(view.state.is_over() && application.is_done()) {
            return Ok(());
        }
        let ended = ended(job, &view);
        self.end(index, ended)
    }

    fn draw(&mut self) -> Result<(), Failure> {
        let now = self.session.clock.now();
        let mut progress = Progress::default();
        for job in self.jobs.iter().filter(|job| job.is_open()) {
            let view = self.session.picture.details(&job.key).view(now);
            if job.is_own(&view) {
                progress.add(job, &view, self.printer);
            }
        }
        progress.draw(self.printer)
    }
}

impl Job {
    /// Whether the operation is the one that was asked for, and not the one before it. An abort is about the one that
    /// was there.
    fn is_own(&self, view: &OperationView) -> bool {
        match view.started_at {
            None => view.state == OperationStatus::Requested,
            Some(_) if self.request == Request::Abort => true,
            Some(started) => Some(started) != self.before || self.was_seen,
        }
    }
}

/// What an operation that is over has come to.
fn ended(job: &Job, view: &OperationView) -> Ended {
    let message = one_line(&view.message, LONGEST);
    let time = view.elapsed.map(|elapsed| format!(" in {elapsed}")).unwrap_or_default();
    let exit = exit_of_view(view);
    if job.late {
        let what = if view.state == OperationStatus::Succeeded { "ended" } else { "was aborted" };
        return Ended::new(Exit::TimedOut, format!("was not over in time, and {what}: {message}")).of(view);
    }
    if job.request == Request::Abort {
        // It may have come to its own end before.
        return Ended::new(Exit::Success, format!("over{time}: {message}")).of(view);
    }
    let word = match exit {
        Exit::Success => "succeeded",
        Exit::Aborted => "aborted",
        _ => "failed",
    };
    let bad: Vec<String> = view
        .tasks()
        .filter(|task| task.state.is_bad())
        .map(|task| one_line(&format!("{} {}/{}", task.key.phase, task.key.object.kind, task.key.object.name), 300))
        .collect();
    let failed = if bad.is_empty() { String::new() } else { format!(" ({})", bad.join(", ")) };
    Ended::new(exit, format!("{word}{time}: {message}{failed}")).of(view)
}
