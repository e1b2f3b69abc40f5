//! The lines of a log as they came, and what of them is looked at.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use super::page::shows;
use crate::domain::live::{LogFilter, LogLine, LogMessage, LogSource, SourceEnd};
use crate::domain::timeline::TaskKey;

/// Lines kept in memory; the oldest go first. All of them are on disk where logs are kept.
const MOST_LINES: usize = 200_000;
/// Bytes kept in memory.
const MOST_BYTES: usize = 64 << 20;

/// A stream of log lines.
#[derive(Debug)]
pub(in crate::tui) struct LogBuffer {
    /// Names the stream; messages of an earlier one are nobody's.
    pub(in crate::tui) stream: u64,
    pub(in crate::tui) task: Option<TaskKey>,
    pub(in crate::tui) filter: LogFilter,
    pub(in crate::tui) sources: Vec<(LogSource, Option<SourceEnd>)>,
    lines: VecDeque<LogLine>,
    bytes: usize,
    /// Lines that were let go: the number of the first that is kept.
    pub(in crate::tui) first: u64,
    caught_up: bool,
    pub(in crate::tui) is_over: bool,
    pub(in crate::tui) problem: Option<String>,
}

impl LogBuffer {
    pub(in crate::tui) fn new(stream: u64, task: Option<TaskKey>, filter: LogFilter) -> Self {
        Self {
            stream,
            task,
            filter,
            sources: Vec::new(),
            lines: VecDeque::new(),
            bytes: 0,
            first: 0,
            caught_up: false,
            is_over: false,
            problem: None,
        }
    }

    pub(in crate::tui) fn take(&mut self, message: LogMessage) {
        match message {
            LogMessage::Source(source) => self.sources.push((source, None)),
            LogMessage::Lines(lines) => {
                for line in lines {
                    self.bytes += line.text.len();
                    self.lines.push_back(line);
                }
                while self.lines.len() > MOST_LINES || self.bytes > MOST_BYTES {
                    let Some(line) = self.lines.pop_front() else { break };
                    self.bytes -= line.text.len();
                    self.first += 1;
                }
            }
            LogMessage::Ended { source, end } => {
                if let Some((_, own)) = self.sources.iter_mut().find(|(known, _)| known.id == source) {
                    *own = Some(end);
                }
            }
            LogMessage::CaughtUp => {
                if !self.caught_up && self.sources.len() > 1 {
                    self.merge();
                }
                self.caught_up = true;
            }
            LogMessage::NotBegun => {
                self.problem = Some("an operation is requested, and nobody has begun it yet".to_owned());
            }
            LogMessage::Problem(problem) => self.problem = Some(problem),
        }
    }

    /// What was kept comes one log after the other: it is put into the order of time. What comes later comes in it.
    fn merge(&mut self) {
        // A line without a time belongs to the one before it.
        let mut last: std::collections::HashMap<u32, Option<Timestamp>> = std::collections::HashMap::new();
        let mut timed: Vec<(Option<Timestamp>, LogLine)> = Vec::with_capacity(self.lines.len());
        for line in self.lines.drain(..) {
            let time = line.time.or_else(|| last.get(&line.source).copied().flatten());
            last.insert(line.source, time);
            timed.push((time, line));
        }
        timed.sort_by_key(|(time, _)| *time);
        self.lines.extend(timed.into_iter().map(|(_, line)| line));
    }

    /// The number after the last line.
    pub(in crate::tui) fn end(&self) -> u64 {
        self.first + self.lines.len() as u64
    }

    pub(in crate::tui) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(in crate::tui) fn get(&self, number: u64) -> Option<&LogLine> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.lines.get(place)
    }

    pub(in crate::tui) fn source(&self, id: u32) -> Option<&LogSource> {
        self.sources.iter().map(|(source, _)| source).find(|source| source.id == id)
    }

    /// Everything, as it came.
    pub(in crate::tui) fn bytes(&self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.bytes + self.lines.len());
        for line in &self.lines {
            if let Some(time) = line.time {
                all.extend_from_slice(time.to_string().as_bytes());
                all.push(b' ');
            }
            all.extend_from_slice(&line.text);
            all.push(b'\n');
        }
        all
    }
}

