//! Answers about Secrets without their values. An API server repeats what it cannot take (`expected string, got ...`),
//! and so does a webhook; such words end in a status, an Event or a log.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::error::ClusterError;
use super::kinds::Kind;
use crate::domain::manifest::HIDDEN;

/// A shorter value is not looked for: its letters stand in every message, and hiding them there would tell it.
const SHORTEST: usize = 4;
/// What an API server says before a value that has another type than its field.
const GOT: &str = ", got ";
/// What it says before a value that has its type, and cannot be taken all the same.
const INVALID: &str = ": Invalid value: ";

impl ClusterError {
    /// The error of a write, without the values of a Secret that was sent.
    pub(super) fn without_values(mut self, kind: &Kind, sent: &Value) -> Self {
        if !kind.group.is_empty() || kind.kind != "Secret" {
            return self;
        }
        let values = values(sent);
        match &mut self {
            Self::Api { status, .. } => status.message = hidden(&status.message, &values),
            Self::OutcomeUnknown { reason, status, .. } => {
                *reason = hidden(reason, &values);
                if let Some(status) = status {
                    status.message = hidden(&status.message, &values);
                }
            }
            Self::Unreachable { .. }
            | Self::NoAnswer { .. }
            | Self::Credentials { .. }
            | Self::Unreadable { .. }
            | Self::Name { .. }
            | Self::UnknownKind { .. } => {}
        }
        self
    }
}

/// A message without what follows the path of a value, and without every value.
fn hidden(message: &str, values: &[String]) -> String {
    let mut message = match cut_at(message) {
        Some(at) => message.get(..at).map_or_else(|| HIDDEN.to_owned(), |kept| format!("{kept}{HIDDEN}")),
        None => message.to_owned(),
    };
    for value in values {
        if message.contains(value.as_str()) {
            message = message.replace(value.as_str(), HIDDEN);
        }
    }
    message
}

/// Where the first value begins. Nobody can say where it ends, for it may be anything, so all that follows goes with it.
fn cut_at(message: &str) -> Option<usize> {
    let got = message.find(GOT).map(|at| at + GOT.len());
    let is_of_value = |at: &usize| {
        let path = message.get(..*at).and_then(|before| before.split_whitespace().next_back()).unwrap_or_default();
        ["data", "stringData"].iter().any(|field| path.trim_start_matches(['.', '[']).starts_with(field))
    };
    let invalid = message.match_indices(INVALID).map(|(at, _)| at).find(is_of_value).map(|at| at + INVALID.len());
    got.into_iter().chain(invalid).min()
}

/// All values of a Secret, as they may be repeated: as they are, as JSON writes them, with base64 and without it; longer ones
/// first, since one may be a part of another.
fn values(secret: &Value) -> Vec<String> {
    let mut all = Vec::new();
    for field in ["data", "stringData"] {
        match secret.get(field) {
            Some(Value::Object(fields)) => fields.values().for_each(|value| collect(value, &mut all)),
            Some(other) => collect(other, &mut all),
            None => {}
        }
    }
    all.retain(|value| value.chars().count() >= SHORTEST);
    all.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    all.dedup();
    all
}

fn collect(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) => all.push(value.to_string()),
        Value::String(text) => {
            let decoded = STANDARD.decode(text.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            for text in decoded.into_iter().chain([text.clone()]) {
                let written = Value::String(text.clone()).to_string();
                all.extend(written.get(1..written.len().saturating_sub(1)).map(str::to_owned));
                all.push(STANDARD.encode(&text));
                all.extend(text.lines().map(|line| line.trim().to_owned()));
                all.push(text);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, all)),
        // What stands here should have been one string, so its names are a part of the value too.
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            all.push(name.clone());
            collect(value, all);
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::error::ApiError;
    use super::*;

    fn told(kind: &str, sent: &Value, code: u16, message: &str) -> String {
        let status = ApiError { code, message: message.to_owned(), ..ApiError::default() };
        let error = ClusterError::from_status("applying it".to_owned(), true, status);
        error.without_values(&Kind::known("", "v1", kind, "", true), sent).to_string()
    }

    #[test]
    fn what_an_api_server_says_of_a_secret_has_no_value_in_it() {
        let typed = "failed to create typed patch object (shop/s; /v1, Kind=Secret): ";
        for (sent, message, kept) in [
            (
                json!({"stringData": {"pin": 918_273_645}}),
                format!("{typed}.stringData.pin: expected string, got &value.valueUnstructured{{Value:918273645}}"),
                format!("{typed}.stringData.pin: expected string, got (hidden)"),
            ),
            (
                json!({"stringData": {"pw": {"TOPSECRET": ["x"]}}}),
                format!(
                    "{typed}errors:\n  .stringData.pw: expected string, got map[string]interface {{}}{{\"TOPSECRET\":x}}"
                ),
                format!("{typed}errors:\n  .stringData.pw: expected string, got (hidden)"),
            ),
            (
                json!({"stringData": {"pw": "hunter22"}}),
                "admission webhook \"a.example.com\" denied the request: \"hunter22\" is weak (base64 aHVudGVyMjI=)"
                    .to_owned(),
                "admission webhook \"a.example.com\" denied the request: \"(hidden)\" is weak (base64 (hidden))"
                    .to_owned(),
            ),
            (
                json!({"data": {"pw": "aHVudGVyMjI="}}),
                "denied: aHVudGVyMjI= is hunter22".to_owned(),
                "denied: (hidden) is (hidden)".to_owned(),
            ),
            (
                json!({"stringData": {"key": "-----BEGIN\nMIIEabcd\n-----END"}}),
                "denied: \"-----BEGIN\\nMIIEabcd\\n-----END\" and line MIIEabcd".to_owned(),
                "denied: \"(hidden)\" and line (hidden)".to_owned(),
            ),
            (
                json!({"data": {"a": "x"}}),
                "Secret \"s\" is invalid: data[.dockerconfigjson]: Invalid value: \"x\": what".to_owned(),
                "Secret \"s\" is invalid: data[.dockerconfigjson]: Invalid value: (hidden)".to_owned(),
            ),
            (
                json!({"stringData": {"a": "b"}}),
                "Secret \"S\" is invalid: metadata.name: Invalid value: \"S\": a lowercase name".to_owned(),
                "Secret \"S\" is invalid: metadata.name: Invalid value: \"S\": a lowercase name".to_owned(),
            ),
        ] {
            for code in [400, 422] {
                assert_eq!(told("Secret", &sent, code, &message), format!("applying it: {kept} ({code})"));
            }
            let unclear = told("Secret", &sent, 500, &message);
            assert!(unclear.contains(&kept), "{unclear}");
            assert!(told("ConfigMap", &sent, 400, &message).contains(&message), "others are told as they are");
        }
    }
}
