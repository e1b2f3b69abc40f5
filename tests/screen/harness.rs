//! A screen without a terminal and without a cluster: keys and events go through `update`, the picture comes from `view`,
//! and what the screen asks for is answered by the model of Argo CD itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use boathook::domain::application::{AppKey, AppSummary, Application};
use boathook::domain::event::{Change, WatchEvent};
use boathook::domain::live::{
    LiveEvent, LogLine, LogMessage, LogSource, OperationRecord, Preview, Review, RevisionNames, SourceEnd, WatchState,
    Watched,
};
use boathook::domain::manifest::{Object, ObjectKey};
use boathook::domain::project::Decision;
use boathook::domain::request::{Context, Controller, Request, Seen, Situation, build, refusals, warnings};
use boathook::domain::timeline::TaskPhase;
use boathook::store::Deferral;
use boathook::tui::{Effect, Key, Keymap, Message, Model, Settings, Theme, update, view, wants};
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::Value;

use super::replay::Recording;

/// The three sizes at which every screen is looked at.
pub(crate) const SIZES: [(u16, u16); 3] = [(80, 24), (120, 35), (200, 60)];

pub(crate) const CLUSTER: &str = "prod-eu";

/// A screen under test.
pub(crate) struct Screen {
    model: Model,
    now: Timestamp,
    size: (u16, u16),
    applications: BTreeMap<AppKey, (Arc<Application>, Arc<Object>)>,
    /// What a sync would do, told when an application is opened or it is asked for: by the revisions that are asked for.
    reviews: BTreeMap<(AppKey, Vec<String>), Arc<Review>>,
    /// The operations that are kept.
    pub(crate) history: Vec<Arc<OperationRecord>>,
    /// The objects that live.
    objects: BTreeMap<ObjectKey, Object>,
    /// What can stand in a revision field.
    pub(crate) names: RevisionNames,
    pub(crate) deferred: Vec<Deferral>,
    pub(crate) copied: Vec<String>,
    /// Who acts on operations.
    pub(crate) controller: Controller,
    /// Lines that the hooks of this name have written.
    logs: BTreeMap<String, Vec<String>>,
    /// Streams that are open.
    pub(crate) streams: Vec<u64>,
    /// Requests that were sent.
    pub(crate) sent: Vec<(String, Request)>,
    pub(crate) quit: bool,
    pub(crate) effects: Vec<Effect>,
}

pub(crate) fn settings() -> Settings {
    Settings {
        keymap: Keymap::new(&BTreeMap::new()).unwrap(),
        theme: Theme::load("dark", &[]).unwrap(),
        has_colors: true,
        themes: Vec::new(),
        read_only: false,
        bell: true,
        notify: true,
        title: false,
        mouse: true,
        log_wrap: false,
        log_times: false,
        log_lines: 12,
        label: String::new(),
    }
}

impl Screen {
    pub(crate) fn new(size: (u16, u16), now: Timestamp) -> Self {
        Self::with(settings(), size, now)
    }

    pub(crate) fn with(settings: Settings, size: (u16, u16), now: Timestamp) -> Self {
        Self {
            model: Model::new(settings, now, size),
            now,
            size,
            applications: BTreeMap::new(),
            reviews: BTreeMap::new(),
            history: Vec::new(),
            objects: BTreeMap::new(),
            names: RevisionNames::default(),
            deferred: Vec::new(),
            copied: Vec::new(),
            controller: Controller::ArgoCd,
            logs: BTreeMap::new(),
            streams: Vec::new(),
            sent: Vec::new(),
            quit: false,
            effects: Vec::new(),
        }
    }

    /// Connected to a cluster whose list of applications is being told.
    pub(crate) fn connected(size: (u16, u16), now: Timestamp) -> Self {
        let mut screen = Self::new(size, now);
        screen.connect();
        screen
    }

    /// The model as it stands, for who runs it on.
    pub(crate) fn into_model(mut self) -> Model {
        self.model.settle();
        self.model
    }

    pub(crate) fn connect(&mut self) {
        self.tell(Message::Connected(Arc::from(CLUSTER)));
        self.live(LiveEvent::Scope {
            cluster: Arc::from(CLUSTER),
            server: "https://10.0.0.1:6443".to_owned(),
            namespace: Some("argocd".to_owned()),
            user: "alice".to_owned(),
        });
        self.watch(WatchState::Listing);
    }

    pub(crate) fn watch(&mut self, state: WatchState) {
        self.live(LiveEvent::Watch { cluster: Arc::from(CLUSTER), watched: Watched::Applications, state });
    }

