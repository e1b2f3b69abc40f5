//! Ranges of versions as a `targetRevision`: `1.2.*`, `>=1.0.0 <2`, `^1.4`, `~1.4 || 2.x`.

use semver::{Comparator, Op, Prerelease, Version, VersionReq};

/// A range of versions. A plain version is none: it is the name of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    alternatives: Vec<VersionReq>,
    prereleases: bool,
}

impl Constraint {
    /// Reads a range; `None` where the text is a plain version, or no range.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.len() > 256 || version(text).is_some() {
            return None;
        }
        let alternatives: Vec<_> = text.split("||").map(alternative).collect::<Option<_>>()?;
        let prereleases = alternatives.iter().any(|range| range.comparators.iter().any(|c| !c.pre.is_empty()));
        Some(Self { alternatives, prereleases })
    }

    /// Whether a version is in the range. Prereleases are in it only if the range names one.
    pub fn matches(&self, version: &Version) -> bool {
        if !version.pre.is_empty() && !self.prereleases {
            return false;
        }
        // Cargo lets a prerelease match only a comparator of the same number; Argo CD compares by precedence.
        let plain = Version { pre: Prerelease::EMPTY, ..version.clone() };
        self.alternatives.iter().any(|range| range.matches(version) || (self.prereleases && range.matches(&plain)))
    }

    /// The name with the highest version in the range, of names that may begin with `v`.
    pub fn highest<'a>(&self, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
        names
            .filter_map(|name| version(name).map(|version| (version, name)))
            .filter(|(version, _)| self.matches(version))
            .max_by(|(a, _), (b, _)| a.cmp(b))
            .map(|(_, name)| name)
    }
}

/// A complete version, with or without `v` before it.
fn version(text: &str) -> Option<Version> {
    Version::parse(text.strip_prefix('v').unwrap_or(text)).ok()
}

/// One side of `||`: comparators joined by commas or spaces, or a range with a hyphen.
fn alternative(text: &str) -> Option<VersionReq> {
    if let Some((low, high)) = text.split_once(" - ") {
        return VersionReq::parse(&format!(">={}, <={}", number(low.trim())?, number(high.trim())?)).ok();
    }
    let mut comparators: Vec<Comparator> = Vec::new();
    let mut operator = String::new();
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        operator.push_str(word);
        if word.ends_with(['<', '>', '=', '^', '~', '!']) {
            continue;
        }
        let start = operator.find(|c: char| !"<>=^~".contains(c))?;
        let (sign, rest) = operator.split_at(start);
        if rest == "*" || rest.eq_ignore_ascii_case("x") {
            operator.clear();
            continue;
        }
        let number = number(rest)?;
        // `1.2` alone is, to Argo CD, any patch of 1.2; to Cargo it is `^1.2`.
        let sign = match sign {
            "" => "=",
            "=<" => "<=",
            "=>" => ">=",
            "~>" => "~",
            sign => sign,
        };
        let parsed = VersionReq::parse(&format!("{sign}{number}")).ok()?;
        comparators.extend(parsed.comparators);
        operator.clear();
    }
    if !operator.is_empty() {
        return None;
    }
    if comparators.iter().any(|comparator| !matches!(comparator.op, Op::Wildcard) && comparator.major > 1 << 40) {
        return None;
    }
    Some(VersionReq { comparators })
}

/// A version that may lack its last numbers, with `x` and `*` cut off.
fn number(text: &str) -> Option<String> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let first = text.chars().next()?;
    if !first.is_ascii_digit() {
        return None;
    }
    let mut text = text.to_ascii_lowercase();
    while let Some(shorter) = text.strip_suffix(".*").or_else(|| text.strip_suffix(".x")) {
        text = shorter.to_owned();
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAGS: &[&str] = &["v1.0.0", "1.2.0", "1.2.9", "v1.10.1", "2.0.0", "v2.1.0-rc.1", "nightly", "0.3.1", "0.4.0"];

    fn highest(range: &str) -> Option<&'static str> {
        Constraint::parse(range).and_then(|range| range.highest(TAGS.iter().copied()))
    }

    #[test]
    fn the_highest_tag_of_a_range() {
        for (range, expected) in [
            ("1.2.*", Some("1.2.9")),
            ("1.2.x", Some("1.2.9")),
            ("1.x", Some("v1.10.1")),
            ("1", Some("v1.10.1")),
            ("^1.2", Some("v1.10.1")),
            ("~1.2.0", Some("1.2.9")),
            ("~1", Some("v1.10.1")),
            (">=1.0.0 <2", Some("v1.10.1")),
            (">=1.0.0,<1.10", Some("1.2.9")),
            (">= 1.0.0 < 2.0.0", Some("v1.10.1")),
            ("1.0.0 - 1.2.0", Some("1.2.0")),
            ("*", Some("2.0.0")),
            ("<1 || >1.9", Some("2.0.0")),
            (">=2.1.0-rc.0", Some("v2.1.0-rc.1")),
            (">3", None),
            ("^0.3", Some("0.3.1")),
        ] {
            assert_eq!(highest(range), expected, "{range}");
        }
    }

    #[test]
    fn names_are_not_ranges() {
        for name in ["main", "v1.2.3", "1.2.3", "release-1", "6f1c0aa", "", ">=", "^", "feature/x", "x-1"] {
            assert_eq!(Constraint::parse(name), None, "{name}");
        }
    }
}
