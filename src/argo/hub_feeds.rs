//! The hub's part that watches the objects of hooks, and tells each to the applications that it belongs to.

use std::sync::Arc;
use std::time::Duration;

use super::active::Destination;
use super::destinations::{self, DestinationRef};
use super::feeds::{Feed, FeedKey, FeedKind, Stored};
use super::hub::Hub;
use super::hub_fleet::{interrupted, known_until};
use super::message::{Message, Slim};
use crate::cluster::{Cluster, Kinds, Unreadable, WatchEvent};
use crate::domain::application::AppKey;
use crate::domain::event::{Change, WatchEvent as Observed};
use crate::domain::live::{KubernetesEvent, LiveEvent, WatchState, Watched};
use crate::domain::manifest::Object;

/// A cluster is not asked more often what kinds it has.
const DISCOVER_AGAIN: Duration = Duration::from_secs(10);

impl Hub {
    pub(super) fn want_application_events(&mut self, key: &AppKey) {
        let feed = FeedKey {
            server: Arc::from(self.cluster.server()),
            namespace: Arc::clone(&key.namespace),
            kind: FeedKind::ApplicationEvents,
        };
        let cluster = self.cluster.clone();
        self.join(key, feed, &cluster, None);
    }

    pub(super) fn want_feeds(&mut self, key: &AppKey) {
        let Some(active) = self.active.get(key) else { return };
        let Destination::Known(cluster, kinds) = active.destination.clone() else { return };
        if !self.is_followed(active) {
            return;
        }
        let missing: Vec<FeedKey> =
            active.wanted_feeds().into_iter().filter(|feed| !active.feeds.contains(feed)).collect();
        let lacks_workflows = active.names_workflow() && !FeedKind::Workflows.is_in(&kinds);
        let wanted = active.wanted.clone();
        for feed in missing {
            self.join(key, feed, &cluster, Some(&kinds));
        }
        if lacks_workflows {
            self.discover_again(wanted, cluster, kinds);
        }
    }

    /// An operation names a kind that its cluster did not have, or did not tell: it may have been installed since.
    fn discover_again(&mut self, wanted: DestinationRef, cluster: Cluster, known: Arc<Kinds>) {
        let now = cluster.clock().monotonic();
        if self.discovered.get(&wanted).is_some_and(|last| now < last.saturating_add(DISCOVER_AGAIN)) {
            return;
        }
        self.discovered.insert(wanted.clone(), now);
        let sender = self.sender.clone();
        self.spawn(async move {
            match cluster.discover().await {
                Ok(kinds) if kinds != *known => {
                    let result = Ok((cluster, Arc::new(kinds)));
                    let _ = sender.send(Message::Destination { wanted, result }).await;
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "it is not known whether the cluster has Workflows"),
            }
        });
    }

    fn join(&mut self, key: &AppKey, feed: FeedKey, cluster: &Cluster, kinds: Option<&Kinds>) {
        if !self.feeds.contains_key(&feed) {
            let serial = self.number();
            let Some(started) = Feed::start(&feed, cluster, kinds, serial, &self.sender) else {
                let reason = format!("the cluster has no {}", feed.kind.plural());
                let state = WatchState::Absent { reason };
                self.tell(LiveEvent::Watch { cluster: Arc::from(cluster.name()), watched: watched(&feed), state });
                return;
            };
            self.feeds.insert(feed.clone(), started);
        }
        if let Some(own) = self.feeds.get_mut(&feed) {
            own.users.insert(key.clone());
        }
        if let Some(active) = self.active.get_mut(key) {
            active.feeds.insert(feed);
        }
    }

