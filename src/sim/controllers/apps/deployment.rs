//! Deployments: one `ReplicaSet` for each template, rolled over from the old ones to the new one.

use std::sync::Arc;

use serde_json::Value;

use super::common::{int_or_percent, is_of, pods_of, replicas, wake_owner};
use super::replicaset::{for_deployment, has_template};
use super::rollout::{Family, status};
use crate::sim::controllers::json::{int, set, text, truth};
use crate::sim::controllers::owners::Owners;
use crate::sim::controllers::{Change, Context, Controller, ControllerName, Key, Wake};
use crate::sim::resource::{DEPLOYMENTS, PODS, REPLICA_SETS};
use crate::sim::status::Status;
use crate::sim::store::{EventKind, Part, Propagation, Stored};

/// The annotation with a revision.
const REVISION: &str = "/metadata/annotations/deployment.kubernetes.io~1revision";

/// See the module.
#[derive(Debug, Default)]
pub(in crate::sim::controllers) struct DeploymentController;

impl Controller for DeploymentController {
    fn name(&self) -> ControllerName {
        ControllerName::Deployment
    }

    fn manager(&self) -> &'static str {
        "deployment-controller"
    }

    fn observe(&mut self, change: &Change, owners: &Owners, wake: &mut Wake<'_>) {
        if is_of(change, &DEPLOYMENTS) {
            wake.now(change.object.namespace(), change.object.name());
        } else if change.id == REPLICA_SETS {
            wake_owner(change, owners, &DEPLOYMENTS, wake);
        } else if change.id == PODS && change.kind == EventKind::Deleted {
            // With the strategy Recreate the last old pod has to be gone.
            let value = change.object.value();
            if let Some(owner) = crate::sim::controllers::json::controller_of(&value)
                && text(owner, "/kind") == "ReplicaSet"
            {
                // The set's own name begins with that of its Deployment.
                let name = text(owner, "/name").rsplit_once('-').map_or("", |(name, _)| name);
                wake.now(change.object.namespace(), name);
            }
        }
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Status> {
        let Some(stored) = context.store.get(&DEPLOYMENTS, &key.namespace, &key.name) else { return Ok(()) };
        let deployment = stored.value();
        let mut family = family(context, &stored, &deployment);
        if !stored.is_deleting() && !truth(&deployment, "/spec/paused") {
            if family.new.is_none() {
                family.new = Some(make_new(context, &stored, &family)?);
            }
            number(context, &stored, &mut family)?;
            match text(&deployment, "/spec/strategy/type") {
                "Recreate" => recreate(context, &deployment, &family)?,
                _ => roll(context, &deployment, &family)?,
            }
            clean_up(context, &deployment, &family)?;
        }
        // What was scaled above counts.
        let deployment =
            context.store.get(&DEPLOYMENTS, &key.namespace, &key.name).map_or(deployment, |now| now.value());
        let family = self::family(context, &stored, &deployment);
        let (status, again) = status(context, &deployment, &family);
        if let Some(again) = again {
            context.again_at(key, again);
        }
        if deployment.get("status") != Some(&status) {
            context.set_status(&DEPLOYMENTS, &stored, &status)?;
        }
        Ok(())
    }
}

/// The sets of a Deployment: the one with its template, and the others.
fn family(context: &Context<'_>, stored: &Stored, deployment: &Value) -> Family {
    let mut sets = context.owners.owned(context.store, stored.uid(), &REPLICA_SETS);
    // A set that was made in this look is not in the index yet.
    for set_of in context.store.list(&REPLICA_SETS, Some(stored.namespace())).0 {
        let mine = crate::sim::controllers::json::controller_of(&set_of.value())
            .is_some_and(|owner| text(owner, "/uid") == stored.uid());
        if mine && !sets.iter().any(|known| known.uid() == set_of.uid()) {
            sets.push(set_of);
        }
    }
    sets.sort_by_key(|set_of| revision_of(&set_of.value()));
    let at = sets.iter().position(|set_of| has_template(&set_of.value(), deployment));
    let new = at.map(|at| sets.remove(at));
    Family { new, old: sets }
}

