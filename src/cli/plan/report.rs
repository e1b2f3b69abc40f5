//! The plan and its findings, joined with the places of the objects: what the text and the JSON output both print.

use std::sync::Arc;

use jiff::Timestamp;

use super::input::{Input, Problem};
use crate::cli::args::PlanArgs;
use crate::domain::findings::{Finding, Settings, Severity, check};
use crate::domain::hook::{
    Classification, DeletePhase, DeletePolicy, Derived, Dialect, HookType, classify, delete_policies,
};
use crate::domain::manifest::{Object, Place};
use crate::domain::operation::{Selector, Strategy, SyncRequest};
use crate::domain::plan::{Kinds, LeftOutReason, Permission, Plan, PlanInput, plan};

/// Everything there is to say.
#[derive(Debug)]
pub(super) struct Report {
    pub objects: Vec<Arc<Object>>,
    pub places: Vec<Place>,
    pub problems: Vec<Problem>,
    pub plan: Plan,
    /// For each object that is left out: which, and why.
    pub left_out: Vec<(usize, LeftOutReason)>,
    /// Hooks of the application's deletion, and in which phases of it they run.
    pub deletions: Vec<(DeletePhase, usize)>,
    pub findings: Vec<Finding>,
    /// Findings that were not asked for.
    pub ignored: usize,
    /// Warnings, those that are not shown because of their severity among them.
    pub warnings: usize,
}

impl Report {
    /// Plans and checks what was read.
    pub(super) fn new(input: Input, args: &PlanArgs, now: Timestamp) -> Self {
        let Input { objects, places, mut problems, .. } = input;
        problems.extend(args.resources.iter().filter_map(|selector| selects_nothing(selector, &objects, args)));
        let request = SyncRequest {
            strategy: if args.apply_only { Strategy::Apply { force: false } } else { Strategy::default() },
            resources: args.resources.clone(),
            sync_options: args.sync_options.clone(),
            ..SyncRequest::default()
        };
        let plan = plan(&PlanInput {
            targets: &objects,
            live: &[],
            kinds: &Kinds::well_known(),
            request: &request,
            destination_namespace: &args.namespace,
            live_namespace: None,
            namespace_metadata: None,
            revision: args.revision().unwrap_or_default(),
            started_at: now,
            permission: Permission::All,
            out_of_sync: None,
            recorded: None,
            unique_names: false,
        });
        let settings = Settings {
            namespace: args.namespace.clone(),
            revision: args.revision().map(str::to_owned),
            sync_options: args.sync_options.clone(),
            without_hooks: args.apply_only || !args.resources.is_empty(),
        };
        let mut findings = check(objects.iter().map(AsRef::as_ref), &settings);
        let all = findings.len();
        let least = Severity::from(args.severity);
        findings.retain(|finding| !args.ignored.contains(&finding.code));
        let warnings = findings.iter().filter(|finding| finding.severity() == Severity::Warning).count();
        findings.retain(|finding| finding.severity() <= least);
        let left_out = plan.left_out.iter().filter_map(|left| Some((left.manifest?, left.reason.clone()))).collect();
        let deletions = deletions(&objects);
        let ignored = all - findings.len();
        Self { objects, places, problems, plan, left_out, deletions, findings, ignored, warnings }
    }

    /// How many findings of a severity there are.
    pub(super) fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity() == severity).count()
    }

    /// Whether something in the input is wrong.
    pub(super) fn has_errors(&self) -> bool {
        !self.problems.is_empty() || self.count(Severity::Error) > 0 || self.plan.totals().invalid > 0
    }
}

/// A selector that means none of the objects is a mistake: what it should have planned would be missed in silence.
fn selects_nothing(selector: &Selector, objects: &[Arc<Object>], args: &PlanArgs) -> Option<Problem> {
    let Selector { group, kind, name, namespace } = selector;
    let is_meant = |object: &Arc<Object>| {
        let namespaces = ["", object.namespace(), if object.namespace().is_empty() { &args.namespace } else { "" }];
        (object.group(), object.kind(), object.name()) == (group, kind, name)
            && namespaces.contains(&namespace.as_str())
    };
    let message = format!("no object is {group}:{kind}:{name}");
    (!objects.iter().any(is_meant)).then(|| Problem { source: "--resource".into(), line: None, column: None, message })
}

/// The name, or where there is none the prefix of the generated one.
pub(super) fn written_name(object: &Object) -> &str {
    if object.name().is_empty() { object.generate_name() } else { object.name() }
}

fn deletions(objects: &[Arc<Object>]) -> Vec<(DeletePhase, usize)> {
    let mut deletions: Vec<(DeletePhase, usize)> = objects
        .iter()
        .enumerate()
        .filter_map(|(index, object)| match classify(object) {
            Classification::Hook(hook) => Some((index, hook)),
            _ => None,
        })
        .flat_map(|(index, hook)| hook.delete.iter().map(|derived| (derived.phase, index)).collect::<Vec<_>>())
        .collect();
    deletions.sort_unstable();
    deletions
}

/// When a hook is deleted, in Argo CD's words.
pub(super) fn policies(object: &Object) -> Vec<&'static str> {
    delete_policies(object).iter().map(DeletePolicy::as_str).collect()
}

/// A kind of hook, and whether it was taken from Helm's annotation alone.
pub(super) type HookKind = (HookType, bool);

/// The kinds of hook that an object is, those of a sync first.
pub(super) fn hook_kinds(object: &Object) -> Vec<HookKind> {
    fn kinds<P: Copy + Into<HookType>>(derived: &[Derived<P>]) -> impl Iterator<Item = HookKind> {
        derived
            .iter()
            .map(|derived| (derived.phase.into(), derived.from.iter().all(|token| token.dialect == Dialect::Helm)))
    }
    classify(object).hook().map(|hook| kinds(&hook.sync).chain(kinds(&hook.delete)).collect()).unwrap_or_default()
}
