//! From what is asked for to what came of it.

use std::fmt::Write as _;
use std::time::Duration;

use futures::future::join_all;

use super::ask::Asked;
use super::job::{Ended, Job};
use crate::cli::args::{AnswerArgs, FollowArgs};
use crate::cli::exit::Exit;
use crate::cli::live::{Failure, Known, News, Session, Stop, full_name};
use crate::cli::print::{Document, Printer, ResultDocument, Tally, Tone, print_one, print_tally};
use crate::domain::live::{Outcome, Preview, PreviewError, RequestState, RequestUpdate};
use crate::domain::request::{Changed, Refusal, Request, Seen};
use crate::domain::text::{duration, one_line};

/// Characters of what became of one, for people.
const LONGEST: usize = 800;
/// Requests are previewed so many at a time.
const AT_ONCE: usize = 32;
/// How often a request is asked for again after the application has changed in a way that does not matter.
const AGAIN: usize = 5;
/// How long the answer to a request may take: longer than anything that it may wait for.
const ANSWER: Duration = Duration::from_secs(300);
/// How long it may take after an interrupt; whoever interrupts once more does not wait.
const LAST_ANSWERS: Duration = Duration::from_secs(20);
/// How long the begin of an operation is waited for that is to be aborted: a controller that is at work needs moments.
const BEGIN: Duration = Duration::from_secs(60);
/// How often it is looked whether that is over.
const TICK: Duration = Duration::from_secs(1);

/// What is asked for, of all its applications.
pub(in crate::cli) struct Act<'a> {
    /// The name of the command.
    pub command: &'static str,
    pub session: &'a mut Session,
    pub printer: &'a mut Printer,
    pub answer: &'a AnswerArgs,
    /// A person is at a terminal, and is asked.
    pub can_ask: bool,
    pub jobs: Vec<Job>,
    pub tally: Tally,
    /// It was said that no controller is at work.
    pub is_alone: bool,
    /// Until when the begin of operations is waited for that are to be aborted, in the clock's monotonic time.
    pub begin: Option<Duration>,
}

