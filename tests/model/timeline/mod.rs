//! The timeline, replayed from recordings and from events made up.

mod interleave;
mod made;
mod planned;
mod random;
mod render;
mod replay;
mod snapshots;
mod traces;
mod world;
