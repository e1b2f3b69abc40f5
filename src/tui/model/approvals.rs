//! The queue of what waits for a person.

use std::collections::HashMap;

use super::state::Model;
use crate::domain::application::{AppKey, Application, SyncStatus, says_prune};
use crate::store::Deferral;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::tui) enum Approval {
    /// A running operation waits until somebody confirms what it deletes.
    Prune,
    /// A deletion waits until somebody confirms it.
    Delete,
    /// Out of sync, and nobody syncs it by itself.
    Sync,
}

impl Approval {
    pub(in crate::tui) const fn as_str(self) -> &'static str {
        match self {
            Self::Prune => "confirm prune",
            Self::Delete => "confirm deletion",
            Self::Sync => "sync",
        }
    }
}

/// One entry of the queue.
#[derive(Debug, Clone)]
pub(in crate::tui) struct Entry<'a> {
    pub(in crate::tui) key: AppKey,
    pub(in crate::tui) what: Approval,
    /// It was put off, and its target has not moved since.
    pub(in crate::tui) deferred: Option<&'a Deferral>,
}

/// The screen.
#[derive(Debug, Default)]
pub(in crate::tui) struct Approvals {
    pub(in crate::tui) selected: Option<AppKey>,
    /// Where it stood last, for when it is gone.
    pub(in crate::tui) place: usize,
    /// The entry whose commits and objects are told.
    pub(in crate::tui) opened: Option<AppKey>,
    pub(in crate::tui) scroll: usize,
    /// The commits that were first seen of each: when they move, that is said.
    pub(in crate::tui) looked: HashMap<AppKey, Vec<String>>,
}

impl Approvals {
    /// The selected entry's place and the entry.
    pub(in crate::tui) fn current<'a, 'b>(&self, queue: &'b [Entry<'a>]) -> Option<(usize, &'b Entry<'a>)> {
        let mut entries = queue.iter().enumerate();
        let same = entries.find(|(_, entry)| self.selected.as_ref() == Some(&entry.key));
        let last = self.place.min(queue.len().saturating_sub(1));
        same.or_else(|| queue.get(last).map(|entry| (last, entry)))
    }
}

impl Model {
    /// What waits: first what holds up an operation or a deletion, then syncs, then what was put off.
    pub(in crate::tui) fn queue(&self) -> Vec<Entry<'_>> {
        let entry = |key: &AppKey| {
            let what = self.approval(key)?;
            Some(Entry { key: key.clone(), what, deferred: self.deferral(key).filter(|_| what == Approval::Sync) })
        };
        let mut queue: Vec<Entry<'_>> = self.fleet.keys().filter_map(entry).collect();
        queue.sort_by(|one, other| {
            let order = |entry: &Entry<'_>| (entry.deferred.is_some(), entry.what);
            order(one).cmp(&order(other)).then_with(|| one.key.name.cmp(&other.key.name)).then(one.key.cmp(&other.key))
        });
        queue
    }

    /// What an application waits for.
    pub(in crate::tui) fn approval(&self, key: &AppKey) -> Option<Approval> {
        let summary = self.fleet.get(key)?.summary()?;
        let application = self.details.get(key).and_then(|details| details.application.as_deref());
        if summary.deleting {
            return application.is_some_and(waits_for_deletion).then_some(Approval::Delete);
        }
        let told = summary.operation.as_ref().is_some_and(|operation| says_prune(&operation.message));
        let seen = self.details.get(key).is_some_and(super::Details::waits_for_prune);
        if summary.busy {
            return (told || seen).then_some(Approval::Prune);
        }
        let waits = summary.sync == Some(SyncStatus::OutOfSync) && !summary.automated && summary.is_done();
        waits.then_some(Approval::Sync)
    }

    /// The note with which an application's sync was put off, if its target has not moved since.
    pub(in crate::tui) fn deferral(&self, key: &AppKey) -> Option<&Deferral> {
        let mut all = self.deferrals.iter();
        let own = all.find(|deferral| {
            deferral.cluster == *key.cluster
                && deferral.namespace == *key.namespace
                && deferral.application == *key.name
        })?;
        (own.revision == self.wanted_revision(key)).then_some(own)
    }

    /// The revision that a sync of an application would bring, as far as it is known: what was reviewed, else what the
    /// controller compared it with.
    pub(in crate::tui) fn wanted_revision(&self, key: &AppKey) -> String {
        let reviewed = self.details.get(key).and_then(|details| details.target_review());
        if let Some(commit) = reviewed.and_then(|review| review.commits.first()) {
            return commit.clone();
        }
        let summary = self.fleet.get(key).and_then(|row| row.summary());
        summary.map(|summary| summary.revision.to_string()).unwrap_or_default()
    }
}

fn waits_for_deletion(application: &Application) -> bool {
    let message = application.status.operation_state.as_ref().map(|state| state.message.as_str()).unwrap_or_default();
    message.contains("waiting for confirmation to delete")
        || application.status.conditions.iter().any(|condition| condition.message.contains("confirmation"))
        || application.status.resources.iter().any(|resource| resource.requires_deletion_confirmation)
}
