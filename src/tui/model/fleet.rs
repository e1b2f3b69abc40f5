//! The applications, which of them are shown, and which one is selected. The selection is an application, never a row.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::filter::Filter;
use crate::domain::application::{AppKey, AppSummary, Revision, SyncStatus};
use crate::domain::health::HealthStatus;
use crate::domain::live::{EarlyRow, Revisions};
use crate::domain::operation::OperationPhase;

/// How long what has changed is marked as such.
pub(in crate::tui) const FLASH_SECONDS: i64 = 3;

/// What is known of one application.
#[derive(Debug, Clone)]
pub(in crate::tui) enum Known {
    /// Only what a table of the API server told.
    Early(EarlyRow),
    /// The application.
    Summary(Box<AppSummary>),
    /// It is there, and cannot be read.
    Unreadable(String),
}

/// One row.
#[derive(Debug, Clone)]
pub(in crate::tui) struct Row {
    pub(in crate::tui) key: AppKey,
    pub(in crate::tui) known: Known,
    /// When something that is shown last changed before our eyes.
    pub(in crate::tui) changed: Option<Timestamp>,
    /// What Git has of it, once it was on the screen.
    pub(in crate::tui) revisions: Option<Arc<Revisions>>,
    /// Told of since the last list began.
    confirmed: bool,
}

/// What an application does, for sorting, counting and colouring: the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::tui) enum Standing {
    /// Its last operation failed, or it cannot be read.
    Failed,
    /// Its operation was left behind by its controller.
    Ghost,
    /// It is degraded, missing or unknown.
    Degraded,
    /// An operation runs, is requested or waits for its next attempt.
    Syncing,
    /// It is not as Git says.
    OutOfSync,
    /// Not known.
    Unknown,
    /// Nothing to do.
    Fine,
}

impl Row {
    pub(in crate::tui) fn summary(&self) -> Option<&AppSummary> {
        match &self.known {
            Known::Summary(summary) => Some(summary),
            _ => None,
        }
    }

    pub(in crate::tui) fn sync(&self) -> Option<SyncStatus> {
        match &self.known {
            Known::Summary(summary) => summary.sync,
            Known::Early(row) => row.sync,
            Known::Unreadable(_) => None,
        }
    }

    pub(in crate::tui) fn health(&self) -> Option<HealthStatus> {
        match &self.known {
            Known::Summary(summary) => summary.health,
            Known::Early(row) => row.health,
            Known::Unreadable(_) => None,
        }
    }

    pub(in crate::tui) fn project(&self) -> &str {
        match &self.known {
            Known::Summary(summary) => &summary.project,
            Known::Early(row) => &row.project,
            Known::Unreadable(_) => "",
        }
    }

    pub(in crate::tui) fn standing(&self) -> Standing {
        let Known::Summary(summary) = &self.known else {
            return if matches!(self.known, Known::Unreadable(_)) { Standing::Failed } else { Standing::Unknown };
        };
        if summary.has_ghost_operation() {
            return Standing::Ghost;
        }
        if !summary.is_done() {
            return Standing::Syncing;
        }
        let phase = summary.operation.as_ref().and_then(|operation| operation.phase);
        if matches!(phase, Some(OperationPhase::Failed | OperationPhase::Error)) {
            return Standing::Failed;
        }
        match (summary.health, summary.sync) {
            (Some(HealthStatus::Degraded | HealthStatus::Missing | HealthStatus::Unknown), _) => Standing::Degraded,
            (_, Some(SyncStatus::OutOfSync)) => Standing::OutOfSync,
            (None, _) | (_, None | Some(SyncStatus::Unknown)) => Standing::Unknown,
            (Some(_), Some(SyncStatus::Synced)) => Standing::Fine,
        }
    }

    /// The revision it was last compared with, in full.
    pub(in crate::tui) fn revision(&self) -> Revision {
        match &self.known {
            Known::Summary(summary) => summary.revision.clone(),
            Known::Early(early) => Revision::new(&early.revision),
            Known::Unreadable(_) => Revision::None,
        }
    }

    /// When the last operation ended.
    pub(in crate::tui) fn ended_at(&self) -> Option<Timestamp> {
        self.summary()?.operation.as_ref()?.finished_at
    }

    /// Commits that are not deployed yet.
    fn behind(&self) -> Option<usize> {
        let source = self.revisions.as_ref()?.sources.first()?;
        source.problem.is_none().then_some(source.behind)
    }

    fn last_sync(&self) -> Option<Timestamp> {
        self.summary()?.operation.as_ref()?.started_at
    }
}

