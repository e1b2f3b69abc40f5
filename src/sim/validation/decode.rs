//! Bodies of requests, read as the API server reads them: duplicate and unknown fields are found, values of the wrong
//! type are refused in its words, nulls and empty lists are dropped, quantities brought into their canonical form.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::format;
use crate::sim::openapi::{Kind, Schema, canonical_quantity, fill_defaults, tidy};
use crate::sim::status::Status;

/// Most complaints about one body.
const MOST_COMPLAINTS: usize = 100;

/// Most brackets of YAML that may be open at once.
const DEEPEST_YAML: usize = 1_000;

/// What a request wants done about fields that are unknown or stand twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FieldValidation {
    /// Drop them.
    Ignore,
    /// Drop them and say so in `Warning` headers.
    #[default]
    Warn,
    /// Refuse the request.
    Strict,
}

impl FieldValidation {
    /// The value of the query parameter `fieldValidation`; `None` for one that does not exist.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "" | "Warn" => Some(Self::Warn),
            "Ignore" => Some(Self::Ignore),
            "Strict" => Some(Self::Strict),
            _ => None,
        }
    }
}

/// A body that is JSON or YAML, and the fields that stand in it twice.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    /// The value; of a field that stands twice the last counts.
    pub value: Value,
    /// Complaints such as `duplicate field "metadata.name"`.
    pub duplicates: Vec<String>,
    /// Every field by its path, in the order of the text.
    order: Vec<String>,
}

/// Reads a body that may be YAML: JSON where it begins like JSON.
///
/// # Errors
/// What the parser says.
pub fn parse(body: &[u8]) -> Result<Body, String> {
    let start = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if matches!(start, Some(b'{' | b'[' | b'"')) {
        return parse_json(body);
    }
    if nests_too_deep(body) {
        return Err(format!("yaml: exceeded max depth of {DEEPEST_YAML}"));
    }
    let yaml: serde_yaml::Value = serde_yaml::from_slice(body).map_err(|error| format!("yaml: {error}"))?;
    let value = serde_json::to_value(yaml).map_err(|error| format!("yaml: {error}"))?;
    Ok(Body { value, duplicates: Vec::new(), order: Vec::new() })
}

/// Reads a body that has to be JSON.
///
/// # Errors
/// What the parser says.
pub fn parse_json(body: &[u8]) -> Result<Body, String> {
    let mut scan = Scan::default();
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = Element { scan: &mut scan }.deserialize(&mut deserializer).map_err(|error| error.to_string())?;
    deserializer.end().map_err(|error| error.to_string())?;
    Ok(Body { value, duplicates: scan.duplicates, order: scan.order })
}

/// Whether more brackets are open at once than any object has. The parser looks at every open one for each token, which
/// takes hours for a body of nothing else. Those in texts count, too: they come in pairs, or are few.
fn nests_too_deep(yaml: &[u8]) -> bool {
    let mut open = 0_usize;
    yaml.iter().any(|byte| {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        open > DEEPEST_YAML
    })
}

#[derive(Default)]
struct Scan {
    path: String,
    order: Vec<String>,
    duplicates: Vec<String>,
}

struct Element<'s> {
    scan: &'s mut Scan,
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number that is none"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let length = self.scan.path.len();
        let mut out = Vec::new();
        loop {
            let _ = fmt::Write::write_fmt(&mut self.scan.path, format_args!("[{}]", out.len()));
            let next = list.next_element_seed(Element { scan: &mut *self.scan })?;
            self.scan.path.truncate(length);
            match next {
                Some(value) => out.push(value),
                None => return Ok(Value::Array(out)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let length = self.scan.path.len();
        let mut out = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if length > 0 {
                self.scan.path.push('.');
            }
            self.scan.path.push_str(&name);
            if out.contains_key(&name) {
                if self.scan.duplicates.len() < MOST_COMPLAINTS {
                    self.scan.duplicates.push(format!("duplicate field {:?}", self.scan.path));
                }
            } else {
                self.scan.order.push(self.scan.path.clone());
            }
            let value = map.next_value_seed(Element { scan: &mut *self.scan })?;
            out.insert(name, value);
            self.scan.path.truncate(length);
        }
        if out.contains_key("$serde_json::private::RawValue") || out.contains_key("$serde_json::private::Number") {
            return Err(A::Error::custom("a field name that is not allowed"));
        }
        Ok(Value::Object(out))
    }
}

/// An object as its type knows it, and what was dropped on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// The object.
    pub object: Value,
    /// Complaints such as `unknown field "spec.foo"`, to be sent as warnings.
    pub warnings: Vec<String>,
}

/// Why a body is no object of its kind; the words are those of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WrongBody(pub String);

impl WrongBody {
    /// The answer to the body of a create or an update: 400.
    pub fn into_status(self, api_version: &str, kind: &str) -> Status {
        let version = api_version.rsplit('/').next().unwrap_or_default();
        Status::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {}", self.0))
    }
}

