//! A Job's pods: which count as what, and how new ones are made.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::controllers::Context;
use crate::sim::controllers::json::{int, is_true, list, set, text, time};
use crate::sim::store::Stored;

/// The finalizer by which a pod waits to be counted.
pub(super) const TRACKING: &str = "batch.kubernetes.io/job-tracking";

/// Label and annotation with a pod's completion index.
pub(super) const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// One pod as the Job sees it.
#[derive(Debug, Clone)]
pub(super) struct JobPod {
    /// The stored object.
    pub(super) stored: Arc<Stored>,
    /// Its JSON.
    pub(super) pod: Arc<Value>,
}

impl JobPod {
    /// A pod of a Job.
    pub(super) fn new(stored: Arc<Stored>) -> Self {
        Self { pod: stored.value(), stored }
    }

    fn phase(&self) -> &str {
        text(&self.pod, "/status/phase")
    }

    /// It ended well.
    pub(super) fn succeeded(&self) -> bool {
        self.phase() == "Succeeded"
    }

    /// It ended, well or not.
    pub(super) fn finished(&self) -> bool {
        self.succeeded() || self.phase() == "Failed"
    }

    /// It counts as failed: it ended so, or it is being deleted and the Job does not wait for that.
    pub(super) fn failed(&self, only_failed: bool) -> bool {
        self.phase() == "Failed" || (!only_failed && self.stored.is_deleting() && !self.succeeded())
    }

    /// It still works for the Job.
    pub(super) fn active(&self) -> bool {
        !self.finished() && !self.stored.is_deleting()
    }

    /// It is being deleted and has not ended.
    pub(super) fn terminating(&self) -> bool {
        !self.finished() && self.stored.is_deleting()
    }

    /// It is ready.
    pub(super) fn ready(&self) -> bool {
        is_true(&self.pod, "Ready")
    }

    /// It has not been counted yet.
    pub(super) fn tracked(&self) -> bool {
        list(&self.pod, "/metadata/finalizers").iter().any(|finalizer| finalizer.as_str() == Some(TRACKING))
    }

    /// Its UID.
    pub(super) fn uid(&self) -> &str {
        self.stored.uid()
    }

    /// Its completion index.
    pub(super) fn index(&self) -> Option<i64> {
        self.stored.label(INDEX)?.parse().ok()
    }

    /// When it ended: its last container, else its deletion.
    pub(super) fn finished_at(&self) -> Option<Timestamp> {
        let statuses = list(&self.pod, "/status/containerStatuses");
        let ends = statuses.iter().filter_map(|status| time(status, "/state/terminated/finishedAt"));
        ends.max().or_else(|| time(&self.pod, "/metadata/deletionTimestamp"))
    }

    /// Restarts of all its containers.
    pub(super) fn restarts(&self) -> i64 {
        ["/status/initContainerStatuses", "/status/containerStatuses"]
            .iter()
            .flat_map(|statuses| list(&self.pod, statuses))
            .filter_map(|status| int(status, "/restartCount"))
            .sum()
    }
}

/// A new pod of a Job, with an index if its completions have them.
pub(super) fn new_pod(job: &Value, index: Option<i64>) -> Value {
    let name = text(job, "/metadata/name");
    let template = job.pointer("/spec/template").cloned().unwrap_or_default();
    let prefix = index.map_or_else(|| format!("{name}-"), |index| format!("{name}-{index}-"));
    let mut pod = Context::from_template(job, &template, &prefix);
    let mut finalizers: Vec<Value> = list(&pod, "/metadata/finalizers").to_vec();
    finalizers.push(TRACKING.into());
    set(&mut pod, "/metadata/finalizers", finalizers.into());
    // The API server puts these into the template of a Job; without them nobody would find the pods.
    let uid = text(job, "/metadata/uid");
    for (label, value) in [
        ("batch.kubernetes.io~1controller-uid", uid),
        ("batch.kubernetes.io~1job-name", name),
        ("controller-uid", uid),
        ("job-name", name),
    ] {
        set(&mut pod, &format!("/metadata/labels/{label}"), value.into());
    }
    if let Some(index) = index {
        let key = INDEX.replace('/', "~1");
        set(&mut pod, &format!("/metadata/labels/{key}"), index.to_string().into());
        set(&mut pod, &format!("/metadata/annotations/{key}"), index.to_string().into());
        set(&mut pod, "/spec/hostname", format!("{name}-{index}").into());
        let field = format!("metadata.labels['{INDEX}']");
        let variable = json!({"name": "JOB_COMPLETION_INDEX", "valueFrom": {"fieldRef": {"fieldPath": field}}});
        for containers in ["/spec/initContainers", "/spec/containers"] {
            let containers = pod.pointer_mut(containers).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten() {
                let mut environment = list(container, "/env").to_vec();
                environment.push(variable.clone());
                set(container, "/env", environment.into());
            }
        }
    }
    pod
}

/// Indexes as Kubernetes writes them: `1,3-5`.
pub(super) fn write_indexes(indexes: &[i64]) -> String {
    let mut parts: Vec<(i64, i64)> = Vec::new();
    let mut sorted = indexes.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    for index in sorted {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == index => *last = index,
            _ => parts.push((index, index)),
        }
    }
    let parts: Vec<String> = parts
        .into_iter()
        .map(|(first, last)| match last - first {
            0 => first.to_string(),
            1 => format!("{first},{last}"),
            _ => format!("{first}-{last}"),
        })
        .collect();
    parts.join(",")
}

/// Reads what [`write_indexes`] writes, up to `completions`; what is not understood is passed over.
pub(super) fn read_indexes(text: &str, completions: i64) -> Vec<i64> {
    let mut indexes = Vec::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.parse::<i64>(), last.parse::<i64>()) {
            indexes.extend(first.max(0)..=last.min(completions - 1));
        }
    }
    indexes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_written_as_ranges() {
        for (indexes, text) in [
            (vec![], ""),
            (vec![3], "3"),
            (vec![1, 0], "0,1"),
            (vec![5, 1, 3, 4], "1,3-5"),
            (vec![0, 1, 2, 7, 8], "0-2,7,8"),
        ] {
            assert_eq!(write_indexes(&indexes), text);
            let mut sorted = indexes;
            sorted.sort_unstable();
            assert_eq!(read_indexes(text, 100), sorted);
        }
        assert_eq!(read_indexes("0-99999999999,x,-", 3), [0, 1, 2]);
    }
}
