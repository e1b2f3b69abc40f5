//! Who may do what: the rules a simulated cluster answers access reviews by.

use super::Pattern;
use super::reader::{Node, Problems};

/// A rule; the first one that matches a request decides, and what no rule matches is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRule {
    /// Whether the request is allowed.
    pub allow: bool,
    /// Verbs as in RBAC (`get`, `list`, `watch`, `create`, ...); empty for all.
    pub verbs: Vec<Pattern>,
    /// API groups, the core group being the empty text; empty list for all.
    pub groups: Vec<Pattern>,
    /// Resources in the plural, subresources as `pods/log`; empty for all.
    pub resources: Vec<Pattern>,
    /// Namespaces, the empty text for a request about all of them; empty list for all.
    pub namespaces: Vec<Pattern>,
    /// Names of objects; empty for all.
    pub names: Vec<Pattern>,
    /// Why, as the review gives it.
    pub reason: String,
}

/// What a request asks to do, in RBAC's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessRequest<'a> {
    /// Verb.
    pub verb: &'a str,
    /// API group.
    pub group: &'a str,
    /// Resource, with its subresource after a slash.
    pub resource: &'a str,
    /// Namespace; empty for all, or for an object without one.
    pub namespace: &'a str,
    /// Name; empty for all.
    pub name: &'a str,
}

impl AccessRequest<'_> {
    /// Whether each part has its pattern, in the order of the fields; no patterns are all.
    pub(super) fn is_among(&self, patterns: [&[Pattern]; 5]) -> bool {
        let parts = [self.verb, self.group, self.resource, self.namespace, self.name];
        patterns.into_iter().zip(parts).all(|(patterns, part)| Pattern::any(patterns, part))
    }
}

impl AccessRule {
    /// Whether the rule is about this request.
    pub fn matches(&self, request: &AccessRequest<'_>) -> bool {
        request.is_among([&self.verbs, &self.groups, &self.resources, &self.namespaces, &self.names])
    }

    pub(super) fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let known = ["allow", "verbs", "groups", "resources", "namespaces", "names", "reason"];
        let fields = node.fields(problems, &known)?;
        Some(Self {
            allow: fields.need(problems, "allow").and_then(|node| node.truth(problems)).unwrap_or_default(),
            verbs: fields.patterns(problems, "verbs"),
            groups: fields.patterns(problems, "groups"),
            resources: fields.patterns(problems, "resources"),
            namespaces: fields.patterns(problems, "namespaces"),
            names: fields.patterns(problems, "names"),
            reason: fields.text(problems, "reason"),
        })
    }
}
