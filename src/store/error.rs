//! What can go wrong on disk.

/// What can go wrong on disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The system said no.
    #[error("{action} {path}: {reason}")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On what.
        path: String,
        /// The system's words.
        reason: String,
    },
    /// Another boathook writes there.
    #[error("{path} is written by another boathook")]
    Busy {
        /// The folder.
        path: String,
    },
    /// A file that is not what it should be.
    #[error("{path} cannot be read: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// A file of a newer boathook: it is read as far as possible and never written.
    #[error("{path} was written by a newer boathook ({version})")]
    Newer {
        /// The file.
        path: String,
        /// Its version.
        version: String,
    },
    /// More would be kept than may be.
    #[error("the quota of {quota} bytes for logs is used up")]
    Quota {
        /// Bytes.
        quota: u64,
    },
    /// No state folder is used.
    #[error("no state folder is used")]
    Off,
}
