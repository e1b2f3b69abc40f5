//! The model itself.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::details::Details;
use super::dialog::Dialog;
use super::fleet::Fleet;
use super::notice::Notice;
use super::page::{Page, TextScreen};
use super::screen::{AppScreen, Asked, Prompt, Screen};
use super::sent::RequestEntry;
use crate::domain::application::AppKey;
use crate::domain::live::{Need, RequestId, Rights, WatchState, Watched};
use crate::store::Deferral;
use crate::tui::action::Context;
use crate::tui::keymap::{Key, Keymap};
use crate::tui::theme::Theme;

/// How often a screen is drawn on which nothing happens, so that ages in minutes are right.
const IDLE_TICK: Duration = Duration::from_secs(30);
/// The same for pages whose rows may have ages in seconds.
const PAGE_TICK: Duration = Duration::from_secs(10);

/// What the screen is started with.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Settings {
    /// Which keys mean what.
    pub keymap: Keymap,
    /// Whether the terminal shows colours, and they are wanted.
    pub has_colors: bool,
    /// Colours.
    pub theme: Theme,
    /// Themes of files, by name and text.
    pub themes: Vec<(String, String)>,
    /// Refuse everything that writes.
    pub read_only: bool,
    /// Ring the terminal's bell when a hook fails or a watched operation ends badly.
    pub bell: bool,
    /// Tell the desktop when a hook fails or a watched operation ends.
    pub notify: bool,
    /// Set the terminal's title.
    pub title: bool,
    /// Take clicks and the wheel of the mouse.
    pub mouse: bool,
    /// Wrap long log lines from the start.
    pub log_wrap: bool,
    /// Show the time of log lines from the start.
    pub log_times: bool,
    /// Lines of log under what failed, at most.
    pub log_lines: u16,
    /// A word that stands in the first line, for example `demo`.
    pub label: String,
}

/// How the cluster is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui) enum Connection {
    /// Something else is done first: what.
    Preparing(String),
    /// The kubeconfig is being read.
    Starting,
    /// It cannot be used.
    Failed(String),
    /// The live view runs.
    Started,
    /// The live view has ended.
    Ended,
}

/// A watch and when it was last told of.
#[derive(Debug, Clone)]
pub(in crate::tui) struct WatchEntry {
    pub(in crate::tui) state: WatchState,
    pub(in crate::tui) at: Timestamp,
}

/// What the screen knows.
#[derive(Debug)]
pub struct Model {
    pub(in crate::tui) settings: Settings,
    pub(in crate::tui) now: Timestamp,
    /// Columns and rows.
    pub(in crate::tui) size: (u16, u16),
    pub(in crate::tui) connection: Connection,
    pub(in crate::tui) cluster: Arc<str>,
    pub(in crate::tui) server: String,
    pub(in crate::tui) namespace: Option<String>,
    pub(in crate::tui) user: String,
    pub(in crate::tui) watches: BTreeMap<Watched, WatchEntry>,
    pub(in crate::tui) rights: Vec<Rights>,
    pub(in crate::tui) fleet: Fleet,
    pub(in crate::tui) details: HashMap<AppKey, Details>,
    pub(in crate::tui) screens: Vec<Screen>,
    pub(in crate::tui) dialog: Option<Dialog>,
    pub(in crate::tui) prompt: Option<Prompt>,
    /// What is done as soon as enough is known of its application.
    pub(in crate::tui) asked: Option<Asked>,
    /// Keys of a chord that is not complete.
    pub(in crate::tui) pending: Vec<Key>,
    /// What was said last, for a moment.
    pub(in crate::tui) notice: Option<Notice>,
    /// What went wrong by itself and was not seen yet; the first is on the screen.
    pub(in crate::tui) alerts: VecDeque<Notice>,
    /// What was said in this session.
    pub(in crate::tui) said: VecDeque<Notice>,
    /// The program's log of itself, as it was last read.
    pub(in crate::tui) own_log: Vec<String>,
    pub(in crate::tui) requests: BTreeMap<RequestId, RequestEntry>,
    /// Approvals that were put off.
    pub(in crate::tui) deferrals: Vec<Deferral>,
    /// The applications on the screen, as they were last told.
    pub(in crate::tui) told_shown: Vec<AppKey>,
    pub(in crate::tui) commands: VecDeque<String>,
    /// Numbers for streams and dialogs.
    pub(in crate::tui) next: u64,
    pub(in crate::tui) quitting: bool,
}

