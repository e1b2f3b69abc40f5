//! Watches: a list that is kept true.
//!
//! kube's watcher does the protocol. Around it: a server that refuses streaming lists is listed page by page (the
//! watcher alone would ask for ever), a connection that died silently is noticed within a minute and a half instead of
//! five and said to be, waits between tries use our clock and obey `Retry-After`, and the consumer is told when what it
//! has grows old.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::pin::pin;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use kube::api::ApiResource;
use kube::core::{DynamicResourceScope, ObjectMeta};
use kube::runtime::watcher::{self, Event};
use kube::{Api, Resource};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::beginning::Went;
use super::client::Cluster;
use super::error::{ApiError, ClusterError};
use super::kinds::Kind;
use super::options::{Scope, Selectors};
use super::patience::{ToldToWait, patient};
use crate::domain::manifest::Object;

const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// How long at most one waits because the server says so.
const LONGEST_ORDER: Duration = Duration::from_secs(60);
/// Events that wait for a slow consumer; then the connection waits.
const QUEUE: usize = 256;
/// How much later than asked for a watch may end; shorter than what the watcher itself waits, which would go on in silence.
const LATE: Duration = Duration::from_secs(4);

/// What a watch reads each object into, straight from the JSON as it arrives.
pub trait FromJson: Sized + Send + 'static {
    /// Reads one object of a kind. A failure loses this object's content, never the watch.
    fn from_json(json: &str, kind: &Kind) -> Result<Self, String>;
}

impl FromJson for Object {
    /// The items of a list say neither `apiVersion` nor `kind`, and those of metadata alone say another one.
    fn from_json(json: &str, kind: &Kind) -> Result<Self, String> {
        let mut fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(json).map_err(|error| error.to_string())?;
        fields.insert("apiVersion".to_owned(), kind.api_version().into());
        fields.insert("kind".to_owned(), kind.kind.clone().into());
        Self::from_json(fields.into()).map_err(|error| error.to_string())
    }
}

/// An object that arrived and could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
    /// It was its last state: it is gone.
    pub gone: bool,
}

/// What a watch says.
#[derive(Debug, Clone, PartialEq)]
pub enum WatchEvent<T> {
    /// A list begins. What was known stays true until [`WatchEvent::Listed`].
    Listing,
    /// An object of the list.
    Item(T),
    /// The list is complete: what was known and did not come again is gone.
    Listed,
    /// An object is new or has changed.
    Applied(T),
    /// An object is gone; its last state.
    Deleted(T),
    /// An object that cannot be read.
    Unreadable(Unreadable),
    /// The watch is interrupted: what is known grows old. Another try follows by itself after the wait.
    Interrupted {
        /// Why.
        error: ClusterError,
        /// Time until the next try.
        wait: Duration,
    },
}

/// How a watch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchOptions {
    /// Ask for the list as a stream, which spares both sides most of the memory. Given up by itself where the server
    /// does not offer it.
    pub streaming: bool,
    /// Ask only for the objects' metadata.
    pub metadata_only: bool,
    /// Seconds that one watch request lasts, after which the next goes on where it ended. A connection that died in silence
    /// is noticed 4 s after that.
    pub seconds: u32,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self { streaming: true, metadata_only: false, seconds: 85 }
    }
}

/// Watches the objects of a kind for ever. Dropping the stream ends the watch.
pub fn watch<T: FromJson>(
    cluster: &Cluster,
    kind: &Kind,
    scope: &Scope,
    selectors: &Selectors,
    options: WatchOptions,
) -> impl Stream<Item = WatchEvent<T>> + Send + use<T> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let task = Watch {
        cluster: cluster.clone(),
        kind: kind.clone(),
        scope: scope.clone(),
        selectors: selectors.clone(),
        options,
        by_page: false,
        sender,
    };
    let task = AbortOnDrop(tokio::spawn(task.run()));
    futures::stream::unfold((receiver, task), |(mut receiver, task)| async move {
        receiver.recv().await.map(|event| (event, (receiver, task)))
    })
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Watch<T> {
    cluster: Cluster,
    kind: Kind,
    scope: Scope,
    selectors: Selectors,
    options: WatchOptions,
    /// The next list is read page by page, though it could be streamed.
    by_page: bool,
    sender: mpsc::Sender<WatchEvent<T>>,
}

