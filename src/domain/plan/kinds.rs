//! What is known of kinds: whether they exist, in which versions, and whether their objects live in a namespace.

use std::collections::HashMap;

use super::kinds_table::WELL_KNOWN;
use crate::domain::manifest::Object;

/// What is known of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindInfo {
    /// Whether its objects live in a namespace.
    pub namespaced: bool,
    /// The versions that are served. Empty: any.
    pub versions: Vec<String>,
}

/// The kinds of a cluster, or those everybody knows.
#[derive(Debug, Clone, Default)]
pub struct Kinds {
    known: HashMap<(String, String), KindInfo>,
    complete: bool,
}

/// What is known of the kind of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// The kind is served in this version, or nobody asked a cluster.
    Known {
        /// Whether its objects live in a namespace.
        namespaced: bool,
    },
    /// The kind is served, but not in this version.
    OtherVersion {
        /// Whether its objects live in a namespace.
        namespaced: bool,
        /// A version that is served.
        served: &'a str,
    },
    /// The cluster does not know the kind.
    Missing,
}

impl Kinds {
    /// The kinds that a cluster serves, from its discovery. A kind that is not among them does not exist.
    pub fn of_cluster(kinds: impl IntoIterator<Item = ((String, String), KindInfo)>) -> Self {
        Self { known: kinds.into_iter().collect(), complete: true }
    }

    /// The kinds of Kubernetes itself, for when only files are at hand. Others are taken to exist in a namespace.
    pub fn well_known() -> Self {
        let known = WELL_KNOWN.iter().flat_map(|(group, namespaced, kinds)| {
            kinds.iter().map(move |kind| {
                let info = KindInfo { namespaced: *namespaced, versions: Vec::new() };
                (((*group).to_owned(), (*kind).to_owned()), info)
            })
        });
        Self { known: known.collect(), complete: false }
    }

    /// What is known of a kind.
    pub fn lookup(&self, group: &str, version: &str, kind: &str) -> Lookup<'_> {
        match self.known.get(&(group.to_owned(), kind.to_owned())) {
            Some(info) => match info.versions.first() {
                Some(served) if !info.versions.iter().any(|served| served == version) => {
                    Lookup::OtherVersion { namespaced: info.namespaced, served }
                }
                _ => Lookup::Known { namespaced: info.namespaced },
            },
            None if self.complete => Lookup::Missing,
            None => Lookup::Known { namespaced: true },
        }
    }
}

/// A `CustomResourceDefinition` among the manifests: the kind it brings.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Defined {
    pub(super) group: String,
    pub(super) kind: String,
}

impl Defined {
    /// The kind that a `CustomResourceDefinition` brings, and whether its objects live in a namespace.
    pub(super) fn by(object: &Object) -> Option<(Self, bool)> {
        if object.group() != "apiextensions.k8s.io" || object.kind() != "CustomResourceDefinition" {
            return None;
        }
        let text = |path: &[&str]| object.at(path).and_then(serde_json::Value::as_str);
        let group = text(&["spec", "group"])?.to_owned();
        let kind = text(&["spec", "names", "kind"])?.to_owned();
        let namespaced = text(&["spec", "scope"]) != Some("Cluster");
        Some((Self { group, kind }, namespaced))
    }
}
