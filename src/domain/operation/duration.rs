//! Durations as Argo CD reads them: a bare whole number is seconds, anything else is a Go duration.

use jiff::SignedDuration;

/// A text that is neither a whole number of seconds nor a Go duration such as `1m30s`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration: write seconds (30) or a Go duration (1m30s)")]
pub struct BadDuration(pub String);

const UNITS: [(&str, i128); 8] = [
    // Longer names before their own beginnings.
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3_600 * 1_000_000_000),
];

/// Reads a duration: `30` is 30 seconds, `1h5m0.5s` a Go duration. The bounds are Go's: about 292 years either way.
pub fn parse_duration(text: &str) -> Result<SignedDuration, BadDuration> {
    let bad = || BadDuration(text.chars().take(64).collect());
    let nanoseconds = match text.parse::<i64>() {
        Ok(seconds) => i128::from(seconds) * 1_000_000_000,
        Err(_) => go_duration(text).ok_or_else(bad)?,
    };
    i64::try_from(nanoseconds).map(SignedDuration::from_nanos).map_err(|_| bad())
}

/// Nanoseconds of `[-+](digits[.digits]unit)+`, or `0`.
fn go_duration(text: &str) -> Option<i128> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let (unit, after) = UNITS.iter().find_map(|(name, unit)| Some((*unit, after.strip_prefix(name)?)))?;
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        total = total.checked_add(whole.checked_mul(unit)?)?.checked_add(part(fraction, unit))?;
        rest = after;
    }
    Some(if negative { -total } else { total })
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// The fraction `0.digits` of a unit, rounded down to a nanosecond. Digits beyond the 15th do not matter.
fn part(digits: &str, unit: i128) -> i128 {
    let mut scale = 1;
    let mut value = 0;
    for digit in digits.bytes().take(15) {
        value = value * 10 + i128::from(digit - b'0');
        scale *= 10;
    }
    value * unit / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_argo_cd_reads_them() {
        let cases: &[(&str, i128)] = &[
            ("0", 0),
            ("5", 5_000_000_000),
            ("-5", -5_000_000_000),
            ("+5", 5_000_000_000),
            ("5s", 5_000_000_000),
            ("1m30s", 90_000_000_000),
            ("1h5m0.5s", 3_900_500_000_000),
            ("-1.5h", -5_400_000_000_000),
            (".5s", 500_000_000),
            ("5.s", 5_000_000_000),
            ("1ns2us3\u{b5}s4ms", 4_005_001),
            ("0s", 0),
        ];
        for (text, nanoseconds) in cases {
            assert_eq!(parse_duration(text).map(|d| d.as_nanos()), Ok(*nanoseconds), "{text}");
        }
        for text in [
            "",
            "s",
            "5 s",
            "5d",
            "1.5",
            ".s",
            "abc",
            "5s3",
            "1e3s",
            "--5s",
            "9999999999999h",
            "99999999999",
            "\u{221e}",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
