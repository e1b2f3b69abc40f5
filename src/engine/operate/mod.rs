//! Running the operation of one Application, from `.operation` to its end.

mod accept;
mod drive;
mod finish;
mod operator;
mod prepare;
mod world;

pub(crate) use operator::Operator;
pub(crate) use prepare::{Place, is_missing, key_in, place};
pub(crate) use world::{World, namespaces};