fn revision_of(object: &Value) -> i64 {
    text(object, REVISION).parse().unwrap_or(0)
}

fn make_new(context: &mut Context<'_>, stored: &Stored, family: &Family) -> Result<Arc<Stored>, Status> {
    let deployment = stored.value();
    let revision = family.old.iter().map(|set_of| revision_of(&set_of.value())).max().unwrap_or(0) + 1;
    let mut new = for_deployment(&deployment, revision);
    let name = text(&new, "/metadata/name").to_owned();
    let count = first_replicas(&deployment, family);
    set(&mut new, "/spec/replicas", count.into());
    annotate(&mut new, &deployment);
    match context.create(&REPLICA_SETS, new) {
        Ok(made) => {
            if count > 0 {
                told_scaled(context, &deployment, &name, 0, count);
            }
            Ok(made)
        }
        Err(error) if error.code == 409 => {
            // Another template has the same hash: the next look takes another name.
            context.change(&DEPLOYMENTS, stored, Part::Status, |deployment| {
                let collisions = int(deployment, "/status/collisionCount").unwrap_or(0);
                set(deployment, "/status/collisionCount", (collisions + 1).into());
            })?;
            Err(error)
        }
        Err(error) => Err(error),
    }
}

/// The replicas a new set begins with.
fn first_replicas(deployment: &Value, family: &Family) -> i64 {
    let wanted = replicas(deployment);
    if text(deployment, "/spec/strategy/type") == "Recreate" {
        return if family.old_replicas() == 0 { wanted } else { 0 };
    }
    (wanted + max_surge(deployment) - family.old_replicas()).clamp(0, wanted)
}

fn annotate(set_of: &mut Value, deployment: &Value) {
    let wanted = replicas(deployment);
    let most = wanted + max_surge(deployment);
    set(set_of, "/metadata/annotations/deployment.kubernetes.io~1desired-replicas", wanted.to_string().into());
    set(set_of, "/metadata/annotations/deployment.kubernetes.io~1max-replicas", most.to_string().into());
}

fn max_surge(deployment: &Value) -> i64 {
    if text(deployment, "/spec/strategy/type") == "Recreate" {
        return 0;
    }
    let value = deployment.pointer("/spec/strategy/rollingUpdate/maxSurge");
    int_or_percent(value, replicas(deployment), "25%", true)
}

fn max_unavailable(deployment: &Value) -> i64 {
    let value = deployment.pointer("/spec/strategy/rollingUpdate/maxUnavailable");
    let most = int_or_percent(value, replicas(deployment), "25%", false);
    // With neither a surge nor unavailability nothing could move.
    if most == 0 && max_surge(deployment) == 0 { 1 } else { most.min(replicas(deployment)) }
}

/// Gives the new set the highest revision, and the Deployment the same.
fn number(context: &Context<'_>, stored: &Stored, family: &mut Family) -> Result<(), Status> {
    let Some(new) = &family.new else { return Ok(()) };
    let oldest = family.old.iter().map(|set_of| revision_of(&set_of.value())).max().unwrap_or(0);
    let mut revision = revision_of(&new.value());
    if revision <= oldest {
        // A template that was there before: a roll back.
        revision = oldest + 1;
        let changed = context.change(&REPLICA_SETS, new, Part::Whole, |set_of| {
            set(set_of, REVISION, revision.to_string().into());
        })?;
        family.new = Some(changed);
    }
    context
        .change(&DEPLOYMENTS, stored, Part::Whole, |deployment| {
            set(deployment, REVISION, revision.to_string().into());
        })
        .map(drop)
}

fn scale_to(context: &mut Context<'_>, deployment: &Value, set_of: &Stored, count: i64) -> Result<(), Status> {
    let before = replicas(&set_of.value());
    context.change(&REPLICA_SETS, set_of, Part::Whole, |changed| {
        set(changed, "/spec/replicas", count.into());
        annotate(changed, deployment);
    })?;
    if before != count {
        told_scaled(context, deployment, set_of.name(), before, count);
    }
    Ok(())
}

