//! Creating and updating: what `k8s.io/apiserver/pkg/registry/rest` and `registry/generic` do before they store.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::metadata;
use super::object::Stored;
use super::options::{Part, WriteOptions};
use super::rules::WriteContext;
use super::store::{Store, key};
use crate::sim::resource::{
    CUSTOM_RESOURCE_DEFINITIONS, GenerationRule, GroupResource, NAMESPACES, Resource, definition,
};
use crate::sim::status::{FieldError, Status};

/// Somebody wrote the object between our reading and our writing.
struct Raced;

impl Store {
    /// Creates an object. Its namespace has to exist; a missing name is made from `metadata.generateName`.
    ///
    /// # Errors
    /// 404 without its namespace, 403 in a namespace that is being deleted, 409 where one of that name exists, 422
    /// where a rule of its kind is broken.
    pub fn create(&self, id: &GroupResource, mut object: Value, options: &WriteOptions) -> Result<Arc<Stored>, Status> {
        let resource = self.resource(id)?;
        let now = self.clock().now();
        if !object.is_object() {
            return Err(Status::bad_request("the object is not a JSON object"));
        }
        object["apiVersion"] = Value::String(resource.api_version());
        object["kind"] = Value::String(resource.kind.clone());
        self.check_namespace(&resource, &object)?;
        let generated = self.choose_name(&resource, &mut object)?;
        self.stamp_new(&resource, &mut object, now);
        let context = WriteContext::new(&resource, options, now);
        self.rules().default(context, &mut object, None);
        let errors = self.rules().validate(context, &object, None);
        if !errors.is_empty() {
            return Err(Status::invalid(&resource, metadata::text(&object, "name"), errors));
        }
        self.rules().manage(context, &mut object, None)?;
        let key = key(metadata::text(&object, "namespace"), metadata::text(&object, "name"));
        let mut state = self.lock();
        if state.get(id, &key).is_some() {
            let mut status = Status::already_exists(&resource, &key.1);
            if generated {
                status.message.push_str(", the server was not able to generate a unique name for the object");
            }
            return Err(status);
        }
        if options.dry_run {
            return Ok(Arc::new(Stored::new(object, 0, Some(&resource))));
        }
        let stored = state.put(id, key, object, Some(&resource), &self.0.options);
        drop(state);
        self.define(id, &stored);
        Ok(stored)
    }

    /// Reads an object, has it changed, and stores it: atomically, so `change` may be called again with what another
    /// writer stored meanwhile. A `metadata.resourceVersion` or `metadata.uid` in its answer that is not the current
    /// one is a conflict; without one the object is replaced whatever it was.
    ///
    /// # Errors
    /// 404 where there is no such object, 409 at a conflict, 422 where a rule of its kind is broken, and whatever
    /// `change` answers.
    pub fn update(
        &self,
        id: &GroupResource,
        namespace: &str,
        name: &str,
        options: &WriteOptions,
        mut change: impl FnMut(&Value) -> Result<Value, Status>,
    ) -> Result<Arc<Stored>, Status> {
        let resource = self.resource(id)?;
        loop {
            let current = self.get(id, namespace, name).ok_or_else(|| Status::not_found(&resource, name))?;
            let old = current.value();
            let new = change(&old)?;
            let Some(prepared) = self.prepare(&resource, &old, new, options)? else { return Ok(current) };
            if let Ok(stored) = self.commit(&resource, &current, prepared, options) {
                return Ok(stored);
            }
        }
    }

