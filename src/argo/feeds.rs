//! The watches of hooks' objects: one for each kind in a namespace of a cluster, shared by all applications that need it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use futures::StreamExt as _;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::message::{Message, Slim};
use crate::cluster::{Cluster, Kind, Kinds, Scope, Selectors, WatchEvent, WatchOptions, watch};
use crate::domain::application::AppKey;
use crate::domain::event::Change;
use crate::domain::manifest::Object;

/// What a watch watches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct FeedKey {
    /// Address of the cluster.
    pub server: Arc<str>,
    pub namespace: Arc<str>,
    pub kind: FeedKind,
}

/// The kinds that are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum FeedKind {
    Jobs,
    Pods,
    Workflows,
    Deployments,
    StatefulSets,
    DaemonSets,
    /// Events of type Warning about anything.
    Warnings,
    /// Events about Applications.
    ApplicationEvents,
}

impl FeedKind {
    fn group_kind(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Jobs => ("batch", "Job", "jobs"),
            Self::Pods => ("", "Pod", "pods"),
            Self::Workflows => ("argoproj.io", "Workflow", "workflows"),
            Self::Deployments => ("apps", "Deployment", "deployments"),
            Self::StatefulSets => ("apps", "StatefulSet", "statefulsets"),
            Self::DaemonSets => ("apps", "DaemonSet", "daemonsets"),
            Self::Warnings | Self::ApplicationEvents => ("", "Event", "events"),
        }
    }

    pub(super) fn plural(self) -> &'static str {
        self.group_kind().2
    }

    pub(super) fn of_workload(group: &str, kind: &str) -> Option<Self> {
        match (group, kind) {
            ("apps", "Deployment") => Some(Self::Deployments),
            ("apps", "StatefulSet") => Some(Self::StatefulSets),
            ("apps", "DaemonSet") => Some(Self::DaemonSets),
            _ => None,
        }
    }

    /// The kind as the cluster has it; `None`: it does not have it.
    fn kind(self, kinds: Option<&Kinds>) -> Option<Kind> {
        let (group, kind, plural) = self.group_kind();
        match kinds.and_then(|kinds| kinds.find(group, kind)) {
            Some(kind) => Some(kind.clone()),
            None if self == Self::Workflows => None,
            None => Some(Kind::known(group, "v1", kind, plural, true)),
        }
    }

    /// Whether a cluster has it.
    pub(super) fn is_in(self, kinds: &Kinds) -> bool {
        self.kind(Some(kinds)).is_some()
    }

    fn selectors(self) -> Selectors {
        let fields = match self {
            Self::Warnings => "type=Warning",
            Self::ApplicationEvents => "involvedObject.kind=Application",
            _ => "",
        };
        Selectors { labels: String::new(), fields: fields.to_owned() }
    }
}

/// States of an object that are remembered: its first ones, and the current one.
const STATES: usize = 10;

/// An object as it is, and how it came to be so as far as that was seen. An application that needs it later is told all
/// of it: from the current state alone it would look as if everything had happened at once.
pub(super) struct Stored {
    pub object: Arc<Object>,
    /// How each state became known, and when; the current one last, never empty.
    states: VecDeque<(Change, Timestamp, Arc<Object>)>,
    list: u64,
}

impl Stored {
    fn new(object: Arc<Object>, change: Change, at: Timestamp, list: u64) -> Self {
        let states = VecDeque::from([(change, at, Arc::clone(&object))]);
        Self { object, states, list }
    }

    fn put(&mut self, object: Arc<Object>, change: Change, at: Timestamp, list: u64) {
        self.object = Arc::clone(&object);
        self.list = list;
        let mut change = change;
        if self.states.len() >= STATES {
            let forgotten = self.states.pop_back();
            // A change that nobody can date any more: the next state is only found to be so. Not where nothing came about
            // in what is forgotten.
            let meant_something = |(_, _, own): &(_, _, Arc<Object>)| {
                self.states.back().is_none_or(|(_, _, before)| !is_alike(before, own))
            };
            if forgotten.is_some_and(|forgotten| meant_something(&forgotten)) {
                change = Change::Listed;
            }
        }
        self.states.push_back((change, at, object));
    }

