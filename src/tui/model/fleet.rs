//! The applications, which of them are shown, and which one is selected. The selection is an application, never a row.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::filter::Filter;
use super::row::{FLASH_SECONDS, Known, Row, looks_different};
use super::sort::{Sort, Totals, count};
use crate::domain::application::{AppKey, AppSummary};
use crate::domain::live::{EarlyRow, Revisions};
use crate::domain::timeline::TaskPhase;

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
    /// Cells that the longest name takes, without and with its namespace.
    longest: (usize, usize),
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
            longest: (0, 0),
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
            self.push(Row { key, known: Known::Summary(summary), changed, revisions: None, stuck: None });
            return;
        };
        if self.is_complete && row.summary().is_some_and(|old| looks_different(old, &summary)) {
            row.changed = Some(now);
        }
        row.known = Known::Summary(summary);
    }

    pub(in crate::tui) fn put_early(&mut self, row: EarlyRow) {
        self.stale = true;
        if !self.index.contains_key(&row.key) {
            let key = row.key.clone();
            self.push(Row { key, known: Known::Early(row), changed: None, revisions: None, stuck: None });
        }
    }

    pub(in crate::tui) fn put_unreadable(&mut self, key: AppKey, reason: String) {
        self.stale = true;
        match self.index.get(&key).and_then(|index| self.rows.get_mut(*index)) {
            Some(row) => row.known = Known::Unreadable(reason),
            None => {
                self.push(Row { key, known: Known::Unreadable(reason), changed: None, revisions: None, stuck: None });
            }
        }
    }

    /// What Git has of an application.
    pub(in crate::tui) fn set_revisions(&mut self, key: &AppKey, revisions: Arc<Revisions>) {
        if let Some(row) = self.index.get(key).and_then(|index| self.rows.get_mut(*index)) {
            row.revisions = Some(revisions);
            self.stale |= matches!(self.sort, Sort::Behind);
        }
    }

    /// What of a running operation will not go on by itself.
    pub(in crate::tui) fn set_stuck(&mut self, key: &AppKey, stuck: Option<(TaskPhase, String)>) {
        if let Some(row) = self.index.get(key).and_then(|index| self.rows.get_mut(*index))
            && row.stuck != stuck
        {
            row.stuck = stuck;
            self.stale = true;
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

    /// A list is complete: of what was only announced, nothing more comes. Applications that went meanwhile are told one
    /// by one.
    pub(in crate::tui) fn list_ends(&mut self) {
        let is_announced = |row: &&Row| matches!(row.known, Known::Early(_));
        let gone: Vec<AppKey> = self.rows.iter().filter(is_announced).map(|row| row.key.clone()).collect();
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

    /// Whether the filter shows it.
    pub(in crate::tui) fn is_shown(&self, key: &AppKey) -> bool {
        self.index.get(key).and_then(|index| self.rows.get(*index)).is_some_and(|row| self.filter.matches(row))
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

    /// Cells that the longest name of all applications takes.
    pub(in crate::tui) fn longest_name(&self, with_namespace: bool) -> usize {
        if with_namespace { self.longest.1 } else { self.longest.0 }
    }

    /// Sorts and filters, where something has changed, and finds the selected application again.
    pub(in crate::tui) fn settle(&mut self) {
        if !self.stale {
            return;
        }
        self.stale = false;
        self.totals = self.rows.iter().fold(Totals::default(), count);
        // Names are those of Kubernetes, one cell for each byte.
        self.longest = self.rows.iter().fold((0, 0), |(name, full), row| {
            let (own, namespace) = (row.key.name.len(), row.key.namespace.len());
            (name.max(own), full.max(own + 1 + namespace))
        });
        let rows = &self.rows;
        let filter = &self.filter;
        self.order = (0..rows.len()).filter(|index| rows.get(*index).is_some_and(|row| filter.matches(row))).collect();
        let (sort, reversed) = (self.sort, self.reversed);
        self.order.sort_by(|one, other| {
            let (Some(one), Some(other)) = (rows.get(*one), rows.get(*other)) else { return std::cmp::Ordering::Equal };
            let order = sort.compare(one, other);
            let order = if reversed { order.reverse() } else { order };
            order.then_with(|| Sort::Name.compare(one, other))
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
