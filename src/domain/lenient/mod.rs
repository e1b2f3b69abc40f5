//! Reading JSON that others wrote: a missing field is its default, a field of the wrong type is its default and a
//! reported problem, and nothing is ever fatal. `fields` reads from a tree, `stream` straight from the bytes.

mod fields;
mod problem;
mod stream;
mod text;

pub use problem::{Problem, Problems};

pub(crate) use fields::Fields;
pub(crate) use stream::{Ignore, Key, Lenient, Take, drain_map, drain_seq};
pub(crate) use text::cut;
