//! What a watch tells about one object: the unit of the stream that screens, command line and recordings share.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::manifest::Object;

/// One object as a watch told it.
///
/// Events of one watch (one kind in one cluster and namespace) are in order; between two watches there is no order.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchEvent {
    /// When it reached us, by our clock, corrected by the server's.
    pub at: Timestamp,
    /// What happened to the object.
    pub change: Change,
    /// The object; after its deletion its last known state.
    pub object: Arc<Object>,
}

/// What a [`WatchEvent`] tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Change {
    /// It is in a list: it was there before, and how it came about was not seen.
    Listed,
    /// It was created or changed just now. The first such event of an object is its creation.
    Applied,
    /// It is gone.
    Deleted,
}
