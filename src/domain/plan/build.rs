//! From manifests and live objects to tasks.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::input::PlanInput;
use super::model::{LeftOut, LeftOutReason, Plan};
use super::namespace::{CREATE_NAMESPACE, is_namespace, namespace_task};
use super::order::{move_prunes, recorded_prune_waves, sort};
use super::rules::{ApplyRule, DryRun, Propagation, PruneRule};
use super::target::prepare;
use super::task::{GeneratedName, HookTask, Role, Skip, Task, TaskId};
use super::validate::{Brought, check, judge};
use crate::domain::hook::{Classification, HookType, SyncPhase, classify, delete_policies, generated_name, wave};
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::operation::{Strategy, SyncRequest, TaskResult};
use crate::domain::sync_options::SyncOptions;

/// Plans a sync. Never fails: what cannot be applied is in the plan, with the reason.
pub fn plan(input: &PlanInput<'_>) -> Plan {
    let options = SyncOptions::from_list(input.request.sync_options.iter().map(String::as_str));
    let mut builder = Builder::new(input, &options);
    for (index, target) in input.targets.iter().enumerate() {
        builder.add_target(index, target);
    }
    for live in input.live {
        builder.add_prune(live);
    }
    builder.tasks.extend(namespace_task(input, &options).map(|mut task| {
        task.invalid = input.permission.check(&task.object, false).err();
        task
    }));
    let Builder { mut tasks, left_out, .. } = builder;
    let prune_waves = move_prunes(&mut tasks, input.recorded.and_then(recorded_prune_waves));
    Plan {
        tasks: sort(tasks),
        left_out,
        prune_waves,
        dry_run: input.request.dry_run,
        prune: input.request.prune,
        out_of_sync_only: options.has(OUT_OF_SYNC_ONLY),
        propagation: Propagation::of(&options),
        revision: input.revision.to_owned(),
        destination_namespace: input.destination_namespace.to_owned(),
    }
}

/// Apply only what differs.
const OUT_OF_SYNC_ONLY: &str = "ApplyOutOfSyncOnly=true";

/// Group, kind and name of the objects that a selective sync means, each with the namespaces they are selected in; an
/// empty namespace is any.
type Selected<'a> = HashMap<(&'a str, &'a str, &'a str), Vec<&'a str>>;

/// Generated names are counted by kind, namespace, prefix and phase.
type NameGroup = (ObjectKey, SyncPhase);

struct Builder<'a> {
    input: &'a PlanInput<'a>,
    options: &'a SyncOptions,
    brought: Brought<'a>,
    live: HashMap<ObjectKey, &'a Arc<Object>>,
    /// Index of the last target of each key: an earlier one does not count.
    last: HashMap<ObjectKey, usize>,
    /// Keys in the cluster that a target has: what lives under them is not pruned.
    wanted: HashSet<ObjectKey>,
    generated: HashMap<NameGroup, usize>,
    selected: Selected<'a>,
    tasks: Vec<Task>,
    left_out: Vec<LeftOut>,
}

impl<'a> Builder<'a> {
    fn new(input: &'a PlanInput<'a>, options: &'a SyncOptions) -> Self {
        let brought = Brought::by(input, options);
        let mut selected = Selected::new();
        for selector in &input.request.resources {
            let object = (selector.group.as_str(), selector.kind.as_str(), selector.name.as_str());
            selected.entry(object).or_default().push(&selector.namespace);
        }
        let mut builder = Self {
            input,
            options,
            brought,
            live: input.live.iter().map(|live| (live.key(), live)).collect(),
            last: HashMap::new(),
            wanted: HashSet::new(),
            generated: HashMap::new(),
            selected,
            tasks: Vec::with_capacity(input.targets.len()),
            left_out: Vec::new(),
        };
        for (index, target) in input.targets.iter().enumerate() {
            if !target.name().is_empty() {
                let (key, _) = builder.cluster_key(target);
                builder.last.insert(key.clone(), index);
                builder.wanted.insert(key);
            }
        }
        builder
    }

