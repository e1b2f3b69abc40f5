//! What workload controllers have in common: their pods, the hash of a template, numbers.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::sim::controllers::json::{condition, controller_of, int, is_true, set, text, time};
use crate::sim::controllers::owners::Owners;
use crate::sim::controllers::{Change, Context, Key, Wake};
use crate::sim::resource::{GroupResource, PODS};
use crate::sim::status::Status;
use crate::sim::store::{EventKind, Stored};

/// The letters of hashes in names, as in Kubernetes.
const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// The label with the revision of a pod's template, of DaemonSets and StatefulSets.
pub(super) const REVISION: &str = "controller-revision-hash";

/// So many pods are made or deleted in one look.
pub(super) const MOST: i64 = 500;

/// The pods that an owner controls.
pub(super) fn pods_of(context: &Context<'_>, owner: &Stored) -> Vec<Arc<Stored>> {
    let controlled =
        |pod: &Arc<Stored>| controller_of(&pod.value()).is_some_and(|reference| text(reference, "/uid") == owner.uid());
    context.owners.owned(context.store, owner.uid(), &PODS).into_iter().filter(controlled).collect()
}

/// Neither ended nor being deleted.
pub(super) fn is_active(pod: &Stored) -> bool {
    !pod.is_deleting() && !matches!(text(&pod.value(), "/status/phase"), "Succeeded" | "Failed")
}

/// Ready.
pub(super) fn is_ready(pod: &Stored) -> bool {
    is_true(&pod.value(), "Ready")
}

/// Ready for `minReadySeconds`; if not yet, when it will be.
pub(super) fn available(context: &Context<'_>, pod: &Stored, owner: &Value) -> Result<(), Option<Timestamp>> {
    let value = pod.value();
    let ready = condition(&value, "Ready").filter(|ready| text(ready, "/status") == "True").ok_or(None)?;
    let least = u64::try_from(int(owner, "/spec/minReadySeconds").unwrap_or(0)).unwrap_or(0);
    if least == 0 {
        return Ok(());
    }
    let least = SignedDuration::try_from(context.scaled(Duration::from_secs(least))).unwrap_or_default();
    let at = time(ready, "/lastTransitionTime").and_then(|since| since.checked_add(least).ok()).ok_or(None)?;
    if at <= context.now { Ok(()) } else { Err(Some(at)) }
}

/// How many of these pods are available; the owner is looked at again when the next one will be.
pub(super) fn count_available<'p>(
    context: &mut Context<'_>,
    key: &Key,
    owner: &Value,
    pods: impl IntoIterator<Item = &'p Arc<Stored>>,
) -> usize {
    let mut count = 0;
    for pod in pods {
        match available(context, pod, owner) {
            Ok(()) => count += 1,
            Err(Some(at)) => context.again_at(key, at),
            Err(None) => {}
        }
    }
    count
}

/// Has a changed object looked at if it is of this kind, else the owner of this kind that a changed pod has.
pub(super) fn wake_for_itself_and_pods(change: &Change, owners: &Owners, id: &GroupResource, wake: &mut Wake<'_>) {
    if is_of(change, id) {
        wake.now(change.object.namespace(), change.object.name());
    } else if change.id == PODS {
        wake_owner(change, owners, id, wake);
    }
}

/// Writes a status, if it is another one.
pub(super) fn write_status(
    context: &mut Context<'_>,
    id: &GroupResource,
    stored: &Arc<Stored>,
    status: &Value,
) -> Result<(), Status> {
    if stored.value().get("status") != Some(status) {
        context.set_status(id, stored, status)?;
    }
    Ok(())
}

/// The template of an owner's pods.
pub(super) fn template(owner: &Value) -> Value {
    owner.pointer("/spec/template").cloned().unwrap_or_default()
}

/// Has the owner of a changed object looked at, if it is of this kind.
pub(super) fn wake_owner(change: &Change, owners: &Owners, id: &GroupResource, wake: &mut Wake<'_>) {
    if let Some(owner) = controller_of(&change.object.value())
        && let Some(place) = owners.find(text(owner, "/uid"))
        && place.id == *id
    {
        wake.now(&place.namespace, &place.name);
    }
}

/// Whether a change is of an object of this resource that exists.
pub(super) fn is_of(change: &Change, id: &GroupResource) -> bool {
    change.id == *id && change.kind != EventKind::Deleted
}

/// A short name for a pod template. Kubernetes hashes Go's own rendering of the structure, so its names differ.
pub(super) fn template_hash(template: &Value, collisions: i64) -> String {
    // FNV-1a, 32 bits.
    let text = format!("{template}{collisions}");
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash.to_string()
        .bytes()
        .map(|digit| char::from(LETTERS.get(usize::from(digit) % LETTERS.len()).copied().unwrap_or(b'b')))
        .collect()
}

/// A count in a status: left out where it is zero.
pub(super) fn set_count(status: &mut Value, field: &str, count: usize) {
    set(status, field, if count == 0 { Value::Null } else { count.into() });
}

/// `spec.replicas`, 1 where it is missing.
pub(super) fn replicas(object: &Value) -> i64 {
    int(object, "/spec/replicas").unwrap_or(1).max(0)
}

/// A number or a percentage of `total`.
pub(super) fn int_or_percent(value: Option<&Value>, total: i64, default: &str, up: bool) -> i64 {
    let text = match value {
        Some(Value::Number(number)) => return number.as_i64().unwrap_or(0).max(0),
        Some(Value::String(text)) => text.as_str(),
        _ => default,
    };
    match text.strip_suffix('%').map(str::parse::<i64>) {
        Some(Ok(percent)) => {
            let product = percent.clamp(0, 1_000) * total;
            if up { (product + 99) / 100 } else { product / 100 }
        }
        _ => text.parse::<i64>().unwrap_or(0).max(0),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn percentages_are_rounded_up_for_a_surge_and_down_for_unavailability() {
        assert_eq!(int_or_percent(None, 10, "25%", true), 3);
        assert_eq!(int_or_percent(None, 10, "25%", false), 2);
        assert_eq!(int_or_percent(Some(&json!(4)), 10, "25%", false), 4);
        assert_eq!(int_or_percent(Some(&json!("50%")), 3, "25%", true), 2);
    }

    #[test]
    fn hashes_are_of_the_letters_of_generated_names() {
        let hash = template_hash(&json!({"spec": {}}), 0);
        assert!(hash.len() >= 6 && hash.bytes().all(|letter| LETTERS.contains(&letter)), "{hash}");
        assert_ne!(hash, template_hash(&json!({"spec": {}}), 1));
    }
}
