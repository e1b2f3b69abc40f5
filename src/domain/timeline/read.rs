//! The read side: facts into a view of one operation.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::assign;
use super::elapsed::Moment;
use super::facts::{ObjectFacts, OperationFacts};
use super::fold::Timeline;
use super::phase;
use super::run::Run;
use super::state;
use super::task::{TaskPhase, TaskState};
use super::tasks::{Draft, Drafts};
use super::view::{AttemptView, OperationStatus, OperationView, Predecessor, TaskView};
use crate::domain::health::waiting::{Evidence, Reason, ReasonKind, reasons};
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::operation::OperationPhase;

/// An operation as it looks at `now`. `next` is the operation after it, if it is a former one.
pub(super) fn view(
    timeline: &Timeline,
    operation: Option<&OperationFacts>,
    next: Option<&OperationFacts>,
    now: Timestamp,
) -> OperationView {
    let objects = Objects::of(timeline, operation, next);
    let drafts = Drafts::collect(timeline, operation, next.is_none(), &objects.own);
    let reader = Reader { timeline, operation, runs: objects.runs(), objects, drafts, now };
    let tasks = reader.drafts.tasks.iter().map(|draft| (draft.wave, reader.task(draft))).collect();
    let has_plan = next.is_none() && !timeline.plan.is_empty();
    let mut view = header(operation, now);
    view.phases = phase::group(tasks, operation, has_plan, now);
    view
}

/// The objects that may have a part in an operation.
struct Objects<'a> {
    /// Created in it, in the order of their creation.
    own: Vec<&'a ObjectFacts>,
    /// Of their name, and there before it.
    before: HashMap<&'a ObjectKey, &'a ObjectFacts>,
    /// Run again by hand since it began.
    reruns: Vec<&'a ObjectFacts>,
    /// Pods by the UID of their owner, in the order of their creation.
    pods: HashMap<&'a str, Vec<&'a ObjectFacts>>,
}

/// Runs by the name of their object, judged once.
type Runs<'a> = HashMap<&'a ObjectKey, Vec<Run<'a>>>;

impl<'a> Objects<'a> {
    fn of(timeline: &'a Timeline, operation: Option<&OperationFacts>, next: Option<&OperationFacts>) -> Self {
        let mut all: Vec<&ObjectFacts> = timeline.objects.values().collect();
        all.sort_by_cached_key(|object| object.order());
        let mut objects = Self { own: Vec::new(), before: HashMap::new(), reruns: Vec::new(), pods: HashMap::new() };
        for object in all {
            let belongs = || operation.is_some_and(|operation| assign::belongs(object, operation, next));
            if let Some(pod) = object.pod().filter(|pod| !pod.owner.is_empty()) {
                objects.pods.entry(&pod.owner).or_default().push(object);
            } else if object.rerun.is_some() {
                if belongs() {
                    objects.reruns.push(object);
                }
            } else if belongs() {
                objects.own.push(object);
            } else if !object.is_gone() {
                objects.before.insert(&object.key, object);
            }
        }
        objects
    }

    fn run(&self, object: &'a ObjectFacts) -> Run<'a> {
        let pods = self.pods.get(object.uid.as_str()).map(Vec::as_slice).unwrap_or_default();
        Run::of(object, pods)
    }

    fn runs(&self) -> Runs<'a> {
        let mut runs: Runs<'a> = HashMap::new();
        for object in &self.own {
            runs.entry(&object.key).or_default().push(self.run(object));
        }
        runs
    }
}

struct Reader<'a> {
    timeline: &'a Timeline,
    operation: Option<&'a OperationFacts>,
    objects: Objects<'a>,
    drafts: Drafts<'a>,
    runs: Runs<'a>,
    now: Timestamp,
}

