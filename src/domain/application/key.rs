//! The identity of an application.

use std::fmt;
use std::sync::Arc;

/// What names an application: cluster, namespace and name, never the name alone. Cheap to clone.
///
/// The cluster is the name of the context until the UID of the namespace kube-system is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppKey {
    /// The cluster the Application object lives in.
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
