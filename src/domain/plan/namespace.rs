//! The destination's namespace, for `CreateNamespace=true`.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::input::PlanInput;
use super::rules::{ApplyRule, DryRun, PruneRule};
use super::task::{Role, Skip, Task, TaskId};
use crate::domain::hook::SyncPhase;
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::sync_options::SyncOptions;

/// The operation creates the destination's namespace, and never prunes it.
pub(super) const CREATE_NAMESPACE: &str = "CreateNamespace=true";

/// The task that creates the destination's namespace, or gives it its metadata: in PreSync, wave 0, but no hook. None if
/// nobody asked for it or a manifest defines the namespace.
pub(super) fn namespace_task(input: &PlanInput<'_>, options: &SyncOptions) -> Option<Task> {
    let name = input.destination_namespace;
    if name.is_empty() || !options.has(CREATE_NAMESPACE) {
        return None;
    }
    let is_written = input.targets.iter().any(|target| is_namespace(target) && target.name() == name);
    if is_written {
        return None;
    }
    let target = manifest(name, input.namespace_metadata)?;
    let live = input.live_namespace.cloned();
    let skip = live.as_deref().filter(|live| has_metadata_of(live, &target)).map(|_| Skip::NamespaceExists);
    let object = ObjectKey::new("", "Namespace", "", name);
    Some(Task {
        id: TaskId { key: ObjectKey { namespace: name.to_owned(), ..object.clone() }, phase: SyncPhase::PreSync },
        object,
        version: "v1".to_owned(),
        wave: 0,
        role: Role::Namespace,
        manifest: None,
        apply: ApplyRule { server_side: input.namespace_metadata.is_some(), validate: true, ..ApplyRule::default() },
        target: Some(Arc::new(target)),
        live,
        generated: None,
        dry_run: DryRun::Possible,
        prune: PruneRule::default(),
        skip,
        moved: Vec::new(),
        invalid: None,
    })
}

/// Whether an object is a Namespace.
pub(super) fn is_namespace(object: &Object) -> bool {
    object.group().is_empty() && object.kind() == "Namespace"
}

fn manifest(name: &str, metadata: Option<&Value>) -> Option<Object> {
    let mut written = Map::new();
    written.insert("name".into(), name.into());
    for field in ["labels", "annotations"] {
        if let Some(value) = metadata.and_then(|metadata| metadata.get(field)).filter(|value| value.is_object()) {
            written.insert(field.into(), value.clone());
        }
    }
    Object::from_json(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": written})).ok()
}

/// Whether the live namespace has every label and annotation that it should have.
fn has_metadata_of(live: &Object, target: &Object) -> bool {
    ["labels", "annotations"].iter().all(|field| {
        let path = ["metadata", field];
        let wanted = target.at(&path).and_then(Value::as_object);
        wanted.is_none_or(|wanted| {
            let own = live.at(&path).and_then(Value::as_object);
            wanted.iter().all(|(name, value)| own.and_then(|own| own.get(name)) == Some(value))
        })
    })
}
