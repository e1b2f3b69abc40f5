//! The client's side of Argo CD's protocol over the Application object: the live view.
//!
//! [`Live::start`] connects and gives a handle and a stream of [`LiveEvent`](crate::domain::live::LiveEvent)s. One task,
//! the hub, owns all that is known; watches, fetches and writes are tasks of their own that report to it. The hub tells
//! the reader, coalesced for each application where the reader is slow.

mod command;
mod handle;
mod hub;
mod options;

pub use crate::cluster::{ConnectError, contexts};
pub use crate::store::StoreError;
pub use handle::{Ended, Events, Live, LogLines};
pub use options::{CaptureOptions, Namespaces, Options, RepositoryOptions};
