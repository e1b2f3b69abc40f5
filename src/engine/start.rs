//! Starting and stopping an engine, and handing each Application to its actor.

use std::collections::HashSet;
use std::collections::hash_map::{Entry, HashMap};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::watch as state;
use tokio::task::{JoinHandle, JoinSet};

use super::actor;
use super::error::EngineError;
use super::identity::Identity;
use super::lease::{Lease, Lost};
use super::mailbox::Mailbox;
use super::options::EngineOptions;
use super::record::application_kind;
use super::serve::{MetricsPort, serve};
use super::shared::Shared;
use crate::clock::Clock;
use crate::cluster::{Cluster, Selectors, WatchEvent, WatchOptions, watch};
use crate::domain::manifest::Object;

/// Pause before the work for an Application begins again that panicked.
const AFTER_PANIC: Duration = Duration::from_secs(10);

/// The controller of Applications.
#[derive(Debug, Clone, Copy)]
pub struct Engine;

impl Engine {
    /// Starts an engine on the running tokio runtime. It works until its handle is stopped or dropped.
    pub async fn start(cluster: Cluster, options: EngineOptions, clock: Clock) -> Result<Handle, EngineError> {
        // Whatever keeps the engine from its Applications is told now, not found in a log later.
        let page = crate::cluster::Page { limit: 1, token: String::new() };
        cluster.list_page(&application_kind(), &options.applications, &Selectors::default(), &page).await?;
        let identity = Identity::lock(&options.repo_cache)?;
        let shared = Shared::new(cluster, options, clock);
        let (cluster, control_plane) = (&shared.cluster, &shared.options.control_plane);
        shared.others.refuse_writers(cluster, control_plane, &shared.options.applications).await?;
        let lease = Arc::new(Lease::new(cluster.clone(), &identity.name, &shared.options));
        lease.acquire().await?;
        let task = tokio::spawn(work(Arc::clone(&shared), Arc::clone(&lease)));
        Ok(Handle { shared, lease, task: Some(task), _identity: identity })
    }
}

/// A running engine. Dropping it ends it at once, in the middle of whatever it does; nothing is lost by that.
pub struct Handle {
    shared: Arc<Shared>,
    lease: Arc<Lease>,
    task: Option<JoinHandle<()>>,
    _identity: Identity,
}

impl Handle {
    /// Stops all work, waits until nothing is sent any more, and gives the Lease back. An operation that runs stays
    /// `Running`: the next engine goes on with it.
    pub async fn stop(mut self) {
        self.shared.stop.cancel();
        if let Some(task) = self.task.take() {
            // It ends by itself; that it was aborted or panicked is the same to us.
            drop(task.await);
        }
        self.lease.release().await;
    }

    /// Waits until the engine stops by itself, and says why: the Lease is lost, or Argo CD is at work.
    pub async fn ended(&self) -> EngineError {
        self.shared.stop.cancelled().await;
        let reason = self.shared.reason.lock().unwrap_or_else(PoisonError::into_inner).clone();
        reason.unwrap_or_else(|| EngineError::OtherController("somebody who stopped it".to_owned()))
    }

    /// Why nothing is done just now, if that is so: the Lease could not be renewed, since the API server does not answer.
    /// The work goes on by itself once it does.
    pub fn suspended(&self) -> state::Receiver<Option<String>> {
        self.shared.suspended.subscribe()
    }

    /// Answers `/healthz` and `/metrics` for as long as the engine works. Needs a tokio runtime.
    pub fn serve(&self, port: MetricsPort) {
        serve(Arc::clone(&self.shared), port);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.stop.cancel();
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

type Name = (String, String);

/// Works while the Lease is held. Where the API server was away for too long, that is as after a crash: everything needed
/// to go on stands in the cluster, once the Lease is taken back.
async fn work(shared: Arc<Shared>, lease: Arc<Lease>) {
    loop {
        let lost = tokio::select! {
            () = supervise(Arc::clone(&shared)) => return,
            // The actors end with that future: whoever holds the Lease now may work already.
            lost = lease.keep() => lost,
        };
        let regained = match lost {
            Lost::To(who) => Err(who),
            Lost::Unrenewed(reason) => {
                tracing::error!(reason, "nothing is done without the Lease, which cannot be renewed");
                shared.suspend(Some(reason));
                tokio::select! {
                    regained = lease.regain() => regained,
                    () = shared.stop.cancelled() => return,
                }
            }
        };
        if let Err(who) = regained {
            return shared.give_up(EngineError::LeaseLost(format!("now it is that of {who}")));
        }
        tracing::info!("the Lease is taken back, and the work goes on");
        shared.suspend(None);
    }
}

/// Gives each Application an actor, until the engine is to stop. The actors end with this future.
async fn supervise(shared: Arc<Shared>) {
    let mut mailboxes: HashMap<Name, Arc<Mailbox>> = HashMap::new();
    let mut actors = JoinSet::new();
    let mut listed: HashSet<Name> = HashSet::new();
    let kind = application_kind();
    let (scope, selectors) = (shared.options.applications.clone(), Selectors::default());
    let mut events = pin!(watch::<Object>(&shared.cluster, &kind, &scope, &selectors, WatchOptions::default()));
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            Some(_) = actors.join_next() => continue,
            () = shared.stop.cancelled() => break,
        };
        shared.figures.applications(mailboxes.len());
        let Some(event) = event else { break };
        match event {
            WatchEvent::Listing => listed.clear(),
            WatchEvent::Item(object) => {
                listed.insert(name_of(&object));
                deliver(&shared, &mut mailboxes, &mut actors, object);
            }
            WatchEvent::Listed => mailboxes.retain(|name, mailbox| {
                let is_there = listed.contains(name);
                if !is_there {
                    mailbox.close();
                }
                is_there
            }),
            WatchEvent::Applied(object) => deliver(&shared, &mut mailboxes, &mut actors, object),
            WatchEvent::Deleted(object) => {
                if let Some(mailbox) = mailboxes.remove(&name_of(&object)) {
                    mailbox.close();
                }
            }
            WatchEvent::Unreadable(unreadable) => {
                tracing::warn!(name = unreadable.name, reason = unreadable.reason, "an Application cannot be read");
            }
            WatchEvent::Interrupted { error, .. } => tracing::warn!(%error, "Applications are not watched"),
        }
    }
    while actors.join_next().await.is_some() {}
}

