//! Who may do what: bearer tokens and their users, and the access rules that a scenario or a test sets.

mod users;

pub use crate::domain::scenario::{AccessRequest, AccessRule};
pub use users::{Access, User, Verdict};
