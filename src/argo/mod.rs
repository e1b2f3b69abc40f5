//! The client's side of Argo CD's protocol over the Application object: the live view.
//!
//! [`Live::start`] connects and gives a handle and a stream of [`LiveEvent`](crate::domain::live::LiveEvent)s. One task,
//! the hub, owns all that is known; watches, fetches and writes are tasks of their own that report to it. The hub tells
//! the reader, coalesced for each application where the reader is slow.
//!
//! - `start`: where Applications are, who we are, what we may do, the first rows. `fleet`: the applications in their
//!   compact form. `active`, `feeds`: what is followed of those that are open or whose operations run. `destinations`:
//!   clients for the clusters hooks run in. `controllers`: who acts on operations.
//! - `requests`: guarded writes, conflicts, unknown outcomes. `capture`, `follow`, `logs`: logs to disk and back.
//!   `repositories`, `review`: what Git has, and the plan made from it.
//! - `hub` and `hub_*`: what of it belongs to which application, and what is told.

mod active;
mod capture;
mod command;
mod commits;
mod controllers;
mod destinations;
mod feeds;
mod fleet;
mod follow;
mod glance;
mod handle;
mod hub;
mod hub_active;
mod hub_capture;
mod hub_fleet;
mod hub_git;
mod hub_requests;
mod identity;
mod logs;
mod message;
mod options;
mod outbox;
mod quota;
mod repositories;
mod requests;
mod review;
mod start;

pub use crate::cluster::{ConnectError, contexts};
pub use crate::store::StoreError;
pub use handle::{Ended, Events, Live, LogLines};
pub use options::{CaptureOptions, Namespaces, Options, RepositoryOptions};
