//! What all actors of an engine share.

use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::controller::Others;
use super::destination::{Destination, Destinations};
use super::error::EngineError;
use super::figures::Figures;
use super::options::EngineOptions;
use super::pool::{Interest, Pool, Subscription};
use super::record::project_kind;
use super::targets::{Fetched, Renderings, instance_name};
use crate::clock::Clock;
use crate::cluster::{Cluster, Scope};
use crate::domain::application::AppKey;
use crate::git::Repositories;

/// What all actors of an engine share.
pub(crate) struct Shared {
    /// The cluster in which the Applications live.
    pub(crate) cluster: Cluster,
    /// The time.
    pub(crate) clock: Clock,
    /// How the engine works.
    pub(crate) options: EngineOptions,
    /// What lives in all clusters.
    pub(crate) pool: Pool,
    /// The clusters that applications go to.
    pub(crate) destinations: Destinations,
    /// The projects.
    pub(crate) projects: Subscription,
    /// Repositories on disk.
    pub(crate) repositories: Repositories,
    /// When they were fetched.
    pub(crate) fetched: Fetched,
    /// What was rendered lately.
    pub(crate) renderings: Renderings,
    /// Held while an application is worked on, not while it waits.
    pub(crate) workers: Semaphore,
    /// What was done so far.
    pub(crate) figures: Figures,
    /// Whether Argo CD is at work.
    pub(crate) others: Others,
    /// Why nothing is done just now: the Lease is not held.
    pub(crate) suspended: watch::Sender<Option<String>>,
    /// Why the engine stops by itself.
    pub(crate) reason: Mutex<Option<EngineError>>,
    /// Cancelled when the engine is to stop.
    pub(crate) stop: CancellationToken,
}

impl Shared {
    /// Needs a tokio runtime.
    pub(super) fn new(cluster: Cluster, options: EngineOptions, clock: Clock) -> Arc<Self> {
        let pool = Pool::default();
        let scope = Scope::Namespace(options.control_plane.clone());
        let nobody = Arc::new(Notify::new());
        let projects = pool.subscribe(&cluster, &project_kind(), &scope, Interest::default(), nobody);
        Arc::new(Self {
            destinations: Destinations::new(cluster.clone(), &options.control_plane, options.workers.max(1)),
            repositories: Repositories::new(options.repo_cache.clone(), clock.clone(), options.fetch),
            fetched: Fetched::default(),
            renderings: Renderings::default(),
            workers: Semaphore::new(options.workers.max(1)),
            figures: Figures::default(),
            others: Others::default(),
            suspended: watch::Sender::default(),
            reason: Mutex::default(),
            stop: CancellationToken::new(),
            cluster,
            clock,
            options,
            pool,
            projects,
        })
    }

    /// Says that nothing is done just now, and why; or that the work goes on.
    pub(crate) fn suspend(&self, reason: Option<String>) {
        self.figures.has_lease(reason.is_none());
        self.suspended.send_replace(reason);
    }

    /// Stops the engine. The first reason counts.
    pub(crate) fn give_up(&self, reason: EngineError) {
        tracing::error!(%reason, "the engine stops");
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
        self.stop.cancel();
    }

    /// Waits for something outside, as somebody who has a turn of `workers`: somebody else has it meanwhile.
    pub(crate) async fn lend<T>(&self, outside: impl Future<Output = T>) -> T {
        self.workers.add_permits(1);
        // Also where this is dropped: whoever dropped it gives its own turn back.
        let lent = Lent(&self.workers);
        let result = outside.await;
        if let Ok(turn) = self.workers.acquire().await {
            std::mem::forget(lent);
            turn.forget();
        }
        result
    }

    /// Works in a cluster, as somebody who has a turn of `workers`. Another cluster than the one that the Applications live
    /// in has turns of its own: where it does not answer, only what goes there waits.
    pub(crate) fn at<'a, T: Send + 'a>(
        &'a self,
        destination: &'a Destination,
        work: impl Future<Output = T> + Send + 'a,
    ) -> BoxFuture<'a, T> {
        let work = work.boxed();
        let Some(turns) = &destination.turns else { return work };
        let there = async {
            // It is never closed.
            let _turn = turns.acquire().await.ok();
            work.await
        };
        self.lend(there).boxed()
    }

    /// What tracking ids call an application.
    pub(crate) fn instance(&self, key: &AppKey) -> String {
        instance_name(key, &self.options.control_plane)
    }
}

/// A turn that somebody else has.
struct Lent<'a>(&'a Semaphore);

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.0.forget_permits(1);
    }
}
