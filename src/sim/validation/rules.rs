//! The rules of Kubernetes as the store asks them: defaults, validation and `managedFields`, by kind.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::{custom, decode, defaults, kinds, metadata, prepare};
use crate::sim::openapi::{Schema, Types};
use crate::sim::patch::{FieldSet, Writer, keep_times, track_update, without};
use crate::sim::resource::Resource;
use crate::sim::status::{FieldError, Status};
use crate::sim::store::{Operation, Part, Rules, WriteContext};

/// The types of a resource in one version.
#[derive(Debug, Clone)]
pub struct ResourceTypes {
    types: Arc<Types>,
    /// `apiVersion` and kind of a built-in resource.
    built_in: Option<(String, String)>,
}

impl ResourceTypes {
    /// The type of its objects.
    pub fn schema(&self) -> Schema<'_> {
        let kind = self.built_in.as_ref().and_then(|(api_version, kind)| self.types.kind(api_version, kind));
        kind.unwrap_or_else(|| self.types.root())
    }
}

/// Keeps the types of custom resources, so that a definition is read once and not at every request.
#[derive(Debug, Default)]
pub struct TypeCache(Mutex<HashMap<Key, Parsed>>);

/// Group, plural and version.
type Key = (String, String, String);

/// A schema and the types that were read from it.
type Parsed = (Option<Value>, Arc<Types>);

impl TypeCache {
    /// The types of a resource in one of its versions.
    pub fn of(&self, resource: &Resource, version: &str) -> ResourceTypes {
        let api_version = resource.api_version_as(version);
        if !resource.custom && Types::built_in().kind(&api_version, &resource.kind).is_some() {
            let built_in = Some((api_version, resource.kind.clone()));
            return ResourceTypes { types: Arc::clone(Types::built_in()), built_in };
        }
        let schema = resource.served_version(version).and_then(|served| served.schema.as_ref());
        let key = (resource.group.clone(), resource.plural.clone(), version.to_owned());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let types = match kept.get(&key) {
            Some((of, types)) if of.as_ref() == schema => Arc::clone(types),
            _ => {
                let types = Arc::new(Types::custom(schema));
                kept.insert(key, (schema.cloned(), Arc::clone(&types)));
                types
            }
        };
        ResourceTypes { types, built_in: None }
    }
}

/// The fields that a write to this part of an object cannot change, and so never owns.
pub fn unowned_fields(resource: &Resource, part: Part) -> FieldSet {
    match part {
        Part::Whole if resource.status => FieldSet::of_fields(&[&["status"]]),
        Part::Status if resource.custom => FieldSet::of_fields(&[&["spec"], &["metadata"]]),
        Part::Status => FieldSet::of_fields(&[&["spec"]]),
        Part::Whole | Part::Everything => FieldSet::default(),
    }
}

/// The rules of Kubernetes for every kind the simulator has.
#[derive(Debug, Default)]
pub struct KindRules {
    types: Arc<TypeCache>,
}

impl KindRules {
    /// Rules that share their types with whoever decodes requests.
    pub fn new(types: Arc<TypeCache>) -> Self {
        Self { types }
    }
}

impl Rules for KindRules {
    fn default(&self, context: WriteContext<'_>, object: &mut Value, old: Option<&Value>) {
        let resource = context.resource;
        let types = self.types.of(resource, &resource.version);
        decode::normalize(types.schema(), object);
        if resource.custom {
            let mut unknown = Vec::new();
            decode::prune(types.schema(), object, &mut String::new(), &mut unknown);
            return;
        }
        let api_version = resource.api_version();
        if old.is_none() {
            // The labels of a Job without any are those of its template, with what is added there later.
            let shares_labels = resource.kind == "Job"
                && object.pointer("/metadata/labels").and_then(Value::as_object).is_none_or(serde_json::Map::is_empty);
            defaults::default_kind(&api_version, &resource.kind, object);
            prepare::prepare_create(&api_version, &resource.kind, object);
            if shares_labels {
                let labels = object.pointer("/spec/template/metadata/labels").cloned().unwrap_or_default();
                object["metadata"]["labels"] = labels;
            }
        } else {
            prepare::prepare_update(&api_version, &resource.kind, object, old);
        }
        defaults::default_kind(&api_version, &resource.kind, object);
        decode::normalize(types.schema(), object);
        defaults::nulls(&api_version, &resource.kind, object);
    }

    fn validate(&self, context: WriteContext<'_>, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let resource = context.resource;
        let mut errors = metadata::metadata(resource, object);
        if resource.custom {
            let types = self.types.of(resource, &resource.version);
            errors.extend(custom::custom(types.schema(), object));
        } else if context.part == Part::Whole {
            errors.extend(kinds::kind(&resource.api_version(), &resource.kind, object, old));
        }
        errors
    }

    fn manage(&self, context: WriteContext<'_>, object: &mut Value, old: Option<&Value>) -> Result<(), Status> {
        let resource = context.resource;
        if context.operation == Operation::Update {
            let types = self.types.of(resource, &resource.version);
            let ignored = unowned_fields(resource, context.part);
            let writer = Writer {
                manager: context.manager.to_owned(),
                api_version: resource.api_version(),
                subresource: context.subresource.to_owned(),
                time: context.now,
            };
            if old.is_some() {
                track_update(types.schema(), old, object, &writer, &ignored);
            } else {
                // What the server adds to a new object belongs to nobody.
                let prepared = prepare::prepared_fields(&resource.api_version(), &resource.kind, object);
                let mut sent = without(types.schema(), object, &prepared);
                decode::normalize(types.schema(), &mut sent);
                track_update(types.schema(), None, &mut sent, &writer, &ignored);
                if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                    metadata.remove("managedFields");
                    if let Some(managers) = sent.pointer("/metadata/managedFields") {
                        metadata.insert("managedFields".to_owned(), managers.clone());
                    }
                }
            }
        }
        if let Some(old) = old {
            keep_times(old, object);
        }
        Ok(())
    }
}
