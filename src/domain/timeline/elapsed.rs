//! Points in time and durations that say how well they are known.
//!
//! Kubernetes and Argo CD write whole seconds, so a duration between two of their times is whole seconds too. Tenths are
//! shown only where both ends were seen by us, and `>=` where the beginning was before we looked.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

/// When something happened, by every clock that knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    /// When we saw it happen.
    pub observed: Option<Timestamp>,
    /// What Kubernetes or Argo CD wrote down, in whole seconds.
    pub recorded: Option<Timestamp>,
    /// We found that it had already happened, at this time.
    pub not_after: Option<Timestamp>,
}

impl Moment {
    /// Seen by us, and written down nowhere.
    pub const fn observed(at: Timestamp) -> Self {
        Self { observed: Some(at), recorded: None, not_after: None }
    }

    /// Written down, and not seen by us.
    pub const fn recorded(at: Timestamp) -> Self {
        Self { observed: None, recorded: Some(at), not_after: None }
    }

    /// Found to have happened before.
    pub const fn not_after(at: Timestamp) -> Self {
        Self { observed: None, recorded: None, not_after: Some(at) }
    }

    /// Seen by us if `live`, else only found afterwards.
    pub(super) const fn seen(at: Timestamp, live: bool) -> Self {
        if live { Self::observed(at) } else { Self::not_after(at) }
    }

    /// The same with what was written down.
    pub(super) const fn with_record(mut self, recorded: Option<Timestamp>) -> Self {
        self.recorded = recorded;
        self
    }

    /// The best single time for it: the one written down, since all of those come from one clock.
    pub fn time(self) -> Option<Timestamp> {
        self.recorded.or(self.observed).or(self.not_after)
    }

    /// When it was, if somebody wrote it down or saw it; not when it was only found to have been.
    pub fn known(self) -> Option<Timestamp> {
        self.recorded.or(self.observed)
    }

    /// Whether nothing is known.
    pub const fn is_unknown(self) -> bool {
        self.observed.is_none() && self.recorded.is_none() && self.not_after.is_none()
    }

    /// The first of two: by our clock where both were seen, else by their best times. What is unknown gives way.
    #[must_use]
    pub fn earlier(self, other: Self) -> Self {
        if self.is_unknown() || (!other.is_unknown() && Self::is_later(self, other)) { other } else { self }
    }

    /// The last of two, likewise.
    #[must_use]
    pub fn later(self, other: Self) -> Self {
        if self.is_unknown() || (!other.is_unknown() && Self::is_later(other, self)) { other } else { self }
    }

    fn is_later(one: Self, other: Self) -> bool {
        match (one.observed, other.observed) {
            (Some(one), Some(other)) => one > other,
            _ => one.time() > other.time(),
        }
    }

    /// The time from here until `end`; `None` where one of them is not known.
    pub fn until(self, end: Self) -> Option<Elapsed> {
        if let (Some(start), Some(end)) = (self.observed, end.observed) {
            return Some(Elapsed::new(start, end, Precision::Tenths));
        }
        if let (Some(start), Some(end)) = (self.recorded, end.recorded) {
            return Some(Elapsed::new(start, end, Precision::Seconds));
        }
        let end = end.recorded.or(end.observed)?;
        match (self.recorded.or(self.observed), self.not_after) {
            (Some(start), _) => Some(Elapsed::new(start, end, Precision::Seconds)),
            (None, Some(start)) => Some(Elapsed::new(start, end, Precision::AtLeast)),
            (None, None) => None,
        }
    }
}

/// How well a duration is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precision {
    /// Both ends were seen by us.
    Tenths,
    /// At least one end is a time in whole seconds.
    Seconds,
    /// It began before we looked.
    AtLeast,
}

/// A duration with its precision; never negative.
///
/// Shown as `6.2s`, `6s`, `1m 02s`, `3h 05m`, `2d 04h`; `<1s` where both ends are in the same second, `>=42s` where it
/// began before we looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed {
    duration: SignedDuration,
    precision: Precision,
}

