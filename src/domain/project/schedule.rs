//! When a sync window is open.

use cronexpr::{Crontab, MakeTimestamp};
use jiff::{SignedDuration, Timestamp};

use super::window::{SyncWindow, WindowError};
use crate::domain::operation::parse_duration;

impl SyncWindow {
    /// Whether the window is open at a time: it began less than its duration ago.
    pub fn is_active(&self, at: Timestamp) -> Result<bool, WindowError> {
        let duration = self.length()?;
        let bad = |_| WindowError::Schedule(self.schedule.clone());
        let before = at.checked_sub(duration).map_err(|_| WindowError::Duration(self.duration.clone()))?;
        let next = self.crontab()?.find_next(MakeTimestamp(before)).map_err(bad)?.timestamp();
        Ok(next < at)
    }

    /// When the window opens next after a time; `None` if never.
    pub fn next_opening(&self, after: Timestamp) -> Result<Option<Timestamp>, WindowError> {
        Ok(self.crontab()?.find_next(MakeTimestamp(after)).ok().map(|next| next.timestamp()))
    }

    /// When the window that is open at a time closes; `None` if it is closed.
    pub fn closing(&self, at: Timestamp) -> Result<Option<Timestamp>, WindowError> {
        let duration = self.length()?;
        let crontab = self.crontab()?;
        let mut closing = None;
        let mut from = at.checked_sub(duration).map_err(|_| WindowError::Duration(self.duration.clone()))?;
        // Windows may overlap themselves: the last one that began counts.
        for _ in 0..1000 {
            let Ok(next) = crontab.find_next(MakeTimestamp(from)) else { break };
            from = next.timestamp();
            if from >= at {
                break;
            }
            closing = from.checked_add(duration).ok();
        }
        Ok(closing)
    }

    /// Unlike other durations of Argo CD's, this one needs a unit.
    fn length(&self) -> Result<SignedDuration, WindowError> {
        let bad = || WindowError::Duration(self.duration.clone());
        if self.duration.parse::<i64>().is_ok_and(|number| number != 0) {
            return Err(bad());
        }
        parse_duration(&self.duration).map_err(|_| bad())
    }

    fn crontab(&self) -> Result<Crontab, WindowError> {
        let bad = || WindowError::Schedule(self.schedule.clone());
        if self.schedule.split_whitespace().count() != 5 {
            return Err(bad());
        }
        let zone = if self.time_zone.is_empty() { "UTC" } else { self.time_zone.as_str() };
        if jiff::tz::TimeZone::get(zone).is_err() {
            return Err(WindowError::TimeZone(zone.to_owned()));
        }
        cronexpr::parse_crontab(&format!("{} {zone}", self.schedule)).map_err(|_| bad())
    }
}
