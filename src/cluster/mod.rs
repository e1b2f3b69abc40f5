//! Kubernetes: the only place that names the kube crate. Connections, requests and watches, all of them with an end in
//! time, a bound on size, and an error that says what was attempted and whether trying again helps.

mod access;
mod beginning;
mod causes;
mod client;
mod connect;
mod error;
mod hide;
mod kinds;
mod logs;
mod options;
mod path;
mod patience;
mod renew;
mod request;
mod table;
mod watch;

pub use access::{Access, Attributes};
pub use client::{Cluster, Connection};
pub use connect::{ConnectError, Credential, Target, connect, context_servers, contexts};
pub use error::{ApiError, ClusterError};
pub use kinds::{Kind, Kinds};
pub use logs::{LogLine, LogOptions, LogStream};
pub use options::{Apply, Delete, ObjectList, Page, Patch, Propagation, Scope, Selectors, Subresource, WriteOptions};
pub use table::{Table, TableRow};
pub use watch::{FromJson, Unreadable, WatchEvent, WatchOptions, watch};
