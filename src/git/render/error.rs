//! Why sources gave no manifests.

use crate::domain::manifest::ManifestError;
use crate::git::process::ProcessError;
use crate::git::repository::ReadError;

/// Why sources gave no manifests. [`RenderError::is_transient`] says whether that may go away by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A setting that Argo CD has and boathook has not. Rendering without it would deploy something else.
    #[error("the source's {0} is not supported by boathook's engine")]
    Unsupported(String),
    /// A setting of the wrong type.
    #[error("the source's {field} is not {expected}")]
    Setting {
        /// Its path in the source.
        field: String,
        /// What is expected.
        expected: &'static str,
    },
    /// The path is not there.
    #[error("{path}: app path does not exist at revision {revision}")]
    NoPath {
        /// The path.
        path: String,
        /// The commit.
        revision: String,
    },
    /// The repository could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Manifests that are not what Kubernetes takes, each with its place.
    #[error("{}", list(.0))]
    Manifests(Vec<ManifestError>),
    /// A program is missing, failed or took too long.
    #[error(transparent)]
    Program(#[from] ProcessError),
    /// A values file that is not there.
    #[error("values file {0:?} does not exist")]
    NoValuesFile(String),
    /// A values file of another source that is not there.
    #[error("values file {file:?}: no source has the ref {name:?}")]
    NoReference {
        /// As it is written.
        file: String,
        /// The name of the source.
        name: String,
    },
    /// A private copy could not be written.
    #[error("preparing a private copy: {0}")]
    Copy(String),
}

/// What programs say of a network that does not answer.
const NETWORK: &[&str] =
    &["could not resolve", "no such host", "connection", "timed out", "timeout", "unable to access", "tls handshake"];

impl RenderError {
    /// Whether the same sources may render later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Program(ProcessError::Failed { stderr, .. }) => {
                let said = stderr.to_lowercase();
                NETWORK.iter().any(|words| said.contains(words))
            }
            Self::Program(error) => matches!(error, ProcessError::TimedOut { .. } | ProcessError::Start { .. }),
            Self::Copy(_) => true,
            _ => false,
        }
    }

    pub(super) fn copy(error: &std::io::Error) -> Self {
        Self::Copy(error.to_string())
    }
}

/// The first few: a broken bundle would fill a condition with thousands.
fn list(errors: &[ManifestError]) -> String {
    let mut lines: Vec<String> = errors.iter().take(5).map(ToString::to_string).collect();
    if errors.len() > lines.len() {
        lines.push(format!("and {} more", errors.len() - lines.len()));
    }
    lines.join("; ")
}
