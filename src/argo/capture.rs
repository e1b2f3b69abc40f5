//! The capture of logs: every container of every pod of every attempt of a hook, from its creation, to disk.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use super::beside::Beside;
use super::follow::{Follow, Progress, RunState};
use super::message::Message;
use super::options::Options;
use super::quota::Quota;
use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::domain::application::AppKey;
use crate::domain::live::{CaptureNotice, ExitRecord, LiveEvent};
use crate::domain::manifest::Object;
use crate::store::{LogInfo, OperationFolder, State, StoreError};

/// How soon a log that could not be written is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// One run of one container of one pod.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct SourceId {
    pub pod_uid: String,
    pub container: String,
    pub restart: u32,
}

/// Whose log it is.
pub(super) struct HookOf {
    pub phase: String,
    pub kind: String,
    pub name: String,
    pub folder: OperationFolder,
}

impl SourceId {
    pub(super) fn is_of(&self, info: &LogInfo) -> bool {
        (&info.pod_uid, &info.container, info.restart) == (&self.pod_uid, &self.container, self.restart)
    }
}

struct Running {
    key: AppKey,
    folder: PathBuf,
    state: watch::Sender<RunState>,
    progress: Arc<Progress>,
    task: AbortHandle,
}

/// A log that another boathook writes, or that nobody can.
struct Elsewhere {
    key: AppKey,
    /// What is on disk was not behind when somebody looked.
    caught_up: Arc<AtomicBool>,
    beside: Beside,
    task: AbortHandle,
}

