//! Which part of a cluster is to be managed, where its Secret says so: Argo CD's fields `namespaces`, a comma list, and
//! `clusterResources`, which counts only beside it.

use std::collections::BTreeSet;

use crate::domain::manifest::ObjectKey;
use crate::domain::secret::SecretValues;

/// The part of a cluster that is managed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Managed {
    namespaces: BTreeSet<String>,
    /// Also what lives outside of namespaces.
    cluster_resources: bool,
}

impl Managed {
    /// What a cluster Secret says; `None`: all of the cluster. A list in which nothing stands permits nothing.
    pub(super) fn of(secret: &SecretValues) -> Option<Self> {
        let list = secret.some("namespaces")?;
        let namespaces = list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Some(Self { namespaces, cluster_resources: secret.text("clusterResources") == "true" })
    }

    /// Whether it has a namespace.
    pub(super) fn has_namespace(&self, namespace: &str) -> bool {
        self.namespaces.contains(namespace)
    }

    /// Whether it has what lives outside of namespaces.
    pub(super) fn has_cluster_resources(&self) -> bool {
        self.cluster_resources
    }

    /// An error, in Argo CD's words, for an object that is not to be managed.
    pub(super) fn permits(&self, key: &ObjectKey, namespaced: bool) -> Result<(), String> {
        let ObjectKey { kind, name, namespace, .. } = key;
        if namespaced && !self.has_namespace(namespace) {
            return Err(format!("namespace {namespace:?} for {kind} {name:?} is not managed"));
        }
        if !namespaced && !self.cluster_resources {
            return Err(format!("cluster level {kind} {name:?} can not be managed when in namespaced mode"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_namespaces_restricts_and_cluster_resources_counts_beside_it_alone() {
        let key = |kind: &str, namespace: &str| ObjectKey {
            group: String::new(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: "a".to_owned(),
        };
        for (fields, shop, other, role) in [
            (&[][..], true, true, true),
            (&[("clusterResources", "false")], true, true, true),
            (&[("namespaces", "")], true, true, true),
            (&[("namespaces", "shop")], true, false, false),
            (&[("namespaces", " blog , shop "), ("clusterResources", "true")], true, false, true),
            (&[("namespaces", "shop"), ("clusterResources", "yes")], true, false, false),
            (&[("namespaces", " , ")], false, false, false),
        ] {
            let managed = Managed::of(&SecretValues::from(fields));
            let permits = |kind: &str, namespace: &str| {
                managed
                    .as_ref()
                    .is_none_or(|managed| managed.permits(&key(kind, namespace), !namespace.is_empty()).is_ok())
            };
            let found = (permits("ConfigMap", "shop"), permits("ConfigMap", "other"), permits("ClusterRole", ""));
            assert_eq!(found, (shop, other, role), "{fields:?}");
        }
    }
}