/// Whether something differs that the list shows.
fn looks_different(one: &AppSummary, other: &AppSummary) -> bool {
    let shown = |summary: &AppSummary| {
        let operation = summary.operation.as_ref().map(|operation| (operation.phase, operation.started_at));
        (summary.sync, summary.health, summary.revision.clone(), operation, summary.busy, summary.deleting)
    };
    let phases = |summary: &AppSummary| summary.operation.as_ref().map(|operation| operation.phases.clone());
    shown(one) != shown(other) || phases(one) != phases(other)
}

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
    pub(in crate::tui) degraded: usize,
    pub(in crate::tui) syncing: usize,
}

/// The applications.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(in crate::tui) struct Fleet {
    rows: Vec<Row>,
    index: HashMap<AppKey, usize>,
    /// Rows that are shown, in their order.
    order: Vec<usize>,
    /// Where the selected application stood last, for when it is gone.
    cursor: usize,
    pub(in crate::tui) selected: Option<AppKey>,
    pub(in crate::tui) marks: HashSet<AppKey>,
    pub(in crate::tui) filter: Filter,
    pub(in crate::tui) sort: Sort,
    pub(in crate::tui) reversed: bool,
    /// The first row on the screen.
    pub(in crate::tui) top: usize,
    pub(in crate::tui) totals: Totals,
    /// The list was read to its end at least once.
    pub(in crate::tui) is_complete: bool,
    stale: bool,
    /// The operator has moved: until then the first row is selected, whichever it is.
    pub(in crate::tui) touched: bool,
}

impl Default for Fleet {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            index: HashMap::new(),
            order: Vec::new(),
            cursor: 0,
            selected: None,
            marks: HashSet::new(),
            filter: Filter::default(),
            sort: Sort::Name,
            reversed: false,
            top: 0,
            totals: Totals::default(),
            is_complete: false,
            stale: true,
            touched: false,
        }
    }
}

impl Fleet {
    pub(in crate::tui) fn put(&mut self, summary: Box<AppSummary>, now: Timestamp) {
        let key = summary.key.clone();
        self.stale = true;
        let Some(row) = self.index.get(&key).and_then(|index| self.rows.get_mut(*index)) else {
            let changed = self.is_complete.then_some(now);
            self.push(Row { key, known: Known::Summary(summary), changed, revisions: None, confirmed: true });
            return;
        };
        if self.is_complete && row.summary().is_some_and(|old| looks_different(old, &summary)) {
            row.changed = Some(now);
        }
        row.known = Known::Summary(summary);
        row.confirmed = true;
    }

    pub(in crate::tui) fn put_early(&mut self, row: EarlyRow) {
        self.stale = true;
        if !self.index.contains_key(&row.key) {
            let key = row.key.clone();
            self.push(Row { key, known: Known::Early(row), changed: None, revisions: None, confirmed: false });
        }
    }

    pub(in crate::tui) fn put_unreadable(&mut self, key: AppKey, reason: String) {
        self.stale = true;
        match self.index.get(&key).and_then(|index| self.rows.get_mut(*index)) {
            Some(row) => (row.known, row.confirmed) = (Known::Unreadable(reason), true),
            None => self.push(Row {
                key,
                known: Known::Unreadable(reason),
                changed: None,
                revisions: None,
                confirmed: true,
            }),
        }
    }

    /// What Git has of an application.
    pub(in crate::tui) fn set_revisions(&mut self, key: &AppKey, revisions: Arc<Revisions>) {
        if let Some(row) = self.index.get(key).and_then(|index| self.rows.get_mut(*index)) {
            row.revisions = Some(revisions);
            self.stale |= matches!(self.sort, Sort::Behind);
        }
    }

    fn push(&mut self, row: Row) {
        self.index.insert(row.key.clone(), self.rows.len());
        self.rows.push(row);
    }

    pub(in crate::tui) fn remove(&mut self, key: &AppKey) {
        let Some(place) = self.index.remove(key) else { return };
        self.stale = true;
        self.marks.remove(key);
        self.rows.swap_remove(place);
        if let Some(moved) = self.rows.get(place) {
            self.index.insert(moved.key.clone(), place);
        }
    }

    /// A list has begun: what it does not tell of is not there any more.
    pub(in crate::tui) fn list_begins(&mut self) {
        for row in &mut self.rows {
            row.confirmed = false;
        }
    }

    /// The list is complete.
    pub(in crate::tui) fn list_ends(&mut self) {
        let gone: Vec<AppKey> = self.rows.iter().filter(|row| !row.confirmed).map(|row| row.key.clone()).collect();
        for key in gone {
            self.remove(&key);
        }
        self.is_complete = true;
        self.stale = true;
    }

