//! The hub's part that follows the applications that are open or whose operations run.

use std::sync::Arc;
use std::time::Duration;

use super::active::{Active, Destination, Taken};
use super::capture::Capture;
use super::destinations::{self, DestinationRef};
use super::feeds::{Feed, FeedKey, FeedKind, Stored};
use super::hub::Hub;
use super::hub_fleet::{interrupted, is_denied, known_until};
use super::message::{Message, Slim};
use super::start::{self, HOOK_NEEDS};
use crate::cluster::{Cluster, Kinds, Unreadable, WatchEvent};
use crate::domain::application::{AppKey, Application};
use crate::domain::event::{Change, WatchEvent as Observed};
use crate::domain::live::{HookAccess, KubernetesEvent, LiveEvent, WatchState, Watched};
use crate::domain::manifest::Object;

/// How long an application is followed after its operation is over: its hooks are deleted and its logs end.
const LINGER: Duration = Duration::from_secs(30);

impl Hub {
    pub(super) fn open(&mut self, key: &AppKey) {
        self.activate(key);
        let Some(active) = self.active.get_mut(key) else { return };
        active.open += 1;
        active.looked_at = None;
        if !self.unsettled.contains(key) {
            self.unsettled.push(key.clone());
        }
        self.want_application_events(key);
        if self.active.get(key).is_some_and(|active| active.application.is_some()) {
            // A second reader of the same application starts from what is known.
            self.retell(key);
            self.want_feeds(key);
            self.look_into_git(key, false);
        } else {
            self.read(key);
        }
    }

    pub(super) fn close(&mut self, key: &AppKey) {
        let Some(active) = self.active.get_mut(key) else { return };
        active.open = active.open.saturating_sub(1);
        if active.open == 0 {
            self.settle(key);
            self.glance_after_close(key);
        }
    }

    pub(super) fn activate(&mut self, key: &AppKey) {
        self.wanted.add(key);
        self.active.entry(key.clone()).or_insert_with(|| Active::new(key.clone()));
    }

    /// Nobody may look at an application any more.
    pub(super) fn unwant(&self, key: &AppKey) {
        if !self.active.contains_key(key) && !self.shown.contains_key(key) {
            self.wanted.remove(key);
        }
    }

