//! The client's side of Argo CD's protocol over the Application object: the live view.
//!
//! [`Live::start`] connects and gives a handle and a stream of [`LiveEvent`](crate::domain::live::LiveEvent)s. One task,
//! the hub, owns all that is known; watches, fetches and writes are tasks of their own that report to it. The hub tells
//! the reader, coalesced for each application where the reader is slow.
//!
//! # How a reader uses it
//!
//! 1. [`Live::start`] with [`Options`]. Its error is about the kubeconfig; a cluster that is down is told as
//!    [`WatchState::Interrupted`](crate::domain::live::WatchState::Interrupted) and tried again.
//! 2. Fold the events, in their order, into a picture of one's own: each is a state, and a later one of the same subject
//!    replaces the earlier. Rows come as `EarlyRows`, `App` and `AppGone`; the list is complete at `FleetComplete`.
//! 3. [`Live::open`] tells the whole of an application until [`Live::close`]: `Application`, `Observed` (the food of a
//!    [`Timeline`](crate::domain::timeline::Timeline)), `Hooks`, `Windows`, `Controller`, `Revisions`, `Review`.
//!    [`Live::show`] tells the commits of those that are on a screen.
//! 4. A request is a [`Request`](crate::domain::request::Request): sync with every option, abort, retry, resume, refresh,
//!    rollback with or without hooks, automated sync on and off, approval of a prune or a deletion, repair of a ghost,
//!    failing a hook's Job, running a hook again. [`Live::preview`] gives the write as a value, with what speaks against it
//!    and with what the decision rests on ([`Seen`](crate::domain::request::Seen)); hand the latter to [`Live::send`]. The
//!    `Request` events with its id tell that it is sent and how it ended; whether it had the wished effect, the other
//!    events tell. Both wait up to 5 s for what is not known yet: rights, windows, the controller. What was sent is in the
//!    [`RequestLog`](crate::store::RequestLog).
//! 5. [`Live::logs`] gives the logs of hooks, those that run and those long gone alike; [`Live::history`] the operations
//!    that were seen. On disk an application goes by [`Live::stored`].
//! 6. [`Live::stop`] finishes what is on its way.
//!
//! # Its parts
//!
//! - `start`, `place`: where Applications and Argo CD are, who we are, what we may do, the first rows. `fleet`: the applications in their
//!   compact form. `active`, `feeds`: what is followed of those that are open or whose operations run. `destinations`:
//!   clients for the clusters hooks run in. `controllers`: who acts on operations.
//! - `requests`: guarded writes, conflicts, unknown outcomes. `answer`: what a server took and did not keep. `capture`, `follow`, `quota`, `logs`: logs to disk and back.
//!   `identity`: what a cluster is called there; `deferrals`: approvals that were put off, under that name. `repositories`, `commits`, `glance`, `review`: what Git has, and the plan
//!   made from it.
//! - `outbox`: what is still to be told; bounded however slow the reader is.
//! - `hub` and `hub_*`: what of it belongs to which application, and what is told.

mod active;
mod answer;
mod beside;
mod capture;
mod command;
mod commits;
mod controllers;
mod deferrals;
mod destinations;
mod feeds;
mod fleet;
mod follow;
mod glance;
mod handle;
mod hub;
mod hub_active;
mod hub_capture;
mod hub_feeds;
mod hub_fleet;
mod hub_git;
mod hub_objects;
mod hub_projects;
mod hub_requests;
mod identity;
mod logs;
mod message;
mod options;
mod outbox;
mod place;
mod quota;
mod repositories;
mod requests;
mod review;
mod start;

pub use crate::cluster::{ConnectError, contexts};
pub use crate::store::StoreError;
pub use handle::{Ended, Events, Live, LogLines};
pub use options::{CaptureOptions, Namespaces, Options, RepositoryOptions};
