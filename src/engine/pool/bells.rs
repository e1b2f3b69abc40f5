//! Whom to wake for the objects of an application, whatever their kinds are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The bells of many applications. A share in it costs as much for a thousand kinds as for one.
#[derive(Default)]
pub(super) struct Bells(Mutex<Content>);

#[derive(Default)]
struct Content {
    next: u64,
    /// By instance.
    bells: HashMap<String, Vec<(u64, Arc<Notify>)>>,
}

impl Bells {
    fn content(&self) -> MutexGuard<'_, Content> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rings this one too for the objects of an instance; the number under which it is removed.
    pub(super) fn add(&self, instance: &str, bell: Arc<Notify>) -> u64 {
        let mut content = self.content();
        content.next += 1;
        let id = content.next;
        content.bells.entry(instance.to_owned()).or_default().push((id, bell));
        id
    }

    pub(super) fn remove(&self, instance: &str, id: u64) {
        let mut content = self.content();
        if let Some(bells) = content.bells.get_mut(instance) {
            bells.retain(|(own, _)| *own != id);
            if bells.is_empty() {
                content.bells.remove(instance);
            }
        }
    }

    pub(super) fn ring(&self, instance: &str) {
        self.content().bells.get(instance).into_iter().flatten().for_each(|(_, bell)| bell.notify_one());
    }

    pub(super) fn ring_all(&self) {
        self.content().bells.values().flatten().for_each(|(_, bell)| bell.notify_one());
    }
}
