use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::sync::watch;

use super::event::Event;
use super::object::Stored;
use super::options::StoreOptions;
use crate::sim::status::Status;

/// How many events a subscriber takes at once: what bounds its memory.
pub(super) const BATCH: usize = 256;

/// Namespace and name.
pub(super) type Key = (String, String);

/// The objects of one resource and what happened to them lately.
#[derive(Debug)]
pub(super) struct Collection {
    pub(super) objects: BTreeMap<Key, Arc<Stored>>,
    history: VecDeque<Arc<Event>>,
    history_bytes: usize,
    /// Events up to this revision are forgotten.
    floor: u64,
    pub(super) changed: watch::Sender<u64>,
}

impl Collection {
    pub(super) fn new() -> Self {
        Self {
            objects: BTreeMap::new(),
            history: VecDeque::new(),
            history_bytes: 0,
            floor: 0,
            changed: watch::Sender::new(0),
        }
    }

    /// Remembers an event and wakes who waits for it.
    pub(super) fn push(&mut self, event: Event, options: &StoreOptions) {
        let revision = event.revision();
        self.history_bytes += size(&event);
        self.history.push_back(Arc::new(event));
        while self.history.len() > options.history.max(1)
            || (self.history_bytes > options.history_bytes && self.history.len() > 1)
        {
            let Some(oldest) = self.history.pop_front() else { break };
            self.history_bytes = self.history_bytes.saturating_sub(size(&oldest));
            self.floor = oldest.revision();
        }
        self.changed.send_replace(revision);
    }

    /// Forgets everything up to a revision.
    pub(super) fn compact(&mut self, revision: u64) {
        while self.history.front().is_some_and(|event| event.revision() <= revision) {
            if let Some(event) = self.history.pop_front() {
                self.history_bytes = self.history_bytes.saturating_sub(size(&event));
            }
        }
        self.floor = self.floor.max(revision);
        // A subscriber that is behind learns it now and not at the next write.
        self.changed.send_modify(|_| ());
    }

    /// The next events after a revision.
    pub(super) fn after(&self, revision: u64) -> Result<VecDeque<Arc<Event>>, Status> {
        self.check(revision)?;
        let first = self.history.partition_point(|event| event.revision() <= revision);
        Ok(self.history.range(first..).take(BATCH).cloned().collect())
    }

    /// 410 where events after this revision are forgotten.
    pub(super) fn check(&self, revision: u64) -> Result<(), Status> {
        if revision < self.floor {
            return Err(Status::expired(format!("too old resource version: {revision} ({})", self.floor)));
        }
        Ok(())
    }

    /// The objects as they were at a revision: what happened since is undone.
    pub(super) fn at(&self, revision: u64) -> Result<BTreeMap<Key, Arc<Stored>>, Status> {
        self.check(revision)?;
        let mut objects = self.objects.clone();
        for event in self.history.iter().rev().take_while(|event| event.revision() > revision) {
            let key = (event.object.namespace().to_owned(), event.object.name().to_owned());
            match &event.previous {
                Some(previous) => objects.insert(key, Arc::clone(previous)),
                None => objects.remove(&key),
            };
        }
        Ok(objects)
    }

    /// Whether anything happened after a revision.
    pub(super) fn changed_after(&self, revision: u64) -> bool {
        self.floor > revision || self.history.back().is_some_and(|event| event.revision() > revision)
    }
}

/// Its own bytes and those of the watch line; the previous version is the neighbour's.
fn size(event: &Event) -> usize {
    event.object.json().len().saturating_mul(2)
}
