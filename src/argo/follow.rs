//! Follows one container's log to its end: reconnects, and writes every line once.
//!
//! When a log is complete: a stream of it came to a clean end, and Kubernetes tells that this very run of the container
//! was over by then. Neither alone is enough. A stream ends cleanly also where the kubelet restarts or a proxy has waited
//! long enough; and that the pod is gone says nothing of its containers: one that is deleted by force is gone while they
//! still write. What was captured of such a one is kept, and told as what it is: perhaps not all.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use super::capture::{SourceId, Whose, is_over, whose};
use super::message::Message;
use super::quota::Quota;
use crate::cluster::{Cluster, ClusterError, Kind, LogLine, LogOptions, LogStream};
use crate::domain::application::AppKey;
use crate::domain::live::{CaptureNotice, ExitRecord, LiveEvent};
use crate::store::{LogWriter, StoreError};

/// Longest line that is written whole. Of a longer one so many bytes are.
pub(super) const LONGEST: usize = 8 << 20;

/// What is said of a log whose pod was gone before anybody saw how its container ended.
const UNSEEN: &str = "the pod was deleted before its end was seen: there may be more than this";

/// How long one waits to be told how a container ended whose pod is gone.
const LAST_WORD: Duration = Duration::from_secs(5);

/// The longest wait before a log is asked for again, and before one is that may not be read.
const OFTEN: Duration = Duration::from_secs(5);
const RARELY: Duration = Duration::from_secs(60);

/// How often writing is tried again: for about a quarter of an hour.
const TRIES: u32 = 20;

/// How far a container's run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RunState {
    Waiting,
    Running,
    Ended {
        exit: ExitRecord,
        at: Option<Timestamp>,
    },
    /// Another run has begun since: the API calls this one `previous`.
    Before {
        exit: Option<ExitRecord>,
    },
    /// The pod was deleted before its end was seen.
    Gone,
}

impl RunState {
    pub(super) fn is_over(&self) -> bool {
        self.is_ended() || matches!(self, Self::Gone)
    }

    /// Whether Kubernetes told that it is over.
    fn is_ended(&self) -> bool {
        matches!(self, Self::Ended { .. } | Self::Before { .. })
    }
}

/// How far a log is, for who waits for it.
#[derive(Debug, Default)]
pub(super) struct Progress {
    caught_up: AtomicBool,
    refused: AtomicBool,
    gone: AtomicBool,
}

impl Progress {
    /// Whether everything that the API can give is written.
    pub(super) fn is_caught_up(&self) -> bool {
        self.caught_up.load(Ordering::Acquire)
    }

    /// Whether it may not be read now. Nobody waits for such a one: that may last.
    pub(super) fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Acquire)
    }

    /// Whether its pod is gone.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Its pod is gone.
    pub(super) fn gone(&self) {
        self.gone.store(true, Ordering::Release);
    }
}

/// Follows one log.
pub(super) struct Follow {
    pub id: SourceId,
    pub key: AppKey,
    pub cluster: Cluster,
    pub writer: LogWriter,
    pub quota: Quota,
    pub state: watch::Receiver<RunState>,
    pub sender: mpsc::Sender<Message>,
    pub changed: Arc<watch::Sender<u64>>,
    pub progress: Arc<Progress>,
    /// Why it may not be read, if it may not.
    pub refused: Option<String>,
}

/// The lines of the last second that were written. The API can only be asked for whole seconds, so after a reconnect
/// they come again.
#[derive(Default)]
pub(super) struct Recent {
    second: i64,
    lines: VecDeque<(String, u64)>,
    /// Of those, what is to come again.
    expected: VecDeque<(String, u64)>,
}

impl Recent {
    /// From where to ask: a second earlier than needed, since there are nodes that compare times as texts, and to them
    /// `:31.5Z` comes before `:31Z`.
    fn since(&self) -> Option<Timestamp> {
        (!self.lines.is_empty()).then(|| Timestamp::from_second(self.second.saturating_sub(1)).ok()).flatten()
    }

    /// A new answer begins.
    fn reconnect(&mut self) {
        self.expected.clone_from(&self.lines);
    }

    /// Whether a line is new.
    fn is_new(&mut self, line: &LogLine) -> bool {
        let Some(time) = line.time else { return false };
        if !self.expected.is_empty() && time.as_second() < self.second {
            // Of the second before: written already.
            return false;
        }
        let entry = (line.stamp.clone(), digest(&line.text));
        if let Some(position) = self.expected.iter().position(|expected| *expected == entry) {
            // What stood before it was rotated away meanwhile; it is written already.
            self.expected.drain(..=position);
            return false;
        }
        self.expected.clear();
        self.note(time, entry);
        true
    }

