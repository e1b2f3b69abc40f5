//! Rendering: from an Application's sources at their commits to manifests. Plain folders are read from the repository's
//! objects without a checkout; Helm and Kustomize run as the user's own programs on a private copy.

mod directory;
mod error;
mod helm;
mod kustomize;
mod settings;
mod source;

pub use error::RenderError;
pub use settings::{Directory, Helm, Kustomize, Parameter, Tool};
pub use source::{RenderRequest, Rendered, RenderedSource, SourceAt, render};
