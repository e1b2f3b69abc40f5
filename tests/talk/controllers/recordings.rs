//! The recordings of a real Argo CD on a real Kubernetes, played into the simulator: Argo CD's own writes come from
//! the recording at its times, everything else is the simulator's. Compared are, for each object and in the order of
//! resourceVersions, its phase or conditions, its finalizers and its deletion, and what was told about it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use boathook::domain::manifest::Object;
use boathook::domain::scenario::Scenario;
use boathook::sim::resource::{DEPLOYMENTS, EVENTS, GroupResource, JOBS, PODS, WORKFLOWS};
use boathook::sim::store::{DeleteOptions, EventKind, Part, Propagation, WriteOptions};
use serde_json::{Value, json};

use super::cluster::{Cluster, conditions, list, seconds, text};

/// The finalizer by which Argo CD holds its hooks.
const HOOK: &str = "argocd.argoproj.io/hook-finalizer";

/// Recording, its case. `article-apply-only`, `article-dryrun`, `prune-done` and `waves-selective` show versions of the
/// Application alone, which controllers do not touch: there is nothing in them to compare.
const RECORDINGS: &[(&str, &str)] = &[
    ("abort", "abort"),
    ("article", "article"),
    ("flaky-retry", "flaky"),
    ("helm", "helm"),
    ("podhook", "podhook"),
    ("terminated", "long"),
    ("waves", "waves"),
    ("workflow", "workflow"),
];

/// What the simulator does otherwise than the recorded cluster, and why. Every row has to be needed.
const DIFFERENCES: &[Difference] = &[Difference {
    recording: "terminated",
    object: "Pod of Job long-migration #1",
    instead: "Running [] deleting 30, Running [] deleting 0, gone",
    simulated: "Running [] deleting 30, Failed [] deleting 30, Failed [] deleting 0, gone",
    reason: "a kubelet reports how the containers of a deleted pod have ended before it lets the pod go; the \
                 recorded node is a plain one and does not",
}];

/// What only the simulator shows: recording, begin of the object's name, and why.
const NOT_RECORDED: &[(&str, &str, &str)] = &[(
    "workflow",
    "Pod of Workflow presync-",
    "no workflow controller ran on the recorded cluster; the workflow's status was written by hand",
)];

struct Difference {
    recording: &'static str,
    object: &'static str,
    /// A part of what was recorded.
    instead: &'static str,
    /// What the simulator does there.
    simulated: &'static str,
    /// Why that is right.
    #[expect(dead_code, reason = "for the reader")]
    reason: &'static str,
}

/// One line of a recording.
struct Line {
    at: f64,
    kind: String,
    object: Value,
}

fn lines(recording: &str) -> Vec<Line> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces").join(format!("{recording}.jsonl"));
    let parse = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        Line { at: line["t"].as_f64().unwrap(), kind: text(&line, "/type").to_owned(), object: line["object"].take() }
    };
    fs::read_to_string(path).unwrap().lines().map(parse).collect()
}

fn id_of(kind: &str) -> Option<GroupResource> {
    match kind {
        "Job" => Some(JOBS),
        "Pod" => Some(PODS),
        "Workflow" => Some(WORKFLOWS),
        _ => None,
    }
}

fn revision(object: &Value) -> u64 {
    text(object, "/metadata/resourceVersion").parse().unwrap()
}

/// What is compared of one version of an object.
fn look(kind: &str, object: &Value) -> String {
    if kind == "DELETED" {
        return "gone".to_owned();
    }
    let state = match text(object, "/kind") {
        "Job" => conditions(object).join("+"),
        // A pod that has just been made is Pending before anybody says so.
        "Pod" if text(object, "/status/phase").is_empty() => "Pending".to_owned(),
        _ => text(object, "/status/phase").to_owned(),
    };
    let finalizers: Vec<&str> = list(object, "/metadata/finalizers").iter().filter_map(Value::as_str).collect();
    let mut look = format!("{state} [{}]", finalizers.join(" "));
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        let grace = object.pointer("/metadata/deletionGracePeriodSeconds").cloned().unwrap_or_default();
        look = format!("{look} deleting {grace}");
    }
    look
}

