use std::collections::BTreeMap;
use std::sync::Arc;

use super::builtin;
use super::types::{GroupResource, Resource};

/// All resources that are served now. A snapshot: cheap to clone, and never changed in place.
#[derive(Debug, Clone)]
pub struct Resources(Arc<BTreeMap<GroupResource, Arc<Resource>>>);

impl Resources {
    /// The built-in ones, and those of Argo.
    pub fn built_in() -> Self {
        Self(Arc::new(builtin::all().into_iter().map(|resource| (resource.id(), Arc::new(resource))).collect()))
    }

    /// The resource of a collection.
    pub fn get(&self, id: &GroupResource) -> Option<Arc<Resource>> {
        self.0.get(id).cloned()
    }

    /// The resource served at `/apis/GROUP/VERSION/PLURAL`.
    pub fn served(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
        let resource = self.get(&GroupResource::new(group, plural))?;
        resource.served_version(version).is_some().then_some(resource)
    }

    /// The resource of a kind, in any version.
    pub fn of_kind(&self, group: &str, kind: &str) -> Option<Arc<Resource>> {
        self.iter().find(|resource| resource.group == group && resource.kind == kind).cloned()
    }

    /// All of them, by group and plural.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.0.values()
    }

    /// Whether this is the very same snapshot.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The same with one more, or another in its place.
    #[must_use]
    pub fn with(&self, resource: Resource) -> Self {
        let mut all = (*self.0).clone();
        all.insert(resource.id(), Arc::new(resource));
        Self(Arc::new(all))
    }

    /// The same with one less.
    #[must_use]
    pub fn without(&self, id: &GroupResource) -> Self {
        let mut all = (*self.0).clone();
        all.remove(id);
        Self(Arc::new(all))
    }
}
