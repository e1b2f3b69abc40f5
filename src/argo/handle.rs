//! The handle on a live view.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};

use super::command::Command;
use super::hub;
use super::identity::{Identity, Known};
use super::options::Options;
use crate::clock::Clock;
use crate::cluster::{Cluster, ConnectError, Target, connect};
use crate::domain::application::AppKey;
use crate::domain::live::{
    LiveEvent, LogFilter, LogMessage, OperationRecord, Preview, PreviewError, RequestId, RevisionNames,
};
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::request::{Request, Seen};
use crate::store::{State, StoreError};

/// The stream of events.
pub type Events = mpsc::Receiver<LiveEvent>;
/// A stream of log lines.
pub type LogLines = mpsc::Receiver<LogMessage>;

/// The live view has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the live view has ended")]
pub struct Ended;

/// The name under which boathook is known to the API server.
const USER_AGENT: &str = concat!("boathook/", env!("CARGO_PKG_VERSION"));

/// The handle on a live view. Cheap to clone; nothing it does waits for a network.
///
/// When the stream of events and all handles are dropped, the live view ends; a request on its way is finished first.
#[derive(Clone)]
pub struct Live {
    commands: mpsc::UnboundedSender<Command>,
    next: Arc<AtomicU64>,
    cluster: Arc<str>,
    /// Asked for the server's time only.
    server: Cluster,
    identity: Identity,
    /// Where things are kept on disk.
    state: Option<Arc<Path>>,
}

impl Live {
    /// Starts a live view. The error is about the kubeconfig: a cluster that cannot be reached is told as an event and
    /// tried again. Must be called within a tokio runtime.
    pub async fn start(options: Options, clock: &Clock) -> Result<(Self, Events), ConnectError> {
        let target = Target::Kubeconfig { path: options.kubeconfig.clone(), context: options.context.clone() };
        let cluster = connect(&target, clock, USER_AGENT).await?;
        let name: Arc<str> = Arc::from(cluster.name());
        let server = cluster.clone();
        // Numbers of requests go on where an earlier session's ended: they stand in one log.
        let first = u64::try_from(clock.now().as_millisecond()).unwrap_or(1);
        let (commands, inbox) = mpsc::unbounded_channel();
        let (sender, events) = mpsc::channel(1024);
        let (identify, identity) = watch::channel(Known::No);
        let state = options.state.as_deref().map(Arc::from);
        tokio::spawn(hub::run(cluster, options, identify, inbox, sender));
        let identity = Identity(identity);
        Ok((Self { commands, next: Arc::new(AtomicU64::new(first)), cluster: name, identity, server, state }, events))
    }

    /// Now, by the clock of the API server as far as its answers told it.
    pub fn now(&self) -> Timestamp {
        self.server.server_now()
    }

    /// The cluster the Applications live in, as in [`AppKey::cluster`].
    pub fn cluster(&self) -> &Arc<str> {
        &self.cluster
    }

    /// The key under which things of an application are kept on disk: its cluster is the UID of kube-system, once that
    /// is known. For [`store`](crate::store); everywhere else an application goes by its own key.
    pub fn stored(&self, key: &AppKey) -> AppKey {
        self.identity.stored(key)
    }

    /// Tells everything about an application from now on: the whole object, its hooks and pods, Kubernetes Events,
    /// windows, revisions. May be called several times; as many [`close`](Self::close)s end it.
    pub fn open(&self, key: &AppKey) {
        self.tell(Command::Open(key.clone()));
    }

    /// The application is not looked at any more.
    pub fn close(&self, key: &AppKey) {
        self.tell(Command::Close(key.clone()));
    }

    /// Asks what a sync to these revisions would do (one a source; empty: the target revisions). The answer is a
    /// [`LiveEvent::Review`], also of an application that is not open; one that does not exist or may not be read has a
    /// review without a plan.
    pub fn review(&self, key: &AppKey, revisions: Vec<String>) {
        self.tell(Command::Review { key: key.clone(), revisions });
    }

