//! What is said at the bottom of the screen: answers to keys for a moment, errors until they were seen.

use jiff::Timestamp;

use super::state::Model;

/// How long a notice is shown, in seconds.
const NOTICE_SECONDS: i64 = 6;
/// How long an alert is on the screen, in seconds, before a key can put it away: a key that was pressed at that very
/// moment was not meant for it.
const ALERT_SECONDS: i64 = 2;
/// Alerts that wait to be seen. Of more than these the oldest are only among the messages.
const MOST_ALERTS: usize = 50;
/// What was said in this session, at most.
const MOST_SAID: usize = 500;

/// A line that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui) struct Notice {
    pub(in crate::tui) text: String,
    pub(in crate::tui) is_bad: bool,
    /// When it was said; of an alert: since when it is on the screen.
    pub(in crate::tui) at: Timestamp,
}

impl Model {
    /// Says something. What went wrong a moment ago is not talked over.
    pub(in crate::tui) fn say(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.remember(&text, false);
        let is_fresh = |notice: &Notice| self.now.as_second() - notice.at.as_second() <= NOTICE_SECONDS;
        if self.notice.as_ref().is_some_and(|notice| notice.is_bad && is_fresh(notice)) {
            return;
        }
        self.notice = Some(Notice { text, is_bad: false, at: self.now });
    }

    /// Says why what was just asked for is not done.
    pub(in crate::tui) fn complain(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), is_bad: true, at: self.now });
    }

    /// Tells of something that went wrong by itself: it stays until it was seen, whatever else is said meanwhile.
    pub(in crate::tui) fn alert(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.remember(&text, true);
        // The same again is no news.
        if self.alerts.iter().any(|alert| alert.text == text) {
            return;
        }
        if self.alerts.len() == MOST_ALERTS {
            self.alerts.remove(1);
        }
        self.alerts.push_back(Notice { text, is_bad: true, at: self.now });
    }

    fn remember(&mut self, text: &str, is_bad: bool) {
        if self.said.len() == MOST_SAID {
            self.said.pop_front();
        }
        self.said.push_back(Notice { text: text.to_owned(), is_bad, at: self.now });
    }

    /// The line to be shown: a complaint about the last key, else an alert, else what was said.
    pub(in crate::tui) fn shown_notice(&self) -> Option<&Notice> {
        let notice = self.notice.as_ref();
        notice.filter(|notice| notice.is_bad).or_else(|| self.alerts.front()).or(notice)
    }

    /// The operator has pressed a key: what was on the screen long enough was seen.
    pub(in crate::tui) fn key_was_pressed(&mut self) {
        self.notice = None;
        let now = self.now;
        if self.alerts.front().is_some_and(|alert| now.as_second() - alert.at.as_second() >= ALERT_SECONDS) {
            self.alerts.pop_front();
            if let Some(next) = self.alerts.front_mut() {
                // Only now it comes onto the screen.
                next.at = now;
            }
        }
    }

    /// A second has passed.
    pub(in crate::tui) fn notice_ages(&mut self) {
        let now = self.now;
        self.notice.take_if(|notice| now.as_second() - notice.at.as_second() > NOTICE_SECONDS);
    }
}
