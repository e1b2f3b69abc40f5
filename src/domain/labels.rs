//! Label selectors, as kubectl's `-l` writes them: `team=shop,tier!=test,env in (prod,stage),!legacy`.

use std::fmt;

/// A label selector: every requirement must be met. The empty one matches everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    name: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    /// A label that is not there is not in any set either.
    NotIn(Vec<String>),
    Exists,
    Missing,
}

/// Why a text is no label selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{part:?} is no label requirement; write name=value, name!=value, name in (a,b), name notin (a,b), name or !name"
)]
pub struct BadSelector {
    /// The part that cannot be read.
    part: String,
}

impl LabelSelector {
    /// Reads a selector.
    pub fn parse(text: &str) -> Result<Self, BadSelector> {
        let requirements: Result<Vec<_>, _> =
            parts(text).into_iter().filter(|part| !part.is_empty()).map(Requirement::parse).collect();
        Ok(Self { requirements: requirements? })
    }

    /// Whether an object with these labels is meant; `label` gives the value of a label.
    pub fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.iter().all(|requirement| {
            let own = label(&requirement.name);
            match &requirement.test {
                Test::In(values) => own.is_some_and(|own| values.iter().any(|value| value == own)),
                Test::NotIn(values) => own.is_none_or(|own| values.iter().all(|value| value != own)),
                Test::Exists => own.is_some(),
                Test::Missing => own.is_none(),
            }
        })
    }
}

impl Requirement {
    fn parse(part: &str) -> Result<Self, BadSelector> {
        let bad = || BadSelector { part: part.to_owned() };
        let set = |rest: &str| {
            let inner = rest.trim().strip_prefix('(')?.strip_suffix(')')?;
            Some(inner.split(',').map(|value| value.trim().to_owned()).collect::<Vec<_>>())
        };
        let (name, test) = if let Some((name, value)) = part.split_once("!=") {
            (name, Test::NotIn(vec![value.trim().to_owned()]))
        } else if let Some((name, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
            (name, Test::In(vec![value.trim().to_owned()]))
        } else if let Some((name, rest)) = part.split_once(" notin ") {
            (name, Test::NotIn(set(rest).ok_or_else(bad)?))
        } else if let Some((name, rest)) = part.split_once(" in ") {
            (name, Test::In(set(rest).ok_or_else(bad)?))
        } else if let Some(name) = part.strip_prefix('!') {
            (name, Test::Missing)
        } else {
            (part, Test::Exists)
        };
        let name = name.trim();
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        let is_value = |value: &String| value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        let are_values = match &test {
            Test::In(values) | Test::NotIn(values) => values.iter().all(is_value),
            Test::Exists | Test::Missing => true,
        };
        if name.is_empty() || !name.chars().all(is_name) || !are_values {
            return Err(bad());
        }
        Ok(Self { name: name.to_owned(), test })
    }
}

/// The parts between commas that do not stand in brackets.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_u32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default().trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default().trim());
    parts
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Requirement { name, test }) in self.requirements.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match test {
                Test::In(values) if values.len() == 1 => write!(formatter, "{comma}{name}={}", values.concat())?,
                Test::NotIn(values) if values.len() == 1 => write!(formatter, "{comma}{name}!={}", values.concat())?,
                Test::In(values) => write!(formatter, "{comma}{name} in ({})", values.join(","))?,
                Test::NotIn(values) => write!(formatter, "{comma}{name} notin ({})", values.join(","))?,
                Test::Exists => write!(formatter, "{comma}{name}")?,
                Test::Missing => write!(formatter, "{comma}!{name}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(name: &str) -> Option<&'static str> {
        [("team", "shop"), ("tier", "web"), ("empty", "")].iter().find(|(own, _)| *own == name).map(|(_, value)| *value)
    }

    #[test]
    fn selectors_are_kubectls() {
        for (text, expected) in [
            ("", true),
            ("team=shop", true),
            ("team==shop", true),
            ("team=shop,tier=db", false),
            ("team = shop , tier != db", true),
            ("missing!=x", true),
            ("missing=x", false),
            ("team", true),
            ("missing", false),
            ("!missing", true),
            ("!team", false),
            ("tier in (web,db)", true),
            ("tier in (db)", false),
            ("tier notin (db, cache),team", true),
            ("tier notin (web)", false),
            ("empty=", true),
        ] {
            let selector = LabelSelector::parse(text).unwrap();
            assert_eq!(selector.matches(label), expected, "{text}");
            assert_eq!(LabelSelector::parse(&selector.to_string()), Ok(selector), "{text}");
        }
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for text in ["=x", "!", "a b", "a in b", "a in (b", "a=b=c", "a>1", "-l=\u{1b}", "a=(b)"] {
            assert!(LabelSelector::parse(text).is_err(), "{text}");
        }
    }
}
