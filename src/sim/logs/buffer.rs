//! The buffers: who writes, what is kept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::watch;

/// What is kept of one run of a container, in bytes; a kubelet rotates at the same size.
const RUN_BYTES: usize = 10 << 20;

/// What is kept of all of them, in bytes.
const ALL_BYTES: usize = 256 << 20;

/// What a line costs besides its bytes.
const LINE_COST: usize = 64;

/// Longer lines are cut, in bytes.
const LINE_BYTES: usize = 9 << 20;

/// Names one run of one container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunKey {
    /// UID of the pod.
    pub pod: String,
    /// Name of the container.
    pub container: String,
    /// The container's `restartCount` in this run.
    pub restart: u32,
}

/// The logs of all pods. Clones are the same logs.
#[derive(Debug, Clone, Default)]
pub struct Logs(Arc<Mutex<All>>);

#[derive(Debug, Default)]
struct All {
    runs: BTreeMap<RunKey, Arc<Run>>,
    /// Bytes of all runs that can still be found.
    bytes: usize,
    /// Ended runs, the one that ended first at the front.
    ended: VecDeque<RunKey>,
}

/// The log of one run.
#[derive(Debug)]
pub(super) struct Run {
    lines: Mutex<Lines>,
    /// How many lines were written, and whether the run has ended, for those who follow.
    pub(super) changed: watch::Sender<Progress>,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Lines written since the start of the run, dropped ones too.
    pub(super) written: u64,
    /// Whether the container has ended.
    pub(super) ended: bool,
}

#[derive(Debug, Default)]
struct Lines {
    kept: VecDeque<Line>,
    /// Number of the first kept line.
    first: u64,
    bytes: usize,
}

/// A line as it was written.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// When.
    pub(super) at: Timestamp,
    /// Its bytes, with the line feed if it has one.
    pub(super) text: Bytes,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while one is held; if it did, the buffers would still be whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Logs {
    /// No logs yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A container starts: from now on there is a log to read, empty at first.
    pub fn start(&self, key: &RunKey) {
        let mut all = lock(&self.0);
        all.runs.entry(key.clone()).or_insert_with(|| {
            Arc::new(Run { lines: Mutex::default(), changed: watch::Sender::new(Progress::default()) })
        });
        // A node keeps the log of the last dead container beside that of the living one.
        if let Some(older) = key.restart.checked_sub(2) {
            all.remove(&RunKey { restart: older, ..key.clone() });
        }
    }

    /// A container writes a line; `text` without the line feed. Nothing happens if it was not started or has ended.
    pub fn write(&self, key: &RunKey, at: Timestamp, text: &[u8]) {
        self.put(key, at, text, b"\n");
    }

    /// A container writes its last line, and no line feed after it.
    pub fn write_last(&self, key: &RunKey, at: Timestamp, text: &[u8]) {
        self.put(key, at, text, b"");
    }

    fn put(&self, key: &RunKey, at: Timestamp, text: &[u8], end: &[u8]) {
        let mut all = lock(&self.0);
        let Some(run) = all.runs.get(key).map(Arc::clone) else { return };
        if run.changed.borrow().ended {
            return;
        }
        let line = [text.get(..LINE_BYTES).unwrap_or(text), end].concat();
        let (before, after) = run.append(Line { at, text: line.into() });
        all.bytes = all.bytes.saturating_sub(before).saturating_add(after);
        while all.bytes > ALL_BYTES {
            let Some(oldest) = all.ended.front().cloned() else { break };
            all.remove(&oldest);
        }
    }

    /// A container ends: who follows its log reads the rest and is done.
    pub fn end(&self, key: &RunKey) {
        let mut all = lock(&self.0);
        let Some(run) = all.runs.get(key).map(Arc::clone) else { return };
        let first_time = run.changed.send_if_modified(|progress| !std::mem::replace(&mut progress.ended, true));
        if first_time {
            all.ended.push_back(key.clone());
        }
    }

    /// A pod is gone: its logs are too. Who reads them now reads them to their end.
    pub fn forget(&self, pod: &str) {
        let mut all = lock(&self.0);
        let keys: Vec<RunKey> = all.runs.keys().filter(|key| key.pod == pod).cloned().collect();
        for key in keys {
            if let Some(run) = all.runs.get(&key) {
                run.changed.send_modify(|progress| progress.ended = true);
            }
            all.remove(&key);
        }
    }

    /// Bytes that are kept, for figures.
    pub fn bytes(&self) -> usize {
        lock(&self.0).bytes
    }

    pub(super) fn run(&self, key: &RunKey) -> Option<Arc<Run>> {
        lock(&self.0).runs.get(key).map(Arc::clone)
    }
}

impl All {
    fn remove(&mut self, key: &RunKey) {
        if let Some(run) = self.runs.remove(key) {
            self.bytes = self.bytes.saturating_sub(lock(&run.lines).bytes);
        }
        self.ended.retain(|ended| ended != key);
    }
}

impl Run {
    /// The bytes kept before and after.
    fn append(&self, line: Line) -> (usize, usize) {
        let mut lines = lock(&self.lines);
        let before = lines.bytes;
        lines.bytes += line.text.len() + LINE_COST;
        lines.kept.push_back(line);
        while lines.bytes > RUN_BYTES
            && let Some(oldest) = lines.kept.pop_front()
        {
            lines.bytes -= oldest.text.len() + LINE_COST;
            lines.first += 1;
        }
        let after = lines.bytes;
        drop(lines);
        self.changed.send_modify(|progress| progress.written += 1);
        (before, after)
    }

    /// The number of the line `tail` lines before the end; the first kept one without a tail.
    pub(super) fn start(&self, tail: Option<u64>) -> u64 {
        let lines = lock(&self.lines);
        let end = lines.first + lines.kept.len() as u64;
        tail.map_or(lines.first, |tail| end.saturating_sub(tail).max(lines.first))
    }

    /// Lines from a number on, up to about `most` bytes, and the number of the next one.
    pub(super) fn lines(&self, from: u64, most: usize) -> (Vec<Line>, u64) {
        let lines = lock(&self.lines);
        let from = from.max(lines.first);
        let skip = usize::try_from(from - lines.first).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let mut found = Vec::new();
        for line in lines.kept.range(skip.min(lines.kept.len())..) {
            if bytes >= most {
                break;
            }
            bytes += line.text.len();
            found.push(line.clone());
        }
        let next = from + found.len() as u64;
        (found, next)
    }
}