impl<T: FromJson> Watch<T> {
    async fn run(mut self) {
        let mut failures = 0;
        // Each turn is a new watcher, which starts with a list.
        while !self.sender.is_closed() {
            let ended = if self.options.metadata_only {
                self.watch_once::<true>(&mut failures).await
            } else {
                self.watch_once::<false>(&mut failures).await
            };
            if ended.is_err() {
                return;
            }
        }
    }

    /// Follows one watcher until it has to be made anew. `Err`: nobody listens any more.
    async fn watch_once<const METADATA: bool>(&mut self, failures: &mut u32) -> Result<(), Closed> {
        let resource = resource(&self.kind);
        let silence = Duration::from_secs(self.options.seconds.into()).saturating_add(LATE);
        let told = ToldToWait::default();
        let went = Went::default();
        let client = patient(self.cluster.client(), self.cluster.clock.clone(), silence, told.clone(), went.clone());
        let api: Api<Item<METADATA>> = match &self.scope {
            Scope::Namespace(namespace) if self.kind.namespaced => Api::namespaced_with(client, namespace, &resource),
            _ => Api::all_with(client, &resource),
        };
        let mut config = watcher::Config::default().timeout(self.options.seconds);
        if !self.selectors.labels.is_empty() {
            config = config.labels(&self.selectors.labels);
        }
        if !self.selectors.fields.is_empty() {
            config = config.fields(&self.selectors.fields);
        }
        if self.options.streaming && !std::mem::take(&mut self.by_page) {
            config = config.streaming_lists();
        }
        let mut events = pin!(watcher::watcher(api, config));
        // The watcher says that a list begins before it asks for it.
        let mut begins = false;
        // A list that is there says little where the watch after it is refused.
        let mut failures_before = 0;
        while let Some(event) = events.next().await {
            let event = match event {
                Ok(event) => event,
                Err(error) => {
                    if self.refuses_streaming(&error) {
                        self.options.streaming = false;
                        return Ok(());
                    }
                    // Where objects come and go all the time, another stream would not end better.
                    if went.has_happened() {
                        self.by_page = true;
                        return Ok(());
                    }
                    // The watcher would go on from where it was and never say that it does: a new one lists again, so that
                    // it is known from when on everything is as it is told.
                    if matches!(error, watcher::Error::WatchStartFailed(_)) || is_expired(&error) {
                        *failures = failures_before.max(*failures);
                    }
                    return self.interrupted(&error, told.take(), failures).await;
                }
            };
            if matches!(event, Event::Init) {
                begins = true;
                continue;
            }
            if std::mem::take(&mut begins) {
                self.sender.send(WatchEvent::Listing).await.map_err(|_| Closed)?;
            }
            match &event {
                Event::InitDone => failures_before = std::mem::take(failures),
                Event::Apply(_) | Event::Delete(_) => (*failures, failures_before) = (0, 0),
                Event::Init | Event::InitApply(_) => {}
            }
            let event = match event {
                Event::Init => continue,
                Event::InitApply(item) => item.event(&self.kind, false, WatchEvent::Item),
                Event::InitDone => WatchEvent::Listed,
                Event::Apply(item) => item.event(&self.kind, false, WatchEvent::Applied),
                Event::Delete(item) => item.event(&self.kind, true, WatchEvent::Deleted),
            };
            self.sender.send(event).await.map_err(|_| Closed)?;
        }
        Ok(())
    }

    /// Kubernetes has streaming lists on by default only in some releases; elsewhere it answers 400 or 422.
    fn refuses_streaming(&self, error: &watcher::Error) -> bool {
        let watcher::Error::WatchStartFailed(kube::Error::Api(status)) = error else { return false };
        self.options.streaming && matches!(status.code, 400 | 422)
    }

