//! A simulated cluster, a live view of it, and the picture that a reader of its events has.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use boathook::argo::{Events, Live, Namespaces, Options};
use boathook::clock::Clock;
use boathook::domain::application::{AppKey, AppSummary, Application};
use boathook::domain::event::Change;
use boathook::domain::live::{
    CaptureNotice, EarlyRow, HookAccess, LiveEvent, LogFilter, LogMessage, LogSource, OperationRecord, Outcome,
    RequestId, RequestState, Review, Revisions, Rights, SourceEnd, WatchState, Watched,
};
use boathook::domain::manifest::Object;
use boathook::domain::project::Decision;
use boathook::domain::request::{Controller, Request, Seen, Write};
use boathook::domain::timeline::Timeline;
use boathook::sim::resource::{APPLICATIONS, GroupResource, NAMESPACES, STATEFUL_SETS};
use boathook::sim::server::{Simulator, SimulatorOptions, write_kubeconfig};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) use crate::asked::{app, hook_result, running};

/// Ends a test that would hang; nothing waits for it.
const LIMIT: Duration = Duration::from_secs(180);

/// What a reader knows.
#[derive(Default)]
pub(crate) struct Picture {
    pub(crate) early: Vec<EarlyRow>,
    pub(crate) apps: BTreeMap<AppKey, AppSummary>,
    pub(crate) complete: Option<usize>,
    pub(crate) watches: HashMap<Watched, WatchState>,
    pub(crate) interruptions: Vec<String>,
    pub(crate) applications: HashMap<AppKey, Arc<Application>>,
    pub(crate) objects: HashMap<AppKey, Arc<Object>>,
    pub(crate) timelines: HashMap<AppKey, Timeline>,
    /// UID and version of what was observed of an application's hooks and is not gone.
    pub(crate) objects_of: HashMap<AppKey, BTreeMap<String, String>>,
    pub(crate) settled: HashSet<AppKey>,
    pub(crate) access: HashMap<AppKey, HookAccess>,
    pub(crate) controllers: HashMap<AppKey, Controller>,
    pub(crate) windows: HashMap<AppKey, Decision>,
    pub(crate) rights: Vec<Rights>,
    pub(crate) outcomes: HashMap<RequestId, Outcome>,
    pub(crate) sent: HashMap<RequestId, usize>,
    pub(crate) writes: HashMap<RequestId, Write>,
    pub(crate) records: Vec<Arc<OperationRecord>>,
    pub(crate) unreadable: Vec<AppKey>,
    pub(crate) revisions: HashMap<AppKey, Arc<Revisions>>,
    pub(crate) reviews: HashMap<AppKey, Arc<Review>>,
    pub(crate) warnings: Vec<String>,
    /// What the capture of logs could not keep.
    pub(crate) notices: Vec<String>,
    /// Applications that were told as they had been before.
    pub(crate) went_back: Vec<String>,
    /// Lines of each log that is complete.
    pub(crate) captured: Vec<u64>,
}

