//! Why an object is not yet healthy, or will not become so: what Argo CD does not say. From an object, its pods and its
//! events to a list of reasons, the most important one first.

mod container;
mod events;
mod gather;
mod job;
mod pod;
mod read;
mod reason;
mod workflow;
mod workload;

pub use gather::{Evidence, reasons};
pub use reason::{Detail, Reason, ReasonKind};