impl Model {
    /// An empty model, before anything is known.
    pub fn new(settings: Settings, now: Timestamp, size: (u16, u16)) -> Self {
        Self {
            settings,
            now,
            size,
            connection: Connection::Starting,
            cluster: Arc::from(""),
            server: String::new(),
            namespace: None,
            user: String::new(),
            watches: BTreeMap::new(),
            rights: Vec::new(),
            fleet: Fleet::default(),
            details: HashMap::new(),
            screens: vec![Screen::Applications],
            dialog: None,
            prompt: None,
            asked: None,
            pending: Vec::new(),
            notice: None,
            alerts: VecDeque::new(),
            said: VecDeque::new(),
            own_log: Vec::new(),
            requests: BTreeMap::new(),
            deferrals: Vec::new(),
            told_shown: Vec::new(),
            commands: VecDeque::new(),
            next: 1,
            quitting: false,
        }
    }

    pub(in crate::tui) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(in crate::tui) fn screen(&self) -> &Screen {
        // The list of applications is never taken from the stack.
        self.screens.last().unwrap_or(&Screen::Applications)
    }

    /// The application screen that is shown, or lies below the log or the help.
    pub(in crate::tui) fn app_screen(&self) -> Option<&AppScreen> {
        // What lies below the queue of approvals is not meant there.
        let near = self.screens.iter().rev().take_while(|screen| !matches!(screen, Screen::Approvals(_)));
        let mut found = near.filter_map(|screen| match screen {
            Screen::Application(screen) => Some(&**screen),
            _ => None,
        });
        found.next()
    }

    pub(in crate::tui) fn app_screen_mut(&mut self) -> Option<&mut AppScreen> {
        let near = self.screens.iter_mut().rev().take_while(|screen| !matches!(screen, Screen::Approvals(_)));
        let mut found = near.filter_map(|screen| match screen {
            Screen::Application(screen) => Some(&mut **screen),
            _ => None,
        });
        found.next()
    }

    /// The list about an application that is shown, or lies below a text or a log.
    pub(in crate::tui) fn page(&self) -> Option<&Page> {
        let near = self.screens.iter().rev().take_while(|screen| !matches!(screen, Screen::Approvals(_)));
        let mut found = near.filter_map(|screen| match screen {
            Screen::Page(page) => Some(&**page),
            _ => None,
        });
        found.next()
    }

    /// The list that is shown.
    pub(in crate::tui) fn page_mut(&mut self) -> Option<&mut Page> {
        match self.screens.last_mut() {
            Some(Screen::Page(page)) => Some(page),
            _ => None,
        }
    }