/// How the log is looked at.
#[derive(Debug, Clone, Default)]
pub(in crate::tui) struct LogLook {
    /// The first line on the screen; `None`: the end is followed.
    pub(in crate::tui) top: Option<u64>,
    /// Where the end was when following stopped.
    pub(in crate::tui) paused_at: u64,
    pub(in crate::tui) wrap: bool,
    pub(in crate::tui) times: bool,
    pub(in crate::tui) search: String,
    /// Only lines that contain it, or, written `!text`, do not.
    pub(in crate::tui) filter: String,
    /// The match that was jumped to.
    pub(in crate::tui) current: Option<u64>,
    pub(in crate::tui) source: Option<u32>,
    pub(in crate::tui) range: Option<Duration>,
}

impl LogLook {
    /// Whether a line is shown.
    pub(in crate::tui) fn shows(&self, line: &LogLine, now: Timestamp) -> bool {
        let in_range = || {
            let Some(range) = self.range else { return true };
            let range = i64::try_from(range.as_secs()).unwrap_or(i64::MAX);
            // A line without a time may be of any.
            line.time.is_none_or(|time| now.as_second().saturating_sub(time.as_second()) <= range)
        };
        self.source.is_none_or(|source| source == line.source)
            && in_range()
            && (self.filter.is_empty() || shows(&self.filter, &String::from_utf8_lossy(&line.text)))
    }

    pub(in crate::tui) fn is_match(&self, line: &LogLine) -> bool {
        !self.search.is_empty() && contains(&line.text, &self.search)
    }

    /// The line `steps` shown lines away from `from`; as far as it goes.
    pub(in crate::tui) fn moved(&self, buffer: &LogBuffer, from: u64, steps: i64, now: Timestamp) -> u64 {
        let (mut at, mut left) =
            (from.clamp(buffer.first, buffer.end().saturating_sub(1).max(buffer.first)), steps.unsigned_abs());
        let mut found = at;
        while left > 0 {
            let next = if steps > 0 { Some(at + 1).filter(|next| *next < buffer.end()) } else { at.checked_sub(1) };
            let Some(next) = next.filter(|next| *next >= buffer.first) else { break };
            at = next;
            if buffer.get(at).is_some_and(|line| self.shows(line, now)) {
                (found, left) = (at, left - 1);
            }
        }
        found
    }

    /// The next shown line that `wanted` likes, round the end.
    pub(in crate::tui) fn find(
        &self,
        buffer: &LogBuffer,
        from: Option<u64>,
        forward: bool,
        now: Timestamp,
        wanted: impl Fn(&LogLine) -> bool,
    ) -> Option<u64> {
        let (first, end) = (buffer.first, buffer.end());
        let is_wanted = |number: &u64| buffer.get(*number).is_some_and(|line| self.shows(line, now) && wanted(line));
        if forward {
            let from = from.map_or(first, |from| from + 1).clamp(first, end);
            (from..end).chain(first..from).find(is_wanted)
        } else {
            let from = from.unwrap_or(end).clamp(first, end);
            (first..from).rev().chain((from..end).rev()).find(is_wanted)
        }
    }
}

/// Whether a text contains another: case counts only where the wanted text has capitals.
pub(in crate::tui) fn contains(text: &[u8], wanted: &str) -> bool {
    let text = String::from_utf8_lossy(text);
    if wanted.chars().any(char::is_uppercase) { text.contains(wanted) } else { text.to_lowercase().contains(wanted) }
}

/// Whether a line looks like an error.
pub(in crate::tui) fn is_error(line: &LogLine) -> bool {
    let text = String::from_utf8_lossy(&line.text).to_lowercase();
    ["error", "fatal", "panic", "exception", "traceback", "failed", "killed"].iter().any(|word| text.contains(word))
}