    /// Its states in their order.
    pub(super) fn states(&self) -> impl Iterator<Item = &(Change, Timestamp, Arc<Object>)> {
        self.states.iter()
    }
}

/// Whether nothing came about between two states of an object.
fn is_alike(one: &Object, other: &Object) -> bool {
    let fields: [&[&str]; 3] = [&["spec"], &["status"], &["metadata", "deletionTimestamp"]];
    fields.iter().all(|field| one.at(field) == other.at(field))
}

/// One watch.
pub(super) struct Feed {
    pub cluster: Cluster,
    pub users: HashSet<AppKey>,
    pub objects: HashMap<String, Stored>,
    /// Tells this watch from an earlier one of the same key.
    pub serial: u64,
    pub last_live: Option<Timestamp>,
    pub is_live: bool,
    /// It was listed, or it cannot be.
    pub is_settled: bool,
    list: u64,
    task: AbortHandle,
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a watch's event comes to.
pub(super) struct Told {
    pub uid: String,
    pub change: Change,
    pub object: Arc<Object>,
}

impl Feed {
    /// Starts a watch; `None`: the cluster does not have the kind.
    pub(super) fn start(
        key: &FeedKey,
        cluster: &Cluster,
        kinds: Option<&Kinds>,
        serial: u64,
        sender: &mpsc::Sender<Message>,
    ) -> Option<Self> {
        let kind = key.kind.kind(kinds)?;
        let scope = Scope::Namespace(key.namespace.to_string());
        let (feed, sender, watched) = (key.clone(), sender.clone(), cluster.clone());
        let task = tokio::spawn(async move {
            let options = WatchOptions::default();
            let mut events = std::pin::pin!(watch::<Slim>(&watched, &kind, &scope, &feed.kind.selectors(), options));
            while let Some(event) = events.next().await {
                if is_of_no_use(&event) {
                    continue;
                }
                if sender.send(Message::Feed { feed: feed.clone(), serial, event }).await.is_err() {
                    return;
                }
            }
        });
        Some(Self {
            cluster: cluster.clone(),
            users: HashSet::new(),
            objects: HashMap::new(),
            serial,
            last_live: None,
            is_live: false,
            is_settled: false,
            list: 0,
            task: task.abort_handle(),
        })
    }

    pub(super) fn begin_list(&mut self) {
        self.list += 1;
    }

    /// Takes in an object; `None` if it is known as it is.
    pub(super) fn put(&mut self, object: &Arc<Object>, change: Change, at: Timestamp) -> Option<Told> {
        let uid = object.uid().to_owned();
        if uid.is_empty() {
            return None;
        }
        let version = |object: &Object| object.at(&["metadata", "resourceVersion"]).cloned();
        if change == Change::Deleted {
            self.objects.remove(&uid);
            return Some(Told { uid, change, object: Arc::clone(object) });
        }
        let list = self.list;
        match self.objects.get_mut(&uid) {
            Some(known) if version(&known.object) == version(object) => {
                known.list = list;
                return None;
            }
            Some(known) => known.put(Arc::clone(object), change, at, list),
            None => drop(self.objects.insert(uid.clone(), Stored::new(Arc::clone(object), change, at, list))),
        }
        Some(Told { uid, change, object: Arc::clone(object) })
    }

    /// An object is there, though it cannot be read: what is known of it stays as it was.
    pub(super) fn touch(&mut self, namespace: &str, name: &str) {
        let list = self.list;
        let is_it = |stored: &&mut Stored| (stored.object.namespace(), stored.object.name()) == (namespace, name);
        if let Some(known) = self.objects.values_mut().find(is_it) {
            known.list = list;
        }
    }

