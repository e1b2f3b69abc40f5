//! What lives in the clusters: watches that everybody shares. One for each cluster, kind and namespace, opened with its
//! first subscriber and closed with its last. `subscribe` is for some objects of a kind, `tracked` for those of an
//! application, whatever their kinds are.

mod bells;
mod entry;
mod subscribe;
mod tracked;

pub(crate) use entry::Interest;
pub(crate) use subscribe::{Pool, Subscription};
pub(crate) use tracked::{Place, Tracked};