impl Act<'_> {
    /// Asks, sends, follows if that is wanted, and says what came of it.
    pub(in crate::cli) async fn carry_out(mut self, follow: Option<&FollowArgs>) -> Result<Exit, Stop> {
        if !self.preview(follow.and_then(|follow| follow.timeout)).await? {
            return self.finish(follow).await;
        }
        self.send().await?;
        match follow.filter(|follow| follow.wait) {
            Some(follow) => self.follow(follow).await?,
            None => self.end_all(|job| Ended::new(Exit::Success, said(&job.request)))?,
        }
        self.finish(follow).await
    }

    /// Says what each would write, and stops: nothing is sent.
    pub(in crate::cli) async fn show_only(mut self) -> Result<Exit, Stop> {
        self.ask_each(None).await?;
        self.end_all(|job| {
            let write = job.preview.as_ref().and_then(|preview| preview.write.as_ref().ok());
            let says = write.map(|write| write.says.join("; ")).unwrap_or_default();
            let ended = Ended::new(Exit::Success, format!("dry run: {}: {says}", job.request.name()));
            Ended { is_dry_run: true, ..ended }
        })?;
        self.conclude()
    }

    /// Asks what each would write, then the person; `false`: nothing is to be sent.
    /// `timeout`: how long the person wants to wait at most.
    pub(in crate::cli) async fn preview(&mut self, timeout: Option<Duration>) -> Result<bool, Stop> {
        self.ask_each(timeout).await?;
        if self.open().next().is_none() {
            return Ok(false);
        }
        if self.answer.yes || !self.can_ask {
            return Ok(true);
        }
        let Some(asked) = Asked::find() else {
            let words = "not sent: there is a terminal, but nobody can be asked on it; with -y nobody is asked";
            self.end_all(|_| Ended::new(Exit::Refused, words))?;
            return Ok(false);
        };
        if self.confirm(asked).await? {
            return Ok(true);
        }
        self.end_all(|_| Ended::new(Exit::Refused, "not sent: the answer was no"))?;
        Ok(false)
    }

    /// Asks what each would write; of what would be refused, that is the end.
    async fn ask_each(&mut self, timeout: Option<Duration>) -> Result<(), Stop> {
        let live = self.session.live.clone();
        let open: Vec<usize> = self.open().collect();
        for some in open.chunks(AT_ONCE) {
            let asked = some.iter().filter_map(|index| self.jobs.get(*index)).map(|job| {
                let (key, request) = (job.key.clone(), job.request.clone());
                let live = live.clone();
                async move { live.preview(&key, request).await }
            });
            let answers = self.session.meanwhile(join_all(asked.collect::<Vec<_>>())).await?;
            for (index, answer) in some.iter().zip(answers) {
                let answer = if is_not_begun(&answer) { self.begun(*index, timeout).await? } else { answer };
                match timeout.filter(|timeout| *timeout < BEGIN && is_not_begun(&answer)) {
                    Some(timeout) => self.end(*index, not_begun_after(timeout))?,
                    None => self.previewed(*index, answer)?,
                }
            }
        }
        Ok(())
    }

    /// What an abort would write once its operation has begun. Whoever aborts what was requested a moment ago means that.
    async fn begun(&mut self, index: usize, timeout: Option<Duration>) -> Result<Result<Preview, PreviewError>, Stop> {
        let Some(job) = self.jobs.get(index) else { return Ok(Err(PreviewError::Ended)) };
        let (key, request, live) = (job.key.clone(), job.request.clone(), self.session.live.clone());
        self.printer.note(&format!("boathook: {}: {}; its begin is waited for", job.name, Refusal::NotBegun));
        let limit = timeout.map_or(BEGIN, |timeout| timeout.min(BEGIN));
        let until = *self.begin.get_or_insert_with(|| self.session.clock.monotonic().saturating_add(limit));
        self.session.tick_every(Some(TICK));
        loop {
            let answer = self.session.meanwhile(live.preview(&key, request.clone())).await?;
            if !is_not_begun(&answer) || self.session.clock.monotonic() >= until {
                self.session.tick_every(None);
                return Ok(answer);
            }
            while !matches!(self.session.next().await?, News::Tick | News::App(_)) {}
        }
    }

    fn previewed(&mut self, index: usize, answer: Result<Preview, PreviewError>) -> Result<(), Failure> {
        let ended = match &answer {
            Err(error) => Some(unpreviewed(error)),
            Ok(preview) if !preview.refusals.is_empty() => Some(Ended::refused(&preview.refusals)),
            Ok(preview) => preview.write.as_ref().err().map(|reason| Ended::new(Exit::Refused, reason.clone())),
        };
        let Some(job) = self.jobs.get_mut(index) else { return Ok(()) };
        let warnings = answer.as_ref().ok().filter(|_| ended.is_none()).map(|preview| preview.warnings.as_slice());
        for warning in warnings.unwrap_or_default() {
            self.printer.note(&format!("boathook: {}: {}", job.name, one_line(warning, 400)));
        }
        job.preview = answer.ok();
        match ended {
            Some(ended) => self.end(index, ended),
            None => Ok(()),
        }
    }

    /// Which jobs go on.
    pub(super) fn open(&self) -> impl Iterator<Item = usize> {
        self.jobs.iter().enumerate().filter(|(_, job)| job.is_open()).map(|(index, _)| index)
    }

    /// What will be written, in words, a line each.
    fn says(&self) -> String {
        let mut lines = String::new();
        for job in self.open().filter_map(|index| self.jobs.get(index)) {
            let Some(Ok(write)) = job.preview.as_ref().map(|preview| &preview.write) else { continue };
            let name = self.printer.tone(Tone::Strong, &job.name);
            let _ = writeln!(lines, "{} {name}: {}", job.request.name(), write.says.join("; "));
        }
        lines
    }

    /// Shows what will be written, where the person is asked: it is no result.
    async fn confirm(&mut self, mut asked: Asked) -> Result<bool, Stop> {
        let count = self.open().count();
        let what = self.open().next().and_then(|index| self.jobs.get(index));
        let what = what.map_or(self.command, |job| job.request.name());
        let question = match (count, self.open().next().and_then(|index| self.jobs.get(index))) {
            (1, Some(job)) => format!("{what} {}? [y/N] ", job.name),
            _ => format!("{what} {count} applications? [y/N] "),
        };
        asked.show(&format!("{}{question}", self.says()));
        // A read of the terminal cannot be taken back: on an interrupt its thread ends with the process.
        let answer = tokio::task::spawn_blocking(|| asked.answer());
        let answer = self.session.meanwhile(answer).await?;
        let line = answer.ok().and_then(Result::ok).unwrap_or_default();
        Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Sends every request, and waits until each was taken or refused.
    pub(in crate::cli) async fn send(&mut self) -> Result<(), Stop> {
        let open: Vec<usize> = self.open().collect();
        for index in open {
            self.send_one(index);
        }
        let mut again: Vec<usize> = Vec::new();
        let until = self.session.clock.monotonic().saturating_add(ANSWER);
        // So that it is noticed even if nothing is told any more.
        self.session.tick_every(Some(TICK));
        while self.jobs.iter().any(|job| job.is_open() && job.sent.is_some()) {
            if self.session.clock.monotonic() >= until {
                return Err(Failure::new(Exit::Internal, "a request was sent, and nothing came back").into());
            }
            let news = match self.session.next().await {
                // What was sent cannot be taken back: its outcome is waited for, and then told.
                Err(Stop::Interrupted) => return Err(self.interrupted_while_sending().await),
                news => news?,
            };
            let Some((index, outcome)) = self.answered(&news) else { continue };
            if let Outcome::Changed(changed) = &outcome {
                again.push(index);
                let times = again.iter().filter(|own| **own == index).count();
                match self.changed(index, changed.clone(), times).await {
                    Err(Stop::Interrupted) => {
                        self.end(index, Ended::changed(changed, None))?;
                        return Err(self.interrupted_while_sending().await);
                    }
                    told => told?,
                }
                continue;
            }
            if let Some(ended) = of_outcome(&outcome) {
                self.end(index, ended)?;
            }
        }
        self.session.tick_every(None);
        Ok(())
    }

    /// Whether news is the outcome of a request, and of which job.
    fn answered(&mut self, news: &News) -> Option<(usize, Outcome)> {
        let News::Request(RequestUpdate { id, state: RequestState::Ended(outcome), version, .. }) = news else {
            return None;
        };
        let index = self.jobs.iter().position(|job| job.sent == Some(*id))?;
        let job = self.jobs.get_mut(index)?;
        job.sent = None;
        job.version.clone_from(version);
        Some((index, outcome.clone()))
    }

    /// Somebody interrupted before every request had its answer: what was taken goes on, what was refused does not, and
    /// which of them is said only when it is known.
    async fn interrupted_while_sending(&mut self) -> Stop {
        self.session.tick_every(None);
        self.session.limit(Some(LAST_ANSWERS));
        if self.jobs.iter().any(|job| job.is_open() && job.sent.is_some()) {
            self.printer.note("boathook: interrupted; the answer to what was sent is waited for");
        }
        while self.jobs.iter().any(|job| job.is_open() && job.sent.is_some()) {
            // The end of the time, or somebody who interrupts once more.
            let Ok(news) = self.session.next().await else { break };
            let Some((index, outcome)) = self.answered(&news) else { continue };
            if let Some(ended) = of_outcome(&outcome)
                && let Err(failure) = self.end(index, ended)
            {
                return failure.into();
            }
        }
        self.interrupted()
    }

    fn send_one(&mut self, index: usize) {
        let Some(job) = self.jobs.get_mut(index) else { return };
        let seen = job.preview.as_ref().map(|preview| preview.seen.clone());
        job.before = seen.as_ref().and_then(Seen::started_at);
        job.sent = Some(self.session.live.send(&job.key, job.request.clone(), seen));
    }

    /// The application is not what it was. If only the target has moved, and what is asked for is a commit, that does not
    /// matter; else the person decides anew.
    async fn changed(&mut self, index: usize, changed: Vec<Changed>, times: usize) -> Result<(), Stop> {
        let Some(job) = self.jobs.get(index) else { return Ok(()) };
        let (key, request, live) = (job.key.clone(), job.request.clone(), self.session.live.clone());
        let answer = self.session.meanwhile(live.preview(&key, request.clone())).await?;
        self.previewed(index, answer)?;
        if self.jobs.get(index).is_none_or(|job| !job.is_open()) {
            return Ok(());
        }
        // Whoever aborts wants the operation to end that runs, however far it has come.
        let is_pinned =
            !matches!(&request, Request::Sync(order) if order.revision.is_empty() && order.revisions.is_empty());
        let harmless = |changed: &Changed| {
            (*changed == Changed::Revision && is_pinned)
                || (matches!(request, Request::Refresh { .. }) && *changed != Changed::Identity)
                || (request == Request::Abort && *changed == Changed::Phase)
        };
        if times <= AGAIN && changed.iter().all(harmless) {
            self.send_one(index);
            return Ok(());
        }
        let summary = self.session.picture.apps.get(&key).and_then(Known::summary);
        let operation = summary.and_then(|summary| summary.operation.as_deref());
        let who = operation.map(|own| if own.automated { "automated sync" } else { &own.username });
        Ok(self.end(index, Ended::changed(&changed, who.filter(|who| !who.is_empty())))?)
    }

    /// Says what became of one.
    pub(in crate::cli) fn end(&mut self, index: usize, ended: Ended) -> Result<(), Failure> {
        let Some(job) = self.jobs.get_mut(index) else { return Ok(()) };
        self.tally.add(ended.exit);
        job.ended = Some(ended.clone());
        let format = &self.answer.output;
        let line = format!("{}: {}", job.name, one_line(&ended.message, LONGEST));
        if ended.exit != Exit::Success && !format.tells_failures() {
            self.printer.note(&format!("boathook: {line}"));
        }
        if format.is_text() {
            return if ended.exit == Exit::Success { self.printer.line(&line) } else { Ok(()) };
        }
        let failed = ended.failed.iter().map(|task| format!("{}/{}", task.object.kind, task.object.name)).collect();
        let document = ResultDocument::new(self.command, &job.key, ended.exit, &ended.message).operation(
            ended.revisions,
            ended.started_at,
            ended.finished_at,
            failed,
        );
        let document = document.dry_run(ended.is_dry_run);
        let name = format!("{}/{}", job.key.namespace, job.key.name);
        let name = Some(name.as_str()).filter(|_| ended.exit == Exit::Success);
        print_one(self.printer, format, &Document::new(&document), name)
    }

    pub(in crate::cli) fn end_all(&mut self, ended: impl Fn(&Job) -> Ended) -> Result<(), Failure> {
        let open: Vec<usize> = self.open().collect();
        for index in open {
            let Some(job) = self.jobs.get(index) else { continue };
            let ended = ended(job);
            self.end(index, ended)?;
        }
        Ok(())
    }

    /// The logs of what failed, and the sum of all.
    async fn finish(mut self, follow: Option<&FollowArgs>) -> Result<Exit, Stop> {
        if let Some(follow) = follow.filter(|follow| follow.wait && follow.log_lines > 0) {
            self.failed_logs(follow.log_lines).await?;
        }
        self.conclude()
    }

    /// The sum of all.
    pub(in crate::cli) fn conclude(self) -> Result<Exit, Stop> {
        if self.jobs.len() > 1 {
            print_tally(self.printer, &self.answer.output, self.command, &self.tally)?;
        }
        Ok(self.tally.exit())
    }

    /// Somebody interrupted after something was sent.
    pub(super) fn interrupted(&self) -> Stop {
        let starts = |job: &&Job| job.is_open() && job.request.starts_operation();
        let open: Vec<&Job> = self.jobs.iter().filter(starts).collect();
        let (unknown, taken): (Vec<&Job>, Vec<&Job>) = open.iter().copied().partition(|job| job.sent.is_some());
        let Some(first) = open.first() else { return Stop::Interrupted };
        let line = match (taken.len(), unknown.len()) {
            (1, 0) => format!("interrupted; the operation of {} goes on", first.name),
            (count, 0) => format!("interrupted; the operations of {count} applications go on"),
            (0, 1) => format!("interrupted; it is not known yet whether the request for {} was taken", first.name),
            (0, count) => format!("interrupted; it is not known yet whether {count} requests were taken"),
            (taken, unknown) => format!(
                "interrupted; the operations of {taken} applications go on, and of {unknown} it is not known yet whether \
                 the request was taken"
            ),
        };
        let names = open.iter().map(|job| full_name(&job.key)).take(10).collect::<Vec<_>>().join(" ");
        let more = if open.len() > 10 { " ..." } else { "" };
        let hints = &self.session.hints;
        let failure = Failure::new(Exit::Interrupted, line)
            .advice(format!(
                "{}, to follow what goes on",
                hints.command(&format!("wait {names}{more} --for operation"))
            ))
            .advice(format!("{}, to end it", hints.command(&format!("abort {names}{more}"))));
        Stop::Failed(failure)
    }
}

