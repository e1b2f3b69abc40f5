//! Comparing an application with Git: sync status, health, resources, conditions; and automated sync.

mod comparer;

pub(crate) use comparer::Comparer;
