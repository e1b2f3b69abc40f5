//! Quantities such as `500m` and `1Gi` in the one form in which the API server writes them.

const DECIMAL: [(&str, i32); 12] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
    // What a very large number ends with has no letter.
    ("e21", 21),
    ("e24", 24),
];
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Notation {
    Decimal,
    Binary,
    Exponent,
}

/// A quantity in billionths, rounded up; for comparing. `None` where the text is no quantity.
pub fn quantity_in_billionths(text: &str) -> Option<i128> {
    read(text).map(|(nanos, _)| nanos)
}

/// The canonical form of a quantity: no fraction, the largest suffix that loses nothing; smaller than a billionth is
/// rounded up. `None` where the text is no quantity.
pub fn canonical_quantity(text: &str) -> Option<String> {
    read(text).map(|(nanos, notation)| written(nanos, notation))
}

fn read(text: &str) -> Option<(i128, Notation)> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let digits = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(digits);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let mantissa: i128 = match format!("{whole}{fraction}").trim_start_matches('0') {
        "" => 0,
        digits if digits.len() <= 28 => digits.parse().ok()?,
        _ => return None,
    };
    let scale = -i32::try_from(fraction.len()).ok()?;
    let (notation, exponent, shift) = suffix_of(suffix)?;
    // In billionths, rounded up.
    let mut nanos =
        scaled(mantissa.checked_shl(shift).filter(|value| value >> shift == mantissa)?, scale + exponent + 9)?;
    if negative {
        nanos = -nanos;
    }
    Some((nanos, notation))
}

fn suffix_of(suffix: &str) -> Option<(Notation, i32, u32)> {
    if let Some(power) = BINARY.iter().position(|name| *name == suffix && !name.is_empty()) {
        return Some((Notation::Binary, 0, u32::try_from(power).ok()? * 10));
    }
    if let Some((_, exponent)) = DECIMAL[..10].iter().find(|(name, _)| *name == suffix) {
        return Some((Notation::Decimal, *exponent, 0));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?.parse::<i32>().ok()?;
    (-60..=60).contains(&exponent).then_some((Notation::Exponent, exponent, 0))
}

fn scaled(value: i128, exponent: i32) -> Option<i128> {
    let factor = 10_i128.checked_pow(exponent.unsigned_abs().min(38))?;
    if exponent >= 0 {
        return value.checked_mul(factor);
    }
    Some(value / factor + i128::from(value % factor != 0))
}

fn written(nanos: i128, notation: Notation) -> String {
    const UNIT: i128 = 1_000_000_000;
    if nanos == 0 {
        return "0".to_owned();
    }
    let whole = nanos / UNIT + i128::from(nanos % UNIT > 0);
    if notation == Notation::Binary && !(-1024 < whole && whole < 1024) {
        let mut value = whole;
        let mut power = 0;
        while value % 1024 == 0 && power + 1 < BINARY.len() {
            value /= 1024;
            power += 1;
        }
        return format!("{value}{}", BINARY.get(power).unwrap_or(&""));
    }
    let (mut value, mut exponent) = (nanos, -9);
    while value % 1000 == 0 && exponent < 24 {
        value /= 1000;
        exponent += 3;
    }
    if notation == Notation::Exponent && exponent != 0 {
        return format!("{value}e{exponent}");
    }
    let suffix = DECIMAL.iter().find(|(_, of)| *of == exponent).map_or("", |(name, _)| *name);
    format!("{value}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_written_in_one_form() {
        for (given, expected) in [
            ("0.5", "500m"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("2000", "2k"),
            ("1024Mi", "1Gi"),
            ("512Mi", "512Mi"),
            ("1500Mi", "1500Mi"),
            ("100Ki", "100Ki"),
            ("0", "0"),
            ("-1", "-1"),
            ("1e3", "1e3"),
            ("0.0000000001", "1n"),
            ("1.5Gi", "1536Mi"),
        ] {
            assert_eq!(canonical_quantity(given).as_deref(), Some(expected), "{given}");
        }
        for bad in ["", "abc", "1.2.3", "Gi", "1 Gi", "1gi", "1e999999", "99999999999999999999999999999999999999999999"]
        {
            assert_eq!(canonical_quantity(bad), None, "{bad}");
        }
    }
}
