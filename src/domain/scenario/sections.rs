//! The scenario as a whole, and the world in it.

use jiff::SignedDuration;
use serde_json::Value as Json;

use super::reader::{Fields, Node, Problems, read_document};
use super::{AccessRule, Fault, Pattern, PodRule, ScenarioError};
use crate::domain::manifest::Object;

/// A scenario: see the module's documentation for the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scenario {
    /// A short name, such as `article`.
    pub name: String,
    /// What it shows, in a sentence or two.
    pub description: String,
    /// What the simulated cluster does.
    pub world: World,
    /// Git repositories to make, as JSON; the demo reads it.
    pub repositories: Json,
    /// Commits over time, as JSON; the demo reads it.
    pub commits: Json,
    /// Applications to create, as JSON; the demo and the tests read it.
    pub applications: Json,
    /// Keys to press, as JSON; the tests of the screen read it.
    pub keys: Json,
    /// What must be so in the end, as JSON; the tests read it.
    pub expect: Json,
}

/// What the simulated cluster is made of and does.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct World {
    /// Nodes; none means one named `node-1`.
    pub nodes: Vec<NodeSpec>,
    /// Namespaces beside the four that every cluster has.
    pub namespaces: Vec<String>,
    /// Objects that exist from the start.
    pub objects: Vec<Object>,
    /// What pods do. For each container the first rule that matches it counts.
    pub pods: Vec<PodRule>,
    /// Services whose load balancer stays away.
    pub services: Vec<ServiceRule>,
    /// Volume claims that do not bind at once.
    pub claims: Vec<ClaimRule>,
    /// Who may do what.
    pub access: Vec<AccessRule>,
    /// What goes wrong with the API.
    pub faults: Vec<Fault>,
}

/// A node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeSpec {
    /// Its name.
    pub name: String,
    /// Its labels beside the usual ones, for node selectors.
    pub labels: Vec<(String, String)>,
}

/// Objects by namespace and name; what is not given matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameMatch {
    /// Namespace.
    pub namespace: Option<Pattern>,
    /// Name.
    pub name: Option<Pattern>,
}

/// When a Service of type `LoadBalancer` gets its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRule {
    /// Which Services.
    pub matches: NameMatch,
    /// How long after its creation; `None`: never (`loadBalancer: pending`).
    pub after: Option<SignedDuration>,
}

/// When a volume claim is bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRule {
    /// Which claims.
    pub matches: NameMatch,
    /// How long after its creation; `None`: never.
    pub after: Option<SignedDuration>,
}

impl NameMatch {
    /// Whether an object is meant.
    pub fn matches(&self, namespace: &str, name: &str) -> bool {
        self.namespace.as_ref().is_none_or(|pattern| pattern.matches(namespace))
            && self.name.as_ref().is_none_or(|pattern| pattern.matches(name))
    }

    fn read(node: &Node<'_>, problems: &mut Problems) -> Self {
        let Some(fields) = node.fields(problems, &["namespace", "name"]) else { return Self::default() };
        Self { namespace: fields.pattern(problems, "namespace"), name: fields.pattern(problems, "name") }
    }
}

impl Scenario {
    /// Reads a scenario; `origin` names the file in errors.
    ///
    /// ```
    /// use boathook::domain::scenario::Scenario;
    /// let text = "apiVersion: boathook.dev/v1\nkind: Scenario\nname: calm\nworld: {podz: []}\n";
    /// let error = Scenario::parse("calm.yaml", text).unwrap_err();
    /// assert!(error.to_string().contains("line 4: world.podz: unknown key"), "{error}");
    /// ```
    pub fn parse(origin: &str, text: &str) -> Result<Self, ScenarioError> {
        read_document(origin, text, |node, problems| Self::read(node, problems).unwrap_or_default())
    }

    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let known = [
            "apiVersion",
            "kind",
            "name",
            "description",
            "world",
            "repositories",
            "commits",
            "applications",
            "keys",
            "expect",
        ];
        let fields = node.fields(problems, &known)?;
        for (field, expected) in [("apiVersion", "boathook.dev/v1"), ("kind", "Scenario")] {
            if let Some(node) = fields.need(problems, field)
                && node.value().as_str() != Some(expected)
            {
                node.refuse(problems, format!("expected {expected}"));
            }
        }
        if let Some(name) = fields.need(problems, "name") {
            name.text(problems);
        }
        Some(Self {
            name: fields.text(problems, "name"),
            description: fields.text(problems, "description").trim().to_owned(),
            world: fields.get("world").map(|node| World::read(&node, problems)).unwrap_or_default(),
            repositories: later(&fields, problems, "repositories"),
            commits: later(&fields, problems, "commits"),
            applications: later(&fields, problems, "applications"),
            keys: later(&fields, problems, "keys"),
            expect: later(&fields, problems, "expect"),
        })
    }
}

