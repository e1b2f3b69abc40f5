//! The kubelet of every simulated node: walks pods through their phases, writes their logs, restarts and stops their
//! containers. Nothing is executed; scripts say what containers do.
//!
//! A pod is a [`machine`]: pure, told the time and asked for the next moment at which something happens. What it
//! answers (a log line, an event, a new status) is carried out by the controller. Times are those at which things
//! were due, not those at which they were looked at, so logs read the same however late the look was.

mod container;
mod controller;
mod machine;
mod status;

pub(crate) use controller::Kubelet;
