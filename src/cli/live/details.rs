//! All that is known of an application that is open.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::application::{AppKey, Application};
use crate::domain::event::WatchEvent;
use crate::domain::live::{HookAccess, Review};
use crate::domain::manifest::Object;
use crate::domain::project::Decision;
use crate::domain::request::Controller;
use crate::domain::timeline::{OperationStatus, OperationView, PlannedTask, Timeline};

/// See the module.
#[derive(Debug)]
pub(in crate::cli) struct Details {
    pub application: Option<Arc<Application>>,
    /// What `application` was read from.
    pub object: Option<Arc<Object>>,
    timeline: Timeline,
    pub hooks: HookAccess,
    pub controller: Controller,
    pub windows: Option<Decision>,
    pub review: Option<Arc<Review>>,
    /// What was there when it was opened has been told.
    pub is_settled: bool,
    planned: bool,
}

impl Details {
    pub(super) fn new(key: &AppKey) -> Self {
        Self {
            application: None,
            object: None,
            timeline: Timeline::new(key.namespace.to_string(), key.name.to_string()),
            hooks: HookAccess::Unknown,
            controller: Controller::Unknown,
            windows: None,
            review: None,
            is_settled: false,
            planned: false,
        }
    }

    pub(super) fn observe(&mut self, event: &WatchEvent) -> bool {
        self.timeline.observe(event)
    }

    pub(super) fn review(&mut self, review: Arc<Review>) {
        self.review = Some(review);
        self.planned = false;
    }

    /// The operation as it looks now.
    pub(in crate::cli) fn view(&mut self, now: Timestamp) -> OperationView {
        let view = self.timeline.view(now);
        let plan = self.fitting_plan(&view);
        if plan.is_some() == self.planned {
            return view;
        }
        self.planned = plan.is_some();
        self.timeline.set_plan(plan.unwrap_or_default());
        self.timeline.view(now)
    }

    /// The operations before it that are remembered.
    pub(in crate::cli) fn former(&self, now: Timestamp) -> Vec<OperationView> {
        self.timeline.former(now)
    }

    /// The plan of the review, if it is about this operation.
    fn fitting_plan(&self, view: &OperationView) -> Option<Vec<PlannedTask>> {
        let is_shown = view.state != OperationStatus::None && view.runs_hooks();
        self.review.as_ref().filter(|_| is_shown)?.tasks_of(view)
    }
}