fn deliver(
    shared: &Arc<Shared>,
    mailboxes: &mut HashMap<Name, Arc<Mailbox>>,
    actors: &mut JoinSet<()>,
    object: Object,
) {
    let object = Arc::new(object);
    match mailboxes.entry(name_of(&object)) {
        Entry::Occupied(known) => known.get().put(object),
        Entry::Vacant(new) => {
            let mailbox = new.insert(Arc::new(Mailbox::new(object)));
            actors.spawn(work_for(Arc::clone(shared), Arc::clone(mailbox)));
        }
    }
}

/// An actor's task.
async fn work_for(shared: Arc<Shared>, mailbox: Arc<Mailbox>) {
    let run = || actor::run(Arc::clone(&shared), Arc::clone(&mailbox));
    let panicked = || {
        let name = mailbox.latest().map(|object| object.name().to_owned()).unwrap_or_default();
        tracing::error!(application = name, "the work for an Application panicked; it begins again");
    };
    tokio::select! {
        () = again_after_panics(&shared.clock, run, panicked) => {}
        // Also while it pauses.
        () = shared.stop.cancelled() => {}
    }
}

/// Runs to the end. A panic, which is a defect of ours, ends the work for one Application for a moment, not for ever: what
/// is needed to go on stands in the cluster.
async fn again_after_panics<F: Future<Output = ()>>(clock: &Clock, run: impl Fn() -> F, panicked: impl Fn()) {
    while AssertUnwindSafe(run()).catch_unwind().await.is_err() {
        panicked();
        clock.sleep(AFTER_PANIC).await;
    }
}

fn name_of(object: &Object) -> Name {
    (object.namespace().to_owned(), object.name().to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use jiff::Timestamp;

    use super::*;

    #[tokio::test]
    async fn work_that_panics_begins_again_after_a_pause_and_that_of_others_goes_on() {
        let (clock, driver) = Clock::driven(Timestamp::UNIX_EPOCH);
        let (runs, panics) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        // What both share, and one of them uses while it panics.
        let (turns, figures) = (Arc::new(tokio::sync::Semaphore::new(1)), Arc::new(std::sync::Mutex::new(0)));
        let mut actors = JoinSet::new();
        let defect = {
            let (clock, runs, panics) = (clock.clone(), Arc::clone(&runs), Arc::clone(&panics));
            let (turns, figures) = (Arc::clone(&turns), Arc::clone(&figures));
            async move {
                let run = || async {
                    let _turn = turns.acquire().await;
                    let _figures = figures.lock().unwrap_or_else(PoisonError::into_inner);
                    assert!(runs.fetch_add(1, Ordering::SeqCst) == 2, "a defect, as this test wants it");
                };
                let panicked = || {
                    panics.fetch_add(1, Ordering::SeqCst);
                };
                again_after_panics(&clock, run, panicked).await;
            }
        };
        actors.spawn(defect);
        for panicked in 1..=2 {
            driver.wait_for_sleepers(1).await;
            assert_eq!(panics.load(Ordering::SeqCst), panicked);
            let other =
                || async { drop((turns.acquire().await, figures.lock().unwrap_or_else(PoisonError::into_inner))) };
            again_after_panics(&clock, other, || panic!("it has no defect")).await;
            driver.advance(AFTER_PANIC);
        }
        assert!(actors.join_next().await.unwrap().is_ok());
        assert_eq!((runs.load(Ordering::SeqCst), panics.load(Ordering::SeqCst)), (3, 2));
    }
}