impl Elsewhere {
    fn new(key: &AppKey, beside: Beside) -> Self {
        let caught_up = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(beside.clone().run(Arc::clone(&caught_up))).abort_handle();
        Self { key: key.clone(), caught_up, beside, task }
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Follows logs and writes them down.
pub(super) struct Capture {
    state: State,
    /// Logs are kept beyond this process.
    pub keeps: bool,
    quota: Quota,
    clock: Clock,
    sender: mpsc::Sender<Message>,
    running: HashMap<SourceId, Running>,
    elsewhere: HashMap<SourceId, Elsewhere>,
    /// What has come to its end, of pods that are there and applications that are looked at.
    done: HashMap<SourceId, AppKey>,
    locks: HashMap<PathBuf, File>,
    told_off: bool,
    /// Applications of which another boathook writes logs, or whose logs cannot be written now.
    refused: HashSet<AppKey>,
    /// When those are tried again, in the clock's monotonic time.
    retry_at: Option<Duration>,
    /// Moves whenever something was written.
    pub changed: Arc<watch::Sender<u64>>,
    /// Deleted with it: where logs are kept that are not to be kept.
    _temporary: Option<tempfile::TempDir>,
}

impl Drop for Capture {
    fn drop(&mut self) {
        for running in self.running.values() {
            running.task.abort();
        }
    }
}

impl Capture {
    /// Captures into the state folder, or into a temporary one where nothing is to be kept. `None`: neither can be.
    pub(super) fn new(options: &Options, clock: &Clock, sender: &mpsc::Sender<Message>) -> Option<Self> {
        let keeps = options.capture.enabled && options.state.is_some();
        let (state, temporary) = if let Some(root) = options.state.as_ref().filter(|_| keeps) {
            (State::new(root), None)
        } else {
            let folder = tempfile::Builder::new().prefix("boathook-logs-").tempdir().ok()?;
            (State::new(folder.path()), Some(folder))
        };
        let quota = Quota::new(&state, &options.capture, clock);
        let first = quota.clone();
        tokio::spawn(async move { first.prune().await });
        Some(Self {
            state,
            keeps,
            quota,
            clock: clock.clone(),
            sender: sender.clone(),
            running: HashMap::new(),
            elsewhere: HashMap::new(),
            done: HashMap::new(),
            locks: HashMap::new(),
            told_off: false,
            refused: HashSet::new(),
            retry_at: None,
            changed: Arc::new(watch::Sender::new(0)),
            _temporary: temporary,
        })
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Whether logs of an application are still coming.
    pub(super) fn is_busy(&self, key: &AppKey) -> bool {
        self.running.values().any(|running| running.key == *key && !running.progress.is_refused())
    }

    /// Whether a log is still being read whose container has ended.
    pub(super) fn is_ending(&self) -> bool {
        self.running.values().any(|running| running.state.borrow().is_over() && !running.progress.is_refused())
    }

    /// Whether everything that the API can give of an application's logs now is written.
    pub(super) fn is_caught_up(&self, key: &AppKey) -> bool {
        self.running.values().filter(|running| running.key == *key).all(|own| own.progress.is_caught_up())
            && self.elsewhere.values().filter(|own| own.key == *key).all(|own| own.caught_up.load(Ordering::Acquire))
    }

    pub(super) fn ended(&mut self, source: &SourceId) {
        if let Some(ended) = self.running.remove(source) {
            self.leave(&ended.folder);
            if !ended.progress.is_gone() {
                self.done.insert(source.clone(), ended.key);
            }
        }
        self.changed.send_modify(|count| *count += 1);
    }

    /// Looks once more whether what another boathook writes of an application's logs is behind: somebody reads them.
    pub(super) fn look_again(&mut self, key: &AppKey) {
        for own in self.elsewhere.values_mut().filter(|own| own.key == *key) {
            *own = Elsewhere::new(key, own.beside.clone());
        }
    }

    /// Gives a folder back in which nothing is written any more.
    fn leave(&mut self, folder: &Path) {
        if !self.running.values().any(|other| other.folder == *folder) {
            self.locks.remove(folder);
            let quota = self.quota.clone();
            tokio::spawn(async move { quota.prune().await });
        }
    }

    /// Nobody looks at an application any more: what is known of its pods is not kept up to date.
    pub(super) fn forget(&mut self, key: &AppKey) {
        self.done.retain(|_, own| own != key);
        self.elsewhere.retain(|_, own| own.key != *key);
        let left: Vec<SourceId> =
            self.running.iter().filter(|(_, own)| own.key == *key).map(|(id, _)| id.clone()).collect();
        for running in left.iter().filter_map(|id| self.running.remove(id)).collect::<Vec<_>>() {
            running.task.abort();
            self.leave(&running.folder);
        }
    }

    /// A pod of a hook as it is now; `None`: it is gone.
    pub(super) fn see(&mut self, key: &AppKey, cluster: &Cluster, hook: &HookOf, pod: &Object, gone: bool) {
        for run in runs(pod) {
            let restart = run.restart;
            if restart > 0 {
                self.run(key, cluster, hook, pod, &run, restart - 1, RunState::Before { exit: run.last.clone() });
            }
            let state =
                if gone && !matches!(run.state, RunState::Ended { .. }) { RunState::Gone } else { run.state.clone() };
            if !matches!(state, RunState::Waiting) {
                self.run(key, cluster, hook, pod, &run, restart, state);
            }
        }
        if gone {
            self.done.retain(|id, _| id.pod_uid != pod.uid());
            for (_, running) in self.running.iter().filter(|(id, _)| id.pod_uid == pod.uid()) {
                running.progress.gone();
                running.state.send_modify(|_| ());
            }
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "whose log, whose hook, whose pod and how far: none belongs to another"
    )]
    fn run(
        &mut self,
        key: &AppKey,
        cluster: &Cluster,
        hook: &HookOf,
        pod: &Object,
        run: &Run,
        restart: u32,
        state: RunState,
    ) {
        let id = SourceId { pod_uid: pod.uid().to_owned(), container: run.container.clone(), restart };
        if let Some(running) = self.running.get(&id) {
            running.state.send_if_modified(|known| {
                let news = *known != state;
                *known = state;
                news
            });
            return;
        }
        if self.done.contains_key(&id) || matches!(state, RunState::Gone) {
            return;
        }
        let is_kept = || {
            let known = hook.folder.logs().unwrap_or_default();
            known.iter().any(|log| id.is_of(&log.info) && log.info.complete)
        };
        if is_kept() {
            self.elsewhere.remove(&id);
            self.done.insert(id, key.clone());
            return;
        }
        let previous = matches!(state, RunState::Before { .. });
        let path = hook.folder.path().to_owned();
        if let Entry::Vacant(vacant) = self.locks.entry(path.clone()) {
            match hook.folder.lock() {
                Ok(lock) => drop(vacant.insert(lock)),
                Err(error) => return self.refuse(key, cluster, hook, pod, &id, previous, &error),
            }
            // Who had the lock may have come to the end in between.
            if is_kept() {
                self.locks.remove(&path);
                self.elsewhere.remove(&id);
                self.done.insert(id, key.clone());
                return;
            }
        }
        let info = LogInfo {
            phase: hook.phase.clone(),
            hook_kind: hook.kind.clone(),
            hook: hook.name.clone(),
            namespace: pod.namespace().to_owned(),
            pod: pod.name().to_owned(),
            pod_uid: id.pod_uid.clone(),
            container: id.container.clone(),
            restart,
            started_at: Some(self.clock.now()),
            ..LogInfo::default()
        };
        let writer = match hook.folder.write_log(&info) {
            Ok(writer) => writer,
            Err(error) => return self.refuse(key, cluster, hook, pod, &id, previous, &error),
        };
        self.elsewhere.remove(&id);
        let source = format!("{} {}", info.pod, info.container);
        let started = CaptureNotice::Started { key: key.clone(), source };
        self.tell(started);
        let (sender, receiver) = watch::channel(state);
        let progress = Arc::new(Progress::default());
        let follow = Follow {
            id: id.clone(),
            key: key.clone(),
            cluster: cluster.clone(),
            writer,
            quota: self.quota.clone(),
            state: receiver,
            sender: self.sender.clone(),
            changed: Arc::clone(&self.changed),
            progress: Arc::clone(&progress),
            refused: None,
        };
        let task = tokio::spawn(follow.run()).abort_handle();
        self.running.insert(id, Running { key: key.clone(), folder: path, state: sender, progress, task });
    }

    /// A log cannot be written now. Another boathook that writes it may end long before the pod does, and a full disk is
    /// made room on, while no event says so: it is tried again.
    /// Meanwhile it is read as it is on disk, and whether that is behind has to be known.
    #[expect(
        clippy::too_many_arguments,
        reason = "whose log, whose hook, whose pod and why not: none belongs to another"
    )]
    fn refuse(
        &mut self,
        key: &AppKey,
        cluster: &Cluster,
        hook: &HookOf,
        pod: &Object,
        id: &SourceId,
        previous: bool,
        error: &StoreError,
    ) {
        if !self.elsewhere.contains_key(id) {
            let beside = Beside {
                id: id.clone(),
                cluster: cluster.clone(),
                namespace: pod.namespace().to_owned(),
                pod: pod.name().to_owned(),
                previous,
                folder: hook.folder.clone(),
                changed: Arc::clone(&self.changed),
            };
            self.elsewhere.insert(id.clone(), Elsewhere::new(key, beside));
        }
        self.refused.insert(key.clone());
        let at = self.clock.monotonic().saturating_add(AGAIN);
        self.retry_at.get_or_insert(at);
        self.off(error);
    }

    /// When to look again at what was refused.
    pub(super) fn retry_at(&self) -> Option<Duration> {
        self.retry_at
    }

    /// The applications whose pods are to be looked at once more now.
    pub(super) fn due(&mut self) -> HashSet<AppKey> {
        if self.retry_at.is_none_or(|at| at > self.clock.monotonic()) {
            return HashSet::new();
        }
        self.retry_at = None;
        std::mem::take(&mut self.refused)
    }

    fn off(&mut self, error: &StoreError) {
        if !std::mem::replace(&mut self.told_off, true) {
            self.tell(CaptureNotice::Off { reason: error.to_string() });
        }
    }

    fn tell(&self, notice: CaptureNotice) {
        let sender = self.sender.clone();
        tokio::spawn(async move { sender.send(Message::Tell(Box::new(LiveEvent::Capture(notice)))).await });
    }
}

/// A container's current run.
struct Run {
    container: String,
    restart: u32,
    state: RunState,
    last: Option<ExitRecord>,
}

/// The containers of a pod with their runs, as its status tells them.
fn runs(pod: &Object) -> Vec<Run> {
    let mut runs = Vec::new();
    for list in ["initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"] {
        for status in pod.at(&["status", list]).and_then(Value::as_array).into_iter().flatten() {
            let container = status.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            let restart = status.get("restartCount").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
            let exit = |state: &str| -> Option<ExitRecord> {
                let ended = status.get(state)?.get("terminated")?;
                let number = |field: &str| ended.get(field).and_then(Value::as_i64).and_then(|n| i32::try_from(n).ok());
                Some(ExitRecord {
                    pod: pod.name().to_owned(),
                    container: container.clone(),
                    code: number("exitCode"),
                    signal: number("signal"),
                    reason: ended.get("reason").and_then(Value::as_str).unwrap_or_default().to_owned(),
                })
            };
            let state = match exit("state") {
                Some(exit) => {
                    let at = status.pointer("/state/terminated/finishedAt").and_then(Value::as_str);
                    RunState::Ended { exit, at: at.and_then(|at| at.parse().ok()) }
                }
                None if status.pointer("/state/running").is_some() => RunState::Running,
                None => RunState::Waiting,
            };
            let (state, last) = match (state, exit("lastState")) {
                // Between two runs the counter is still that of the one that ended.
                (RunState::Waiting, Some(exit)) => {
                    let at = status.pointer("/lastState/terminated/finishedAt").and_then(Value::as_str);
                    (RunState::Ended { exit, at: at.and_then(|at| at.parse().ok()) }, None)
                }
                other => other,
            };
            runs.push(Run { container, restart: restart.unwrap_or_default(), state, last });
        }
    }
    runs
}

/// Whose log the API gives for a container of a pod, asked for as the `previous` one or as the current one.
pub(super) enum Whose {
    /// That of this run.
    Own,
    /// That of a later run of the same container: this one has to be asked for as the previous one.
    Next,
    /// That of another pod, or of a run so late that this one cannot be had any more.
    Other,
}

/// The API is asked for logs by the pod's name, and does not say which pod and which run they are of.
pub(super) fn whose(pod: &Object, id: &SourceId, previous: bool) -> Whose {
    if pod.uid() != id.pod_uid {
        return Whose::Other;
    }
    let Some(now) = runs(pod).into_iter().find(|run| run.container == id.container) else { return Whose::Other };
    match (now.restart.checked_sub(id.restart), previous) {
        (Some(0), false) | (Some(1), true) => Whose::Own,
        // Of a run that is known to be over the counter is behind for a moment: another look will tell.
        (Some(1), false) | (Some(0), true) => Whose::Next,
        _ => Whose::Other,
    }
}

/// Whether the pod of that name tells that a run is over. Another pod tells nothing of it.
pub(super) fn is_over(pod: &Object, id: &SourceId) -> bool {
    if pod.uid() != id.pod_uid {
        return false;
    }
    let Some(now) = runs(pod).into_iter().find(|run| run.container == id.container) else { return false };
    now.restart > id.restart || matches!(now.state, RunState::Ended { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(status: &Value) -> Object {
        let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p", "uid": "u" },
            "status": { "containerStatuses": [status] } });
        Object::from_json(pod).unwrap()
    }

    #[test]
    fn the_counter_of_a_container_that_waits_is_that_of_the_run_before() {
        let ended = json!({ "terminated": { "exitCode": 3, "finishedAt": "2026-11-22T11:00:09Z" } });
        let up = json!({ "running": { "startedAt": "2026-11-22T11:00:09Z" } });
        let waiting = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
        let read = |restart: u32, state: &Value, last: &Value| {
            let pod = pod(&json!({ "name": "c", "restartCount": restart, "state": state, "lastState": last }));
            let run = runs(&pod).remove(0);
            (run.restart, matches!(run.state, RunState::Ended { .. }), run.last.and_then(|exit| exit.code))
        };
        assert_eq!(read(0, &ended, &json!({})), (0, true, None));
        assert_eq!(read(1, &up, &ended), (1, false, Some(3)));
        assert_eq!(read(1, &waiting, &ended), (1, true, None));
        assert_eq!(read(0, &waiting, &json!({})), (0, false, None));
    }

    #[test]
    fn a_log_is_told_from_that_of_the_next_run_and_of_the_next_pod() {
        let at = |restart: u32| pod(&json!({ "name": "c", "restartCount": restart, "state": { "running": {} } }));
        let id = |uid: &str, restart: u32| SourceId { pod_uid: uid.into(), container: "c".into(), restart };
        assert!(matches!(whose(&at(1), &id("u", 1), false), Whose::Own));
        assert!(matches!(whose(&at(2), &id("u", 1), true), Whose::Own));
        assert!(matches!(whose(&at(2), &id("u", 1), false), Whose::Next));
        assert!(matches!(whose(&at(3), &id("u", 1), true), Whose::Other));
        assert!(matches!(whose(&at(1), &id("before", 1), false), Whose::Other));
    }
}