    /// The key a target will have in the cluster, and whether its kind is namespaced.
    fn cluster_key(&self, target: &Object) -> (ObjectKey, bool) {
        let namespaced = judge(target, self.input, self.options, &self.brought).namespaced;
        let namespace = match (namespaced, target.namespace()) {
            (false, _) => "",
            (true, "") => self.input.destination_namespace,
            (true, own) => own,
        };
        (ObjectKey::new(target.group(), target.kind(), namespace, target.name()), namespaced)
    }

    fn add_target(&mut self, index: usize, target: &'a Arc<Object>) {
        let (key, namespaced) = self.cluster_key(target);
        if self.last.get(&key).is_some_and(|last| *last != index) {
            return self.leave_out(target, Some(index), LeftOutReason::Repeated);
        }
        match classify(target) {
            Classification::Resource => self.add_resource(index, target, key, namespaced),
            Classification::Skipped => self.leave_out(target, Some(index), LeftOutReason::Skipped),
            Classification::Dropped(unused) => self.leave_out(target, Some(index), LeftOutReason::Dropped(unused)),
            Classification::Hook(hook) if hook.sync.is_empty() => {
                self.leave_out(target, Some(index), LeftOutReason::RunsAtDeletion);
            }
            Classification::Hook(hook) => match hooks_off(self.input.request) {
                Some(reason) => self.leave_out(target, Some(index), reason),
                None => {
                    for derived in &hook.sync {
                        self.add_hook(index, target, &key, namespaced, derived.phase);
                    }
                }
            },
        }
    }

    fn add_resource(&mut self, index: usize, target: &'a Arc<Object>, key: ObjectKey, namespaced: bool) {
        if !self.is_selected(&key, target.namespace()) {
            return self.leave_out(target, Some(index), LeftOutReason::NotSelected);
        }
        let live = self.live.get(&key).copied();
        let is_in_sync = self.input.out_of_sync.is_some_and(|keys| !keys.contains(&key));
        let skip = is_in_sync && live.is_some() && self.options.has(OUT_OF_SYNC_ONLY);
        let mut task = self.task(target, key, SyncPhase::Sync, Role::Resource, namespaced);
        task.manifest = Some(index);
        task.skip = skip.then_some(Skip::InSync);
        self.tasks.push(task);
    }

    fn add_hook(&mut self, index: usize, target: &'a Arc<Object>, key: &ObjectKey, namespaced: bool, phase: SyncPhase) {
        let (name, generated) = self.name(target, key, phase);
        let key = ObjectKey { name, ..key.clone() };
        let hook = HookTask { hook_type: HookType::from(phase), policies: delete_policies(target) };
        let mut task = self.task(target, key, phase, Role::Hook(hook), namespaced);
        task.manifest = Some(index);
        task.generated = generated;
        self.tasks.push(task);
    }

    /// The final name of a hook.
    fn name(&mut self, target: &Object, key: &ObjectKey, phase: SyncPhase) -> (String, Option<GeneratedName>) {
        if !target.name().is_empty() || target.generate_name().is_empty() {
            return (target.name().to_owned(), None);
        }
        let prefix = target.generate_name().to_owned();
        let group = (ObjectKey { name: prefix.clone(), ..key.clone() }, phase);
        let count = self.generated.entry(group).or_default();
        let position = *count;
        *count += 1;
        let mut name = generated_name(&prefix, self.input.revision, phase, self.input.started_at);
        if self.input.unique_names && position > 0 {
            name = format!("{name}-{}", position + 1);
        }
        if let Some(recorded) = self.recorded_name(key, phase, &prefix, position) {
            name = recorded;
        }
        (name, Some(GeneratedName { prefix, position, collides: position > 0 }))
    }

    /// The name under which an operation recorded this hook, if it did.
    fn recorded_name(&self, key: &ObjectKey, phase: SyncPhase, prefix: &str, position: usize) -> Option<String> {
        let recorded = self.input.recorded?.sync_result.as_ref()?;
        let is_same = |result: &&TaskResult| {
            let own = &result.key;
            let namespace = if key.namespace.is_empty() { self.input.destination_namespace } else { &key.namespace };
            result.hook_type.is_some()
                && result.phase() == Some(phase)
                && (own.group == key.group && own.kind == key.kind && own.namespace == namespace)
                && generated_position(&own.name, prefix, phase) == Some(position)
        };
        recorded.resources.iter().find(is_same).map(|result| result.key.name.clone())
    }

