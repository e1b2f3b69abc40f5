//! How long a failed operation waits for its next attempt.

use jiff::SignedDuration;

use super::duration::{BadDuration, parse_duration};
use super::types::{OperationState, Retry};

/// First wait where none is written.
const DURATION: SignedDuration = SignedDuration::from_secs(5);
/// Factor where none is written.
const FACTOR: i64 = 2;
/// Longest wait where none is written.
const LONGEST: SignedDuration = SignedDuration::from_mins(3);

impl Retry {
    /// Whether another attempt follows after so many were repeated already. A negative limit is none.
    pub fn allows_another(&self, retry_count: i64) -> bool {
        self.limit < 0 || retry_count < self.limit
    }

    /// The wait before attempt `retry_count` (1 is the first repetition), counted from the end of the failed attempt:
    /// `duration * factor ^ retry_count`, at most `maxDuration`; the defaults wait 10, 20, 40, 80, 160, 180 s.
    ///
    /// (The time in Argo CD's message "Retrying attempt #N at ..." is one power too early; this is what it does.)
    /// A `maxDuration` of zero is no limit. A duration that cannot be read ends the operation in Argo CD.
    pub fn wait(&self, retry_count: i64) -> Result<SignedDuration, BadDuration> {
        let (mut duration, mut factor, mut longest) = (DURATION, FACTOR, LONGEST);
        if let Some(backoff) = &self.backoff {
            if !backoff.duration.is_empty() {
                duration = parse_duration(&backoff.duration)?;
            }
            if !backoff.max_duration.is_empty() {
                longest = parse_duration(&backoff.max_duration)?;
            }
            factor = backoff.factor.unwrap_or(factor);
        }
        let longest = if longest > SignedDuration::ZERO { longest.as_nanos() } else { i128::from(i64::MAX) };
        let wait = duration.as_nanos().max(0).saturating_mul(power(factor, retry_count));
        let wait = i64::try_from(wait.clamp(0, longest)).unwrap_or(i64::MAX);
        Ok(SignedDuration::from_nanos(wait))
    }
}

impl OperationState {
    /// When the next attempt may begin: `None` unless the operation waits for a retry.
    pub fn next_attempt(&self) -> Option<Result<jiff::Timestamp, BadDuration>> {
        let finished = self.finished_at.filter(|_| self.is_waiting_for_retry())?;
        let wait = self.operation.retry.wait(self.retry_count);
        Some(wait.map(|wait| finished.saturating_add(wait).unwrap_or(jiff::Timestamp::MAX)))
    }
}

/// `factor ^ exponent` without overflow; a negative exponent, which nobody writes, is 0.
fn power(factor: i64, exponent: i64) -> i128 {
    let exponent = u32::try_from(exponent.clamp(0, 10_000)).unwrap_or_default();
    i128::from(factor).saturating_pow(exponent)
}

#[cfg(test)]
mod tests {
    use super::super::types::Backoff;
    use super::*;

    fn retry(duration: &str, factor: Option<i64>, longest: &str) -> Retry {
        let backoff = Backoff { duration: duration.into(), factor, max_duration: longest.into() };
        Retry { limit: 5, backoff: Some(backoff), refresh: false }
    }

    #[test]
    fn waits_are_argo_cds() {
        let seconds = |retry: &Retry, attempt| retry.wait(attempt).map(|wait| wait.as_secs());
        let defaults = Retry { limit: 5, ..Retry::default() };
        let waits: Vec<_> = (1..=6).map(|attempt| seconds(&defaults, attempt)).collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 180].map(Ok));
        assert_eq!(seconds(&retry("2s", Some(2), "10s"), 1), Ok(4));
        assert_eq!(seconds(&retry("2", Some(2), "10"), 3), Ok(10));
        assert_eq!(seconds(&retry("7", None, ""), 1), Ok(14));
        assert_eq!(seconds(&retry("7", Some(1), ""), 90), Ok(7));
        assert_eq!(seconds(&retry("7", Some(0), ""), 3), Ok(0));
        assert_eq!(seconds(&retry("7", Some(-3), ""), 3), Ok(0), "a wait is never negative");
        assert_eq!(seconds(&retry("1h", Some(3), "0"), 2), Ok(9 * 3600), "no longest wait");
        assert!(retry("soon", None, "").wait(1).is_err());
        assert!(retry("", None, "later").wait(1).is_err());
    }

    #[test]
    fn waits_never_overflow() {
        for factor in [i64::MIN, -1, 0, 1, 2, i64::MAX] {
            for attempt in [i64::MIN, -1, 0, 1, 63, 64, 127, 10_000, i64::MAX] {
                for longest in ["", "0", "9223372036s"] {
                    let wait = retry("9223372036s", Some(factor), longest).wait(attempt).unwrap();
                    assert!(!wait.is_negative(), "{factor} {attempt} {longest}");
                }
            }
        }
    }

    #[test]
    fn limits() {
        let limit = |limit| Retry { limit, ..Retry::default() };
        assert!(!limit(0).allows_another(0));
        assert!(limit(2).allows_another(1));
        assert!(!limit(2).allows_another(2));
        assert!(limit(-1).allows_another(i64::MAX));
    }
}