/// A section that whoever uses it reads: kept as JSON.
fn later(fields: &Fields<'_>, problems: &mut Problems, name: &str) -> Json {
    fields.get(name).map(|node| json(&node, problems)).unwrap_or_default()
}

fn json(node: &Node<'_>, problems: &mut Problems) -> Json {
    serde_json::to_value(node.value()).unwrap_or_else(|error| {
        node.refuse(problems, format!("cannot be written as JSON: {error}"));
        Json::Null
    })
}

impl World {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Self {
        let known = ["nodes", "namespaces", "objects", "pods", "services", "claims", "access", "faults"];
        let Some(fields) = node.fields(problems, &known) else { return Self::default() };
        let nodes = fields.list(problems, "nodes");
        let namespaces = fields.list(problems, "namespaces");
        let objects = fields.list(problems, "objects");
        let pods = fields.list(problems, "pods");
        let access = fields.list(problems, "access");
        let faults = fields.list(problems, "faults");
        Self {
            nodes: nodes.iter().filter_map(|node| read_node(node, problems)).collect(),
            namespaces: namespaces.iter().filter_map(|node| node.text(problems)).collect(),
            objects: objects.iter().filter_map(|node| read_object(node, problems)).collect(),
            pods: pods.iter().filter_map(|node| PodRule::read(node, problems)).collect(),
            services: late_rules(&fields, problems, "services", "loadBalancer", "pending")
                .into_iter()
                .map(|(matches, after)| ServiceRule { matches, after })
                .collect(),
            claims: late_rules(&fields, problems, "claims", "bind", "never")
                .into_iter()
                .map(|(matches, after)| ClaimRule { matches, after })
                .collect(),
            access: access.iter().filter_map(|node| AccessRule::read(node, problems)).collect(),
            faults: faults.iter().filter_map(|node| Fault::read(node, problems)).collect(),
        }
    }
}

fn read_node(node: &Node<'_>, problems: &mut Problems) -> Option<NodeSpec> {
    let fields = node.fields(problems, &["name", "labels"])?;
    let labels = fields.get("labels").map(|labels| labels.entries(problems)).unwrap_or_default();
    Some(NodeSpec {
        name: fields.need(problems, "name")?.text(problems)?,
        labels: labels.into_iter().filter_map(|(key, node)| Some((key, node.text(problems)?))).collect(),
    })
}

fn read_object(node: &Node<'_>, problems: &mut Problems) -> Option<Object> {
    match Object::from_json(json(node, problems)) {
        Ok(object) if !object.name().is_empty() => Some(object),
        Ok(_) => {
            node.refuse(problems, "metadata.name is missing");
            None
        }
        Err(error) => {
            node.refuse(problems, error.to_string());
            None
        }
    }
}

/// Rules of the form `{match: ..., <field>: <duration> or <never>}`.
fn late_rules(
    fields: &Fields<'_>,
    problems: &mut Problems,
    section: &str,
    field: &str,
    never: &str,
) -> Vec<(NameMatch, Option<SignedDuration>)> {
    let mut rules = Vec::new();
    for node in fields.list(problems, section) {
        let Some(fields) = node.fields(problems, &["match", field]) else { continue };
        let matches = fields.get("match").map(|node| NameMatch::read(&node, problems)).unwrap_or_default();
        let Some(when) = fields.need(problems, field) else { continue };
        if when.value().as_str() == Some(never) {
            rules.push((matches, None));
        } else if let Some(after) = when.duration(problems) {
            rules.push((matches, Some(after)));
        }
    }
    rules
}
