//! How to print.

use std::str::FromStr;

/// `-o`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::cli) enum Format {
    /// For people.
    #[default]
    Text,
    /// For people with room.
    Wide,
    /// For programs: boathook.dev/v1.
    Json,
    /// The same, as YAML.
    Yaml,
    /// `NAMESPACE/NAME`, a line each.
    Name,
    /// What a path selects of the JSON, a line each.
    Path(String),
}

impl Format {
    /// Whether it is for people.
    pub(in crate::cli) const fn is_text(&self) -> bool {
        matches!(self, Self::Text | Self::Wide)
    }

    /// Whether it tells of everything that goes wrong: otherwise standard error has to, for names and what a path selects
    /// may say nothing of it.
    pub(in crate::cli) const fn tells_failures(&self) -> bool {
        matches!(self, Self::Json | Self::Yaml)
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "text" => Self::Text,
            "wide" => Self::Wide,
            "json" => Self::Json,
            "yaml" => Self::Yaml,
            "name" => Self::Name,
            other => match other.strip_prefix("jsonpath=") {
                Some(path) => Self::Path(rooted(path)?),
                None => return Err("expected text, wide, json, yaml, name or jsonpath=PATH".to_owned()),
            },
        })
    }
}

/// The path as RFC 9535 writes it: kubectl's braces are taken off, and `$` is put before it.
fn rooted(path: &str) -> Result<String, String> {
    let path = path.trim();
    let path = path.strip_prefix('{').and_then(|path| path.strip_suffix('}')).unwrap_or(path).trim();
    let path = match path.chars().next() {
        None => return Err("the path is empty; for example jsonpath=.items[*].name".to_owned()),
        Some('$') => path.to_owned(),
        Some('.' | '[') => format!("${path}"),
        Some(_) => format!("$.{path}"),
    };
    match jsonpath_rust::parser::parse_json_path(&path) {
        Ok(_) => Ok(path),
        Err(error) => Err(format!("{path} is no JSONPath: {}", error.to_string().replace('\n', " "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_kubectl_are_understood() {
        for (text, path) in [
            ("jsonpath=.items[*].name", "$.items[*].name"),
            ("jsonpath={.items[*].name}", "$.items[*].name"),
            ("jsonpath=$.sync", "$.sync"),
            ("jsonpath=sync", "$.sync"),
        ] {
            assert_eq!(text.parse(), Ok(Format::Path(path.to_owned())), "{text}");
        }
        for bad in ["jsonpath=", "jsonpath={}", "jsonpath=.a[", "xml", ""] {
            assert!(bad.parse::<Format>().is_err(), "{bad}");
        }
    }
}