    async fn interrupted(
        &self,
        error: &watcher::Error,
        told_to_wait: Option<Duration>,
        failures: &mut u32,
    ) -> Result<(), Closed> {
        let action = format!("watching {}", self.kind.plural);
        let error = match error {
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error) => ClusterError::from_kube(&action, false, error),
            watcher::Error::WatchError(status) => ClusterError::Api {
                action,
                status: ApiError {
                    code: status.code,
                    reason: status.reason.clone(),
                    message: status.message.clone(),
                    retry_after: None,
                },
            },
            watcher::Error::NoResourceVersion => {
                ClusterError::Unreadable { action, reason: "the list has no resourceVersion".to_owned() }
            }
        };
        if error.may_have_moved() {
            self.cluster.renew(error.is_unauthorized()).await;
        }
        // A version that is too old is no failure: the watcher lists again at once.
        let is_first_expiry = error.is_expired() && *failures == 0;
        let wait = if is_first_expiry { Duration::ZERO } else { spread(wait_after(*failures)) };
        *failures = failures.saturating_add(1);
        let told_to_wait = told_to_wait.max(error.retry_after()).unwrap_or_default();
        let wait = wait.max(told_to_wait.min(LONGEST_ORDER));
        self.sender.send(WatchEvent::Interrupted { error, wait }).await.map_err(|_| Closed)?;
        if !wait.is_zero() {
            self.cluster.clock.sleep(wait).await;
        }
        Ok(())
    }
}

/// 410. A server may give a list and then have forgotten its version already, again and again.
fn is_expired(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::WatchError(status) | watcher::Error::WatchFailed(kube::Error::Api(status)) => {
            status.code == 410
        }
        _ => false,
    }
}

/// Nobody listens any more.
struct Closed;

/// Doubles from [`FIRST_WAIT`] to [`LONGEST_WAIT`].
pub(super) fn wait_after(failures: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << failures.min(10)).min(LONGEST_WAIT)
}

/// Up to a quarter more, by chance: what all watches lost at once they do not ask for at once again and again.
fn spread(wait: Duration) -> Duration {
    let chance = RandomState::new().build_hasher().finish();
    wait + (wait / 1024).saturating_mul(u32::try_from(chance % 256).unwrap_or_default())
}

fn resource(kind: &Kind) -> ApiResource {
    ApiResource {
        group: kind.group.clone(),
        version: kind.version.clone(),
        api_version: kind.api_version(),
        kind: kind.kind.clone(),
        plural: kind.plural.clone(),
    }
}

/// An object as the watcher sees it: the few fields it needs itself, and the JSON to be read into something of ours.
#[derive(Debug, Clone)]
struct Item<const METADATA: bool> {
    metadata: ObjectMeta,
    json: Box<RawValue>,
}

impl<const METADATA: bool> Item<METADATA> {
    fn event<T: FromJson>(self, kind: &Kind, gone: bool, event: impl FnOnce(T) -> WatchEvent<T>) -> WatchEvent<T> {
        match T::from_json(self.json.get(), kind) {
            Ok(content) => event(content),
            Err(reason) => WatchEvent::Unreadable(Unreadable {
                namespace: self.metadata.namespace.unwrap_or_default(),
                name: self.metadata.name.unwrap_or_default(),
                reason,
                gone,
            }),
        }
    }
}

impl<'de, const METADATA: bool> Deserialize<'de> for Item<METADATA> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "camelCase", default)]
        struct Metadata {
            name: Option<String>,
            namespace: Option<String>,
            resource_version: Option<String>,
        }
        #[derive(Deserialize)]
        struct Head {
            #[serde(default)]
            metadata: Metadata,
        }
        let json = Box::<RawValue>::deserialize(deserializer)?;
        let Head { metadata } = serde_json::from_str(json.get()).map_err(serde::de::Error::custom)?;
        let metadata = ObjectMeta {
            name: metadata.name,
            namespace: metadata.namespace,
            resource_version: metadata.resource_version,
            ..ObjectMeta::default()
        };
        Ok(Self { metadata, json })
    }
}

impl<const METADATA: bool> Resource for Item<METADATA> {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn metadata_api() -> bool {
        METADATA
    }

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        Cow::Borrowed(&resource.kind)
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        Cow::Borrowed(&resource.group)
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        Cow::Borrowed(&resource.version)
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        Cow::Borrowed(&resource.plural)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
