//! What a reader of a log asks for: the query of the `log` subresource.

use jiff::Timestamp;
use serde_json::Value;

use crate::sim::status::{FieldError, Status};

/// `PodLogOptions` of Kubernetes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Which container; may be left out where there is only one.
    pub container: Option<String>,
    /// Stay until the container ends.
    pub follow: bool,
    /// The log of the run before.
    pub previous: bool,
    /// Only lines of so many last seconds.
    pub since_seconds: Option<i64>,
    /// Only lines from this time on.
    pub since_time: Option<Timestamp>,
    /// Each line begins with its time.
    pub timestamps: bool,
    /// Only so many last lines.
    pub tail_lines: Option<u64>,
    /// End after so many bytes.
    pub limit_bytes: Option<u64>,
}

impl LogOptions {
    /// From the parameters of a query for a pod's log, decoded. Unknown ones are passed over, as in Kubernetes.
    ///
    /// # Errors
    /// 400 for what cannot be read, 422 for what may not be asked.
    pub fn from_query(pod: &str, query: &[(String, String)]) -> Result<Self, Status> {
        let mut options = Self::default();
        let mut wrong = Vec::new();
        for (name, text) in query {
            match name.as_str() {
                "container" if !text.is_empty() => options.container = Some(text.clone()),
                "follow" => options.follow = truth(text),
                "previous" => options.previous = truth(text),
                "timestamps" => options.timestamps = truth(text),
                "sinceSeconds" => {
                    let seconds = number(name, text)?;
                    if seconds < 1 {
                        wrong.push(FieldError::invalid(name.as_str(), seconds.into(), "must be greater than 0"));
                    }
                    options.since_seconds = Some(seconds);
                }
                "sinceTime" => {
                    let time = text
                        .parse()
                        .map_err(|error| Status::bad_request(format!("parsing time {text:?} of sinceTime: {error}")))?;
                    options.since_time = Some(time);
                }
                "tailLines" => {
                    let lines = number(name, text)?;
                    options.tail_lines = u64::try_from(lines).ok();
                    if lines < 0 {
                        let detail = "must be greater than or equal to 0";
                        wrong.push(FieldError::invalid(name.as_str(), lines.into(), detail));
                    }
                }
                "limitBytes" => {
                    let bytes = number(name, text)?;
                    options.limit_bytes = u64::try_from(bytes).ok();
                    if bytes < 1 {
                        wrong.push(FieldError::invalid(name.as_str(), bytes.into(), "must be greater than 0"));
                    }
                }
                "stream" if !matches!(text.as_str(), "" | "All") => {
                    wrong.push(FieldError::forbidden(name.as_str(), "may not be specified"));
                }
                _ => {}
            }
        }
        if options.since_seconds.is_some() && options.since_time.is_some() {
            let detail = "at most one of `sinceTime` or `sinceSeconds` may be specified";
            wrong.push(FieldError::forbidden("", detail));
        }
        if wrong.is_empty() { Ok(options) } else { Err(invalid(pod, wrong)) }
    }
}

/// As Kubernetes reads a boolean of a query: everything but `false` and `0` is true, an empty value too.
fn truth(text: &str) -> bool {
    !text.eq_ignore_ascii_case("false") && text != "0"
}

fn number(name: &str, text: &str) -> Result<i64, Status> {
    text.parse().map_err(|_| {
        Status::bad_request(format!("unable to convert {name}: strconv.ParseInt: parsing {text:?}: invalid syntax"))
    })
}

/// The 422 of options, which bears the name of the pod; its kind is `PodLogOptions`.
fn invalid(pod: &str, wrong: Vec<FieldError>) -> Status {
    let list = match wrong.as_slice() {
        [one] => one.to_string(),
        many => format!("[{}]", many.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    };
    let mut status = Status::new(422, "Invalid", format!("PodLogOptions \"{pod}\" is invalid: {list}"));
    status.details = Some(Box::new(crate::sim::status::Details {
        name: pod.to_owned(),
        kind: "PodLogOptions".to_owned(),
        causes: wrong,
        ..Default::default()
    }));
    status
}

/// The container that is meant, by its name.
///
/// # Errors
/// 400 where none is named and there are several, or the name is none of them.
pub(super) fn container(pod: &Value, options: &LogOptions) -> Result<String, Status> {
    let name = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let containers = names(pod, "/spec/containers");
    let init = names(pod, "/spec/initContainers");
    match (&options.container, containers.as_slice()) {
        (Some(wanted), _) if containers.iter().chain(&init).any(|name| name == wanted) => Ok((*wanted).clone()),
        (Some(wanted), _) => Err(Status::bad_request(format!("container {wanted} is not valid for pod {name}"))),
        (None, [only]) => Ok((*only).to_owned()),
        (None, []) => Err(Status::bad_request(format!("a container name must be specified for pod {name}"))),
        (None, several) => {
            let mut message =
                format!("a container name must be specified for pod {name}, choose one of: [{}]", several.join(" "));
            if !init.is_empty() {
                message = format!("{message} or one of the init containers: [{}]", init.join(" "));
            }
            Err(Status::bad_request(message))
        }
    }
}

fn names<'a>(pod: &'a Value, list: &str) -> Vec<&'a str> {
    let list = pod.pointer(list).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|container| container.get("name")?.as_str()).collect()
}