impl Reader<'_> {
    fn task(&self, draft: &Draft<'_>) -> TaskView {
        let key = &draft.key.object;
        let bare = ObjectKey { namespace: String::new(), ..key.clone() };
        let runs = self.runs.get(key).or_else(|| self.runs.get(&bare)).map(Vec::as_slice).unwrap_or_default();
        let before = self.objects.before.get(key).or_else(|| self.objects.before.get(&bare)).copied();
        let mut attempts: Vec<(i64, &Run<'_>)> = Vec::new();
        if let Some(operation) = self.operation {
            let assigned = assign::by_phase(runs, &self.phases_of(key), operation);
            let own = assigned.into_iter().filter(|((_, phase), _)| *phase == draft.key.phase);
            attempts.extend(own.flat_map(|((number, _), runs)| runs.into_iter().map(move |run| (number, run))));
        }
        let current = self.operation.map(OperationFacts::current);
        let run = attempts.iter().rfind(|(number, _)| Some(*number) == current).map(|(_, run)| *run);
        let predecessor = before.filter(|_| draft.is_hook);
        // What has to go before this one can be created: of an earlier operation, or of an earlier attempt.
        let earlier = attempts.last().map(|(_, run)| run.object).filter(|object| run.is_none() && !object.is_gone());
        let blocker = predecessor.or(earlier).filter(|object| object.deleting);
        let judgement = state::judge(draft, run, self.operation, blocker.is_some());
        let state = judgement.state.unwrap_or(TaskState::Unknown);
        let end = if state.is_active() { Moment::observed(self.now) } else { judgement.ended };
        // Of an ordinary resource only what runs to an end has runs worth showing.
        let shown = attempts.iter().filter(|(_, run)| draft.is_hook || run.state.is_some());
        TaskView {
            key: draft.key.clone(),
            is_hook: draft.is_hook,
            state,
            started: judgement.started,
            ended: judgement.ended,
            elapsed: judgement.started.until(end),
            message: judgement.message,
            reasons: self.reasons(state, draft.is_hook, run, if draft.is_hook { blocker } else { before }),
            exit: judgement.exit,
            progress: run.and_then(|run| run.progress),
            is_recorded: judgement.is_recorded,
            predecessor: predecessor.map(|object| Predecessor { uid: object.uid.clone(), deleting: object.deleting }),
            attempts: shown.map(|(number, run)| run.view(Some(number + 1), self.now)).collect(),
            reruns: if draft.is_hook { self.reruns_of(key) } else { Vec::new() },
        }
    }

    /// What is said about a task that is under way or went wrong: by its run, or else by another object: the live one of
    /// a resource, or the one that has to go before a hook can be created.
    fn reasons(
        &self,
        state: TaskState,
        is_hook: bool,
        run: Option<&Run<'_>>,
        other: Option<&ObjectFacts>,
    ) -> Vec<Reason> {
        if !state.is_active() && !state.is_bad() && state != TaskState::Unknown {
            return Vec::new();
        }
        if let Some(run) = run {
            let mut reasons = run.reasons(&self.timeline.told, self.now);
            // What it waited for, also for its own end, is past.
            reasons.retain(|reason| !state.is_bad() || reason.kind.is_failure());
            return reasons;
        }
        let Some(object) = other.and_then(|other| other.object.as_deref()) else { return Vec::new() };
        let events: Vec<&Object> = self.timeline.told.about(object.uid()).collect();
        let mut reasons = reasons(&Evidence { events: &events, ..Evidence::of(object, self.now) });
        if is_hook {
            // How it ended is another story.
            let holds = |kind: ReasonKind| matches!(kind, ReasonKind::Deleting | ReasonKind::HeldByFinalizer);
            reasons.retain(|reason| !state.is_bad() && holds(reason.kind));
        }
        reasons
    }

    fn phases_of(&self, key: &ObjectKey) -> Vec<TaskPhase> {
        let positions = self.drafts.of_object(key);
        positions.into_iter().filter_map(|position| Some(self.drafts.tasks.get(position)?.key.phase)).collect()
    }

    fn reruns_of(&self, key: &ObjectKey) -> Vec<AttemptView> {
        let is_of = |object: &&&ObjectFacts| {
            let of = object.rerun.as_ref().map_or("", |rerun| rerun.of.as_str());
            let name = of.rsplit('/').next().unwrap_or_default();
            name == key.name && object.key.kind == key.kind && object.key.namespace == key.namespace
        };
        let own = self.objects.reruns.iter().filter(is_of);
        own.map(|object| self.objects.run(object).view(None, self.now)).collect()
    }
}

/// What there is to say of the operation itself.
fn header(operation: Option<&OperationFacts>, now: Timestamp) -> OperationView {
    let Some(operation) = operation else {
        return OperationView {
            state: OperationStatus::None,
            phase: None,
            message: String::new(),
            started_at: None,
            finished_at: None,
            elapsed: None,
            attempt: 1,
            attempts: None,
            request: Arc::default(),
            revisions: Vec::new(),
            joined_late: false,
            is_ghost: false,
            phases: Vec::new(),
        };
    };
    let request = &operation.request;
    let status = status(operation);
    let started = match operation.started_at {
        Some(started_at) => Moment::recorded(started_at),
        None => Moment::seen(operation.first_seen, operation.seen_from_start),
    };
    let ended = match operation.finished_at {
        Some(finished_at) if status.is_over() => Moment::recorded(finished_at),
        _ => Moment::observed(now),
    };
    let mut revisions = operation.revisions.clone();
    if let Some(sync) = request.sync.as_ref().filter(|_| revisions.is_empty()) {
        revisions.clone_from(&sync.revisions);
        revisions.extend((revisions.is_empty() && !sync.revision.is_empty()).then(|| sync.revision.clone()));
    }
    OperationView {
        state: status,
        phase: operation.phase,
        message: operation.message.clone(),
        started_at: operation.started_at,
        finished_at: operation.finished_at,
        elapsed: started.until(ended),
        attempt: operation.current().saturating_add(1),
        attempts: (request.retry.limit >= 0).then(|| request.retry.limit.saturating_add(1)),
        request: Arc::clone(request),
        revisions,
        joined_late: !operation.seen_from_start,
        is_ghost: operation.accepted && !operation.requested && !operation.is_over(),
        phases: Vec::new(),
    }
}

fn status(operation: &OperationFacts) -> OperationStatus {
    if !operation.accepted {
        return if operation.requested { OperationStatus::Requested } else { OperationStatus::None };
    }
    match operation.phase {
        None => OperationStatus::Unknown,
        Some(OperationPhase::Running) if operation.waits_for_retry() => OperationStatus::WaitingForRetry,
        Some(OperationPhase::Running) => OperationStatus::Running,
        Some(OperationPhase::Terminating) => OperationStatus::Terminating,
        Some(OperationPhase::Succeeded) => OperationStatus::Succeeded,
        Some(OperationPhase::Failed) => OperationStatus::Failed,
        Some(OperationPhase::Error) => OperationStatus::Error,
    }
}