/// What a request that is not followed has come to, in words.
fn said(request: &Request) -> String {
    match request {
        Request::Sync(order) if order.dry_run => "a sync that changes nothing was asked for".to_owned(),
        request => format!("{} was asked for", request.name()),
    }
}

/// Whether an operation is to be aborted that nobody has begun, and nothing else is in the way.
fn is_not_begun(answer: &Result<Preview, PreviewError>) -> bool {
    matches!(answer, Ok(preview) if preview.refusals == [Refusal::NotBegun])
}

/// What was to be aborted has not begun while there was time.
fn not_begun_after(timeout: Duration) -> Ended {
    let after = duration(i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX));
    Ended::new(Exit::TimedOut, format!("its operation has not begun after {after}, and was not aborted"))
}

/// Why nothing is sent if what it would do cannot be found out.
pub(super) fn unpreviewed(error: &PreviewError) -> Ended {
    match error {
        // Its words name the application, which the line does already.
        PreviewError::NotFound(_) => not_found(),
        PreviewError::Denied(words) => Ended::new(Exit::NoAccess, words.clone()),
        PreviewError::Unreachable(words) => Ended::new(Exit::Unreachable, words.clone()),
        PreviewError::Failed(words) => Ended::new(Exit::Refused, words.clone()),
        PreviewError::Ended => Ended::new(Exit::Internal, error.to_string()),
    }
}

