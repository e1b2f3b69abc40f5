//! Who may do what: bearer tokens, and rules in the form of Kubernetes' RBAC, which a scenario or a test sets.

mod rules;

pub use rules::{Access, Attributes, Rule, User};