/// Reads a value as an object of a type: fields it does not know are dropped, and complained about as `validation`
/// demands. Of a custom resource only `metadata` has to be of the right type here; the rest is validated later.
pub fn decode(schema: Schema<'_>, body: Body, validation: FieldValidation) -> Result<Decoded, WrongBody> {
    let Body { value: mut object, duplicates, order } = body;
    if !object.is_object() {
        return Err(WrongBody(format!("json: cannot unmarshal {} into Go value of type object", json_type(&object))));
    }
    let built_in = !schema.type_name().is_empty();
    let mut unknown = Vec::new();
    prune(schema, &mut object, &mut String::new(), &mut unknown);
    if unknown.len() > 1 {
        let places: HashMap<&str, usize> = order.iter().enumerate().map(|(at, path)| (path.as_str(), at)).collect();
        unknown.sort_by_key(|path| places.get(path.as_str()));
    }
    if built_in {
        check_types(schema, &object, schema.type_name(), &mut String::new())?;
    } else if let (Some(metadata), Some(value)) = (schema.field("metadata"), object.get("metadata")) {
        check_types(metadata, value, "ObjectMeta", &mut String::new())?;
    }
    let mut warnings = duplicates;
    warnings.extend(unknown.iter().take(MOST_COMPLAINTS).map(|path| format!("unknown field {path:?}")));
    match validation {
        FieldValidation::Strict if !warnings.is_empty() => {
            return Err(WrongBody(format!("strict decoding error: {}", warnings.join(", "))));
        }
        FieldValidation::Ignore => warnings.clear(),
        _ => {}
    }
    normalize(schema, &mut object);
    Ok(Decoded { object, warnings })
}

/// Brings an object into the form in which it is stored, as far as its type alone knows it.
pub fn normalize(schema: Schema<'_>, object: &mut Value) {
    if schema.type_name().is_empty() {
        if let (Some(metadata), Some(value)) = (schema.field("metadata"), object.get_mut("metadata")) {
            tidy(metadata, value);
        }
    } else {
        tidy(schema, object);
    }
    fill_defaults(schema, object);
}