fn not_found() -> Ended {
    Ended::new(Exit::NotFound, "it does not exist")
}

/// What the outcome of a request is, unless it is written.
pub(super) fn of_outcome(outcome: &Outcome) -> Option<Ended> {
    if outcome.is_written() {
        return None;
    }
    Some(match outcome {
        Outcome::Dropped(fields) => {
            let words =
                format!("not all of it is written: the cluster dropped {}, and took the rest", fields.join(", "));
            Ended::new(Exit::Refused, words)
        }
        Outcome::Refused(refusals) => Ended::refused(refusals),
        Outcome::Changed(changed) => Ended::changed(changed, None),
        Outcome::Impossible(reason) => Ended::new(Exit::Refused, reason.clone()),
        Outcome::Failed { error, denied: true, .. } => Ended::new(Exit::NoAccess, error.clone()),
        Outcome::Failed { error, unreachable: true, .. } => Ended::new(Exit::Unreachable, error.clone()),
        Outcome::Failed { error, .. } => Ended::new(Exit::Refused, error.clone()),
        Outcome::Unknown { happened: Some(_), error } => {
            Ended::new(Exit::Unreachable, format!("nothing was written: {error}"))
        }
        Outcome::Unknown { happened: None, error } => {
            let words = format!("it is not known whether it was written, and it is not sent again: {error}");
            Ended::new(Exit::Unreachable, words)
        }
        Outcome::NotFound | Outcome::Written => not_found(),
    })
}
