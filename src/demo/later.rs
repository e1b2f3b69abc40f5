//! What happens while a story is played: people ask for syncs, and commit.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::applications::ARGOCD;
use super::history::{self, Made};
use super::story::{LaterCommit, Story, Sync};
use crate::clock::Clock;
use crate::cluster::{Cluster, Kind, Patch, WriteOptions};

/// Starts it. `speed`: how much faster than written.
pub(super) fn set_going(
    story: &Story,
    repositories: &BTreeMap<String, Made>,
    cluster: &Cluster,
    clock: &Clock,
    speed: f64,
) -> Vec<JoinHandle<()>> {
    let mut tasks = Vec::new();
    for application in &story.applications {
        for sync in &application.syncs {
            let sleep = clock.sleep(faster(sync.at, speed));
            let (cluster, name, operation) = (cluster.clone(), application.name.clone(), operation(sync));
            tasks.push(tokio::spawn(async move {
                sleep.await;
                request(&cluster, &name, operation).await;
            }));
        }
    }
    // One task a repository: its commits follow one another.
    for (name, made) in repositories {
        let commits: Vec<LaterCommit> =
            story.commits.iter().filter(|commit| commit.repository == *name).cloned().collect();
        if !commits.is_empty() {
            tasks.push(tokio::spawn(work(made.folder.clone(), commits, clock.clone(), speed)));
        }
    }
    tasks
}

fn faster(time: Duration, speed: f64) -> Duration {
    Duration::try_from_secs_f64(time.as_secs_f64() / speed.max(0.001)).unwrap_or(Duration::MAX)
}

/// Commits to a repository, each at its time.
async fn work(folder: PathBuf, commits: Vec<LaterCommit>, clock: Clock, speed: f64) {
    let begin = clock.monotonic();
    let mut due: Vec<(Duration, usize, LaterCommit)> =
        commits.into_iter().map(|commit| (faster(commit.at, speed), 1, commit)).collect();
    while let Some(next) = due.iter().enumerate().min_by_key(|(_, (at, ..))| *at).map(|(index, _)| index) {
        let (at, n, later) = due.swap_remove(next);
        clock.sleep_until(begin.saturating_add(at)).await;
        if let Err(error) = history::commit(&folder, &later.commit.numbered(n), clock.now()).await {
            tracing::warn!(%error, "a commit of the demo was not made");
        }
        if let Some(every) = later.every {
            // Never more often than ten times a second, whatever the speed.
            let pause = faster(every, speed).max(Duration::from_millis(100));
            due.push((at.saturating_add(pause), n + 1, later));
        }
    }
}

fn operation(sync: &Sync) -> Value {
    let mut operation = json!({
        "initiatedBy": {"username": sync.by},
        "sync": if sync.what.is_null() { json!({}) } else { sync.what.clone() },
    });
    if !sync.retry.is_null() {
        operation["retry"] = sync.retry.clone();
    }
    operation
}

/// Asks for a sync, as a person would, unless one runs.
async fn request(cluster: &Cluster, name: &str, operation: Value) {
    let kind = Kind::known("argoproj.io", "v1alpha1", "Application", "applications", true);
    let busy = match cluster.get(&kind, ARGOCD, name).await {
        Ok(Some(application)) => application.at(&["operation"]).is_some(),
        Ok(None) | Err(_) => true,
    };
    if busy {
        return;
    }
    let patch = Patch::Merge(json!({"operation": operation, "status": {"operationState": null}}));
    if let Err(error) = cluster.patch(&kind, ARGOCD, name, &patch, &WriteOptions::default()).await {
        tracing::warn!(%error, name, "a sync of the demo was not asked for");
    }
}