impl Picture {
    pub(crate) fn fold(&mut self, event: LiveEvent) {
        match event {
            LiveEvent::EarlyRows(rows) => self.early = rows,
            LiveEvent::App(app) => {
                let version = |app: &AppSummary| app.resource_version.parse::<u64>().unwrap_or_default();
                if let Some(known) = self.apps.get(&app.key).filter(|known| version(known) > version(&app)) {
                    self.went_back
                        .push(format!("{}: {} after {}", app.key, app.resource_version, known.resource_version));
                }
                self.apps.insert(app.key.clone(), *app);
            }
            LiveEvent::AppGone(key) => {
                self.apps.remove(&key);
                self.applications.remove(&key);
                self.objects.remove(&key);
            }
            LiveEvent::AppUnreadable { key, .. } => self.unreadable.push(key),
            LiveEvent::FleetComplete { count, .. } => self.complete = Some(count),
            LiveEvent::Watch { watched, state, .. } => {
                if let WatchState::Interrupted { error, .. } = &state {
                    self.interruptions.push(error.clone());
                }
                self.watches.insert(watched, state);
            }
            LiveEvent::Application { application, object } => {
                let version = |app: &Application| app.metadata.resource_version.parse::<u64>().unwrap_or_default();
                if let Some(known) = self.applications.get(&application.key)
                    && version(known) > version(&application)
                {
                    self.went_back.push(format!(
                        "{}: {} after {}",
                        application.key,
                        version(&application),
                        version(known)
                    ));
                }
                self.objects.insert(application.key.clone(), object);
                self.applications.insert(application.key.clone(), application);
            }
            LiveEvent::Observed { key, event } => {
                let known = self.objects_of.entry(key.clone()).or_default();
                let version = event.object.at(&["metadata", "resourceVersion"]).and_then(Value::as_str);
                match event.change {
                    _ if event.object.kind() == "Application" => {}
                    Change::Deleted => drop(known.remove(event.object.uid())),
                    _ => drop(known.insert(event.object.uid().to_owned(), version.unwrap_or_default().to_owned())),
                }
                let new = || Timeline::new(key.namespace.to_string(), key.name.to_string());
                self.timelines.entry(key.clone()).or_insert_with(new).observe(&event);
            }
            LiveEvent::Settled(key) => drop(self.settled.insert(key)),
            LiveEvent::Hooks { key, access } => drop(self.access.insert(key, access)),
            LiveEvent::Controller { key, controller } => drop(self.controllers.insert(key, controller)),
            LiveEvent::Windows { key, decision } => drop(self.windows.insert(key, decision)),
            LiveEvent::Rights(rights) => self.rights.push(rights),
            LiveEvent::Request(update) => match update.state {
                RequestState::Sent(write) => {
                    *self.sent.entry(update.id).or_default() += 1;
                    self.writes.insert(update.id, write);
                }
                RequestState::Ended(outcome) => drop(self.outcomes.insert(update.id, outcome)),
            },
            LiveEvent::Recorded { record, .. } => self.records.push(record),
            LiveEvent::Revisions { key, revisions } => drop(self.revisions.insert(key, revisions)),
            LiveEvent::Review { key, review } => drop(self.reviews.insert(key, review)),
            LiveEvent::KubernetesEvent { event, .. } => self.warnings.push(event.reason),
            LiveEvent::Capture(CaptureNotice::Complete { lines, .. }) => self.captured.push(lines),
            LiveEvent::Capture(CaptureNotice::Lost { reason, .. } | CaptureNotice::Off { reason }) => {
                self.notices.push(reason);
            }
            _ => {}
        }
    }

    pub(crate) fn is_live(&self) -> bool {
        self.watches.get(&Watched::Applications) == Some(&WatchState::Live)
    }
}

/// A simulated cluster and a live view of it.
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) home: Home,
    pub(crate) live: Live,
    pub(crate) events: Events,
    pub(crate) picture: Picture,
}

/// A folder that is there until its live view has ended: what that writes last would make it anew.
pub(crate) struct Home {
    folder: Option<TempDir>,
    live: Option<Live>,
}

impl Home {
    pub(crate) fn path(&self) -> &Path {
        self.folder.as_ref().unwrap().path()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let (folder, live) = (self.folder.take(), self.live.take());
        if let (Some(live), Ok(runtime)) = (live, tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                live.stop().await;
                drop(folder);
            });
        }
    }
}

pub(crate) fn simulator() -> Simulator {
    Simulator::start(SimulatorOptions { controllers: false, ..SimulatorOptions::default() }).unwrap()
}

