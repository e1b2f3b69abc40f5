//! What a sync of an application would do, before it is asked for.

mod document;
mod order;
mod text;

pub(super) use document::SyncPlanDocument;
pub(super) use order::{NO_SOURCE, PlanOptions, Planned};
pub(super) use text::{full, short};
