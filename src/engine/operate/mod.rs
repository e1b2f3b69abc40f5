//! Running the operation of one Application, from `.operation` to its end.

mod accept;
mod begin;
mod drive;
mod finish;
mod hold;
mod keep;
mod operator;
mod prepare;
mod run;
mod world;

pub(crate) use begin::is_asked;
pub(crate) use operator::Operator;
pub(crate) use prepare::{Place, is_missing, key_in, place, refuse_unmanaged};
pub(crate) use world::{World, namespaces};
