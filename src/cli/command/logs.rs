//! `logs`.

use std::collections::HashMap;

use jiff::SignedDuration;

use super::kept::{Found, history, one_or_kept, tell_age};
use crate::cli::act::{text, whole};
use crate::cli::args::{Format, LogsArgs};
use crate::cli::exit::Exit;
use crate::cli::live::{Failure, Session, Stop};
use crate::cli::print::{Document, LogLineDocument, Printer, Tone, print_one};
use crate::domain::application::AppKey;
use crate::domain::live::{LogFilter, LogLine, LogMessage, LogSource, SourceEnd};
use crate::domain::text::one_line;

/// What is printed of a stream of logs.
struct Reader<'a> {
    args: &'a LogsArgs,
    key: &'a AppKey,
    printer: &'a mut Printer,
    sources: HashMap<u32, LogSource>,
    /// The log that was printed from last.
    last: Option<u32>,
}

pub(in crate::cli) async fn logs(args: &LogsArgs, session: &mut Session, printer: &mut Printer) -> Result<Exit, Stop> {
    let (key, away) = match one_or_kept(&args.name, session).await? {
        Found::There(key) => (key, None),
        Found::Kept(key, failure) => {
            tell_age(&key, &failure, &history(&key, session).await?, session, printer);
            (key, Some(failure))
        }
    };
    let (kind, hook) = match args.hook.as_deref().map(|hook| hook.split_once('/').unwrap_or(("", hook))) {
        Some((kind, hook)) => (kind.to_owned(), hook.to_owned()),
        None => (String::new(), String::new()),
    };
    let since = args.since.and_then(|since| SignedDuration::try_from(since).ok());
    let filter = LogFilter {
        phase: args.phase,
        kind,
        hook,
        container: args.container.clone().unwrap_or_default(),
        operation: args.operation,
        all_attempts: args.all_attempts,
        since: since.and_then(|since| session.clock.now().checked_sub(since).ok()),
        follow: args.follow && away.is_none(),
        kept: away.is_some(),
    };
    let mut stream = session.live.logs(&key, filter);
    let mut reader = Reader { args, key: &key, printer, sources: HashMap::new(), last: None };
    loop {
        if away.is_none() {
            session.tell_outages(reader.printer);
        }
        match session.unless_news(stream.recv()).await? {
            None => {}
            Some(None) => break,
            Some(Some(message)) => reader.take(message)?,
        }
        if reader.printer.is_closed() {
            return Ok(Exit::Success);
        }
    }
    match away {
        // What was kept is shown, and what was asked for is more.
        Some(_) if args.follow => {
            Err(Failure::new(Exit::Unreachable, "there is nothing to follow while the cluster cannot be reached")
                .into())
        }
        _ if !reader.sources.is_empty() => Ok(Exit::Success),
        _ => Err(nothing(args, &key, session).into()),
    }
}

/// There is no log: which hooks there were.
fn nothing(args: &LogsArgs, key: &AppKey, session: &mut Session) -> Failure {
    let now = session.clock.now();
    let view = session.picture.details(key).view(now);
    let what = args.hook.as_ref().map_or_else(|| "any hook".to_owned(), |hook| format!("a hook {hook}"));
    let line = format!("there is no log of {what} of {}", args.name);
    let mut failure = Failure::new(Exit::NotFound, line);
    for task in view.tasks().filter(|task| task.is_hook) {
        let object = &task.key.object;
        failure = failure.detail(format!("{} hook {}/{} {}", task.key.phase, object.kind, object.name, task.state));
    }
    failure.advice(format!("{}, for earlier operations", session.hints.about("get history", key)))
}

impl Reader<'_> {
    fn take(&mut self, message: LogMessage) -> Result<(), Failure> {
        match message {
            LogMessage::Source(source) => drop(self.sources.insert(source.id, source)),
            LogMessage::Lines(lines) => {
                for line in lines {
                    self.line(&line)?;
                }
            }
            LogMessage::Ended { source, end: SourceEnd::Lost(reason) } => {
                if let Some(source) = self.sources.get(&source) {
                    let pod = one_line(&source.pod, 260);
                    self.printer
                        .note(&format!("boathook: the log of {pod} is not complete: {}", one_line(&reason, 300)));
                }
            }
            LogMessage::NotBegun => {
                let line = "there is no log yet: an operation is requested, and nobody has begun it";
                return Err(Failure::new(Exit::NotFound, line));
            }
            LogMessage::Problem(reason) => {
                return Err(Failure::new(Exit::Internal, format!("the logs cannot be read: {reason}")));
            }
            LogMessage::Ended { .. } | LogMessage::CaughtUp => {}
        }
        Ok(())
    }

    fn line(&mut self, line: &LogLine) -> Result<(), Failure> {
        let Some(source) = self.sources.get(&line.source) else { return Ok(()) };
        if !self.args.output.is_text() {
            let document =
                Document::new(&LogLineDocument::new(self.key, source, line.time, &whole(line), line.truncated));
            return print_one(self.printer, &self.args.output, &document, Some(&source.pod));
        }
        // Which log it is, is no part of it: whoever reads the output gets the lines as they were written.
        if self.last != Some(line.source) && (self.last.is_some() || self.args.hook.is_none()) {
            let operation = source.operation.map_or_else(String::new, |begin| format!(", operation of {begin}"));
            let place = format!(
                "{} {}/{}, pod {}, container {}{operation}, attempt {}",
                source.phase,
                source.kind,
                source.hook,
                source.pod,
                source.container,
                source.attempt.saturating_add(1)
            );
            self.printer.note(&format!("--- {}", one_line(&place, 700)));
        }
        self.last = Some(line.source);
        let time = match line.time.filter(|_| self.args.timestamps || self.args.output == Format::Wide) {
            Some(time) => format!("{} ", self.printer.tone(Tone::Dim, &time.to_string())),
            None => String::new(),
        };
        self.printer.line(&format!("{time}{}", text(line, self.printer)))
    }
}
