//! Who acts on operations here: Argo CD, boathook's engine, or nobody.

use std::collections::{BTreeSet, HashSet};
use std::pin::pin;
use std::time::Duration;

use futures::stream::{BoxStream, SelectAll, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::mpsc;

use super::message::{Message, Slim};
use crate::cluster::{Cluster, ClusterError, Kind, Scope, Selectors, WatchEvent, WatchOptions, watch};
use crate::domain::manifest::Object;
use crate::domain::request::Controller;

/// The Lease that an engine holds.
pub(super) const LEASE: &str = "boathook-engine";
/// The label of Argo CD's application controller.
pub(super) const CONTROLLER: &str = "app.kubernetes.io/name=argocd-application-controller";

/// How long the cluster is not asked again about a Lease after it has not answered.
const ASK_AGAIN: SignedDuration = SignedDuration::from_secs(5);

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
    /// The namespaces in which Argo CD's controller was seen.
    places: BTreeSet<String>,
    /// Those of them that were not told yet.
    untold: Vec<String>,
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
            // While nobody can see a Lease being renewed, that it runs out says nothing of who holds it.
            WatchEvent::Interrupted { error, .. } => {
                self.listed.remove(&source);
                if error.is_denied() || error.is_not_found() {
                    self.blind.insert(source);
                }
            }
            WatchEvent::Unreadable(_) => {}
        }
    }

    /// The Lease has run out as far as the watch has told, and the cluster was asked once more: a watch can be silent
    /// because its connection is dead. `false`: it has not answered.
    fn confirm(&mut self, leases: Result<Vec<Object>, ClusterError>, now: Timestamp) -> bool {
        let Ok(found) = leases else {
            self.listed.remove(&Source::Leases);
            return false;
        };
        let until = found.iter().filter(|lease| lease.name() == LEASE).filter_map(lease_end).max();
        self.lease_until = until.filter(|until| *until > now);
        self.listed.insert(Source::Leases);
        true
    }

    fn put(&mut self, source: Source, object: &Object) {
        if source == Source::Leases {
            if object.name() == LEASE {
                self.lease_until = lease_end(object);
            }
            return;
        }
        if self.places.insert(object.namespace().to_owned()) {
            self.untold.push(object.namespace().to_owned());
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

/// Until when a Lease is held; `None`: nobody holds it.
pub(super) fn lease_end(lease: &Object) -> Option<Timestamp> {
    lease.at(&["spec", "holderIdentity"]).and_then(Value::as_str).filter(|holder| !holder.is_empty())?;
    let renewed: Timestamp = lease.at(&["spec", "renewTime"])?.as_str()?.parse().ok()?;
    let seconds = lease.at(&["spec", "leaseDurationSeconds"]).and_then(Value::as_i64).unwrap_or(15);
    renewed.checked_add(SignedDuration::from_secs(seconds.clamp(1, 3600))).ok()
}

/// Watches for ever who the controller is, and says so whenever it changes, and where it is. `scope` is where Leases are looked for.
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
    let leases = Kind::known("coordination.k8s.io", "v1", "Lease", "leases", true);
    let of_engines = Selectors { labels: String::new(), fields: format!("metadata.name={LEASE}") };
    let mut events: SelectAll<BoxStream<'static, (Source, WatchEvent<Slim>)>> = SelectAll::new();
    for (source, kind, scope, labels, fields) in sources {
        let selectors = Selectors { labels: labels.to_owned(), fields: fields.to_owned() };
        let stream = watch::<Slim>(&cluster, &kind, &scope, &selectors, WatchOptions::default());
        events.push(stream.map(move |event| (source, event)).boxed());
    }
    let mut known = Known::default();
    let mut told = None;
    // When the cluster is asked again about a Lease that has run out, as far as is known.
    let mut ask_after: Option<Timestamp> = None;
    loop {
        let now = cluster.server_now();
        let is_over = known.lease_until.is_some_and(|until| until <= now);
        if is_over && ask_after.is_none_or(|at| at <= now) {
            let asked = cluster.list(&leases, &scope, &of_engines).await.map(|list| list.items);
            let now = cluster.server_now();
            ask_after = if known.confirm(asked, now) { None } else { now.checked_add(ASK_AGAIN).ok() };
        }
        for namespace in known.untold.drain(..) {
            if sender.send(Message::ControllerSeen { namespace }).await.is_err() {
                return;
            }
        }
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
            Some(until) => {
                let next = ask_after.map_or(until, |at| at.max(until));
                Duration::try_from(next.duration_since(now)).unwrap_or_default()
            }
            None => Duration::from_secs(3600),
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn lease(renewed: i64) -> Object {
        let spec = json!({ "holderIdentity": "one", "leaseDurationSeconds": 15, "renewTime": at(renewed).to_string() });
        Object::from_json(json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": { "name": LEASE, "namespace": "argocd", "uid": "u" }, "spec": spec }))
        .unwrap()
    }

    fn list(known: &mut Known, source: Source, items: Vec<Object>) {
        known.take(source, WatchEvent::Listing);
        for item in items {
            known.take(source, WatchEvent::Item(Slim(Arc::new(item))));
        }
        known.take(source, WatchEvent::Listed);
    }

    fn unreachable() -> ClusterError {
        ClusterError::Unreachable { action: "listing".to_owned(), reason: "refused".to_owned() }
    }

    /// An engine that is at work.
    fn known() -> Known {
        let mut known = Known::default();
        list(&mut known, Source::StatefulSets, Vec::new());
        list(&mut known, Source::Deployments, Vec::new());
        list(&mut known, Source::Leases, vec![lease(100)]);
        assert_eq!(known.judge(at(110)), Some(Controller::Engine));
        known
    }

    #[test]
    fn a_lease_that_nobody_can_see_renewed_says_nothing_when_it_runs_out() {
        for source in [Source::StatefulSets, Source::Deployments, Source::Leases] {
            let mut known = known();
            known.take(source, WatchEvent::Interrupted { error: unreachable(), wait: Duration::ZERO });
            assert_eq!(known.judge(at(110)), Some(Controller::Engine), "until then it holds it");
            assert_eq!(known.judge(at(200)), None, "{source:?}: not known, instead of nobody");
            let items = if source == Source::Leases { vec![lease(200)] } else { Vec::new() };
            list(&mut known, source, items);
            let expected = if source == Source::Leases { Controller::Engine } else { Controller::None };
            assert_eq!(known.judge(at(201)), Some(expected), "{source:?}: it is seen again");
        }
    }

    #[test]
    fn a_lease_that_runs_out_on_a_silent_watch_is_asked_for() {
        let mut known = known();
        assert!(!known.confirm(Err(unreachable()), at(120)));
        assert_eq!(known.judge(at(120)), None, "nobody answers");
        assert!(known.confirm(Ok(vec![lease(118)]), at(121)));
        assert_eq!(known.judge(at(121)), Some(Controller::Engine), "it was renewed, and the watch did not tell");
        assert!(known.confirm(Ok(vec![lease(118)]), at(140)));
        assert_eq!(known.judge(at(140)), Some(Controller::None), "it was not");
        assert!(known.confirm(Ok(Vec::new()), at(150)));
        assert_eq!(known.judge(at(150)), Some(Controller::None));
    }
}