/// What every object went through, by a name that does not depend on what was generated.
fn courses(mut versions: Vec<(String, Value)>) -> BTreeMap<String, Vec<String>> {
    versions.sort_by_key(|(_, object)| revision(object));
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    let mut courses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (kind, object) in &versions {
        if id_of(text(object, "/kind")).is_none() {
            continue;
        }
        let uid = text(object, "/metadata/uid").to_owned();
        let name = names.entry(uid).or_insert_with(|| {
            let owner = list(object, "/metadata/ownerReferences").first();
            let name = match owner {
                // The hash in the name of a set is another one.
                Some(owner) if text(owner, "/kind") == "ReplicaSet" => {
                    format!("Pod of {}", text(owner, "/name").rsplit_once('-').unwrap().0)
                }
                Some(owner) => format!("Pod of {} {}", text(owner, "/kind"), text(owner, "/name")),
                None => format!("{} {}", text(object, "/kind"), text(object, "/metadata/name")),
            };
            let count = counts.entry(name.clone()).or_default();
            *count += 1;
            format!("{name} #{count}")
        });
        let course = courses.entry(name.clone()).or_default();
        let now = look(kind, object);
        if course.last() != Some(&now) {
            course.push(now);
        }
    }
    courses
}

/// What was told about each Job and pod, but for what the recorded node did not tell.
fn told(versions: &[(String, Value)]) -> BTreeMap<String, Vec<String>> {
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut events: Vec<&Value> =
        versions.iter().map(|(_, object)| object).filter(|object| text(object, "/kind") == "Event").collect();
    events.sort_by_key(|event| revision(event));
    for event in events {
        let component = text(event, "/reportingComponent");
        if component == "kubelet" {
            continue;
        }
        let name = text(event, "/involvedObject/name");
        // Without the generated end of a pod's name, and a set's hash.
        let stem = |name: &str| name.rsplit_once('-').map_or(name, |(stem, _)| stem).to_owned();
        let owner = match text(event, "/involvedObject/kind") {
            "Pod" | "ReplicaSet" => stem(name),
            _ => name.to_owned(),
        };
        let message = text(event, "/message");
        let message = if message.contains("pod: ") || message.contains("assigned") || message.contains("replica set") {
            String::new()
        } else {
            message.to_owned()
        };
        let line = format!("{component} {} {}: {message}", text(event, "/type"), text(event, "/reason"));
        told.entry(format!(
            "{} {}",
            text(event, "/involvedObject/kind"),
            owner.trim_end_matches(char::is_alphanumeric)
        ))
        .or_default()
        .push(line);
    }
    for lines in told.values_mut() {
        lines.sort();
    }
    told
}

/// An object as a client would have sent it.
fn as_sent(object: &Value) -> Value {
    let mut sent = object.clone();
    for field in ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"] {
        sent["metadata"].as_object_mut().unwrap().remove(field);
    }
    sent.as_object_mut().unwrap().remove("status");
    for labels in ["/metadata/labels", "/spec/template/metadata/labels", "/spec/selector/matchLabels"] {
        if let Some(labels) = sent.pointer_mut(labels).and_then(Value::as_object_mut) {
            labels.retain(|label, _| !label.contains("controller-uid"));
        }
    }
    sent
}

/// The Deployments of a case, which no watch of the recordings shows.
fn deployments(case: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(case);
    let mut found = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        for document in serde_yaml::Deserializer::from_str(&fs::read_to_string(path).unwrap()) {
            let value: Value = serde::Deserialize::deserialize(document).unwrap();
            if let Ok(object) = Object::from_json(value)
                && object.kind() == "Deployment"
            {
                let mut value = object.into_json();
                value["metadata"]["namespace"] = case.into();
                found.push(value);
            }
        }
    }
    found
}

