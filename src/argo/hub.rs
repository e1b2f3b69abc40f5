//! The hub: the one task that owns what is known.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;

use super::active::Active;
use super::capture::Capture;
use super::command::Command;
use super::controllers::Controllers;
use super::destinations::DestinationRef;
use super::feeds::{Feed, FeedKey};
use super::fleet::{Fleet, Wanted};
use super::hub_fleet::interrupted;
use super::hub_projects::Home;
use super::identity::{Identity, Known};
use super::message::Message;
use super::options::Options;
use super::outbox::Outbox;
use super::place::Place;
use super::repositories::Repos;
use super::start;
use crate::cluster::Cluster;
use crate::domain::application::AppKey;
use crate::domain::live::{LiveEvent, RequestId, Rights, WatchState, Watched};
use crate::domain::project::Project;
use crate::store::{Clusters, State};

/// Reports that wait for the hub; then their senders wait.
const QUEUE: usize = 1024;
/// Reports that are taken in between two looks at what is to be told.
const BATCH: usize = 256;

/// Applications whose commits are read at the same time.
const GLANCES: usize = 4;

/// Everything that is known.
pub(super) struct Hub {
    pub cluster: Cluster,
    /// As in [`AppKey::cluster`].
    pub name: Arc<str>,
    pub options: Arc<Options>,
    pub sender: mpsc::Sender<Message>,
    pub outbox: Outbox,
    pub place: Option<Place>,
    pub fleet: Fleet,
    /// The keys of `active` and `shown`, for who reads Applications as they arrive.
    pub wanted: Wanted,
    pub fleet_live: Option<Timestamp>,
    pub fleet_is_live: bool,
    pub active: HashMap<AppKey, Active>,
    pub feeds: HashMap<FeedKey, Feed>,
    /// The last number that was given: no two are the same.
    pub serial: u64,
    /// Destinations that were resolved or are being.
    pub destinations: HashMap<DestinationRef, super::active::Destination>,
    /// When a destination was last asked again what kinds it has, in the clock's monotonic time.
    pub discovered: HashMap<DestinationRef, Duration>,
    /// Why there is no way to a destination.
    pub no_way: HashMap<DestinationRef, String>,
    /// By namespace and name.
    pub projects: HashMap<(String, String), Arc<Project>>,
    /// The namespaces whose projects are watched.
    pub homes: HashMap<String, Home>,
    pub controllers: Controllers,
    pub rights: Vec<Rights>,
    pub requests: BTreeMap<RequestId, AppKey>,
    pub capture: Option<Capture>,
    pub repos: Repos,
    /// What the cluster is called on disk.
    pub identity: Identity,
    identify: watch::Sender<Known>,
    /// What is on a screen.
    pub shown: HashMap<AppKey, super::glance::Shown>,
    pub glances: Arc<tokio::sync::Semaphore>,
    pub tasks: Vec<AbortHandle>,
    pub stopping: Vec<oneshot::Sender<()>>,
    /// Those who wait until an application's logs are on disk.
    pub waiting: Vec<super::logs::Waiting>,
    /// Those that were opened, and of which not everything is told yet.
    pub unsettled: Vec<AppKey>,
    /// Requests that wait until the situation is known, until this time at the latest.
    pub pending: Vec<(Duration, super::hub_requests::Pending)>,
    /// The last attempt to reach the cluster of the Applications failed.
    pub out_of_reach: bool,
}

