//! All that is known of an application that is open, or whose operation runs.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::application::{AppKey, Application};
use crate::domain::event::WatchEvent;
use crate::domain::live::{HookAccess, Review, Revisions};
use crate::domain::manifest::Object;
use crate::domain::project::Decision;
use crate::domain::request::Controller;
use crate::domain::timeline::{OperationStatus, OperationView, PlannedTask, TaskKey, TaskState, TaskView, Timeline};

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
    /// How many screens show it.
    pub(in crate::tui) open: usize,
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
            open: 0,
            has_plan: false,
            stale: false,
        }
    }

    pub(in crate::tui) fn observe(&mut self, event: &WatchEvent) -> bool {
        let changed = self.timeline.observe(event);
        self.stale |= changed;
        changed
    }

    pub(in crate::tui) fn set_review(&mut self, review: Arc<Review>) {
        self.review = Some(review);
        self.has_plan = false;
        self.stale = true;
    }

    /// Whether something is at work, so that its times move on.
    pub(in crate::tui) fn is_running(&self) -> bool {
        let is_over = self.view.state.is_over() || self.view.state == OperationStatus::None;
        !is_over || self.view.tasks().any(|task| task.state.is_active())
    }

    /// Judges anew what was observed. `tick`: time has passed.
    pub(in crate::tui) fn settle(&mut self, now: Timestamp, tick: bool) {
        let moves_on = tick && self.is_running();
        if !self.stale && !moves_on {
            return;
        }
        self.stale = false;
        self.view = self.timeline.view(now);
        let plan = self.fitting_plan();
        if plan.is_some() != self.has_plan {
            self.has_plan = plan.is_some();
            self.timeline.set_plan(plan.unwrap_or_default());
            self.view = self.timeline.view(now);
        }
    }

    /// The plan of the review, if the operation is one of that revision: what another revision would do says nothing
    /// about this one.
    fn fitting_plan(&self) -> Option<Vec<PlannedTask>> {
        let review = self.review.as_ref()?;
        let plan = review.plan.as_ref().ok()?;
        let same = self.view.revisions == review.commits;
        let fits = self.view.state == OperationStatus::None || (same && !review.commits.is_empty());
        fits.then(|| plan.tasks.iter().map(PlannedTask::from).collect())
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

    /// Whether the hooks of this task write a log that can be read.
    pub(in crate::tui) fn task(&self, key: &TaskKey) -> Option<&TaskView> {
        self.view.task(key)
    }
}

/// Whether somebody should look at a task.
pub(in crate::tui) fn is_fault(task: &TaskView) -> bool {
    task.state.is_bad() || (task.state.is_active() && task.reasons.iter().any(|reason| reason.kind.needs_help()))
}
