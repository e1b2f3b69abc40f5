//! Annotations that Argo CD does not read as they were meant.

use serde_json::{Map, Value};

use super::code::Code;
use super::facts::Subject;
use super::finding::Finding;
use super::kinds;
use crate::domain::hook::{Classification, Derived, Dialect, HookType, Token, Unused, UnusedReason, WaveOrigin};
use crate::domain::{hook, names, sync_options};

/// The annotations that people write on the objects of an application.
const WRITTEN: [&str; 10] = [
    names::HOOK,
    names::HOOK_DELETE_POLICY,
    names::SYNC_WAVE,
    names::SYNC_OPTIONS,
    names::COMPARE_OPTIONS,
    names::IGNORE_HEALTHCHECK,
    names::HELM_HOOK,
    names::HELM_HOOK_WEIGHT,
    names::HELM_HOOK_DELETE_POLICY,
    names::HELM_RESOURCE_POLICY,
];

/// Annotations of Helm that Argo CD passes over.
const HELM_ONLY: [&str; 2] = ["helm.sh/hook-delete-timeout", "helm.sh/hook-output-log-policy"];

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    strings(subject, findings);
    keys(subject, findings);
    misplaced(subject, findings);
    kinds_of_hook(subject, findings);
    wave(subject, findings);
    policies(subject, findings);
    helm(subject, findings);
}

fn annotations<'a>(subject: &Subject<'a>, path: &[&str]) -> Option<&'a Map<String, Value>> {
    subject.object.at(path)?.as_object()
}

/// Kubernetes takes only strings.
fn strings(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for field in ["annotations", "labels"] {
        let whole = subject.object.at(&["metadata", field]).filter(|value| !value.is_object() && !value.is_null());
        if let Some(value) = whole {
            let found = if value.is_array() { "a list" } else { "a single value" };
            let message = format!("metadata.{field} is {found}, not a map: nothing of it is read");
            findings.push(
                Finding::new(Code::AnnotationNotString, subject.index, message)
                    .remedy(format!("write metadata.{field} as a map of strings")),
            );
        }
        for (key, value) in annotations(subject, &["metadata", field]).into_iter().flatten() {
            let found = match value {
                Value::String(_) => continue,
                Value::Null => "empty".to_owned(),
                Value::Bool(value) => value.to_string(),
                Value::Number(value) => value.to_string(),
                Value::Array(_) => "a list".to_owned(),
                Value::Object(_) => "a map".to_owned(),
            };
            let message = format!("{key} in {field} is {found}, not a string: Argo CD cannot compare the application");
            findings.push(
                Finding::new(Code::AnnotationNotString, subject.index, message).remedy(format!(
                    "put the value in quotes: {key}: \"{}\"",
                    if found == "empty" { "" } else { &found }
                )),
            );
        }
    }
}

/// Names of annotations that are almost right.
fn keys(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for key in annotations(subject, &["metadata", "annotations"]).into_iter().flatten().map(|(key, _)| key.as_str()) {
        if let Some(meant) = meant_key(key) {
            let message = format!("{key} is not an annotation that anybody reads; it looks like {meant}");
            findings
                .push(Finding::new(Code::AnnotationMisspelt, subject.index, message).remedy(format!("write {meant}")));
        }
    }
}

/// The annotation that was probably meant; `None` if the key is right, or is nothing of ours.
fn meant_key(key: &str) -> Option<&'static str> {
    let (prefix, name) = key.split_once('/')?;
    let known = |name: &str| WRITTEN.contains(&name) || HELM_ONLY.contains(&name);
    if known(key) || key.len() > 64 {
        return None;
    }
    let same_world = |meant: &str| {
        let world = if meant.starts_with("helm") { "helm" } else { "argo" };
        prefix.to_ascii_lowercase().contains(world)
    };
    WRITTEN.into_iter().find(|meant| {
        let (own_prefix, own_name) = meant.split_once('/').unwrap_or_default();
        let name_is_near = {
            let distance = hook::distance(&name.to_ascii_lowercase(), own_name);
            // A third of a short name is another name; "hook" and "hooks" are near enough.
            distance == 0 || (distance == 1 && name.len() > 3) || (distance == 2 && name.len() > 7)
        };
        let prefix_is_near = own_prefix == prefix || (same_world(meant) && hook::distance(prefix, own_prefix) <= 8);
        name_is_near && prefix_is_near
    })
}

