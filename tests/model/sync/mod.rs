//! The plan of a sync and its state machine: tables, properties over a simulated world, mutants, recordings.

mod case;
mod corpus;
mod driver;
mod laws;
mod make;
mod mutants;
mod plan;
mod properties;
mod replay;
mod steps;
mod world;
