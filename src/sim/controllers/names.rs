//! The controllers by name.

use super::Controller;

/// One controller, to switch it on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ControllerName {
    /// Binds pods to nodes.
    Scheduler,
    /// Runs bound pods.
    Kubelet,
    /// Runs Jobs.
    Job,
    /// Deletes finished Jobs after their `ttlSecondsAfterFinished`.
    TtlAfterFinished,
    /// Keeps the pods of a `ReplicaSet`.
    ReplicaSet,
    /// Rolls Deployments out.
    Deployment,
    /// Keeps the pods of a `StatefulSet`, in order.
    StatefulSet,
    /// Keeps a pod of a `DaemonSet` on every node.
    DaemonSet,
    /// Runs Argo Workflows.
    Workflow,
    /// Deletes what has lost its owners.
    GarbageCollector,
    /// Fills new namespaces and empties deleted ones.
    Namespace,
    /// Gives Services of type `LoadBalancer` their address.
    Service,
    /// Binds volume claims.
    VolumeClaim,
}

/// One of each.
pub(super) fn all() -> Vec<Box<dyn Controller>> {
    vec![
        Box::<super::scheduler::Scheduler>::default(),
        Box::<crate::sim::kubelet::Kubelet>::default(),
        Box::<super::job::JobController>::default(),
        Box::<super::job::TtlController>::default(),
        Box::<super::apps::ReplicaSetController>::default(),
        Box::<super::apps::DeploymentController>::default(),
        Box::<super::apps::StatefulSetController>::default(),
        Box::<super::apps::DaemonSetController>::default(),
        Box::<super::workflow::WorkflowController>::default(),
        Box::<super::garbage::GarbageCollector>::default(),
        Box::<super::namespace::NamespaceController>::default(),
        Box::<super::core::ServiceController>::default(),
        Box::<super::core::ClaimController>::default(),
    ]
}
