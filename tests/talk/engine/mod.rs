//! The engine on the simulated cluster, over real HTTP, with repositories that the tests make with `git`.

mod bad_input;
mod deletion;
mod differences;
mod kill;
mod options;
mod rows;
mod traces;
mod world;