    /// Asks for the whole of an application, as long as somebody looks at it.
    pub(super) fn read(&mut self, key: &AppKey) {
        let (cluster, sender, key) = (self.cluster.clone(), self.sender.clone(), key.clone());
        let wanted = self.wanted.clone();
        let asked_at = self.active.get(&key).and_then(Active::version);
        self.spawn(async move {
            let mut wait = Duration::from_millis(250);
            while wanted.has(&key) {
                match cluster.get(&start::applications(), &key.namespace, &key.name).await {
                    Ok(object) => {
                        let _ = sender.send(Message::Application { key, object: object.map(Box::new), asked_at }).await;
                        return;
                    }
                    Err(error) => {
                        let (is_transient, is_denied) = (error.is_transient(), is_denied(&error));
                        let message = Message::NotRead { key: key.clone(), reason: error.to_string() };
                        if !is_transient && (sender.send(message).await.is_err() || !is_denied) {
                            return;
                        }
                    }
                }
                // A right may be given, and credentials renewed.
                cluster.clock().sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(15));
            }
        });
    }

    pub(super) fn read_application(&mut self, key: &AppKey, object: Option<Object>, asked_at: Option<u64>) {
        match object {
            Some(object) => drop(self.take_application(key, object, Change::Listed, asked_at)),
            None => self.application_gone(key),
        }
    }

    /// The whole of an application that is active, or on the screen, as the watch tells it.
    pub(super) fn observe_application(&mut self, key: &AppKey, object: Object, change: Change) {
        // Either what is known was read after this was sent, or the cluster has gone back: it can say which.
        if self.take_application(key, object, change, None) == Taken::Older {
            self.read(key);
        }
    }

    fn take_application(&mut self, key: &AppKey, mut object: Object, change: Change, asked_at: Option<u64>) -> Taken {
        if let Some(metadata) = object.as_json_mut().get_mut("metadata").and_then(serde_json::Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        let object = Arc::new(object);
        let (application, _) = Application::read(Arc::clone(&self.name), &object);
        let application = Arc::new(application);
        let at = self.cluster.server_now();
        self.glance(&application);
        self.want_projects_of(&application);
        let secrets = self.argo(key).secrets(&application);
        let Some(active) = self.active.get_mut(key) else { return Taken::Known };
        let moved = active.wanted.clone();
        let taken = active.take(Arc::clone(&application), Arc::clone(&object), secrets, asked_at);
        if taken != Taken::New {
            return taken;
        }
        if moved != active.wanted {
            active.destination = Destination::Unasked;
        }
        let event = Observed { at, change, object: Arc::clone(&object) };
        active.timeline.observe(&event);
        let was_running = std::mem::replace(&mut active.running, false);
        active.running = active.has_operation();
        let is_running = active.running;
        self.tell(LiveEvent::Application { application, object });
        self.tell(LiveEvent::Observed { key: key.clone(), event });
        self.tell_controller(key);
        self.judge_windows(key);
        self.want_destination(key);
        self.want_feeds(key);
        self.rescan(key);
        self.capture_all(key);
        self.record_former(key);
        if is_running {
            if let Some(active) = self.active.get_mut(key) {
                active.linger_until = None;
            }
        } else {
            self.record(key);
            if was_running {
                let until = self.cluster.clock().monotonic().saturating_add(LINGER);
                if let Some(active) = self.active.get_mut(key) {
                    active.linger_until = Some(until);
                }
            }
            self.settle(key);
        }
        self.look_into_git(key, false);
        self.answer_reviews(key);
        taken
    }

    pub(super) fn application_gone(&mut self, key: &AppKey) {
        self.forget_glance(key);
        let Some(active) = self.active.get_mut(key) else { return };
        active.is_missing = true;
        if let Some(object) = active.object.take() {
            let event =
                Observed { at: self.cluster.server_now(), change: Change::Deleted, object: Arc::clone(&object) };
            active.timeline.observe(&event);
            active.application = None;
            active.running = false;
            self.tell(LiveEvent::Observed { key: key.clone(), event });
            self.record(key);
        }
        if let Some(active) = self.active.get_mut(key) {
            // A reader forgets what it knows: should it come again, all there is of it is told again.
            active.told.clear();
            active.events.clear();
            active.told_controller = None;
            active.told_windows = None;
        }
        self.tell(LiveEvent::AppGone(key.clone()));
        self.refuse_reviews(key, "the application does not exist");
        self.settle(key);
    }

    /// Lets an application go that nobody looks at and whose operation is over.
    pub(super) fn settle(&mut self, key: &AppKey) {
        let Some(active) = self.active.get(key) else { return };
        if self.is_followed(active) || !active.asked_reviews.is_empty() || self.is_capturing(key) {
            return;
        }
        self.record(key);
        if let Some(active) = self.active.remove(key) {
            for feed in active.feeds {
                self.leave(&feed, key);
            }
            self.unwant(key);
            if let Some(capture) = &mut self.capture {
                capture.forget(key);
            }
        }
    }

    /// Whether its hooks are of interest, and not only what Git has for it.
    fn is_followed(&self, active: &Active) -> bool {
        active.open > 0 || active.running && self.options.watch_operations || active.linger_until.is_some()
    }

    fn is_capturing(&self, key: &AppKey) -> bool {
        self.capture.as_ref().is_some_and(|capture| capture.is_busy(key))
    }

    fn leave(&mut self, feed: &FeedKey, key: &AppKey) {
        let Some(own) = self.feeds.get_mut(feed) else { return };
        own.users.remove(key);
        if own.users.is_empty() {
            let cluster = Arc::from(own.cluster.name());
            self.feeds.remove(feed);
            self.tell(LiveEvent::Watch { cluster, watched: watched(feed), state: WatchState::Stopped });
        }
    }

    /// Tells once more what is known of an application, for somebody who opens it.
    fn retell(&mut self, key: &AppKey) {
        let Some(active) = self.active.get_mut(key) else { return };
        let (Some(application), Some(object)) = (active.application.clone(), active.object.clone()) else { return };
        active.told.clear();
        active.events.clear();
        active.told_controller = None;
        active.told_windows = None;
        let (revisions, review) = (active.revisions.clone(), active.review.clone());
        let at = self.cluster.server_now();
        let event = Observed { at, change: Change::Listed, object: Arc::clone(&object) };
        self.tell(LiveEvent::Application { application, object });
        self.tell(LiveEvent::Observed { key: key.clone(), event });
        self.tell_access(key);
        self.tell_controller(key);
        self.judge_windows(key);
        self.rescan(key);
        if let Some(revisions) = revisions {
            self.tell(LiveEvent::Revisions { key: key.clone(), revisions });
        }
        if let Some(review) = review {
            self.tell(LiveEvent::Review { key: key.clone(), review });
        }
    }

    /// It is known now where Argo CD is: what an application waited for is asked.
    pub(super) fn know_destination(&mut self, key: &AppKey) {
        let Some(application) = self.active.get(key).and_then(|active| active.application.clone()) else { return };
        let secrets = self.argo(key).secrets(&application);
        if let Some(active) = self.active.get_mut(key) {
            active.wanted.secrets = secrets;
        }
        self.want_projects_of(&application);
        self.want_destination(key);
    }

    fn want_destination(&mut self, key: &AppKey) {
        if self.place.is_none() {
            return;
        }
        let Some(active) = self.active.get_mut(key) else { return };
        if !matches!(active.destination, Destination::Unasked) {
            return;
        }
        let wanted = active.wanted.clone();
        if let Some(known) = self.destinations.get(&wanted) {
            active.destination = known.clone();
            self.tell_access(key);
            self.read_again(key);
            return;
        }
        active.destination = Destination::Asked;
        self.destinations.insert(wanted.clone(), Destination::Asked);
        let (cluster, sender, kubeconfig) =
            (self.cluster.clone(), self.sender.clone(), self.options.kubeconfig.clone());
        self.spawn(async move {
            let mut wait = Duration::from_secs(1);
            loop {
                let result = destinations::resolve(&cluster, kubeconfig.as_deref(), &wanted).await;
                let failed = result.is_err();
                let message = Message::Destination { wanted: wanted.clone(), result };
                if sender.send(message).await.is_err() || !failed {
                    return;
                }
                // A Secret may be made, a right given, a network mended.
                cluster.clock().sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(60));
            }
        });
    }

    pub(super) fn resolved(&mut self, wanted: &DestinationRef, result: Result<(Cluster, Arc<Kinds>), String>) {
        let destination = match result {
            Ok((cluster, kinds)) => {
                self.no_way.remove(wanted);
                Destination::Known(cluster, kinds)
            }
            Err(missing) => {
                self.no_way.insert(wanted.clone(), missing);
                Destination::None
            }
        };
        self.destinations.insert(wanted.clone(), destination.clone());
        let keys: Vec<AppKey> =
            self.active.values().filter(|active| active.wanted == *wanted).map(|active| active.key.clone()).collect();
        for key in keys {
            if let Some(active) = self.active.get_mut(&key) {
                active.destination = destination.clone();
                active.looked_at = None;
            }
            self.tell_access(&key);
            self.ask_hook_rights(&key);
            self.want_feeds(&key);
            self.rescan(&key);
            self.look_into_git(&key, false);
            self.answer_reviews(&key);
            self.read_again(&key);
        }
    }

    fn ask_hook_rights(&mut self, key: &AppKey) {
        let Some(active) = self.active.get(key) else { return };
        let (Destination::Known(cluster, _), Some(application)) = (&active.destination, &active.application) else {
            return;
        };
        let (cluster, sender) = (cluster.clone(), self.sender.clone());
        let namespace = application.spec.destination.namespace.clone();
        let known = self.rights.iter().any(|rights| {
            *rights.cluster == *cluster.name()
                && rights.namespace.as_deref() == Some(namespace.as_str())
                && rights.known.contains_key(&crate::domain::live::Need::ListJobs)
        });
        if !known && !namespace.is_empty() {
            self.spawn(async move {
                let rights = start::rights(&cluster, Some(&namespace), None, HOOK_NEEDS).await;
                let _ = sender.send(Message::Rights(rights)).await;
            });
        }
    }

    fn tell_access(&mut self, key: &AppKey) {
        let Some(active) = self.active.get(key) else { return };
        let DestinationRef { name, server, .. } = &active.wanted;
        let access = match &active.destination {
            Destination::Unasked | Destination::Asked => HookAccess::Unknown,
            Destination::Known(cluster, _) => HookAccess::Watched { cluster: Arc::from(cluster.name()) },
            Destination::None => HookAccess::None {
                cluster: Arc::from(if name.is_empty() { server.as_str() } else { name.as_str() }),
                missing: self.no_way.get(&active.wanted).cloned().unwrap_or_default(),
            },
        };
        self.tell(LiveEvent::Hooks { key: key.clone(), access });
    }

    fn want_application_events(&mut self, key: &AppKey) {
        let feed = FeedKey {
            server: Arc::from(self.cluster.server()),
            namespace: Arc::clone(&key.namespace),
            kind: FeedKind::ApplicationEvents,
        };
        let cluster = self.cluster.clone();
        self.join(key, feed, &cluster, None);
    }

    fn want_feeds(&mut self, key: &AppKey) {
        let Some(active) = self.active.get(key) else { return };
        let Destination::Known(cluster, kinds) = active.destination.clone() else { return };
        if !self.is_followed(active) {
            return;
        }
        let missing: Vec<FeedKey> =
            active.wanted_feeds().into_iter().filter(|feed| !active.feeds.contains(feed)).collect();
        for feed in missing {
            self.join(key, feed, &cluster, Some(&kinds));
        }
    }

    fn join(&mut self, key: &AppKey, feed: FeedKey, cluster: &Cluster, kinds: Option<&Kinds>) {
        if !self.feeds.contains_key(&feed) {
            self.serial += 1;
            let Some(started) = Feed::start(&feed, cluster, kinds, self.serial, &self.sender) else {
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
            let about = object.at(&["involvedObject", "name"]).and_then(serde_json::Value::as_str);
            if is_open && about == Some(&*key.name) {
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

    /// When something has to be done although nothing happens, in the clock's monotonic time.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let lingering = self.active.values().filter_map(|active| active.linger_until).min();
        let has_windows = |active: &Active| {
            active
                .application
                .as_ref()
                .and_then(|application| self.project_of(application))
                .is_some_and(|project| !project.windows.is_empty())
        };
        // Windows open and close at whole minutes.
        let minute = self.active.values().any(has_windows).then(|| {
            let second = self.cluster.server_now().as_second().rem_euclid(60);
            let rest = Duration::from_secs(u64::try_from(60 - second).unwrap_or(60));
            self.cluster.clock().monotonic().saturating_add(rest)
        });
        let pending = self.pending.iter().map(|(until, _)| *until).min();
        let capture = self.capture.as_ref().and_then(Capture::retry_at);
        [lingering, minute, pending, capture, self.repos.next_fetch()].into_iter().flatten().min()
    }

    pub(super) fn pass_deadline(&mut self) {
        let now = self.cluster.clock().monotonic();
        let due: Vec<AppKey> = self
            .active
            .values()
            .filter(|active| active.linger_until.is_some_and(|until| until <= now))
            .map(|active| active.key.clone())
            .collect();
        for key in due {
            let capturing = self.is_capturing(&key);
            if let Some(active) = self.active.get_mut(&key) {
                active.linger_until = capturing.then(|| now.saturating_add(LINGER));
            }
            self.settle(&key);
        }
        let refused = self.capture.as_mut().map(Capture::due).unwrap_or_default();
        for key in refused {
            self.capture_all(&key);
        }
        self.judge_all_windows();
        self.fetch_due();
    }
}

fn watched(feed: &FeedKey) -> Watched {
    let namespace = Arc::clone(&feed.namespace);
    match feed.kind {
        FeedKind::ApplicationEvents => Watched::Events(namespace),
        kind => Watched::Hooks { kind: Arc::from(kind.plural()), namespace },
    }
}
