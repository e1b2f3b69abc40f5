//! Logs, live and kept, as one stream: read from disk, where the capture writes them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};

use super::follow::LONGEST;
use super::identity::Identity;
use crate::clock::Clock;
use crate::domain::application::{AppKey, Application};
use crate::domain::live::{LogFilter, LogLine, LogMessage, LogSource, SourceEnd};
use crate::domain::operation::OperationPhase;
use crate::domain::timeline::TaskPhase;
use crate::store::{KeptLog, LogInfo, LogReader, OperationFolder, OperationId, State, StoreError};

/// Lines told at once.
const CHUNK: usize = 512;
/// Bytes told at once, unless one line is longer.
const CHUNK_BYTES: usize = 1 << 20;
/// How long the first look waits for what the cluster has.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often the disk is looked at where another process writes it.
const LOOK: Duration = Duration::from_millis(500);

/// What is said where [`PATIENCE`] has come to its end.
const UNKNOWN: &str =
    "the cluster, or another boathook that writes it, has not given all of it yet, or cannot be asked now";

/// What is said of a log of an operation that is over, which nobody writes and whose end nobody wrote down: the boathook that
/// did was killed, or its machine.
const ABANDONED: &str = "it was not followed to its end: there may be more than this";

/// A stream of logs.
pub(super) struct Stream {
    pub states: Vec<State>,
    pub key: AppKey,
    pub identity: Identity,
    pub filter: LogFilter,
    pub sender: mpsc::Sender<LogMessage>,
    pub changed: watch::Receiver<u64>,
    pub clock: Clock,
    /// Which operation the application has.
    pub current: watch::Receiver<Current>,
    /// Fires when everything that the cluster has is on disk. It says whether an operation runs whose logs are still to come;
    /// it is dropped where the cluster cannot be asked.
    pub settled: oneshot::Receiver<bool>,
}

/// The operation that an application has, as its logs are asked for. What is on disk is no answer to that: there the last
/// one is the one before, until the first hook of the next has a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Current {
    /// The application was not read yet.
    Unknown,
    /// The application was not read, and its cluster cannot be reached.
    OutOfReach,
    /// One is requested, and nobody has begun it yet.
    Requested,
    /// The begin of the one that runs; `None`: none does.
    Is(Option<Timestamp>),
}

impl Current {
    pub(super) fn of(application: &Application) -> Self {
        if application.operation.is_none() {
            return Self::Is(None);
        }
        // A state that is completed is that of the operation before.
        let state = application.status.operation_state.as_ref();
        let state = state.filter(|state| !state.phase.is_some_and(OperationPhase::is_completed));
        state.map_or(Self::Requested, |state| Self::Is(state.started_at))
    }
}

/// Who waits for what a stream of logs has to know first.
pub(super) struct Waiting {
    pub key: AppKey,
    /// Which operation it has; `None`: an operation was named, whichever it has.
    pub current: Option<watch::Sender<Current>>,
    /// What is still to come is wanted too: then one waits for a cluster that is out of reach.
    pub follow: bool,
    /// Fires once its logs are on disk; dropped where the cluster cannot be asked.
    pub settled: oneshot::Sender<bool>,
}

struct Open {
    id: u32,
    log: KeptLog,
    reader: LogReader,
    ended: bool,
    folder: OperationFolder,
}

impl Open {
    fn is_abandoned(&self) -> bool {
        let record = self.folder.record().ok().flatten();
        record.is_some_and(|record| record.finished_at.is_some()) && self.folder.lock().is_ok()
    }
}