    pub(super) fn feed_event(&mut self, key: &FeedKey, serial: u64, event: WatchEvent<Slim>) {
        let now = self.cluster.server_now();
        let Some(feed) = self.feeds.get_mut(key).filter(|feed| feed.serial == serial) else { return };
        let now = if feed.cluster.server() == self.cluster.server() { now } else { feed.cluster.server_now() };
        let cluster: Arc<str> = Arc::from(feed.cluster.name());
        let mut told = Vec::new();
        let mut closed = None;
        let state = match event {
            WatchEvent::Listing => {
                feed.begin_list();
                Some(WatchState::Listing)
            }
            WatchEvent::Item(Slim(object)) => {
                told.extend(feed.put(&object, Change::Listed, now));
                None
            }
            WatchEvent::Applied(Slim(object)) => {
                feed.last_live = Some(now);
                told.extend(feed.put(&object, Change::Applied, now));
                None
            }
            WatchEvent::Deleted(Slim(object)) => {
                told.extend(feed.put(&object, Change::Deleted, now));
                None
            }
            WatchEvent::Listed => {
                feed.last_live = Some(now);
                feed.is_settled = true;
                feed.is_live = true;
                told.extend(feed.end_list());
                Some(WatchState::Live)
            }
            WatchEvent::Interrupted { error, wait } => {
                let was_live = std::mem::take(&mut feed.is_live);
                feed.last_live = known_until(feed.last_live, was_live, now);
                feed.is_settled |= error.is_denied() || error.is_not_found();
                closed = error.may_have_moved().then(|| feed.cluster.clone());
                Some(interrupted(feed.last_live, &error, wait))
            }
            WatchEvent::Unreadable(Unreadable { namespace, name, reason, gone }) => {
                tracing::warn!(%namespace, %name, %reason, "an object of a hook cannot be read");
                // What is gone is told as such by the next list: here nothing says which one it was.
                if !gone {
                    feed.touch(&namespace, &name);
                }
                None
            }
        };
        let users: Vec<AppKey> = feed.users.iter().cloned().collect();
        for change in told {
            for user in &users {
                self.deliver(user, key.kind, &change.uid, change.change, &change.object, now);
            }
        }
        if let Some(state) = state {
            self.tell(LiveEvent::Watch { cluster, watched: watched(key), state });
        }
        if let Some(closed) = closed {
            self.renew_destination(closed);
        }
    }

    /// A destination cannot be reached or opened any more: Argo CD's Secret may say otherwise now.
    fn renew_destination(&mut self, cluster: Cluster) {
        let is_it =
            |known: &Destination| matches!(known, Destination::Known(own, _) if own.server() == cluster.server());
        let found = self.destinations.iter().find(|(_, known)| is_it(known)).map(|(wanted, _)| wanted.clone());
        let Some(wanted) = found.filter(|_| cluster.server() != self.cluster.server()) else { return };
        let argo = self.cluster.clone();
        self.spawn(async move { destinations::renew(&argo, &wanted, &cluster).await });
    }

    fn deliver(
        &mut self,
        key: &AppKey,
        kind: FeedKind,
        uid: &str,
        change: Change,
        object: &Arc<Object>,
        at: jiff::Timestamp,
    ) {
        if kind == FeedKind::ApplicationEvents {
            let is_open = self.active.get(key).is_some_and(|active| active.open > 0);
            if is_open && is_about(object, key) {
                self.tell_kubernetes_event(key, object, change, String::new());
            }
            return;
        }
        let Some(active) = self.active.get_mut(key) else { return };
        if !active.belongs(object) {
            return;
        }
        let is_new = active.told.insert(uid.to_owned());
        self.observed(key, change, object, at);
        // What came before its owner is told now.
        if is_new && object.kind() != "Event" {
            self.rescan(key);
        }
    }

    /// Tells the Events about an application that came before it was opened: for another that has the same watch.
    pub(super) fn tell_former_events(&mut self, key: &AppKey) {
        let Some(active) = self.active.get(key).filter(|active| active.open > 0) else { return };
        let feeds = active.feeds.iter().filter(|feed| feed.kind == FeedKind::ApplicationEvents);
        let events: Vec<Arc<Object>> = feeds
            .filter_map(|feed| self.feeds.get(feed))
            .flat_map(|feed| feed.objects.values())
            .filter(|stored| is_about(&stored.object, key))
            .map(|stored| Arc::clone(&stored.object))
            .collect();
        for event in events {
            self.tell_kubernetes_event(key, &event, Change::Listed, String::new());
        }
    }

