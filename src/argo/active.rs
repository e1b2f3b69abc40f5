//! One application that is open, or whose operation runs: what is known of it beyond its row in the list.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::destinations::{DestinationRef, Secrets};
use super::feeds::{FeedKey, FeedKind, Stored, owner};
use crate::cluster::{Cluster, Kinds};
use crate::domain::application::{AppKey, Application};
use crate::domain::live::{Review, Revisions};
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::names;
use crate::domain::project::Decision;
use crate::domain::request::Controller;
use crate::domain::timeline::Timeline;
use crate::domain::tracking::TrackingId;

/// Where the hooks are.
#[derive(Clone, Default)]
pub(super) enum Destination {
    /// Not asked for yet.
    #[default]
    Unasked,
    /// Being found out.
    Asked,
    Known(Cluster, Arc<Kinds>),
    None,
}

/// What an Application is to what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is taken in.
    New,
    /// It is what is known.
    Known,
    /// It is older than what is known, so it seems.
    Older,
}

/// What was known of an application when the cluster was asked for it: its answer may have been overtaken by what a watch
/// told meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Asked {
    version: Option<u64>,
    /// As [`Active::news`]; 0: it was not looked at.
    news: u64,
}

/// One application that is looked at.
///
/// What its objects are told by rests on this: whatever was told belongs to it (`told` is a part of `uids`, but for
/// Events), and whatever its feeds know and belongs to it was told. So where something new belongs to it, or a feed is
/// joined, the feeds are looked through once more; and where it is not known any more what belongs to it, nothing counts as
/// told.
pub(super) struct Active {
    pub key: AppKey,
    /// How often it is open.
    pub open: u32,
    /// Whether its operation is requested, runs, or has only just ended.
    pub running: bool,
    /// When it is let go, in the clock's monotonic time, although its operation is over.
    pub linger_until: Option<Duration>,
    pub timeline: Timeline,
    pub application: Option<Arc<Application>>,
    pub object: Option<Arc<Object>>,
    /// It was looked for and does not exist.
    pub is_missing: bool,
    version: Option<u64>,
    /// Another number whenever it is known to be another, or to be gone.
    news: u64,
    pub wanted: DestinationRef,
    pub destination: Destination,
    pub feeds: HashSet<FeedKey>,
    /// UIDs of its objects.
    uids: HashSet<String>,
    /// UIDs of what was told.
    pub told: HashSet<String>,
    /// Objects that its operation or its status names.
    named: HashSet<ObjectKey>,
    /// Names of its hooks: re-runs name them.
    hooks: HashSet<String>,
    pub told_windows: Option<Decision>,
    pub told_controller: Option<Controller>,
    /// Begin of the last operation that is written down as over, with its retries.
    pub recorded: Option<(Timestamp, i64)>,
    pub revisions: Option<Arc<Revisions>>,
    pub review: Option<Arc<Review>>,
    /// Reviews that were asked for and wait until the application and its destination are known; of each the revisions.
    pub asked_reviews: Vec<Vec<String>>,
    /// What the last look into Git was about; a change of it needs another look.
    pub looked_at: Option<Vec<String>>,
    /// Objects that are to be read as soon as the destination is known.
    pub early_objects: Vec<(ObjectKey, super::hub_objects::Reply)>,
    /// Events about it that were told.
    pub events: HashMap<String, i64>,
}

impl Active {
    /// `news`: a number that nothing else was given.
    pub(super) fn new(key: AppKey, news: u64) -> Self {
        let timeline = Timeline::new(key.namespace.to_string(), key.name.to_string());
        Self {
            key,
            open: 0,
            running: false,
            linger_until: None,
            timeline,
            application: None,
            object: None,
            is_missing: false,
            version: None,
            news,
            wanted: DestinationRef::default(),
            destination: Destination::default(),
            feeds: HashSet::new(),
            uids: HashSet::new(),
            told: HashSet::new(),
            named: HashSet::new(),
            hooks: HashSet::new(),
            told_windows: None,
            told_controller: None,
            recorded: None,
            revisions: None,
            review: None,
            asked_reviews: Vec::new(),
            looked_at: None,
            early_objects: Vec::new(),
            events: HashMap::new(),
        }
    }

    /// What is known of it, for who asks the cluster for it.
    pub(super) fn asked(&self) -> Asked {
        Asked { version: self.version, news: self.news }
    }

    /// Whether an answer of the cluster was overtaken: what a watch told since it was asked may be newer, and nothing in the
    /// answer says which of the two is. `uid`: of the application in the answer; `None`: there is none.
    pub(super) fn has_overtaken(&self, asked: Asked, uid: Option<&str>) -> bool {
        let known = self.application.as_ref().map(|known| known.metadata.uid.as_str());
        let is_known = known.is_some() || self.is_missing;
        // Of one and the same, versions tell.
        asked.news != self.news && is_known && known != uid
    }