/// Tells the logs that match, until there are no more.
pub(super) async fn stream(mut stream: Stream) {
    let mut open: HashMap<PathBuf, Open> = HashMap::new();
    let mut caught_up = false;
    // Once it is over with waiting: whether an operation runs; `Err`: the cluster cannot be asked.
    let mut settled: Option<Result<bool, oneshot::error::RecvError>> = None;
    let mut deadline = Some(stream.clock.monotonic().saturating_add(PATIENCE));
    if stream.filter.operation.is_none() && !stream.choose().await {
        return;
    }
    loop {
        // What is written after this look wakes the next.
        stream.changed.borrow_and_update();
        if settled.is_none() {
            settled = (&mut stream.settled).now_or_never();
        }
        let over = match stream.look(&mut open).await {
            Ok(over) => over,
            Err(Some(error)) => {
                let _ = stream.sender.send(LogMessage::Problem(error.to_string())).await;
                return;
            }
            Err(None) => return,
        };
        let late = deadline.is_some_and(|deadline| stream.clock.monotonic() >= deadline);
        if settled.is_some() || late {
            deadline = None;
            if !std::mem::replace(&mut caught_up, true) && stream.sender.send(LogMessage::CaughtUp).await.is_err() {
                return;
            }
            let runs = matches!(settled, Some(Ok(true)));
            if !stream.filter.follow || !runs || over {
                let unknown = !over && !matches!(settled, Some(Ok(_)));
                stream.end(&mut open, unknown).await;
                return;
            }
        }
        tokio::select! {
            told = &mut stream.settled, if settled.is_none() => settled = Some(told),
            _ = stream.changed.changed() => {}
            () = stream.clock.sleep(LOOK) => {}
            () = stream.sender.closed() => return,
        }
    }
}

impl Stream {
    /// Settles whose logs are told where no operation is named: those of the one that the application has now, and only
    /// where it has none, or nobody can say, those of the last one that is kept. `false`: there is nothing to tell.
    async fn choose(&mut self) -> bool {
        let mut patience = self.clock.monotonic().saturating_add(PATIENCE);
        loop {
            let mut current = self.current.clone();
            tokio::select! {
                _ = async { current.wait_for(|current| self.is_answer(*current)).await.map(|known| *known) } => {}
                () = self.clock.sleep_until(patience) => {}
                () = self.sender.closed() => return false,
            }
            let known = *self.current.borrow();
            match known {
                Current::Is(started_at) => {
                    self.filter.operation = started_at;
                    return true;
                }
                Current::Unknown | Current::OutOfReach => return true,
                // The hub has ended.
                Current::Requested if self.filter.follow && self.current.has_changed().is_err() => return false,
                Current::Requested if self.filter.follow => patience = Duration::MAX,
                Current::Requested => {
                    let _ = self.sender.send(LogMessage::NotBegun).await;
                    return false;
                }
            }
        }
    }

    /// Whether nothing better has to be waited for.
    fn is_answer(&self, current: Current) -> bool {
        matches!(current, Current::Is(_)) || (current == Current::OutOfReach && !self.filter.follow)
    }

    /// Tells everything that is new; `true`: the operation is over and all its logs are complete.
    async fn look(&self, open: &mut HashMap<PathBuf, Open>) -> Result<bool, Option<StoreError>> {
        let mut over = false;
        for folder in self.folders()? {
            let record = folder.record().ok().flatten();
            over = record.is_some_and(|record| record.finished_at.is_some());
            for log in folder.logs().map_err(Some)? {
                if !self.matches(&log.info) {
                    continue;
                }
                if !open.contains_key(log.path()) {
                    let id = u32::try_from(open.len()).unwrap_or(u32::MAX);
                    self.tell(LogMessage::Source(source(id, &log.info, folder.id()))).await?;
                    let reader = log.read().map_err(Some)?;
                    open.insert(log.path().to_owned(), Open { id, log, reader, ended: false, folder: folder.clone() });
                }
            }
        }
        for own in open.values_mut().filter(|own| !(own.ended && own.log.info.complete)) {
            // Its end is read before its lines: then no line can come after the end.
            own.log.refresh().map_err(Some)?;
            let end = if own.log.info.complete {
                Some(SourceEnd::Complete)
            } else {
                own.log.info.lost.clone().map(SourceEnd::Lost)
            };
            // What may not be read may be allowed later.
            if own.ended && end.is_some() {
                continue;
            }
            own.ended = false;
            self.read(own).await?;
            if let Some(end) = end {
                own.ended = true;
                self.tell(LogMessage::Ended { source: own.id, end }).await?;
            }
        }
        Ok(over && open.values().all(|own| own.ended))
    }

