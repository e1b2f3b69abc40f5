//! Health of a live object as Argo CD judges it, and what a not yet healthy object waits for.

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

/// A health with the words that explain it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The verdict.
    pub status: HealthStatus,
    /// What Argo CD would write beside it; often empty.
    pub message: String,
}
