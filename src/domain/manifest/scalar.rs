//! What a plain scalar means: the rules of `sigs.k8s.io/yaml`, with which kubectl, Helm and Argo CD read manifests
//! (YAML 1.1 booleans, octals with a leading zero, underscores in numbers), and of the JSON numbers that come of them.

use serde_json::Value;

use super::place::Fault;

/// The value of an untagged plain scalar.
pub(super) fn resolve(text: &str) -> Result<Value, Fault> {
    let Some(first) = text.bytes().next() else { return Ok(Value::Null) };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => Ok(word(text)),
        b'.' | b'+' | b'-' if is_not_finite(text) => Err(Fault::Number(text.to_owned())),
        b'.' => Ok(decimal(text).map_or_else(|| text.into(), number)),
        b'+' | b'-' | b'0'..=b'9' => numeric(text),
        _ => Ok(text.into()),
    }
}

fn word(text: &str) -> Value {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Value::Bool(false),
        "~" | "null" | "Null" | "NULL" => Value::Null,
        _ => text.into(),
    }
}

fn is_not_finite(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN")
}

/// A text that begins like a number: an integer in any base, else a float, else a string. Times are strings.
fn numeric(text: &str) -> Result<Value, Fault> {
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let whole = integer(&plain);
    if let Some(Whole::Fits(integer)) = whole {
        return Ok(integer.into());
    }
    if is_yaml_float(&plain)
        && let Some(float) = decimal(&plain)
    {
        return Ok(number(float));
    }
    match whole {
        Some(Whole::Large(float)) => Ok(number(float)),
        Some(Whole::TooLarge) => Err(Fault::Number(format!("a number of {} digits", text.len()))),
        Some(Whole::Fits(_)) | None => Ok(text.into()),
    }
}

enum Whole {
    Fits(i64),
    Large(f64),
    TooLarge,
}

/// Go's integers: `0x`, `0o`, `0b`, and a leading zero for octal.
#[expect(clippy::cast_precision_loss, reason = "what does not fit 64 bits is a float to Kubernetes")]
fn integer(text: &str) -> Option<Whole> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (base, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, unsigned.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, unsigned.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, unsigned.get(2..)?),
        [b'0', _, ..] => (8, unsigned.get(1..)?),
        _ => (10, unsigned),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(base)) {
        return None;
    }
    let Ok(magnitude) = i128::from_str_radix(digits, base) else { return Some(Whole::TooLarge) };
    let value = if negative { -magnitude } else { magnitude };
    Some(i64::try_from(value).map_or(Whole::Large(value as f64), Whole::Fits))
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_yaml_float(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (whole, mut rest) = text.split_at(digits(text));
    let mut any = !whole.is_empty();
    if let Some(after) = rest.strip_prefix('.') {
        let (fraction, after) = after.split_at(digits(after));
        any |= !fraction.is_empty();
        rest = after;
    }
    match rest.strip_prefix(['e', 'E']) {
        None => any && rest.is_empty(),
        Some(exponent) => {
            let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            any && !exponent.is_empty() && digits(exponent) == exponent.len()
        }
    }
}

/// A decimal float; `None` for one out of range, which Go does not take for a number.
fn decimal(text: &str) -> Option<f64> {
    text.parse().ok().filter(|float: &f64| float.is_finite())
}

/// A float as Kubernetes has it after a JSON round trip: one without a fraction that fits is an integer, so that `1.0`
/// and `1e3` are good for a field of whole numbers.
pub(super) fn number(float: f64) -> Value {
    if float.abs() < 1e21
        && let Ok(integer) = float.to_string().parse::<i64>()
    {
        return integer.into();
    }
    float.into()
}

/// The value of a scalar with a tag of YAML's own; `None` for another tag, whose scalar is a string.
pub(super) fn resolve_tagged(tag: &str, text: &str) -> Result<Option<Value>, Fault> {
    let wrong = || Fault::Tag(format!("!!{tag}"));
    let value = match tag {
        "str" | "timestamp" => return Ok(Some(text.into())),
        "binary" => return Err(wrong()),
        "null" | "bool" | "int" | "float" => resolve(text)?,
        _ => return Ok(None),
    };
    let fits = match &value {
        Value::Null => tag == "null",
        Value::Bool(_) => tag == "bool",
        Value::Number(number) => tag == "float" || (tag == "int" && number.is_i64()),
        _ => false,
    };
    if fits { Ok(Some(value)) } else { Err(wrong()) }
}

/// The key that an untagged plain scalar is in JSON: numbers and booleans become strings.
pub(super) fn plain_key(text: &str) -> Result<String, Fault> {
    match resolve(text)? {
        Value::String(text) => Ok(text),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Number(_) => {
            let plain = text.replace('_', "");
            match integer(&plain) {
                Some(Whole::Fits(integer)) => Ok(integer.to_string()),
                Some(Whole::Large(_) | Whole::TooLarge) => Err(Fault::Key("a number of more than 64 bits")),
                None => Ok(float_key(decimal(&plain).unwrap_or_default())),
            }
        }
        _ => Err(Fault::Key("null")),
    }
}