/// Right names in places where nobody looks.
fn misplaced(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let places: [(&[&str], &str); 6] = [
        (&["annotations"], "an annotation at the top level, outside of metadata"),
        (&["metadata", "annotation"], "under metadata.annotation, not metadata.annotations"),
        (&["metadata"], "a field of metadata itself, outside of its annotations"),
        (&["metadata", "labels"], "a label"),
        (&["spec", "template", "metadata", "annotations"], "an annotation of the pod template"),
        (&["spec", "template", "metadata", "labels"], "a label of the pod template"),
    ];
    for (path, place) in places {
        // Resource policies and waves of a whole chart's labels are copied about; hooks are what matters.
        for key in [names::HOOK, names::HOOK_DELETE_POLICY, names::SYNC_WAVE, names::SYNC_OPTIONS, names::HELM_HOOK] {
            let there = annotations(subject, path).is_some_and(|map| map.contains_key(key));
            if there && subject.object.at(&["metadata", "annotations", key]).is_none() {
                let message = format!("{key} is {place}: it is not read there");
                findings.push(Finding::new(Code::AnnotationMisplaced, subject.index, message));
            }
        }
    }
}

fn kinds_of_hook(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    match &subject.class {
        Classification::Resource | Classification::Skipped => {}
        Classification::Dropped(unused) => dropped(subject, unused, findings),
        Classification::Hook(hook) => {
            for unused in &hook.unused {
                ignored(subject, hook, unused, findings);
            }
        }
    }
}

fn dropped(subject: &Subject<'_>, unused: &[Unused], findings: &mut Vec<Finding>) {
    let wrong = unused.iter().find(|unused| !is_foreign(unused.reason));
    if let Some(wrong) = wrong {
        let what = describe(wrong);
        let finding =
            Finding::new(Code::HookMisspelt, subject.index, format!("{what}: the object is dropped without a word"));
        findings.push(match wrong.reason.suggestion() {
            Some(kind) => finding.remedy(format!("write {}", spelling(&wrong.token, kind))),
            None => finding,
        });
        return;
    }
    let words = unused.iter().map(|unused| unused.token.text.as_str()).collect::<Vec<_>>().join(", ");
    let is_rollback = unused.iter().any(|unused| unused.reason == UnusedReason::HelmRollback);
    let code = if is_rollback { Code::HelmRollbackHook } else { Code::HelmTestHook };
    findings.push(Finding::new(code, subject.index, format!("Argo CD has nothing like Helm's {words}: it never runs")));
}

/// Words that are right, but for something that Argo CD does not have.
fn is_foreign(reason: UnusedReason) -> bool {
    matches!(reason, UnusedReason::HelmTest | UnusedReason::HelmRollback)
}

fn ignored(subject: &Subject<'_>, hook: &hook::Hook, unused: &Unused, findings: &mut Vec<Finding>) {
    let word = &unused.token.text;
    let message = match unused.reason {
        // Charts for both worlds say the same thing twice; an empty annotation beside a good one harms nobody.
        UnusedReason::Shadowed
            if HookType::from_helm_name(word).is_some_and(|kind| hook.types().any(|own| own == kind)) =>
        {
            return;
        }
        UnusedReason::Empty => return,
        UnusedReason::Shadowed => format!("Helm's {word} is ignored, because Argo CD's annotation names a phase"),
        UnusedReason::SkipAmongOthers => {
            let when = if hook.sync.is_empty() { " when the application is deleted" } else { "" };
            format!("Skip is ignored, because {} stands beside it: the hook runs{when}", types(hook))
        }
        UnusedReason::HelmTest | UnusedReason::HelmRollback => {
            format!("Argo CD has nothing like Helm's {word}: for it the hook does not run")
        }
        _ => format!("{}; the hook still runs as {}", describe(unused), types(hook)),
    };
    let code = match unused.reason {
        UnusedReason::HelmTest => Code::HelmTestHook,
        UnusedReason::HelmRollback => Code::HelmRollbackHook,
        _ => Code::HookKindIgnored,
    };
    let finding = Finding::new(code, subject.index, message);
    findings.push(match unused.reason.suggestion() {
        Some(kind) => finding.remedy(format!("write {}", spelling(&unused.token, kind))),
        None => finding,
    });
}

fn types(hook: &hook::Hook) -> String {
    hook.types().map(HookType::as_str).collect::<Vec<_>>().join(", ")
}

fn describe(unused: &Unused) -> String {
    let Token { dialect, text } = &unused.token;
    let annotation = dialect.hook_annotation();
    match unused.reason {
        UnusedReason::Empty => format!("{annotation} is empty"),
        UnusedReason::WrongCase(_) => format!("{annotation}: {text} is written with the wrong case"),
        UnusedReason::HelmWord(_) => format!("{annotation}: {text} is Helm's word, not Argo CD's"),
        UnusedReason::ArgoWord(_) => format!("{annotation}: {text} is Argo CD's word, not Helm's"),
        UnusedReason::HelmCrdInstall => format!("{annotation}: {text} counts only if nothing stands beside it"),
        _ => format!("{annotation}: {text} is no kind of hook"),
    }
}

