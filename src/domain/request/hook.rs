//! Requests about one hook: failing its Job cleanly, and running it once more by itself.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::build::{Write, WriteBody, WriteTarget};
use crate::domain::manifest::Object;
use crate::domain::names;

/// Seconds for which a hook that was run again is kept once it has ended.
const KEPT: i64 = 24 * 3600;
/// Longest name of a Job whose pods can carry it as a label.
const LONGEST: usize = 63;

/// Fails a hook's Job as the Job controller itself would, so that `SyncFail` hooks run: unlike an abort, which deletes
/// the hook and runs none.
pub fn fail_hook(job: &Object, user: &str, now: Timestamp) -> Write {
    let condition = json!({
        "type": "FailureTarget",
        "status": "True",
        "reason": "ManuallyTerminated",
        "message": format!("failed by {user} with boathook"),
        "lastProbeTime": format!("{now:.0}"),
        "lastTransitionTime": format!("{now:.0}"),
    });
    let patch = json!({
        "metadata": { "uid": job.uid(), "resourceVersion": text(job, "resourceVersion") },
        "status": { "conditions": [condition] },
    });
    Write {
        target: WriteTarget::Job { namespace: job.namespace().to_owned(), name: job.name().to_owned() },
        body: WriteBody::StatusPatch(patch),
        says: vec![
            format!("fails the Job {}: its pods are stopped", job.name()),
            "the operation fails, and SyncFail hooks run".to_owned(),
        ],
    }
}

/// A copy of a hook's Job under a new name, outside of any operation: it belongs to no application and to no controller.
pub fn rerun_hook(job: &Object, user: &str, why: &str, now: Timestamp) -> Write {
    let mut copy = job.clone();
    let suffix = format!("-rerun-{}", now.as_second() % 1_000_000);
    let stem: String = job.name().chars().take(LONGEST - suffix.len()).collect();
    let name = format!("{}{suffix}", stem.trim_end_matches(['-', '.']));
    let fields = copy.as_json_mut();
    let kept = |from: Option<&Value>, dropped: &dyn Fn(&str) -> bool| -> Map<String, Value> {
        let pairs = from.and_then(Value::as_object).into_iter().flatten();
        pairs.filter(|(name, _)| !dropped(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let is_ours = |name: &str| {
        [names::INSTANCE_LABEL, names::JOB_CONTROLLER_UID, names::LEGACY_CONTROLLER_UID].contains(&name)
            || [names::JOB_NAME, names::LEGACY_JOB_NAME].contains(&name)
    };
    let is_argo = |name: &str| {
        [names::TRACKING_ID, names::INSTALLATION_ID, names::BOATHOOK_OPERATION].contains(&name)
            || name == "kubectl.kubernetes.io/last-applied-configuration"
    };
    let labels = kept(job.at(&["metadata", "labels"]), &is_ours);
    let mut annotations = kept(job.at(&["metadata", "annotations"]), &is_argo);
    for (name, value) in
        [(names::BOATHOOK_RERUN_OF, job.name()), (names::BOATHOOK_RERUN_BY, user), (names::BOATHOOK_RERUN_WHY, why)]
    {
        annotations.insert(name.to_owned(), Value::String(value.to_owned()));
    }
    fields.insert(
        "metadata".to_owned(),
        json!({ "name": name, "namespace": job.namespace(), "labels": labels, "annotations": annotations }),
    );
    fields.remove("status");
    if let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut) {
        spec.remove("selector");
        spec.remove("manualSelector");
        spec.insert("ttlSecondsAfterFinished".to_owned(), KEPT.into());
        if let Some(template) = spec.get_mut("template").and_then(|template| template.get_mut("metadata")) {
            let labels = kept(template.get("labels"), &is_ours);
            if let Some(template) = template.as_object_mut() {
                template.remove("creationTimestamp");
                template.insert("labels".to_owned(), Value::Object(labels));
            }
        }
    }
    Write {
        target: WriteTarget::Job { namespace: job.namespace().to_owned(), name },
        says: vec![
            format!("runs {} once more, by itself", job.name()),
            "no operation: its end changes nothing about the last sync".to_owned(),
        ],
        body: WriteBody::Create(copy.into_json()),
    }
}

fn text<'a>(object: &'a Object, field: &str) -> &'a str {
    object.at(&["metadata", field]).and_then(Value::as_str).unwrap_or_default()
}
