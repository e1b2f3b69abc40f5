//! The controllers of the simulated cluster, on a driven clock and straight on the store.

mod apps;
mod cluster;
mod garbage;
mod jobs;
mod pods;
mod properties;
mod recordings;
mod running;
mod workflows;
