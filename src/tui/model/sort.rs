//! The orders of the list of applications, and its totals.

use std::cmp::Ordering;

use super::row::{Row, Standing};
use crate::domain::application::{Revision, SyncStatus};

/// What the rows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::tui) enum Sort {
    Name,
    Project,
    Sync,
    Health,
    Standing,
    Revision,
    Behind,
    LastSync,
}

impl Sort {
    pub(in crate::tui) const ALL: [Self; 8] = [
        Self::Name,
        Self::Project,
        Self::Sync,
        Self::Health,
        Self::Standing,
        Self::Revision,
        Self::Behind,
        Self::LastSync,
    ];

    pub(in crate::tui) const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Project => "project",
            Self::Sync => "sync",
            Self::Health => "health",
            Self::Standing => "phases",
            Self::Revision => "revision",
            Self::Behind => "behind",
            Self::LastSync => "last-sync",
        }
    }

    /// Which of two rows comes first.
    pub(super) fn compare(self, one: &Row, other: &Row) -> Ordering {
        match self {
            Self::Name => {
                let (one, other) = (&one.key, &other.key);
                let names = one.name.cmp(&other.name).then_with(|| one.namespace.cmp(&other.namespace));
                names.then_with(|| one.cluster.cmp(&other.cluster))
            }
            Self::Project => one.project().cmp(other.project()),
            // The worst first.
            Self::Sync => other.sync().cmp(&one.sync()),
            Self::Health => other.health().cmp(&one.health()),
            Self::Standing => one.standing().cmp(&other.standing()),
            Self::Revision => match (one.revision(), other.revision()) {
                (Revision::Commit(one), Revision::Commit(other)) => one.cmp(&other),
                (one, other) => one.to_string().cmp(&other.to_string()),
            },
            // The furthest behind first; what is not known last.
            Self::Behind => other.behind().cmp(&one.behind()),
            // The latest first.
            Self::LastSync => other.last_sync().cmp(&one.last_sync()),
        }
    }

    pub(in crate::tui) fn next(self, step: usize) -> Self {
        let place = Self::ALL.iter().position(|sort| *sort == self).unwrap_or_default();
        Self::ALL.get((place + step) % Self::ALL.len()).copied().unwrap_or(self)
    }
}

/// How many applications are how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::tui) struct Totals {
    pub(in crate::tui) all: usize,
    pub(in crate::tui) synced: usize,
    pub(in crate::tui) out_of_sync: usize,
    pub(in crate::tui) failed: usize,
    pub(in crate::tui) stuck: usize,
    pub(in crate::tui) degraded: usize,
    pub(in crate::tui) syncing: usize,
}

pub(super) fn count(mut totals: Totals, row: &Row) -> Totals {
    totals.all += 1;
    totals.synced += usize::from(row.sync() == Some(SyncStatus::Synced));
    totals.out_of_sync += usize::from(row.sync() == Some(SyncStatus::OutOfSync));
    match row.standing() {
        Standing::Failed | Standing::Ghost => totals.failed += 1,
        Standing::Stuck => totals.stuck += 1,
        Standing::Degraded => totals.degraded += 1,
        Standing::Syncing => totals.syncing += 1,
        _ => {}
    }
    totals
}
