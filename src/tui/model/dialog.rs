//! Dialogs. Each shows what would be written before it is sent; Cancel has the focus when it opens.

use tui_textarea::TextArea;

use crate::domain::application::AppKey;
use crate::domain::live::{Preview, Review};
use crate::domain::operation::Strategy;
use crate::domain::request::{Changed, HookJob, Request, SyncOrder};

/// What a dialog is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui) enum DialogKind {
    Sync,
    Abort,
    Retry,
    Refresh { hard: bool },
    Approve,
    Rerun { hook: HookJob },
}

/// Something in a dialog that can have the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum Field {
    Revision,
    Why,
    Prune,
    DryRun,
    NoHooks,
    Force,
    Cancel,
    /// One of the choices.
    Choice(usize),
}

/// A request that the dialog can send, and what is known of it for each application.
#[derive(Debug)]
pub(in crate::tui) struct Choice {
    pub(in crate::tui) label: String,
    pub(in crate::tui) request: Request,
    /// `None`: being asked for.
    pub(in crate::tui) previews: Vec<(AppKey, Option<Result<Preview, String>>)>,
}

impl Choice {
    /// The applications it can be sent for, with what the decision rests on.
    pub(in crate::tui) fn sendable(&self) -> impl Iterator<Item = (&AppKey, &Preview)> {
        self.previews.iter().filter_map(|(key, preview)| match preview {
            Some(Ok(preview)) if preview.refusals.is_empty() && preview.write.is_ok() => Some((key, preview)),
            _ => None,
        })
    }

    pub(in crate::tui) fn is_waiting(&self) -> bool {
        self.previews.iter().any(|(_, preview)| preview.is_none())
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
    pub(in crate::tui) prune: bool,
    pub(in crate::tui) dry_run: bool,
    pub(in crate::tui) no_hooks: bool,
    pub(in crate::tui) force: bool,
    pub(in crate::tui) choices: Vec<Choice>,
    /// What a sync to the revision in the field would do; of one application.
    pub(in crate::tui) review: Option<std::sync::Arc<Review>>,
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
            prune: false,
            dry_run: false,
            no_hooks: false,
            force: false,
            choices: Vec::new(),
            review: None,
            shows_write: false,
            scroll: 0,
            changed: Vec::new(),
        }
    }

    /// Puts the focus on Cancel.
    pub(in crate::tui) fn focus_cancel(&mut self) {
        self.focus = self.fields.iter().position(|field| *field == Field::Cancel).unwrap_or_default();
    }

    pub(in crate::tui) fn field(&self) -> Field {
        self.fields.get(self.focus).copied().unwrap_or(Field::Cancel)
    }

    pub(in crate::tui) fn revision_text(&self) -> String {
        self.revision.lines().first().map(|line| line.trim().to_owned()).unwrap_or_default()
    }

    pub(in crate::tui) fn why_text(&self) -> String {
        self.why.lines().first().map(|line| line.trim().to_owned()).unwrap_or_default()
    }

    /// The commits a reviewed sync is pinned to: only where the review is of what the field asks for.
    pub(in crate::tui) fn reviewed(&self) -> Option<&Review> {
        let review = self.review.as_deref()?;
        let asked = self.revision_text();
        let is_same = match review.asked.as_slice() {
            [] => asked.is_empty(),
            [one] => *one == asked,
            _ => false,
        };
        (is_same && !review.commits.is_empty()).then_some(review)
    }

    /// The order of a sync as the fields say. `pin`: to exactly the commits that were reviewed.
    pub(in crate::tui) fn order(&self, pin: bool) -> SyncOrder {
        let mut order = SyncOrder {
            revision: self.revision_text(),
            prune: self.prune,
            dry_run: self.dry_run,
            strategy: if self.no_hooks {
                Strategy::Apply { force: self.force }
            } else {
                Strategy::Hook { force: self.force }
            },
            ..SyncOrder::default()
        };
        if let Some(review) = self.reviewed().filter(|_| pin && self.targets.len() == 1) {
            match review.commits.as_slice() {
                [one] => order.revision.clone_from(one),
                several => {
                    order.revision.clear();
                    order.revisions = several.to_vec();
                }
            }
        }
        order
    }
}
