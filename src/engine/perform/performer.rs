//! Carrying out the actions of one step.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, stream};

use super::apply::apply;
use super::change::{delete, remove_finalizer};
use super::schema::is_against_schema;
use crate::clock::Clock;
use crate::cluster::{Cluster, ClusterError, Kind, Kinds};
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::step::{Action, Outcome, Step};
use crate::engine::destination::Destination;

/// First pause after a request that got no answer and can be repeated without harm.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Longest one.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How often a request is tried that gets no answer, before somebody else may work meanwhile.
const TRIES: u32 = 4;
/// How often a request is tried that is answered with an internal error.
const INTERNAL: u32 = 5;

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
    /// Carries out the actions of a step, group by group: their outcomes, in the same order. Where the cluster does not
    /// answer those are left out that nobody knows, and the rest is not begun, as if the engine had died there: the second
    /// value says why.
    pub(crate) async fn perform(&self, step: &Step) -> (Vec<Outcome>, Option<ClusterError>) {
        let mut outcomes = Vec::with_capacity(step.actions.len());
        for group in step.groups() {
            // Boxed, since the compiler cannot see that futures of a closure may be sent to another thread.
            let requests: Vec<BoxFuture<'_, Result<Outcome, ClusterError>>> =
                group.iter().map(|action| self.act(action).boxed()).collect();
            let done: Vec<_> = stream::iter(requests).buffered(self.parallel.max(1)).collect().await;
            let mut unanswered = None;
            for outcome in done {
                match outcome {
                    Ok(outcome) => outcomes.push(outcome),
                    Err(error) => unanswered = Some(error),
                }
            }
            if unanswered.is_some() {
                return (outcomes, unanswered);
            }
        }
        (outcomes, None)
    }

    /// Removes the hook finalizer of a hook that nobody looks after any more. That it fails is only told.
    pub(crate) async fn let_go(&self, object: &ObjectKey, uid: &str) {
        let error = match remove_finalizer(self, object, uid).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error,
            Err(error) => error.to_string(),
        };
        tracing::warn!(%object, error, "a hook keeps its finalizer");
    }

    /// As [`Performer::let_go`], of the object that lives there now, if it is meant.
    pub(crate) async fn let_go_if(&self, object: &ObjectKey, is_meant: impl Fn(&Object) -> bool) {
        match self.read(object).await {
            Ok(Some(live)) if is_meant(&live) => self.let_go(object, live.uid()).await,
            Ok(_) => {}
            Err(error) => tracing::warn!(%object, %error, "nobody can tell whether a hook keeps its finalizer"),
        }
    }

    async fn act(&self, action: &Action) -> Result<Outcome, ClusterError> {
        Ok(match action {
            Action::Apply(action) => {
                let result = apply(self, action).await;
                Outcome::Apply { task: action.task.clone(), dry_run: action.dry_run, result }
            }
            Action::Delete(action) => {
                Outcome::Delete { delete: (**action).clone(), result: delete(self, action).await? }
            }
            Action::RemoveFinalizer { task, object, uid } => {
                let result = remove_finalizer(self, object, uid).await?;
                Outcome::RemoveFinalizer { task: task.clone(), uid: uid.clone(), result }
            }
            Action::Read { object } => {
                let found = self.read(object).await;
                let result = found.map(|object| object.map(Arc::new)).map_err(|error| told(&error));
                Outcome::Read { object: object.clone(), result }
            }
        })
    }

    async fn read(&self, object: &ObjectKey) -> Result<Option<Object>, ClusterError> {
        match self.kind(object).await? {
            // Of a kind that does not exist there are no objects.
            None => Ok(None),
            Some(kind) => self.repeat(|| self.cluster().get(&kind, &object.namespace, &object.name)).await,
        }
    }

    pub(super) fn cluster(&self) -> &Cluster {
        &self.destination.cluster
    }

    /// The kind of a manifest, in its version. One that is missing may have come with a definition since. An error: nobody
    /// knows, because its server does not answer.
    pub(super) async fn kind_of(&self, manifest: &Object) -> Result<Option<Kind>, ClusterError> {
        let (group, version, kind) = (manifest.group(), manifest.version(), manifest.kind());
        if let Some(known) = self.kinds.find_version(group, version, kind) {
            return Ok(Some(known.clone()));
        }
        let known = self.destination.known().await?;
        known.kinds.look_up(group, kind)?;
        Ok(known.kinds.find_version(group, version, kind).cloned())
    }

    /// The kind of an object, in the preferred version. An error: nobody knows, because its server does not answer.
    pub(super) async fn kind(&self, object: &ObjectKey) -> Result<Option<Kind>, ClusterError> {
        if let Some(known) = self.kinds.find(&object.group, &object.kind) {
            return Ok(Some(known.clone()));
        }
        let known = self.destination.known().await?;
        Ok(known.kinds.look_up(&object.group, &object.kind)?.cloned())
    }

    /// Sends a request that does no harm when it is repeated, until there is an answer or so many were tried.
    pub(super) async fn repeat<T, F>(&self, send: impl Fn() -> F) -> Result<T, ClusterError>
    where
        F: Future<Output = Result<T, ClusterError>>,
    {
        let is_worth_it =
            |error: &ClusterError, tried| is_worth_trying_again(error, tried) || may_pass(error) && tried < TRIES;
        self.again(is_worth_it, send).await
    }

    /// Sends something again that is answered with an internal error, a few times.
    pub(super) async fn again_after_internal_errors<T, F>(&self, send: impl Fn() -> F) -> Result<T, ClusterError>
    where
        F: Future<Output = Result<T, ClusterError>>,
    {
        self.again(is_worth_trying_again, send).await
    }

    async fn again<T, F>(
        &self,
        is_worth_it: impl Fn(&ClusterError, u32) -> bool,
        send: impl Fn() -> F,
    ) -> Result<T, ClusterError>
    where
        F: Future<Output = Result<T, ClusterError>>,
    {
        let mut pause = FIRST_PAUSE;
        let mut tried = 0;
        loop {
            tried += 1;
            match send().await {
                Err(error) if is_worth_it(&error, tried) => {
                    tracing::warn!(%error, tried, "a request is tried again");
                    self.clock.sleep(error.retry_after().unwrap_or(pause)).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                answer => return answer,
            }
        }
    }
}