/// How the kind is written in the world of the annotation.
fn spelling(token: &Token, kind: HookType) -> String {
    match token.dialect {
        Dialect::Argo => format!("{}: {kind}", names::HOOK),
        Dialect::Helm => match kind {
            HookType::PreSync => format!("{}: pre-install,pre-upgrade", names::HELM_HOOK),
            HookType::PostSync => format!("{}: post-install,post-upgrade", names::HELM_HOOK),
            HookType::PreDelete => format!("{}: pre-delete", names::HELM_HOOK),
            HookType::PostDelete => format!("{}: post-delete", names::HELM_HOOK),
            // Helm has no word for it.
            HookType::Sync | HookType::SyncFail | HookType::Skip => format!("{}: {kind}", names::HOOK),
        },
    }
}

fn wave(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let is_text = |token: &Token| {
        let key = match token.dialect {
            Dialect::Argo => names::SYNC_WAVE,
            Dialect::Helm => names::HELM_HOOK_WEIGHT,
        };
        // What is no string is found as that.
        subject.object.annotation(key).is_some().then_some(key)
    };
    for token in &subject.wave.unreadable {
        let Some(key) = is_text(token) else { continue };
        let message = format!("{key}: {:?} is not an integer; the wave is {}", token.text, subject.wave.number);
        findings.push(Finding::new(Code::WaveNotInteger, subject.index, message));
    }
    let Some(hook) = subject.hook() else { return };
    if subject.wave.origin != WaveOrigin::Argo || subject.wave.number == 0 {
        return;
    }
    let starts_together =
        |phase: &str| format!("all {phase} hooks start together; wave {} is ignored", subject.wave.number);
    let is_sync_fail = |derived: &Derived<hook::SyncPhase>| derived.phase == hook::SyncPhase::SyncFail;
    if !hook.sync.is_empty() && hook.sync.iter().all(is_sync_fail) {
        findings.push(Finding::new(Code::WaveIgnored, subject.index, starts_together("SyncFail")));
    } else if let (true, Some(derived)) = (hook.sync.is_empty(), hook.delete.first()) {
        findings.push(Finding::new(Code::WaveIgnored, subject.index, starts_together(derived.phase.as_str())));
    }
}

fn policies(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for token in subject.policies.unknown() {
        let known: &[&str] = match token.dialect {
            Dialect::Argo => &["BeforeHookCreation", "HookSucceeded", "HookFailed"],
            Dialect::Helm => &["before-hook-creation", "hook-succeeded", "hook-failed"],
        };
        let kept = subject.policies.iter().map(hook::DeletePolicy::as_str).collect::<Vec<_>>().join(", ");
        let message = format!("{}: {} is not known; {kept} is used", token.dialect.policy_annotation(), token.text);
        let plain = |text: &str| {
            text.chars().filter(char::is_ascii_alphabetic).take(32).collect::<String>().to_ascii_lowercase()
        };
        let nearest = known.iter().min_by_key(|word| hook::distance(&plain(&token.text), &plain(word)));
        let finding = Finding::new(Code::DeletePolicyMisspelt, subject.index, message);
        findings.push(match nearest {
            Some(word) if hook::distance(&plain(&token.text), &plain(word)) <= 3 => {
                finding.remedy(format!("write {word}"))
            }
            _ => finding,
        });
    }
    let written = [names::HOOK_DELETE_POLICY, names::HELM_HOOK_DELETE_POLICY];
    if let Some(key) = written.into_iter().find(|key| subject.object.annotation(key).is_some())
        && subject.class == Classification::Resource
    {
        let message = format!("{key} has no effect: the object is not a hook");
        findings.push(Finding::new(Code::DeletePolicyWithoutHook, subject.index, message));
    }
}

fn helm(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for key in HELM_ONLY {
        if subject.object.annotation(key).is_some() {
            let message = format!("{key} is not read by Argo CD");
            findings.push(Finding::new(Code::HelmAnnotationIgnored, subject.index, message));
        }
    }
    let keeps_in_git = sync_options::SyncOptions::of_object(subject.object).prune().is_some();
    if sync_options::helm_keeps(subject.object) && subject.class == Classification::Resource && !keeps_in_git {
        let message = "helm.sh/resource-policy: keep does not stop Argo CD from pruning it";
        findings.push(Finding::new(Code::HelmKeepPruned, subject.index, message));
    }
    let Some(hook) = subject.hook() else { return };
    if !kinds::runs_once(subject.object) {
        return;
    }
    for derived in &hook.sync {
        let helm: Vec<&str> = derived
            .from
            .iter()
            .filter(|token| token.dialect == Dialect::Helm)
            .map(|token| token.text.as_str())
            .collect();
        if let [only] = helm[..] {
            let message = format!("Argo CD runs {only} on every sync, first or not");
            let both = if only.starts_with("pre") { "pre-install,pre-upgrade" } else { "post-install,post-upgrade" };
            findings.push(
                Finding::new(Code::HelmInstallOnly, subject.index, message)
                    .remedy(format!("make it safe for both and write {both}")),
            );
        }
    }
}
