//! The commands, as they are called: the program as a child, on a simulated cluster with the engine.

mod about;
mod act;
mod answers;
mod approval;
mod away;
#[cfg(unix)]
mod careful;
mod closed;
mod codes;
mod coverage;
mod documents;
mod get;
mod names;
mod options;
mod others;
mod place;
mod program;
mod recipes;
#[cfg(unix)]
mod replaced;
mod sync;
#[cfg(unix)]
mod terminal;
mod wait;