/// Runs until it is stopped, or nobody listens and nobody asks any more.
pub(super) async fn run(
    cluster: Cluster,
    options: Options,
    identify: watch::Sender<Known>,
    mut commands: mpsc::UnboundedReceiver<Command>,
    events: mpsc::Sender<LiveEvent>,
) {
    let (sender, mut inbox) = mpsc::channel(QUEUE);
    let mut hub = Hub::new(cluster, options, identify, sender);
    hub.begin();
    let clock = hub.cluster.clock().clone();
    let none = watch::Sender::new(0);
    let mut written = hub.capture.as_ref().map_or(&none, |own| &own.changed).subscribe();
    let mut reader = true;
    let mut asked = true;
    while (reader || asked || hub.has_requests()) && !hub.is_stopped() {
        let deadline = hub.next_deadline();
        tokio::select! {
            permit = events.reserve(), if reader && !hub.outbox.is_empty() => match permit {
                Ok(permit) => {
                    if let Some(event) = hub.outbox.pop() {
                        permit.send(event);
                    }
                    while !hub.outbox.is_empty() && let Ok(permit) = events.try_reserve() {
                        if let Some(event) = hub.outbox.pop() {
                            permit.send(event);
                        }
                    }
                }
                Err(_) => reader = false,
            },
            () = events.closed(), if reader => reader = false,
            message = inbox.recv() => {
                let mut next = message;
                for _ in 0..BATCH {
                    let Some(message) = next else { break };
                    hub.take(message);
                    next = inbox.try_recv().ok();
                }
                if let Some(message) = next {
                    hub.take(message);
                }
            }
            command = commands.recv(), if asked => match command {
                Some(command) => hub.command(command),
                None => asked = false,
            },
            // Who waits for logs has them as soon as they are on disk.
            Ok(()) = written.changed(), if !hub.waiting.is_empty() => {}
            () = clock.sleep_until(deadline.unwrap_or(Duration::MAX)), if deadline.is_some() => hub.pass_deadline(),
        }
        if !reader {
            hub.outbox.clear();
        }
        hub.settle_waiting();
        hub.send_pending();
    }
    hub.finish_logs(&mut inbox).await;
    hub.end();
}

impl Hub {
    fn new(cluster: Cluster, options: Options, identify: watch::Sender<Known>, sender: mpsc::Sender<Message>) -> Self {
        let options = Arc::new(options);
        if let Some(known) = options
            .state
            .as_ref()
            .and_then(|root| Clusters::new(&State::new(root)).find(cluster.name(), cluster.server()))
        {
            cluster.known_as(&known);
            identify.send_replace(Known::Yes(Some(known.into())));
        }
        Self {
            name: Arc::from(cluster.name()),
            capture: Capture::new(&options, cluster.clock(), &sender),
            repos: Repos::new(&options.repositories, cluster.clock()),
            identity: Identity(identify.subscribe()),
            identify,
            shown: HashMap::new(),
            glances: Arc::new(tokio::sync::Semaphore::new(GLANCES)),
            cluster,
            options,
            sender,
            outbox: Outbox::default(),
            place: None,
            fleet: Fleet::default(),
            wanted: Wanted::default(),
            fleet_live: None,
            fleet_is_live: false,
            active: HashMap::new(),
            feeds: HashMap::new(),
            serial: 0,
            destinations: HashMap::new(),
            discovered: HashMap::new(),
            no_way: HashMap::new(),
            projects: HashMap::new(),
            homes: HashMap::new(),
            controllers: Controllers::default(),
            rights: Vec::new(),
            requests: BTreeMap::new(),
            tasks: Vec::new(),
            stopping: Vec::new(),
            waiting: Vec::new(),
            unsettled: Vec::new(),
            pending: Vec::new(),
            out_of_reach: false,
        }
    }

    fn begin(&mut self) {
        let find = start::find(self.cluster.clone(), self.options.namespaces.clone(), self.sender.clone());
        self.spawn(find);
        let repos = self.repos.clone();
        tokio::task::spawn_blocking(move || repos.sweep());
    }

    /// The cluster has said who it is, or cannot be asked.
    pub(super) fn identify(&mut self, uid: Option<String>) {
        let known = self.identity.0.borrow().clone();
        match uid {
            Some(uid) => {
                self.cluster.known_as(&uid);
                let now = Known::Yes(Some(uid.as_str().into()));
                if known == now {
                    return;
                }
                self.identify.send_replace(now);
                if let Some(root) = &self.options.state
                    && let Err(error) =
                        Clusters::new(&State::new(root)).put(self.cluster.name(), self.cluster.server(), &uid)
                {
                    tracing::warn!(%error, "the cluster will not be known again while it cannot be reached");
                }
            }
            None if known == Known::No => drop(self.identify.send_replace(Known::Yes(None))),
            None => {}
        }
    }

