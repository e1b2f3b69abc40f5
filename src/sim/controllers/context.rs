//! What a controller has at hand while it looks at one object.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::json::{set, text};
use super::owners::Owners;
use super::queue::Key;
use super::recorder::{Note, Recorder};
use super::scripts::Scripts;
use crate::domain::scenario::World;
use crate::sim::logs::Logs;
use crate::sim::resource::GroupResource;
use crate::sim::status::Status;
use crate::sim::store::{
    DeleteOptions, Deleted, EventKind, Part, Preconditions, Propagation, Random, Store, Stored, WriteOptions,
};

/// A change of an object, as controllers see it.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// The resource.
    pub(crate) id: GroupResource,
    /// What happened.
    pub(crate) kind: EventKind,
    /// The object after it, or its last version.
    pub(crate) object: Arc<Stored>,
    /// The object before it.
    pub(crate) previous: Option<Arc<Stored>>,
}

/// Everything a controller reads and writes, for the length of one look.
pub(crate) struct Context<'a> {
    /// The cluster.
    pub(crate) store: &'a Store,
    /// Logs of containers.
    pub(crate) logs: &'a Logs,
    /// Who owns what; never behind the store when a look begins.
    pub(crate) owners: &'a Owners,
    /// What pods do.
    pub(crate) scripts: &'a mut Scripts,
    /// The rest of the scenario's world.
    pub(crate) world: &'a World,
    /// Seeded.
    pub(crate) random: &'a mut Random,
    /// Where events go.
    pub(crate) recorder: &'a mut Recorder,
    /// The wall clock.
    pub(crate) now: Timestamp,
    /// The monotonic clock.
    pub(crate) monotonic: Duration,
    /// How much faster than written scripted durations and delays pass.
    pub(crate) speed: f64,
    /// Who is looking.
    pub(crate) manager: &'static str,
    /// Looks to come: key and time on the monotonic clock.
    pub(crate) later: Vec<(Key, Duration)>,
}

impl Context<'_> {
    /// A duration as it passes at the simulator's speed.
    pub(crate) fn scaled(&self, duration: Duration) -> Duration {
        scale(duration, self.speed)
    }

    /// The same of a scenario's duration.
    pub(crate) fn scaled_signed(&self, duration: SignedDuration) -> Duration {
        self.scaled(duration.unsigned_abs())
    }

    /// Has the object looked at again after a time that is shortened by the simulator's speed.
    pub(crate) fn again(&mut self, key: &Key, delay: Duration) {
        let at = self.monotonic.saturating_add(self.scaled(delay));
        self.later.push((key.clone(), at));
    }

    /// Has the object looked at again at a time of the wall clock, which is not shortened.
    pub(crate) fn again_at(&mut self, key: &Key, at: Timestamp) {
        let left = at.duration_since(self.now);
        let left = if left.is_negative() { Duration::ZERO } else { left.unsigned_abs() };
        self.later.push((key.clone(), self.monotonic.saturating_add(left)));
    }

    /// Tells people something about an object.
    pub(crate) fn tell(&mut self, about: &Value, reason: &str, message: &str) {
        self.note(about, false, reason, message);
    }

    /// Warns people of something about an object.
    pub(crate) fn warn(&mut self, about: &Value, reason: &str, message: &str) {
        self.note(about, true, reason, message);
    }

    fn note(&mut self, about: &Value, warning: bool, reason: &str, message: &str) {
        let note = Note { component: self.manager, host: "", warning, reason, message, field_path: "" };
        self.recorder.tell(self.store, self.now, about, note);
    }

    /// Creates an object.
    pub(crate) fn create(&self, id: &GroupResource, object: Value) -> Result<Arc<Stored>, Status> {
        self.store.create(id, object, &WriteOptions::by(self.manager))
    }

    /// Changes an object that still is the one that was read.
    pub(crate) fn change(
        &self,
        id: &GroupResource,
        object: &Stored,
        part: Part,
        mut change: impl FnMut(&mut Value),
    ) -> Result<Arc<Stored>, Status> {
        let options = WriteOptions::by(self.manager).part(part);
        self.store.update(id, object.namespace(), object.name(), &options, |current| {
            let mut changed = current.clone();
            // A namesake that was created meanwhile is not meant: a UID that differs is a conflict.
            set(&mut changed, "/metadata/uid", object.uid().into());
            change(&mut changed);
            Ok(changed)
        })
    }

    /// Replaces the status of an object.
    pub(crate) fn set_status(
        &self,
        id: &GroupResource,
        object: &Stored,
        status: &Value,
    ) -> Result<Arc<Stored>, Status> {
        self.change(id, object, Part::Status, |changed| set(changed, "/status", status.clone()))
    }

    /// Deletes an object that still is the one that was read; that it is gone already is no failure.
    pub(crate) fn delete(&self, id: &GroupResource, object: &Stored, propagation: Propagation) -> Result<(), Status> {
        self.delete_within(id, object, Some(propagation), None)
    }

    /// The same with a grace period in seconds.
    pub(crate) fn delete_within(
        &self,
        id: &GroupResource,
        object: &Stored,
        propagation: Option<Propagation>,
        grace: Option<i64>,
    ) -> Result<(), Status> {
        let options = DeleteOptions {
            grace_period_seconds: grace,
            preconditions: Preconditions { uid: Some(object.uid().to_owned()), resource_version: None },
            propagation,
            dry_run: false,
        };
        match self.store.delete(id, object.namespace(), object.name(), &options) {
            Ok(Deleted::Gone(_) | Deleted::Pending(_)) => Ok(()),
            Err(error) if error.code == 404 || error.code == 409 => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Takes one finalizer away; that there is none, or no object, is no failure.
    pub(crate) fn remove_finalizer(&self, id: &GroupResource, object: &Stored, name: &str) -> Result<(), Status> {
        let removed = self.change(id, object, Part::Whole, |changed| {
            let list = changed.pointer_mut("/metadata/finalizers").and_then(Value::as_array_mut);
            if let Some(list) = list {
                list.retain(|finalizer| finalizer.as_str() != Some(name));
                if list.is_empty() {
                    set(changed, "/metadata/finalizers", Value::Null);
                }
            }
        });
        match removed {
            Err(error) if error.code == 404 || error.code == 409 => Ok(()),
            other => other.map(drop),
        }
    }

    /// A pod (or another object) made from a template for a controlling owner.
    pub(crate) fn from_template(owner: &Value, template: &Value, generate_name: &str) -> Value {
        let mut metadata = template.get("metadata").filter(|metadata| metadata.is_object()).cloned();
        let metadata = metadata.get_or_insert_with(|| json!({}));
        for field in ["name", "uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"] {
            set(metadata, &format!("/{field}"), Value::Null);
        }
        set(metadata, "/generateName", generate_name.into());
        set(metadata, "/namespace", text(owner, "/metadata/namespace").into());
        set(metadata, "/ownerReferences", json!([owner_reference(owner)]));
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": template.get("spec").cloned().unwrap_or_default(),
        })
    }
}

/// The reference by which a controller's object is owned.
pub(crate) fn owner_reference(owner: &Value) -> Value {
    json!({
        "apiVersion": text(owner, "/apiVersion"),
        "kind": text(owner, "/kind"),
        "name": text(owner, "/metadata/name"),
        "uid": text(owner, "/metadata/uid"),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// A duration at a speed.
pub(crate) fn scale(duration: Duration, speed: f64) -> Duration {
    let scaled = duration.as_secs_f64() / speed;
    Duration::try_from_secs_f64(scaled).unwrap_or(Duration::MAX)
}
