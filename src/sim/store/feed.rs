//! All changes of all resources in one stream: what controllers are driven by.

use std::sync::Arc;

use tokio::sync::watch;

use super::event::Event;
use super::object::Stored;
use super::store::Store;
use crate::sim::resource::GroupResource;
use crate::sim::status::Status;

/// How many events are handed out at once, at most so many of each resource.
const BATCH: usize = 1024;

/// The changes of every resource after a revision, each once, in the order of their revisions.
#[derive(Debug)]
pub struct Feed {
    store: Store,
    after: u64,
    changed: watch::Receiver<u64>,
}

impl Store {
    /// Every object and all changes after. A reader that falls behind gets 410 and starts again.
    pub fn feed(&self) -> (Vec<(GroupResource, Arc<Stored>)>, Feed) {
        let state = self.lock();
        let mut objects: Vec<_> = state
            .collections
            .iter()
            .flat_map(|(id, collection)| collection.objects.values().map(|object| (id.clone(), Arc::clone(object))))
            .collect();
        objects.sort_by_key(|(_, object)| object.revision());
        let feed = Feed { store: self.clone(), after: state.revision, changed: state.changed.subscribe() };
        (objects, feed)
    }
}

impl Feed {
    /// The next changes that are there already; empty if there are none.
    ///
    /// # Errors
    /// 410 where the reader is slower than the window of history.
    pub fn take(&mut self) -> Result<Vec<(GroupResource, Arc<Event>)>, Status> {
        self.changed.mark_unchanged();
        let state = self.store.lock();
        if state.revision == self.after {
            return Ok(Vec::new());
        }
        let mut events = Vec::new();
        // Events beyond the end of a full batch may have older neighbours in another resource that were cut off.
        let mut complete_to = state.revision;
        for (id, collection) in &state.collections {
            let batch = collection.after(self.after)?;
            if batch.len() >= super::history::BATCH
                && let Some(last) = batch.back()
            {
                complete_to = complete_to.min(last.revision());
            }
            events.extend(batch.into_iter().map(|event| (id.clone(), event)));
        }
        drop(state);
        events.retain(|(_, event)| event.revision() <= complete_to);
        events.sort_by_key(|(_, event)| event.revision());
        if events.len() > BATCH {
            events.truncate(BATCH);
            complete_to = events.last().map_or(complete_to, |(_, event)| event.revision());
        }
        self.after = complete_to;
        Ok(events)
    }

    /// The revision up to which everything has been handed out.
    pub fn position(&self) -> u64 {
        self.after
    }

    /// Waits until something has changed since the last [`take`](Self::take); `false` once the store is gone.
    pub async fn changed(&mut self) -> bool {
        if self.store.revision() != self.after {
            return true;
        }
        self.changed.changed().await.is_ok()
    }
}
