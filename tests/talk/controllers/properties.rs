//! Whatever happens: counters add up, nothing survives its owner, and a world with one seed takes one course.

use boathook::sim::resource::{JOBS, PODS};
use boathook::sim::store::{EventKind, Propagation};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::cluster::{Cluster, list, seconds, text};

/// What somebody does to a Job.
#[derive(Debug, Clone)]
enum Deed {
    Wait(u16),
    Suspend(bool),
    Parallelism(u8),
    DeletePod(u8),
    DeleteJob(u8),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        6 => (1..300_u16).prop_map(Deed::Wait),
        1 => any::<bool>().prop_map(Deed::Suspend),
        1 => (0..4_u8).prop_map(Deed::Parallelism),
        2 => (0..4_u8).prop_map(Deed::DeletePod),
        1 => (0..3_u8).prop_map(Deed::DeleteJob),
    ];
    proptest::collection::vec(deed, 1..14)
}

fn number(job: &Value, field: &str) -> i64 {
    job.pointer(&format!("/status/{field}")).and_then(Value::as_i64).unwrap_or(0)
}

/// A fourth of the usual number: each case is the whole life of a world.
fn cases() -> ProptestConfig {
    let cases: u32 = std::env::var("BOATHOOK_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(256);
    ProptestConfig::with_cases((cases / 4).max(16))
}

/// Plays deeds on one Job, and answers every version of it and the cluster at the end.
fn play(deeds: &[Deed], completions: i64, seed: u64) -> (Vec<Value>, Cluster) {
    let world =
        "  pods: [{match: {}, attempts: [{run: 4s}, {run: 2s, exitCode: 1}, {run: 90s}, {exitCode: 1}, {run: 3s}]}]";
    let mut cluster = Cluster::with(world, seed, 1.0);
    let mut events = cluster.store.watch(&JOBS, 0).unwrap();
    cluster.job("hook", &json!({"completions": completions, "parallelism": 2, "backoffLimit": 3}));
    for deed in deeds {
        let there = !cluster.get(&JOBS, "hook").is_null();
        match deed {
            Deed::Wait(tenths) => cluster.run(seconds(f64::from(*tenths) / 10.0)),
            Deed::Suspend(suspend) if there => {
                cluster.change(&JOBS, "hook", |job| job["spec"]["suspend"] = (*suspend).into());
            }
            Deed::Parallelism(count) if there => {
                cluster.change(&JOBS, "hook", |job| job["spec"]["parallelism"] = (*count).into());
            }
            Deed::DeletePod(at) => {
                let pods = cluster.pods();
                if let Some(pod) = pods.get(usize::from(*at)) {
                    cluster.delete(&PODS, text(pod, "/metadata/name"), None);
                }
            }
            Deed::DeleteJob(how) if there => {
                let how = [Propagation::Foreground, Propagation::Background, Propagation::Orphan][usize::from(*how)];
                cluster.delete(&JOBS, "hook", Some(how));
            }
            _ => {}
        }
    }
    cluster.run(seconds(60.0));
    let mut versions = Vec::new();
    while let Some(event) = events.try_next().unwrap() {
        if event.kind != EventKind::Deleted {
            versions.push((*event.object.value()).clone());
        }
    }
    (versions, cluster)
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn controllers_job_counters_add_up(deeds in deeds(), completions in 1..5_i64, seed in any::<u64>()) {
        let (versions, cluster) = play(&deeds, completions, seed);
        let mut counted = (0, 0);
        for job in &versions {
            let (succeeded, failed) = (number(job, "succeeded"), number(job, "failed"));
            prop_assert!(succeeded >= counted.0 && failed >= counted.1, "a counter went back: {job}");
            counted = (succeeded, failed);
            prop_assert!(succeeded <= completions + 2, "too many pods: {job}");
            let names: Vec<&Value> = ["succeeded", "failed"]
                .iter()
                .flat_map(|named| list(job, &format!("/status/uncountedTerminatedPods/{named}")))
                .collect();
            let mut once = names.clone();
            once.sort_by_key(ToString::to_string);
            once.dedup();
            prop_assert_eq!(once.len(), names.len(), "a pod is named twice: {}", job);
            let types: Vec<&str> = list(job, "/status/conditions").iter().map(|c| text(c, "/type")).collect();
            let position = |kind| types.iter().position(|have| *have == kind);
            for (first, second) in [("SuccessCriteriaMet", "Complete"), ("FailureTarget", "Failed")] {
                if position(second).is_some() {
                    prop_assert!(position(first) < position(second) && position(first).is_some(), "{types:?}");
                    let busy = number(job, "active") + number(job, "terminating");
                    prop_assert!(names.is_empty() && busy == 0, "over and not counted: {job}");
                }
            }
            prop_assert!(position("Complete").is_none() || position("Failed").is_none());
        }
        // Nothing survives its owner.
        if cluster.get(&JOBS, "hook").is_null() {
            for pod in cluster.pods() {
                prop_assert!(list(&pod, "/metadata/ownerReferences").is_empty(), "{pod}");
            }
        }
    }

    /// One seed, one course.
    #[test]
    fn controllers_take_one_course_for_one_seed(deeds in deeds(), seed in any::<u64>()) {
        let (first, _) = play(&deeds, 2, seed);
        let (second, _) = play(&deeds, 2, seed);
        prop_assert_eq!(first, second);
    }
}
