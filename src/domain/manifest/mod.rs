//! Kubernetes objects and the YAML and JSON they are written in: one object, its key, and the reader of manifests.

mod object;

pub use object::{NotAnObject, Object, ObjectKey};
