//! Workloads: Deployments over ReplicaSets, StatefulSets, DaemonSets.

mod common;
mod daemonset;
mod deployment;
mod replicaset;
mod rollout;
mod statefulset;

pub(super) use daemonset::DaemonSetController;
pub(super) use deployment::DeploymentController;
pub(super) use replicaset::ReplicaSetController;
pub(super) use statefulset::StatefulSetController;
