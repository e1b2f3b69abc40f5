//! The order of tasks.

use std::collections::{BTreeSet, HashMap};

use super::kinds::Defined;
use super::namespace::is_namespace;
use super::task::{Moved, Task};
use crate::domain::hook::SyncPhase;
use crate::domain::names;
use crate::domain::operation::{Info, OperationState};

/// Kinds in the order in which Argo CD applies them within a wave; all others follow. Groups do not matter.
const KIND_ORDER: [&str; 35] = [
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
];

/// The rank of a kind within a wave: small ones first.
pub fn kind_rank(kind: &str) -> usize {
    KIND_ORDER.iter().position(|own| *own == kind).unwrap_or(KIND_ORDER.len())
}

/// Turns the waves of prunes around and puts `PruneLast` behind everything.
///
/// The distinct waves of prunes change places symmetrically, the lowest with the highest, so that what was created last
/// goes first. Objects that go last get a wave behind every wave of the Sync phase. Gives the waves as they are written:
/// those that were `recorded` when the attempt began, if there are any, so that prunes that are done since do not change the
/// places of the others.
pub(super) fn move_prunes(tasks: &mut [Task], recorded: Option<Vec<i64>>) -> Vec<i64> {
    let seen = tasks.iter().filter(|task| task.is_prune()).map(|task| task.wave);
    let waves: BTreeSet<i64> = recorded.into_iter().flatten().chain(seen).collect();
    let reversed: HashMap<i64, i64> = waves.iter().copied().zip(waves.iter().rev().copied()).collect();
    for task in tasks.iter_mut().filter(|task| task.is_prune()) {
        let from = task.wave;
        if let Some(wave) = reversed.get(&from).filter(|wave| **wave != from) {
            task.wave = *wave;
            task.moved.push(Moved::PruneReversed { from });
        }
    }
    let last = tasks.iter().filter(|task| task.phase() == SyncPhase::Sync).map(|task| task.wave).max();
    let behind = last.unwrap_or_default().max(0).saturating_add(1);
    for task in tasks.iter_mut().filter(|task| task.is_prune() && task.prune.last) {
        task.moved.push(Moved::PruneLast { from: task.wave });
        task.wave = behind;
    }
    waves.into_iter().collect()
}

/// Writes the waves of prunes into an operation's `info`, if their order matters. The state machine does so in the first
/// write of an attempt.
pub(crate) fn record_prune_waves(state: &mut OperationState, waves: &[i64]) {
    let infos = &mut state.operation.info;
    infos.retain(|info| info.name != names::BOATHOOK_PRUNE_WAVES);
    if waves.len() > 1 {
        let value = waves.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        infos.push(Info { name: names::BOATHOOK_PRUNE_WAVES.to_owned(), value });
    }
}

/// The waves of prunes when the attempt began.
pub(super) fn recorded_prune_waves(state: &OperationState) -> Option<Vec<i64>> {
    let info = state.operation.info.iter().find(|info| info.name == names::BOATHOOK_PRUNE_WAVES)?;
    Some(info.value.split(',').filter_map(|wave| wave.parse().ok()).collect())
}

/// Sorts by phase, wave, rank of the kind and name; then moves what others need before the first that needs it.
pub(super) fn sort(mut tasks: Vec<Task>) -> Vec<Task> {
    // Phase, wave, rank and name as in Argo CD; the rest makes the order total.
    tasks.sort_by_cached_key(|task| {
        let position = task.generated.as_ref().map_or(0, |generated| generated.position);
        (task.step(), kind_rank(&task.object.kind), task.object.name.clone(), task.object.clone(), position)
    });
    let tasks = move_before_users(
        tasks,
        |task| {
            let target = task.target.as_deref()?;
            is_namespace(target).then(|| target.name().to_owned())
        },
        |task| {
            // Argo CD writes the destination's namespace into what is cluster-scoped, too, and counts it as a user.
            task.target.as_ref()?;
            let namespace = &task.id.key.namespace;
            (!namespace.is_empty()).then(|| namespace.clone())
        },
    );
    move_before_users(
        tasks,
        |task| Defined::by(task.target.as_deref()?).map(|(defined, _)| defined),
        |task| {
            let target = task.target.as_deref()?;
            Some(Defined { group: target.group().to_owned(), kind: target.kind().to_owned() })
        },
    )
}

/// Moves every task that provides something directly before the first task that uses it, if it comes later, and gives
/// it that task's phase and wave.
fn move_before_users<K: std::hash::Hash + Eq>(
    tasks: Vec<Task>,
    what_it_brings: impl Fn(&Task) -> Option<K>,
    what_it_needs: impl Fn(&Task) -> Option<K>,
) -> Vec<Task> {
    let mut first_user: HashMap<K, usize> = HashMap::new();
    let mut before: HashMap<usize, Vec<usize>> = HashMap::new();
    for (index, task) in tasks.iter().enumerate() {
        if let Some(brought) = what_it_brings(task) {
            if let Some(user) = first_user.get(&brought) {
                before.entry(*user).or_default().push(index);
            }
        } else if let Some(needed) = what_it_needs(task) {
            first_user.entry(needed).or_insert(index);
        }
    }
    if before.is_empty() {
        return tasks;
    }
    let mut tasks: Vec<Option<Task>> = tasks.into_iter().map(Some).collect();
    let mut ordered = Vec::with_capacity(tasks.len());
    for index in 0..tasks.len() {
        let providers = before.remove(&index).unwrap_or_default();
        let Some((phase, wave, user)) =
            tasks.get(index).and_then(Option::as_ref).map(|user| (user.phase(), user.wave, user.object.clone()))
        else {
            continue;
        };
        for provider in providers {
            if let Some(mut task) = tasks.get_mut(provider).and_then(Option::take) {
                let (from_phase, from) = (task.phase(), task.wave);
                task.moved.push(Moved::BeforeItsUser { from_phase, from, user: user.clone() });
                task.id.phase = phase;
                task.wave = wave;
                ordered.push(task);
            }
        }
        ordered.extend(tasks.get_mut(index).and_then(Option::take));
    }
    ordered
}
