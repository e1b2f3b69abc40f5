//! Dialogs. Each shows what would be written before it is sent; Cancel has the focus when it opens, wherever
//! something can be destroyed.

use std::collections::BTreeMap;
use std::sync::Arc;

use tui_textarea::TextArea;

use crate::domain::application::{AppKey, Application, SyncPolicy};
use crate::domain::live::{Preview, Review, RevisionNames};
use crate::domain::manifest::ObjectKey;
use crate::domain::operation::{Retry, Selector, Strategy, SyncRequest};
use crate::domain::plan::{Permission, Plan, PlanInput, plan};
use crate::domain::request::{Changed, Confirmation, HookJob, Request, SyncOrder};

/// What a dialog is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui) enum DialogKind {
    Sync,
    /// A sync to exactly what was reviewed.
    ApproveSync,
    Abort,
    Retry,
    Resume,
    /// An entry of the Application's history, and its revisions.
    Rollback {
        id: i64,
        revisions: Vec<String>,
    },
    AutoSync {
        on: bool,
    },
    Repair,
    Refresh {
        hard: bool,
    },
    Approve(Confirmation),
    Rerun {
        hook: HookJob,
    },
}

/// Something in a dialog that can have the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum Field {
    Revision,
    Why,
    Prune,
    DryRun,
    NoHooks,
    /// A rollback with the hooks of its revision.
    Hooks,
    Force,
    /// It may be sent although what it would do is not known.
    Unseen,
    /// Options of the sync beside those of the policy.
    Options,
    /// How often a failed attempt is repeated.
    Retry,
    Cancel,
    /// One of the choices.
    Choice(usize),
}

/// A request that the dialog can send, and what is known of it for each application.
#[derive(Debug)]
pub(in crate::tui) struct Choice {
    pub(in crate::tui) label: String,
    pub(in crate::tui) targets: Vec<Target>,
}

/// What a choice sends to one application.
#[derive(Debug)]
pub(in crate::tui) struct Target {
    pub(in crate::tui) key: AppKey,
    pub(in crate::tui) request: Request,
    /// What that would write; `None`: being asked for.
    pub(in crate::tui) preview: Option<Result<Preview, String>>,
}

/// Why what would be sent is not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui) enum Unseen {
    /// Nothing was asked about what is typed.
    NotAsked,
    /// The plan is being made.
    Asked,
    /// There is no such revision.
    NoRevision(String),
    /// There is no plan.
    NoPlan(String),
}

/// Applications of one dialog whose plans are asked for.
pub(in crate::tui) const MOST_PLANS: usize = 50;

impl Choice {
    /// The applications it can be sent for, with what the decision rests on.
    pub(in crate::tui) fn sendable(&self) -> impl Iterator<Item = (&Target, &Preview)> {
        self.targets.iter().filter_map(|target| match &target.preview {
            Some(Ok(preview)) if preview.refusals.is_empty() && preview.write.is_ok() => Some((target, preview)),
            _ => None,
        })
    }

    pub(in crate::tui) fn is_waiting(&self) -> bool {
        self.targets.iter().any(|target| target.preview.is_none())
    }
}

/// An open dialog.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(in crate::tui) struct Dialog {
    /// Names the questions it asks: answers to earlier ones are nobody's.
    pub(in crate::tui) id: u64,
    pub(in crate::tui) kind: DialogKind,
    pub(in crate::tui) targets: Vec<AppKey>,
    pub(in crate::tui) fields: Vec<Field>,
    pub(in crate::tui) focus: usize,
    pub(in crate::tui) revision: TextArea<'static>,
    pub(in crate::tui) why: TextArea<'static>,
    pub(in crate::tui) options: TextArea<'static>,
    pub(in crate::tui) retry: TextArea<'static>,
    /// The sync policy of the application; `None`: of several, or not known yet.
    pub(in crate::tui) policy: Option<SyncPolicy>,
    pub(in crate::tui) prune: bool,
    pub(in crate::tui) dry_run: bool,
    pub(in crate::tui) no_hooks: bool,
    pub(in crate::tui) hooks: bool,
    pub(in crate::tui) force: bool,
    /// Only these objects; empty: all.
    pub(in crate::tui) only: Vec<ObjectKey>,
    /// The application that is told of as long as the dialog is open.
    pub(in crate::tui) opened: Option<AppKey>,
    /// The target revisions of the application's sources; empty: not known yet.
    pub(in crate::tui) sources: Vec<String>,
    /// What can stand in the revision field, by source.
    pub(in crate::tui) names: BTreeMap<usize, Result<RevisionNames, String>>,
    /// Which of the offers was taken last.
    pub(in crate::tui) offer: Option<usize>,
    /// What was typed when the first offer was taken.
    pub(in crate::tui) typed: String,
    /// The plan with the options of the fields.
    pub(in crate::tui) plan: Option<Plan>,
    pub(in crate::tui) choices: Vec<Choice>,
    /// What a sync to the revision in the field would do; of one application.
    pub(in crate::tui) review: Option<Arc<Review>>,
    /// The same of each of several applications.
    pub(in crate::tui) reviews: BTreeMap<AppKey, Arc<Review>>,
    /// The revisions whose review was asked for last, until it is there.
    pub(in crate::tui) asking: Option<Vec<String>>,
    /// The operator wants it sent although there is no plan.
    pub(in crate::tui) unseen: bool,
    pub(in crate::tui) shows_write: bool,
    pub(in crate::tui) scroll: u16,
    /// Why it is asked again.
    pub(in crate::tui) changed: Vec<Changed>,
}