    /// The object as it is to be stored; `None` where nothing changes.
    fn prepare(
        &self,
        resource: &Resource,
        old: &Value,
        new: Value,
        options: &WriteOptions,
    ) -> Result<Option<Value>, Status> {
        let name = metadata::text(old, "name");
        check_preconditions(resource, old, &new)?;
        let mut object = merge(resource, old, new, options.part)?;
        object["apiVersion"] = Value::String(resource.api_version());
        object["kind"] = Value::String(resource.kind.clone());
        for field in [
            "name",
            "namespace",
            "uid",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "generation",
            "resourceVersion",
        ] {
            metadata::copy(old, &mut object, field);
        }
        check_finalizers(resource, old, &object)?;
        let context = WriteContext::new(resource, options, self.clock().now());
        self.rules().default(context, &mut object, Some(old));
        // A binding changes `spec.nodeName` and leaves the generation alone.
        if options.part != Part::Everything && generation_moves(resource.generation, old, &object) {
            let generation = old.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0);
            metadata::set(&mut object, "generation", (generation + 1).into());
        }
        let errors = self.rules().validate(context, &object, Some(old));
        if !errors.is_empty() {
            return Err(Status::invalid(resource, name, errors));
        }
        // What a client sends as `managedFields` is for the rules to judge: it may want to forget all managers.
        if object != *old {
            self.rules().manage(context, &mut object, Some(old))?;
        }
        Ok((object != *old).then_some(object))
    }

    fn commit(
        &self,
        resource: &Arc<Resource>,
        current: &Arc<Stored>,
        object: Value,
        options: &WriteOptions,
    ) -> Result<Arc<Stored>, Raced> {
        let id = &resource.id();
        let key = key(current.namespace(), current.name());
        let mut state = self.lock();
        if !state.get(id, &key).is_some_and(|stored| Arc::ptr_eq(stored, current)) {
            return Err(Raced);
        }
        if options.dry_run {
            return Ok(Arc::new(Stored::new(object, current.revision(), Some(resource))));
        }
        if may_go(&object) {
            let removed = state.remove(id, &key, object, Some(resource), &self.0.options).ok_or(Raced)?;
            drop(state);
            self.undefine(id, &removed);
            return Ok(removed);
        }
        let stored = state.put(id, key, object, Some(resource), &self.0.options);
        drop(state);
        self.define(id, &stored);
        Ok(stored)
    }

    fn check_namespace(&self, resource: &Resource, object: &Value) -> Result<(), Status> {
        if !resource.namespaced {
            return Ok(());
        }
        let namespace = metadata::text(object, "namespace");
        let namespaces = self.resource(&NAMESPACES)?;
        let stored = self.get(&NAMESPACES, "", namespace).ok_or_else(|| Status::not_found(&namespaces, namespace))?;
        if stored.is_deleting() {
            let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
            let mut status = Status::forbidden(resource, metadata::text(object, "name"), why);
            if let Some(details) = &mut status.details {
                details.namespace_terminating = Some(namespace.to_owned());
            }
            return Err(status);
        }
        Ok(())
    }

    /// Whether the name was generated.
    fn choose_name(&self, resource: &Resource, object: &mut Value) -> Result<bool, Status> {
        if !metadata::text(object, "name").is_empty() {
            return Ok(false);
        }
        let prefix = metadata::text(object, "generateName");
        if prefix.is_empty() {
            let error = FieldError::required("metadata.name", "name or generateName is required");
            return Err(Status::invalid(resource, "", vec![error]));
        }
        // As in Kubernetes, room is kept for the suffix.
        let prefix: String = prefix.chars().take(63 - 5).collect();
        let name = self.with_random(|random| format!("{prefix}{}", random.suffix()));
        metadata::set(object, "name", Value::String(name));
        Ok(true)
    }

    fn stamp_new(&self, resource: &Resource, object: &mut Value, now: jiff::Timestamp) {
        for field in ["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"] {
            metadata::set(object, field, Value::Null);
        }
        if !resource.namespaced {
            metadata::set(object, "namespace", Value::Null);
        }
        metadata::set(object, "uid", Value::String(self.with_random(super::Random::uid)));
        metadata::set(object, "creationTimestamp", Value::String(seconds(now)));
        if resource.generation != GenerationRule::None {
            metadata::set(object, "generation", 1.into());
        }
        let status =
            (resource.id() == CUSTOM_RESOURCE_DEFINITIONS).then(|| definition::established(object, &seconds(now)));
        if resource.status
            && let Some(object) = object.as_object_mut()
        {
            object.remove("status");
            object.extend(status.map(|status| ("status".to_owned(), status)));
        }
    }
}

