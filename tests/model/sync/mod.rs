//! The plan of a sync and its state machine: tables, properties over a simulated world, mutants, recordings.

mod make;
mod plan;
