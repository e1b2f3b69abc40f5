//! `podFailurePolicy`: what a failed pod means.

use serde_json::Value;

use crate::sim::controllers::json::{int, list, text};

use super::pods::JobPod;

/// What is done about a failed pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// It counts towards the backoff limit.
    Count,
    /// It does not count.
    Ignore,
    /// The Job fails, with this message.
    FailJob(String),
}

/// The action of the first rule that matches a failed pod.
pub(super) fn action(job: &Value, pod: &JobPod) -> Action {
    for (index, rule) in list(job, "/spec/podFailurePolicy/rules").iter().enumerate() {
        let name = text(rule, "/action");
        if let Some(what) = matched(rule, &pod.pod) {
            return match name {
                "Ignore" => Action::Ignore,
                "FailJob" => {
                    let (namespace, pod) = (pod.stored.namespace(), pod.stored.name());
                    Action::FailJob(match what {
                        Matched::Exit(container, code) => format!(
                            "Container {container} for pod {namespace}/{pod} failed with exit code {code} matching \
                             {name} rule at index {index}"
                        ),
                        Matched::Condition(condition) => {
                            format!(
                                "Pod {namespace}/{pod} has condition {condition} matching {name} rule at index {index}"
                            )
                        }
                    })
                }
                _ => Action::Count,
            };
        }
    }
    Action::Count
}

enum Matched {
    Exit(String, i64),
    Condition(String),
}

fn matched(rule: &Value, pod: &Value) -> Option<Matched> {
    if let Some(codes) = rule.get("onExitCodes") {
        let wanted = codes.get("containerName").and_then(Value::as_str);
        let statuses = ["/status/containerStatuses", "/status/initContainerStatuses"];
        for status in statuses.iter().flat_map(|statuses| list(pod, statuses)) {
            let name = text(status, "/name");
            let Some(code) = int(status, "/state/terminated/exitCode").filter(|code| *code != 0) else { continue };
            let listed = list(codes, "/values").iter().any(|value| value.as_i64() == Some(code));
            if wanted.is_none_or(|wanted| wanted == name) && listed == (text(codes, "/operator") == "In") {
                return Some(Matched::Exit(name.to_owned(), code));
            }
        }
        return None;
    }
    list(rule, "/onPodConditions").iter().find_map(|wanted| {
        let kind = text(wanted, "/type");
        let status = wanted.get("status").and_then(Value::as_str).unwrap_or("True");
        let conditions = list(pod, "/status/conditions");
        let found = conditions.iter().any(|have| text(have, "/type") == kind && text(have, "/status") == status);
        found.then(|| Matched::Condition(kind.to_owned()))
    })
}
