//! One run of a hook: its object and its pods, judged.

use jiff::Timestamp;

use super::elapsed::Moment;
use super::facts::{Body, JobFacts, ObjectFacts, PodFacts, WorkflowFacts};
use super::job::JobPods;
use super::pods;
use super::task::TaskState;
use super::view::{AttemptView, Exit, PodState, Progress, Rerun};
use super::warning::Warnings;

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
    /// What it waits for.
    pub reasons: Vec<String>,
    /// How far it is in numbers.
    pub progress: Option<Progress>,
    /// The container that decided how it ended.
    pub exit: Option<Exit>,
}

impl<'a> Run<'a> {
    /// Judges an object by itself and by `pods`, the pods that name it as their owner.
    pub(crate) fn of(object: &'a ObjectFacts, pods: &[&'a ObjectFacts], warnings: &Warnings) -> Self {
        let pods = pods.iter().filter_map(|pod| Some((*pod, pod.pod()?))).collect();
        let mut run = Self {
            object,
            pods,
            state: None,
            ended: Moment::default(),
            message: String::new(),
            reasons: Vec::new(),
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
            run.reasons.clear();
            run.reasons.push("deleted before it ended: the exit code is not known".to_owned());
        } else if !has_ended {
            run.explain(warnings);
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
        let (state, reason) = if job.suspended {
            (TaskState::Waiting, "the Job is suspended")
        } else if any(PodState::Running) {
            (TaskState::Running, "")
        } else if any(PodState::Unknown) {
            (TaskState::Unknown, "the node of its pod does not answer")
        } else if any(PodState::Pending) {
            (TaskState::Waiting, "")
        } else if self.pods.is_empty() && job.ready > 0 {
            // Its pods are not shown to us, but it counts them.
            (TaskState::Running, "")
        } else if self.pods.is_empty() && job.active > 0 {
            (TaskState::Waiting, "its pod is not ready")
        } else if any(PodState::Stopped) {
            (TaskState::Waiting, "its pod was deleted; the Job will make another")
        } else if pods.failures() > 0 {
            (TaskState::Waiting, "its pod has failed; the Job will make another")
        } else if any(PodState::Succeeded) {
            (TaskState::Waiting, "its pods have ended; the Job has yet to count them")
        } else {
            (TaskState::Waiting, "it has no pod yet")
        };
        // How the last try ended, if this is not the first.
        self.exit = self.last_exit(PodState::Failed);
        self.state = Some(state);
        self.reasons.extend((!reason.is_empty()).then(|| reason.to_owned()));
    }

    fn judge_pod(&mut self, pod: &PodFacts) {
        let (state, moment) = pods::state(self.object, pod);
        self.message.clone_from(&pod.message);
        match state {
            PodState::Pending => self.state = Some(TaskState::Waiting),
            PodState::Running => self.state = Some(TaskState::Running),
            PodState::Unknown => {
                self.state = Some(TaskState::Unknown);
                self.reasons.push("its node does not answer".to_owned());
            }
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
            _ if workflow.suspended => {
                self.state = Some(TaskState::Waiting);
                self.reasons.push("the Workflow is suspended".to_owned());
            }
            (None, "Running") => self.state = Some(TaskState::Running),
            (None, "Pending") => self.state = Some(TaskState::Waiting),
            (None, "") => {
                self.state = Some(TaskState::Waiting);
                self.reasons.push("no workflow controller has begun it yet".to_owned());
            }
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

    /// Why it has not ended, most telling first.
    fn explain(&mut self, warnings: &Warnings) {
        let live = || self.pods.iter().filter(|(object, pod)| !pods::state(object, pod).0.is_end());
        let mut told: Vec<String> = live().flat_map(|(object, _)| object.waits_for.iter().cloned()).collect();
        told.extend(self.object.waits_for.iter().cloned());
        if self.state != Some(TaskState::Running) {
            let uids = live().map(|(object, _)| &object.uid).chain([&self.object.uid]);
            told.extend(uids.filter_map(|uid| warnings.about(uid)));
        }
        if self.object.deleting {
            told.push("it is being deleted".to_owned());
        }
        told.append(&mut self.reasons);
        for reason in told {
            if !self.reasons.contains(&reason) {
                self.reasons.push(reason);
            }
        }
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
