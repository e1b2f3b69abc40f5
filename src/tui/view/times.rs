//! Lengths of time as they are shown.

use jiff::Timestamp;

use crate::domain::text;

/// How long ago, in one word: `5s`, `2m`, `3h`, `4d`.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(at.as_second()).max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}

/// A running clock: `00:42`.
pub(super) fn clock(since: Timestamp, now: Timestamp) -> String {
    use crate::domain::timeline::{Elapsed, Precision};
    Elapsed::new(since, now, Precision::Seconds).clock()
}

/// An age in words.
pub(super) fn age(age: std::time::Duration) -> String {
    text::duration(i64::try_from(age.as_secs()).unwrap_or(i64::MAX))
}

/// A length in milliseconds: `0.4s`, `12.3s`, `4m 10s`.
pub(super) fn millis(millis: i64) -> String {
    if millis < 60_000 {
        format!("{}.{}s", millis.max(0) / 1000, millis.max(0) % 1000 / 100)
    } else {
        text::duration(millis / 1000)
    }
}

/// About how long something took before: `~8s`.
pub(super) fn about(length: std::time::Duration) -> String {
    let seconds = i64::try_from(length.as_secs()).unwrap_or(i64::MAX);
    if seconds == 0 { "~1s".to_owned() } else { format!("~{}", text::duration(seconds)) }
}
