//! What in a set of manifests will not happen as written, or will hurt later: pure checks over the objects of one
//! sync. Each finding has a stable code, a severity, the object, what is wrong and what to do about it.
//!
//! An error is certain: Argo CD ignores or refuses what is written, or the hook cannot work. A warning works today and
//! bites on a later sync, a failure or a retry. A note is a good practice that is not followed.

mod annotations;
mod check;
mod code;
mod facts;
mod finding;
mod kinds;
mod lifecycle;
mod names;
mod options;
mod order;
mod pods;
mod scripts;

pub use check::{Settings, check};
pub use code::{Code, Severity};
pub use finding::Finding;