    fn task(&self, target: &'a Arc<Object>, key: ObjectKey, phase: SyncPhase, role: Role, namespaced: bool) -> Task {
        let verdict = judge(target, self.input, self.options, &self.brought);
        let live = self.live.get(&key).copied();
        let is_hook = matches!(role, Role::Hook(_));
        let mut task = Task {
            id: TaskId { key: self.reported(&key), phase },
            version: target.version().to_owned(),
            wave: wave(target),
            role,
            manifest: None,
            target: Some(prepare(target, &key.name, &key.namespace, is_hook)),
            object: key,
            live: live.cloned(),
            generated: None,
            apply: ApplyRule::new(target, live.map(AsRef::as_ref), self.input.request, self.options),
            dry_run: verdict.dry_run,
            prune: PruneRule::default(),
            skip: None,
            moved: Vec::new(),
            invalid: verdict.invalid,
        };
        check(&mut task, namespaced, self.input, &self.brought);
        task
    }

    fn add_prune(&mut self, live: &'a Arc<Object>) {
        let key = live.key();
        if self.wanted.contains(&key) {
            return;
        }
        let is_created_here =
            is_namespace(live) && key.name == self.input.destination_namespace && self.options.has(CREATE_NAMESPACE);
        if is_created_here || classify(live) != Classification::Resource {
            return self.leave_out(live, None, LeftOutReason::NeverPruned);
        }
        if !self.is_selected(&key, &key.namespace) {
            return self.leave_out(live, None, LeftOutReason::NotSelected);
        }
        self.tasks.push(Task {
            id: TaskId { key: self.reported(&key), phase: SyncPhase::Sync },
            object: key,
            version: live.version().to_owned(),
            wave: wave(live),
            role: Role::Prune,
            manifest: None,
            target: None,
            live: Some(Arc::clone(live)),
            generated: None,
            apply: ApplyRule::default(),
            dry_run: DryRun::Possible,
            prune: PruneRule::new(live, self.options),
            skip: None,
            moved: Vec::new(),
            invalid: None,
        });
    }

    /// The key under which results name an object: with the destination's namespace where it has none.
    fn reported(&self, key: &ObjectKey) -> ObjectKey {
        let mut key = key.clone();
        if key.namespace.is_empty() {
            self.input.destination_namespace.clone_into(&mut key.namespace);
        }
        key
    }

    /// Whether a selective sync means this object; the selector's namespace may also be the one that is written.
    fn is_selected(&self, key: &ObjectKey, written_namespace: &str) -> bool {
        if self.selected.is_empty() {
            return true;
        }
        let namespaces = self.selected.get(&(key.group.as_str(), key.kind.as_str(), key.name.as_str()));
        let is_meant = |selected: &&str| ["", &key.namespace, written_namespace].contains(selected);
        namespaces.is_some_and(|namespaces| namespaces.iter().any(is_meant))
    }

    fn leave_out(&mut self, object: &Object, manifest: Option<usize>, reason: LeftOutReason) {
        let mut key = object.key();
        if key.name.is_empty() {
            object.generate_name().clone_into(&mut key.name);
        }
        self.left_out.push(LeftOut { key, manifest, reason });
    }
}

/// Why an operation runs no hooks, if it does not.
fn hooks_off(request: &SyncRequest) -> Option<LeftOutReason> {
    match request.strategy {
        Strategy::Apply { .. } => Some(LeftOutReason::NoHooksWithApply),
        Strategy::Hook { .. } if !request.resources.is_empty() => Some(LeftOutReason::NoHooksInSelectiveSync),
        Strategy::Hook { .. } => None,
    }
}

/// Which of the hooks with this prefix and phase has this generated name: the reverse of [`generated_name`] for any
/// revision and start.
fn generated_position(name: &str, prefix: &str, phase: SyncPhase) -> Option<usize> {
    let rest = name.strip_prefix(prefix)?;
    let marker = format!("-{}-", phase.as_str().to_lowercase());
    let (_, numbers) = rest.rsplit_once(&marker)?;
    let (seconds, position) = match numbers.split_once('-') {
        Some((seconds, number)) => (seconds, number.parse::<usize>().ok()?.checked_sub(1)?),
        None => (numbers, 0),
    };
    seconds.parse::<i64>().ok().map(|_| position)
}