fn told_scaled(context: &mut Context<'_>, deployment: &Value, name: &str, from: i64, to: i64) {
    let direction = if to > from { "up" } else { "down" };
    let message = format!("Scaled {direction} replica set {name} from {from} to {to}");
    context.tell(deployment, "ScalingReplicaSet", &message);
}

/// All old pods go before the first new one comes.
fn recreate(context: &mut Context<'_>, deployment: &Value, family: &Family) -> Result<(), Status> {
    for old in family.old.iter().filter(|old| replicas(&old.value()) > 0) {
        scale_to(context, deployment, old, 0)?;
    }
    let left = family.old.iter().any(|old| {
        pods_of(context, old).iter().any(|pod| !matches!(text(&pod.value(), "/status/phase"), "Succeeded" | "Failed"))
    });
    match &family.new {
        Some(new) if !left && replicas(&new.value()) != replicas(deployment) => {
            scale_to(context, deployment, new, replicas(deployment))
        }
        _ => Ok(()),
    }
}

/// As many new pods as the surge allows, and as few old ones as availability allows.
fn roll(context: &mut Context<'_>, deployment: &Value, family: &Family) -> Result<(), Status> {
    let Some(new) = &family.new else { return Ok(()) };
    let wanted = replicas(deployment);
    let have = replicas(&new.value());
    let old = family.old_replicas();
    if have > wanted {
        return scale_to(context, deployment, new, wanted);
    }
    let room = wanted + max_surge(deployment) - (have + old);
    if have < wanted && room > 0 {
        return scale_to(context, deployment, new, have + room.min(wanted - have));
    }
    if old == 0 {
        let known = text(&new.value(), "/metadata/annotations/deployment.kubernetes.io~1desired-replicas").parse();
        return if known == Ok(wanted) { Ok(()) } else { scale_to(context, deployment, new, have) };
    }
    let least = wanted - max_unavailable(deployment);
    let new_unavailable = have - int(&new.value(), "/status/availableReplicas").unwrap_or(0);
    let mut may_go = have + old - least - new_unavailable;
    // First those that are of no use, then available ones as far as enough stay available.
    for set_of in &family.old {
        let value = set_of.value();
        let useless = replicas(&value) - int(&value, "/status/availableReplicas").unwrap_or(0);
        let less = useless.min(may_go).max(0);
        if less > 0 {
            may_go -= less;
            scale_to(context, deployment, set_of, replicas(&value) - less)?;
        }
    }
    let available: i64 = family
        .old
        .iter()
        .chain([new])
        .map(|set_of| int(&set_of.value(), "/status/availableReplicas").unwrap_or(0))
        .sum();
    let mut may_go = may_go.min(available - least);
    for set_of in &family.old {
        let Some(now) = context.store.get(&REPLICA_SETS, set_of.namespace(), set_of.name()) else { continue };
        let have = replicas(&now.value());
        let less = have.min(may_go).max(0);
        if less > 0 {
            may_go -= less;
            scale_to(context, deployment, &now, have - less)?;
        }
    }
    Ok(())
}

/// Old sets beyond the history limit go.
fn clean_up(context: &Context<'_>, deployment: &Value, family: &Family) -> Result<(), Status> {
    let limit = usize::try_from(int(deployment, "/spec/revisionHistoryLimit").unwrap_or(10)).unwrap_or(0);
    let done = |set_of: &&Arc<Stored>| {
        let value = set_of.value();
        replicas(&value) == 0 && int(&value, "/status/replicas").unwrap_or(0) == 0 && !set_of.is_deleting()
    };
    let surplus = family.old.len().saturating_sub(limit);
    for set_of in family.old.iter().take(surplus).filter(done) {
        context.delete(&REPLICA_SETS, set_of, Propagation::Background)?;
    }
    Ok(())
}
