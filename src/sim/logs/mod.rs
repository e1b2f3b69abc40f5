//! Logs of the containers of simulated pods: the kubelet's side writes lines, the API's `log` subresource reads them.
//!
//! One buffer for each run of a container, so that a restart's log begins empty and `previous` reads the one before.
//! Memory is bounded: of a buffer the oldest lines go, as when a node rotates log files, and of all buffers those of
//! ended containers that have not been written for longest.
//!
//! ```no_run
//! # fn answer(pod: &serde_json::Value, query: &[(String, String)], now: jiff::Timestamp,
//! #           logs: &boathook::sim::logs::Logs) -> Result<(), boathook::sim::status::Status> {
//! use boathook::sim::logs::LogOptions;
//! let options = LogOptions::from_query("web", query)?;
//! let stream = logs.read(pod, &options, now)?; // a futures::Stream of bytes, which ends when the container does
//! # drop(stream); Ok(())
//! # }
//! ```

mod buffer;
mod options;
mod read;

pub use buffer::{Logs, RunKey};
pub use options::LogOptions;
pub use read::LogStream;
