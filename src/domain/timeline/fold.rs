//! The timeline: events in, facts kept.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::facts::{ObjectFacts, OperationFacts};
use super::plan::PlannedTask;
use super::read;
use super::told::Told;
use super::view::OperationView;
use crate::domain::event::{Change, WatchEvent};
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::operation::{Operation, OperationPhase, OperationState};

/// Objects remembered; beyond it those that are gone longest are forgotten first.
const MAX_OBJECTS: usize = 10_000;
/// Former operations remembered until they are taken out.
const MAX_FORMER: usize = 8;

/// What happened in the operations of one Application: folded from the events of several watches, read at any time.
///
/// Events of one watch must come in order; it does not matter how the watches interleave: the same events make the same
/// timeline. Old and repeated events change nothing. Objects are known by UID: what has the name of an earlier object is
/// another one.
///
/// The facts of each object are kept apart and judged only when the timeline is read, which is why an event costs
/// little, and why it may come before the one that explains it.
#[derive(Debug, Clone)]
pub struct Timeline {
    namespace: String,
    name: String,
    /// Waves of the Application's resources, as its status tells them.
    pub(super) waves: HashMap<ObjectKey, i64>,
    application_uid: String,
    application_version: Option<u64>,
    application_seen: bool,
    pub(super) plan: Vec<PlannedTask>,
    pub(super) objects: HashMap<String, ObjectFacts>,
    pub(super) told: Told,
    /// The current one last.
    pub(super) operations: Vec<OperationFacts>,
}