    /// Runs something until the hub ends.
    pub(super) fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.retain(|task| !task.is_finished());
        self.tasks.push(tokio::spawn(task).abort_handle());
    }

    /// A number that nothing else was given.
    pub(super) fn number(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub(super) fn tell(&mut self, event: LiveEvent) {
        self.outbox.push(event);
    }

    pub(super) fn tell_watch(&mut self, watched: Watched, state: WatchState) {
        let cluster = Arc::clone(&self.name);
        self.tell(LiveEvent::Watch { cluster, watched, state });
    }

    pub(super) fn take(&mut self, message: Message) {
        match message {
            Message::Placed(place) => self.placed(place),
            Message::Unplaced { error, retry_in } => {
                self.identify(None);
                self.out_of_reach = error.is_out_of_reach();
                self.tell_watch(Watched::Applications, interrupted(None, &error, retry_in));
            }
            Message::Early(rows) => {
                if self.fleet.len() == 0 {
                    self.tell(LiveEvent::EarlyRows(rows));
                }
            }
            Message::Fleet(event) => self.fleet_event(event),
            Message::Projects { home, event } => self.project_event(&home, event),
            Message::Feed { feed, serial, event } => self.feed_event(&feed, serial, event),
            Message::Application { key, object, asked } => {
                self.read_application(&key, object.map(|object| *object), asked);
            }
            Message::NotRead { key, reason } => self.refuse_reviews(&key, &reason),
            Message::Destination { wanted, result } => self.resolved(&wanted, result),
            Message::Controllers(controllers) => self.new_controllers(controllers),
            Message::ControllerSeen { namespace } => self.controller_seen(&namespace),
            Message::Rights(rights) => {
                let mut rights = rights;
                // Hooks may run where the Applications are: what was asked for one does not replace the other.
                let same = |known: &Rights| (&known.cluster, &known.namespace) == (&rights.cluster, &rights.namespace);
                if let Some(at) = self.rights.iter().position(same) {
                    let mut known = self.rights.swap_remove(at).known;
                    known.append(&mut rights.known);
                    rights.known = known;
                }
                self.rights.push(rights.clone());
                self.tell(LiveEvent::Rights(rights));
            }
            Message::Request(update) => self.tell(LiveEvent::Request(update)),
            Message::RequestDone(id) => drop(self.requests.remove(&id)),
            Message::Captured { source } => {
                if let Some(capture) = &mut self.capture {
                    capture.ended(&source);
                }
            }
            Message::Close(key) => self.close(&key),
            Message::Tell(event) => self.tell(*event),
            Message::Glanced { key, revisions } => self.glanced(&key, revisions),
            Message::Reviewed { key, review, is_own } => self.reviewed(&key, review, is_own),
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Open(key) => self.open(&key),
            Command::Close(key) => self.close(&key),
            Command::Review { key, revisions } => self.review(&key, revisions),
            Command::Send { id, key, request, seen } => self.send(id, key, *request, seen.map(|seen| *seen)),
            Command::Preview { key, request, reply } => self.preview(key, *request, reply),
            Command::Logs { key, filter, sender } => self.logs(key, filter, sender),
            Command::History { key, reply } => self.history(key, reply),
            Command::Show(keys) => self.show(keys),
            Command::Fetch(key) => self.fetch(&key),
            Command::Names { key, source, reply } => self.names(&key, source, reply),
            Command::Object { key, object, reply } => self.live_object(&key, object, reply),
            Command::Stop(reply) => self.stopping.push(reply),
        }
    }

    /// Asked to stop, and every request is over.
    fn is_stopped(&self) -> bool {
        !self.stopping.is_empty() && !self.has_requests()
    }

    fn end(&mut self) {
        self.feeds.clear();
        for task in self.tasks.drain(..) {
            task.abort();
        }
        self.write_records();
        // Who waits for the end may end the process at once: what is only for its time has to be gone by then.
        drop(self.capture.take());
        for reply in self.stopping.drain(..) {
            let _ = reply.send(());
        }
    }
}
