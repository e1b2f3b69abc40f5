//! Who acts on operations here: Argo CD, boathook's engine, or nobody.

use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;

use futures::stream::{BoxStream, SelectAll, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::mpsc;

use super::message::{Message, Slim};
use crate::cluster::{Cluster, Kind, Scope, Selectors, WatchEvent, WatchOptions, watch};
use crate::domain::manifest::Object;
use crate::domain::request::Controller;

/// The Lease that an engine holds.
pub(super) const LEASE: &str = "boathook-engine";
/// The label of Argo CD's application controller.
pub(super) const CONTROLLER: &str = "app.kubernetes.io/name=argocd-application-controller";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Source {
    StatefulSets,
    Deployments,
    Leases,
}

/// What is known.
#[derive(Default)]
struct Known {
    ready: HashSet<(Source, String)>,
    lease_until: Option<Timestamp>,
    listed: HashSet<Source>,
    blind: HashSet<Source>,
    lists: Vec<(Source, HashSet<(Source, String)>)>,
}

impl Known {
    fn judge(&self, now: Timestamp) -> Option<Controller> {
        if !self.ready.is_empty() {
            return Some(Controller::ArgoCd);
        }
        if self.lease_until.is_some_and(|until| until > now) {
            return Some(Controller::Engine);
        }
        if self.listed.len() + self.blind.len() < 3 {
            return None;
        }
        Some(if self.blind.is_empty() { Controller::None } else { Controller::Unknown })
    }

    fn take(&mut self, source: Source, event: WatchEvent<Slim>) {
        match event {
            WatchEvent::Listing => {
                self.lists.retain(|(own, _)| *own != source);
                self.lists.push((source, HashSet::new()));
            }
            WatchEvent::Item(Slim(object)) => {
                let id = (source, object.uid().to_owned());
                if let Some((_, list)) = self.lists.iter_mut().find(|(own, _)| *own == source) {
                    list.insert(id);
                }
                self.put(source, &object);
            }
            WatchEvent::Applied(Slim(object)) => self.put(source, &object),
            WatchEvent::Deleted(Slim(object)) => {
                self.ready.remove(&(source, object.uid().to_owned()));
                if source == Source::Leases && object.name() == LEASE {
                    self.lease_until = None;
                }
            }
            WatchEvent::Listed => {
                let list = self.lists.iter().find(|(own, _)| *own == source).map(|(_, list)| list.clone());
                let list = list.unwrap_or_default();
                if source == Source::Leases && list.is_empty() {
                    self.lease_until = None;
                }
                self.ready.retain(|id| id.0 != source || list.contains(id));
                self.listed.insert(source);
                self.blind.remove(&source);
            }
            WatchEvent::Interrupted { error, .. } => {
                if error.is_denied() || error.is_not_found() {
                    self.listed.remove(&source);
                    self.blind.insert(source);
                }
            }
            WatchEvent::Unreadable(_) => {}
        }
    }

    fn put(&mut self, source: Source, object: &Object) {
        if source == Source::Leases {
            if object.name() == LEASE {
                self.lease_until = lease_end(object);
            }
            return;
        }
        let id = (source, object.uid().to_owned());
        let ready = object.at(&["status", "readyReplicas"]).and_then(Value::as_i64).unwrap_or_default() > 0;
        if ready {
            self.ready.insert(id);
        } else {
            self.ready.remove(&id);
        }
    }
}

fn lease_end(lease: &Object) -> Option<Timestamp> {
    lease.at(&["spec", "holderIdentity"]).and_then(Value::as_str).filter(|holder| !holder.is_empty())?;
    let renewed: Timestamp = lease.at(&["spec", "renewTime"])?.as_str()?.parse().ok()?;
    let seconds = lease.at(&["spec", "leaseDurationSeconds"]).and_then(Value::as_i64).unwrap_or(15);
    renewed.checked_add(SignedDuration::from_secs(seconds.clamp(1, 3600))).ok()
}

/// Watches for ever who the controller is, and says so whenever it changes. `scope` is where Leases are looked for.
pub(super) async fn follow(cluster: Cluster, scope: Scope, sender: mpsc::Sender<Message>) {
    let sources = [
        (
            Source::StatefulSets,
            Kind::known("apps", "v1", "StatefulSet", "statefulsets", true),
            Scope::All,
            CONTROLLER,
            "",
        ),
        (Source::Deployments, Kind::known("apps", "v1", "Deployment", "deployments", true), Scope::All, CONTROLLER, ""),
        (
            Source::Leases,
            Kind::known("coordination.k8s.io", "v1", "Lease", "leases", true),
            scope.clone(),
            "",
            "metadata.name=boathook-engine",
        ),
    ];
    let mut events: SelectAll<BoxStream<'static, (Source, WatchEvent<Slim>)>> = SelectAll::new();
    for (source, kind, scope, labels, fields) in sources {
        let selectors = Selectors { labels: labels.to_owned(), fields: fields.to_owned() };
        let stream = watch::<Slim>(&cluster, &kind, &scope, &selectors, WatchOptions::default());
        events.push(stream.map(move |event| (source, event)).boxed());
    }
    let mut known = Known::default();
    let mut told = None;
    loop {
        let now = cluster.server_now();
        let judged = known.judge(now);
        if judged.is_some() && judged != told {
            told.clone_from(&judged);
            if let Some(controller) = judged
                && sender.send(Message::Controller(controller)).await.is_err()
            {
                return;
            }
        }
        let wait = match known.lease_until {
            Some(until) if until > now => Duration::try_from(until.duration_since(now)).unwrap_or_default(),
            _ => Duration::from_secs(3600),
        };
        let mut expiry = pin!(cluster.clock().sleep(wait + Duration::from_millis(50)));
        tokio::select! {
            event = events.next() => match event {
                Some((source, event)) => known.take(source, event),
                None => return,
            },
            () = &mut expiry => {}
        }
    }
}