impl Timeline {
    /// The empty timeline of an Application.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            waves: HashMap::new(),
            application_uid: String::new(),
            application_version: None,
            application_seen: false,
            plan: Vec::new(),
            objects: HashMap::new(),
            told: Told::default(),
            operations: Vec::new(),
        }
    }

    /// What the current operation, or the next, is to do. It adds the tasks that are still to come, their waves and
    /// their order; without it only those are known that something was seen of.
    pub fn set_plan(&mut self, tasks: impl IntoIterator<Item = PlannedTask>) {
        self.plan = tasks.into_iter().collect();
    }

    /// Takes in an event; `false` if it changed nothing.
    pub fn observe(&mut self, event: &WatchEvent) -> bool {
        let object = &event.object;
        match (object.group(), object.kind()) {
            ("argoproj.io", "Application") if object.name() == self.name && object.namespace() == self.namespace => {
                self.observe_application(event)
            }
            ("", "Event") => self.told.observe(object),
            _ => self.observe_object(event),
        }
    }

    /// The current operation, or the last one, as it looks at `now`.
    pub fn view(&self, now: Timestamp) -> OperationView {
        read::view(self, self.operations.last(), None, now)
    }

    /// The operations before the current one, oldest first, as they looked at their end; they are forgotten here. What
    /// was seen of them is complete only once their objects are gone, so take them when something is written down.
    pub fn take_former(&mut self, now: Timestamp) -> Vec<OperationView> {
        let views = self.former(now);
        let keep = self.operations.len().saturating_sub(1);
        self.operations.drain(..keep);
        self.forget_objects_before_operations();
        views
    }

    /// As [`take_former`](Self::take_former), and nothing is forgotten.
    pub fn former(&self, now: Timestamp) -> Vec<OperationView> {
        let pairs = self.operations.iter().zip(self.operations.iter().skip(1));
        pairs.map(|(operation, next)| read::view(self, Some(operation), Some(next), now)).collect()
    }

    /// Whether an object says that it belongs to this Application: by tracking id or instance label.
    pub(super) fn tracks(&self, object: &ObjectFacts) -> bool {
        let instance = object.instance.as_str();
        instance == self.name
            || instance
                .split_once('_')
                .is_some_and(|(namespace, name)| namespace == self.namespace && name == self.name)
    }

    fn observe_object(&mut self, event: &WatchEvent) -> bool {
        let uid = event.object.uid();
        if uid.is_empty() {
            return false;
        }
        if let Some(known) = self.objects.get_mut(uid) {
            return known.update(&event.object, event.at, event.change);
        }
        let facts = ObjectFacts::new(&event.object, event.at, event.change);
        self.objects.insert(uid.to_owned(), facts);
        if self.objects.len() > MAX_OBJECTS {
            self.forget_oldest_objects();
        }
        true
    }

    fn observe_application(&mut self, event: &WatchEvent) -> bool {
        let object = &event.object;
        if object.uid() != self.application_uid {
            // Another Application of the same name: its operations are others.
            self.operations.clear();
            object.uid().clone_into(&mut self.application_uid);
            self.application_version = None;
            self.waves.clear();
            self.application_seen = false;
        }
        let version = object.at(&["metadata", "resourceVersion"]).and_then(Value::as_str);
        let version = version.and_then(|version| version.parse().ok());
        if matches!((version, self.application_version), (Some(new), Some(known)) if new <= known) {
            return false;
        }
        self.application_version = version.or(self.application_version);
        // What is in the first event of all was there before; what changed later was seen to change.
        let live = self.application_seen && event.change != Change::Listed;
        self.application_seen = true;
        if event.change == Change::Deleted {
            if let Some(current) = self.operations.last_mut() {
                current.requested = false;
            }
            return true;
        }
        self.take_waves(object);
        self.take_operation(object, event.at, live, version.is_some());
        true
    }

    /// What is pruned leaves the status; its wave is remembered.
    fn take_waves(&mut self, application: &Object) {
        let resources = application.at(&["status", "resources"]).and_then(Value::as_array);
        for resource in resources.into_iter().flatten() {
            let text = |field: &str| resource.get(field).and_then(Value::as_str).unwrap_or_default();
            let wave = resource.get("syncWave").and_then(Value::as_i64).unwrap_or_default();
            self.waves.insert(ObjectKey::new(text("group"), text("kind"), text("namespace"), text("name")), wave);
        }
    }

    fn take_operation(&mut self, application: &Object, at: Timestamp, live: bool, in_order: bool) {
        let is_there = |value: &&Value| value.is_object();
        let request = application.at(&["operation"]).filter(is_there).map(|value| Operation::from_json(value).0);
        let state = application.at(&["status", "operationState"]).filter(is_there);
        let state = state.map(|value| OperationState::from_json(value).0);
        let requested = request.is_some();
        let is_over = |state: &OperationState| state.phase.is_some_and(OperationPhase::is_completed);
        match (request, state) {
            (None, None) => {
                if let Some(current) = self.operations.last_mut() {
                    current.requested = false;
                }
            }
            // A request beside a state that is over is for another operation: its state will replace the old one.
            (Some(request), Some(state)) if is_over(&state) => {
                if self.operations.last().is_none_or(|current| current.accepted) {
                    self.update(state, at, live, false, in_order);
                }
                self.request(request, at, live);
            }
            (_, Some(state)) => self.update(state, at, live, requested, in_order),
            (Some(request), None) => self.request(request, at, live),
        }
    }

    /// The current operation is one that no controller has taken yet.
    fn request(&mut self, request: Operation, at: Timestamp, live: bool) {
        if !self.operations.last().is_some_and(|current| !current.accepted && current.requested) {
            self.begin(at, live);
        }
        if let Some(current) = self.operations.last_mut() {
            current.requested = true;
            current.request = Arc::new(request);
        }
    }

    /// The current operation is the one with this state.
    fn update(&mut self, state: OperationState, at: Timestamp, live: bool, requested: bool, in_order: bool) {
        let is_same = |current: &OperationFacts| !current.accepted || current.started_at == state.started_at;
        // A request that was taken back leaves the operation before it.
        if let [.., before, last] = self.operations.as_slice()
            && !last.accepted
            && before.started_at == state.started_at
        {
            self.operations.pop();
        }
        if !self.operations.last().is_some_and(is_same) {
            self.begin(at, live);
        }
        if let Some(current) = self.operations.last_mut() {
            current.update(state, at, live, in_order);
            current.requested = requested;
        }
    }

    fn begin(&mut self, at: Timestamp, live: bool) {
        // A request that was taken back before any controller saw it leaves nothing to remember.
        if self.operations.last().is_some_and(|current| !current.accepted) {
            self.operations.pop();
        }
        self.operations.push(OperationFacts::new(at, live));
        if self.operations.len() > MAX_FORMER + 1 {
            self.operations.remove(0);
            self.forget_objects_before_operations();
        }
    }

    /// Forgets what is gone and belongs to no remembered operation.
    fn forget_objects_before_operations(&mut self) {
        let Some(start) = self.operations.first().and_then(|operation| operation.started_at) else { return };
        self.objects
            .retain(|_, object| !object.is_gone() || object.created.time().is_none_or(|created| created >= start));
    }

    fn forget_oldest_objects(&mut self) {
        let mut order: Vec<_> =
            self.objects.values().map(|object| (!object.is_gone(), object.order(), object.uid.clone())).collect();
        order.sort();
        for (_, _, uid) in order.into_iter().take(MAX_OBJECTS / 4) {
            self.objects.remove(&uid);
        }
    }
}