pub(crate) fn options(home: &Path) -> Options {
    Options {
        kubeconfig: Some(home.join("kubeconfig")),
        namespaces: Namespaces::One("argocd".to_owned()),
        state: Some(home.join("state")),
        watch_operations: true,
        ..Options::default()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(simulator(), |_| ()).await
    }

    /// A live view of a simulated cluster in which Argo CD acts.
    pub(crate) async fn with(simulator: Simulator, change: impl FnOnce(&mut Options)) -> Self {
        Self::with_clock(simulator, &Clock::real(), change).await
    }

    /// The same, with a clock of its own for the live view.
    pub(crate) async fn with_clock(simulator: Simulator, clock: &Clock, change: impl FnOnce(&mut Options)) -> Self {
        for namespace in ["argocd", "shop"] {
            put(&simulator, &NAMESPACES, json!({ "metadata": { "name": namespace } }));
        }
        put(
            &simulator,
            &STATEFUL_SETS,
            json!({ "metadata": { "name": "argocd-application-controller", "namespace": "argocd",
                "labels": { "app.kubernetes.io/name": "argocd-application-controller" } }, "status": { "readyReplicas": 1, "replicas": 1 } }),
        );
        let mut home = Home { folder: Some(TempDir::new().unwrap()), live: None };
        write_kubeconfig(&home.path().join("kubeconfig"), &simulator.kubeconfig()).unwrap();
        let mut options = options(home.path());
        change(&mut options);
        let (live, events) = Live::start(options, clock).await.unwrap();
        home.live = Some(live.clone());
        Self { simulator, home, live, events, picture: Picture::default() }
    }

    /// Takes in events until the picture is as it should be.
    pub(crate) async fn until(&mut self, what: &str, mut is: impl FnMut(&Picture) -> bool) {
        let is = fold_while(&mut self.events, &mut self.picture, |picture| !is(picture)).await;
        assert!(is, "never came: {what}; interruptions: {:?}", self.picture.interruptions);
    }

    pub(crate) async fn until_live(&mut self) {
        self.until("the list is live", Picture::is_live).await;
    }

    pub(crate) fn key(&self, name: &str) -> AppKey {
        AppKey::new(Arc::clone(self.live.cluster()), "argocd", name)
    }

    pub(crate) fn put_app(&self, app: Value) {
        put(&self.simulator, &APPLICATIONS, app);
    }

    pub(crate) fn app(&self, name: &str) -> Value {
        self.simulator.store().get(&APPLICATIONS, "argocd", name).unwrap().value().as_ref().clone()
    }

    pub(crate) async fn open(&mut self, name: &str) -> AppKey {
        let key = self.key(name);
        self.live.open(&key);
        self.until("the application is open", |picture| picture.applications.contains_key(&key)).await;
        key
    }

    pub(crate) async fn ask(&mut self, name: &str, request: Request, seen: Option<Seen>) -> Outcome {
        let id = self.live.send(&self.key(name), request, seen);
        self.until("the request is over", |picture| picture.outcomes.contains_key(&id)).await;
        self.picture.outcomes[&id].clone()
    }

    /// All lines of a stream, by source, and the ends.
    pub(crate) async fn logs(&self, name: &str, filter: LogFilter) -> Vec<(LogSource, Vec<u8>, SourceEnd)> {
        let mut stream = self.live.logs(&self.key(name), filter);
        let mut logs: BTreeMap<u32, (LogSource, Vec<u8>, SourceEnd)> = BTreeMap::new();
        let read = async {
            while let Some(message) = stream.recv().await {
                match message {
                    LogMessage::Source(source) => {
                        logs.insert(source.id, (source, Vec::new(), SourceEnd::Open));
                    }
                    LogMessage::Lines(lines) => {
                        for line in lines {
                            let text = &mut logs.get_mut(&line.source).unwrap().1;
                            text.extend_from_slice(&line.text);
                            text.push(b'\n');
                        }
                    }
                    LogMessage::Ended { source, end } => logs.get_mut(&source).unwrap().2 = end,
                    LogMessage::CaughtUp | LogMessage::NotBegun => {}
                    LogMessage::Problem(problem) => panic!("{problem}"),
                }
            }
        };
        Clock::real().timeout(LIMIT, read).await.expect("the logs never ended");
        logs.into_values().collect()
    }
}

/// Takes in events while the picture is not as it should be; `false` if it never is.
pub(crate) async fn fold_while(
    events: &mut Events,
    picture: &mut Picture,
    mut is_not: impl FnMut(&Picture) -> bool,
) -> bool {
    let wait = async {
        while is_not(picture) {
            picture.fold(events.recv().await.expect("the live view has ended"));
        }
    };
    Clock::real().timeout(LIMIT, wait).await.is_ok()
}

/// Puts an object as it is, past the API.
pub(crate) fn put(simulator: &Simulator, resource: &GroupResource, object: Value) -> Value {
    let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
    let unnamed = text("/metadata/uid").is_empty();
    let mut object = object;
    if unnamed {
        let known = simulator.store().get(resource, &namespace, &name).map(|known| known.value());
        let known = known.and_then(|known| known.pointer("/metadata/uid").cloned());
        let new = || json!(format!("uid-{name}-{}", simulator.store().revision()));
        object["metadata"]["uid"] = known.unwrap_or_else(new);
    }
    simulator.store().put_raw(resource, object).value().as_ref().clone()
}
