//! Who acts on operations here: Argo CD, boathook's engine, or nobody.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::pin::pin;
use std::time::Duration;

use futures::stream::{BoxStream, SelectAll, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::mpsc;

use super::message::{Message, Slim};
use crate::cluster::{Cluster, ClusterError, Kind, Scope, Selectors, WatchEvent, WatchOptions, watch};
use crate::domain::manifest::Object;
use crate::domain::names::{BOATHOOK_APPLICATIONS, EVERY_NAMESPACE};
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

/// Who acts, by the namespace of the Application: Argo CD on all of them, an engine perhaps on those of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Controllers {
    /// The namespaces whose Applications an engine works on, or [`EVERY_NAMESPACE`].
    engines: BTreeSet<String>,
    /// Who acts on all others; `None`: that is not known yet.
    others: Option<Controller>,
}

impl Controllers {
    /// Who acts on the Applications of a namespace; `None`: that is not known yet.
    pub(super) fn of(&self, namespace: &str) -> Option<Controller> {
        if self.engines.contains(namespace) || self.engines.contains(EVERY_NAMESPACE) {
            return Some(Controller::Engine);
        }
        self.others.clone()
    }

    /// Takes what is known now; of namespaces of which nothing is known now it stays as it was.
    pub(super) fn learn(&mut self, mut now: Self) {
        if now.others.is_none() {
            now.engines.append(&mut self.engines);
            now.others = self.others.take();
        }
        *self = now;
    }
}

/// The claim of an engine.
struct Claim {
    until: Timestamp,
    /// The namespace of its Applications, or [`EVERY_NAMESPACE`].
    applications: String,
}

impl Claim {
    /// `None`: nobody holds the Lease.
    fn of(lease: &Object) -> Option<Self> {
        Some(Self { until: lease_end(lease)?, applications: applications_of(lease).to_owned() })
    }
}

/// The namespace of the Applications that a Lease is for, or [`EVERY_NAMESPACE`]: one that does not say may be for all.
fn applications_of(lease: &Object) -> &str {
    lease.annotation(BOATHOOK_APPLICATIONS).unwrap_or(EVERY_NAMESPACE)
}

/// Whether a Lease is for the Applications of a namespace.
pub(super) fn serves(lease: &Object, namespace: &str) -> bool {
    [namespace, EVERY_NAMESPACE].contains(&applications_of(lease))
}

/// What is known.
#[derive(Default)]
struct Known {
    ready: HashSet<(Source, String)>,
    /// By the UID of the Lease: each control plane has its own.
    claims: HashMap<String, Claim>,
    listed: HashSet<Source>,
    blind: HashSet<Source>,
    lists: Vec<(Source, HashSet<(Source, String)>)>,
    /// The namespaces in which Argo CD's controller was seen.
    places: BTreeSet<String>,
    /// Those of them that were not told yet.
    untold: Vec<String>,
}

impl Known {
    fn judge(&self, now: Timestamp) -> Controllers {
        if !self.ready.is_empty() {
            return Controllers { engines: BTreeSet::new(), others: Some(Controller::ArgoCd) };
        }
        let held = self.claims.values().filter(|claim| claim.until > now);
        let engines = held.map(|claim| claim.applications.clone()).collect();
        let others = match (self.listed.len() + self.blind.len(), self.blind.is_empty()) {
            (..3, _) => None,
            (_, true) => Some(Controller::None),
            (_, false) => Some(Controller::Unknown),
        };
        Controllers { engines, others }
    }

