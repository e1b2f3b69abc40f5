//! Documents for programs. Within v1 fields and kinds are only added; `assets/schema/v1.json` lists them. Their texts are
//! those of the cluster, the repository and the log, to the letter: a program may look something up by them. What would
//! not be seen as itself is written as an escape of JSON, which means the same, and does nothing to a terminal.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use crate::domain::text::is_hidden;

/// The version of every document.
pub(in crate::cli) const API_VERSION: &str = "boathook.dev/v1";

/// What is printed for programs.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli) struct Document(Value);

impl Document {
    /// From what can be written as JSON.
    pub(in crate::cli) fn new(content: &impl Serialize) -> Self {
        // Nothing in it can fail to be written: keys are texts, numbers are finite.
        Self(serde_json::to_value(content).unwrap_or_default())
    }

    pub(in crate::cli) const fn value(&self) -> &Value {
        &self.0
    }

    /// On one line, without its end.
    pub(in crate::cli) fn json(&self) -> String {
        escaped(&self.0.to_string())
    }

    /// For people, too.
    pub(in crate::cli) fn pretty(&self) -> String {
        escaped(&format!("{:#}", self.0))
    }

    /// As YAML. With characters in it that YAML would write as they are, and that would not be seen, as JSON, which is
    /// YAML too and has escapes for them.
    pub(in crate::cli) fn yaml(&self) -> String {
        match serde_yaml::to_string(&self.0) {
            Ok(text) if !text.chars().any(is_unseen) => text,
            // What JSON writes as two escapes is one for YAML.
            _ => escaped_by(&format!("{:#}\n", self.0), |c| match u32::from(c) {
                code @ 0x1_0000.. => format!("\\U{code:08x}"),
                code => format!("\\u{code:04x}"),
            }),
        }
    }
}

/// JSON with escapes for what would not be seen as itself: such a character stands in texts only.
pub(in crate::cli) fn escaped(json: &str) -> String {
    escaped_by(json, |c| {
        c.encode_utf16(&mut [0; 2]).iter().fold(String::new(), |mut text, unit| {
            let _ = write!(text, "\\u{unit:04x}");
            text
        })
    })
}

fn escaped_by(json: &str, escape: impl Fn(char) -> String) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unseen(c) {
            text.push_str(&escape(c));
        } else {
            text.push(c);
        }
    }
    text
}

/// Apart from the line breaks between the lines.
fn is_unseen(c: char) -> bool {
    c != '\n' && is_hidden(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_what_they_are_and_do_nothing_to_a_terminal() {
        for text in [
            "plain",
            "\u{1b}[31mred",
            r"\x1b[31m is no escape",
            "tab\tand\nline\r\n",
            "turned \u{202e}round",
            "c1 \u{9b}31m, del \u{7f}, nothing \u{0}",
            "hidden \u{e0041}\u{200b}\u{feff}",
            "scripts: né 日本 👩‍🚀",
        ] {
            let value = serde_json::json!({ "text": text, text: [text, 1, null] });
            let document = Document::new(&value);
            let (json, pretty, yaml) = (document.json(), document.pretty(), document.yaml());
            assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
            assert_eq!(serde_json::from_str::<Value>(&pretty).unwrap(), value);
            assert_eq!(serde_yaml::from_str::<Value>(&yaml).unwrap(), value, "{yaml}");
            for written in [json, pretty, yaml] {
                assert!(!written.chars().any(is_unseen), "{written:?}");
            }
        }
    }
}
