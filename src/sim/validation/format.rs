//! What a text has to look like where its type says more than that it is one, in the words of Go's decoders.

/// Why a text is not of a format of OpenAPI: `byte` is base64, `date-time` a time of RFC 3339.
pub(super) fn wrong(format: &str, text: &str) -> Option<String> {
    match format {
        "byte" => illegal_base64(text.as_bytes()).map(|at| format!("illegal base64 data at input byte {at}")),
        "date-time" if text.parse::<jiff::Timestamp>().is_err() => {
            let layout = "2006-01-02T15:04:05Z07:00";
            Some(format!("parsing time {text:?} as {layout:?}: cannot parse {text:?} as \"2006\""))
        }
        _ => None,
    }
}

/// Where text is not the padded base64 that Go's `encoding/base64` reads; line breaks are skipped.
fn illegal_base64(text: &[u8]) -> Option<usize> {
    let mut digits = 0;
    let mut rest = text.iter().enumerate().filter(|(_, byte)| !matches!(byte, b'\r' | b'\n'));
    while let Some((at, byte)) = rest.next() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => digits = (digits + 1) % 4,
            b'=' if digits == 3 => return rest.next().map(|(at, _)| at),
            b'=' if digits == 2 => {
                return match rest.next() {
                    None => Some(text.len()),
                    Some((_, b'=')) => rest.next().map(|(at, _)| at),
                    Some((at, _)) => Some(at),
                };
            }
            _ => return Some(at),
        }
    }
    (digits > 0).then(|| text.len().saturating_sub(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_as_by_go() {
        for (text, expected) in [
            ("", None),
            ("YQ==", None),
            ("YWI=", None),
            ("YWJj", None),
            ("YW\nJj\r\n", None),
            ("%%", Some(0)),
            ("YQ", Some(0)),
            ("YWJjYQ", Some(4)),
            ("YQ=", Some(3)),
            ("YQ==x", Some(4)),
            ("YWI=YWI=", Some(4)),
            ("Y===", Some(1)),
            ("YWJj YQ==", Some(4)),
        ] {
            assert_eq!(illegal_base64(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn times_and_bytes_have_a_form() {
        assert_eq!(wrong("date-time", "2026-01-02T03:04:05Z"), None);
        assert_eq!(wrong("date-time", "2026-01-02T03:04:05.000006+02:00"), None);
        assert_eq!(
            wrong("date-time", "abc").as_deref(),
            Some("parsing time \"abc\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"abc\" as \"2006\"")
        );
        assert_eq!(wrong("byte", "%").as_deref(), Some("illegal base64 data at input byte 0"));
        assert_eq!(wrong("", "%"), None);
    }
}