    /// When the first claim runs out.
    fn first_end(&self) -> Option<Timestamp> {
        self.claims.values().map(|claim| claim.until).min()
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
                if source == Source::Leases {
                    self.claims.remove(object.uid());
                }
            }
            WatchEvent::Listed => {
                let list = self.lists.iter().find(|(own, _)| *own == source).map(|(_, list)| list.clone());
                let list = list.unwrap_or_default();
                if source == Source::Leases {
                    self.claims.retain(|uid, _| list.contains(&(source, uid.clone())));
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

    /// A Lease has run out as far as the watch has told, and the cluster was asked once more: a watch can be silent
    /// because its connection is dead. `false`: it has not answered.
    fn confirm(&mut self, leases: Result<Vec<Object>, ClusterError>, now: Timestamp) -> bool {
        let Ok(found) = leases else {
            self.listed.remove(&Source::Leases);
            return false;
        };
        let leases = found.iter().filter(|lease| lease.name() == LEASE);
        let claims = leases.filter_map(|lease| Some((lease.uid().to_owned(), Claim::of(lease)?)));
        self.claims = claims.filter(|(_, claim)| claim.until > now).collect();
        self.listed.insert(Source::Leases);
        true
    }

    fn put(&mut self, source: Source, object: &Object) {
        if source == Source::Leases {
            match Claim::of(object).filter(|_| object.name() == LEASE) {
                Some(claim) => drop(self.claims.insert(object.uid().to_owned(), claim)),
                None => drop(self.claims.remove(object.uid())),
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
    let mut told = Controllers::default();
    // When the cluster is asked again about a Lease that has run out, as far as is known.
    let mut ask_after: Option<Timestamp> = None;
    loop {
        let now = cluster.server_now();
        let is_over = known.first_end().is_some_and(|until| until <= now);
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
        if judged != told && judged != Controllers::default() {
            told.clone_from(&judged);
            if sender.send(Message::Controllers(judged)).await.is_err() {
                return;
            }
        }
        let wait = match known.first_end() {
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

    fn lease_for(namespace: &str, applications: Option<&str>, renewed: i64) -> Object {
        let spec = json!({ "holderIdentity": "one", "leaseDurationSeconds": 15, "renewTime": at(renewed).to_string() });
        let mut metadata = json!({ "name": LEASE, "namespace": namespace, "uid": namespace });
        if let Some(applications) = applications {
            metadata["annotations"] = json!({ BOATHOOK_APPLICATIONS: applications });
        }
        let lease =
            json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec });
        // As the watch reads it.
        let kind = Kind::known("coordination.k8s.io", "v1", "Lease", "leases", true);
        <Slim as crate::cluster::FromJson>::from_json(&lease.to_string(), &kind).unwrap().0.as_ref().clone()
    }

    fn lease(renewed: i64) -> Object {
        lease_for("argocd", Some("argocd"), renewed)
    }

    /// Who acts on the Applications that the engine of [`known`] is for.
    fn judge(known: &Known, second: i64) -> Option<Controller> {
        known.judge(at(second)).of("argocd")
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
        assert_eq!(judge(&known, 110), Some(Controller::Engine));
        known
    }

    #[test]
    fn a_lease_that_nobody_can_see_renewed_says_nothing_when_it_runs_out() {
        for source in [Source::StatefulSets, Source::Deployments, Source::Leases] {
            let mut known = known();
            known.take(source, WatchEvent::Interrupted { error: unreachable(), wait: Duration::ZERO });
            assert_eq!(judge(&known, 110), Some(Controller::Engine), "until then it holds it");
            assert_eq!(judge(&known, 200), None, "{source:?}: not known, instead of nobody");
            let items = if source == Source::Leases { vec![lease(200)] } else { Vec::new() };
            list(&mut known, source, items);
            let expected = if source == Source::Leases { Controller::Engine } else { Controller::None };
            assert_eq!(judge(&known, 201), Some(expected), "{source:?}: it is seen again");
        }
    }

    #[test]
    fn a_lease_that_runs_out_on_a_silent_watch_is_asked_for() {
        let mut known = known();
        assert!(!known.confirm(Err(unreachable()), at(120)));
        assert_eq!(judge(&known, 120), None, "nobody answers");
        assert!(known.confirm(Ok(vec![lease(118)]), at(121)));
        assert_eq!(judge(&known, 121), Some(Controller::Engine), "it was renewed, and the watch did not tell");
        assert!(known.confirm(Ok(vec![lease(118)]), at(140)));
        assert_eq!(judge(&known, 140), Some(Controller::None), "it was not");
        assert!(known.confirm(Ok(Vec::new()), at(150)));
        assert_eq!(judge(&known, 150), Some(Controller::None));
    }

    #[test]
    fn an_engine_acts_on_the_applications_its_lease_is_for() {
        let (engine, none) = (Some(Controller::Engine), Some(Controller::None));
        let of_own = || lease_for("argocd", Some("argocd"), 100);
        let of_all = |says| lease_for("argocd", says, 100);
        let of_other = |renewed| lease_for("team", Some("other"), renewed);
        let table = [
            ("of one namespace", vec![of_own()], &engine, &none),
            ("of all", vec![of_all(Some("*"))], &engine, &engine),
            ("it does not say", vec![of_all(None)], &engine, &engine),
            ("two engines", vec![of_own(), of_other(100)], &engine, &engine),
            ("in any order", vec![of_other(100), of_own()], &engine, &engine),
            ("one of them stopped", vec![of_own(), of_other(50)], &engine, &none),
            ("nobody", vec![], &none, &none),
        ];
        for (what, leases, own, other) in table {
            let mut known = known();
            list(&mut known, Source::Leases, leases.clone());
            let listed = known.judge(at(110));
            assert_eq!((&listed.of("argocd"), &listed.of("other")), (own, other), "{what}");
            assert!(known.confirm(Ok(leases), at(110)), "{what}");
            assert_eq!(known.judge(at(110)), listed, "{what}: as asked for");
        }
    }

    #[test]
    fn the_end_of_one_engine_is_not_that_of_another() {
        let mut known = known();
        let other = Slim(Arc::new(lease_for("team", Some("other"), 105)));
        known.take(Source::Leases, WatchEvent::Applied(other.clone()));
        assert_eq!(known.first_end(), Some(at(115)), "the Lease that runs out first is asked for first");
        assert_eq!(known.judge(at(110)).of("other"), Some(Controller::Engine));
        known.take(Source::Leases, WatchEvent::Deleted(other));
        assert_eq!(known.judge(at(110)).of("other"), Some(Controller::None));
        assert_eq!(judge(&known, 110), Some(Controller::Engine));
    }

    #[test]
    fn what_is_not_known_now_stays_as_it_was() {
        let engine_of = |namespace: &str, others| Controllers { engines: [namespace.to_owned()].into(), others };
        let mut known = Controllers::default();
        assert_eq!(known.of("argocd"), None);
        known.learn(engine_of("argocd", None));
        assert_eq!((known.of("argocd"), known.of("other")), (Some(Controller::Engine), None));
        known.learn(engine_of("other", Some(Controller::None)));
        assert_eq!((known.of("argocd"), known.of("other")), (Some(Controller::None), Some(Controller::Engine)));
        known.learn(engine_of("argocd", None));
        assert_eq!((known.of("argocd"), known.of("other")), (Some(Controller::Engine), Some(Controller::Engine)));
        assert_eq!(known.of("third"), Some(Controller::None));
        known.learn(Controllers { engines: BTreeSet::new(), others: Some(Controller::ArgoCd) });
        assert_eq!((known.of("argocd"), known.of("other")), (Some(Controller::ArgoCd), Some(Controller::ArgoCd)));
    }
}
