//! Label and field selectors.

use serde_json::Value;

use super::query::Query;
use crate::sim::resource::{Resource, json_path};
use crate::sim::status::Status;
use crate::sim::store::Stored;

/// What a list or a watch is narrowed to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<FieldRequirement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Missing,
    Above(i64),
    Below(i64),
}

/// Whether Kubernetes has registered fields of this kind for selectors: it refuses others in other words.
fn has_own_fields(resource: &Resource) -> bool {
    resource.custom
        || matches!(
            (resource.group.as_str(), resource.kind.as_str()),
            (
                "" | "batch",
                "Namespace" | "Node" | "Pod" | "Event" | "Secret" | "Service" | "ReplicationController" | "Job"
            )
        )
}

#[derive(Debug, Clone)]
struct FieldRequirement {
    field: String,
    equal: bool,
    value: String,
}

impl Selector {
    pub(crate) fn of(query: &Query, resource: &Resource, version: &str) -> Result<Self, Status> {
        let labels = query.get("labelSelector").map(parse_labels).transpose()?.unwrap_or_default();
        let fields = query.get("fieldSelector").map(parse_fields).transpose()?.unwrap_or_default();
        if let Some(unknown) = fields.iter().find(|one| !supported(resource, version, &one.field)) {
            return Err(Status::bad_request(if has_own_fields(resource) {
                format!("field label not supported: {}", unknown.field)
            } else {
                let field = &unknown.field;
                format!("{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
            }));
        }
        Ok(Self { labels, fields })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(crate) fn matches(&self, object: &Stored) -> bool {
        self.labels.iter().all(|requirement| requirement.matches(object.label(&requirement.key)))
            && self.fields.iter().all(|requirement| requirement.matches(object))
    }
}

impl Requirement {
    fn matches(&self, label: Option<&str>) -> bool {
        let number = || label.and_then(|text| text.parse::<i64>().ok());
        match &self.test {
            Test::In(values) => label.is_some_and(|label| values.iter().any(|value| value == label)),
            Test::NotIn(values) => label.is_none_or(|label| values.iter().all(|value| value != label)),
            Test::Exists => label.is_some(),
            Test::Missing => label.is_none(),
            Test::Above(limit) => number().is_some_and(|number| number > *limit),
            Test::Below(limit) => number().is_some_and(|number| number < *limit),
        }
    }
}

impl FieldRequirement {
    fn matches(&self, object: &Stored) -> bool {
        let equal = match self.field.as_str() {
            "metadata.name" => object.name() == self.value,
            "metadata.namespace" => object.namespace() == self.value,
            field => {
                let path = if field == "source" { "source.component" } else { field };
                text(json_path::first(&object.value(), path)) == self.value
            }
        };
        equal == self.equal
    }
}

/// A field as a selector compares it: what is missing is empty, and a missing number zero.
fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The fields that a selector may name; those of the built-in kinds as `pkg/apis/*/v1/conversion.go` lists them.
fn supported(resource: &Resource, version: &str, field: &str) -> bool {
    if matches!(field, "metadata.name" | "metadata.namespace") {
        return true;
    }
    let known: &[&str] = match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods") => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        ("", "events") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        ("", "secrets") => &["type"],
        ("", "namespaces") => &["status.phase"],
        ("", "nodes") => &["spec.unschedulable"],
        ("apps", "replicasets") => &["status.replicas"],
        ("batch", "jobs") => &["status.successful"],
        _ => &[],
    };
    let custom = resource
        .served_version(version)
        .is_some_and(|served| served.selectable_fields.iter().any(|path| path.trim_start_matches('.') == field));
    known.contains(&field) || custom
}

fn parse_fields(text: &str) -> Result<Vec<FieldRequirement>, Status> {
    let mut requirements = Vec::new();
    for term in split_unescaped(text) {
        if term.is_empty() {
            continue;
        }
        let (field, equal, value) = if let Some((field, value)) = term.split_once("!=") {
            (field, false, value)
        } else if let Some((field, value)) = term.split_once("==") {
            (field, true, value)
        } else if let Some((field, value)) = term.split_once('=') {
            (field, true, value)
        } else {
            return Err(Status::bad_request(format!("invalid selector: '{text}'; can't understand '{term}'")));
        };
        let value = value.replace("\\,", ",").replace("\\=", "=").replace("\\\\", "\\");
        requirements.push(FieldRequirement { field: field.to_owned(), equal, value });
    }
    Ok(requirements)
}

/// Splits at commas that no backslash protects.
fn split_unescaped(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '\\' => escaped = !escaped,
            ',' if !escaped => {
                terms.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => escaped = false,
        }
    }
    terms.push(text.get(start..).unwrap_or_default());
    terms
}

fn parse_labels(text: &str) -> Result<Vec<Requirement>, Status> {
    let mut requirements = Vec::new();
    for term in split_outside_parentheses(text) {
        let term = term.trim();
        if term.is_empty() {
            if text.trim().is_empty() {
                continue;
            }
            return Err(unparsable("found ',', expected: !, identifier, or 'end of string'"));
        }
        requirements.push(parse_requirement(term)?);
    }
    Ok(requirements)
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                terms.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(text.get(start..).unwrap_or_default());
    terms
}

