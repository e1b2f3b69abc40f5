//! All that is known of an application that is open, or whose operation runs.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::application::{AppKey, Application, says_prune};
use crate::domain::event::WatchEvent;
use crate::domain::health::Health;
use crate::domain::live::{HookAccess, KubernetesEvent, OperationRecord, Review, Revisions};
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::project::Decision;
use crate::domain::request::Controller;
use crate::domain::timeline::{
    OperationStatus, OperationView, PlannedTask, TaskKey, TaskPhase, TaskState, TaskView, Timeline,
};

/// Events of one application that are kept.
const MOST_EVENTS: usize = 500;
/// Operations that a median is made from.
const MEDIAN_OF: usize = 21;

/// An object as it was read.
#[derive(Debug, Clone)]
pub(in crate::tui) struct SeenObject {
    /// When; `None`: being read.
    pub(in crate::tui) at: Option<Timestamp>,
    /// `Ok(None)`: there is none.
    pub(in crate::tui) answer: Result<Option<Arc<Object>>, String>,
    /// Its health; `None`: its kind has none.
    pub(in crate::tui) health: Option<Health>,
}

/// What names a hook over several operations: phase, kind and name.
type HookName = (TaskPhase, String, String);

/// See the module.
#[derive(Debug)]
pub(in crate::tui) struct Details {
    pub(in crate::tui) application: Option<Arc<Application>>,
    pub(in crate::tui) object: Option<Arc<Object>>,
    timeline: Timeline,
    /// The operation as it looks now.
    pub(in crate::tui) view: OperationView,
    pub(in crate::tui) hooks: HookAccess,
    pub(in crate::tui) controller: Controller,
    pub(in crate::tui) windows: Option<Decision>,
    pub(in crate::tui) revisions: Option<Arc<Revisions>>,
    /// What a sync to the target revision would do.
    pub(in crate::tui) review: Option<Arc<Review>>,
    /// The same for the revision that the operation is at.
    operation_review: Option<Arc<Review>>,
    /// The operations that are kept, oldest first; `None`: not read yet.
    pub(in crate::tui) history: Option<Result<Vec<Arc<OperationRecord>>, String>>,
    medians: HashMap<HookName, Duration>,
    /// Kubernetes Events about the Application, by UID.
    pub(in crate::tui) events: BTreeMap<String, KubernetesEvent>,
    /// Objects that were read, one by one.
    pub(in crate::tui) objects: HashMap<ObjectKey, SeenObject>,
    /// How many screens show it.
    pub(in crate::tui) open: usize,
    /// All there is of its operation and its hooks was told once.
    pub(in crate::tui) is_settled: bool,
    has_plan: bool,
    stale: bool,
}

impl Details {
    pub(in crate::tui) fn new(key: &AppKey, now: Timestamp) -> Self {
        let timeline = Timeline::new(key.namespace.to_string(), key.name.to_string());
        let view = timeline.view(now);
        Self {
            application: None,
            object: None,
            timeline,
            view,
            hooks: HookAccess::Unknown,
            controller: Controller::Unknown,
            windows: None,
            revisions: None,
            review: None,
            operation_review: None,
            history: None,
            medians: HashMap::new(),
            events: BTreeMap::new(),
            objects: HashMap::new(),
            open: 0,
            is_settled: false,
            has_plan: false,
            stale: false,
        }
    }

    pub(in crate::tui) fn observe(&mut self, event: &WatchEvent) -> bool {
        let changed = self.timeline.observe(event);
        self.stale |= changed;
        changed
    }

    /// Takes in what a sync would do, or what the operation that runs does.
    pub(in crate::tui) fn set_review(&mut self, review: Arc<Review>) {
        if review.asked.is_empty() {
            self.review = Some(review);
        } else if !review.commits.is_empty() && review.commits == self.view.revisions {
            self.operation_review = Some(review);
        } else {
            return;
        }
        self.has_plan = false;
        self.stale = true;
    }

    /// What a sync to the target revision would do.
    pub(in crate::tui) fn target_review(&self) -> Option<&Review> {
        self.review.as_deref()
    }

