//! The hub's part that keeps logs and history.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::active::{Active, Destination};
use super::capture::{Capture, HookOf};
use super::hub::Hub;
use super::logs::{self, Current, Stream, Waiting};
use super::message::Message;
use crate::clock::Clock;
use crate::domain::application::AppKey;
use crate::domain::event::Change;
use crate::domain::live::{LiveEvent, LogFilter, LogMessage, OperationRecord, TaskRecord};
use crate::domain::manifest::Object;
use crate::domain::timeline::OperationView;
use crate::store::{OperationFolder, OperationId, State, StoreError};

/// How long at most the end of the program waits for logs.
const LAST_LINES: Duration = Duration::from_secs(5);

impl Hub {
    /// A pod of an application's operation: if it is a hook's, its logs are kept.
    pub(super) fn capture_pod(&mut self, key: &AppKey, pod: &Arc<Object>, change: Change) {
        let Some(active) = self.active.get(key) else { return };
        let Destination::Known(cluster, _) = &active.destination else { return };
        let Some(capture) = &mut self.capture else { return };
        let view = active.timeline.view(cluster.server_now());
        let Some(started_at) = view.started_at else { return };
        let uid = pod.uid();
        let found = view.tasks().filter(|task| task.is_hook).find_map(|task| {
            let run = task.attempts.iter().chain(&task.reruns).find(|run| run.pods.iter().any(|pod| pod.uid == uid))?;
            Some((task, run))
        });
        let Some((task, run)) = found else { return };
        let attempt = run.operation_attempt.unwrap_or(view.attempt);
        let id = OperationId { started_at, retry_count: attempt.saturating_sub(1) };
        let object = &task.key.object;
        let name = if run.rerun.is_some() { run.name.clone() } else { object.name.clone() };
        let hook = HookOf {
            phase: task.key.phase.as_str().to_owned(),
            kind: object.kind.clone(),
            name,
            folder: capture.state().operation(&self.identity.stored(key), id),
        };
        let cluster = cluster.clone();
        capture.see(key, &cluster, &hook, pod, change == Change::Deleted);
        let is_new = !hook.folder.path().join("operation.json").exists();
        if is_new && hook.folder.exists() {
            self.write_record(key, &view);
        }
    }

    /// Looks once more at all pods of an application: what they belong to may have become known since.
    pub(super) fn capture_all(&mut self, key: &AppKey) {
        let Some(active) = self.active.get(key) else { return };
        let stored = active.feeds.iter().filter_map(|feed| self.feeds.get(feed));
        let pods: Vec<Arc<Object>> = stored
            .flat_map(|feed| feed.objects.values())
            .filter(|stored| stored.object.kind() == "Pod" && active.told.contains(stored.object.uid()))
            .map(|stored| Arc::clone(&stored.object))
            .collect();
        for pod in pods {
            self.capture_pod(key, &pod, Change::Applied);
        }
    }

    /// Writes down the current operation of an application, if it is over and was followed.
    pub(super) fn record(&mut self, key: &AppKey) {
        let Some(active) = self.active.get(key) else { return };
        let view = active.timeline.view(self.cluster.server_now());
        let Some(started_at) = view.started_at else { return };
        let id = (started_at, view.attempt);
        if !view.state.is_over() {
            return;
        }
        let first = active.recorded != Some(id);
        let record = self.write_record(key, &view);
        if let Some(active) = self.active.get_mut(key) {
            active.recorded = Some(id);
        }
        if let (true, Some(record)) = (first, record) {
            self.tell(LiveEvent::Recorded { key: key.clone(), record: Arc::new(record) });
        }
    }

    /// Writes down operations that others have followed.
    pub(super) fn record_former(&mut self, key: &AppKey) {
        let now = self.cluster.server_now();
        let Some(active) = self.active.get_mut(key) else { return };
        for view in active.timeline.take_former(now) {
            self.write_record(key, &view);
        }
    }

    /// Lets the logs come to their end whose containers have: the last lines of a hook are often the ones that count, and
    /// its pod may be gone before anybody looks again.
    pub(super) async fn finish_logs(&mut self, inbox: &mut mpsc::Receiver<Message>) {
        // Not the time of what is watched: who ends the program waits for it.
        let clock = Clock::real();
        while !self.out_of_reach && self.capture.as_ref().is_some_and(Capture::is_ending) {
            let left = LAST_LINES.saturating_sub(clock.monotonic());
            match clock.timeout(left, inbox.recv()).await {
                Ok(Some(message)) => self.take(message),
                Ok(None) | Err(_) => return,
            }
        }
    }

