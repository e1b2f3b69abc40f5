//! Actions of a step become requests, one outcome each.

mod apply;
mod change;
mod migrate;
mod performer;

pub(crate) use apply::is_not_in_schema;
pub(crate) use performer::Performer;
