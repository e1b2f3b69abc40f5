//! Logs of hooks.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use super::run::Act;
use crate::cli::live::{Failure, Session, Stop};
use crate::cli::print::{Document, EventDocument, Printer, Tone, print_one};
use crate::domain::application::AppKey;
use crate::domain::live::{LogFilter, LogLine, LogMessage, LogSource, SourceEnd};
use crate::domain::text::{lines, one_line};
use crate::domain::timeline::TaskKey;

/// Characters of a line of log on a terminal.
const LONGEST: usize = 16_000;
/// So many hooks' logs are shown; of a fleet that fails at once the first say enough.
const MOST: usize = 20;

impl Act<'_> {
    /// Shows the ends of the logs of the hooks that failed.
    pub(super) async fn failed_logs(&mut self, count: usize) -> Result<(), Stop> {
        let failed: Vec<(AppKey, String, Option<Timestamp>, TaskKey)> = self
            .jobs
            .iter()
            .filter_map(|job| Some((job, job.ended.as_ref()?)))
            .flat_map(|(job, ended)| {
                let hooks = ended.failed_hooks.iter();
                hooks.map(move |hook| (job.key.clone(), job.name.clone(), ended.started_at, hook.clone()))
            })
            .collect();
        for (key, name, started, hook) in failed.iter().take(MOST) {
            let filter = LogFilter {
                phase: Some(hook.phase),
                kind: hook.object.kind.clone(),
                hook: hook.object.name.clone(),
                operation: *started,
                ..LogFilter::default()
            };
            let what = one_line(&format!("{name} {} {}/{}", hook.phase, hook.object.kind, hook.object.name), 500);
            let logs = read_log(self.session, key, filter, count).await?;
            self.show_log(key, hook, &what, logs)?;
        }
        if failed.len() > MOST {
            self.printer
                .note(&format!("boathook: {} more hooks failed; boathook logs APP shows theirs", failed.len() - MOST));
        }
        Ok(())
    }

    fn show_log(&mut self, key: &AppKey, hook: &TaskKey, what: &str, read: Logs) -> Result<(), Failure> {
        let Logs { logs, problem } = read;
        let format = &self.answer.output;
        let now = self.session.clock.now();
        if let Some(reason) = &problem {
            self.printer.note(&format!("boathook: the log of {what} cannot be read: {}", one_line(reason, 500)));
        } else if !format.tells_failures() && logs.iter().all(|log| log.lines.is_empty()) {
            self.printer.note(&format!("boathook: {what} has left no log"));
        }
        let mut printer = LogPrinter { printer: self.printer, is_aside: !format.is_text() };
        for log in logs {
            if !format.tells_failures() {
                printer.heading(what, &log)?;
            }
            for line in &log.lines {
                if !format.tells_failures() {
                    printer.line(line)?;
                }
                if format.is_text() {
                    continue;
                }
                let event = EventDocument::new(key, line.time.unwrap_or(now), "Log")
                    .change(format!("{}/{}", hook.object.kind, hook.object.name), "", "")
                    .task(hook.phase.as_str(), true)
                    .source(&log.source)
                    .message(&whole(line));
                print_one(printer.printer, format, &Document::new(&event), None)?;
            }
        }
        Ok(())
    }
}

/// The log of one container, or its end.
#[derive(Debug)]
struct Log {
    source: LogSource,
    lines: VecDeque<LogLine>,
    /// Lines before these that are not shown.
    left_out: usize,
    end: Option<SourceEnd>,
}

/// What there is of the logs that were asked for.
#[derive(Debug)]
struct Logs {
    logs: Vec<Log>,
    /// Why there may be more.
    problem: Option<String>,
}