/// A timestamp as Kubernetes writes them: whole seconds.
pub(super) fn seconds(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Whether a deleted object has nothing left to wait for.
pub(super) fn may_go(object: &Value) -> bool {
    let waits = |pointer: &str| object.pointer(pointer).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    let grace = object.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0);
    let namespace = object.get("kind").is_some_and(|kind| kind == "Namespace");
    let deleting = !metadata::text(object, "deletionTimestamp").is_empty();
    let held = waits("/metadata/finalizers") || (namespace && waits("/spec/finalizers"));
    deleting && grace == 0 && !held
}

fn check_preconditions(resource: &Resource, old: &Value, new: &Value) -> Result<(), Status> {
    let name = metadata::text(old, "name");
    let (uid, version) = (metadata::text(new, "uid"), metadata::text(new, "resourceVersion"));
    if !uid.is_empty() && uid != metadata::text(old, "uid") {
        let why = storage_precondition(resource, old, uid);
        return Err(Status::conflict(resource, name, why));
    }
    if !version.is_empty() && version != metadata::text(old, "resourceVersion") {
        return Err(Status::modified(resource, name));
    }
    Ok(())
}

/// As etcd's storage reports it, its own key included.
fn storage_precondition(resource: &Resource, old: &Value, uid: &str) -> String {
    let namespace = metadata::text(old, "namespace");
    let separator = if namespace.is_empty() { "" } else { "/" };
    format!(
        "StorageError: invalid object, Code: 4, Key: /registry/{}{separator}{namespace}/{}, ResourceVersion: 0, \
         AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
        resource.plural,
        metadata::text(old, "name"),
        metadata::text(old, "uid"),
    )
}

fn check_finalizers(resource: &Resource, old: &Value, new: &Value) -> Result<(), Status> {
    if metadata::text(old, "deletionTimestamp").is_empty() {
        return Ok(());
    }
    let before = metadata::finalizers(old);
    let added: Vec<_> = metadata::finalizers(new).into_iter().filter(|name| !before.contains(name)).collect();
    if added.is_empty() {
        return Ok(());
    }
    let list = added.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    let detail = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{list}}}"
    );
    let error = FieldError::forbidden("metadata.finalizers", detail);
    Err(Status::invalid(resource, metadata::text(old, "name"), vec![error]))
}

/// Takes from the new object what the part may change, and the rest from the old one.
fn merge(resource: &Resource, old: &Value, new: Value, part: Part) -> Result<Value, Status> {
    let Value::Object(mut new) = new else {
        return Err(Status::bad_request("the object is not a JSON object"));
    };
    let empty = Map::new();
    let old = old.as_object().unwrap_or(&empty);
    match part {
        Part::Whole if resource.status => {
            match old.get("status") {
                Some(status) => new.insert("status".to_owned(), status.clone()),
                None => new.remove("status"),
            };
            Ok(Value::Object(new))
        }
        Part::Whole | Part::Everything => Ok(Value::Object(new)),
        Part::Status => {
            let mut merged = old.clone();
            match new.remove("status") {
                Some(status) => merged.insert("status".to_owned(), status),
                None => merged.remove("status"),
            };
            let managed = new.get("metadata").and_then(|metadata| metadata.get("managedFields")).cloned();
            if !resource.custom
                && let Some(metadata) = new.remove("metadata")
            {
                merged.insert("metadata".to_owned(), metadata);
            }
            let mut merged = Value::Object(merged);
            metadata::set(&mut merged, "managedFields", managed.unwrap_or_default());
            Ok(merged)
        }
    }
}

fn generation_moves(rule: GenerationRule, old: &Value, new: &Value) -> bool {
    let without = |object: &Value, fields: &[&str]| {
        let mut object = object.as_object().cloned().unwrap_or_default();
        for field in fields {
            object.remove(*field);
        }
        object
    };
    match rule {
        GenerationRule::None => false,
        GenerationRule::Spec => without(old, &["metadata", "status"]) != without(new, &["metadata", "status"]),
        GenerationRule::Everything => without(old, &["metadata"]) != without(new, &["metadata"]),
    }
}
