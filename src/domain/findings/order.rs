//! Objects that are used before the same sync creates them.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::code::Code;
use super::facts::{Moment, Subject};
use super::finding::Finding;
use super::kinds::{self, containers, list, text};

/// Kinds of the objects that a pod cannot start without.
const NEEDED: [&str; 4] = ["ConfigMap", "Secret", "ServiceAccount", "PersistentVolumeClaim"];

/// Something that a pod cannot start without: kind and name.
type Need<'a> = (&'static str, &'a str);

/// When each object that pods can need is created: by kind, name and namespace.
type Created<'a> = HashMap<(&'a str, &'a str, &'a str), Vec<(usize, Moment)>>;

pub(super) fn check(subjects: &[Subject<'_>], findings: &mut Vec<Finding>) {
    let created = created(subjects);
    let bindings = bindings(subjects);
    for subject in subjects {
        let Some(moment) = subject.first_moment() else { continue };
        for (kind, name) in needs(subject) {
            let key = (kind, name, subject.namespace);
            let creations = created.get(&key).map(Vec::as_slice).unwrap_or_default();
            if let Some((index, later)) = only_later(creations, moment) {
                let message = format!("it runs in {}, but {kind} {name} is created in {}", words(moment), words(later));
                findings.push(Finding::new(Code::NeedsLaterObject, subject.index, message).others([index]));
            }
        }
        if subject.is_working_hook() {
            rights(subject, moment, &bindings, findings);
        }
    }
}

fn created<'a>(subjects: &'a [Subject<'_>]) -> Created<'a> {
    let mut created = Created::new();
    for subject in subjects {
        let (kind, name) = (subject.object.kind(), subject.object.name());
        if subject.object.group().is_empty()
            && NEEDED.contains(&kind)
            && let Some(moment) = subject.first_moment()
        {
            created.entry((kind, name, subject.namespace)).or_default().push((subject.index, moment));
        }
    }
    created
}

fn words((phase, wave): Moment) -> String {
    format!("{phase} wave {wave}")
}

/// The first creation, if all are later than the moment at which the object is needed.
fn only_later(created: &[(usize, Moment)], moment: Moment) -> Option<(usize, Moment)> {
    let first = created.iter().min_by_key(|(_, moment)| *moment)?;
    (first.1 > moment).then_some(*first)
}

/// What the pods of an object need to start, except for what is optional.
fn needs<'a>(subject: &Subject<'a>) -> Vec<Need<'a>> {
    let mut needs: Vec<Need<'a>> = Vec::new();
    let mut seen: HashSet<Need<'a>> = HashSet::new();
    let mut add = |kind: &'static str, name: &'a str| {
        if !name.is_empty() && seen.insert((kind, name)) {
            needs.push((kind, name));
        }
    };
    // A CronJob's pods come later than any sync.
    let is_cron = kinds::is(subject.object, "batch", "CronJob");
    let is_workflow = kinds::is(subject.object, "argoproj.io", "Workflow");
    let spec = if is_workflow { subject.object.at(&["spec"]) } else { kinds::pod_spec(subject.object) };
    let Some(spec) = spec.filter(|_| !is_cron) else { return needs };
    add("ServiceAccount", service_account(spec));
    for volume in list(spec, "volumes") {
        for (field, kind, name) in [
            ("configMap", "ConfigMap", "name"),
            ("secret", "Secret", "secretName"),
            ("persistentVolumeClaim", "PersistentVolumeClaim", "claimName"),
        ] {
            if let Some(source) = volume.get(field).filter(|source| !is_optional(source)) {
                add(kind, text(source, name));
            }
        }
        for source in volume.get("projected").into_iter().flat_map(|projected| list(projected, "sources")) {
            for (field, kind) in [("configMap", "ConfigMap"), ("secret", "Secret")] {
                if let Some(source) = source.get(field).filter(|source| !is_optional(source)) {
                    add(kind, text(source, "name"));
                }
            }
        }
    }
    for container in containers(subject.object) {
        let single = list(container, "env").filter_map(|variable| variable.get("valueFrom"));
        for (sources, config_map, secret) in [
            (single.collect::<Vec<_>>(), "configMapKeyRef", "secretKeyRef"),
            (list(container, "envFrom").collect(), "configMapRef", "secretRef"),
        ] {
            for source in sources {
                for (field, kind) in [(config_map, "ConfigMap"), (secret, "Secret")] {
                    if let Some(source) = source.get(field).filter(|source| !is_optional(source)) {
                        add(kind, text(source, "name"));
                    }
                }
            }
        }
    }
    needs
}

fn is_optional(source: &Value) -> bool {
    source.get("optional").and_then(Value::as_bool) == Some(true)
}

pub(super) fn service_account(spec: &Value) -> &str {
    match text(spec, "serviceAccountName") {
        "" => text(spec, "serviceAccount"),
        name => name,
    }
}

/// The bindings of each ServiceAccount's name, with the namespace of the ServiceAccount; empty: any.
type Bindings<'a> = HashMap<&'a str, Vec<(&'a Subject<'a>, &'a str, Moment)>>;

fn bindings<'a>(subjects: &'a [Subject<'a>]) -> Bindings<'a> {
    let mut bindings = Bindings::new();
    for subject in subjects {
        let object = subject.object;
        if object.group() != "rbac.authorization.k8s.io" || !object.kind().ends_with("RoleBinding") {
            continue;
        }
        let Some(moment) = subject.first_moment() else { continue };
        let to = object.at(&["subjects"]).and_then(Value::as_array).into_iter().flatten();
        for to in to.filter(|to| text(to, "kind") == "ServiceAccount") {
            bindings.entry(text(to, "name")).or_default().push((subject, text(to, "namespace"), moment));
        }
    }
    // The earliest stands for the others: with so many hooks and bindings all of all would be too much.
    for own in bindings.values_mut() {
        own.sort_by_key(|(subject, _, moment)| (*moment, subject.index));
    }
    bindings
}

/// Bindings of the hook's ServiceAccount that all come too late.
fn rights(subject: &Subject<'_>, moment: Moment, bindings: &Bindings<'_>, findings: &mut Vec<Finding>) {
    let spec = match kinds::pod_spec(subject.object) {
        Some(spec) => Some(spec),
        None => subject.object.at(&["spec"]),
    };
    let name = spec.map(service_account).unwrap_or_default();
    if name.is_empty() {
        return;
    }
    let own = bindings.get(name).map(Vec::as_slice).unwrap_or_default();
    let mut bound = own.iter().filter(|(_, namespace, _)| namespace.is_empty() || *namespace == subject.namespace);
    let Some((first, _, later)) = bound.next().filter(|(_, _, bound)| *bound > moment) else { return };
    let message = format!(
        "it runs as {name} in {}, before {} gives it rights in {}",
        words(moment),
        first.title(),
        words(*later)
    );
    findings.push(Finding::new(Code::NeedsLaterRights, subject.index, message).others([first.index]));
}
