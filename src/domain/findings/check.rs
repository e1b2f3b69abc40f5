//! The one entry: all checks over the objects of a sync.

use super::code::Code;
use super::facts::Subject;
use super::finding::Finding;
use super::{annotations, lifecycle, names, options, order, pods, scripts};
use crate::domain::manifest::Object;
use crate::domain::plan::Kinds;

/// What is known about the sync besides its objects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Namespace of the destination, for objects that name none; empty if unknown.
    pub namespace: String,
    /// The revision that is synced, which becomes part of generated names; `None`: some commit.
    pub revision: Option<String>,
    /// Options of the operation.
    pub sync_options: Vec<String>,
    /// Whether hooks run: not in a selective sync, and not with the strategy `apply`.
    pub without_hooks: bool,
}

/// Everything in these objects that will not happen as written or will hurt later: errors first, then by code, then
/// in the order of the objects.
pub fn check<'a>(objects: impl IntoIterator<Item = &'a Object>, settings: &'a Settings) -> Vec<Finding> {
    let kinds = Kinds::well_known();
    let subjects: Vec<Subject<'a>> = objects
        .into_iter()
        .enumerate()
        .map(|(index, object)| Subject::new(index, object, &settings.namespace, &kinds))
        .collect();
    let mut findings = options::of_operation(&settings.sync_options);
    let tokenless = pods::tokenless(&subjects);
    for subject in &subjects {
        annotations::check(subject, &mut findings);
        options::check(subject, &mut findings);
        names::check(subject, settings.revision.as_deref(), &mut findings);
        lifecycle::check(subject, &mut findings);
        if subject.is_working_hook() {
            pods::check(subject, &tokenless, &mut findings);
            scripts::check(subject, &mut findings);
        }
    }
    names::check_all(&subjects, &mut findings);
    order::check(&subjects, &mut findings);
    findings.extend(about_the_whole(&subjects, settings));
    findings.sort_by_key(|finding| (finding.severity(), finding.code, finding.object));
    findings
}

fn about_the_whole(subjects: &[Subject<'_>], settings: &Settings) -> Vec<Finding> {
    let hooks: Vec<usize> = subjects
        .iter()
        .filter(|subject| subject.hook().is_some_and(|hook| !hook.sync.is_empty()))
        .map(|subject| subject.index)
        .collect();
    let mut found = Vec::new();
    if hooks.is_empty() {
        return found;
    }
    let count = if hooks.len() == 1 { "1 hook".to_owned() } else { format!("{} hooks", hooks.len()) };
    if settings.without_hooks {
        found.push(Finding {
            code: Code::HooksNotRun,
            object: None,
            others: hooks.clone(),
            message: format!("{count} of these manifests will not run in this sync"),
            remedy: Code::HooksNotRun.remedy().to_owned(),
        });
    }
    if !subjects.iter().any(|subject| subject.class == crate::domain::hook::Classification::Resource) {
        found.push(Finding {
            code: Code::HooksOnly,
            object: None,
            others: hooks,
            message: "there are only hooks here; if this is all of an application, automated sync never starts"
                .to_owned(),
            remedy: Code::HooksOnly.remedy().to_owned(),
        });
    }
    found
}
