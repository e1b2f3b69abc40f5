//! boathook: the lifecycle of Argo CD syncs and their hooks, in a terminal.
//!
//! # Modules
//!
//! ```text
//!                       main ── arguments, then one of: the screen, a command, demo, engine, sim
//!                        │
//!                       demo    simulated cluster, engine and screen in one process, joined by HTTP alone
//!          ┌─────────────┼──────────────────┬──────────────┐
//!     tui     cli        │               engine           sim
//!      the screen, and   │               runs syncs where a Kubernetes API server,
//!      the commands      │               no Argo CD does  and the controllers hooks need
//!          └──────┬──────┘                  │              │
//!               argo    the live view of    │              │
//!        ┌────────┤     Argo CD, requests   │              │
//!      store      └────────┬────────────────┘              │
//!   logs, history  cluster   git                           │
//!   on disk       over HTTP  commits, manifests            │
//!        └────────┴────────┴───────┬───────────────────────┘
//!                               domain   the model of Argo CD, pure       clock   time, real or driven
//! ```
//!
//! `domain` imports nothing and does nothing: no input or output, no tasks, no clock; what the time is, is an argument.
//! [`argo`] is the client's side of Argo CD's protocol over the Application object, [`engine`] the controller's: they meet
//! in a cluster and nowhere else. The screen and the commands are two readers of the one stream of events that [`argo`]
//! tells. Only `cluster` names kube, only `git` names git2, only `cli` and `main` name clap. Everybody may take a
//! [`clock::Clock`], and nobody else asks the system for the time. The test `layers` holds all of it to that.
//!
//! # From a hook's pod to the screen
//!
//! A watch of [`cluster`] sees the pod end; [`argo`] turns it into a [`domain::live::LiveEvent`]; [`tui`] folds it into a
//! [`domain::timeline::Timeline`] and draws when nothing else is waiting. A key goes the other way: an action, a dialog
//! that shows what will be written, one guarded write by [`argo`]; and the watch, not the reply, moves the screen.
//!
//! # From manifests to a plan
//!
//! Bytes are read by [`domain::manifest`] (as kubectl reads them, bounded, each object with its place). For each object
//! [`domain::hook`] says what its annotations make of it: a resource, a hook, nothing. [`domain::plan`] turns objects,
//! live objects and options into the ordered tasks of one sync, and says what is left out and why. [`domain::findings`]
//! says what will not happen as written, or will hurt later. The command `plan` prints the three together.
//!
//! # From a plan to what happens
//!
//! [`domain::step`] is the sync itself as one pure function: plan, state and what is seen of the cluster go in, actions
//! come out. [`domain::timeline`] folds what is observed of an operation, Argo CD's or ours, into what a screen shows:
//! it believes the pods of a hook before it believes the controller's record of them, and what it does not know stays
//! unknown.
//!
//! # Text from elsewhere
//!
//! Everything from a cluster, a log or a repository is hostile until it is parsed. It reaches a terminal only through
//! [`domain::text`], which escapes and bounds it.

pub mod argo;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod demo;
pub mod domain;
pub mod engine;
pub mod git;
pub mod sim;
pub mod store;
pub mod telemetry;
pub mod tui;
