//! What every check wants to know about an object, worked out once.

use crate::domain::hook::{
    Classification, DeletePolicies, DeletePolicy, Hook, SyncPhase, Wave, classify, delete_policies, read_wave,
};
use crate::domain::manifest::Object;
use crate::domain::plan::{Kinds, Lookup};

use super::kinds;

/// An object and how a sync sees it.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    /// Position among the objects that are checked.
    pub index: usize,
    pub object: &'a Object,
    pub class: Classification,
    pub wave: Wave,
    pub policies: DeletePolicies,
    /// The namespace it ends up in; empty for a cluster-scoped object, and where no destination is known.
    pub namespace: &'a str,
}

/// When something happens in a sync: phase, then wave.
pub(super) type Moment = (SyncPhase, i64);

impl<'a> Subject<'a> {
    pub(super) fn new(index: usize, object: &'a Object, destination: &'a str, kinds: &Kinds) -> Self {
        let lookup = kinds.lookup(object.group(), object.version(), object.kind());
        let namespace = match object.namespace() {
            _ if lookup == (Lookup::Known { namespaced: false }) => "",
            "" => destination,
            own => own,
        };
        let (class, wave, policies) = (classify(object), read_wave(object), delete_policies(object));
        Self { index, object, class, wave, policies, namespace }
    }

    /// The hook, if it is one that runs at some time.
    pub(super) fn hook(&self) -> Option<&Hook> {
        self.class.hook()
    }

    /// A hook that is a Job, a Pod or a Workflow: one that does work.
    pub(super) fn is_working_hook(&self) -> bool {
        self.hook().is_some() && kinds::runs_once(self.object)
    }

    /// Whether its name is generated anew for each sync.
    pub(super) fn has_generated_name(&self) -> bool {
        self.object.name().is_empty() && !self.object.generate_name().is_empty()
    }

    pub(super) fn has_policy(&self, policy: DeletePolicy) -> bool {
        self.policies.contains(policy)
    }

    /// When it is first applied; `None` if a sync never applies it.
    pub(super) fn first_moment(&self) -> Option<Moment> {
        let phase = self.class.sync_phases().into_iter().min()?;
        Some((phase, self.wave.number))
    }

    /// Kind and name, as one reads them: `Job db-migrate`.
    pub(super) fn title(&self) -> String {
        let object = self.object;
        if object.name().is_empty() {
            format!("{} {}*", object.kind(), object.generate_name())
        } else {
            format!("{} {}", object.kind(), object.name())
        }
    }
}

/// `a`, `a and b`, `a, b and 3 more`.
pub(super) fn listing(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [one, two, three] => format!("{one}, {two} and {three}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}
