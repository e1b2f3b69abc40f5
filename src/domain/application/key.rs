//! The identity of an application.

use std::fmt;
use std::sync::Arc;

/// What names an application: cluster, namespace and name, never the name alone. Cheap to clone.
///
/// In memory the cluster is the name of its context: a process talks to one cluster by one context, people know it by that
/// name, and a key that changed when the cluster says who it is would lose what is open, marked and running meanwhile. On
/// disk, where contexts are renamed and one name may mean two clusters, it is the UID of the namespace kube-system as soon
/// as that is known, and the context's name until then (`Live::stored` gives that key).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppKey {
    /// The cluster the Application object lives in: its context, on disk the UID of kube-system.
    pub cluster: Arc<str>,
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
}

impl AppKey {
    /// A key from its parts.
    pub fn new(cluster: impl Into<Arc<str>>, namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { cluster: cluster.into(), namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for AppKey {
    /// `cluster/namespace/name`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/{}", self.cluster, self.namespace, self.name)
    }
}