    async fn read(&self, own: &mut Open) -> Result<(), Option<StoreError>> {
        let mut lines = Vec::new();
        let mut bytes = 0;
        while let Some(mut line) = own.reader.next_line().map_err(Some)? {
            if self.filter.since.is_some_and(|since| line.time.is_none_or(|time| time < since)) {
                continue;
            }
            let truncated = line.text.len() >= LONGEST;
            // It is on disk, as the container wrote it; in a line that is shown it has no meaning.
            if line.text.last() == Some(&b'\r') {
                line.text.pop();
            }
            bytes += line.text.len();
            lines.push(LogLine { source: own.id, time: line.time, text: Arc::from(line.text), truncated });
            if lines.len() >= CHUNK || bytes >= CHUNK_BYTES {
                bytes = 0;
                self.tell(LogMessage::Lines(std::mem::take(&mut lines))).await?;
            }
        }
        if !lines.is_empty() {
            self.tell(LogMessage::Lines(lines)).await?;
        }
        Ok(())
    }

    async fn tell(&self, message: LogMessage) -> Result<(), Option<StoreError>> {
        self.sender.send(message).await.map_err(|_| None)
    }

    /// The attempts that are asked for.
    fn folders(&self) -> Result<Vec<OperationFolder>, Option<StoreError>> {
        let mut all: Vec<OperationFolder> = Vec::new();
        for state in &self.states {
            for key in self.identity.all(&self.key) {
                all.extend(state.operations(&key).map_err(Some)?);
            }
        }
        all.sort_by_key(OperationFolder::id);
        let Some(started_at) = self.filter.operation.or_else(|| all.last().map(|last| last.id().started_at)) else {
            return Ok(all);
        };
        all.retain(|folder| folder.id().started_at == started_at);
        if !self.filter.all_attempts
            && let Some(last) = all.last().map(|last| last.id().retry_count)
        {
            all.retain(|folder| folder.id().retry_count == last);
        }
        Ok(all)
    }

    fn matches(&self, info: &LogInfo) -> bool {
        let filter = &self.filter;
        let is = |wanted: &str, own: &str| wanted.is_empty() || wanted == own;
        filter.phase.is_none_or(|phase| phase.as_str() == info.phase)
            && is(&filter.kind, &info.hook_kind)
            && is(&filter.hook, &info.hook)
            && is(&filter.container, &info.container)
    }

    /// `unknown`: whether there is more could not be found out.
    async fn end(&self, open: &mut HashMap<PathBuf, Open>, unknown: bool) {
        if unknown && open.is_empty() {
            let _ = self.sender.send(LogMessage::Problem(UNKNOWN.to_owned())).await;
            return;
        }
        for own in open.values_mut().filter(|own| !own.ended) {
            let end = if unknown {
                SourceEnd::Lost(UNKNOWN.to_owned())
            } else if own.is_abandoned() {
                SourceEnd::Lost(ABANDONED.to_owned())
            } else {
                SourceEnd::Open
            };
            if self.tell(LogMessage::Ended { source: own.id, end }).await.is_err() {
                return;
            }
        }
    }
}

fn source(id: u32, info: &LogInfo, operation: OperationId) -> LogSource {
    LogSource {
        id,
        phase: TaskPhase::from_name(&info.phase),
        kind: info.hook_kind.clone(),
        hook: info.hook.clone(),
        pod: info.pod.clone(),
        pod_uid: info.pod_uid.clone(),
        container: info.container.clone(),
        restart: info.restart,
        operation: Some(operation.started_at),
        attempt: operation.retry_count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn the_current_operation_is_the_one_that_the_application_has() {
        let current = |operation: Value, state: Value| {
            let object = json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
                "metadata": { "name": "a" }, "operation": operation, "status": { "operationState": state } });
            let object = crate::domain::manifest::Object::from_json(object).unwrap();
            Current::of(&Application::read(Arc::from("c"), &object).0)
        };
        let begin = "2026-11-22T11:00:00Z";
        let state = |phase: &str| json!({ "phase": phase, "startedAt": begin, "operation": { "sync": {} } });
        let sync = || json!({ "sync": {} });
        let running = Current::Is(begin.parse().ok());
        assert_eq!(current(Value::Null, Value::Null), Current::Is(None));
        assert_eq!(current(Value::Null, state("Succeeded")), Current::Is(None));
        assert_eq!(current(sync(), Value::Null), Current::Requested);
        assert_eq!(current(sync(), state("Failed")), Current::Requested, "that state is of the one before");
        assert_eq!(current(sync(), state("Running")), running);
        assert_eq!(current(sync(), state("Terminating")), running);
    }
}
