//! A small cluster in memory: objects with UIDs, hooks that take time, finalizers, garbage collection, users who meddle.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use boathook::domain::manifest::{Object, ObjectKey};
use boathook::domain::names::HOOK_FINALIZER;
use boathook::domain::plan::Propagation;
use boathook::domain::step::{Action, Apply, ApplyResult, Change, DeleteResult, Method, Outcome};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::make::{object, start};

const FOREGROUND: &str = "foregroundDeletion";

/// How an object does after it was created or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// Ends, or becomes healthy, after so many seconds.
    Good(u8),
    /// Fails, or becomes degraded, after so many seconds.
    Bad(u8),
    /// Never gets anywhere.
    Hangs,
}

/// What a user, or something else from outside, does at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deed {
    /// `kubectl delete`.
    Delete(ObjectKey),
    /// `kubectl delete`, then the same again without our mark, and the finalizer removed by force.
    Recreate(ObjectKey),
    /// Asks for the operation's end.
    Terminate,
    /// Approves deletions.
    Approve,
}

#[derive(Debug, Clone)]
enum Event {
    Settles(String, bool),
    Collected(String),
    Done(Deed),
}

/// One write, as the API server saw it.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) uid: String,
    pub(super) object: Arc<Object>,
    pub(super) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Created,
    Patched,
    Deleted,
    Released,
    Gone,
    Ended(bool),
}

