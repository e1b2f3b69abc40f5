//! The Job controller: pods for completions, retries with a growing delay, and the counting of pods exactly once.
//!
//! A pod of a Job carries the finalizer `batch.kubernetes.io/job-tracking` until the Job has counted it. The counting
//! is done in three writes, which an observer sees in this order: the Job names the pod under
//! `status.uncountedTerminatedPods`, the pod loses its finalizer, the Job counts it and forgets its name. Conditions
//! come in two steps as well: `SuccessCriteriaMet` or `FailureTarget` when the outcome is known, `Complete` or
//! `Failed` when every pod has ended and is counted.

mod controller;
mod outcome;
mod pods;
mod policy;
mod track;
mod ttl;

pub(super) use controller::JobController;
pub(super) use ttl::TtlController;