    /// Everything is written down as far as it is known.
    pub(super) fn write_records(&mut self) {
        let now = self.cluster.server_now();
        let views: Vec<_> =
            self.active.values().map(|active| (active.key.clone(), active.timeline.view(now))).collect();
        for (key, view) in views {
            self.write_record(&key, &view);
        }
    }

    fn write_record(&self, key: &AppKey, view: &OperationView) -> Option<OperationRecord> {
        let uid = self.active.get(key)?.application.as_ref().map(|own| own.metadata.uid.clone()).unwrap_or_default();
        let mut record = OperationRecord::of(view, key, &uid)?;
        let capture = self.capture.as_ref()?;
        let id = OperationId { started_at: record.started_at?, retry_count: record.retry_count };
        let folder = capture.state().operation(&self.identity.stored(key), id);
        if let Ok(Some(before)) = folder.record() {
            keep_what_was_seen(&mut record, before);
        }
        // Also where nothing is kept beyond this process: streams of logs look there whether it is over. A folder that
        // another boathook writes, or a newer one wrote, is theirs; the disk may be full.
        if let Err(error) = folder.write_record(&record) {
            tracing::warn!(%error, "the history is not written");
        }
        Some(record)
    }

    pub(super) fn history(
        &mut self,
        key: AppKey,
        reply: oneshot::Sender<Result<Vec<Arc<OperationRecord>>, StoreError>>,
    ) {
        let Some(state) = self.options.state.as_ref().map(State::new) else {
            let _ = reply.send(Err(StoreError::Off));
            return;
        };
        let (mut identity, clock) = (self.identity.clone(), self.cluster.clock().clone());
        self.spawn(async move {
            identity.settled(&clock).await;
            let read = move || reply.send(read_history(&state, &identity.all(&key)));
            let _ = tokio::task::spawn_blocking(read).await;
        });
    }

    pub(super) fn logs(&mut self, key: AppKey, filter: LogFilter, sender: mpsc::Sender<LogMessage>) {
        let Some(capture) = &self.capture else {
            let _ = sender.try_send(LogMessage::Problem("logs cannot be kept in any folder".to_owned()));
            return;
        };
        let mut states = vec![capture.state().clone()];
        if let (false, Some(root)) = (capture.keeps, &self.options.state) {
            states.push(State::new(root));
        }
        let changed = capture.changed.subscribe();
        let asks = !filter.kept;
        if asks {
            self.open(&key);
            if let Some(capture) = &mut self.capture {
                capture.look_again(&key);
            }
        }
        let (settled, wait) = oneshot::channel();
        let (current, operation) = watch::channel(Current::Unknown);
        let current = filter.operation.is_none().then_some(current);
        self.waiting.push(Waiting { key: key.clone(), current, follow: filter.follow || !asks, settled });
        let (clock, hub, identity) = (self.cluster.clock().clone(), self.sender.clone(), self.identity.clone());
        self.spawn(async move {
            let own = key.clone();
            let stream = Stream {
                states,
                key: own,
                identity,
                filter,
                sender,
                changed,
                clock,
                current: operation,
                settled: wait,
            };
            logs::stream(stream).await;
            if asks {
                let _ = hub.send(Message::Close(key)).await;
            }
        });
    }

