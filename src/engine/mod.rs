//! The controller side: runs the operations of Applications with all their hooks, where no Argo CD does.
//!
//! [`Engine::start`] watches the Applications and gives each of them an actor: a task with a mailbox in which only the
//! latest version lies. Nothing polls: an actor sleeps until its Application, an object it waits for, or a time it set
//! itself wakes it. What an actor does with its Application is decided in `actor`: run its operation (`operate`), end it
//! with its delete hooks (`deletion`), or compare it with Git (`compare`). These three see the same things, through
//! `shared`:
//!
//! - `pool`: what lives in the clusters, as shared watches; `inventory`: what of it belongs to one application.
//! - `destination`: the cluster an application goes to, and which part of it is `managed`; `project`: what it may do there and when.
//! - `targets`: what should live there: sources fetched, rendered and stamped with the tracking id.
//! - `perform`: one action of [`domain::step`](crate::domain::step) becomes requests.
//! - `record`: the only writer of Applications: one guarded JSON patch a write.
//! - `lease`, `identity` and `controller`: that nobody else works on the same Applications.
//! - `figures`: what was done so far, counted; `serve`: asked for over HTTP.
//! - `problem`: what is wrong with an application, in the words of its conditions.

mod actor;
mod compare;
mod controller;
mod deletion;
mod destination;
mod error;
mod event;
mod figures;
mod identity;
mod install;
mod inventory;
mod lease;
mod mailbox;
mod managed;
mod operate;
mod options;
mod perform;
mod pool;
mod problem;
mod project;
mod record;
mod secret;
mod serve;
mod shared;
mod start;
mod targets;

pub use error::EngineError;
pub use install::install_definitions;
pub use options::EngineOptions;
pub use serve::MetricsPort;
pub use start::{Engine, Handle};
