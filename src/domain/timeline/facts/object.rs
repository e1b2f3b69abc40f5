//! What is remembered of any object: who it is, whose it is, since when, and until when.

use std::sync::Arc;

use jiff::Timestamp;

use super::{JobFacts, PodFacts, WorkflowFacts};
use crate::domain::event::Change;
use crate::domain::hook::{DeletePhase, classify, wave};
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::names;
use crate::domain::timeline::elapsed::Moment;
use crate::domain::timeline::task::TaskPhase;
use crate::domain::timeline::view::PodState;
use crate::domain::tracking::TrackingId;

/// An object, identified by its UID.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::domain::timeline) struct ObjectFacts {
    pub uid: String,
    pub key: ObjectKey,
    /// `generateName` of a hook that was created with one.
    pub generate_name: String,
    /// The `resourceVersion` last seen, where it is a number.
    version: Option<u64>,
    /// The first one, which orders objects created in the same second.
    pub first_version: Option<u64>,
    /// Its creation.
    pub created: Moment,
    /// A deletion was asked for.
    pub deleting: bool,
    /// Its deletion, as we saw it.
    pub gone: Moment,
    /// Phases it is a hook of.
    pub phases: Vec<TaskPhase>,
    /// Its wave.
    pub wave: i64,
    /// Instance name of the Application it says it belongs to; empty if it says none.
    pub instance: String,
    /// `startedAt` and `retryCount` of the operation that the engine created it for.
    pub operation: Option<(Timestamp, i64)>,
    /// A copy of a hook, run outside any operation.
    pub rerun: Option<RerunFacts>,
    /// The object itself as last seen, to explain why it has not ended well; `None` once it did and is gone.
    pub object: Option<Arc<Object>>,
    /// What its kind adds.
    pub body: Body,
}

/// What a hook that was run again by hand says of itself.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::domain::timeline) struct RerunFacts {
    /// The object it is a copy of.
    pub of: String,
    /// Who asked.
    pub by: String,
    /// The reason given.
    pub why: String,
}

/// What the kind of an object adds.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::domain::timeline) enum Body {
    Job(Box<JobFacts>),
    Pod(Box<PodFacts>),
    Workflow(Box<WorkflowFacts>),
    Other,
}

impl ObjectFacts {
    /// The facts of an object that was not known before.
    pub(crate) fn new(object: &Arc<Object>, at: Timestamp, change: Change) -> Self {
        // What is first seen in its deletion is not seen to begin.
        let live = change == Change::Applied;
        let classification = classify(object);
        let mut phases: Vec<TaskPhase> = Vec::new();
        if let Some(hook) = classification.hook() {
            phases.extend(hook.sync.iter().map(|derived| TaskPhase::from(derived.phase)));
            phases.extend(hook.delete.iter().map(|derived| match derived.phase {
                DeletePhase::PreDelete => TaskPhase::PreDelete,
                DeletePhase::PostDelete => TaskPhase::PostDelete,
            }));
        }
        let body = match (object.group(), object.kind()) {
            ("batch", "Job") => Body::Job(Box::new(JobFacts::new(object, at, live))),
            ("", "Pod") => Body::Pod(Box::new(PodFacts::new(object, at, live))),
            ("argoproj.io", "Workflow") => Body::Workflow(Box::new(WorkflowFacts::new(object, at, live))),
            _ => Body::Other,
        };
        let version = version(object);
        let mut facts = Self {
            uid: object.uid().to_owned(),
            key: object.key(),
            generate_name: object.generate_name().to_owned(),
            version,
            first_version: version,
            created: Moment::seen(at, live).with_record(created(object)),
            deleting: object.is_deleting(),
            gone: Moment::default(),
            phases,
            wave: wave(object),
            instance: instance(object),
            operation: object.annotation(names::BOATHOOK_OPERATION).and_then(operation),
            rerun: rerun(object),
            object: Some(Arc::clone(object)),
            body,
        };
        facts.note_deletion(at, change);
        facts
    }

    /// Takes in an event about it; `false` if there was nothing new in it.
    pub(crate) fn update(&mut self, object: &Arc<Object>, at: Timestamp, change: Change) -> bool {
        if self.is_gone() {
            // A UID never comes back.
            return false;
        }
        let version = version(object);
        let is_old = matches!((version, self.version), (Some(new), Some(known)) if new <= known);
        if is_old && change != Change::Deleted {
            return false;
        }
        if !is_old {
            self.version = version.or(self.version);
            self.deleting |= object.is_deleting();
            self.object = Some(Arc::clone(object));
            let live = change != Change::Listed;
            match &mut self.body {
                Body::Job(job) => job.update(object, at, live),
                Body::Pod(pod) => pod.update(object, at, live),
                Body::Workflow(workflow) => workflow.update(object, at, live),
                Body::Other => {}
            }
        }
        self.note_deletion(at, change);
        true
    }

    fn note_deletion(&mut self, at: Timestamp, change: Change) {
        if change == Change::Deleted {
            self.gone = Moment::observed(at);
            if self.has_succeeded() {
                self.object = None;
            }
        }
    }

    fn has_succeeded(&self) -> bool {
        match &self.body {
            Body::Job(job) => job.end.as_ref().is_some_and(|end| end.succeeded),
            Body::Pod(pod) => pod.state == PodState::Succeeded,
            Body::Workflow(workflow) => workflow.succeeded == Some(true),
            Body::Other => true,
        }
    }

    /// Whether it is known to exist no more.
    pub(crate) fn is_gone(&self) -> bool {
        !self.gone.is_unknown()
    }

    /// Objects in the order of their creation.
    pub(crate) fn order(&self) -> (Option<Timestamp>, Option<u64>, String) {
        (self.created.time(), self.first_version, self.uid.clone())
    }

    /// The pod in it, if it is one.
    pub(crate) fn pod(&self) -> Option<&PodFacts> {
        match &self.body {
            Body::Pod(pod) => Some(pod),
            _ => None,
        }
    }
}

fn version(object: &Object) -> Option<u64> {
    object.at(&["metadata", "resourceVersion"])?.as_str()?.parse().ok()
}

fn created(object: &Object) -> Option<Timestamp> {
    object.at(&["metadata", "creationTimestamp"])?.as_str()?.parse().ok()
}

fn instance(object: &Object) -> String {
    let tracked = TrackingId::of_object(object).filter(|id| id.is_for(&object.key())).map(|id| id.instance);
    tracked.or_else(|| object.label(names::INSTANCE_LABEL).map(str::to_owned)).unwrap_or_default()
}

/// The value of `boathook.dev/operation`: `<startedAt>/<retryCount>`.
fn operation(value: &str) -> Option<(Timestamp, i64)> {
    let (started_at, retry_count) = value.rsplit_once('/')?;
    Some((started_at.parse().ok()?, retry_count.parse().ok()?))
}

fn rerun(object: &Object) -> Option<RerunFacts> {
    let of = object.annotation(names::BOATHOOK_RERUN_OF)?.to_owned();
    let text = |name| super::json::clip_message(object.annotation(name).unwrap_or_default());
    Some(RerunFacts { of, by: text(names::BOATHOOK_RERUN_BY), why: text(names::BOATHOOK_RERUN_WHY) })
}
