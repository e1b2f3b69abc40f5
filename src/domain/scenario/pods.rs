//! Which pods a rule is about.

use std::collections::BTreeMap;

use super::Pattern;
use super::reader::{Node, Problems};
use super::script::{self, Script};

/// What some pods do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodRule {
    /// Which pods and containers.
    pub matches: PodMatch,
    /// What the first, second, ... pod that the rule has matched does, counted since the simulator's start and across
    /// recreations; the last is for all that follow. Never empty.
    pub attempts: Vec<Script>,
}

/// What a pod must be like; everything that is given must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodMatch {
    /// The pod's namespace.
    pub namespace: Option<Pattern>,
    /// The pod's name.
    pub name: Option<Pattern>,
    /// Kind of an owner; of the pod itself, or of its owner, and so on: a Deployment's pods match `Deployment`.
    pub owner_kind: Option<Pattern>,
    /// Name of that owner.
    pub owner_name: Option<Pattern>,
    /// Labels that the pod must have.
    pub labels: Vec<(String, Pattern)>,
    /// The container's name.
    pub container: Option<Pattern>,
    /// The container's image.
    pub image: Option<Pattern>,
    /// The container's command and arguments, joined by single spaces.
    pub command: Option<Pattern>,
}

/// A pod as far as rules look at it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodFacts {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Its owner, the owner's owner, and so on.
    pub owners: Vec<Owner>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// An owner of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// A container as far as rules look at it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerFacts {
    /// Name.
    pub name: String,
    /// Image.
    pub image: String,
    /// Command and arguments, joined by single spaces.
    pub command: String,
}

impl PodMatch {
    /// Whether the rule is about this container of this pod.
    pub fn matches(&self, pod: &PodFacts, container: &ContainerFacts) -> bool {
        fn ok(pattern: Option<&Pattern>, text: &str) -> bool {
            pattern.is_none_or(|pattern| pattern.matches(text))
        }
        let owned = (self.owner_kind.is_none() && self.owner_name.is_none())
            || pod
                .owners
                .iter()
                .any(|owner| ok(self.owner_kind.as_ref(), &owner.kind) && ok(self.owner_name.as_ref(), &owner.name));
        owned
            && ok(self.namespace.as_ref(), &pod.namespace)
            && ok(self.name.as_ref(), &pod.name)
            && ok(self.container.as_ref(), &container.name)
            && ok(self.image.as_ref(), &container.image)
            && ok(self.command.as_ref(), &container.command)
            && self.labels.iter().all(|(key, value)| pod.labels.get(key).is_some_and(|have| value.matches(have)))
    }

    fn read(node: &Node<'_>, problems: &mut Problems) -> Self {
        let known = ["namespace", "name", "owner", "labels", "container", "image", "command"];
        let Some(fields) = node.fields(problems, &known) else { return Self::default() };
        let owner = fields.get("owner").and_then(|owner| owner.fields(problems, &["kind", "name"]));
        let labels = fields.get("labels").map(|labels| labels.entries(problems)).unwrap_or_default();
        Self {
            namespace: fields.pattern(problems, "namespace"),
            name: fields.pattern(problems, "name"),
            owner_kind: owner.as_ref().and_then(|owner| owner.pattern(problems, "kind")),
            owner_name: owner.as_ref().and_then(|owner| owner.pattern(problems, "name")),
            labels: labels.into_iter().filter_map(|(key, node)| Some((key, node.pattern(problems)?))).collect(),
            container: fields.pattern(problems, "container"),
            image: fields.pattern(problems, "image"),
            command: fields.pattern(problems, "command"),
        }
    }
}

impl PodRule {
    /// What the pod with this number (from 1) among those the rule has matched does.
    pub fn script(&self, attempt: u32) -> Option<&Script> {
        let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        self.attempts.get(index.min(self.attempts.len().saturating_sub(1)))
    }

    pub(super) fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let mut known = vec!["match", "attempts"];
        known.extend(script::KEYS);
        let fields = node.fields(problems, &known)?;
        let matches = fields.need(problems, "match").map(|node| PodMatch::read(&node, problems)).unwrap_or_default();
        let Some(list) = fields.get("attempts") else {
            return Some(Self { matches, attempts: vec![Script::read(&fields, problems)] });
        };
        for key in script::KEYS {
            if let Some(node) = fields.get(key) {
                node.refuse(problems, "stands beside attempts; write it in each of them");
            }
        }
        let attempts: Vec<Script> = list
            .list(problems)
            .iter()
            .filter_map(|node| node.fields(problems, script::KEYS).map(|fields| Script::read(&fields, problems)))
            .collect();
        if attempts.is_empty() {
            list.refuse(problems, "needs at least one attempt");
        }
        Some(Self { matches, attempts })
    }
}
