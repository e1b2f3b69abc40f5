//! The end of a Job, told from its pods before the Job tells it.

use std::collections::BTreeSet;

use super::elapsed::Moment;
use super::facts::{JobFacts, ObjectFacts, PodFacts};
use super::pods;
use super::view::{PodState, Progress};

/// A Job's pods, counted.
pub(super) struct JobPods<'a> {
    job: &'a JobFacts,
    /// Ends of the pods that succeeded, of each index the first; in order.
    succeeded: Vec<Moment>,
    /// Ends of the pods that failed, in order.
    failed: Vec<Moment>,
    /// Pods that may still do something.
    active: usize,
    restarts: u64,
}

/// How a Job ended.
pub(super) struct JobEnding {
    /// Well.
    pub succeeded: bool,
    /// When.
    pub moment: Moment,
}

impl<'a> JobPods<'a> {
    pub(crate) fn count(job: &'a JobFacts, all: &[(&ObjectFacts, &PodFacts)]) -> Self {
        let mut ended: Vec<(PodState, Moment, Option<i64>)> = Vec::new();
        let mut active = 0;
        for (object, pod) in all {
            let (state, moment) = pods::state(object, pod);
            if state.is_end() {
                ended.push((state, moment, pod.index));
            } else {
                active += 1;
            }
        }
        // By our own clock where we saw them all: records are whole seconds.
        ended.sort_by_key(|(_, moment, _)| (moment.observed.or(moment.time()), moment.time()));
        let mut indexes = BTreeSet::new();
        let of = |wanted: PodState| ended.iter().filter(move |(state, ..)| *state == wanted);
        let succeeded = of(PodState::Succeeded)
            .filter(|(_, _, index)| !job.indexed || index.is_none_or(|index| indexes.insert(index)))
            .map(|(_, moment, _)| *moment)
            .collect();
        let failed = of(PodState::Failed).map(|(_, moment, _)| *moment).collect();
        let restarts = all.iter().map(|(_, pod)| pod.restarts()).sum();
        Self { job, succeeded, failed, active, restarts }
    }

    /// The end as the pods tell it: the pod that completes the Job, or the failure that is one too many. `None` where
    /// they do not tell, which does not mean that it has not ended.
    pub(crate) fn ending(&self) -> Option<JobEnding> {
        // A work queue is done when its pods say so together; Kubernetes judges that.
        if let Some(needed) = self.job.completions.filter(|needed| *needed > 0)
            && self.successes() >= needed
        {
            return Some(JobEnding { succeeded: true, moment: nth(&self.succeeded, needed) });
        }
        let borne = self.job.backoff_limit;
        if self.job.failures_count && self.failures() > borne {
            return Some(JobEnding { succeeded: false, moment: nth(&self.failed, borne.saturating_add(1)) });
        }
        None
    }

    /// How far it is in numbers.
    pub(crate) fn progress(&self) -> Progress {
        match self.job.completions {
            Some(needed) if needed != 1 => Progress::Completions { done: self.successes().min(needed), of: needed },
            _ => {
                let of = self.job.backoff_limit.saturating_add(1).max(1);
                let restarts = i64::try_from(self.restarts).unwrap_or(i64::MAX);
                let before = self.failures().saturating_add(restarts);
                let current = i64::from(self.active > 0 || self.successes() > 0);
                Progress::Attempt { number: before.saturating_add(current).clamp(1, of), of }
            }
        }
    }

    /// Failed pods: those we saw, or those the Job counted if these are more; some may be gone since.
    pub(crate) fn failures(&self) -> i64 {
        seen(&self.failed).max(self.job.failed)
    }

    fn successes(&self) -> i64 {
        seen(&self.succeeded).max(self.job.succeeded)
    }
}

fn seen(ends: &[Moment]) -> i64 {
    i64::try_from(ends.len()).unwrap_or(i64::MAX)
}

/// The end of the pod that was the `number`th, or of the last we know of.
fn nth(ends: &[Moment], number: i64) -> Moment {
    let index = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    ends.get(index).or(ends.last()).copied().unwrap_or_default()
}
