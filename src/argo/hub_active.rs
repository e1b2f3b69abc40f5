//! The hub's part that follows the applications that are open or whose operations run.

use std::sync::Arc;
use std::time::Duration;

use super::active::{Active, Asked, Destination, Taken};
use super::capture::Capture;
use super::destinations::{self, DestinationRef};
use super::hub::Hub;
use super::hub_fleet::is_denied;
use super::message::Message;
use super::start::{self, HOOK_NEEDS};
use crate::cluster::{Cluster, Kinds};
use crate::domain::application::{AppKey, Application};
use crate::domain::event::{Change, WatchEvent as Observed};
use crate::domain::live::{HookAccess, LiveEvent};
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
            self.want_feeds(key);
            self.retell(key);
            self.look_into_git(key, false);
        } else {
            self.read(key);
        }
        self.tell_former_events(key);
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
        let news = self.number();
        self.active.entry(key.clone()).or_insert_with(|| Active::new(key.clone(), news));
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
        let asked = self.active.get(&key).map(Active::asked).unwrap_or_default();
        self.spawn(async move {
            let mut wait = Duration::from_millis(250);
            while wanted.has(&key) {
                match cluster.get(&start::applications(), &key.namespace, &key.name).await {
                    Ok(object) => {
                        let _ = sender.send(Message::Application { key, object: object.map(Box::new), asked }).await;
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

    pub(super) fn read_application(&mut self, key: &AppKey, object: Option<Object>, asked: Asked) {
        let uid = object.as_ref().map(Object::uid);
        if self.active.get(key).is_some_and(|active| active.has_overtaken(asked, uid)) {
            self.read(key);
            return;
        }
        match object {
            Some(object) => drop(self.take_application(key, object, Change::Listed, Some(asked))),
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

    fn take_application(&mut self, key: &AppKey, mut object: Object, change: Change, asked: Option<Asked>) -> Taken {
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
        let news = self.number();
        let Some(active) = self.active.get_mut(key) else { return Taken::Known };
        let moved = active.wanted.clone();
        let is_back = active.is_missing;
        let taken = active.take(Arc::clone(&application), Arc::clone(&object), secrets, asked, news);
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
        if is_back {
            self.tell_former_events(key);
        }
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
        let news = self.number();
        let Some(active) = self.active.get_mut(key) else { return };
        if let Some(object) = active.forget(news) {
            let event = Observed { at: self.cluster.server_now(), change: Change::Deleted, object };
            active.timeline.observe(&event);
            self.tell(LiveEvent::Observed { key: key.clone(), event });
            self.record(key);
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
    pub(super) fn is_followed(&self, active: &Active) -> bool {
        active.open > 0 || active.running && self.options.watch_operations || active.linger_until.is_some()
    }

    fn is_capturing(&self, key: &AppKey) -> bool {
        self.capture.as_ref().is_some_and(|capture| capture.is_busy(key))
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
        if let Some(active) = self.active.get_mut(key)
            && active.wanted.secrets != secrets
        {
            active.wanted.secrets = secrets;
            active.destination = Destination::Unasked;
        }
        self.want_projects_of(&application);
        self.want_destination(key);
        self.want_feeds(key);
        self.rescan(key);
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
