//! The verdicts on an object's health.

use std::fmt;

/// Argo CD's health of one object or of an application, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum HealthStatus {
    /// Works.
    Healthy,
    /// Paused by somebody.
    Suspended,
    /// Not yet there, may still get there.
    Progressing,
    /// Not in the cluster.
    Missing,
    /// Failed, or cannot get healthy by itself.
    Degraded,
    /// Could not be judged.
    Unknown,
}

impl HealthStatus {
    /// All verdicts, from good to bad.
    pub const ALL: [Self; 6] =
        [Self::Healthy, Self::Suspended, Self::Progressing, Self::Missing, Self::Degraded, Self::Unknown];

    /// The name as Argo CD writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "Healthy",
            Self::Suspended => "Suspended",
            Self::Progressing => "Progressing",
            Self::Missing => "Missing",
            Self::Degraded => "Degraded",
            Self::Unknown => "Unknown",
        }
    }

    /// The verdict that is spelt so; case matters.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

impl fmt::Display for HealthStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// A health with the words that explain it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The verdict.
    pub status: HealthStatus,
    /// What Argo CD would write beside it; often empty.
    pub message: String,
}

impl Health {
    pub(super) fn new(status: HealthStatus, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(super) fn healthy(message: impl Into<String>) -> Self {
        Self::new(HealthStatus::Healthy, message)
    }

    pub(super) fn progressing(message: impl Into<String>) -> Self {
        Self::new(HealthStatus::Progressing, message)
    }

    pub(super) fn degraded(message: impl Into<String>) -> Self {
        Self::new(HealthStatus::Degraded, message)
    }

    pub(super) fn suspended(message: impl Into<String>) -> Self {
        Self::new(HealthStatus::Suspended, message)
    }
}

/// Why the health of an object could not be found. Trying again helps only when the object has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HealthError {
    /// The check knows the kind, but not in this version.
    #[error("unsupported {kind} GVK: {group}/{version}, Kind={kind}")]
    Version {
        /// API group.
        group: String,
        /// API version.
        version: String,
        /// Kind.
        kind: String,
    },
    /// A field that decides has a value of the wrong type.
    #[error("failed to convert unstructured {kind} to typed: {field} is not {expected}")]
    Field {
        /// Kind of the object.
        kind: String,
        /// Path of the field; `[]` stands for any entry of a list.
        field: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The annotation in which version 1 of the autoscaler keeps its conditions is not what it should be.
    #[error("failed to convert conditions annotation to typed: {0}")]
    Annotation(String),
}