    fn note(&mut self, time: Timestamp, entry: (String, u64)) {
        let second = time.as_second();
        if second > self.second || self.lines.is_empty() {
            self.second = second;
            self.lines.clear();
        }
        self.lines.push_back(entry);
    }
}

fn digest(text: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Whether the last pass came to a clean end.
enum CleanEnd {
    None,
    /// At this time of the server's; nobody knew yet whether the container had ended.
    At(Timestamp),
    /// The container had ended.
    Over,
}

/// How a pass over the log ended.
enum Pass {
    /// The server ended it; so many lines were new.
    Ended(u64),
    /// The connection broke.
    Broken,
    /// There is nothing yet.
    NotYet,
    /// There is nothing any more.
    Gone(String),
    /// What there is cannot be read any more: the node's own words.
    Lost(String),
    /// It may not be read.
    Denied(String),
}

impl Follow {
    pub(super) async fn run(mut self) {
        let (mut lines, lost) = self.follow_past_failures().await;
        let lost = lost.or_else(|| cut(self.writer.info().cut_lines));
        let state = self.state.borrow().clone();
        let (exit, at) = match state {
            RunState::Ended { exit, at } => (Some(exit), at),
            RunState::Before { exit } => (exit, None),
            _ => (None, None),
        };
        let written = self.writer.end(|info| {
            info.exit = exit.or(info.exit.take());
            info.ended_at = at.or(info.ended_at);
            info.complete = lost.is_none();
            info.lost.clone_from(&lost);
        });
        if written.is_err() {
            lines = 0;
        }
        let info = self.writer.info();
        let (key, source) = (self.key.clone(), format!("{} {}", info.pod, info.container));
        let notice = match lost {
            None => Some(CaptureNotice::Complete { key, source, lines }),
            // It was told when it was refused.
            Some(reason) if self.refused.as_ref() == Some(&reason) => None,
            Some(reason) => Some(CaptureNotice::Lost { key, source, reason }),
        };
        if let Some(notice) = notice {
            let _ = self.sender.send(Message::Tell(Box::new(LiveEvent::Capture(notice)))).await;
        }
        let _ = self.sender.send(Message::Captured { source: self.id }).await;
    }

    /// The same as [`Follow::follow`], also where the disk is full for a while: what could not be written can still be
    /// read.
    async fn follow_past_failures(&mut self) -> (u64, Option<String>) {
        let mut wait = Duration::from_millis(500);
        let mut failed = 0;
        loop {
            let error = match self.follow().await {
                Ok((_, lost)) if failed > 0 => return (self.writer.count().unwrap_or_default(), lost),
                Ok(end) => return end,
                Err(error @ StoreError::Io { .. }) if failed < TRIES => error,
                Err(error) => return (0, Some(error.to_string())),
            };
            if failed == 0 {
                let off = LiveEvent::Capture(CaptureNotice::Off { reason: error.to_string() });
                let _ = self.sender.send(Message::Tell(Box::new(off))).await;
            }
            failed += 1;
            // Nobody should wait for it meanwhile.
            self.progress.caught_up.store(true, Ordering::Release);
            self.changed.send_modify(|count| *count += 1);
            self.cluster.clock().clone().sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(60));
            if let Err(error) = self.writer.reopen() {
                tracing::warn!(%error, "a log cannot be written yet");
            }
        }
    }

    /// Until all of the log is written: the lines, and what is lost.
    async fn follow(&mut self) -> Result<(u64, Option<String>), StoreError> {
        let mut recent = Recent::default();
        if let Some(last) = self.writer.last_time()? {
            let second = Timestamp::from_second(last.as_second()).unwrap_or(last);
            for line in self.writer.tail(second)? {
                if let Some(time) = line.time {
                    recent.note(time, (line.stamp, digest(&line.text)));
                }
            }
        }
        let mut total = 0;
        let mut wait = Duration::from_millis(100);
        let mut clean = CleanEnd::None;
        loop {
            let state = self.state.borrow_and_update().clone();
            let was_over = state.is_over();
            let previous = matches!(state, RunState::Before { .. });
            let pass = self.pass(&mut recent, previous, !was_over, &mut total).await?;
            let news = match pass {
                // What was asked for after the container's end, and came to its end, is all there is.
                Pass::Ended(_) if state.is_ended() => return Ok((total, None)),
                Pass::Ended(lines) => {
                    let at = self.cluster.server_now();
                    self.catch_up()?;
                    clean = if self.is_known_to_be_over().await { CleanEnd::Over } else { CleanEnd::At(at) };
                    lines > 0
                }
                Pass::Broken => {
                    clean = CleanEnd::None;
                    // What there may be more of nobody knows now.
                    self.writer.flush()?;
                    self.progress.caught_up.store(false, Ordering::Release);
                    true
                }
                Pass::NotYet => {
                    self.catch_up()?;
                    false
                }
                Pass::Gone(_) if self.was_over_by(&clean).await => return Ok((total, None)),
                Pass::Gone(reason) => {
                    let unseen = (!recent.lines.is_empty()).then(|| UNSEEN.to_owned());
                    return Ok((total, self.refused.clone().or(unseen).or(Some(reason))));
                }
                Pass::Lost(reason) => return Ok((total, Some(reason))),
                Pass::Denied(reason) if self.progress.is_gone() => return Ok((total, Some(reason))),
                Pass::Denied(reason) => {
                    self.refuse(reason).await?;
                    false
                }
            };
            if news {
                wait = Duration::from_millis(100);
            }
            let most = if self.refused.is_some() { RARELY } else { OFTEN };
            let clock = self.cluster.clock().clone();
            tokio::select! {
                changed = self.state.changed() => if changed.is_err() { return Ok((total, Some("not followed to its end".to_owned()))) },
                () = clock.sleep(wait) => {}
            }
            wait = (wait * 2).min(most);
        }
    }

    /// Whether the container's run is over, as Kubernetes tells it. Of a pod that is gone it tells nothing any more.
    async fn is_known_to_be_over(&self) -> bool {
        if self.state.borrow().is_ended() {
            return true;
        }
        let info = self.writer.info();
        match self.cluster.get(&pods(), &info.namespace, &info.pod).await {
            Ok(Some(pod)) => is_over(&pod, &self.id),
            Ok(None) | Err(_) => false,
        }
    }

    /// Whether the last stream came to its end when the container had. That may be told only as its pod is removed.
    async fn was_over_by(&mut self, clean: &CleanEnd) -> bool {
        let at = match clean {
            CleanEnd::None => return false,
            CleanEnd::Over => return true,
            CleanEnd::At(at) => *at,
        };
        let clock = self.cluster.clock().clone();
        let _ = clock.timeout(LAST_WORD, self.state.wait_for(RunState::is_over)).await;
        matches!(&*self.state.borrow(), RunState::Ended { at: Some(ended), .. } if *ended <= at)
    }

    /// It may not be read. That is told once and tried again while its pod is there: a right may be given meanwhile, and a
    /// webhook that decides on it may only not have been there.
    async fn refuse(&mut self, reason: String) -> Result<(), StoreError> {
        if self.refused.as_ref() == Some(&reason) {
            return Ok(());
        }
        self.refused = Some(reason.clone());
        // Who finds that there is no more to wait for finds the reason, too.
        self.writer.end(|info| info.lost = Some(reason.clone()))?;
        self.progress.refused.store(true, Ordering::Release);
        self.catch_up()?;
        let info = self.writer.info();
        let (key, source) = (self.key.clone(), format!("{} {}", info.pod, info.container));
        let lost = LiveEvent::Capture(CaptureNotice::Lost { key, source, reason });
        let _ = self.sender.send(Message::Tell(Box::new(lost))).await;
        Ok(())
    }

    /// It may be read.
    fn allow(&mut self) -> Result<(), StoreError> {
        if self.refused.take().is_some() {
            self.progress.caught_up.store(false, Ordering::Release);
            self.writer.end(|info| info.lost = None)?;
            self.progress.refused.store(false, Ordering::Release);
        }
        Ok(())
    }

    fn catch_up(&mut self) -> Result<(), StoreError> {
        self.writer.flush()?;
        self.progress.caught_up.store(true, Ordering::Release);
        self.changed.send_modify(|count| *count += 1);
        Ok(())
    }

    async fn pass(
        &mut self,
        recent: &mut Recent,
        previous: bool,
        follow: bool,
        total: &mut u64,
    ) -> Result<Pass, StoreError> {
        let info = self.writer.info();
        let options = LogOptions {
            container: info.container.clone(),
            follow,
            previous,
            since: recent.since(),
            tail: None,
            longest: LONGEST,
        };
        let (namespace, pod) = (info.namespace.clone(), info.pod.clone());
        let mut stream = match self.cluster.logs(&namespace, &pod, &options).await {
            Ok(stream) => stream,
            Err(error) => return Ok(refused(&error)),
        };
        self.allow()?;
        // Asked after the stream is open: what it is of cannot change any more.
        match self.cluster.get(&pods(), &namespace, &pod).await {
            Ok(Some(now)) => match whose(&now, &self.id, previous) {
                Whose::Own => {}
                Whose::Next => return Ok(Pass::NotYet),
                Whose::Other => {
                    let reason = "its pod, or its run, was replaced before its log could be read";
                    return Ok(Pass::Gone(reason.to_owned()));
                }
            },
            // Deleted since: the stream is of the one that was.
            Ok(None) => {}
            Err(error) if error.is_denied() && !error.is_unauthorized() => {}
            Err(_) => return Ok(Pass::Broken),
        }
        recent.reconnect();
        self.read(&mut stream, recent, !follow, total).await
    }

    async fn read(
        &mut self,
        stream: &mut LogStream,
        recent: &mut Recent,
        is_last: bool,
        total: &mut u64,
    ) -> Result<Pass, StoreError> {
        let mut new = 0;
        let mut problem = None;
        loop {
            let next = if let Some(next) = stream.next().now_or_never() {
                next
            } else {
                self.catch_up()?;
                stream.next().await
            };
            let line = match next {
                Some(Ok(line)) => line,
                Some(Err(_)) => return Ok(Pass::Broken),
                None => break,
            };
            if line.time.is_none() {
                // The kubelet's own words, in the place of lines that it has no more.
                problem = Some(String::from_utf8_lossy(&line.text).into_owned());
                continue;
            }
            // It went on with lines behind its words: it has them.
            problem = None;
            // Without its end it may be cut off: it comes again. After the container's end it is as long as it gets.
            if !line.is_whole && !is_last {
                continue;
            }
            if recent.is_new(&line) {
                self.quota.take((line.stamp.len() + line.text.len() + 2) as u64).await?;
                if line.truncated {
                    self.writer.cut()?;
                }
                self.writer.line(&line.stamp, &line.text)?;
                new += 1;
                *total += 1;
            }
        }
        Ok(match problem {
            // Also where some lines came before: the rest is lost.
            Some(problem) if is_last => Pass::Lost(problem),
            _ => Pass::Ended(new),
        })
    }
}