/// Reads the logs that match, of each at most its last lines.
async fn read_log(session: &mut Session, key: &AppKey, filter: LogFilter, count: usize) -> Result<Logs, Stop> {
    let mut stream = session.live.logs(key, filter);
    session.limit(None);
    session
        .meanwhile(async move {
            let mut logs: BTreeMap<u32, Log> = BTreeMap::new();
            let mut problem = None;
            while let Some(message) = stream.recv().await {
                match message {
                    LogMessage::Source(source) => {
                        logs.insert(source.id, Log { source, lines: VecDeque::new(), left_out: 0, end: None });
                    }
                    LogMessage::Lines(lines) => {
                        for line in lines {
                            let Some(log) = logs.get_mut(&line.source) else { continue };
                            log.lines.push_back(line);
                            if log.lines.len() > count {
                                log.lines.pop_front();
                                log.left_out += 1;
                            }
                        }
                    }
                    LogMessage::Ended { source, end } => {
                        if let Some(log) = logs.get_mut(&source) {
                            log.end = Some(end);
                        }
                    }
                    LogMessage::Problem(reason) => problem = Some(reason),
                    LogMessage::CaughtUp | LogMessage::NotBegun => {}
                }
            }
            Logs { logs: logs.into_values().collect(), problem }
        })
        .await
}

/// Prints logs as text.
struct LogPrinter<'a> {
    printer: &'a mut Printer,
    /// Onto standard error: standard output is for a program that reads something else there.
    is_aside: bool,
}

impl LogPrinter<'_> {
    fn heading(&mut self, what: &str, log: &Log) -> Result<(), Failure> {
        let source = &log.source;
        let place = one_line(&format!("pod {}, container {}", source.pod, source.container), 500);
        let cut = if log.left_out > 0 { format!(", the last {} lines", log.lines.len()) } else { String::new() };
        let lost = match &log.end {
            Some(SourceEnd::Lost(reason)) => format!(", not complete: {}", one_line(reason, 200)),
            _ => String::new(),
        };
        let line = format!("--- log of {what} ({place}{cut}{lost})");
        let line = if self.is_aside { line } else { self.printer.tone(Tone::Strong, &line) };
        self.put(&line)
    }

    fn line(&mut self, line: &LogLine) -> Result<(), Failure> {
        let text = text(line, self.printer);
        self.put(&text)
    }

    fn put(&mut self, line: &str) -> Result<(), Failure> {
        if self.is_aside {
            self.printer.note(line);
            return Ok(());
        }
        self.printer.line(line)
    }
}

/// A line of log, made safe to show. On a terminal a very long one is cut, and says so.
pub(in crate::cli) fn text(line: &LogLine, printer: &Printer) -> String {
    let whole = lines(&whole(line), usize::MAX);
    let mut text = match whole.char_indices().nth(LONGEST).filter(|_| printer.context.is_terminal) {
        Some((end, _)) => {
            format!("{} [cut; with -o json, or into a file, the line is whole]", whole.get(..end).unwrap_or_default())
        }
        None => whole,
    };
    if line.truncated {
        text.push_str(" [the line was longer than what is kept of one]");
    }
    text
}

/// A line of log as it was written, however long it is; what is no text in it is told by the sign for that.
pub(in crate::cli) fn whole(line: &LogLine) -> String {
    String::from_utf8_lossy(&line.text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Context;
    use crate::cli::paint::Paint;

    #[test]
    fn a_long_line_is_cut_on_a_terminal_only_and_says_so() {
        let line = |length: usize, truncated: bool| LogLine {
            source: 0,
            time: None,
            text: "x".repeat(length).into_bytes().into(),
            truncated,
        };
        let on = |columns: Option<u16>| Printer::new(Context::new(columns), Paint { is_on: false });
        let long = LONGEST + 1;
        let cut = format!("{} [cut; with -o json, or into a file, the line is whole]", "x".repeat(LONGEST));
        let lost = format!("{} [the line was longer than what is kept of one]", "x".repeat(long));
        for (columns, line, expected) in [
            (None, line(long, false), "x".repeat(long)),
            (None, line(long, true), lost),
            (Some(80), line(LONGEST, false), "x".repeat(LONGEST)),
            (Some(80), line(long, false), cut),
        ] {
            assert_eq!(text(&line, &on(columns)), expected);
        }
    }
}
