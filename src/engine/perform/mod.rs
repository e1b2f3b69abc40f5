//! Actions of a step become requests, one outcome each.

mod anew;
mod apply;
mod change;
mod migrate;
mod performer;
mod schema;

pub(crate) use performer::Performer;
pub(crate) use schema::{is_not_in_schema, known_part};
