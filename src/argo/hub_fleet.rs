//! The hub's part that knows the applications, the projects and the controller.

use std::sync::Arc;

use super::controllers::{self, Controllers};
use super::fleet::{FleetItem, Wanted};
use super::hub::Hub;
use super::message::Message;
use super::place::Place;
use super::start;
use crate::cluster::{
    Cluster, ClusterError, FromJson, Kind, Scope, Selectors, Unreadable, WatchEvent, WatchOptions, watch,
};
use crate::domain::application::AppKey;
use crate::domain::event::Change;
use crate::domain::live::{LiveEvent, WatchState, Watched};
use crate::domain::manifest::Object;
use crate::domain::request::Controller;
use futures::StreamExt as _;
use tokio::sync::mpsc;

/// The longest time for which a dead connection looks like one on which nothing happens.
const UNNOTICED: jiff::SignedDuration = jiff::SignedDuration::from_secs(90);

/// Until when what is known was surely so: a watch that was live may have been silent because nothing happened, and was
/// asked anew not long ago.
pub(super) fn known_until(
    last: Option<jiff::Timestamp>,
    was_live: bool,
    now: jiff::Timestamp,
) -> Option<jiff::Timestamp> {
    let asked = now.checked_sub(UNNOTICED).ok().filter(|_| was_live);
    last.max(asked.filter(|_| last.is_some()))
}

/// Whether it is about who asks: no right, or no credentials.
pub(super) fn is_denied(error: &ClusterError) -> bool {
    error.is_denied() || matches!(error, ClusterError::Credentials { .. })
}

/// How an interruption is told.
pub(super) fn interrupted(
    since: Option<jiff::Timestamp>,
    error: &ClusterError,
    wait: std::time::Duration,
) -> WatchState {
    WatchState::Interrupted {
        since,
        error: error.to_string(),
        transient: error.is_transient(),
        denied: is_denied(error),
        unauthenticated: error.is_unauthorized() || matches!(error, ClusterError::Credentials { .. }),
        retry_in: wait,
    }
}

pub(super) async fn follow<T: FromJson>(
    cluster: Cluster,
    kind: Kind,
    scope: Scope,
    sender: mpsc::Sender<Message>,
    message: impl Fn(WatchEvent<T>) -> Message,
) {
    let events = watch::<T>(&cluster, &kind, &scope, &Selectors::default(), WatchOptions::default());
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        if sender.send(message(event)).await.is_err() {
            return;
        }
    }
}

/// An event of the fleet without what nobody looks at.
fn slim(mut event: WatchEvent<FleetItem>, wanted: &Wanted) -> Message {
    if let WatchEvent::Item(item) | WatchEvent::Applied(item) | WatchEvent::Deleted(item) = &mut event {
        item.slim(wanted);
    }
    Message::Fleet(event)
}

impl Hub {
    pub(super) fn placed(&mut self, place: Place) {
        self.identify(place.identity.clone());
        self.out_of_reach = false;
        let namespace = match &place.scope {
            Scope::Namespace(namespace) => Some(namespace.clone()),
            Scope::All => None,
        };
        self.tell(LiveEvent::Scope {
            cluster: Arc::clone(&self.name),
            server: self.cluster.server().to_owned(),
            namespace,
            user: place.user.clone(),
        });
        let (cluster, sender) = (self.cluster.clone(), self.sender.clone());
        let wanted = self.wanted.clone();
        let fleet = move |event| slim(event, &wanted);
        self.spawn(follow(cluster.clone(), start::applications(), place.scope.clone(), sender.clone(), fleet));
        let home = Scope::Namespace(place.argo.home.clone());
        // Whoever sees all namespaces also sees an engine that starts elsewhere.
        let leases = if place.scope == Scope::All { Scope::All } else { home };
        self.spawn(controllers::follow(cluster, leases, sender));
        self.want_projects(place.argo.home.clone());
        self.place = Some(place);
        let open: Vec<AppKey> = self.active.keys().cloned().collect();
        for key in open {
            self.know_destination(&key);
            self.read(&key);
        }
    }

