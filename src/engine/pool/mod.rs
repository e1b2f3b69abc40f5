//! What lives in the clusters: watches that everybody shares. One for each cluster, kind and namespace, opened with its
//! first subscriber and closed with its last.

mod entry;
mod subscribe;

pub(crate) use entry::{Detail, Interest};
pub(crate) use subscribe::{Pool, Subscription};
