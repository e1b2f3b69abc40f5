//! Carrying out the actions of one step.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, stream};

use super::apply::apply;
use super::change::{delete, remove_finalizer};
use crate::clock::Clock;
use crate::cluster::{Cluster, ClusterError, Kind, Kinds};
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::step::{Action, Outcome, Step};
use crate::engine::destination::Destination;

/// First pause after a request that got no answer and can be repeated without harm.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Longest one.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How often a read is tried before its error is told.
const READS: u32 = 4;

/// Carries out actions in one cluster.
pub(crate) struct Performer<'a> {
    /// The cluster.
    pub(crate) destination: &'a Destination,
    /// Its kinds, as they were known last.
    pub(crate) kinds: &'a Kinds,
    /// The time.
    pub(crate) clock: &'a Clock,
    /// How many requests are sent at the same time.
    pub(crate) parallel: usize,
}

impl Performer<'_> {
    /// Carries out the actions of a step, group by group. As many outcomes as actions, in the same order.
    pub(crate) async fn perform(&self, step: &Step) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(step.actions.len());
        for group in step.groups() {
            // Boxed, since the compiler cannot see that futures of a closure may be sent to another thread.
            let requests: Vec<BoxFuture<'_, Outcome>> = group.iter().map(|action| self.act(action).boxed()).collect();
            let mut done: Vec<Outcome> = stream::iter(requests).buffered(self.parallel.max(1)).collect().await;
            outcomes.append(&mut done);
        }
        outcomes
    }

    async fn act(&self, action: &Action) -> Outcome {
        match action {
            Action::Apply(action) => {
                let result = apply(self, action).await;
                Outcome::Apply { task: action.task.clone(), dry_run: action.dry_run, result }
            }
            Action::Delete(action) => {
                Outcome::Delete { delete: (**action).clone(), result: delete(self, action).await }
            }
            Action::RemoveFinalizer { task, object, uid } => {
                let result = remove_finalizer(self, object, uid).await;
                Outcome::RemoveFinalizer { task: task.clone(), uid: uid.clone(), result }
            }
            Action::Read { object } => {
                let result = match self.kind(object) {
                    // Of a kind that does not exist there are no objects.
                    None => Ok(None),
                    Some(kind) => {
                        let read = || self.cluster().get(kind, &object.namespace, &object.name);
                        let found = self.repeat(Some(READS), read).await;
                        found.map(|object| object.map(Arc::new)).map_err(|error| told(&error))
                    }
                };
                Outcome::Read { object: object.clone(), result }
            }
        }
    }

    pub(super) fn cluster(&self) -> &Cluster {
        &self.destination.cluster
    }

    /// The kind of a manifest, in its version. One that is missing may have come with a definition since.
    pub(super) async fn kind_of(&self, manifest: &Object) -> Option<Kind> {
        let (group, version, kind) = (manifest.group(), manifest.version(), manifest.kind());
        if let Some(known) = self.kinds.find_version(group, version, kind) {
            return Some(known.clone());
        }
        let known = self.destination.known().await.ok()?;
        known.kinds.find_version(group, version, kind).cloned()
    }

    /// The kind of an object, in the preferred version.
    pub(super) fn kind(&self, object: &ObjectKey) -> Option<&Kind> {
        self.kinds.find(&object.group, &object.kind)
    }

    /// Sends a request that does no harm when it is repeated, until there is an answer or so many were tried.
    pub(super) async fn repeat<T, F>(&self, tries: Option<u32>, send: impl Fn() -> F) -> Result<T, ClusterError>
    where
        F: Future<Output = Result<T, ClusterError>>,
    {
        let mut pause = FIRST_PAUSE;
        let mut tried = 0;
        loop {
            tried += 1;
            match send().await {
                Err(error)
                    if (error.is_transient() || error.is_outcome_unknown())
                        && tries.is_none_or(|tries| tried < tries) =>
                {
                    self.clock.sleep(error.retry_after().unwrap_or(pause)).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                answer => return answer,
            }
        }
    }
}

/// An error as results tell it: the API server's own words where there are any.
pub(super) fn told(error: &ClusterError) -> String {
    match error.api() {
        Some(status) if !status.message.is_empty() => status.message.clone(),
        _ => error.to_string(),
    }
}
