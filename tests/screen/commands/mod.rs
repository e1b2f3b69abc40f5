//! The commands, as they are called: the program as a child, on a simulated cluster with the engine.

mod about;
mod act;
mod get;
mod place;
mod recipes;
mod sync;
mod wait;
