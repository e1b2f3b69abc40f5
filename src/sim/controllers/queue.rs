//! What is to be done and when: the work queue of all controllers.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::names::ControllerName;

/// One object that a controller is to look at.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Whose work it is.
    pub(crate) controller: ControllerName,
    /// Plural of the object's resource where the controller has several, else empty.
    pub(crate) resource: String,
    /// Namespace.
    pub(crate) namespace: String,
    /// Name.
    pub(crate) name: String,
}

/// Keys with the time at which each is due. A key is in it once, at the earliest time it was asked for: what happens
/// to an object several times is looked at once.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    due: BTreeMap<(Duration, u64), Key>,
    places: HashMap<Key, (Duration, u64)>,
    added: u64,
}

impl Queue {
    /// Has a key looked at, at `at` on the monotonic clock or earlier.
    pub(crate) fn add(&mut self, key: Key, at: Duration) {
        if let Some(place) = self.places.get(&key) {
            if place.0 <= at {
                return;
            }
            self.due.remove(place);
        }
        self.added += 1;
        self.due.insert((at, self.added), key.clone());
        self.places.insert(key, (at, self.added));
    }

    /// Takes the first key that is due; of equal ones the one that was added first.
    pub(crate) fn take(&mut self, now: Duration) -> Option<Key> {
        let entry = self.due.first_entry().filter(|entry| entry.key().0 <= now)?;
        let key = entry.remove();
        self.places.remove(&key);
        Some(key)
    }

    /// When the next key is due.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// Forgets what a controller was to do.
    pub(crate) fn forget(&mut self, controller: ControllerName) {
        self.due.retain(|_, key| key.controller != controller);
        self.places.retain(|key, _| key.controller != controller);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key {
            controller: ControllerName::Job,
            resource: String::new(),
            namespace: "n".to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn keys_come_once_and_in_the_order_of_their_times() {
        let mut queue = Queue::default();
        let second = Duration::from_secs;
        queue.add(key("late"), second(9));
        queue.add(key("soon"), second(2));
        queue.add(key("late"), second(1));
        queue.add(key("soon"), second(5));
        assert_eq!((queue.take(second(0)), queue.next()), (None, Some(second(1))));
        assert_eq!(queue.take(second(9)), Some(key("late")));
        assert_eq!(queue.take(second(9)), Some(key("soon")));
        assert_eq!((queue.take(second(9)), queue.next()), (None, None));
    }
}
