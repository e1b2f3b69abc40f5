//! The applications, in their compact form.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::cluster::{FromJson, Kind};
use crate::domain::application::{AppKey, AppSummary};

/// An Application as it arrives: its compact form, and its JSON for the few that are looked at in full.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FleetItem {
    pub summary: Box<AppSummary>,
    /// `None`: nobody looked at it when it arrived.
    pub json: Option<Box<str>>,
}

impl FromJson for FleetItem {
    fn from_json(json: &str, _: &Kind) -> Result<Self, String> {
        let summary = AppSummary::from_json("", json.as_bytes()).map_err(|error| error.to_string())?;
        Ok(Self { summary: Box::new(summary), json: Some(json.into()) })
    }
}

impl FleetItem {
    /// Whether its operation is requested or runs, or it is being deleted: a deletion runs hooks too, and may wait for a
    /// person.
    pub(super) fn runs(&self) -> bool {
        self.summary.deleting || self.summary.busy || !(self.summary.is_done() || self.summary.has_ghost_operation())
    }

    /// Lets the JSON of one go that nobody looks at: of a whole fleet on its way to the hub it would be most of the
    /// memory.
    pub(super) fn slim(&mut self, wanted: &Wanted) {
        if !self.runs() && !wanted.has(&self.summary.key) {
            self.json = None;
        }
    }
}

/// Namespace and name.
type Name = (Arc<str>, Arc<str>);

/// The applications that are looked at in full, for those who read them. Cheap to clone: clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted(Arc<Mutex<HashSet<Name>>>);

impl Wanted {
    pub(super) fn add(&self, key: &AppKey) {
        self.lock().insert((Arc::clone(&key.namespace), Arc::clone(&key.name)));
    }

    pub(super) fn remove(&self, key: &AppKey) {
        self.lock().remove(&(Arc::clone(&key.namespace), Arc::clone(&key.name)));
    }

    pub(super) fn has(&self, key: &AppKey) -> bool {
        self.lock().contains(&(Arc::clone(&key.namespace), Arc::clone(&key.name)))
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Name>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The applications of one cluster.
#[derive(Default)]
pub(super) struct Fleet {
    apps: HashMap<AppKey, Entry>,
    /// Number of the list that is being read, or was read last.
    list: u64,
}

struct Entry {
    /// As it was last told; `None` where it was told as one that cannot be read.
    summary: Option<Box<AppSummary>>,
    list: u64,
}

impl Fleet {
    pub(super) fn len(&self) -> usize {
        self.apps.len()
    }

    /// A list begins.
    pub(super) fn begin_list(&mut self) {
        self.list += 1;
    }

    /// An application is there; `true` if that is news.
    pub(super) fn put(&mut self, summary: &AppSummary) -> bool {
        let list = self.list;
        if let Some(entry) = self.apps.get_mut(&summary.key) {
            entry.list = list;
            let news = entry.summary.as_deref() != Some(summary);
            if news {
                entry.summary = Some(Box::new(summary.clone()));
            }
            return news;
        }
        self.apps.insert(summary.key.clone(), Entry { summary: Some(Box::new(summary.clone())), list });
        true
    }

    /// An application is there and cannot be read.
    pub(super) fn put_unreadable(&mut self, key: &AppKey) {
        self.apps.insert(key.clone(), Entry { summary: None, list: self.list });
    }

    pub(super) fn remove(&mut self, key: &AppKey) -> bool {
        self.apps.remove(key).is_some()
    }

    /// The list is complete: what did not come again is gone.
    pub(super) fn end_list(&mut self) -> Vec<AppKey> {
        let gone: Vec<AppKey> =
            self.apps.iter().filter(|(_, entry)| entry.list != self.list).map(|(key, _)| key.clone()).collect();
        for key in &gone {
            self.apps.remove(key);
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_tells_what_went_and_what_cannot_be_read_is_there() {
        let of = |name: &str| {
            let json = format!(r#"{{"metadata":{{"name":"{name}","resourceVersion":"1"}}}}"#);
            AppSummary::from_json("c", json.as_bytes()).unwrap()
        };
        let (a, b) = (of("a"), of("b"));
        let mut fleet = Fleet::default();
        fleet.begin_list();
        assert!(fleet.put(&a) && fleet.put(&b) && !fleet.put(&a));
        assert!(fleet.end_list().is_empty());

        // The same again is no news, and what cannot be read is not gone.
        fleet.begin_list();
        fleet.put_unreadable(&a.key);
        assert!(!fleet.put(&b));
        assert!(fleet.end_list().is_empty());
        // It was told as unreadable: as it was before is news.
        assert!(fleet.put(&a));

        fleet.put_unreadable(&a.key);
        fleet.begin_list();
        assert!(!fleet.put(&b));
        assert_eq!(fleet.end_list(), [a.key]);
        assert!(fleet.remove(&b.key) && !fleet.remove(&b.key));
    }
}
