//! Lists about one application, and texts about one thing of it.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::domain::application::AppKey;
use crate::domain::manifest::ObjectKey;
use crate::domain::timeline::TaskKey;
use crate::tui::theme::Role;

/// Which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum PageKind {
    /// Commits, files and objects that lie between what is deployed and what is wanted.
    Git,
    Resources,
    /// Operations that were kept, and what can be rolled back to.
    History,
    /// One operation that was kept, by its begin and its retries.
    Operation(Timestamp, i64),
    Events,
}

/// What a row is about. The selection is one of these, never a row's number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::tui) enum RowId {
    /// The Application itself.
    Application,
    Commit(String),
    /// An object whose manifest differs.
    Change(ObjectKey),
    /// A resource.
    Resource(ObjectKey),
    /// An operation, by its begin and its retries.
    Operation(Timestamp, i64),
    /// An entry of the Application's history.
    Deployed(i64),
    Task(TaskKey),
    /// An Event, by its UID.
    Event(String),
}

/// A line of text in parts.
pub(in crate::tui) type Parts = Vec<(Role, String)>;

/// A row of a list. Without an id it cannot be selected.
#[derive(Debug, Clone)]
pub(in crate::tui) struct PageRow {
    pub(in crate::tui) id: Option<RowId>,
    pub(in crate::tui) parts: Parts,
}

/// A list about one application.
#[derive(Debug)]
pub(in crate::tui) struct Page {
    pub(in crate::tui) key: AppKey,
    pub(in crate::tui) kind: PageKind,
    pub(in crate::tui) cursor: Option<RowId>,
    /// Where the cursor stood last among what can be selected, for when its row is gone.
    pub(in crate::tui) place: usize,
    pub(in crate::tui) filter: String,
    /// Resources that a sync is to act on.
    pub(in crate::tui) marks: HashSet<ObjectKey>,
}

impl Page {
    pub(in crate::tui) fn new(key: AppKey, kind: PageKind) -> Self {
        Self { key, kind, cursor: None, place: 0, filter: String::new(), marks: HashSet::new() }
    }

    /// The selected row's place among the rows, and its id.
    pub(in crate::tui) fn selected<'a>(&self, rows: &'a [PageRow]) -> Option<(usize, &'a RowId)> {
        let ids = || rows.iter().enumerate().filter_map(|(row, own)| Some((row, own.id.as_ref()?)));
        let same = self.cursor.as_ref().and_then(|cursor| ids().find(|(_, id)| *id == cursor));
        // What is gone gives its place to its neighbour.
        same.or_else(|| ids().nth(self.place)).or_else(|| ids().next_back())
    }

    /// Whether a row is shown.
    pub(in crate::tui) fn shows(&self, text: &str) -> bool {
        shows(&self.filter, text)
    }
}

/// Whether a text contains another, or, written `!text`, does not. Case does not count.
pub(in crate::tui) fn shows(filter: &str, text: &str) -> bool {
    let (inverse, wanted) = filter.strip_prefix('!').map_or((false, filter), |wanted| (true, wanted));
    wanted.is_empty() || text.to_lowercase().contains(&wanted.to_lowercase()) != inverse
}

/// What a text is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui) enum TextAbout {
    /// A row of a list in full.
    Row(RowId),
    /// What a sync would change: one object, or all.
    Diff(Option<ObjectKey>),
    /// An object as it lives; `None`: the Application itself.
    Yaml(Option<ObjectKey>),
    /// What the program has said, and its log of itself.
    Messages,
}

/// A text on a screen of its own. Made when it is opened, and again when what it is about has changed.
#[derive(Debug)]
pub(in crate::tui) struct TextScreen {
    pub(in crate::tui) key: AppKey,
    pub(in crate::tui) about: TextAbout,
    pub(in crate::tui) title: String,
    pub(in crate::tui) lines: Vec<Parts>,
    /// The first line on the screen.
    pub(in crate::tui) top: usize,
    pub(in crate::tui) search: String,
    /// The match that was jumped to.
    pub(in crate::tui) current: Option<usize>,
}

impl TextScreen {
    pub(in crate::tui) fn new(key: AppKey, about: TextAbout) -> Self {
        Self { key, about, title: String::new(), lines: Vec::new(), top: 0, search: String::new(), current: None }
    }

    /// A line as plain text.
    pub(in crate::tui) fn line(&self, place: usize) -> String {
        self.lines.get(place).map(plain).unwrap_or_default()
    }

    /// The next line that contains what is searched for, round the end.
    pub(in crate::tui) fn find(&self, forward: bool) -> Option<usize> {
        let wanted = self.search.to_lowercase();
        let count = self.lines.len();
        let hit = |place: &usize| self.line(*place).to_lowercase().contains(&wanted);
        let from = self.current.unwrap_or(if forward { self.top } else { self.top.min(count) });
        if forward {
            let begin = if self.current.is_some() { from + 1 } else { from };
            (begin..count).chain(0..begin.min(count)).find(hit)
        } else {
            (0..from.min(count)).rev().chain((from.min(count)..count).rev()).find(hit)
        }
    }
}

/// Parts as plain text.
pub(in crate::tui) fn plain(parts: &Parts) -> String {
    parts.iter().map(|(_, text)| text.as_str()).collect()
}
