//! The commands, as they are called: the program as a child, on a simulated cluster with the engine.

mod about;
mod act;
#[cfg(unix)]
mod careful;
mod closed;
mod codes;
mod coverage;
mod get;
mod options;
mod place;
mod program;
mod recipes;
#[cfg(unix)]
mod replaced;
mod sync;
#[cfg(unix)]
mod terminal;
mod wait;