    /// It is known to be gone.
    pub(super) fn forget(&mut self, news: u64) -> Option<Arc<Object>> {
        self.news = news;
        self.is_missing = true;
        self.application = None;
        self.running = false;
        // A reader forgets what it knows: should it come again, all there is of it is told again.
        self.told.clear();
        self.events.clear();
        self.told_controller = None;
        self.told_windows = None;
        self.object.take()
    }

    /// Takes in the Application, unless it is an older one than is known. `asked` is what was known when the cluster was
    /// asked for it as it is now: an answer that is older than that is true nevertheless, because versions go back where a
    /// backup of the cluster was restored.
    pub(super) fn take(
        &mut self,
        application: Arc<Application>,
        object: Arc<Object>,
        secrets: Secrets,
        asked: Option<Asked>,
        news: u64,
    ) -> Taken {
        let version = application.metadata.resource_version.parse::<u64>().ok();
        let same = self.application.as_ref().is_some_and(|known| known.metadata.uid == application.metadata.uid);
        // Also what is not the same any more has a version to compare: all objects are counted together.
        if let (Some(_), Some(new), Some(known)) = (&self.application, version, self.version) {
            match new.cmp(&known) {
                Ordering::Equal if same => return Taken::Known,
                Ordering::Less if asked.and_then(|asked| asked.version) != Some(known) => return Taken::Older,
                Ordering::Equal | Ordering::Less | Ordering::Greater => {}
            }
        }
        if !same {
            self.uids.clear();
            // Else what is told by its owner would be lost: that the owner was told does not say whose it is.
            self.told.clear();
            self.named.clear();
            self.hooks.clear();
        }
        self.version = version;
        self.news = news;
        self.is_missing = false;
        let destination = &application.spec.destination;
        self.wanted = DestinationRef { secrets, name: destination.name.clone(), server: destination.server.clone() };
        if let Some(result) = application.status.operation_state.as_ref().and_then(|state| state.sync_result.as_ref()) {
            for task in &result.resources {
                if task.hook_type.is_some() {
                    self.hooks.insert(task.key.name.clone());
                }
                self.named.insert(task.key.clone());
            }
        }
        for resource in application.status.resources.iter().filter(|resource| resource.hook) {
            self.hooks.insert(resource.name.clone());
            self.named.insert(ObjectKey::new(
                resource.group.as_str(),
                resource.kind.as_str(),
                resource.namespace.as_str(),
                resource.name.as_str(),
            ));
        }
        self.application = Some(application);
        self.object = Some(object);
        Taken::New
    }

    /// The namespaces and kinds in which its objects are looked for.
    pub(super) fn wanted_feeds(&self) -> HashSet<FeedKey> {
        let (Destination::Known(cluster, _), Some(application)) = (&self.destination, &self.application) else {
            return HashSet::new();
        };
        let server: Arc<str> = Arc::from(cluster.server());
        let mut wanted = HashSet::new();
        let mut want = |namespace: &str, kind: FeedKind| {
            if !namespace.is_empty() {
                wanted.insert(FeedKey { server: Arc::clone(&server), namespace: Arc::from(namespace), kind });
            }
        };
        let hooks = [FeedKind::Jobs, FeedKind::Pods, FeedKind::Workflows, FeedKind::Warnings];
        for kind in hooks {
            want(&application.spec.destination.namespace, kind);
        }
        for key in &self.named {
            let is_hook = matches!((key.group.as_str(), key.kind.as_str()), ("batch", "Job") | ("", "Pod"))
                || key.kind == "Workflow";
            if is_hook {
                for kind in hooks {
                    want(&key.namespace, kind);
                }
            } else if let Some(kind) = FeedKind::of_workload(&key.group, &key.kind) {
                want(&key.namespace, kind);
            }
        }
        wanted
    }

    /// Whether its operation or its status names a Workflow: then the cluster has the kind.
    pub(super) fn names_workflow(&self) -> bool {
        self.named.iter().any(|key| key.kind == "Workflow")
    }

    /// Whether an object has a part in its operation.
    pub(super) fn belongs(&mut self, object: &Object) -> bool {
        if object.kind() == "Event" {
            let about = object.at(&["involvedObject", "uid"]).and_then(serde_json::Value::as_str);
            return about.is_some_and(|uid| self.uids.contains(uid));
        }
        let uid = object.uid();
        if self.uids.contains(uid) {
            return true;
        }
        if object.kind() == "Pod"
            && let Some((_, owner)) = owner(object)
        {
            let is_own = self.uids.contains(owner);
            if is_own {
                self.uids.insert(uid.to_owned());
            }
            return is_own;
        }
        let is_own = if let Some(of) = object.annotation(names::BOATHOOK_RERUN_OF) {
            self.hooks.contains(of)
        } else if let Some(id) = TrackingId::of_object(object) {
            self.is_instance(&id.instance) || self.named.contains(&object.key())
        } else {
            object.label(names::INSTANCE_LABEL).is_some_and(|instance| self.is_instance(instance))
                || self.named.contains(&object.key())
        };
        if is_own {
            self.uids.insert(uid.to_owned());
            if matches!(object.kind(), "Job" | "Workflow" | "Pod") {
                self.hooks.insert(object.name().to_owned());
            }
        }
        is_own
    }

