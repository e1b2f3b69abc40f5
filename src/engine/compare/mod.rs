//! Comparing an application with Git: sync status, health, resources, conditions; and automated sync.
//!
//! `comparer` says when. `gather` makes one comparison: manifests from `targets`, live objects through `sight`, one `judge`d
//! after the other by a dry run, with what does not count taken out by `ignore`. Of each object an `entry` remains, `report`
//! makes `status` of them, and `automated` decides whether an operation follows.

mod automated;
mod comparer;
mod entry;
mod gather;
mod ignore;
mod judge;
mod report;
mod sight;

pub(crate) use comparer::Comparer;
