//! What is wrong with an application, in the words of its conditions.

use crate::cluster::ClusterError;

/// Types of conditions that the engine writes; Argo CD's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(dead_code, reason = "comparisons and deletions write the others")]
pub(crate) enum ProblemKind {
    /// The spec cannot be carried out until somebody changes it, the project or the clusters.
    InvalidSpecError,
    /// As [`ProblemKind::InvalidSpecError`]: there is no such cluster, so there is nothing of it there either.
    UnknownCluster,
    /// As [`ProblemKind::InvalidSpecError`]: there is no such project, or none whose rules can be enforced, perhaps only
    /// while somebody changes it.
    UnusableProject,
    /// It could not be compared: Git, rendering, or the cluster.
    ComparisonError,
    /// Automated sync does not go on.
    SyncError,
    /// Its deletion does not go on.
    DeletionError,
    /// Another application has one of its objects, and the operation is to fail then (`FailOnSharedResource=true`).
    SharedResource,
    /// A manifest appears more than once.
    RepeatedResource,
    /// Its repository or cluster could not be asked for another reason.
    UnknownError,
}

impl ProblemKind {
    /// The condition's `type`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidSpecError | Self::UnknownCluster | Self::UnusableProject => "InvalidSpecError",
            Self::ComparisonError => "ComparisonError",
            Self::SyncError => "SyncError",
            Self::DeletionError => "DeletionError",
            Self::SharedResource => "SharedResourceWarning",
            Self::RepeatedResource => "RepeatedResourceWarning",
            Self::UnknownError => "UnknownError",
        }
    }
}

/// Something that is wrong with an application. Says what, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", kind.as_str())]
pub(crate) struct Problem {
    /// The condition's type.
    pub(crate) kind: ProblemKind,
    /// The condition's message.
    pub(crate) message: String,
    /// Whether it may go away without anybody changing anything.
    pub(crate) transient: bool,
}

impl Problem {
    /// The spec, the project or a setting is wrong.
    pub(crate) fn invalid_spec(message: impl Into<String>) -> Self {
        Self { kind: ProblemKind::InvalidSpecError, message: message.into(), transient: false }
    }

    /// The destination is no cluster that is known.
    pub(crate) fn unknown_cluster(message: impl Into<String>) -> Self {
        Self { kind: ProblemKind::UnknownCluster, ..Self::invalid_spec(message) }
    }

    /// The project does not exist.
    pub(crate) fn missing_project(name: &str) -> Self {
        Self::unusable_project(format!("Application referencing project {name} which does not exist"))
    }

    /// There is no project whose rules can be enforced.
    pub(crate) fn unusable_project(message: impl Into<String>) -> Self {
        Self { kind: ProblemKind::UnusableProject, ..Self::invalid_spec(message) }
    }

    /// Whether the spec cannot be carried out, whatever happens elsewhere.
    pub(crate) fn is_invalid_spec(&self) -> bool {
        matches!(self.kind, ProblemKind::InvalidSpecError | ProblemKind::UnknownCluster | ProblemKind::UnusableProject)
    }

    /// Whether it is of what Git has, and stays until that changes.
    pub(crate) fn is_of_source(&self) -> bool {
        self.kind == ProblemKind::ComparisonError && !self.transient
    }

    /// Git or rendering failed.
    pub(crate) fn comparison(message: impl Into<String>, transient: bool) -> Self {
        Self { kind: ProblemKind::ComparisonError, message: hinted(message.into(), transient), transient }
    }

    /// Another application has one of its objects.
    pub(crate) fn shared(message: String) -> Self {
        Self { kind: ProblemKind::SharedResource, message, transient: false }
    }

    /// The deletion does not go on.
    #[allow(dead_code, reason = "deletions write it")]
    pub(crate) fn deletion(message: impl Into<String>) -> Self {
        Self { kind: ProblemKind::DeletionError, message: message.into(), transient: false }
    }

    /// A cluster did not do what was asked.
    pub(crate) fn cluster(error: &ClusterError) -> Self {
        let transient = error.is_transient() || error.is_outcome_unknown();
        let kind = if transient { ProblemKind::UnknownError } else { ProblemKind::ComparisonError };
        Self { kind, message: hinted(error.to_string(), transient), transient }
    }
}

/// A message that says whether trying again helps, where it does.
fn hinted(message: String, transient: bool) -> String {
    if transient { format!("{message}; trying again may help") } else { message }
}
