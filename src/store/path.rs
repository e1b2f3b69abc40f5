//! Names from a cluster as parts of a path.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

/// What may stand in a part of a path as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b':');
/// Longest part; file systems allow 255 bytes, and several parts make a name.
const LONGEST: usize = 80;

/// A name as a part of a path: never empty, `.`, `..`, hidden or with a separator; two names never the same.
pub(super) fn part(name: &str) -> String {
    let mut encoded = utf8_percent_encode(name, PLAIN).to_string();
    if let Some(rest) = encoded.strip_prefix('.') {
        encoded = format!("%2E{rest}");
    }
    if encoded.is_empty() {
        return "%".to_owned();
    }
    if encoded.len() <= LONGEST {
        return encoded;
    }
    let digest = Sha256::digest(name.as_bytes());
    let hex = digest.iter().take(8).fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    // It is ASCII; an escape may be cut in two, which is why the digest follows.
    let head = encoded.get(..LONGEST - hex.len() - 1).unwrap_or_default();
    format!("{head}%{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_folder_and_apart() {
        let table = [
            ("db-migrate", "db-migrate"),
            ("", "%"),
            (".", "%2E"),
            ("..", "%2E."),
            ("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"),
            ("a/b", "a%2Fb"),
            ("a%2Fb", "a%252Fb"),
            ("a\0b\u{1b}[2J", "a%00b%1B%5B2J"),
            ("system:role", "system:role"),
        ];
        for (name, expected) in table {
            assert_eq!(part(name), expected, "{name:?}");
        }
        let long = "x".repeat(300);
        let other = "x".repeat(299) + "y";
        assert!(part(&long).len() <= LONGEST && part(&long) != part(&other));
        assert!(part(&"é".repeat(100)).len() <= LONGEST);
    }
}