    /// Sends a request. `seen`: what the operator's decision rests on; `None`: the application as it is when the request
    /// is sent. Progress and outcome are [`LiveEvent::Request`]s.
    pub fn send(&self, key: &AppKey, request: Request, seen: Option<Seen>) -> RequestId {
        let id = RequestId(self.next.fetch_add(1, Ordering::Relaxed));
        self.tell(Command::Send { id, key: key.clone(), request: Box::new(request), seen: seen.map(Box::new) });
        id
    }

    /// What a request would write, and why it would be refused. Asks the cluster for the application if it is not
    /// known here.
    pub async fn preview(&self, key: &AppKey, request: Request) -> Result<Preview, PreviewError> {
        let request = Box::new(request);
        let answer = self.ask(|reply| Command::Preview { key: key.clone(), request, reply }).await;
        answer.unwrap_or(Err(PreviewError::Ended))
    }

    /// The logs of an application's hooks, live and kept. Dropping the receiver ends it.
    pub fn logs(&self, key: &AppKey, filter: LogFilter) -> LogLines {
        let (sender, lines) = mpsc::channel(256);
        self.tell(Command::Logs { key: key.clone(), filter, sender });
        lines
    }

    /// The operations of an application that are kept, oldest first.
    pub async fn history(&self, key: &AppKey) -> Result<Vec<Arc<OperationRecord>>, StoreError> {
        self.ask(|reply| Command::History { key: key.clone(), reply }).await.unwrap_or_else(|_| Ok(Vec::new()))
    }

    /// The applications of a name of which something is kept on disk, in whichever namespace: for when the cluster cannot be
    /// asked.
    pub fn kept(&self, name: &str) -> Result<Vec<AppKey>, StoreError> {
        let Some(root) = &self.state else { return Ok(Vec::new()) };
        let state = State::new(root.to_path_buf());
        let own = AppKey::new(Arc::clone(&self.cluster), "", name);
        let mut namespaces = BTreeSet::new();
        for key in self.identity.all(&own) {
            namespaces.extend(state.namespaces(&key.cluster, name)?);
        }
        Ok(namespaces.into_iter().map(|own| AppKey::new(Arc::clone(&self.cluster), own, name)).collect())
    }

    /// These applications are on the screen now, and no others: their commits are told as [`LiveEvent::Revisions`], also
    /// of those that are not open, and their repositories are fetched when it is time. At most 300.
    pub fn show(&self, keys: Vec<AppKey>) {
        self.tell(Command::Show(keys));
    }

    /// Fetches the repositories of an application now.
    pub fn fetch(&self, key: &AppKey) {
        self.tell(Command::Fetch(key.clone()));
    }

    /// Branches, tags and commits that can stand in the revision field for a source, from what is cached.
    pub async fn names(&self, key: &AppKey, source: usize) -> Result<RevisionNames, String> {
        self.ask(|reply| Command::Names { key: key.clone(), source, reply }).await.map_err(|e| e.to_string())?
    }

    /// An object of the application as it lives in the destination cluster; the values of a Secret are hidden.
    pub async fn object(&self, key: &AppKey, object: &ObjectKey) -> Result<Option<Object>, String> {
        let object = object.clone();
        self.ask(|reply| Command::Object { key: key.clone(), object, reply }).await.map_err(|e| e.to_string())?
    }

    /// Ends the live view: watches end at once, a request on its way is finished, logs are written out.
    pub async fn stop(&self) {
        let _ = self.ask(Command::Stop).await;
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(super) fn state_folder(&self) -> Option<&Path> {
        self.state.as_deref()
    }

    pub(super) fn clock(&self) -> &Clock {
        self.server.clock()
    }

    fn tell(&self, command: Command) {
        // Nobody listens any more: then there is nothing to tell either.
        let _ = self.commands.send(command);
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Ended> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).map_err(|_| Ended)?;
        answer.await.map_err(|_| Ended)
    }
}