    /// The list is complete: what did not come again is gone.
    pub(super) fn end_list(&mut self) -> Vec<Told> {
        let gone: Vec<String> =
            self.objects.iter().filter(|(_, stored)| stored.list != self.list).map(|(uid, _)| uid.clone()).collect();
        gone.into_iter()
            .filter_map(|uid| {
                let stored = self.objects.remove(&uid)?;
                Some(Told { uid, change: Change::Deleted, object: stored.object })
            })
            .collect()
    }
}

/// Pods of ordinary workloads are most of the pods of a cluster, and no hook's.
fn is_of_no_use(event: &WatchEvent<Slim>) -> bool {
    let (WatchEvent::Item(Slim(object)) | WatchEvent::Applied(Slim(object)) | WatchEvent::Deleted(Slim(object))) =
        event
    else {
        return false;
    };
    object.kind() == "Pod" && owner(object).is_some_and(|(kind, _)| !matches!(kind, "Job" | "Workflow"))
}

/// Kind and UID of the controller that owns an object.
pub(super) fn owner(object: &Object) -> Option<(&str, &str)> {
    let owners = object.at(&["metadata", "ownerReferences"])?.as_array()?;
    let is_controller =
        |owner: &&serde_json::Value| owner.get("controller").and_then(serde_json::Value::as_bool) == Some(true);
    let owner = owners.iter().find(is_controller).or_else(|| owners.first())?;
    Some((owner.get("kind")?.as_str()?, owner.get("uid")?.as_str()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pod whose status says this.
    fn pod(version: i64, status: i64) -> Arc<Object> {
        let json = serde_json::json!({ "apiVersion": "v1", "kind": "Pod", "status": { "message": status.to_string() },
            "metadata": { "uid": "u", "resourceVersion": version.to_string() } });
        Arc::new(Object::from_json(json).unwrap())
    }

    #[test]
    fn a_change_keeps_its_date_where_only_what_means_nothing_is_forgotten() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let mut stored = Stored::new(pod(0, 0), Change::Applied, at(0), 1);
        for second in 1..30 {
            stored.put(pod(second, 0), Change::Applied, at(second), 1);
        }
        stored.put(pod(30, 1), Change::Applied, at(30), 1);
        let last = |stored: &Stored| stored.states().last().map(|(change, at, _)| (*change, at.as_second()));
        assert_eq!(last(&stored), Some((Change::Applied, 30)));
        // That it came to be so at 30 is forgotten with the state that said so.
        stored.put(pod(31, 1), Change::Applied, at(31), 1);
        assert_eq!(last(&stored), Some((Change::Listed, 31)));
    }

    #[test]
    fn what_is_told_later_is_dated_as_it_was_seen_and_never_better() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let mut stored = Stored::new(pod(0, 0), Change::Applied, at(0), 1);
        for second in 1..30 {
            stored.put(pod(second, second), Change::Applied, at(second), 1);
        }
        let states: Vec<_> = stored.states().map(|(change, at, _)| (*change, at.as_second())).collect();
        assert_eq!(states.len(), STATES);
        assert_eq!(states.first(), Some(&(Change::Applied, 0)), "its creation was seen");
        assert_eq!(states.get(STATES - 2), Some(&(Change::Applied, 8)));
        assert_eq!(states.last(), Some(&(Change::Listed, 29)), "what came between is forgotten: it is only found so");
        assert_eq!(stored.object.at(&["metadata", "resourceVersion"]).unwrap(), "29");
    }

    #[tokio::test]
    async fn what_cannot_be_read_any_more_is_not_gone() {
        use crate::cluster::{Credential, Target, connect};
        let credential = Box::new(Credential::default());
        let target = Target::Server { name: "c".to_owned(), server: "http://127.0.0.1:1".to_owned(), credential };
        let cluster = connect(&target, &crate::clock::Clock::real(), "test").await.unwrap();
        let mut feed = Feed {
            cluster,
            users: HashSet::new(),
            objects: HashMap::new(),
            serial: 0,
            last_live: None,
            is_live: false,
            is_settled: false,
            list: 0,
            task: tokio::spawn(async {}).abort_handle(),
        };
        feed.begin_list();
        for name in ["unreadable", "gone"] {
            let json = serde_json::json!({ "apiVersion": "batch/v1", "kind": "Job",
                "metadata": { "name": name, "namespace": "shop", "uid": name } });
            let job = Arc::new(Object::from_json(json).unwrap());
            assert!(feed.put(&job, Change::Listed, Timestamp::UNIX_EPOCH).is_some());
        }
        assert!(feed.end_list().is_empty());
        feed.begin_list();
        feed.touch("shop", "unreadable");
        feed.touch("another", "gone");
        let gone: Vec<_> = feed.end_list().into_iter().map(|told| told.uid).collect();
        assert_eq!(gone, ["gone"]);
    }
}