    pub(super) fn fleet_event(&mut self, event: WatchEvent<FleetItem>) {
        match event {
            WatchEvent::Listing => {
                self.out_of_reach = false;
                self.fleet.begin_list();
                self.tell_watch(Watched::Applications, WatchState::Listing);
            }
            WatchEvent::Item(item) => self.app(item, Change::Listed),
            WatchEvent::Applied(item) => self.app(item, Change::Applied),
            WatchEvent::Listed => {
                for key in self.fleet.end_list() {
                    self.app_gone(&key);
                }
                self.fleet_live = Some(self.cluster.server_now());
                self.fleet_is_live = true;
                let count = self.fleet.len();
                self.tell(LiveEvent::FleetComplete { cluster: Arc::clone(&self.name), count });
                self.tell_watch(Watched::Applications, WatchState::Live);
            }
            WatchEvent::Deleted(item) => {
                let summary = item.summary.in_cluster(Arc::clone(&self.name));
                if self.fleet.remove(&summary.key) {
                    self.app_gone(&summary.key);
                }
            }
            WatchEvent::Unreadable(Unreadable { namespace, name, reason, gone }) => {
                let key = AppKey::new(Arc::clone(&self.name), namespace, name);
                if !gone {
                    self.fleet.put_unreadable(&key);
                    self.tell(LiveEvent::AppUnreadable { key, reason });
                } else if self.fleet.remove(&key) {
                    self.app_gone(&key);
                }
            }
            WatchEvent::Interrupted { error, wait } => {
                self.out_of_reach = error.is_out_of_reach();
                let was_live = std::mem::take(&mut self.fleet_is_live);
                self.fleet_live = known_until(self.fleet_live, was_live, self.cluster.server_now());
                let state = interrupted(self.fleet_live, &error, wait);
                self.tell_watch(Watched::Applications, state);
            }
        }
    }

    fn app(&mut self, item: FleetItem, change: Change) {
        let runs = item.runs();
        let json = item.json;
        let summary = item.summary.in_cluster(Arc::clone(&self.name));
        let key = summary.key.clone();
        if change == Change::Applied {
            self.fleet_live = Some(self.cluster.server_now());
        }
        let news = self.fleet.put(&summary);
        let wanted = runs && self.options.watch_operations;
        if wanted && !self.active.contains_key(&key) {
            self.activate(&key);
        }
        if news {
            self.tell(LiveEvent::App(Box::new(summary)));
        }
        let is_wanted = self.active.contains_key(&key) || self.shown.contains_key(&key);
        match json.filter(|_| is_wanted) {
            Some(json) => {
                if let Ok(object) = <Object as FromJson>::from_json(&json, &start::applications()) {
                    self.observe_application(&key, object, change);
                }
            }
            // Nobody looked at it when it arrived.
            None if is_wanted => self.read(&key),
            None => {}
        }
    }

    fn app_gone(&mut self, key: &AppKey) {
        self.tell(LiveEvent::AppGone(key.clone()));
        self.application_gone(key);
    }

    pub(super) fn new_controllers(&mut self, controllers: Controllers) {
        self.controllers.learn(controllers);
        let keys: Vec<AppKey> = self.active.keys().cloned().collect();
        for key in keys {
            self.tell_controller(&key);
        }
    }

    pub(super) fn tell_controller(&mut self, key: &AppKey) {
        let known = self.controllers.of(&key.namespace).filter(|controller| *controller != Controller::Unknown);
        let Some(controller) = known else { return };
        let Some(active) = self.active.get_mut(key) else { return };
        if active.told_controller.as_ref() != Some(&controller) {
            active.told_controller = Some(controller.clone());
            self.tell(LiveEvent::Controller { key: key.clone(), controller });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_a_silent_watch_is_not_that_of_its_last_event() {
        let at = |second: i64| jiff::Timestamp::from_second(second).ok();
        let now = at(10_000).unwrap_or_default();
        let table = [
            ("never live", None, false, None),
            ("an event just now", at(9_999), true, at(9_999)),
            ("nothing happened for an hour", at(6_400), true, at(9_910)),
            ("interrupted for an hour", at(6_400), false, at(6_400)),
        ];
        for (what, last, was_live, expected) in table {
            assert_eq!(known_until(last, was_live, now), expected, "{what}");
        }
    }
}
