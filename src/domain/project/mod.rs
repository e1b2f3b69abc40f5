//! The AppProject: what applications of a project may deploy, from where, to where, and when (sync windows).

mod permit;
mod read;
mod schedule;
mod window;

pub use permit::{Destination, GroupKind, Project};
pub use window::{Decision, SyncWindow, WindowError, WindowKind, decide};