/// Go's `%g` of the nearest 32-bit float, which is what such a key becomes.
#[expect(clippy::cast_possible_truncation, reason = "sigs.k8s.io/yaml prints keys with 32 bits")]
fn float_key(float: f64) -> String {
    let float = float as f32;
    let scientific = format!("{float:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return float.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Checked against the table and the rules of `resolve.go` in `sigs.k8s.io/yaml/goyaml.v2`.
    const VALUES: &[(&str, &str)] = &[
        ("", "null"),
        ("~", "null"),
        ("null", "null"),
        ("Null", "null"),
        ("NULL", "null"),
        ("y", "true"),
        ("Y", "true"),
        ("yes", "true"),
        ("Yes", "true"),
        ("YES", "true"),
        ("on", "true"),
        ("On", "true"),
        ("ON", "true"),
        ("true", "true"),
        ("True", "true"),
        ("TRUE", "true"),
        ("n", "false"),
        ("N", "false"),
        ("no", "false"),
        ("No", "false"),
        ("NO", "false"),
        ("off", "false"),
        ("Off", "false"),
        ("OFF", "false"),
        ("false", "false"),
        ("0", "0"),
        ("-0", "0"),
        ("+1", "1"),
        ("-17", "-17"),
        ("1_000", "1000"),
        ("1__0_", "10"),
        ("0755", "493"),
        ("0o755", "493"),
        ("0O17", "15"),
        ("-0755", "-493"),
        ("08", "8"),
        ("0789", "789"),
        ("00", "0"),
        ("0x1F", "31"),
        ("0XfF", "255"),
        ("-0x10", "-16"),
        ("0b101", "5"),
        ("-0b11", "-3"),
        ("0x_ff", "255"),
        ("1.0", "1"),
        ("1.", "1"),
        ("1.5", "1.5"),
        (".5", "0.5"),
        ("+.5", "0.5"),
        ("-.5", "-0.5"),
        ("1e3", "1000"),
        ("1E+3", "1000"),
        ("1e-3", "0.001"),
        ("1.5e3", "1500"),
        ("1_0.5", "10.5"),
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("9223372036854775808", "9223372036854775808.0"),
        ("18446744073709551615", "18446744073709551615.0"),
        ("123456789012345678901234567890", "1.2345678901234568e29"),
        ("0xffffffffffffffff", "18446744073709551615.0"),
        ("1e21", "1e21"),
    ];

    /// Not so different, and yet strings.
    const STRINGS: &[&str] = &[
        "nUll",
        "yEs",
        "oN",
        "tRUE",
        "yesterday",
        "none",
        "<<",
        "_1",
        "0o8",
        "0x",
        "0xg",
        "0b2",
        "1e",
        ".5_0",
        "1e400",
        "0x1p-2",
        ".",
        "..",
        "-",
        "+",
        "1:30",
        "190:20:30",
        "1.2.3",
        "10.0.0.1",
        "2001-01-01",
        "2001-12-14t21:59:43.10-05:00",
        "100m",
        "1Gi",
        "5s",
        "1e3Gi",
        "-.nan",
        "inf",
        "nan",
        "\u{660}",
        "1\u{e9}",
        "0\u{e9}",
    ];

    #[test]
    fn plain_scalars_are_read_as_kubectl_reads_them() {
        for (text, expected) in VALUES {
            let expected: Value = serde_json::from_str(expected).unwrap();
            assert_eq!(resolve(text), Ok(expected), "{text}");
        }
        for text in STRINGS {
            assert_eq!(resolve(text), Ok(json!(text)), "{text}");
        }
        for text in [".inf", ".Inf", ".INF", "+.inf", "-.INF", ".nan", ".NaN", ".NAN"] {
            assert_eq!(resolve(text), Err(Fault::Number(text.into())), "{text}");
        }
        assert!(resolve(&"9".repeat(400)).is_err(), "no float is so large");
    }

    #[test]
    fn tags_decide() {
        assert_eq!(resolve_tagged("str", "yes"), Ok(Some(json!("yes"))));
        assert_eq!(resolve_tagged("int", "0755"), Ok(Some(json!(493))));
        assert_eq!(resolve_tagged("float", "1"), Ok(Some(json!(1))));
        assert_eq!(resolve_tagged("bool", "on"), Ok(Some(json!(true))));
        assert_eq!(resolve_tagged("null", ""), Ok(Some(json!(null))));
        assert_eq!(resolve_tagged("timestamp", "2001-01-01"), Ok(Some(json!("2001-01-01"))));
        assert_eq!(resolve_tagged("set", "x"), Ok(None));
        for (tag, text) in
            [("int", "x"), ("int", "1.5"), ("bool", "1"), ("null", "x"), ("float", "x"), ("binary", "aGk=")]
        {
            assert!(resolve_tagged(tag, text).is_err(), "{tag} {text}");
        }
    }

    #[test]
    fn keys_are_strings() {
        let cases = [
            ("a", "a"),
            ("on", "true"),
            ("No", "false"),
            ("0755", "493"),
            ("1_0", "10"),
            ("1.5", "1.5"),
            ("1.0", "1"),
            ("1e6", "1e+06"),
            ("1e5", "100000"),
            ("1234567.5", "1.2345675e+06"),
            ("0.00001", "1e-05"),
            ("2001-01-01", "2001-01-01"),
        ];
        for (text, expected) in cases {
            assert_eq!(plain_key(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["~", "", "18446744073709551615", ".inf"] {
            assert!(plain_key(text).is_err(), "{text}");
        }
    }
}
