//! The timeline, replayed from recordings and from events made up.

mod render;
mod replay;
mod snapshots;
mod traces;
