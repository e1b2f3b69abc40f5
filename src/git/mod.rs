//! Git: fetching with the user's own `git` into a cache, reading with libgit2, and rendering what lies at a revision
//! into manifests. Nothing here is ever waited for by a screen.

mod cache;
mod credentials;
mod log;
mod process;
mod render;
mod repository;
mod repository_secrets;
mod secret_files;
mod semver;
mod tree;
mod url;

pub use cache::{FetchError, FetchLimits, Repositories};
pub use credentials::Credentials;
pub use log::{ChangeKind, Commit, FileChange, Log};
pub use process::{Limits, ProcessError};
pub use render::{
    Directory, Helm, Kustomize, Parameter, RenderError, RenderRequest, Rendered, RenderedSource, SourceAt, Tool, render,
};
pub use repository::{CommitId, ReadError, Repository};
pub use repository_secrets::{secret_for, trust};
pub use semver::Constraint;
pub use tree::{TreeFile, TreeLimits};
pub use url::{FileRepositories, RepoUrl, Transport, UrlError};
