//! One comparison: manifests, live objects, and what each of them is to the other.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, stream};
use serde_json::Value;

use super::entry::Entry;
use super::ignore::Rule;
use super::judge::{Judged, Question};
use super::links::links;
use super::sight::Sight;
use crate::domain::application::{Application, SyncStatus};
use crate::domain::health::{Health, HealthStatus, health};
use crate::domain::hook::{Classification, classify, wave};
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::names;
use crate::domain::plan::Lookup;
use crate::domain::sync_options::{Removal, SyncOptions, has_compare_option};
use crate::domain::tracking::TrackingId;
use crate::engine::destination::Known;
use crate::engine::mailbox::Mailbox;
use crate::engine::operate::{Place, is_missing, key_in, place, refuse_unmanaged};
use crate::engine::problem::{Problem, ProblemKind};
use crate::engine::project::Reading;
use crate::engine::shared::Shared;
use crate::engine::targets::{Fetch, SourcePath, Targets, Wanted, targets};

/// What a comparison found.
#[derive(Default)]
pub(super) struct Comparison {
    /// The objects, sorted; `None`: not even the cluster could be asked.
    pub(super) entries: Option<Vec<Entry>>,
    /// What was compared with; `None`: Git or rendering failed.
    pub(super) targets: Option<Targets>,
    /// Where it goes; `None`: the spec cannot be carried out.
    pub(super) place: Option<Place>,
    /// What is wrong.
    pub(super) problems: Vec<Problem>,
    /// Rings when something changes.
    pub(super) sight: Option<Sight>,
    /// The live objects that were compared, as one number.
    pub(super) fingerprint: u64,
}

/// Compares an application. Whatever goes wrong is told in the comparison's problems.
pub(super) async fn compare(
    shared: &Shared,
    mailbox: &Mailbox,
    object: &Object,
    application: &Application,
    fetch: Fetch,
    judged: &Judged,
) -> Comparison {
    let mut comparison = Comparison::default();
    let place = match place(shared, object, application, Reading::Watched).await {
        Ok(place) => place,
        Err(problem) => {
            comparison.problems.push(problem);
            return comparison;
        }
    };
    let wanted = Wanted {
        application,
        project: &place.project,
        destination: &place.destination,
        sources: application.spec.effective_sources(),
        written: SourcePath::of_spec(application),
        revisions: &[],
        fetch,
    };
    match targets(shared, &wanted).await {
        Ok(targets) => comparison.targets = Some(targets),
        Err(problem) => comparison.problems.push(problem),
    }
    // A spec that may not be carried out is not compared: what would be shown was never permitted.
    if !comparison.problems.iter().any(Problem::is_invalid_spec)
        && let Err(problem) =
            shared.at(&place.destination, look(shared, mailbox, application, &place, judged, &mut comparison)).await
    {
        comparison.problems.push(problem);
    }
    comparison.place = Some(place);
    comparison
}

async fn look(
    shared: &Shared,
    mailbox: &Mailbox,
    application: &Application,
    place: &Place,
    judged: &Judged,
    comparison: &mut Comparison,
) -> Result<(), Problem> {
    let destination = &place.destination;
    let failed = |error| destination.problem(&error);
    let mut known = destination.known().await.map_err(failed)?;
    let manifests: &[Arc<Object>] = comparison.targets.as_ref().map_or(&[], |targets| &targets.objects);
    if manifests.iter().any(|target| is_missing(&known, target)) {
        known = destination.rediscover().await.map_err(failed)?;
    }
    refuse_unmanaged(destination, &known, manifests, &application.spec.destination.namespace)?;
    let (wanted, repeated) = wanted(&known, manifests, &application.spec.destination.namespace);
    let keys = wanted.keys().cloned().collect();
    let bell = &mailbox.bell;
    let sight = Sight::open(shared, application, destination, &known, keys, bell).await.map_err(failed)?;
    comparison.fingerprint = sight.fingerprint();
    let instance = shared.instance(&application.key);
    let rules = Rule::of_spec(&application.spec.ignore_differences);
    let options = SyncOptions::from_list(application.spec.sync_policy.sync_options.iter().map(String::as_str));
    let live = sight.objects();
    // Boxed, since the compiler cannot see that futures of a closure may be sent to another thread.
    let questions: Vec<BoxFuture<'_, _>> = (wanted.iter())
        .map(|(key, target)| {
            let seen = live.get(key).cloned();
            let (known, rules, options) = (&known, &rules, &options);
            async move {
                let kind = known.kinds.find_version(target.group(), target.version(), target.kind());
                let Some(kind) = kind else { return Ok((key, target, SyncStatus::OutOfSync, seen)) };
                let question = Question { cluster: &destination.cluster, kind, key, target, rules, options, judged };
                question.ask(seen).await.map(|(status, live)| (key, target, status, live))
            }
            .boxed()
        })
        .collect();
    let answers: Vec<_> = stream::iter(questions).buffered(shared.options.parallel_requests.max(1)).collect().await;
    let mut entries = Vec::new();
    let mut problems = repeated;
    for answer in answers {
        let (key, target, status, live) = answer.map_err(failed)?;
        problems.extend(live.as_deref().and_then(|live| shared_with(live, &instance)));
        entries.push(entry(key, Some(target), live.as_ref(), Some(status)));
    }
    let is_known = comparison.targets.is_some();
    for (key, object) in live.iter().filter(|(key, _)| !wanted.contains_key(*key)) {
        let full = sight.get(key).unwrap_or_else(|| Arc::clone(object));
        match classify(&full) {
            Classification::Skipped => {}
            Classification::Hook(_) | Classification::Dropped(_) => entries.push(entry(key, None, Some(&full), None)),
            Classification::Resource => {
                let lookup = known.plan_kinds.lookup(&key.group, object.version(), &key.kind);
                let namespaced = !matches!(lookup, Lookup::Known { namespaced: false });
                if place.permits(key, namespaced).is_ok() {
                    let status = if is_known { SyncStatus::OutOfSync } else { SyncStatus::Unknown };
                    entries.push(entry(key, None, Some(&full), Some(status)));
                }
            }
        }
    }
    if !is_known {
        // Nothing is known of what should be: nothing is to be pruned.
        for entry in &mut entries {
            entry.requires_pruning &= entry.is_hook();
        }
    }
    entries.sort_by(|one, other| one.key.cmp(&other.key));
    judged.keep(|key| wanted.contains_key(key));
    comparison.entries = Some(entries);
    comparison.problems.extend(problems);
    comparison.sight = Some(sight);
    Ok(())
}