fn parse_requirement(term: &str) -> Result<Requirement, Status> {
    let one = |key: &str, test: Test| {
        let key = key.trim();
        check_key(key)?;
        Ok(Requirement { key: key.to_owned(), test })
    };
    if let Some(key) = term.strip_prefix('!') {
        return one(key, Test::Missing);
    }
    if let Some((key, set)) = term.split_once('(') {
        let Some(set) = set.trim_end().strip_suffix(')') else {
            return Err(unparsable("found '', expected: ',' or ')'"));
        };
        let values = set.split(',').map(|value| checked_value(value.trim())).collect::<Result<Vec<_>, _>>()?;
        let mut words = key.split_whitespace();
        return match (words.next(), words.next(), words.next()) {
            (Some(key), Some("in"), None) => one(key, Test::In(values)),
            (Some(key), Some("notin"), None) => one(key, Test::NotIn(values)),
            _ => Err(unparsable(&format!("found '{key}', expected: in, notin, =, ==, !=, gt, lt"))),
        };
    }
    for (operator, equal) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((key, value)) = term.split_once(operator) {
            let values = vec![checked_value(value.trim())?];
            return one(key, if equal { Test::In(values) } else { Test::NotIn(values) });
        }
    }
    for (operator, above) in [('>', true), ('<', false)] {
        if let Some((key, value)) = term.split_once(operator) {
            let number = value.trim().parse();
            let number = number.map_err(|_| unparsable("for 'Gt', 'Lt' operators, the value must be an integer"))?;
            return one(key, if above { Test::Above(number) } else { Test::Below(number) });
        }
    }
    one(term, Test::Exists)
}

fn checked_value(value: &str) -> Result<String, Status> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let ends = |letter: Option<char>| letter.is_none_or(|letter| letter.is_ascii_alphanumeric());
    if value.starts_with(['=', '!', '(', ')', '<', '>']) {
        let first: String = value.chars().take(1).collect();
        return Err(unparsable(&format!("found '{first}', expected: identifier")));
    }
    if value.len() > 63 || !value.chars().all(fits) || !ends(value.chars().next()) || !ends(value.chars().last()) {
        return Err(unparsable(&format!(
            "values[0]: Invalid value: {value:?}: a valid label must be an empty string or consist of alphanumeric \
             characters, '-', '_' or '.', and must start and end with an alphanumeric character"
        )));
    }
    Ok(value.to_owned())
}

fn check_key(key: &str) -> Result<(), Status> {
    let name = key.rsplit_once('/').map_or(key, |(_, name)| name);
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if name.is_empty() || name.len() > 63 || !name.chars().all(fits) {
        return Err(unparsable(&format!(
            "key: Invalid value: {key:?}: name part must consist of alphanumeric characters, '-', '_' or '.', and must \
             start and end with an alphanumeric character"
        )));
    }
    Ok(())
}

fn unparsable(why: &str) -> Status {
    Status::bad_request(format!("unable to parse requirement: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(selector: &str, labels: &[(&str, &str)]) -> Result<bool, String> {
        let requirements = parse_labels(selector).map_err(|status| status.message)?;
        Ok(requirements.iter().all(|requirement| {
            let label = labels.iter().find(|(key, _)| *key == requirement.key).map(|(_, value)| *value);
            requirement.matches(label)
        }))
    }

    #[test]
    fn label_selectors_mean_what_they_mean_in_kubernetes() {
        let labels = [("app", "web"), ("tier", "1"), ("example.com/x", "")];
        for (selector, expected) in [
            ("", true),
            ("app=web", true),
            ("app == web , tier in (1, 2)", true),
            ("app!=web", false),
            ("other!=web", true),
            ("other notin (a,b)", true),
            ("app notin (web)", false),
            ("app,!other", true),
            ("!app", false),
            ("example.com/x", true),
            ("example.com/x=", true),
            ("tier>0,tier<2", true),
            ("app>0", false),
        ] {
            assert_eq!(matches(selector, &labels), Ok(expected), "{selector}");
        }
        for broken in ["a===b", "a in (b", "a in b)", "a,,b", "a=b c", "=", "a>b", "!", "a has (b)"] {
            assert!(matches(broken, &labels).is_err(), "{broken}");
        }
        assert_eq!(matches("a===b", &[]).unwrap_err(), "unable to parse requirement: found '=', expected: identifier");
    }

    #[test]
    fn field_selectors_are_split_at_commas_that_nothing_protects() {
        let fields = parse_fields("metadata.name=a\\,b,status.phase!=Running").unwrap();
        assert_eq!((fields[0].value.as_str(), fields[0].equal), ("a,b", true));
        assert_eq!((fields[1].field.as_str(), fields[1].equal), ("status.phase", false));
        assert!(parse_fields("nothing").is_err());
    }
}
