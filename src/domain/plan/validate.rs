//! What can be said against a task before anything is applied, and whether it can be tried.

use std::collections::{HashMap, HashSet};

use super::input::PlanInput;
use super::kinds::{Defined, Lookup};
use super::namespace::{CREATE_NAMESPACE, is_namespace};
use super::rules::DryRun;
use super::task::Task;
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::sync_options::SyncOptions;

/// What the manifests bring themselves: kinds, and namespaces that do not live yet.
pub(super) struct Brought<'a> {
    kinds: HashMap<Defined, bool>,
    namespaces: HashSet<&'a str>,
}

impl<'a> Brought<'a> {
    pub(super) fn by(input: &PlanInput<'a>, options: &SyncOptions) -> Self {
        let live: HashSet<&str> =
            input.live.iter().filter(|live| is_namespace(live)).map(|namespace| namespace.name()).collect();
        let is_missing = |name: &&str| {
            let is_live =
                live.contains(name) || (*name == input.destination_namespace && input.live_namespace.is_some());
            !is_live
        };
        let written = input.targets.iter().filter(|target| is_namespace(target)).map(|namespace| namespace.name());
        let mut namespaces: HashSet<&str> = written.filter(is_missing).collect();
        // The destination's namespace is created before anything is tried, but not by a dry run.
        if options.has(CREATE_NAMESPACE) && is_missing(&input.destination_namespace) {
            namespaces.insert(input.destination_namespace);
        }
        if !input.request.dry_run {
            namespaces.remove(input.destination_namespace);
        }
        Self { kinds: input.targets.iter().filter_map(|target| Defined::by(target)).collect(), namespaces }
    }

    /// Whether objects of a kind that the manifests bring live in a namespace; `None`: they do not bring it.
    fn scope(&self, object: &Object) -> Option<bool> {
        let kind = Defined { group: object.group().to_owned(), kind: object.kind().to_owned() };
        self.kinds.get(&kind).copied()
    }
}

/// What is known of an object before it is applied.
pub(super) struct Verdict {
    /// Whether it lives in a namespace.
    pub(super) namespaced: bool,
    /// Whether it can be tried.
    pub(super) dry_run: DryRun,
    /// Why it cannot be applied.
    pub(super) invalid: Option<String>,
}

/// Judges the kind of an object: it must be served, come with the manifests, or be declared as missing for now.
pub(super) fn judge(object: &Object, input: &PlanInput<'_>, options: &SyncOptions, brought: &Brought<'_>) -> Verdict {
    let lookup = input.kinds.lookup(object.group(), object.version(), object.kind());
    let brought_scope = brought.scope(object);
    let namespaced = match lookup {
        Lookup::Known { namespaced } | Lookup::OtherVersion { namespaced, .. } => namespaced,
        Lookup::Missing => brought_scope.unwrap_or(true),
    };
    if let Lookup::Known { .. } = lookup {
        return Verdict { namespaced, dry_run: DryRun::Possible, invalid: None };
    }
    let may_be_missing = |options: &SyncOptions| options.has("SkipDryRunOnMissingResource=true");
    let (dry_run, invalid) = if brought_scope.is_some() {
        (DryRun::KindComesWithTheSync, None)
    } else if may_be_missing(&SyncOptions::of_object(object)) || may_be_missing(options) {
        (DryRun::KindIsMissing, None)
    } else {
        (DryRun::Possible, Some(missing_kind(object, lookup, input.destination_namespace)))
    };
    Verdict { namespaced, dry_run, invalid }
}

/// The words with which Argo CD reports a kind, or a version of it, that the cluster does not serve.
fn missing_kind(object: &Object, lookup: Lookup<'_>, destination: &str) -> String {
    let (group, kind, version) = (object.group(), object.kind(), object.version());
    let namespace = if object.namespace().is_empty() { destination } else { object.namespace() };
    let name = object.name();
    match lookup {
        Lookup::OtherVersion { served, .. } => format!(
            "The Kubernetes API could not find version \"{version}\" of {group}/{kind} for requested resource \
             {namespace}/{name}. Version \"{served}\" of {group}/{kind} is installed on the destination cluster."
        ),
        _ => format!(
            "The Kubernetes API could not find {group}/{kind} for requested resource {namespace}/{name}. Make sure the \
             \"{kind}\" CRD is installed on the destination cluster."
        ),
    }
}

/// What is said against a task as a whole: its name, its namespace, and the project.
pub(super) fn check(task: &mut Task, namespaced: bool, input: &PlanInput<'_>, brought: &Brought<'_>) {
    if task.dry_run == DryRun::Possible && brought.namespaces.contains(task.object.namespace.as_str()) {
        task.dry_run = DryRun::NamespaceComesWithTheSync;
    }
    if task.invalid.is_some() {
        return;
    }
    let ObjectKey { group, kind, name, .. } = &task.object;
    if name.is_empty() {
        task.invalid = Some(format!("{group}/{kind} has no metadata.name, and only hooks can do with generateName"));
    } else if !task.is_prune() {
        task.invalid = input.permission.check(&task.object, namespaced).err();
    }
}