    /// Whether what the operation shows has its tasks to come among it.
    pub(in crate::tui) fn has_plan(&self) -> bool {
        self.has_plan
    }

    /// What a sync would do; while an operation runs and that is not asked, what the operation does.
    pub(in crate::tui) fn any_review(&self) -> Option<&Review> {
        self.review.as_deref().or(self.operation_review.as_deref())
    }

    /// The operations that are kept, oldest first.
    pub(in crate::tui) fn records(&self) -> &[Arc<OperationRecord>] {
        self.history.as_ref().and_then(|history| history.as_deref().ok()).unwrap_or_default()
    }

    pub(in crate::tui) fn set_history(&mut self, history: Result<Vec<Arc<OperationRecord>>, String>) {
        self.history = Some(history);
        self.measure();
    }

    /// An operation was written down, perhaps once more.
    pub(in crate::tui) fn add_record(&mut self, record: Arc<OperationRecord>) {
        let Some(Ok(history)) = &mut self.history else { return };
        let name = |record: &OperationRecord| (record.started_at, record.retry_count);
        match history.iter_mut().find(|known| name(known) == name(&record)) {
            Some(known) => *known = record,
            None => history.push(record),
        }
        self.measure();
    }

    /// How long hooks took, from the operations that are kept.
    fn measure(&mut self) {
        let mut taken: HashMap<HookName, Vec<i64>> = HashMap::new();
        for record in self.records().iter().rev() {
            for task in record.tasks.iter().filter(|task| task.is_hook && task.state == TaskState::Succeeded.as_str()) {
                let phase = TaskPhase::from_name(&task.phase);
                let name = (phase, task.kind.clone(), lasting(phase, &task.name).to_owned());
                let all = taken.entry(name).or_default();
                if let Some(elapsed) = task.elapsed_ms.filter(|_| all.len() < MEDIAN_OF) {
                    all.push(elapsed);
                }
            }
        }
        self.medians = taken
            .into_iter()
            .filter_map(|(name, mut all)| {
                all.sort_unstable();
                let median = *all.get(all.len() / 2)?;
                Some((name, Duration::from_millis(u64::try_from(median).unwrap_or_default())))
            })
            .collect();
    }

    /// How long a hook took in the middle of its earlier runs.
    pub(in crate::tui) fn median(&self, key: &TaskKey) -> Option<Duration> {
        let name = lasting(key.phase, &key.object.name).to_owned();
        self.medians.get(&(key.phase, key.object.kind.clone(), name)).copied()
    }

    pub(in crate::tui) fn add_event(&mut self, event: KubernetesEvent) {
        self.events.insert(event.uid.clone(), event);
        if self.events.len() > MOST_EVENTS
            && let Some(oldest) = self.events.values().min_by_key(|event| event.at).map(|event| event.uid.clone())
        {
            self.events.remove(&oldest);
        }
    }

    /// Whether the running operation waits for a prune to be confirmed.
    pub(in crate::tui) fn waits_for_prune(&self) -> bool {
        says_prune(&self.view.message) || self.view.tasks().any(|task| says_prune(&task.message))
    }

    /// Whether something is at work, so that its times move on.
    pub(in crate::tui) fn is_running(&self) -> bool {
        let is_over = self.view.state.is_over() || self.view.state == OperationStatus::None;
        !is_over || self.view.tasks().any(|task| task.state.is_active())
    }

    /// Judges anew what was observed; `false`: there is nothing new. `tick`: time has passed.
    pub(in crate::tui) fn settle(&mut self, now: Timestamp, tick: bool) -> bool {
        let moves_on = tick && self.is_running();
        if !self.stale && !moves_on {
            return false;
        }
        self.stale = false;
        self.view = self.timeline.view(now);
        let plan = self.fitting_plan();
        if plan.is_some() != self.has_plan {
            self.has_plan = plan.is_some();
            self.timeline.set_plan(plan.unwrap_or_default());
            self.view = self.timeline.view(now);
        }
        true
    }

    /// The plan of the review, if it is about this operation, or about the one to come.
    fn fitting_plan(&self) -> Option<Vec<PlannedTask>> {
        let mut reviews = self.review.iter().chain(&self.operation_review);
        if self.view.state == OperationStatus::None {
            return reviews.next()?.tasks();
        }
        reviews.find_map(|review| review.tasks_of(&self.view))
    }