/// Drops the fields that a type does not know, and names them.
pub fn prune(schema: Schema<'_>, value: &mut Value, path: &mut String, unknown: &mut Vec<String>) {
    let length = path.len();
    match value {
        Value::Object(map) if matches!(schema.kind(), Kind::Map | Kind::Any) => {
            map.retain(|name, value| {
                if length > 0 {
                    path.push('.');
                }
                path.push_str(name);
                let field = schema.child(name);
                match field {
                    Some(field) => prune(field, value, path, unknown),
                    None => unknown.push(path.clone()),
                }
                path.truncate(length);
                field.is_some()
            });
        }
        Value::Array(list) if schema.kind() == Kind::List => {
            for (index, value) in list.iter_mut().enumerate() {
                let _ = fmt::Write::write_fmt(path, format_args!("[{index}]"));
                prune(schema.element(), value, path, unknown);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The type of a field as a Go program names it.
fn go_type(schema: Schema<'_>) -> String {
    match schema.kind() {
        Kind::Boolean => "bool".to_owned(),
        Kind::Integer => if schema.format() == "int32" { "int32" } else { "int64" }.to_owned(),
        Kind::Number => "float64".to_owned(),
        Kind::String | Kind::Quantity => "string".to_owned(),
        Kind::IntOrString => "int32".to_owned(),
        Kind::List => format!("[]{}", go_type(schema.element())),
        Kind::Map if schema.type_name().is_empty() => format!("map[string]{}", go_type(schema.element())),
        Kind::Map | Kind::Any => format!("v1.{}", schema.type_name()),
    }
}

fn check_types(schema: Schema<'_>, value: &Value, owner: &str, path: &mut String) -> Result<(), WrongBody> {
    let wrong = |found: String, path: &str| {
        let place = if path.is_empty() { String::new() } else { format!("{owner}.{path} of type ") };
        WrongBody(format!("json: cannot unmarshal {found} into Go struct field {place}{}", go_type(schema)))
    };
    let length = path.len();
    match (schema.kind(), value) {
        (_, Value::Null)
        | (Kind::Any, _)
        | (Kind::Boolean, Value::Bool(_))
        | (Kind::IntOrString, Value::String(_))
        | (Kind::Number, Value::Number(_)) => {}
        (Kind::Integer | Kind::IntOrString, Value::Number(number)) => {
            let fits = match number.as_i64() {
                Some(number) => schema.format() != "int32" || i32::try_from(number).is_ok(),
                None => false,
            };
            if !fits {
                return Err(wrong(format!("number {number}"), path));
            }
        }
        (Kind::String, Value::String(text)) => {
            if let Some(why) = format::wrong(schema.format(), text) {
                return Err(WrongBody(why));
            }
        }
        (Kind::Quantity, Value::String(_) | Value::Number(_)) => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if canonical_quantity(&text).is_none() {
                let expression = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$";
                return Err(WrongBody(format!("quantities must match the regular expression '{expression}'")));
            }
        }
        (Kind::Map, Value::Object(map)) => {
            for (name, value) in map {
                let Some(field) = schema.child(name) else { continue };
                let inner = schema.type_name();
                if schema.has_element() && schema.field(name).is_none() {
                    // The keys of a map do not stand in the path.
                    check_types(field, value, owner, path)?;
                } else {
                    if length > 0 {
                        path.push('.');
                    }
                    path.push_str(name);
                    check_types(field, value, if inner.is_empty() { owner } else { inner }, path)?;
                    path.truncate(length);
                }
            }
        }
        (Kind::List, Value::Array(list)) => {
            for value in list {
                check_types(schema.element(), value, owner, path)?;
            }
        }
        (_, value) => return Err(wrong(json_type(value).to_owned(), path)),
    }
    Ok(())
}

impl<'de> Deserialize<'de> for Body {
    /// Reads a body from any format, and finds its duplicate fields.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut scan = Scan::default();
        let value = Element { scan: &mut scan }.deserialize(deserializer)?;
        Ok(Self { value, duplicates: scan.duplicates, order: scan.order })
    }
}

impl From<Value> for Body {
    /// A value without duplicate fields, such as the outcome of a patch.
    fn from(value: Value) -> Self {
        Self { value, duplicates: Vec::new(), order: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::openapi::Types;

    fn job(body: &str, validation: FieldValidation) -> Result<Decoded, String> {
        let schema = Types::built_in().kind("batch/v1", "Job").unwrap();
        decode(schema, parse(body.as_bytes()).unwrap(), validation)
            .map_err(|error| error.into_status("batch/v1", "Job").message)
    }

    /// The answers of a Kubernetes 1.36 to the same bodies.
    #[test]
    fn values_of_the_wrong_type_are_refused_in_the_words_of_kubernetes() {
        for (body, message) in [
            (
                r#"{"spec":{"backoffLimit":"3"}}"#,
                "json: cannot unmarshal string into Go struct field JobSpec.spec.backoffLimit of type int32",
            ),
            (
                r#"{"metadata":{"labels":{"a":1}}}"#,
                "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
            ),
            (
                r#"{"spec":{"suspend":"yes"}}"#,
                "json: cannot unmarshal string into Go struct field JobSpec.spec.suspend of type bool",
            ),
            (
                r#"{"spec":{"backoffLimit":3.5}}"#,
                "json: cannot unmarshal number 3.5 into Go struct field JobSpec.spec.backoffLimit of type int32",
            ),
            (
                r#"{"spec":{"template":[]}}"#,
                "json: cannot unmarshal array into Go struct field JobSpec.spec.template of type v1.PodTemplateSpec",
            ),
            (
                r#"{"spec":{"template":{"spec":{"containers":{}}}}}"#,
                "json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type \
                 []v1.Container",
            ),
            (
                r#"{"spec":{"template":{"spec":{"containers":[{"name":"a","resources":{"limits":{"cpu":"abc"}}}]}}}}"#,
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            ),
            (
                r#"{"spec":{"template":{"spec":{"containers":[{"env":[{"name":"x","value":1}]}]}}}}"#,
                "json: cannot unmarshal number into Go struct field EnvVar.spec.template.spec.containers.env.value of \
                 type string",
            ),
        ] {
            let expected = format!("Job in version \"v1\" cannot be handled as a Job: {message}");
            assert_eq!(job(body, FieldValidation::Warn).unwrap_err(), expected, "{body}");
        }
    }

    #[test]
    fn unknown_and_duplicate_fields_are_dropped_told_or_refused() {
        let body = r#"{"metadata":{"name":"a","name":"b"},"spec":{"foo":1,"bar":{"x":2},"parallelism":1}}"#;
        let complaints =
            ["duplicate field \"metadata.name\"", "unknown field \"spec.foo\"", "unknown field \"spec.bar\""];
        let warned = job(body, FieldValidation::Warn).unwrap();
        assert_eq!(warned.warnings, complaints);
        assert_eq!(warned.object["metadata"]["name"], "b");
        assert_eq!(warned.object["spec"].get("foo"), None);
        assert_eq!(job(body, FieldValidation::Ignore).unwrap().warnings, [""; 0]);
        let expected = format!(
            "Job in version \"v1\" cannot be handled as a Job: strict decoding error: {}",
            complaints.join(", ")
        );
        assert_eq!(job(body, FieldValidation::Strict).unwrap_err(), expected);
    }

    #[test]
    fn yaml_is_read_as_well_and_nonsense_is_not() {
        assert_eq!(parse(b"a: 1\nb: [x]").unwrap().value, serde_json::json!({"a": 1, "b": ["x"]}));
        for bad in ["{", "{\"a\":}", "a: [", "{} {}", "\u{0}"] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
        let deep = "[".repeat(100_000);
        assert!(parse(deep.as_bytes()).is_err());
    }
}
