//! The versioned objects of the simulated cluster: what etcd and the generic registry of the API server are to
//! Kubernetes. Every part of the simulator reads and writes through it, the HTTP API as well as the controllers.
//!
//! - [`Store`] keeps one collection for each (group, resource), one revision that every write increases, and hands out
//!   [`Stored`] objects, which never change.
//! - A write is checked against its preconditions, merged as its [`Part`] demands, defaulted and validated by the
//!   store's [`Rules`], stamped (UID, timestamps, generation, resourceVersion) and then seen by every subscriber. A
//!   write that changes nothing is not stored: no new resourceVersion and no event, as in Kubernetes.
//! - Objects with finalizers, and pods with a grace period, are deleted in two steps.
//! - [`Subscription`] never misses and never reorders: it reads the collection's own history from its place on. A
//!   reader slower than the window of history is cut with 410, so memory stays bounded.
//!
//! For a controller:
//!
//! ```no_run
//! # async fn run(store: boathook::sim::store::Store) -> Result<(), boathook::sim::status::Status> {
//! use boathook::sim::resource::JOBS;
//! use boathook::sim::store::{Part, WriteOptions};
//!
//! let (jobs, revision) = store.list(&JOBS, None);
//! let mut events = store.watch(&JOBS, revision)?;
//! let options = WriteOptions::by("job-controller").part(Part::Status);
//! for job in jobs {
//!     store.update(&JOBS, job.namespace(), job.name(), &options, |current| {
//!         let mut changed = current.clone();
//!         changed["status"]["active"] = 1.into();
//!         Ok(changed)
//!     })?;
//! }
//! loop {
//!     let event = events.next().await?;
//!     println!("{:?} {}", event.kind, event.object.name());
//! }
//! # }
//! ```

mod delete;
mod event;
mod feed;
mod history;
mod metadata;
mod object;
mod options;
mod random;
mod rules;
mod state;
#[expect(clippy::module_inception, reason = "the store itself, beside its parts")]
mod store;
mod write;

pub use event::{Event, EventKind, Subscription};
pub use feed::Feed;
pub use object::Stored;
pub use options::{DeleteOptions, Deleted, Operation, Part, Preconditions, Propagation, StoreOptions, WriteOptions};
pub use random::Random;
pub use rules::{NoRules, Rules, WriteContext};
pub use store::Store;
