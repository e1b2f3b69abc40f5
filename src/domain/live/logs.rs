//! Logs of hooks, live and kept, as one stream.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::timeline::TaskPhase;

/// Which logs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogFilter {
    /// The hook's phase; `None`: any.
    pub phase: Option<TaskPhase>,
    /// The hook's kind, for example `Job`; empty: any.
    pub kind: String,
    /// The hook's name as the plan or the results have it; empty: any.
    pub hook: String,
    /// Container; empty: all.
    pub container: String,
    /// Operation, by its start; `None`: the current or the last one.
    pub operation: Option<Timestamp>,
    /// All attempts of the operation; else only the last.
    pub all_attempts: bool,
    /// Only what was written at or after this time.
    pub since: Option<Timestamp>,
    /// Stay and give new lines until the operation is over and its logs are complete.
    pub follow: bool,
    /// Only what is kept on disk, at once: the cluster is not asked.
    pub kept: bool,
}

/// A container's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSource {
    /// Number within this stream.
    pub id: u32,
    /// The hook's phase.
    pub phase: TaskPhase,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub hook: String,
    /// Pod.
    pub pod: String,
    /// UID of the pod.
    pub pod_uid: String,
    /// Container.
    pub container: String,
    /// Which run of the container, from 0.
    pub restart: u32,
    /// Begin of the operation.
    pub operation: Option<Timestamp>,
    /// Attempt of the operation, from 0.
    pub attempt: i64,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Which log.
    pub source: u32,
    /// When the container wrote it.
    pub time: Option<Timestamp>,
    /// What it wrote: any bytes, without the end of line. A stranger's: escape them.
    pub text: Arc<[u8]>,
    /// The line was longer.
    pub truncated: bool,
}

/// How a log ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceEnd {
    /// All of it was given.
    Complete,
    /// More is to come, but this stream does not follow.
    Open,
    /// Its end is not known: the pod was gone, or nobody captured it any more.
    Lost(String),
}

/// What a stream of logs says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogMessage {
    /// A log begins; its lines name it by its id.
    Source(LogSource),
    /// Lines, of one log in their order.
    Lines(Vec<LogLine>),
    /// A log has ended.
    Ended {
        /// Which.
        source: u32,
        /// How.
        end: SourceEnd,
    },
    /// Everything there was when the stream was opened has been given.
    CaughtUp,
    /// An operation is requested, and nobody has begun it yet: there are no logs of it.
    NotBegun,
    /// Logs cannot be had.
    Problem(String),
}
