//! The live view against simulated clusters over HTTP.

mod bad_input;
mod clusters;
mod faults;
mod fleet;
mod hooks;
mod recordings;
mod requests;
mod revisions;
mod world;
