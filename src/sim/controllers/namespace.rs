//! Namespaces: what a new one gets, and how a deleted one is emptied.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::json::{list, seconds, set, text};
use super::names::ControllerName;
use super::owners::Owners;
use super::{Change, Context, Controller, Key, Wake};
use crate::sim::resource::{CONFIG_MAPS, GroupResource, NAMESPACES, SERVICE_ACCOUNTS};
use crate::sim::status::Status;
use crate::sim::store::{EventKind, Part, Propagation, Stored};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct NamespaceController;

impl Controller for NamespaceController {
    fn name(&self) -> ControllerName {
        ControllerName::Namespace
    }

    fn manager(&self) -> &'static str {
        "kube-controller-manager"
    }

    fn observe(&mut self, change: &Change, _owners: &Owners, wake: &mut Wake<'_>) {
        if change.id == NAMESPACES && change.kind != EventKind::Deleted {
            wake.now("", change.object.name());
        }
        // What a namespace waited for is gone; or its own account, which comes back.
        if change.kind == EventKind::Deleted && !change.object.namespace().is_empty() {
            wake.now("", change.object.namespace());
        }
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Status> {
        let Some(namespace) = context.store.get(&NAMESPACES, "", &key.name) else { return Ok(()) };
        if namespace.is_deleting() { empty(context, &namespace) } else { fill(context, &key.name) }
    }
}

fn fill(context: &Context<'_>, namespace: &str) -> Result<(), Status> {
    if context.store.get(&SERVICE_ACCOUNTS, namespace, "default").is_none() {
        let account = json!({"metadata": {"name": "default", "namespace": namespace}});
        context.create(&SERVICE_ACCOUNTS, account)?;
    }
    if context.store.get(&CONFIG_MAPS, namespace, "kube-root-ca.crt").is_none() {
        let about = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints \
                     such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across \
                     distributions of Kubernetes clusters.";
        let certificates = json!({
            "metadata": {
                "name": "kube-root-ca.crt",
                "namespace": namespace,
                "annotations": {"kubernetes.io/description": about},
            },
            "data": {"ca.crt": ""},
        });
        context.create(&CONFIG_MAPS, certificates)?;
    }
    Ok(())
}

fn empty(context: &Context<'_>, namespace: &Stored) -> Result<(), Status> {
    let mut remaining: BTreeMap<String, usize> = BTreeMap::new();
    let mut held: BTreeMap<String, usize> = BTreeMap::new();
    for resource in context.store.resources().iter().filter(|resource| resource.namespaced) {
        let id: GroupResource = resource.id();
        for object in context.store.list(&id, Some(namespace.name())).0 {
            if !object.is_deleting() {
                context.delete(&id, &object, Propagation::Background)?;
            }
        }
        let left = context.store.list(&id, Some(namespace.name())).0;
        if !left.is_empty() {
            remaining.insert(format!("{}.{}", resource.plural, resource.group), left.len());
        }
        for object in left {
            for finalizer in list(&object.value(), "/metadata/finalizers").iter().filter_map(Value::as_str) {
                *held.entry(finalizer.to_owned()).or_default() += 1;
            }
        }
    }
    if remaining.is_empty() {
        let freed = context.change(&NAMESPACES, namespace, Part::Everything, |namespace| {
            if let Some(list) = namespace.pointer_mut("/spec/finalizers").and_then(Value::as_array_mut) {
                list.retain(|name| name.as_str() != Some("kubernetes"));
            }
        });
        return freed.map(drop);
    }
    let conditions = conditions(&remaining, &held, &namespace.value(), &seconds(context.now));
    context
        .change(&NAMESPACES, namespace, Part::Status, |namespace| {
            set(namespace, "/status/conditions", conditions.clone());
        })
        .map(drop)
}

/// The five conditions that say what a namespace still waits for.
fn conditions(
    remaining: &BTreeMap<String, usize>,
    held: &BTreeMap<String, usize>,
    namespace: &Value,
    now: &str,
) -> Value {
    let resources: Vec<String> =
        remaining.iter().map(|(name, count)| format!("{name} has {count} resource instances")).collect();
    let finalizers: Vec<String> =
        held.iter().map(|(name, count)| format!("{name} in {count} resource instances")).collect();
    let rows = [
        (
            "NamespaceDeletionDiscoveryFailure",
            false,
            "ResourcesDiscovered",
            "All resources successfully discovered".to_owned(),
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            false,
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed".to_owned(),
        ),
        (
            "NamespaceDeletionContentFailure",
            false,
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization".to_owned(),
        ),
        (
            "NamespaceContentRemaining",
            true,
            "SomeResourcesRemain",
            format!("Some resources are remaining: {}", resources.join(", ")),
        ),
        if finalizers.is_empty() {
            (
                "NamespaceFinalizersRemaining",
                false,
                "ContentHasNoFinalizers",
                "All content-preserving finalizers finished".to_owned(),
            )
        } else {
            (
                "NamespaceFinalizersRemaining",
                true,
                "SomeFinalizersRemain",
                format!("Some content in the namespace has finalizers remaining: {}", finalizers.join(", ")),
            )
        },
    ];
    rows.into_iter()
        .map(|(kind, status, reason, message)| {
            let status = if status { "True" } else { "False" };
            let before = super::json::condition(namespace, kind);
            let since = before.filter(|before| text(before, "/status") == status);
            let since = since.map_or(now, |before| text(before, "/lastTransitionTime"));
            json!({"type": kind, "status": status, "lastTransitionTime": since, "reason": reason, "message": message})
        })
        .collect()
}
