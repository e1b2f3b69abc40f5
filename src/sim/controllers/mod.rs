//! The controllers of the simulated cluster: what `kube-controller-manager`, the scheduler, a node's kubelet and the
//! workflow controller do on a real one.
//!
//! Each controller is a function that looks at one object, with what it owns, and does what is to be done now. Changes
//! of the store and timers decide when it looks; nothing polls. All of them run one after the other in one task, so
//! that with a driven clock and one seed a world always takes the same course, and each reads what the one before has
//! written.
//!
//! - [`Manager`] is that loop, to be driven by a test; [`Controllers`] runs it in a task and switches controllers on
//!   and off.
//! - [`found_cluster`] makes what every cluster has from the start.

mod apps;
mod bootstrap;
mod context;
mod core;
mod garbage;
mod job;
pub(crate) mod json;
mod manager;
mod names;
mod namespace;
mod owners;
mod queue;
mod recorder;
mod scheduler;
mod scripts;
mod workflow;

pub use bootstrap::found_cluster;
pub(crate) use context::{Change, Context, owner_reference, scale};
pub(crate) use manager::{Controller, Wake};
pub use manager::{ControllerOptions, Controllers, Manager};
pub use names::ControllerName;
pub(crate) use owners::Owners;
pub(crate) use queue::Key;
pub(crate) use recorder::Note;
pub(crate) use scripts::Part as ContainerScript;