    pub(in crate::tui) fn get(&self, key: &AppKey) -> Option<&Row> {
        self.rows.get(*self.index.get(key)?)
    }

    /// The rows from `top` on, at most `height`.
    pub(in crate::tui) fn window(&self, top: usize, height: usize) -> impl Iterator<Item = &Row> {
        self.order.iter().skip(top).take(height).filter_map(|index| self.rows.get(*index))
    }

    pub(in crate::tui) fn shown(&self) -> usize {
        self.order.len()
    }

    pub(in crate::tui) fn cursor(&self) -> usize {
        self.cursor
    }

    pub(in crate::tui) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All applications that are shown.
    pub(in crate::tui) fn shown_keys(&self) -> impl Iterator<Item = &AppKey> {
        self.order.iter().filter_map(|index| self.rows.get(*index)).map(|row| &row.key)
    }

    /// Every application.
    pub(in crate::tui) fn keys(&self) -> impl Iterator<Item = &AppKey> {
        self.rows.iter().map(|row| &row.key)
    }

    /// Whether a row has changed a moment ago: then the screen has to be drawn again when the moment is over.
    pub(in crate::tui) fn is_flashing(&self, now: Timestamp) -> bool {
        self.rows.iter().any(|row| row.changed.is_some_and(|at| now.as_second() - at.as_second() <= FLASH_SECONDS))
    }

    pub(in crate::tui) fn touch(&mut self) {
        self.stale = true;
    }

    /// Sorts and filters, where something has changed, and finds the selected application again.
    pub(in crate::tui) fn settle(&mut self) {
        if !self.stale {
            return;
        }
        self.stale = false;
        self.totals = self.rows.iter().fold(Totals::default(), count);
        let rows = &self.rows;
        let filter = &self.filter;
        self.order = (0..rows.len()).filter(|index| rows.get(*index).is_some_and(|row| filter.matches(row))).collect();
        let by_name = |one: &Row, other: &Row| {
            (&one.key.name, &one.key.namespace, &one.key.cluster).cmp(&(
                &other.key.name,
                &other.key.namespace,
                &other.key.cluster,
            ))
        };
        let (sort, reversed) = (self.sort, self.reversed);
        self.order.sort_by(|one, other| {
            let (Some(one), Some(other)) = (rows.get(*one), rows.get(*other)) else { return std::cmp::Ordering::Equal };
            let order = match sort {
                Sort::Name => by_name(one, other),
                Sort::Project => one.project().cmp(other.project()),
                // The worst first.
                Sort::Sync => other.sync().cmp(&one.sync()),
                Sort::Health => other.health().cmp(&one.health()),
                Sort::Standing => one.standing().cmp(&other.standing()),
                Sort::Revision => one.revision().to_string().cmp(&other.revision().to_string()),
                // The furthest behind first; what is not known last.
                Sort::Behind => other.behind().cmp(&one.behind()),
                // The latest first.
                Sort::LastSync => other.last_sync().cmp(&one.last_sync()),
            };
            let order = if reversed { order.reverse() } else { order };
            order.then_with(|| by_name(one, other))
        });
        let place = self.selected.as_ref().filter(|_| self.touched).and_then(|selected| {
            self.order.iter().position(|index| rows.get(*index).is_some_and(|row| row.key == *selected))
        });
        match place {
            Some(place) => self.cursor = place,
            None if !self.touched => self.select(0),
            // It is not shown any more: its neighbour takes its place.
            None => self.select(self.cursor),
        }
    }

    /// Selects a row by its place.
    pub(in crate::tui) fn select(&mut self, place: usize) {
        self.cursor = place.min(self.order.len().saturating_sub(1));
        self.selected = self.order.get(self.cursor).and_then(|index| self.rows.get(*index)).map(|row| row.key.clone());
    }

    /// Brings the selected row into a window of this height.
    pub(in crate::tui) fn scroll_to_cursor(&mut self, height: usize) {
        let height = height.max(1);
        let last_top = self.order.len().saturating_sub(height);
        self.top = self.top.clamp((self.cursor + 1).saturating_sub(height), self.cursor).min(last_top);
    }
}

fn count(mut totals: Totals, row: &Row) -> Totals {
    totals.all += 1;
    totals.synced += usize::from(row.sync() == Some(SyncStatus::Synced));
    totals.out_of_sync += usize::from(row.sync() == Some(SyncStatus::OutOfSync));
    match row.standing() {
        Standing::Failed | Standing::Ghost => totals.failed += 1,
        Standing::Degraded => totals.degraded += 1,
        Standing::Syncing => totals.syncing += 1,
        _ => {}
    }
    totals
}