    /// Tells those who wait that everything there is of an application is told, or its logs are on disk.
    pub(super) fn settle_waiting(&mut self) {
        for key in std::mem::take(&mut self.unsettled) {
            if self.is_listed(&key) && self.has_windows(&key) {
                self.tell(LiveEvent::Settled(key));
            } else {
                self.unsettled.push(key);
            }
        }
        if self.waiting.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut self.waiting);
        for own in waiting {
            // Of what nobody looks at, nothing is waited for.
            let is_known = own.current.as_ref().is_none_or(|sender| {
                let current = self.current(&own.key);
                sender.send_if_modified(|known| std::mem::replace(known, current) != current);
                matches!(current, Current::Is(_))
            });
            // Of a cluster that cannot be asked, what is kept is all there is.
            if self.out_of_reach && !own.follow {
                continue;
            }
            if is_known && self.is_settled(&own.key) {
                let runs = self.active.get(&own.key).is_some_and(Active::has_operation);
                let _ = own.settled.send(runs);
            } else if !own.settled.is_closed() {
                self.waiting.push(own);
            }
        }
    }

    /// Which operation an application has.
    fn current(&self, key: &AppKey) -> Current {
        let Some(active) = self.active.get(key) else { return Current::Is(None) };
        match &active.application {
            Some(application) => Current::of(application),
            None if active.is_missing => Current::Is(None),
            None if self.out_of_reach => Current::OutOfReach,
            None => Current::Unknown,
        }
    }

    fn is_settled(&self, key: &AppKey) -> bool {
        self.is_listed(key) && self.capture.as_ref().is_none_or(|capture| capture.is_caught_up(key))
    }

    fn is_listed(&self, key: &AppKey) -> bool {
        let Some(active) = self.active.get(key) else { return true };
        if active.application.is_none() {
            return active.is_missing;
        }
        match active.destination {
            Destination::Unasked | Destination::Asked => false,
            Destination::None => true,
            Destination::Known(..) => {
                active.feeds.iter().filter_map(|feed| self.feeds.get(feed)).all(|feed| feed.is_settled)
            }
        }
    }
}

/// What an earlier look at the same operation saw and this one did not: another boathook, or this one before a restart.
/// Of hooks that were deleted since, only that look has times and reasons.
fn keep_what_was_seen(record: &mut OperationRecord, before: OperationRecord) {
    record.joined_late &= before.joined_late;
    if record.tasks.is_empty() {
        record.tasks = before.tasks;
        return;
    }
    for old in before.tasks {
        let same = |task: &&mut TaskRecord| {
            (&task.phase, &task.group, &task.kind, &task.namespace, &task.name)
                == (&old.phase, &old.group, &old.kind, &old.namespace, &old.name)
        };
        let Some(task) = record.tasks.iter_mut().find(same) else { continue };
        // Times belong together: those of the look that measured how long it took.
        if task.elapsed_ms.is_none() && task.state == old.state {
            (task.started_at, task.ended_at) = (old.started_at.or(task.started_at), old.ended_at.or(task.ended_at));
            task.elapsed_ms = old.elapsed_ms;
        }
        task.wave = task.wave.or(old.wave);
        if task.reasons.is_empty() && task.state == old.state {
            task.reasons = old.reasons;
        }
        if task.runs.is_empty() {
            task.runs = old.runs;
            task.exit = task.exit.take().or(old.exit);
        }
    }
}

/// The operations that are kept, one entry each: that of its last attempt.
fn read_history(state: &State, keys: &[AppKey]) -> Result<Vec<Arc<OperationRecord>>, StoreError> {
    let mut records: Vec<Arc<OperationRecord>> = Vec::new();
    let mut folders = Vec::new();
    for key in keys {
        folders.extend(state.operations(key)?);
    }
    folders.sort_by_key(OperationFolder::id);
    for folder in folders {
        // One that is damaged does not hide the others.
        let Ok(Some(record)) = folder.record() else { continue };
        if records.last().is_some_and(|last| last.started_at == record.started_at) {
            records.pop();
        }
        records.push(Arc::new(record));
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(joined_late: bool, task: TaskRecord) -> OperationRecord {
        OperationRecord { joined_late, tasks: vec![task], ..OperationRecord::default() }
    }

    #[test]
    fn a_later_look_does_not_forget_how_long_a_hook_took_that_is_gone() {
        let task = |state: &str| TaskRecord {
            phase: "PreSync".to_owned(),
            name: "db-migrate".to_owned(),
            state: state.to_owned(),
            ..TaskRecord::default()
        };
        let started_at = "2026-11-22T03:07:12Z".parse().ok();
        let reasons = vec!["exit code 3".to_owned()];
        let seen = TaskRecord { started_at, elapsed_ms: Some(12_400), wave: Some(-1), reasons, ..task("failed") };
        let mut later = record(true, task("failed"));
        keep_what_was_seen(&mut later, record(false, seen.clone()));
        assert_eq!(later, record(false, seen.clone()));
        // An earlier look that saw it run says nothing of how it ended.
        let mut later = record(true, task("failed"));
        keep_what_was_seen(&mut later, record(true, TaskRecord { state: "running".to_owned(), ..seen }));
        assert_eq!((later.joined_late, later.tasks[0].elapsed_ms), (true, None));
    }
}