impl Dialog {
    pub(in crate::tui) fn new(id: u64, kind: DialogKind, targets: Vec<AppKey>) -> Self {
        Self {
            id,
            kind,
            targets,
            fields: Vec::new(),
            focus: 0,
            revision: TextArea::default(),
            why: TextArea::default(),
            options: TextArea::default(),
            retry: TextArea::default(),
            policy: None,
            prune: false,
            dry_run: false,
            no_hooks: false,
            hooks: false,
            force: false,
            only: Vec::new(),
            opened: None,
            sources: Vec::new(),
            names: BTreeMap::new(),
            offer: None,
            typed: String::new(),
            plan: None,
            choices: Vec::new(),
            review: None,
            reviews: BTreeMap::new(),
            asking: None,
            unseen: false,
            shows_write: false,
            scroll: 0,
            changed: Vec::new(),
        }
    }

    /// Puts the focus where it begins: on Cancel, unless nothing can be destroyed here.
    pub(in crate::tui) fn focus_first(&mut self) {
        let first = match self.kind {
            DialogKind::Refresh { .. } => Field::Choice(0),
            _ => Field::Cancel,
        };
        self.focus = self.fields.iter().position(|field| *field == first).unwrap_or_default();
    }

    /// Puts the focus on Cancel.
    pub(in crate::tui) fn focus_cancel(&mut self) {
        self.focus = self.fields.iter().position(|field| *field == Field::Cancel).unwrap_or_default();
    }

    pub(in crate::tui) fn field(&self) -> Field {
        self.fields.get(self.focus).copied().unwrap_or(Field::Cancel)
    }

