//! Faults on request: what networks, load balancers and busy API servers do to clients, made to happen in a test or a
//! scenario while the server runs. Which requests meet one is said by verb, resource, namespace, name, count and
//! probability; chances are seeded, so a run can be repeated.
//!
//! ```no_run
//! # fn meet(faults: &boathook::sim::faults::Faults) {
//! use boathook::sim::faults::{Action, Fault, WatchOrder, requests};
//!
//! // The next two writes of an Application's are carried out, but the client never learns it.
//! let fault = faults.add(Fault::new(requests(&["patch", "update"], &["applications"]), Action::CutAfter).times(2));
//! // Every watch of jobs that is open now ends.
//! faults.order(requests(&["watch"], &["jobs"]), WatchOrder::End);
//! assert_eq!(faults.met(fault), 0);
//! # }
//! ```

mod body;
mod plan;

pub(crate) use body::{slow, truncated};
pub use plan::{Action, Failure, Fault, FaultId, Faults, WatchOrder, requests};
