//! Which Application an object belongs to: Argo CD's tracking id.

use std::fmt;
use std::str::FromStr;

use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::names;

/// The value of the annotation [`names::TRACKING_ID`]: `<instance>:<group>/<Kind>:<namespace>/<name>`.
///
/// It names the object it was written for: on a copy of that object it names the original. It is written when the
/// manifests are rendered, so a hook with a `generateName` has an empty name in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackingId {
    /// Name of the Application, with its namespace and `_` before it where that is not Argo CD's own.
    pub instance: String,
    /// The object it was written for.
    pub key: ObjectKey,
}

/// A tracking id that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a tracking id (<instance>:<group>/<Kind>:<namespace>/<name>)")]
pub struct NotATrackingId;

impl TrackingId {
    /// The tracking id that an object carries; `None` where it has none, or one that cannot be read.
    pub fn of_object(object: &Object) -> Option<Self> {
        object.annotation(names::TRACKING_ID)?.parse().ok()
    }

    /// Whether it was written for this object and was not copied with it from another. The name is not compared where
    /// the id has none.
    pub fn is_for(&self, key: &ObjectKey) -> bool {
        let own = &self.key;
        let same_name = own.name.is_empty() || own.name == key.name;
        own.group == key.group && own.kind == key.kind && own.namespace == key.namespace && same_name
    }
}

impl fmt::Display for TrackingId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ObjectKey { group, kind, namespace, name } = &self.key;
        write!(formatter, "{}:{group}/{kind}:{namespace}/{name}", self.instance)
    }
}

impl FromStr for TrackingId {
    type Err = NotATrackingId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Only the first two colons separate: names of RBAC objects have colons.
        let mut parts = text.splitn(3, ':');
        let (Some(instance), Some(kind), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NotATrackingId);
        };
        let (group, kind) = pair(kind)?;
        let (namespace, name) = pair(name)?;
        Ok(Self { instance: instance.to_owned(), key: ObjectKey::new(group, kind, namespace, name) })
    }
}

fn pair(text: &str) -> Result<(&str, &str), NotATrackingId> {
    text.split_once('/').filter(|(_, rest)| !rest.contains('/')).ok_or(NotATrackingId)
}
