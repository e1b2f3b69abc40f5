//! Which script each container of each pod follows, and the counting of attempts.

use std::collections::HashMap;

use serde_json::Value;

use super::json::{command_line, controller_of, list, text};
use super::owners::Owners;
use crate::domain::scenario::{ContainerFacts, Owner, PodFacts, Script, World};
use crate::sim::store::{Random, Store};

/// How far up owners are looked for: Pod, `ReplicaSet`, Deployment, and one more.
const OWNERS: usize = 4;

/// What one container does.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Part {
    /// Name of the container.
    pub(crate) container: String,
    /// Its script; the default one where no rule is about it.
    pub(crate) script: Script,
    /// Number of the pod among those its rule has matched, from 1.
    pub(crate) attempt: u32,
}

/// The scripts of the pods that exist. A pod's are chosen when it is first seen and stay.
#[derive(Debug)]
pub(crate) struct Scripts {
    world: World,
    counts: Vec<u32>,
    chosen: HashMap<String, Vec<Part>>,
    /// Seeds of what scripts leave open.
    random: Random,
}

impl Scripts {
    /// Nothing matched yet.
    pub(crate) fn new(world: World, seed: u64) -> Self {
        Self { counts: vec![0; world.pods.len()], world, chosen: HashMap::new(), random: Random::new(seed) }
    }

    /// The scripts of a pod's containers, init containers first.
    pub(crate) fn of(&mut self, store: &Store, owners: &Owners, pod: &Value) -> Vec<Part> {
        let uid = text(pod, "/metadata/uid");
        if let Some(parts) = self.chosen.get(uid) {
            return parts.clone();
        }
        let parts = self.choose(&facts(store, owners, pod), pod);
        self.chosen.insert(uid.to_owned(), parts.clone());
        parts
    }

    /// A pod is gone.
    pub(crate) fn forget(&mut self, uid: &str) {
        self.chosen.remove(uid);
    }

    /// A random number from 0 up to but without `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.random.below(end)
    }

    fn choose(&mut self, facts: &PodFacts, pod: &Value) -> Vec<Part> {
        // A rule counts a pod once, however many of its containers it matches.
        let mut counted = HashMap::new();
        let containers = ["/spec/initContainers", "/spec/containers"];
        let containers = containers.iter().flat_map(|containers| list(pod, containers));
        containers
            .map(|container| {
                let facts_of = ContainerFacts {
                    name: text(container, "/name").to_owned(),
                    image: text(container, "/image").to_owned(),
                    command: command_line(container),
                };
                let mut rules = self.world.pods.iter().zip(&mut self.counts).enumerate();
                let found = rules.find(|(_, (rule, _))| rule.matches.matches(facts, &facts_of));
                let Some((index, (rule, count))) = found else {
                    return Part { container: facts_of.name, attempt: 1, ..Part::default() };
                };
                let attempt = *counted.entry(index).or_insert_with(|| {
                    *count = count.saturating_add(1);
                    *count
                });
                let script = rule.script(attempt).cloned().unwrap_or_default();
                Part { container: facts_of.name, script, attempt }
            })
            .collect()
    }
}

/// A pod as rules look at it.
fn facts(store: &Store, owners: &Owners, pod: &Value) -> PodFacts {
    let mut chain = Vec::new();
    let mut reference = controller_of(pod).cloned();
    while let Some(owner) = reference.take() {
        chain.push(Owner { kind: text(&owner, "/kind").to_owned(), name: text(&owner, "/name").to_owned() });
        if chain.len() < OWNERS
            && let Some(place) = owners.find(text(&owner, "/uid"))
            && let Some(object) = store.get(&place.id, &place.namespace, &place.name)
        {
            reference = controller_of(&object.value()).cloned();
        }
    }
    let labels = pod.pointer("/metadata/labels").and_then(Value::as_object);
    let labels =
        labels.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    PodFacts {
        namespace: text(pod, "/metadata/namespace").to_owned(),
        name: text(pod, "/metadata/name").to_owned(),
        owners: chain,
        labels: labels.collect(),
    }
}