/// The cluster.
#[derive(Clone)]
pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) objects: BTreeMap<ObjectKey, Arc<Object>>,
    /// Courses of the instances of an object, one after the other; the last one repeats.
    pub(super) courses: HashMap<ObjectKey, Vec<Course>>,
    /// Objects that are refused: when tried already, or only when applied.
    pub(super) refused: BTreeMap<ObjectKey, bool>,
    /// Objects that something outside holds with a finalizer for so many seconds.
    pub(super) held: BTreeMap<ObjectKey, u8>,
    pub(super) approved: Option<Timestamp>,
    pub(super) terminate: bool,
    pub(super) written: Vec<Written>,
    /// UIDs of instances that a user deleted or replaced.
    pub(super) meddled: BTreeSet<String>,
    /// What happens so many seconds after an object was created.
    pub(super) ambushes: Vec<(ObjectKey, u8, Deed)>,
    instances: HashMap<ObjectKey, usize>,
    events: Vec<(Timestamp, usize, Event)>,
    counter: usize,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            now: start(),
            objects: BTreeMap::new(),
            courses: HashMap::new(),
            refused: BTreeMap::new(),
            held: BTreeMap::new(),
            approved: None,
            terminate: false,
            written: Vec::new(),
            meddled: BTreeSet::new(),
            ambushes: Vec::new(),
            instances: HashMap::new(),
            events: Vec::new(),
            counter: 0,
        }
    }

    /// Puts an object there as if it had always been; it does not change by itself.
    pub(super) fn put(&mut self, target: &Object, status: Value) {
        let uid = self.new_uid();
        let mut json = target.clone().into_json();
        json["metadata"]["uid"] = json!(uid);
        json["status"] = status;
        self.store(json);
    }

    pub(super) fn plan_deed(&mut self, after: u8, deed: Deed) {
        self.schedule(after, Event::Done(deed));
    }

    fn new_uid(&mut self) -> String {
        self.counter += 1;
        format!("uid-{}", self.counter)
    }

    fn store(&mut self, mut json: Value) -> Arc<Object> {
        self.counter += 1;
        json["metadata"]["resourceVersion"] = json!(self.counter.to_string());
        let object = object(json);
        self.objects.insert(object.key(), Arc::clone(&object));
        object
    }

    fn schedule(&mut self, after: u8, event: Event) {
        self.counter += 1;
        let at = self.now.saturating_add(SignedDuration::from_secs(i64::from(after))).unwrap();
        self.events.push((at, self.counter, event));
    }

    /// Time of the next thing that happens by itself.
    pub(super) fn next_event(&self) -> Option<Timestamp> {
        self.events.iter().map(|(at, ..)| *at).min()
    }

    /// Lets time pass until `to`; everything that is due happens.
    pub(super) fn pass(&mut self, to: Timestamp) {
        loop {
            let due = self.events.iter().enumerate().filter(|(_, (at, ..))| *at <= to);
            let Some(index) = due.min_by_key(|(_, (at, order, _))| (*at, *order)).map(|(index, _)| index) else {
                break;
            };
            let (at, _, event) = self.events.swap_remove(index);
            self.now = self.now.max(at);
            self.happen(event);
        }
        self.now = self.now.max(to);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Settles(uid, good) => self.settle(&uid, good),
            Event::Collected(uid) => self.drop_finalizer(&uid, FOREGROUND),
            Event::Done(Deed::Terminate) => self.terminate = true,
            Event::Done(Deed::Approve) => self.approved = Some(self.now),
            Event::Done(Deed::Delete(key)) => {
                if let Some(live) = self.objects.get(&key).cloned() {
                    self.meddled.insert(live.uid().to_owned());
                    self.delete(&key, live.uid(), Propagation::Background);
                }
            }
            Event::Done(Deed::Recreate(key)) => {
                if let Some(live) = self.objects.remove(&key) {
                    self.meddled.insert(live.uid().to_owned());
                    let mut json = Object::clone(&live).into_json();
                    json["metadata"]["annotations"]
                        .as_object_mut()
                        .unwrap()
                        .retain(|name, _| !name.starts_with("boathook"));
                    for field in ["uid", "deletionTimestamp", "finalizers"] {
                        json["metadata"].as_object_mut().unwrap().remove(field);
                    }
                    json["metadata"]["uid"] = json!(self.new_uid());
                    json["status"] =
                        json!({"conditions": [{"type": "Complete", "status": "True", "message": "not ours"}]});
                    self.store(json);
                }
            }
        }
    }

    fn find(&self, uid: &str) -> Option<Arc<Object>> {
        self.objects.values().find(|object| object.uid() == uid).cloned()
    }

    fn settle(&mut self, uid: &str, good: bool) {
        let Some(live) = self.find(uid) else { return };
        let mut json = Object::clone(&live).into_json();
        json["status"] = status(live.kind(), good);
        self.note(&live, What::Ended(good));
        self.store(json);
    }

    fn note(&mut self, object: &Arc<Object>, what: What) {
        self.written.push(Written { uid: object.uid().to_owned(), object: Arc::clone(object), what });
    }

    fn drop_finalizer(&mut self, uid: &str, finalizer: &str) {
        let Some(live) = self.find(uid) else { return };
        let mut json = Object::clone(&live).into_json();
        if let Some(Value::Array(finalizers)) = json["metadata"].get_mut("finalizers") {
            finalizers.retain(|own| own != finalizer);
        }
        let object = self.store(json);
        self.collect(&object);
    }

    /// An object that is being deleted and that nothing holds is gone.
    fn collect(&mut self, object: &Arc<Object>) {
        if object.is_deleting() && object.finalizers().next().is_none() {
            self.note(object, What::Gone);
            self.objects.remove(&object.key());
        }
    }

    /// Does what the state machine asks for.
    pub(super) fn execute(&mut self, action: &Action) -> Outcome {
        match action {
            Action::Apply(apply) => {
                Outcome::Apply { task: apply.task.clone(), dry_run: apply.dry_run, result: self.apply(apply) }
            }
            Action::Delete(delete) => {
                let result = self.delete(&delete.object, &delete.uid, delete.propagation);
                Outcome::Delete { delete: (**delete).clone(), result }
            }
            Action::RemoveFinalizer { task, object, uid } => {
                if let Some(live) = self.objects.get(object).filter(|live| live.uid() == uid).cloned() {
                    self.note(&live, What::Released);
                    self.drop_finalizer(uid, HOOK_FINALIZER);
                }
                Outcome::RemoveFinalizer { task: task.clone(), uid: uid.clone(), result: Ok(()) }
            }
            Action::Read { object } => {
                Outcome::Read { object: object.clone(), result: Ok(self.objects.get(object).cloned()) }
            }
        }
    }

    fn apply(&mut self, apply: &Apply) -> ApplyResult {
        let key = &apply.object;
        assert_eq!(apply.manifest.key(), *key, "the manifest is not that of the task");
        if self.refused.get(key).is_some_and(|when_tried| *when_tried || !apply.dry_run) {
            return ApplyResult::Failed(format!("admission webhook denied {}", key.name));
        }
        let live = self.objects.get(key).cloned();
        match (live, apply.method) {
            (Some(_), Method::Create) => ApplyResult::AlreadyExists,
            (None, _) if apply.dry_run => {
                ApplyResult::Done { change: Change::Created, object: Arc::clone(&apply.manifest) }
            }
            (Some(live), Method::Apply) if apply.dry_run => {
                ApplyResult::Done { change: Change::Configured, object: live }
            }
            (None, _) => ApplyResult::Done { change: Change::Created, object: self.create(&apply.manifest) },
            (Some(live), Method::Apply) => {
                ApplyResult::Done { change: Change::Configured, object: self.patch(&live, &apply.manifest) }
            }
        }
    }

    fn create(&mut self, manifest: &Arc<Object>) -> Arc<Object> {
        let uid = self.new_uid();
        let mut json = Object::clone(manifest).into_json();
        json["metadata"]["uid"] = json!(uid);
        json["metadata"]["generation"] = json!(1);
        json["status"] = if manifest.kind() == "Pod" { json!({"phase": "Running"}) } else { json!({}) };
        let object = self.store(json);
        self.note(&object, What::Created);
        self.run(&object);
        object
    }

    fn patch(&mut self, live: &Arc<Object>, manifest: &Arc<Object>) -> Arc<Object> {
        let mut json = Object::clone(live).into_json();
        let target = Object::clone(manifest).into_json();
        for field in ["annotations", "finalizers"] {
            if let Some(value) = target["metadata"].get(field) {
                json["metadata"][field] = value.clone();
            }
        }
        let object = self.store(json);
        self.note(&object, What::Patched);
        object
    }

    fn run(&mut self, object: &Arc<Object>) {
        let key = object.key();
        let (met, others) = std::mem::take(&mut self.ambushes).into_iter().partition(|(victim, ..)| *victim == key);
        self.ambushes = others;
        let met: Vec<(ObjectKey, u8, Deed)> = met;
        for (_, after, deed) in met {
            self.schedule(after, Event::Done(deed));
        }
        let instance = self.instances.entry(key.clone()).or_default();
        let courses = self.courses.get(&key).cloned().unwrap_or_default();
        let course = courses.get(*instance).or(courses.last()).copied().unwrap_or(Course::Good(0));
        *instance += 1;
        let uid = object.uid().to_owned();
        match course {
            Course::Good(after) => self.schedule(after, Event::Settles(uid, true)),
            Course::Bad(after) => self.schedule(after, Event::Settles(uid, false)),
            Course::Hangs => {}
        }
    }

    fn delete(&mut self, key: &ObjectKey, uid: &str, propagation: Propagation) -> DeleteResult {
        let Some(live) = self.objects.get(key).filter(|live| live.uid() == uid).cloned() else {
            return DeleteResult::Gone;
        };
        if live.is_deleting() {
            return DeleteResult::Accepted;
        }
        let mut json = Object::clone(&live).into_json();
        json["metadata"]["deletionTimestamp"] = json!(self.now.to_string());
        if propagation == Propagation::Foreground {
            let mut finalizers: Vec<Value> = live.finalizers().map(Into::into).collect();
            finalizers.push(FOREGROUND.into());
            json["metadata"]["finalizers"] = Value::Array(finalizers);
            let after = self.held.get(key).copied().unwrap_or(1);
            self.schedule(after, Event::Collected(uid.to_owned()));
        }
        self.note(&live, What::Deleted);
        let object = self.store(json);
        self.collect(&object);
        DeleteResult::Accepted
    }
}

/// The status of an object that ended, or became healthy, or did not.
pub(super) fn status(kind: &str, good: bool) -> Value {
    match (kind, good) {
        ("Job", true) => {
            json!({"conditions": [{"type": "Complete", "status": "True", "message": "Reached expected number of succeeded pods"}]})
        }
        ("Job", false) => {
            json!({"conditions": [{"type": "Failed", "status": "True", "message": "Job has reached the specified backoff limit"}]})
        }
        ("Pod" | "Workflow", true) => json!({"phase": "Succeeded"}),
        ("Pod" | "Workflow", false) => json!({"phase": "Failed", "message": "evicted"}),
        ("Deployment", true) => {
            json!({"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "readyReplicas": 2})
        }
        ("Deployment", false) => json!({"observedGeneration": 1, "conditions":
            [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}),
        _ => json!({}),
    }
}
