//! One run of a hook: its object and its pods, judged.

use jiff::Timestamp;

use super::elapsed::Moment;
use super::facts::{Body, JobFacts, ObjectFacts, PodFacts, WorkflowFacts};
use super::job::JobPods;
use super::pods;
use super::task::TaskState;
use super::told::Told;
use super::view::{AttemptView, Exit, PodState, Progress, Rerun};
use crate::domain::health::waiting::{Evidence, Reason, reasons};
use crate::domain::manifest::Object;

/// A run, judged by itself: what the controller says of it is not asked.
pub(super) struct Run<'a> {
    pub object: &'a ObjectFacts,
    pods: Vec<(&'a ObjectFacts, &'a PodFacts)>,
    /// How far it is; `None` where its kind does not say, or says it only to the controller.
    pub state: Option<TaskState>,
    /// Its end.
    pub ended: Moment,
    /// The words of the object.
    pub message: String,
    /// How far it is in numbers.
    pub progress: Option<Progress>,
    /// The container that decided how it ended.
    pub exit: Option<Exit>,
}

impl<'a> Run<'a> {
    /// Judges an object by itself and by `pods`, the pods that name it as their owner.
    pub(crate) fn of(object: &'a ObjectFacts, pods: &[&'a ObjectFacts]) -> Self {
        let pods = pods.iter().filter_map(|pod| Some((*pod, pod.pod()?))).collect();
        let mut run = Self {
            object,
            pods,
            state: None,
            ended: Moment::default(),
            message: String::new(),
            progress: None,
            exit: None,
        };
        match &object.body {
            Body::Job(job) => run.judge_job(job),
            Body::Pod(pod) => {
                run.pods.insert(0, (object, pod));
                run.judge_pod(pod);
            }
            Body::Workflow(workflow) => run.judge_workflow(workflow),
            Body::Other => {}
        }
        let has_ended = run.state.is_some_and(|state| !state.is_active() && state != TaskState::Unknown);
        if !has_ended && object.is_gone() {
            run.end(TaskState::Stopped, object.gone);
        }
        run
    }

    fn end(&mut self, state: TaskState, moment: Moment) {
        self.state = Some(state);
        self.ended = moment;
    }

    fn judge_job(&mut self, job: &JobFacts) {
        let pods = JobPods::count(job, &self.pods);
        self.progress = Some(pods.progress());
        let told = job.end.as_ref();
        if let Some(end) = told {
            self.message.clone_from(&end.message);
        }
        let by_pods = pods.ending().filter(|end| told.is_none_or(|told| told.succeeded == end.succeeded));
        let ending = match (told, by_pods) {
            // Both know it: the pods knew it first.
            (Some(told), Some(end)) => Some((told.succeeded, end.moment.earlier(told.moment))),
            (Some(told), None) => Some((told.succeeded, told.moment)),
            (None, Some(end)) => Some((end.succeeded, end.moment)),
            (None, None) => None,
        };
        if let Some((succeeded, moment)) = ending {
            self.end(if succeeded { TaskState::Succeeded } else { TaskState::Failed }, moment);
            self.exit = self.last_exit(if succeeded { PodState::Succeeded } else { PodState::Failed });
            return;
        }
        let any = |wanted| self.pods.iter().any(|(object, pod)| pods::state(object, pod).0 == wanted);
        self.state = Some(if job.suspended {
            TaskState::Waiting
        } else if any(PodState::Running) {
            TaskState::Running
        } else if any(PodState::Unknown) {
            TaskState::Unknown
        } else if self.pods.is_empty() && job.ready > 0 {
            // Its pods are not shown to us, but it counts them.
            TaskState::Running
        } else {
            TaskState::Waiting
        });
        // How the last attempt ended, if this is not the first.
        self.exit = self.last_exit(PodState::Failed);
    }

    fn judge_pod(&mut self, pod: &PodFacts) {
        let (state, moment) = pods::state(self.object, pod);
        self.message.clone_from(&pod.message);
        match state {
            PodState::Pending => self.state = Some(TaskState::Waiting),
            PodState::Running => self.state = Some(TaskState::Running),
            PodState::Unknown => self.state = Some(TaskState::Unknown),
            PodState::Succeeded => self.end(TaskState::Succeeded, moment),
            PodState::Failed => self.end(TaskState::Failed, moment),
            PodState::Stopped => self.end(TaskState::Stopped, moment),
        }
        self.exit = pods::exit(self.object, pod);
    }

    fn judge_workflow(&mut self, workflow: &WorkflowFacts) {
        self.message.clone_from(&workflow.message);
        if let Some((done, of)) = workflow.progress.split_once('/')
            && let (Ok(done), Ok(of)) = (done.parse(), of.parse())
        {
            self.progress = Some(Progress::Steps { done, of });
        }
        match (workflow.succeeded, workflow.phase.as_str()) {
            (Some(true), _) => {
                self.end(TaskState::Succeeded, workflow.ended);
                self.exit = self.last_exit(PodState::Succeeded);
            }
            (Some(false), _) => {
                self.end(TaskState::Failed, workflow.ended);
                self.exit = self.last_exit(PodState::Failed);
            }
            (None, "Running") if !workflow.suspended => self.state = Some(TaskState::Running),
            (None, "Running" | "Pending" | "") => self.state = Some(TaskState::Waiting),
            (None, _) => self.state = Some(TaskState::Unknown),
        }
    }

    /// How the last pod in this state ended.
    fn last_exit(&self, state: PodState) -> Option<Exit> {
        let ended = self.pods.iter().filter(|(object, pod)| pods::state(object, pod).0 == state);
        let last = ended.max_by_key(|(object, pod)| {
            let end = pods::state(object, pod).1;
            (end.observed.or(end.time()), object.order())
        });
        last.and_then(|(object, pod)| pods::exit(object, pod))
    }

    /// Why it has not ended, or not well; the most important reason first.
    pub(crate) fn reasons(&self, told: &Told, now: Timestamp) -> Vec<Reason> {
        let Some(object) = self.object.object.as_deref() else { return Vec::new() };
        // The pod of a pod hook is the object itself.
        let others = || self.pods.iter().map(|(pod, _)| *pod).filter(|pod| pod.uid != self.object.uid);
        let pods =
            |gone: bool| others().filter(move |pod| pod.is_gone() == gone).filter_map(|pod| pod.object.as_deref());
        let uids = others().chain([self.object]).map(|object| object.uid.as_str());
        let events: Vec<&Object> = uids.flat_map(|uid| told.about(uid)).collect();
        let (children, gone): (Vec<&Object>, Vec<&Object>) = (pods(false).collect(), pods(true).collect());
        let mut reasons = reasons(&Evidence { object, children: &children, gone: &gone, events: &events, now });
        let is_active = self.state.is_some_and(TaskState::is_active);
        // Of what is over only what went wrong is of interest, not what was awaited.
        reasons.retain(|reason| is_active || reason.kind.is_failure());
        reasons
    }

    /// The run to look at.
    pub(crate) fn view(&self, operation_attempt: Option<i64>, now: Timestamp) -> AttemptView {
        let state = self.state.unwrap_or(TaskState::Unknown);
        let end = if state.is_active() { Moment::observed(now) } else { self.ended };
        AttemptView {
            uid: self.object.uid.clone(),
            name: self.object.key.name.clone(),
            operation_attempt,
            rerun: self.object.rerun.as_ref().map(|rerun| Rerun { by: rerun.by.clone(), why: rerun.why.clone() }),
            state,
            started: self.object.created,
            ended: self.ended,
            elapsed: self.object.created.until(end),
            message: self.message.clone(),
            exit: self.exit.clone(),
            is_gone: self.object.is_gone(),
            pods: self.pods.iter().map(|(object, pod)| pods::view(object, pod, now)).collect(),
            nodes: match &self.object.body {
                Body::Workflow(workflow) => workflow.nodes.clone(),
                _ => Vec::new(),
            },
        }
    }
}
