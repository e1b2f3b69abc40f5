//! The commands, as they are called: the program as a child, on a simulated cluster with the engine.

mod get;
mod place;
mod wait;
