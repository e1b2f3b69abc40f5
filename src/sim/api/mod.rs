//! The HTTP side: from a request to the store and back, as `kube-apiserver` answers.
//!
//! A request is authenticated, its path and query are read (`request`, `query`), it meets the fault that was
//! planned for it, is authorized, and then answered by the module of its verb. Answers are written in the form the
//! client accepts (`output`): objects, tables for people, or metadata alone.

mod collection;
mod delete;
mod discovery;
mod logs;
mod modify;
mod output;
mod patching;
mod query;
mod read;
mod request;
mod respond;
mod review;
mod selector;
mod serve;
mod subresource;
mod table;
mod watch;

pub use serve::{Api, Connection};
