use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tokio::sync::watch;

use super::object::Stored;
use super::store::Store;
use crate::sim::resource::GroupResource;
use crate::sim::status::Status;

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// It was created.
    Added,
    /// It was changed.
    Modified,
    /// It is gone.
    Deleted,
}

impl EventKind {
    /// The word in a watch: `ADDED`, `MODIFIED`, `DELETED`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// One change of one object.
#[derive(Debug)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The object after it; of a deletion its last version, with the resourceVersion of the deletion.
    pub object: Arc<Stored>,
    /// The object before it, of which selectors need to know whether it matched.
    pub previous: Option<Arc<Stored>>,
    pub(super) line: OnceLock<Bytes>,
}

impl Event {
    /// The store's revision after it.
    pub fn revision(&self) -> u64 {
        self.object.revision()
    }

    /// The event as one line of a watch, in the stored version; made once, however many watch.
    pub fn line(&self) -> Bytes {
        self.line.get_or_init(|| watch_line(self.kind.as_str(), &self.object.json())).clone()
    }
}

/// `{"type":TYPE,"object":OBJECT}` and a line feed.
fn watch_line(kind: &str, object: &[u8]) -> Bytes {
    let mut line = Vec::with_capacity(object.len() + 32);
    line.extend_from_slice(b"{\"type\":\"");
    line.extend_from_slice(kind.as_bytes());
    line.extend_from_slice(b"\",\"object\":");
    line.extend_from_slice(object);
    line.extend_from_slice(b"}\n");
    Bytes::from(line)
}

/// The changes of one collection from a revision on: all of them, each once, in order.
#[derive(Debug)]
pub struct Subscription {
    store: Store,
    collection: GroupResource,
    after: u64,
    changed: watch::Receiver<u64>,
    ready: std::collections::VecDeque<Arc<Event>>,
}

impl Subscription {
    pub(super) fn new(store: Store, collection: GroupResource, after: u64, changed: watch::Receiver<u64>) -> Self {
        Self { store, collection, after, changed, ready: std::collections::VecDeque::new() }
    }

    /// The next change; waits for it. Nothing is lost when the returned future is dropped before it is done.
    ///
    /// # Errors
    /// 410 where the reader is slower than the window of history: list again.
    pub async fn next(&mut self) -> Result<Arc<Event>, Status> {
        loop {
            // Marked before reading, so that a write in between is noticed.
            self.changed.borrow_and_update();
            if let Some(event) = self.try_next()? {
                return Ok(event);
            }
            if self.changed.changed().await.is_err() {
                // The sender lives as long as the store, which `self` holds.
                std::future::pending::<()>().await;
            }
        }
    }

    /// The next change if there is one already.
    pub fn try_next(&mut self) -> Result<Option<Arc<Event>>, Status> {
        if self.ready.is_empty() {
            self.ready = self.store.events_after(&self.collection, self.after)?;
        }
        let event = self.ready.pop_front();
        if let Some(event) = &event {
            self.after = event.revision();
        }
        Ok(event)
    }

    /// The revision up to which everything has been handed out.
    pub fn position(&self) -> u64 {
        self.after
    }
}