    /// The text of a field one types into; `None`: it is another kind of field.
    pub(in crate::tui) fn text(&self, field: Field) -> Option<&TextArea<'static>> {
        match field {
            Field::Revision => Some(&self.revision),
            Field::Why => Some(&self.why),
            Field::Options => Some(&self.options),
            Field::Retry => Some(&self.retry),
            _ => None,
        }
    }

    /// The same, to type into.
    pub(in crate::tui) fn text_mut(&mut self, field: Field) -> Option<&mut TextArea<'static>> {
        match field {
            Field::Revision => Some(&mut self.revision),
            Field::Why => Some(&mut self.why),
            Field::Options => Some(&mut self.options),
            Field::Retry => Some(&mut self.retry),
            _ => None,
        }
    }

    /// What was typed into a field.
    pub(in crate::tui) fn typed_in(&self, field: Field) -> String {
        self.text(field).and_then(|area| area.lines().first()).map(|line| line.trim().to_owned()).unwrap_or_default()
    }

    pub(in crate::tui) fn revision_text(&self) -> String {
        self.typed_in(Field::Revision)
    }

    pub(in crate::tui) fn why_text(&self) -> String {
        self.typed_in(Field::Why)
    }

    /// The options of the sync with those that were typed; `None`: those of its policy.
    fn sync_options(&self) -> Option<Vec<String>> {
        let typed: Vec<String> = self.typed_in(Field::Options).split_whitespace().map(str::to_owned).collect();
        let policy = self.policy.as_ref().filter(|_| !typed.is_empty())?;
        Some(policy.options_with(&typed))
    }

    /// The revisions whose effect the dialog shows; empty: the target's.
    pub(in crate::tui) fn asked(&self) -> Vec<String> {
        match &self.kind {
            DialogKind::Rollback { revisions, .. } => revisions.clone(),
            DialogKind::Sync if self.has_several_sources() => {
                // One word a source; `-` is its target.
                let text = self.revision_text();
                let words: Vec<&str> =
                    text.split_whitespace().map(|word| if word == "-" { "" } else { word }).collect();
                let end = words.iter().rposition(|word| !word.is_empty()).map_or(0, |last| last + 1);
                words.into_iter().take(end).map(str::to_owned).collect()
            }
            DialogKind::Sync => Some(self.revision_text()).into_iter().filter(|text| !text.is_empty()).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether the revision field takes several revisions.
    pub(in crate::tui) fn has_several_sources(&self) -> bool {
        self.sources.len() > 1
    }

    /// What is typed in the revision field: all that is complete, and the word that is being typed.
    pub(in crate::tui) fn revision_parts(&self) -> (String, String) {
        let text = self.revision.lines().first().cloned().unwrap_or_default();
        let begin = if self.has_several_sources() { text.rfind(' ').map_or(0, |at| at + 1) } else { 0 };
        let (before, word) = text.split_at_checked(begin).unwrap_or(("", &text));
        (before.to_owned(), word.trim().to_owned())
    }

    /// The source whose revision is being typed.
    pub(in crate::tui) fn typed_source(&self) -> usize {
        let place = self.revision_parts().0.split_whitespace().count();
        place.min(self.sources.len().saturating_sub(1))
    }

    /// Whether it shows what would be done.
    pub(in crate::tui) fn has_plan(&self) -> bool {
        matches!(self.kind, DialogKind::Sync | DialogKind::ApproveSync | DialogKind::Rollback { .. })
    }

    /// The commits a reviewed sync is pinned to: only where the review is of what the dialog asks for.
    pub(in crate::tui) fn reviewed(&self) -> Option<&Review> {
        let review = self.review.as_deref()?;
        (review.asked == self.asked() && !review.commits.is_empty()).then_some(review)
    }

    /// Why it is not shown what would be sent; `None`: it is.
    pub(in crate::tui) fn unseen(&self) -> Option<Unseen> {
        if !self.has_plan() {
            return None;
        }
        let missing = |review: &Review| {
            let why = review.plan.as_ref().err()?.clone();
            let is_unknown = review.revisions.sources.iter().any(|source| source.is_missing);
            Some(if is_unknown { Unseen::NoRevision(why) } else { Unseen::NoPlan(why) })
        };
        if let [_] = self.targets.as_slice() {
            let asked = self.asked();
            return match self.review.as_deref().filter(|review| review.asked == asked) {
                Some(review) => missing(review),
                None if self.asking.as_ref() == Some(&asked) => Some(Unseen::Asked),
                // It is asked for as soon as the answer about what was typed before is there.
                None if self.asking.is_some() && self.is_named() => Some(Unseen::Asked),
                None => Some(Unseen::NotAsked),
            };
        }
        if self.is_reviewing() {
            return Some(Unseen::Asked);
        }
        let without = self.targets.iter().filter(|key| self.reviews.get(*key).is_none_or(|own| own.plan.is_err()));
        match without.count() {
            0 => None,
            1 => Some(Unseen::NoPlan("of 1 application".to_owned())),
            several => Some(Unseen::NoPlan(format!("of {several} applications"))),
        }
    }

    /// Why it is held back although the cluster may take it.
    pub(in crate::tui) fn held_back(&self) -> Option<Unseen> {
        self.unseen().filter(|unseen| !(self.unseen && matches!(unseen, Unseen::NoPlan(_))))
    }

    /// Whether plans of several applications are still being made.
    pub(in crate::tui) fn is_reviewing(&self) -> bool {
        self.has_plan()
            && self.targets.len() > 1
            && self.targets.iter().take(MOST_PLANS).any(|key| !self.reviews.contains_key(key))
    }

    /// Whether what is typed as revision is the whole name of one that is known, or nothing.
    pub(in crate::tui) fn is_named(&self) -> bool {
        self.asked().iter().enumerate().all(|(source, word)| {
            let Some(Ok(names)) = self.names.get(&source) else { return word.is_empty() };
            let is_commit = |sha: &str| sha == word || (word.len() >= 7 && sha.starts_with(word.as_str()));
            word.is_empty()
                || names.branches.contains(word)
                || names.tags.contains(word)
                || names.commits.iter().any(|commit| is_commit(&commit.sha))
        })
    }

    /// The order for one of the applications. `pin`: to exactly the commits that were reviewed.
    pub(in crate::tui) fn order_of(&self, key: &AppKey, pin: bool) -> SyncOrder {
        let mut order = self.order(pin);
        if let Some(review) = self.reviews.get(key).filter(|_| pin) {
            pin_to(&mut order, &review.commits);
        }
        order
    }

    /// The order of a sync as the fields say. `pin`: to exactly the commits that were reviewed.
    pub(in crate::tui) fn order(&self, pin: bool) -> SyncOrder {
        let selector = |key: &ObjectKey| Selector {
            group: key.group.clone(),
            kind: key.kind.clone(),
            name: key.name.clone(),
            namespace: key.namespace.clone(),
        };
        let mut order = SyncOrder {
            revision: if self.kind == DialogKind::Sync && !self.has_several_sources() {
                self.revision_text()
            } else {
                String::new()
            },
            revisions: self.asked_of_each(),
            prune: self.prune,
            dry_run: self.dry_run,
            strategy: if self.no_hooks {
                Strategy::Apply { force: self.force }
            } else {
                Strategy::Hook { force: self.force }
            },
            resources: self.only.iter().map(selector).collect(),
            sync_options: self.sync_options(),
            retry: self.typed_in(Field::Retry).parse().ok().map(|limit| Retry { limit, ..Retry::default() }),
            ..SyncOrder::default()
        };
        if let Some(review) = self.reviewed().filter(|_| pin && self.targets.len() == 1) {
            pin_to(&mut order, &review.commits);
        }
        order
    }

    /// The revisions of several sources, one each; empty: their targets.
    fn asked_of_each(&self) -> Vec<String> {
        let asked = self.asked();
        if self.kind != DialogKind::Sync || !self.has_several_sources() || asked.is_empty() {
            return Vec::new();
        }
        // More than there are sources is refused, with the reason.
        let count = self.sources.len().max(asked.len());
        let of = |source: usize| {
            let own = asked.get(source).filter(|asked| !asked.is_empty());
            own.or_else(|| self.sources.get(source)).cloned().unwrap_or_default()
        };
        (0..count).map(of).collect()
    }

    /// Plans anew with the options of the fields.
    pub(in crate::tui) fn replan(&mut self, application: Option<&Application>) {
        self.plan = None;
        let (Some(review), Some(application)) = (self.reviewed(), application) else { return };
        // What the project forbids is in the review's own plan.
        let Ok(reviewed) = &review.plan else { return };
        let spec = &application.spec;
        let order = self.order(true);
        let is_rollback = matches!(self.kind, DialogKind::Rollback { .. });
        let strategy = match (is_rollback, self.hooks) {
            (true, true) => Strategy::Hook { force: false },
            (true, false) => Strategy::Apply { force: false },
            (false, _) => order.strategy,
        };
        let request = SyncRequest {
            prune: self.prune,
            dry_run: self.dry_run,
            strategy,
            resources: order.resources,
            sync_options: order.sync_options.unwrap_or_else(|| spec.sync_policy.sync_options.clone()),
            ..SyncRequest::default()
        };
        let started_at = application.status.reconciled_at.unwrap_or_default();
        let own = plan(&PlanInput {
            targets: &review.targets,
            live: &review.live,
            kinds: &review.kinds,
            request: &request,
            destination_namespace: &spec.destination.namespace,
            live_namespace: None,
            namespace_metadata: spec.sync_policy.managed_namespace_metadata.as_ref(),
            revision: &reviewed.revision,
            started_at,
            permission: Permission::All,
            out_of_sync: None,
            recorded: None,
            unique_names: false,
        });
        self.plan = Some(own);
    }

    /// What fits the beginning of a revision that is typed: branches, tags, then commits.
    pub(in crate::tui) fn offers(&self) -> Vec<(String, String)> {
        let Some(Ok(names)) = self.names.get(&self.typed_source()) else { return Vec::new() };
        let typed = if self.offer.is_some() { self.typed.clone() } else { self.revision_parts().1 };
        let typed = typed.to_lowercase();
        let fits = |name: &str| name.to_lowercase().contains(&typed);
        let branches = names.branches.iter().filter(|name| fits(name)).map(|name| (name.clone(), "branch".to_owned()));
        let tags = names.tags.iter().filter(|name| fits(name)).map(|name| (name.clone(), "tag".to_owned()));
        let commits = names
            .commits
            .iter()
            .filter(|commit| commit.sha.starts_with(&typed) || commit.subject.to_lowercase().contains(&typed));
        let commits = commits.map(|commit| (commit.sha.clone(), commit.subject.clone()));
        let mut all: Vec<(String, String)> = branches.chain(tags).chain(commits).take(500).collect();
        // What begins with it first.
        all.sort_by_key(|(name, _)| !name.to_lowercase().starts_with(&typed));
        all
    }
}

fn pin_to(order: &mut SyncOrder, commits: &[String]) {
    match commits {
        [] => {}
        [one] => order.revision.clone_from(one),
        several => {
            order.revision.clear();
            order.revisions = several.to_vec();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(branches: &[&str]) -> RevisionNames {
        let branches = branches.iter().map(|name| (*name).to_owned()).collect();
        RevisionNames { branches, tags: Vec::new(), commits: Vec::new() }
    }

    #[test]
    fn each_source_has_its_own_revision_and_names() {
        let key = AppKey::new("c", "argocd", "shop");
        let mut dialog = Dialog::new(1, DialogKind::Sync, vec![key]);
        dialog.sources = vec!["main".to_owned(), "1.2.3".to_owned(), "HEAD".to_owned()];
        dialog.names = [(0, Ok(names(&["main", "next"]))), (1, Ok(names(&["values", "variant"])))].into();
        for (text, source, offers, asked, revisions) in [
            ("", 0, &["main", "next"][..], &[][..], &[][..]),
            ("ne", 0, &["next"], &["ne"], &["ne", "1.2.3", "HEAD"]),
            ("next ", 1, &["values", "variant"], &["next"], &["next", "1.2.3", "HEAD"]),
            ("- var", 1, &["variant"], &["", "var"], &["main", "var", "HEAD"]),
            ("- - -", 2, &[], &[], &[]),
            // Too many are not cut away in silence: the request is refused.
            ("a b c d", 2, &[], &["a", "b", "c", "d"], &["a", "b", "c", "d"]),
        ] {
            dialog.revision = TextArea::from([text]);
            assert_eq!(dialog.typed_source(), source, "{text:?}");
            let offered: Vec<String> = dialog.offers().into_iter().map(|(name, _)| name).collect();
            assert_eq!(offered, offers, "{text:?}");
            assert_eq!(dialog.asked(), asked, "{text:?}");
            let order = dialog.order(false);
            assert_eq!(order.revision, "", "{text:?}");
            assert_eq!(order.revisions, revisions, "{text:?}");
        }
    }

    #[test]
    fn what_is_typed_as_options_goes_over_those_of_the_policy() {
        let mut dialog = Dialog::new(1, DialogKind::Sync, vec![AppKey::new("c", "argocd", "shop")]);
        dialog.options = TextArea::from(["  Replace=true  PruneLast=false"]);
        assert_eq!(dialog.order(false).sync_options, None, "the policy is not known yet");
        let options = ["PruneLast=true", "CreateNamespace=true"].map(str::to_owned).to_vec();
        dialog.policy = Some(SyncPolicy { sync_options: options, ..SyncPolicy::default() });
        let order = dialog.order(false);
        assert_eq!(order.sync_options.unwrap(), ["CreateNamespace=true", "Replace=true", "PruneLast=false"]);
        assert_eq!(order.retry, None, "that of the policy");
        dialog.options = TextArea::default();
        assert_eq!(dialog.order(false).sync_options, None, "those of the policy");
        for (typed, limit) in [("3", Some(3)), ("-1", Some(-1)), ("0", Some(0)), ("-", None), ("", None)] {
            dialog.retry = TextArea::from([typed]);
            assert_eq!(dialog.order(false).retry.map(|retry| retry.limit), limit, "{typed:?}");
        }
    }

    #[test]
    fn the_revision_of_one_source_is_taken_as_it_is_typed() {
        let mut dialog = Dialog::new(1, DialogKind::Sync, vec![AppKey::new("c", "argocd", "shop")]);
        dialog.sources = vec!["main".to_owned()];
        dialog.revision = TextArea::from([" release/1 "]);
        assert_eq!(dialog.asked(), ["release/1"]);
        let order = dialog.order(false);
        assert_eq!((order.revision.as_str(), order.revisions.len()), ("release/1", 0));
    }
}
