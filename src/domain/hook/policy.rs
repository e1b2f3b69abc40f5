//! When a hook's object is deleted.

use super::token::{Dialect, Token, tokens};
use super::types::DeletePolicy;
use crate::domain::manifest::Object;

/// The delete policies of a hook. There is always at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletePolicies {
    policies: Vec<DeletePolicy>,
    is_default: bool,
    unknown: Vec<Token>,
}

impl DeletePolicies {
    /// Whether this policy holds.
    pub fn contains(&self, policy: DeletePolicy) -> bool {
        self.policies.contains(&policy)
    }

    /// The policies, each once, in the order of [`DeletePolicy::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = DeletePolicy> {
        self.policies.iter().copied()
    }

    /// Whether none was written that Argo CD knows, so that its default holds.
    pub const fn is_default(&self) -> bool {
        self.is_default
    }

    /// Words that were written and are no policy; Argo CD ignores them.
    pub fn unknown(&self) -> &[Token] {
        &self.unknown
    }
}

/// The delete policies of an object: Argo CD's and Helm's annotation added together, words that are no policy ignored,
/// and `BeforeHookCreation` if nothing is left.
pub fn delete_policies(object: &Object) -> DeletePolicies {
    let mut written = Vec::new();
    let mut unknown = Vec::new();
    for dialect in [Dialect::Argo, Dialect::Helm] {
        for word in tokens(object.annotation(dialect.policy_annotation()).unwrap_or_default()) {
            let policy = match dialect {
                Dialect::Argo => DeletePolicy::from_name(word),
                Dialect::Helm => DeletePolicy::from_helm_name(word),
            };
            match policy {
                Some(policy) => written.push(policy),
                None => unknown.push(Token::new(dialect, word)),
            }
        }
    }
    let is_default = written.is_empty();
    if is_default {
        written.push(DeletePolicy::BeforeHookCreation);
    }
    let policies = DeletePolicy::ALL.into_iter().filter(|policy| written.contains(policy)).collect();
    DeletePolicies { policies, is_default, unknown }
}
