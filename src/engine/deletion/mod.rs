//! The end of an Application: its delete hooks, and the deletion of what it deployed.
//!
//! What is left to do stands in the Application's finalizers, Argo CD's own, and is done in this order: PreDelete hooks,
//! the objects, PostDelete hooks, and what remains of the hooks. Each part removes its finalizer when it is through, so
//! that an engine that is started again goes on where the last one stopped.

mod cascade;
mod finalizers;
mod hooks;
mod run;

pub(super) use finalizers::settled;
pub(super) use run::run;