/// The manifests to compare, by the key they have in the cluster. Of several with one key the last counts.
fn wanted(
    known: &Known,
    manifests: &[Arc<Object>],
    namespace: &str,
) -> (BTreeMap<ObjectKey, Arc<Object>>, Vec<Problem>) {
    let mut wanted = BTreeMap::new();
    let mut times: HashMap<ObjectKey, usize> = HashMap::new();
    for target in manifests.iter().filter(|target| classify(target) == Classification::Resource) {
        let key = key_in(known, target, namespace);
        *times.entry(key.clone()).or_default() += 1;
        wanted.insert(key, Arc::clone(target));
    }
    let mut repeated: Vec<_> = times.into_iter().filter(|(_, times)| *times > 1).collect();
    repeated.sort();
    let tell = |(key, times): (ObjectKey, usize)| Problem {
        kind: ProblemKind::RepeatedResource,
        message: format!(
            "Resource {}/{}/{}/{} appeared {times} times among application resources.",
            key.group, key.kind, key.namespace, key.name
        ),
        transient: false,
    };
    (wanted, repeated.into_iter().map(tell).collect())
}

fn shared_with(live: &Object, instance: &str) -> Option<Problem> {
    let tracking = TrackingId::of_object(live).filter(|tracking| tracking.instance != instance)?;
    let other = &tracking.instance;
    Some(Problem::shared(format!("{}/{} is part of applications {instance} and {other}", live.kind(), live.name())))
}

fn entry(
    key: &ObjectKey,
    target: Option<&Arc<Object>>,
    live: Option<&Arc<Object>>,
    status: Option<SyncStatus>,
) -> Entry {
    let is_hook = status.is_none();
    let any = |is: &dyn Fn(&Object) -> bool| [target, live].into_iter().flatten().any(|object| is(object));
    let confirms = |object: &Object| {
        let options = SyncOptions::of_object(object);
        options.prune() == Some(Removal::AfterConfirmation) || options.delete() == Some(Removal::AfterConfirmation)
    };
    let shown = target.or(live);
    let is_named = || {
        let tracking = live.and_then(|live| TrackingId::of_object(live));
        tracking.is_some_and(|tracking| !tracking.key.name.is_empty())
    };
    Entry {
        key: key.clone(),
        version: shown.map(|object| object.version().to_owned()).unwrap_or_default(),
        status,
        health: match live {
            None => Some(Health { status: HealthStatus::Missing, message: String::new() }),
            Some(live) => health(live)
                .unwrap_or_else(|error| Some(Health { status: HealthStatus::Unknown, message: error.to_string() })),
        },
        // Argo CD says so of live hooks too, where their name is the manifest's.
        requires_pruning: target.is_none() && (!is_hook || is_named()),
        requires_confirmation: any(&confirms),
        wave: shown.map_or(0, |object| wave(object)),
        is_tolerated: target.is_none() && any(&|object| has_compare_option(object, "IgnoreExtraneous")),
        is_health_ignored: live.is_some_and(|live| live.annotation(names::IGNORE_HEALTHCHECK) == Some("true")),
        links: live.map(|live| links(live)).unwrap_or_default(),
        images: if is_hook { Vec::new() } else { live.map(|live| images(live)).unwrap_or_default() },
    }
}

/// The images in an object's pod template.
fn images(object: &Object) -> Vec<String> {
    let specs: [&[&str]; 3] =
        [&["spec"], &["spec", "template", "spec"], &["spec", "jobTemplate", "spec", "template", "spec"]];
    let spec = specs.iter().filter_map(|path| object.at(path)).find(|spec| spec.get("containers").is_some());
    let lists = ["initContainers", "containers"].map(|list| spec.and_then(|spec| spec.get(list)?.as_array()));
    let containers = lists.into_iter().flatten().flatten();
    containers.filter_map(|container| container.get("image").and_then(Value::as_str)).map(str::to_owned).collect()
}
