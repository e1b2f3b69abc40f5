use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Who sends a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// For example `admin`.
    pub name: String,
    /// Besides `system:authenticated`, which everybody is in.
    pub groups: Vec<String>,
    /// What the user may do; everything where `None`.
    pub rules: Option<Vec<Rule>>,
}

/// What is allowed; `*` stands for everything. There are no rules that deny.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// For example `get`.
    pub verbs: Vec<String>,
    /// API groups, empty for the core group.
    pub groups: Vec<String>,
    /// Plurals, with the subresource where there is one: `pods/log`.
    pub resources: Vec<String>,
    /// Names of objects; all where empty.
    pub names: Vec<String>,
    /// Namespaces; all, and requests in no namespace, where empty.
    pub namespaces: Vec<String>,
}

/// What a request wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes<'a> {
    /// For example `list`.
    pub verb: &'a str,
    /// API group, empty for the core group.
    pub group: &'a str,
    /// Plural.
    pub resource: &'a str,
    /// Empty for the main resource.
    pub subresource: &'a str,
    /// Empty for all namespaces, and for cluster-scoped resources.
    pub namespace: &'a str,
    /// Empty for a collection.
    pub name: &'a str,
}

impl Rule {
    /// Whether it allows this.
    pub fn allows(&self, wanted: &Attributes<'_>) -> bool {
        let has = |list: &[String], what: &str| list.iter().any(|one| one == "*" || one == what);
        let resource = if wanted.subresource.is_empty() {
            has(&self.resources, wanted.resource)
        } else {
            has(&self.resources, &format!("{}/{}", wanted.resource, wanted.subresource))
                || has(&self.resources, &format!("*/{}", wanted.subresource))
        };
        has(&self.verbs, wanted.verb)
            && has(&self.groups, wanted.group)
            && resource
            && (self.names.is_empty() || has(&self.names, wanted.name))
            && (self.namespaces.is_empty() || has(&self.namespaces, wanted.namespace))
    }
}

impl User {
    /// Whether any rule allows this.
    pub fn may(&self, wanted: &Attributes<'_>) -> bool {
        self.rules.as_ref().is_none_or(|rules| rules.iter().any(|rule| rule.allows(wanted)))
    }
}

impl Attributes<'_> {
    /// Why it is refused, in the words of Kubernetes.
    pub fn refusal(&self, user: &User) -> String {
        let subresource = if self.subresource.is_empty() { String::new() } else { format!("/{}", self.subresource) };
        let scope = if self.namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace {:?}", self.namespace)
        };
        format!(
            "User {:?} cannot {} resource \"{}{subresource}\" in API group {:?} {scope}",
            user.name, self.verb, self.resource, self.group
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

    /// Restricts every user of this name to rules, or with `None` to nothing.
    pub fn restrict(&self, name: &str, rules: Option<Vec<Rule>>) {
        self.write(|users| {
            for user in users.values_mut().filter(|user| user.name == name) {
                user.rules.clone_from(&rules);
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

    #[test]
    fn a_rule_allows_what_it_names_and_nothing_else() {
        let list = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let rule = Rule {
            verbs: list("get list"),
            groups: vec![String::new()],
            resources: list("pods pods/log"),
            names: Vec::new(),
            namespaces: list("a"),
        };
        let wanted =
            Attributes { verb: "get", group: "", resource: "pods", subresource: "", namespace: "a", name: "x" };
        assert!(rule.allows(&wanted));
        assert!(rule.allows(&Attributes { subresource: "log", ..wanted }));
        for refused in [
            Attributes { verb: "delete", ..wanted },
            Attributes { group: "batch", ..wanted },
            Attributes { subresource: "status", ..wanted },
            Attributes { namespace: "b", ..wanted },
            Attributes { namespace: "", ..wanted },
        ] {
            assert!(!rule.allows(&refused), "{refused:?}");
        }
    }
}
