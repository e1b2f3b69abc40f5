use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::scenario::{AccessRequest, AccessRule};

/// Who sends a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// For example `admin`.
    pub name: String,
    /// Besides `system:authenticated`, which everybody is in.
    pub groups: Vec<String>,
    /// What the user may do: the first rule that matches decides, and what none matches is allowed.
    pub rules: Vec<AccessRule>,
}

/// Whether a request is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Allowed,
    /// It is not; why, as the rule says, possibly empty.
    Denied(String),
}

impl User {
    /// Whether the user may do this.
    pub fn may(&self, request: &AccessRequest<'_>) -> Verdict {
        match self.rules.iter().find(|rule| rule.matches(request)) {
            Some(rule) if !rule.allow => Verdict::Denied(rule.reason.clone()),
            _ => Verdict::Allowed,
        }
    }

    /// Why a request is refused, in the words of Kubernetes.
    pub fn refusal(&self, request: &AccessRequest<'_>, reason: &str) -> String {
        let scope = if request.namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace {:?}", request.namespace)
        };
        let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        format!(
            "User {:?} cannot {} resource {:?} in API group {:?} {scope}{reason}",
            self.name, request.verb, request.resource, request.group
        )
    }
}

/// The tokens and their users. Cheap to clone: clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Access(Arc<RwLock<HashMap<String, User>>>);

impl Access {
    /// From now on this token is this user's.
    pub fn add(&self, token: impl Into<String>, user: User) {
        self.write(|users| users.insert(token.into(), user));
    }

    /// From now on this token is answered with 401, as one that has expired.
    pub fn expire(&self, token: &str) {
        self.write(|users| users.remove(token));
    }

    /// Sets the rules of every user of this name.
    pub fn restrict(&self, name: &str, rules: &[AccessRule]) {
        self.write(|users| {
            for user in users.values_mut().filter(|user| user.name == name) {
                user.rules = rules.to_vec();
            }
        });
    }

    /// Whose token this is.
    pub fn user(&self, token: &str) -> Option<User> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }

    fn write<T>(&self, change: impl FnOnce(&mut HashMap<String, User>) -> T) -> T {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::scenario::Pattern;

    #[test]
    fn the_first_rule_that_matches_decides() {
        let rule = |allow, verb: &str, namespace: &str| AccessRule {
            allow,
            verbs: vec![Pattern::new(verb)],
            groups: Vec::new(),
            resources: vec![Pattern::new("pods"), Pattern::new("pods/*")],
            namespaces: vec![Pattern::new(namespace)],
            names: Vec::new(),
            reason: "not on a Friday".to_owned(),
        };
        let user = User {
            name: "ada".to_owned(),
            groups: Vec::new(),
            rules: vec![rule(true, "get", "prod-*"), rule(false, "*", "*")],
        };
        let request = |verb, resource, namespace| AccessRequest { verb, group: "", resource, namespace, name: "x" };
        assert_eq!(user.may(&request("get", "pods/log", "prod-1")), Verdict::Allowed);
        assert_eq!(user.may(&request("delete", "jobs", "prod-1")), Verdict::Allowed);
        let refused = request("delete", "pods", "prod-1");
        assert_eq!(user.may(&refused), Verdict::Denied("not on a Friday".to_owned()));
        assert_eq!(
            user.refusal(&refused, ""),
            "User \"ada\" cannot delete resource \"pods\" in API group \"\" in the namespace \"prod-1\""
        );
    }
}