impl Elapsed {
    /// From `start` to `end`; nothing if the clocks disagree and `end` is earlier.
    pub fn new(start: Timestamp, end: Timestamp, precision: Precision) -> Self {
        let duration = match precision {
            // Whole seconds are compared as whole seconds, or half a second could count as one.
            Precision::Seconds => SignedDuration::from_secs(end.as_second().saturating_sub(start.as_second())),
            Precision::Tenths | Precision::AtLeast => end.duration_since(start),
        };
        Self { duration: duration.max(SignedDuration::ZERO), precision }
    }

    /// The duration, cut to what is known of it.
    pub fn duration(self) -> SignedDuration {
        match self.precision {
            Precision::Tenths => {
                let millis = self.duration.as_millis().clamp(0, i128::from(i64::MAX));
                SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX) / 100 * 100)
            }
            Precision::Seconds | Precision::AtLeast => SignedDuration::from_secs(self.duration.as_secs()),
        }
    }

    /// How well it is known.
    pub const fn precision(self) -> Precision {
        self.precision
    }

    /// As a running clock: `00:42`, `01:02:03`.
    pub fn clock(self) -> String {
        let seconds = self.duration.as_secs();
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        if hours == 0 { format!("{minutes:02}:{seconds:02}") } else { format!("{hours:02}:{minutes:02}:{seconds:02}") }
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.duration.as_secs();
        let text = match (seconds, self.precision) {
            (0, Precision::Seconds) => "<1s".to_owned(),
            (0..60, Precision::Tenths) => match self.duration.subsec_millis() / 100 {
                0 if seconds == 0 => "<0.1s".to_owned(),
                tenths => format!("{seconds}.{tenths}s"),
            },
            (0..60, _) => format!("{seconds}s"),
            (60..3_600, _) => format!("{}m {:02}s", seconds / 60, seconds % 60),
            (3_600..86_400, _) => format!("{}h {:02}m", seconds / 3_600, seconds / 60 % 60),
            _ => format!("{}d {:02}h", seconds / 86_400, seconds / 3_600 % 24),
        };
        match self.precision {
            Precision::AtLeast => formatter.pad(&format!(">={text}")),
            Precision::Tenths | Precision::Seconds => formatter.pad(&text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_787_479_200_000 + millis).unwrap()
    }

    #[test]
    fn a_duration_is_as_precise_as_its_ends() {
        let seen = |millis| Moment::observed(at(millis));
        let written = |millis| Moment::recorded(at(millis));
        let both = |seen: i64, written: i64| Moment::observed(at(seen)).with_record(Some(at(written)));
        for (start, end, shown) in [
            (seen(0), seen(6_260), "6.2s"),
            (seen(0), seen(99), "<0.1s"),
            (seen(0), seen(3_000), "3.0s"),
            (seen(0), seen(62_900), "1m 02s"),
            (written(0), written(0), "<1s"),
            (written(0), written(6_000), "6s"),
            (written(0), seen(6_900), "6s"),
            (seen(900), written(6_000), "6s"),
            (both(200, 0), both(1_100, 1_000), "0.9s"),
            (both(200, 0), written(1_000), "1s"),
            (Moment::not_after(at(0)), seen(42_000), ">=42s"),
            (Moment::not_after(at(0)), written(42_000), ">=42s"),
            (written(0), written(7_260_000), "2h 01m"),
            (written(0), written(100 * 3_600_000), "4d 04h"),
            // Clocks that disagree.
            (written(5_000), seen(0), "<1s"),
        ] {
            assert_eq!(start.until(end).unwrap().to_string(), shown, "{start:?} {end:?}");
        }
        assert_eq!(Moment::default().until(seen(0)), None);
        assert_eq!(seen(0).until(Moment::default()), None);
        // The end was missed: the duration is not known.
        assert_eq!(seen(0).until(Moment::not_after(at(9_000))), None);
    }

    #[test]
    fn a_running_clock_has_minutes_and_seconds() {
        let clock = |seconds: i64| Elapsed::new(at(0), at(seconds * 1000), Precision::Seconds).clock();
        assert_eq!([clock(0), clock(42), clock(62), clock(3_723)], ["00:00", "00:42", "01:02", "01:02:03"]);
    }
}
