//! Server-side apply, and what every other write does to `managedFields`.

use serde_json::Value;

use super::fields::{FieldSet, display};
use super::managers::{Manager, Managers, Operation, Writer};
use super::walk::{Comparison, WrongType, check, compare, fields_of, merge, reconciled, with_named_parents, without};
use crate::sim::openapi::{Schema, empty_object};

/// The annotation in which `kubectl apply` keeps what it applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The manager to which fields belong that were there before anybody was recorded.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// Why a configuration was not applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The configuration does not fit its type.
    #[error("failed to create typed patch object ({0}): {1}")]
    WrongType(String, WrongType),
    /// A configuration must not say who manages it.
    #[error("metadata.managedFields must be nil")]
    ManagedFields,
    /// Other managers own fields that it would change: applying with force takes them over.
    #[error("{}", conflict_message(.0))]
    Conflicts(Vec<Conflict>),
}

/// One field that another manager owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The manager as people are told, for example `"kubectl" using batch/v1`.
    pub manager: String,
    /// The field, for example `.spec.replicas`.
    pub field: String,
}

fn conflict_message(conflicts: &[Conflict]) -> String {
    if let [one] = conflicts {
        return format!("Apply failed with 1 conflict: conflict with {}: {}", one.manager, one.field);
    }
    let mut managers: Vec<_> = conflicts.iter().map(|conflict| &conflict.manager).collect();
    managers.sort();
    managers.dedup();
    let mut lines = Vec::new();
    for manager in managers {
        lines.push(format!("conflicts with {manager}:"));
        let fields = conflicts.iter().filter(|conflict| conflict.manager == *manager);
        lines.extend(fields.map(|conflict| format!("- {}", conflict.field)));
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}

/// The fields of metadata that belong to nobody.
fn nobodys() -> FieldSet {
    FieldSet::of_fields(&[
        &["apiVersion"],
        &["kind"],
        &["metadata"],
        &["metadata", "name"],
        &["metadata", "namespace"],
        &["metadata", "creationTimestamp"],
        &["metadata", "selfLink"],
        &["metadata", "uid"],
        &["metadata", "clusterName"],
        &["metadata", "generation"],
        &["metadata", "managedFields"],
        &["metadata", "resourceVersion"],
    ])
}

fn without_managed_fields(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    object
}

/// What other managers lose by a change; a conflict where one of them still owns a field that changes.
fn yielded(
    managers: &Managers,
    comparison: &Comparison,
    this: &Manager,
    force: bool,
) -> Result<Managers, Vec<(Manager, FieldSet)>> {
    let changed = comparison.modified.clone().union(&comparison.added);
    let mut out = Managers::default();
    let mut conflicts = Vec::new();
    for manager in &managers.0 {
        if manager.is(this) {
            out.0.push(manager.clone());
            continue;
        }
        let conflict = manager.fields.intersection(&changed);
        let fields = manager.fields.difference(&conflict).difference(&comparison.removed);
        if !conflict.is_empty() {
            conflicts.push((manager.clone(), conflict));
        }
        if !fields.is_empty() {
            out.0.push(Manager { fields, ..manager.clone() });
        }
    }
    if force || conflicts.is_empty() { Ok(out) } else { Err(conflicts) }
}

/// Records in `managedFields` of the new object what a write other than an apply has changed.
///
/// `ignored` are fields that the writer cannot change there, such as `status` outside of its subresource. What the
/// writer sends as `managedFields` counts: a list that is empty, or holds one empty entry, forgets all managers.
pub fn track_update(schema: Schema<'_>, live: Option<&Value>, new: &mut Value, writer: &Writer, ignored: &FieldSet) {
    let sent = new.pointer("/metadata/managedFields").cloned();
    let is_reset = sent.as_ref().and_then(Value::as_array).is_some_and(|list| match list.as_slice() {
        [] => true,
        [one] => one.as_object().is_some_and(serde_json::Map::is_empty),
        _ => false,
    });
    let managers = if !writer.subresource.is_empty() {
        Managers::of(live)
    } else if is_reset {
        Managers::default()
    } else {
        match Managers::read(sent.as_ref()) {
            Some(managers) if !managers.0.is_empty() => managers,
            _ => Managers::of(live),
        }
    };
    *new = without_managed_fields(new);
    if managers.0.is_empty() && live.is_some() {
        // Nobody is recorded: that starts with the first apply.
        return;
    }
    let managers = updated(schema, live, new, managers, writer, ignored);
    managers.write(new);
}

fn updated(
    schema: Schema<'_>,
    live: Option<&Value>,
    new: &Value,
    mut managers: Managers,
    writer: &Writer,
    ignored: &FieldSet,
) -> Managers {
    for manager in &mut managers.0 {
        manager.fields = reconciled(schema, &manager.fields);
    }
    let empty = empty_object(schema, new);
    let before = live.map_or(empty, without_managed_fields);
    let comparison = compare(schema, &before, new).without(ignored);
    let this = Manager::new(writer, Operation::Update);
    // The writer's own earlier entry loses what changed as well: it gets it back at once, with the time of this write.
    let nobody = Manager { name: String::new(), subresource: "\0".to_owned(), ..this.clone() };
    let Ok(mut managers) = yielded(&managers, &comparison, &nobody, true) else { return managers };
    let owned = comparison.modified.union(&comparison.added).without_below(ignored).difference(&nobodys());
    if !owned.is_empty() {
        let entry = managers.entry(this);
        entry.fields = std::mem::take(&mut entry.fields).union(&owned);
        entry.time = Some(writer.time);
    }
    managers.join_ancient();
    managers
}

/// Applies a configuration: the object as it is to be stored, with its `managedFields`. It equals the live one where
/// nothing changes.
///
/// The result may lack what the server defaults, and what a validation demands: both come afterwards.
pub fn apply(
    schema: Schema<'_>,
    live: Option<&Value>,
    config: &Value,
    writer: &Writer,
    force: bool,
    ignored: &FieldSet,
) -> Result<Value, ApplyError> {
    if config.pointer("/metadata/managedFields").is_some_and(|list| !list.is_null()) {
        return Err(ApplyError::ManagedFields);
    }
    check(schema, config).map_err(|error| ApplyError::WrongType(identity(config), error))?;
    let result = apply_once(schema, live, config, writer, force, ignored);
    let (object, managers) = match result {
        Err(conflicts) if writer.manager == "kubectl" => {
            let allowed = live.and_then(|live| last_applied_fields(schema, live, &writer.api_version));
            let left: Vec<_> = match &allowed {
                Some(allowed) => conflicts
                    .into_iter()
                    .map(|(manager, fields)| (manager, fields.difference(allowed)))
                    .filter(|(_, fields)| !fields.is_empty())
                    .collect(),
                None => conflicts,
            };
            if !left.is_empty() {
                return Err(ApplyError::Conflicts(named(&left)));
            }
            apply_once(schema, live, config, writer, true, ignored)
        }
        other => other,
    }
    .map_err(|conflicts| ApplyError::Conflicts(named(&conflicts)))?;
    let mut object = object;
    keep_last_applied(&mut object, config, &writer.manager);
    managers.write(&mut object);
    Ok(object)
}

fn identity(config: &Value) -> String {
    let text = |pointer: &str| config.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let api_version = text("/apiVersion");
    let group_version = if api_version.contains('/') { api_version.to_owned() } else { format!("/{api_version}") };
    format!("{}/{}; {group_version}, Kind={}", text("/metadata/namespace"), text("/metadata/name"), text("/kind"))
}

fn named(conflicts: &[(Manager, FieldSet)]) -> Vec<Conflict> {
    let mut out = Vec::new();
    for (manager, fields) in conflicts {
        for path in fields.paths() {
            out.push(Conflict { manager: manager.display(), field: display(&path) });
        }
    }
    out
}

fn apply_once(
    schema: Schema<'_>,
    live: Option<&Value>,
    config: &Value,
    writer: &Writer,
    force: bool,
    ignored: &FieldSet,
) -> Result<(Value, Managers), Vec<(Manager, FieldSet)>> {
    let this = Manager::new(writer, Operation::Apply);
    let mut managers = Managers::of(live);
    let live = match live {
        Some(live) => without_managed_fields(live),
        None => empty_object(schema, config),
    };
    if managers.0.is_empty() {
        let before = Writer { manager: BEFORE_FIRST_APPLY.to_owned(), ..writer.clone() };
        managers = updated(schema, None, &live, managers, &before, ignored);
    }
    for manager in &mut managers.0 {
        manager.fields = reconciled(schema, &manager.fields);
    }
    let merged = merge(schema, &live, config);
    let set = fields_of(schema, config).without_below(ignored);
    // The time is that of the last change: a manager that comes to share what is there already has none.
    let entry = managers.entry(Manager { time: None, ..this.clone() });
    let last = std::mem::replace(&mut entry.fields, set);
    entry.api_version.clone_from(&writer.api_version);
    let new = prune(schema, &merged, &managers, &last);
    let comparison = compare(schema, &live, &new).without(ignored);
    let mut managers = yielded(&managers, &comparison, &this, force)?;
    if new != live {
        managers.entry(this.clone()).time = Some(writer.time);
    }
    let entry = managers.entry(this);
    entry.fields = entry.fields.difference(&nobodys());
    Ok((new, managers))
}

/// The merged object without what the manager applied last time, does not apply now, and nobody else owns.
fn prune(schema: Schema<'_>, merged: &Value, managers: &Managers, last: &FieldSet) -> Value {
    if last.is_empty() {
        return merged.clone();
    }
    let take = |object: &Value, fields: &FieldSet| without(schema, object, fields);
    let named = |set: &FieldSet| with_named_parents(schema, set);
    let last = named(last);
    let merged_fields = named(&fields_of(schema, merged));
    // First everything the manager had goes, with what is below; then what anybody owns now comes back; then what
    // went only because it stood below something that went.
    let pruned = take(merged, &last);
    let owned = managers.0.iter().fold(FieldSet::default(), |all, manager| all.union(&manager.fields));
    let kept = named(&fields_of(schema, &pruned)).union(&named(&owned));
    let pruned = take(merged, &merged_fields.difference(&kept));
    let kept = named(&fields_of(schema, &pruned));
    take(merged, &merged_fields.difference(&kept).intersection(&last))
}

/// The fields which `kubectl apply` on the client's side has applied and which still have the values it gave them:
/// kubectl may take them over without a conflict.
fn last_applied_fields(schema: Schema<'_>, live: &Value, api_version: &str) -> Option<FieldSet> {
    let text = live.pointer("/metadata/annotations")?.get(LAST_APPLIED)?.as_str()?;
    let applied: Value = serde_json::from_str(text).ok()?;
    if applied.get("apiVersion").and_then(Value::as_str) != Some(api_version) || check(schema, &applied).is_err() {
        return None;
    }
    let comparison = compare(schema, &applied, live);
    let fields = fields_of(schema, &applied);
    Some(fields.difference(&comparison.modified).difference(&comparison.added).difference(&comparison.removed))
}

/// `kubectl apply --server-side` keeps the annotation of the client's side up to date where it is there.
fn keep_last_applied(object: &mut Value, config: &Value, manager: &str) {
    if manager != "kubectl" {
        return;
    }
    let mut config = config.clone();
    if let Some(annotations) = config.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove(LAST_APPLIED);
    }
    let annotation =
        object.pointer_mut("/metadata/annotations").and_then(|annotations| annotations.get_mut(LAST_APPLIED));
    if let Some(annotation) = annotation
        && annotation.as_str().is_some_and(|text| !text.is_empty())
    {
        *annotation = Value::String(format!("{config}\n"));
    }
}