/// Plays Argo CD's writes and answers everything that happened.
fn play(case: &str, lines: &[Line]) -> Vec<(String, Value)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/scenarios").join(format!("{case}.yaml"));
    let scenario = Scenario::parse(case, &fs::read_to_string(path).unwrap()).unwrap();
    let mut cluster = Cluster::of(&scenario, 1, 1.0);
    let mut watches = [&JOBS, &PODS, &WORKFLOWS, &EVENTS].map(|id| cluster.store.watch(id, 0).unwrap());
    let begin = cluster.clock.monotonic();
    let options = WriteOptions::by("argocd-controller");
    let mut last: BTreeMap<String, Value> = BTreeMap::new();
    let mut workloads = deployments(case);
    for line in lines {
        let object = &line.object;
        let (kind, name) = (text(object, "/kind"), text(object, "/metadata/name").to_owned());
        let Some(id) = id_of(kind) else { continue };
        let owner = list(object, "/metadata/ownerReferences").first();
        if let Some(owner) = owner {
            // The first pod of a Deployment shows when Argo CD has created it.
            let set_of = text(owner, "/name");
            let at = workloads.iter().position(|workload| {
                set_of.strip_prefix(text(workload, "/metadata/name")).is_some_and(|rest| rest.starts_with('-'))
            });
            if let Some(at) = at {
                cluster.run_to(begin + seconds(line.at - 0.03));
                cluster.create(&DEPLOYMENTS, workloads.remove(at));
            }
            continue;
        }
        let before = last.insert(format!("{kind} {name}"), object.clone());
        if line.kind == "ADDED" {
            cluster.run_to(begin + seconds(line.at));
            cluster.create(&id, as_sent(object));
            continue;
        }
        let Some(before) = before.filter(|_| line.kind == "MODIFIED") else { continue };
        let held = |object: &Value| list(object, "/metadata/finalizers").contains(&json!(HOOK));
        let deleting = |object: &Value| object.pointer("/metadata/deletionTimestamp").is_some();
        if held(&before) && !held(object) {
            cluster.run_to(begin + seconds(line.at));
            let freed = cluster.store.update(&id, case, &name, &options.clone().part(Part::Whole), |current| {
                let mut current = current.clone();
                let finalizers = current["metadata"]["finalizers"].as_array_mut().unwrap();
                finalizers.retain(|finalizer| finalizer != HOOK);
                Ok(current)
            });
            freed.unwrap_or_else(|error| panic!("{case} {kind} {name}: {error}"));
        }
        if deleting(object) && !deleting(&before) {
            cluster.run_to(begin + seconds(line.at));
            let foreground = list(object, "/metadata/finalizers").contains(&json!("foregroundDeletion"));
            let propagation = if foreground { Propagation::Foreground } else { Propagation::Background };
            let delete = DeleteOptions { propagation: Some(propagation), ..DeleteOptions::default() };
            cluster.store.delete(&id, case, &name, &delete).unwrap_or_else(|error| panic!("{case} {name}: {error}"));
        }
    }
    let end = lines.last().map_or(0.0, |line| line.at);
    cluster.run_to(begin + seconds(end + 1.0));
    let mut versions = Vec::new();
    for watch in &mut watches {
        while let Some(event) = watch.try_next().unwrap() {
            let kind = if event.kind == EventKind::Deleted { "DELETED" } else { event.kind.as_str() };
            versions.push((kind.to_owned(), (*event.object.value()).clone()));
        }
    }
    versions
}

#[test]
fn controllers_follow_the_recordings() {
    let mut used = vec![false; DIFFERENCES.len()];
    let mut compared = 0;
    let mut wrong: Vec<String> = Vec::new();
    for (recording, case) in RECORDINGS {
        let lines = lines(recording);
        let simulated = play(case, &lines);
        let recorded: Vec<(String, Value)> = lines.into_iter().map(|line| (line.kind, line.object)).collect();
        let (told_recorded, told_simulated) = (told(&recorded), told(&simulated));
        let (recorded, mut simulated) = (courses(recorded), courses(simulated));
        for (name, course) in recorded {
            let mut course = course.join(", ");
            for (difference, used) in DIFFERENCES.iter().zip(&mut used) {
                if difference.recording == *recording && difference.object == name {
                    assert!(course.contains(difference.instead), "{recording}: {name}: {course}");
                    course = course.replace(difference.instead, difference.simulated);
                    *used = true;
                }
            }
            let ours = simulated.remove(&name).unwrap_or_default().join(", ");
            if ours != course {
                wrong.push(format!("\n{recording}: {name}\n  recorded  {course}\n  simulated {ours}\n"));
            }
            compared += 1;
        }
        for (name, course) in simulated {
            if NOT_RECORDED.iter().any(|(of, begin, _)| of == recording && name.starts_with(begin)) {
                continue;
            }
            wrong.push(format!("\n{recording}: {name} was not recorded: {course:?}\n"));
        }
        for (name, lines) in told_recorded {
            let ours = told_simulated.get(&name).cloned().unwrap_or_default();
            if ours != lines {
                wrong.push(format!("\n{recording}: told of {name}\n  recorded  {lines:?}\n  simulated {ours:?}\n"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
    assert!(compared >= 47, "only {compared} objects were compared");
    assert!(used.iter().all(|used| *used), "a difference is no longer there");
}