/// The API server calls an error its own (500). That may pass, as when one of its replicas goes down, or not: a webhook
/// that fails and a field that the schema does not know are told that way too. So it is tried a few times and then
/// believed, or an operation would hide the reason for ever. Where the storage did not answer in time it passes.
pub(super) fn is_internal(error: &ClusterError) -> bool {
    let is_late = |message: &str| {
        let is_of_storage = ["etcdserver", "deadline exceeded", "timed out"].iter().any(|word| message.contains(word));
        is_of_storage && !message.contains("webhook")
    };
    error.api().is_some_and(|status| status.code == 500 && !is_late(&status.message))
}

/// The same request may succeed later, however often it is tried: no answer came, or one that it is too early.
pub(super) fn may_pass(error: &ClusterError) -> bool {
    (error.is_outcome_unknown() || error.is_transient()) && !is_internal(error)
}

/// The schema does not change between two tries.
fn is_worth_trying_again(error: &ClusterError, tried: u32) -> bool {
    is_internal(error) && !is_against_schema(error) && tried < INTERNAL
}

/// An error as results tell it: the API server's own words where there are any.
pub(super) fn told(error: &ClusterError) -> String {
    match error.api() {
        Some(status) if !status.message.is_empty() => status.message.clone(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ApiError;

    #[test]
    fn of_internal_errors_only_those_of_the_storage_pass_for_sure() {
        let answered = |is_write: bool, code: u16, message: &str| {
            let status = ApiError { code, message: message.to_owned(), ..ApiError::default() };
            ClusterError::from_status("apply".to_owned(), is_write, status)
        };
        for (code, message) in [(500, "failed calling webhook"), (500, "etcdserver: request timed out"), (503, "")] {
            let (read, write) = (answered(false, code, message), answered(true, code, message));
            assert!(write.is_outcome_unknown() && !read.is_outcome_unknown());
            assert_eq!(is_internal(&read), is_internal(&write), "{code} {message}");
            assert_eq!(may_pass(&read), may_pass(&write), "{code} {message}");
        }
        let error = |code: u16, message: &str| answered(true, code, message);
        assert!(is_internal(&error(500, "Internal error occurred")));
        assert!(!is_internal(&error(503, "the server is currently unable to handle the request")));
        assert!(!is_internal(&error(500, "etcdserver: request timed out")));
        assert!(!is_internal(&error(500, "context deadline exceeded")));
        assert!(may_pass(&error(500, "context deadline exceeded")) && may_pass(&error(503, "")));
        let webhook = "failed calling webhook \"a.example.com\": Post \"https://a\": context deadline exceeded";
        assert!(is_internal(&error(500, webhook)));
        assert!(is_worth_trying_again(&error(500, webhook), 1));
        assert!(!is_worth_trying_again(&error(500, webhook), INTERNAL));
        assert!(!is_worth_trying_again(&error(500, ".spec.x: field not declared in schema"), 1));
        let typed =
            "failed to create typed patch object (a/b; /v1, Kind=Secret): .stringData.a: expected string, got 1";
        assert!(!is_worth_trying_again(&error(500, typed), 1));
    }
}