    fn is_instance(&self, instance: &str) -> bool {
        *instance == *self.key.name
            || instance
                .split_once('_')
                .is_some_and(|(namespace, name)| *namespace == *self.key.namespace && *name == *self.key.name)
    }

    /// What of a feed belongs to it and was not told yet; owners before what they own.
    pub(super) fn untold<'a>(&mut self, stored: &(impl Iterator<Item = &'a Stored> + Clone)) -> Vec<&'a Stored> {
        let mut untold = Vec::new();
        loop {
            let before = untold.len();
            for entry in stored.clone() {
                if !self.told.contains(entry.object.uid()) && self.belongs(&entry.object) {
                    self.told.insert(entry.object.uid().to_owned());
                    untold.push(entry);
                }
            }
            if untold.len() == before {
                return untold;
            }
        }
    }

    /// Whether its operation is requested or not over, or it is being deleted: a deletion runs hooks too, and may wait
    /// for a person.
    pub(super) fn has_operation(&self) -> bool {
        self.application.as_ref().is_some_and(|application| {
            let is_deleted = application.metadata.deletion_timestamp.is_some();
            is_deleted || (!application.is_done() && !application.has_ghost_operation())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(uid: &str, version: u64) -> (Arc<Application>, Arc<Object>) {
        let json = serde_json::json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": { "name": "a", "namespace": "argocd", "uid": uid, "resourceVersion": version.to_string() } });
        let object = Arc::new(Object::from_json(json).unwrap());
        (Arc::new(Application::read("c", &object).0), object)
    }

    fn take(active: &mut Active, uid: &str, version: u64, asked: Option<Asked>, news: u64) -> Taken {
        let (application, object) = application(uid, version);
        active.take(application, object, Secrets::default(), asked, news)
    }

    #[test]
    fn an_answer_counts_unless_something_was_told_since_that_it_contradicts() {
        let mut active = Active::new(AppKey::new("c", "argocd", "a"), 1);
        let unknown = active.asked();
        assert!(!active.has_overtaken(unknown, None), "nothing was told");
        // It was made after the cluster had answered.
        assert_eq!(take(&mut active, "one", 5, None, 2), Taken::New);
        assert!(active.has_overtaken(unknown, None));
        assert!(!active.has_overtaken(unknown, Some("one")), "versions tell");
        assert!(active.has_overtaken(unknown, Some("before")));
        let known = active.asked();
        assert!(!active.has_overtaken(known, None), "it went since");
        assert!(!active.has_overtaken(known, Some("two")), "another came since");
        // It went after the cluster had answered.
        assert!(active.forget(3).is_some());
        assert!(active.has_overtaken(known, Some("one")));
        assert!(!active.has_overtaken(known, None), "so says the answer");
        assert!(!active.has_overtaken(active.asked(), Some("two")));
    }

    #[test]
    fn versions_go_back_only_where_the_cluster_says_so_as_it_is() {
        let mut active = Active::new(AppKey::new("c", "argocd", "a"), 1);
        assert_eq!(take(&mut active, "one", 50, None, 2), Taken::New);
        assert_eq!(take(&mut active, "one", 50, None, 3), Taken::Known);
        for uid in ["one", "before"] {
            assert_eq!(take(&mut active, uid, 40, None, 4), Taken::Older, "a watch that is behind");
        }
        let asked = active.asked();
        assert_eq!(take(&mut active, "one", 60, None, 5), Taken::New);
        assert_eq!(take(&mut active, "one", 55, Some(asked), 6), Taken::Older, "it was asked before that");
        let asked = active.asked();
        assert_eq!(take(&mut active, "one", 20, Some(asked), 7), Taken::New, "a backup was restored");
    }

    #[test]
    fn nothing_was_told_of_an_application_that_is_another_now() {
        let job = Object::from_json(serde_json::json!({ "apiVersion": "batch/v1", "kind": "Job",
            "metadata": { "name": "j", "namespace": "shop", "uid": "j", "labels": { names::INSTANCE_LABEL: "a" } } }))
        .unwrap();
        let pod = Object::from_json(serde_json::json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p",
            "namespace": "shop", "uid": "p", "ownerReferences": [{ "kind": "Job", "uid": "j", "controller": true }] } }))
        .unwrap();
        let mut active = Active::new(AppKey::new("c", "argocd", "a"), 1);
        take(&mut active, "one", 5, None, 2);
        assert!(active.belongs(&job) && active.told.insert("j".to_owned()));
        take(&mut active, "two", 6, None, 3);
        assert!(!active.told.contains("j"), "else its pods would be nobody's");
        assert!(!active.belongs(&pod) && active.belongs(&job) && active.belongs(&pod));
    }
}
