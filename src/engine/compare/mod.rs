//! Comparing an application with Git: sync status, health, resources, conditions; and automated sync.
//!
//! `comparer` says when. `gather` makes one comparison: manifests from `targets`, live objects through `sight`, one `judge`d
//! after the other by a dry run, with what does not count taken out by `ignore`, and fields of former owners found by `owned`.
//! Of each object an `entry` remains, `report` makes `status` of them, and `automated` decides whether an operation follows.
//! Operations ask `differing` for what is out of sync at this moment, and `respect` for manifests with ignored fields as they
//! live.

mod automated;
mod comparer;
mod differing;
mod entry;
mod gather;
mod ignore;
mod judge;
mod links;
mod owned;
mod report;
mod respect;
mod sight;

pub(crate) use comparer::Comparer;
pub(super) use differing::Sieve;
pub(super) use ignore::Rule;
pub(super) use respect::with_ignored;