    /// The task that an operator should look at, and whether it is a fault: what failed, else what will not go on
    /// without help, else the hook that runs, else what runs at all.
    pub(in crate::tui) fn focus(&self) -> Option<&TaskView> {
        let tasks = || self.view.tasks();
        let needs_help =
            |task: &&TaskView| task.state.is_active() && task.reasons.iter().any(|reason| reason.kind.needs_help());
        // Of several that failed the first: the later ones are often its consequence, and SyncFail hooks come last.
        tasks()
            .find(|task| task.state == TaskState::Failed)
            .or_else(|| tasks().find(|task| task.state == TaskState::Stopped))
            .or_else(|| tasks().find(needs_help))
            .or_else(|| tasks().find(|task| task.is_hook && task.state == TaskState::Running))
            .or_else(|| tasks().find(|task| task.is_hook && task.state == TaskState::Waiting))
            .or_else(|| tasks().find(|task| task.state.is_active()))
            // All is over: the last hook that ran.
            .or_else(|| tasks().filter(|task| task.is_hook && task.state.is_good()).last())
    }

    /// The task of the running operation that will not go on by itself: its phase and the name of its object.
    pub(in crate::tui) fn stuck(&self) -> Option<(TaskPhase, String)> {
        let is_stuck = |task: &&TaskView| is_fault(task) && task.state.is_active();
        let task = self.view.tasks().find(is_stuck).filter(|_| self.is_running())?;
        Some((task.key.phase, task.key.object.name.clone()))
    }

    /// Whether the hooks of this task write a log that can be read.
    pub(in crate::tui) fn task(&self, key: &TaskKey) -> Option<&TaskView> {
        self.view.task(key)
    }
}

/// What of a hook's name is the same in every operation. To a `generateName` Argo CD adds the revision, the phase and the
/// second in which the operation began: `smoke-6f1c0aa-postsync-1787479200`; boathook's engine perhaps a number.
fn lasting(phase: TaskPhase, name: &str) -> &str {
    let marker = format!("-{}-", phase.as_str().to_lowercase());
    let Some((before, numbers)) = name.rsplit_once(&marker) else { return name };
    let is_made = numbers.split('-').all(|part| part.parse::<u64>().is_ok()) && numbers.len() >= 9;
    if !is_made {
        return name;
    }
    // A commit has seven digits, a version of a chart none that is certain: then what stands before its hyphen.
    let commit = before
        .len()
        .checked_sub(7)
        .filter(|at| before.get(*at..).is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())));
    let end = commit.or_else(|| before.rfind('-').map(|at| at + 1)).unwrap_or(before.len());
    before.get(..end).unwrap_or(name)
}

/// Whether somebody should look at a task.
pub(in crate::tui) fn is_fault(task: &TaskView) -> bool {
    task.state.is_bad() || (task.state.is_active() && task.reasons.iter().any(|reason| reason.kind.needs_help()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_names_of_one_hook_are_one_name() {
        for (phase, name, expected) in [
            (TaskPhase::PostSync, "smoke-6f1c0aa-postsync-1787479200", "smoke-"),
            (TaskPhase::PostSync, "smoke-9ab12cd-postsync-1787999200-2", "smoke-"),
            (TaskPhase::PostSync, "smoke6f1c0aa-postsync-1787479200", "smoke"),
            (TaskPhase::PreSync, "smoke-test-1.2.3-presync-1787479200", "smoke-test-"),
            // Before it has a name.
            (TaskPhase::PostSync, "smoke-", "smoke-"),
            // Names that somebody has given.
            (TaskPhase::PreSync, "smoke-6f1c0aa-postsync-1787479200", "smoke-6f1c0aa-postsync-1787479200"),
            (TaskPhase::PreSync, "migrate-presync-7", "migrate-presync-7"),
            (TaskPhase::PreSync, "migrate", "migrate"),
            (TaskPhase::Sync, "-sync-1787479200", ""),
        ] {
            assert_eq!(lasting(phase, name), expected, "{name}");
        }
    }
}