    /// The text that is shown.
    pub(in crate::tui) fn text_mut(&mut self) -> Option<&mut TextScreen> {
        match self.screens.last_mut() {
            Some(Screen::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Where the queue of approvals is shown: the application that it stands at.
    fn in_queue(&self) -> Option<Vec<AppKey>> {
        // A difference of the queue's entry lies above it.
        let screen =
            self.screens.iter().rev().find(|screen| !matches!(screen, Screen::Text(_) | Screen::Help { .. }))?;
        let Screen::Approvals(approvals) = screen else { return None };
        let selected = approvals.selected.as_ref().filter(|key| self.approval(key).is_some());
        if let Some(selected) = selected {
            return Some(vec![selected.clone()]);
        }
        let queue = self.queue();
        Some(approvals.current(&queue).map(|(_, entry)| entry.key.clone()).into_iter().collect())
    }

    /// The applications that an action acts on.
    pub(in crate::tui) fn targets(&self) -> Vec<AppKey> {
        if let Some(current) = self.in_queue() {
            return current;
        }
        if let Some(screen) = self.app_screen() {
            return vec![screen.key.clone()];
        }
        if !self.fleet.marks.is_empty() {
            let mut marked: Vec<AppKey> = self.fleet.marks.iter().cloned().collect();
            marked.sort();
            return marked;
        }
        self.fleet.selected.iter().cloned().collect()
    }

    /// The contexts that keys are looked up in, the nearest first.
    pub(in crate::tui) fn contexts(&self) -> &'static [Context] {
        if self.dialog.is_some() {
            return &[Context::Dialog];
        }
        match self.screen() {
            Screen::Applications => {
                &[Context::Applications, Context::Target, Context::About, Context::Move, Context::Everywhere]
            }
            Screen::Application(_) => {
                &[Context::Application, Context::Target, Context::About, Context::Move, Context::Everywhere]
            }
            Screen::Page(_) => &[Context::Page, Context::Target, Context::About, Context::Move, Context::Everywhere],
            Screen::Approvals(_) => {
                &[Context::Approvals, Context::Target, Context::About, Context::Move, Context::Everywhere]
            }
            Screen::Text(_) => &[Context::Text, Context::Move, Context::Everywhere],
            Screen::Log => &[Context::Log, Context::Move, Context::Everywhere],
            Screen::Requests { .. } | Screen::Help { .. } => &[Context::Move, Context::Everywhere],
        }
    }

    /// The right that is missing for something in an application's namespace.
    pub(in crate::tui) fn missing_right(&self, key: &AppKey, need: Need) -> Option<&str> {
        let about = self.rights.iter().filter(|rights| rights.cluster == key.cluster);
        let mut about =
            about.filter(|rights| rights.namespace.as_ref().is_none_or(|namespace| *namespace == key.namespace));
        about.find_map(|rights| rights.missing(need))
    }

    /// The state of the watch of the applications.
    pub(in crate::tui) fn fleet_watch(&self) -> Option<&WatchEntry> {
        self.watches.get(&Watched::Applications)
    }

    /// How old the list is, where it is not live; `None`: it is live, or nothing was told yet.
    pub(in crate::tui) fn age(&self) -> Option<Duration> {
        let since = match &self.fleet_watch()?.state {
            WatchState::Live => return None,
            WatchState::Interrupted { since, .. } => (*since)?,
            WatchState::Listing | WatchState::Stopped | WatchState::Absent { .. } => self.fleet_watch()?.at,
        };
        Some(Duration::try_from(self.now.duration_since(since)).unwrap_or_default())
    }

    /// After how long the screen changes with time alone: each second where something runs or ended within the last minute,
    /// so that no age on it is ever wrong; seldom, where ages are in minutes and more. `None`: it does not.
    pub fn tick_every(&self) -> Option<Duration> {
        let (runs, idle) = match self.screen() {
            Screen::Applications => {
                let mut rows = self.fleet.window(self.fleet.top, usize::from(self.size.1));
                let is_recent = rows.any(|row| row.ended_at().is_some_and(|at| self.is_recent(at)));
                (
                    is_recent || self.fleet.totals.syncing > 0 || self.fleet.is_flashing(self.now),
                    (!self.fleet.is_empty()).then_some(IDLE_TICK),
                )
            }
            Screen::Application(screen) => {
                let details = self.details.get(&screen.key);
                let ended = details.and_then(|details| details.view.finished_at);
                (
                    ended.is_some_and(|at| self.is_recent(at)) || details.is_some_and(Details::is_running),
                    details.map(|_| IDLE_TICK),
                )
            }
            Screen::Log => (self.app_screen().is_some_and(|screen| screen.look.range.is_some()), None),
            Screen::Requests { .. } | Screen::Help { .. } => (false, None),
            // Ages of commits, events and what was read.
            Screen::Page(_) | Screen::Text(_) | Screen::Approvals(_) => (false, Some(PAGE_TICK)),
        };
        let is_live = matches!(self.fleet_watch().map(|watch| &watch.state), Some(WatchState::Live));
        let moves = runs || self.notice.is_some() || (!is_live && self.connection == Connection::Started);
        if moves { Some(Duration::from_secs(1)) } else { idle }
    }

    /// Its age is shown in seconds.
    fn is_recent(&self, at: Timestamp) -> bool {
        self.now.as_second().saturating_sub(at.as_second()) <= 60
    }

    /// Sorts, filters and judges what has changed since. Call it before a key is handled and before the view is drawn.
    pub fn settle(&mut self) {
        let now = self.now;
        let open = self.app_screen().map(|screen| screen.key.clone());
        for (key, details) in &mut self.details {
            if details.settle(now, open.as_ref() == Some(key)) {
                self.fleet.set_stuck(key, details.stuck());
            }
        }
        self.fleet.settle();
        let height = usize::from(self.size.1.saturating_sub(4));
        self.fleet.scroll_to_cursor(height);
    }
}