    /// Tells what is known to the feeds, belongs to an application, and was not told.
    pub(super) fn rescan(&mut self, key: &AppKey) {
        let Some(active) = self.active.get_mut(key) else { return };
        let feeds: Vec<&Feed> = active
            .feeds
            .iter()
            .filter(|feed| feed.kind != FeedKind::ApplicationEvents)
            .filter_map(|feed| self.feeds.get(feed))
            .collect();
        let stored = feeds.iter().flat_map(|feed| feed.objects.values());
        let found: Vec<_> = active.untold(&stored).into_iter().flat_map(Stored::states).cloned().collect();
        for (change, at, object) in found {
            self.observed(key, change, &object, at);
        }
    }

    fn observed(&mut self, key: &AppKey, change: Change, object: &Arc<Object>, at: jiff::Timestamp) {
        let event = Observed { at, change, object: Arc::clone(object) };
        let Some(active) = self.active.get_mut(key) else { return };
        active.timeline.observe(&event);
        self.tell(LiveEvent::Observed { key: key.clone(), event });
        match object.kind() {
            "Pod" => self.capture_pod(key, object, change),
            // What a hook's Job or Pod says is kept for who looks later.
            "Event" => {
                let text = |field: &str| object.at(&["involvedObject", field]).and_then(serde_json::Value::as_str);
                let about = [text("kind"), text("name")].map(Option::unwrap_or_default).join("/");
                self.tell_kubernetes_event(key, object, change, about);
            }
            _ => {}
        }
    }

    /// Tells an Event; `about`: see [`KubernetesEvent::about`].
    fn tell_kubernetes_event(&mut self, key: &AppKey, object: &Object, change: Change, about: String) {
        let text = |path: &[&str]| object.at(path).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        if change == Change::Deleted {
            return;
        }
        let Some(active) = self.active.get_mut(key) else { return };
        let count = object.at(&["count"]).and_then(serde_json::Value::as_i64).unwrap_or(1);
        if active.events.insert(object.uid().to_owned(), count) == Some(count) {
            return;
        }
        let times = [&["lastTimestamp"][..], &["eventTime"], &["firstTimestamp"], &["metadata", "creationTimestamp"]];
        let event = KubernetesEvent {
            uid: object.uid().to_owned(),
            at: times.iter().find_map(|path| text(path).parse().ok()),
            is_warning: text(&["type"]) == "Warning",
            about,
            reason: text(&["reason"]),
            message: text(&["message"]),
            count,
            source: text(&["source", "component"]),
        };
        self.tell(LiveEvent::KubernetesEvent { key: key.clone(), event });
    }

    pub(super) fn leave(&mut self, feed: &FeedKey, key: &AppKey) {
        let Some(own) = self.feeds.get_mut(feed) else { return };
        own.users.remove(key);
        if own.users.is_empty() {
            let cluster = Arc::from(own.cluster.name());
            self.feeds.remove(feed);
            self.tell(LiveEvent::Watch { cluster, watched: watched(feed), state: WatchState::Stopped });
        }
    }
}

/// Whether an Event is about an application, in its namespace.
fn is_about(event: &Object, key: &AppKey) -> bool {
    event.at(&["involvedObject", "name"]).and_then(serde_json::Value::as_str) == Some(&*key.name)
}

fn watched(feed: &FeedKey) -> Watched {
    let namespace = Arc::clone(&feed.namespace);
    match feed.kind {
        FeedKind::ApplicationEvents => Watched::Events(namespace),
        kind => Watched::Hooks { kind: Arc::from(kind.plural()), namespace },
    }
}
