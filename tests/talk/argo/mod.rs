//! The live view against simulated clusters over HTTP.

mod answers;
mod bad_input;
mod capture;
mod clusters;
mod crate_traps;
mod credentials;
mod disk;
mod ends;
mod engines;
mod faults;
mod fleet;
mod home;
mod hooks;
mod identity;
mod moved;
mod recordings;
mod reopen;
mod requests;
mod revisions;
mod seeds;
mod slow;
mod world;
mod writes;
