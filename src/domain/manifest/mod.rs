//! Kubernetes objects and the YAML and JSON they are written in: one object, its key, and the reader of manifests.

mod budget;
mod folder;
mod json;
mod limits;
mod object;
mod place;
mod read;
mod scalar;
mod secret;
mod split;
mod yaml;

pub use folder::{is_no_manifest, says_skip};
pub use limits::Limits;
pub use object::{NotAnObject, Object, ObjectKey};
pub use place::{Fault, ManifestError, Place};
pub use read::{Manifest, Manifests, read, read_within};
pub use secret::{HIDDEN, is_secret, without_secrets};