    /// The list is complete, and watched.
    pub(crate) fn complete(&mut self) {
        self.live(LiveEvent::FleetComplete { cluster: Arc::from(CLUSTER), count: 0 });
        self.watch(WatchState::Live);
    }

    /// It is now this time.
    pub(crate) fn at(&mut self, now: Timestamp) {
        self.now = now;
        self.tell(Message::Now(now));
        self.tell(Message::Tick);
    }

    /// A hook's log, which is told when it is asked for.
    pub(crate) fn log(&mut self, hook: &str, lines: &[&str]) {
        self.logs.insert(hook.to_owned(), lines.iter().map(|line| (*line).to_owned()).collect());
    }

    /// What a sync would do.
    pub(crate) fn review(&mut self, review: Review) {
        self.reviews.insert((review.key.clone(), review.asked.clone()), Arc::new(review));
    }

    /// Tells what a sync of an open application would do.
    pub(crate) fn reviewed(&mut self, key: &AppKey, asked: &[String]) {
        let Some(review) = self.reviews.get(&(key.clone(), asked.to_vec())).cloned() else { return };
        if asked.is_empty() {
            let revisions = Arc::clone(&review.revisions);
            self.live(LiveEvent::Revisions { key: key.clone(), revisions });
        }
        self.live(LiveEvent::Review { key: key.clone(), review });
    }

    /// An object that lives.
    pub(crate) fn lives(&mut self, object: &Object) {
        self.objects.insert(object.key(), object.clone());
    }

    /// An Application as it is now.
    pub(crate) fn application(&mut self, object: &Arc<Object>) -> AppKey {
        let application = Arc::new(Application::read(CLUSTER, object).0);
        let key = application.key.clone();
        self.live(LiveEvent::App(Box::new(AppSummary::of(&application))));
        self.applications.insert(key.clone(), (Arc::clone(&application), Arc::clone(object)));
        self.live(LiveEvent::Application { application, object: Arc::clone(object) });
        key
    }

    /// The first `count` events of a recording.
    pub(crate) fn play(&mut self, recording: &Recording, count: usize) {
        let key = AppKey::new(CLUSTER, "argocd", recording.application.as_str());
        for event in recording.events.iter().take(count) {
            self.at(event.at);
            if event.object.kind() == "Application" {
                self.application(&event.object);
            }
            self.live(LiveEvent::Controller { key: key.clone(), controller: Controller::ArgoCd });
            self.live(LiveEvent::Observed { key: key.clone(), event: event.clone() });
        }
    }

    pub(crate) fn live(&mut self, event: LiveEvent) {
        self.tell(Message::Live(Box::new(event)));
    }

    /// Presses keys, written as in the configuration; `"text"` is typed letter by letter.
    pub(crate) fn press(&mut self, script: &str) {
        let mut quoted = false;
        for part in script.split('"') {
            if quoted {
                for c in part.chars() {
                    let name = if c == ' ' { "space".to_owned() } else { c.to_string() };
                    self.key(&name);
                }
            } else {
                part.split_whitespace().for_each(|key| self.key(key));
            }
            quoted = !quoted;
        }
    }

    fn key(&mut self, key: &str) {
        let key: Key = key.parse().unwrap();
        self.tell(Message::Key(key.event()));
    }

    pub(crate) fn resize(&mut self, size: (u16, u16)) {
        self.size = size;
        self.tell(Message::Resize(size.0, size.1));
    }

    pub(crate) fn tell(&mut self, message: Message) {
        let effects = update(&mut self.model, message);
        for effect in effects.list {
            self.effects.push(effect.clone());
            self.answer(effect);
        }
    }

