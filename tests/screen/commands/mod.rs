//! The commands, as they are called: the program as a child, on a simulated cluster with the engine.

mod about;
mod act;
mod closed;
mod codes;
mod coverage;
mod get;
mod options;
mod place;
mod program;
mod recipes;
mod sync;
#[cfg(unix)]
mod terminal;
mod wait;