/// What is said of a log in which lines were cut; `None`: none were.
fn cut(lines: u64) -> Option<String> {
    let most = LONGEST >> 20;
    match lines {
        0 => None,
        1 => Some(format!("a line is longer than {most} MiB, and only its begin is kept")),
        _ => Some(format!("{lines} lines are longer than {most} MiB, and only their begins are kept")),
    }
}

fn pods() -> Kind {
    Kind::known("", "v1", "Pod", "pods", true)
}

fn refused(error: &ClusterError) -> Pass {
    if error.is_not_found() {
        return Pass::Gone("the pod was deleted before its log could be read".to_owned());
    }
    // Credentials that have expired are renewed; a right that is missing is missing.
    if error.is_denied() && !error.is_unauthorized() {
        return Pass::Denied(error.to_string());
    }
    if error.api().is_some_and(|status| status.code == 400) {
        return Pass::NotYet;
    }
    Pass::Broken
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn line(stamp: &str, text: &str) -> LogLine {
        LogLine {
            time: stamp.parse().ok(),
            stamp: stamp.to_owned(),
            text: Bytes::copy_from_slice(text.as_bytes()),
            truncated: false,
            is_whole: true,
        }
    }

    #[test]
    fn lines_that_come_again_are_written_once_and_equal_ones_twice() {
        let mut recent = Recent::default();
        let all = [
            line("2026-11-22T10:00:00.1Z", "a"),
            line("2026-11-22T10:00:01.5Z", "same"),
            line("2026-11-22T10:00:01.5Z", "same"),
            line("2026-11-22T10:00:01.6Z", "b"),
        ];
        assert!(all.iter().take(3).all(|line| recent.is_new(line)));
        assert_eq!(recent.since(), "2026-11-22T10:00:00Z".parse().ok());
        recent.reconnect();
        let new: Vec<bool> = all.iter().map(|line| recent.is_new(line)).collect();
        assert_eq!(new, [false, false, false, true]);
        recent.reconnect();
        assert!(recent.is_new(&line("2026-11-22T10:00:01.7Z", "c")), "what stood before was rotated away");
    }
}
