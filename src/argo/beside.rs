//! A log that is not written here now, because another boathook writes it or the disk lets nobody: whether what is on
//! disk is behind what the API has.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use jiff::Timestamp;
use tokio::sync::watch;

use super::capture::SourceId;
use crate::cluster::{Cluster, ClusterError, Kind, LogOptions};
use crate::store::{KeptLog, OperationFolder};

/// Between the first looks, and at most.
const LOOKS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// How long the other has to write down what a pod that is gone has said. Nobody waits longer than that.
const GRACE: Duration = Duration::from_secs(15);

/// The log of one run that another writes.
#[derive(Clone)]
pub(super) struct Beside {
    pub id: SourceId,
    pub cluster: Cluster,
    pub namespace: String,
    pub pod: String,
    /// Another run has begun since.
    pub previous: bool,
    pub folder: OperationFolder,
    pub changed: Arc<watch::Sender<u64>>,
}

/// What the API has of it.
enum Has {
    /// Its last line is of this time; `None`: there is none.
    UpTo(Option<Timestamp>),
    /// It may not be asked: what is on disk is all there is to be had.
    Unknown,
    /// Nothing any more.
    Nothing,
}

impl Beside {
    /// Until the log on disk is not behind what the API had when it was asked.
    pub(super) async fn run(self, caught_up: Arc<AtomicBool>) {
        let clock = self.cluster.clock().clone();
        let (mut wait, most) = LOOKS;
        let mut gone_at: Option<Duration> = None;
        loop {
            // The API is asked first: what it had then is what has to be there.
            let has = self.ask().await;
            let kept = self.kept().await;
            let is_over = kept.as_ref().is_some_and(|(log, _)| log.info.complete || log.info.lost.is_some());
            let last = kept.and_then(|(_, last)| last);
            let is_there = match has {
                Ok(Has::UpTo(time)) => last >= time,
                Ok(Has::Unknown) => true,
                Ok(Has::Nothing) => {
                    let since = *gone_at.get_or_insert_with(|| clock.monotonic());
                    clock.monotonic().saturating_sub(since) >= GRACE
                }
                Err(_) => false,
            };
            if is_over || is_there {
                break;
            }
            clock.sleep(wait).await;
            wait = (wait * 2).min(most);
        }
        caught_up.store(true, Ordering::Release);
        self.changed.send_modify(|count| *count += 1);
    }

    /// The last line that has its end: another one is written when the container ends.
    async fn ask(&self) -> Result<Has, ClusterError> {
        let pods = Kind::known("", "v1", "Pod", "pods", true);
        match self.cluster.get(&pods, &self.namespace, &self.pod).await {
            Ok(Some(pod)) if pod.uid() == self.id.pod_uid => {}
            Ok(_) => return Ok(Has::Nothing),
            Err(error) if error.is_denied() && !error.is_unauthorized() => {}
            Err(error) => return Err(error),
        }
        let options = LogOptions {
            container: self.id.container.clone(),
            previous: self.previous,
            tail: Some(2),
            ..LogOptions::default()
        };
        let mut lines = match self.cluster.logs(&self.namespace, &self.pod, &options).await {
            Ok(lines) => lines,
            Err(error) if error.is_not_found() => return Ok(Has::Nothing),
            Err(error) if error.is_denied() && !error.is_unauthorized() => return Ok(Has::Unknown),
            // It has not begun.
            Err(error) if error.api().is_some_and(|status| status.code == 400) => return Ok(Has::UpTo(None)),
            Err(error) => return Err(error),
        };
        let mut last = None;
        while let Some(line) = lines.next().await {
            let line = line?;
            last = line.time.filter(|_| line.is_whole).or(last);
        }
        Ok(Has::UpTo(last))
    }

    /// The log on disk, and the time of its last line.
    async fn kept(&self) -> Option<(KeptLog, Option<Timestamp>)> {
        let (folder, id) = (self.folder.clone(), self.id.clone());
        let read = move || {
            let log = folder.logs().ok()?.into_iter().find(|log| id.is_of(&log.info))?;
            let last = log.last_time().ok()?;
            Some((log, last))
        };
        tokio::task::spawn_blocking(read).await.ok().flatten()
    }
}
