//! The screens, as a stack: `esc` goes back to the one below.

use tui_textarea::TextArea;

use super::approvals::Approvals;
use super::log::{LogBuffer, LogLook};
use super::page::{Page, TextScreen};
use crate::domain::application::AppKey;
use crate::domain::timeline::TaskKey;
use crate::tui::action::Action;

/// A screen.
#[derive(Debug)]
pub(in crate::tui) enum Screen {
    Applications,
    Application(Box<AppScreen>),
    Page(Box<Page>),
    Text(Box<TextScreen>),
    Approvals(Box<Approvals>),
    /// The log of the application screen below it, in full.
    Log,
    Requests {
        top: usize,
    },
    Help {
        top: usize,
    },
}

/// One application.
#[derive(Debug)]
pub(in crate::tui) struct AppScreen {
    pub(in crate::tui) key: AppKey,
    /// The selected task.
    pub(in crate::tui) cursor: Option<TaskKey>,
    /// The selection follows what matters most, until the operator moves it.
    pub(in crate::tui) follow: bool,
    pub(in crate::tui) log: Option<LogBuffer>,
    pub(in crate::tui) look: LogLook,
}

impl AppScreen {
    pub(in crate::tui) fn new(key: AppKey) -> Self {
        Self { key, cursor: None, follow: true, log: None, look: LogLook::default() }
    }
}

/// What was asked of an application of which too little is known yet.
#[derive(Debug, Clone)]
pub(in crate::tui) struct Asked {
    pub(in crate::tui) action: Action,
    pub(in crate::tui) key: AppKey,
    /// What was given with it; empty: nothing.
    pub(in crate::tui) argument: String,
}

/// What is typed at the bottom of the screen.
#[derive(Debug)]
pub(in crate::tui) struct Prompt {
    pub(in crate::tui) kind: PromptKind,
    pub(in crate::tui) text: TextArea<'static>,
    /// What was there before, for `esc`.
    pub(in crate::tui) before: String,
    /// Place in the history; the end is the line that is typed.
    pub(in crate::tui) place: usize,
    /// What the last completion offered.
    pub(in crate::tui) offers: Vec<String>,
}

/// What is typed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum PromptKind {
    Filter,
    Command,
    Search,
    /// Of a list about an application.
    PageFilter,
    /// In a text.
    TextSearch,
    /// Lines of a log.
    LogFilter,
    /// The note with which the selected approval is put off.
    Defer,
}

impl Prompt {
    pub(in crate::tui) fn new(kind: PromptKind, text: &str, place: usize) -> Self {
        let mut area = TextArea::from([text.to_owned()]);
        area.move_cursor(tui_textarea::CursorMove::End);
        Self { kind, text: area, before: text.to_owned(), place, offers: Vec::new() }
    }

    pub(in crate::tui) fn line(&self) -> String {
        self.text.lines().first().cloned().unwrap_or_default()
    }

    pub(in crate::tui) fn set_line(&mut self, line: &str) {
        self.text = TextArea::from([line.to_owned()]);
        self.text.move_cursor(tui_textarea::CursorMove::End);
    }
}
