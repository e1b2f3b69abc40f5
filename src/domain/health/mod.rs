//! Health of a live object as Argo CD judges it: its built-in checks and the best known of its scripts, kind by kind, and
//! what a health means for the task that applied the object. In [`waiting`]: why an object is not healthy yet.

mod api_service;
mod autoscaler;
mod check;
mod conditions;
mod custom;
mod fields;
mod hint;
mod job;
mod network;
mod pod;
mod storage;
mod task;
mod types;
pub mod waiting;
mod workflow;
mod workload;

pub use check::{has_check, health};
pub use hint::{Hint, hint};
pub use task::{TaskHealth, hook_task, resource_task};
pub use types::{Health, HealthError, HealthStatus};