    fn answer(&mut self, effect: Effect) {
        match effect {
            Effect::Quit => self.quit = true,
            Effect::Preview { dialog, choice, key, request } => {
                let answer = Box::new(self.preview(&key, &request));
                self.tell(Message::Previewed { dialog, choice, key, answer });
            }
            Effect::Open(key) => {
                if let Some((application, object)) = self.applications.get(&key).cloned() {
                    let event = WatchEvent { at: self.now, change: Change::Listed, object: Arc::clone(&object) };
                    self.live(LiveEvent::Application { application, object });
                    self.live(LiveEvent::Observed { key: key.clone(), event });
                    self.live(LiveEvent::Controller { key: key.clone(), controller: self.controller.clone() });
                    self.live(LiveEvent::Settled(key.clone()));
                }
                self.reviewed(&key, &[]);
            }
            Effect::Review { key, revisions } => self.reviewed(&key, &revisions),
            Effect::History(key) => {
                let answer = Ok(self.history.clone());
                self.tell(Message::History { key, answer });
            }
            Effect::Object { key, object } => {
                let answer = Ok(self.objects.get(&object).cloned().map(Box::new));
                self.tell(Message::Object { key, object, answer });
            }
            Effect::Names { key, source } => {
                let answer = Ok(self.names.clone());
                self.tell(Message::Names { key, source, answer });
            }
            Effect::Deferrals => self.tell(Message::Deferrals(Ok(self.deferred.clone()))),
            Effect::Defer(deferral) => self.deferred.push(deferral),
            Effect::TakeBack(key) => self.deferred.retain(|deferral| deferral.application != *key.name),
            Effect::Copy(text) => self.copied.push(text),
            Effect::Send { key, request, .. } => self.sent.push((key.name.to_string(), request)),
            Effect::OpenLog { stream, filter, .. } => {
                self.streams.push(stream);
                let Some(lines) = self.logs.get(&filter.hook).filter(|lines| !lines.is_empty()).cloned() else {
                    return;
                };
                let source = LogSource {
                    id: 0,
                    phase: filter.phase.unwrap_or(TaskPhase::Unknown),
                    kind: filter.kind,
                    hook: filter.hook.clone(),
                    pod: format!("{}-x7k2p", filter.hook),
                    pod_uid: "pod".to_owned(),
                    container: "main".to_owned(),
                    restart: 0,
                    operation: None,
                    attempt: 0,
                };
                self.tell(Message::Log { stream, message: Some(LogMessage::Source(source)) });
                self.write(stream, &lines);
                self.tell(Message::Log { stream, message: Some(LogMessage::CaughtUp) });
            }
            Effect::CloseLog { stream } => self.streams.retain(|open| *open != stream),
            _ => {}
        }
    }

    /// More lines of an open log.
    pub(crate) fn write(&mut self, stream: u64, lines: &[String]) {
        let line = |(place, line): (usize, &String)| LogLine {
            source: 0,
            time: self
                .now
                .checked_sub(jiff::SignedDuration::from_secs(i64::try_from(lines.len() - place).unwrap()))
                .ok(),
            text: line.as_bytes().into(),
            truncated: false,
        };
        let lines = lines.iter().enumerate().map(line).collect();
        self.tell(Message::Log { stream, message: Some(LogMessage::Lines(lines)) });
    }

    pub(crate) fn end_log(&mut self, stream: u64) {
        let end = LogMessage::Ended { source: 0, end: SourceEnd::Complete };
        self.tell(Message::Log { stream, message: Some(end) });
    }

    fn preview(&self, key: &AppKey, request: &Request) -> Result<Preview, String> {
        let (application, object) = self.applications.get(key).ok_or("the application is not known")?;
        let job = request.hook().map(|hook| {
            let metadata = serde_json::json!({"name": hook.name, "namespace": hook.namespace, "uid": hook.uid});
            Object::from_json(serde_json::json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata}))
                .unwrap()
        });
        let context = Context { application, user: "alice", job: job.as_ref(), now: self.now, lacks_enabled: false };
        let situation = Situation {
            controller: self.controller.clone(),
            windows: Decision::Allowed,
            missing_right: None,
            read_only: false,
        };
        Ok(Preview {
            write: build(request, &context).map_err(str::to_owned),
            refusals: refusals(request, application, &situation),
            warnings: warnings(request, &situation),
            seen: Seen::of(application, object),
        })
    }

    /// The screen as it looks now.
    pub(crate) fn buffer(&mut self) -> Buffer {
        // What comes of what is asked for with a frame is drawn with the next.
        for _ in 0..3 {
            self.model.settle();
            for effect in wants(&mut self.model).list {
                self.effects.push(effect.clone());
                self.answer(effect);
            }
        }
        let area = Rect::new(0, 0, self.size.0, self.size.1);
        let mut buffer = Buffer::empty(area);
        view(&self.model, area, &mut buffer);
        buffer
    }

    /// Its text, without the spaces at the ends of lines.
    pub(crate) fn text(&mut self) -> String {
        super::stage::text_of(&self.buffer())
    }

    /// The line that holds a text.
    pub(crate) fn line(&mut self, part: &str) -> String {
        let text = self.text();
        let line = text.lines().find(|line| line.contains(part));
        line.unwrap_or_else(|| panic!("{part:?} is not on the screen:\n{text}")).to_owned()
    }

    pub(crate) fn shows(&mut self, part: &str) -> bool {
        self.text().contains(part)
    }
}

/// An object from JSON.
pub(crate) fn object(json: Value) -> Arc<Object> {
    Arc::new(Object::from_json(json).unwrap())
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}
