//! `ApplyOutOfSyncOnly=true`: which manifests differ from what lives, at this moment.

use std::collections::HashSet;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, stream};

use super::ignore::Rule;
use super::judge::{Judged, Question};
use crate::domain::application::SyncStatus;
use crate::domain::hook::{Classification, classify};
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::sync_options::SyncOptions;
use crate::engine::destination::{Destination, Known};
use crate::engine::operate::{World, key_in};
use crate::engine::problem::Problem;

/// How the manifests are compared.
pub(in crate::engine) struct Sieve<'a> {
    /// The cluster.
    pub(in crate::engine) destination: &'a Destination,
    /// Its kinds.
    pub(in crate::engine) known: &'a Known,
    /// What lives under the manifests' keys.
    pub(in crate::engine) world: &'a World,
    /// What does not count.
    pub(in crate::engine) rules: &'a [Rule],
    /// The operation's options.
    pub(in crate::engine) options: &'a SyncOptions,
    /// Namespace for manifests that name none.
    pub(in crate::engine) namespace: &'a str,
    /// How many requests are sent at the same time.
    pub(in crate::engine) parallel: usize,
}

impl Sieve<'_> {
    /// The keys of the manifests that differ. Asked of the cluster, not taken from the last comparison: what changed since
    /// would be passed over.
    pub(in crate::engine) async fn differing(&self, targets: &[Arc<Object>]) -> Result<HashSet<ObjectKey>, Problem> {
        let judged = Judged::default();
        let resources = targets.iter().filter(|target| classify(target) == Classification::Resource);
        // Boxed, since the compiler cannot see that futures of a closure may be sent to another thread.
        let questions: Vec<BoxFuture<'_, _>> = resources.map(|target| self.judge(target, &judged).boxed()).collect();
        let answers: Vec<_> = stream::iter(questions).buffered(self.parallel.max(1)).collect().await;
        let answers: Vec<Option<ObjectKey>> = answers.into_iter().collect::<Result<_, _>>()?;
        Ok(answers.into_iter().flatten().collect())
    }

    async fn judge(&self, target: &Arc<Object>, judged: &Judged) -> Result<Option<ObjectKey>, Problem> {
        let key = key_in(self.known, target, self.namespace);
        let kind = self.known.kinds.find_version(target.group(), target.version(), target.kind());
        let Some(kind) = kind else { return Ok(Some(key)) };
        let question = Question {
            cluster: &self.destination.cluster,
            kind,
            key: &key,
            target,
            rules: self.rules,
            options: self.options,
            judged,
        };
        let answer = question.ask(self.world.get(&key)).await;
        let (status, _) = answer.map_err(|error| self.destination.problem(&error))?;
        Ok((status != SyncStatus::Synced).then_some(key))
    }
}
