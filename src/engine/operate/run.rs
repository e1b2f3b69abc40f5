//! One operation while it runs, and what all its parts need: what is known of it, its time, its cluster, and waiting.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::prepare::{Place, Prepared};
use crate::cluster::{Kinds, Scope};
use crate::domain::application::Application;
use crate::domain::manifest::Object;
use crate::domain::operation::OperationPhase;
use crate::domain::step::{Outcome, Progress};
use crate::engine::actor::read;
use crate::engine::destination::Destination;
use crate::engine::mailbox::Mailbox;
use crate::engine::perform::Performer;
use crate::engine::pool::{Interest, Subscription};
use crate::engine::problem::Problem;
use crate::engine::record::project_kind;
use crate::engine::secret::secret_kind;
use crate::engine::shared::Shared;
use crate::engine::targets::check_recorded;

/// Pause before a cluster is asked again that did not answer.
pub(super) const AGAIN: SignedDuration = SignedDuration::from_secs(1);

/// Whether the operation goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Go {
    /// It does.
    On,
    /// It is over, was replaced, or the Application is gone.
    Over,
}

/// There is nothing to do until the bell rings, or until a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pause {
    pub(super) until: Option<Timestamp>,
}

/// One operation while it runs.
pub(super) struct Run<'a> {
    pub(super) shared: &'a Shared,
    pub(super) mailbox: &'a Arc<Mailbox>,
    pub(super) object: Arc<Object>,
    pub(super) application: Application,
    pub(super) last_start: Option<Timestamp>,
    /// How much later than it is the operation's clock is: it begins later than every operation before, although several
    /// may begin within one second.
    pub(super) ahead: SignedDuration,
    pub(super) progress: Progress,
    /// The state as it stands in the Application.
    pub(super) written: Option<Value>,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) prepared: Option<(Place, Prepared)>,
    /// The project in `prepared` was read for this very pass.
    pub(super) is_project_fresh: bool,
    /// Rings the bell when the project changes: its windows may let the operation go on.
    _project: Subscription,
    /// The same for the Secrets of clusters, where it goes to one of them: its credential may be replaced.
    pub(super) clusters: Option<Subscription>,
    /// Why the operation that was taken over cannot be read. What could be read of it is written down as it goes on, so
    /// this is kept.
    pub(super) unreadable: Option<Problem>,
    /// What ends the operation, while its hooks are ended first.
    pub(super) ended_by: Option<String>,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        mailbox: &'a Arc<Mailbox>,
        object: &Arc<Object>,
        last_start: Option<Timestamp>,
    ) -> Self {
        let object = Arc::clone(object);
        let application = read(shared, &object);
        Self {
            _project: subscribe_to_project(shared, mailbox, &application),
            application,
            written: object.at(&["status", "operationState"]).cloned(),
            shared,
            mailbox,
            object,
            last_start,
            ahead: SignedDuration::ZERO,
            progress: Progress::default(),
            outcomes: Vec::new(),
            prepared: None,
            is_project_fresh: false,
            clusters: None,
            unreadable: None,
            ended_by: None,
        }
    }
}

impl Run<'_> {
    /// Start of the operation, once it is accepted.
    pub(super) fn started_at(&self) -> Option<Timestamp> {
        self.progress.state.started_at
    }

    /// The operation's time, which never is before its start.
    pub(super) fn now(&self) -> Timestamp {
        let now = self.shared.clock.now();
        let now = now.checked_add(self.ahead).unwrap_or(now);
        self.started_at().map_or(now, |start| now.max(start))
    }

    /// Sets the operation's clock to a start that may be a little later than now.
    pub(super) fn set_clock(&mut self, start: Option<Timestamp>) {
        let now = self.shared.clock.now();
        self.ahead = start.map(|start| start.duration_since(now)).unwrap_or_default().max(SignedDuration::ZERO);
    }

    pub(super) fn performer<'p>(&'p self, destination: &'p Destination, kinds: &'p Kinds) -> Performer<'p> {
        let parallel = self.shared.options.parallel_requests;
        Performer { destination, kinds, clock: &self.shared.clock, parallel }
    }

    pub(super) async fn cluster(&self) -> Result<(Arc<Destination>, Arc<Kinds>), Problem> {
        let destination = self.shared.destinations.resolve(&self.application.spec.destination).await?;
        let known = self.shared.at(&destination, destination.known()).await;
        let known = known.map_err(|error| Problem::cluster(&error))?;
        Ok((destination, known.kinds))
    }

    /// Rings the bell when a Secret changes beside the Applications. Of these only the metadata is read.
    pub(super) fn subscribe_to_clusters(&self) -> Subscription {
        let scope = Scope::Namespace(self.shared.options.control_plane.clone());
        self.shared.pool.notice(&self.shared.cluster, &secret_kind(), &scope, Arc::clone(&self.mailbox.bell))
    }

    /// Notes whether what the status tells of the operation cannot be read: another controller began it, or somebody has
    /// changed it since. It ends where its plan is to be made.
    pub(super) fn check_recorded(&mut self) {
        if let Err(problem) = check_recorded(&self.object) {
            self.unreadable = Some(problem);
            self.prepared = None;
        }
    }

    /// Waits for the bell, a time, or the end of the engine.
    pub(super) async fn wait(&self, pause: Pause) {
        let alarm = async {
            match pause.until {
                Some(until) => {
                    let left = until.duration_since(self.now());
                    self.shared.clock.sleep(Duration::try_from(left).unwrap_or_default()).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.mailbox.bell.notified() => {}
            () = alarm => {}
            () = self.shared.stop.cancelled() => {}
        }
    }

    pub(super) fn is_terminating(&self) -> bool {
        self.progress.state.phase == Some(OperationPhase::Terminating)
    }

    pub(super) fn is_waiting_for_retry(&self) -> bool {
        self.progress.state.is_waiting_for_retry()
    }
}

fn subscribe_to_project(shared: &Shared, mailbox: &Mailbox, application: &Application) -> Subscription {
    let control_plane = shared.options.control_plane.clone();
    let name = (control_plane.clone(), application.project().to_owned());
    let interest = Interest { names: [name].into(), ..Interest::default() };
    let (scope, bell) = (Scope::Namespace(control_plane), Arc::clone(&mailbox.bell));
    shared.pool.subscribe(&shared.cluster, &project_kind(), &scope, interest, bell)
}
