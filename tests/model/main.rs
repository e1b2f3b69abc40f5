//! Tests of everything that is pure: the model, what may import what, and the command that shows a plan.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends by panicking")]

mod applications;
mod cases;
mod command;
mod findings;
mod findings_fuzz;
mod fuzz;
mod health;
mod hooks;
mod large;
mod layers;
mod manifests;
mod operations;
mod options;
mod recordings;
mod requests;
mod scenario;
mod schema;
mod store;
mod sync;
mod timeline;
mod waiting;
