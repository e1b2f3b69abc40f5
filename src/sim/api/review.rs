//! Who am I, and what may I do: the `SelfSubject*Review`s.

use http::StatusCode;
use serde_json::{Value, json};

use super::modify::Write;
use super::respond::{self, Answer};
use crate::sim::access::{AccessRequest, User, Verdict};
use crate::sim::status::Status;

/// Answers a review; `None` where the resource is none.
pub(crate) fn review(write: &Write<'_>, user: &User, now: jiff::Timestamp) -> Option<Answer> {
    match write.target.resource.kind.as_str() {
        "SelfSubjectReview" => Some(who_am_i(write, user, now)),
        "SelfSubjectAccessReview" => Some(may_i(write, user)),
        "SelfSubjectRulesReview" => Some(what_may_i(write, user)),
        _ => None,
    }
}

fn who_am_i(write: &Write<'_>, user: &User, now: jiff::Timestamp) -> Answer {
    let mut answer = write.object()?;
    let mut groups = user.groups.clone();
    groups.push("system:authenticated".to_owned());
    let created = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    set(&mut answer, "metadata", json!({ "creationTimestamp": created }));
    set(&mut answer, "status", json!({ "userInfo": { "username": user.name, "uid": user.name, "groups": groups } }));
    Ok(respond::json(StatusCode::CREATED, &answer))
}

fn may_i(write: &Write<'_>, user: &User) -> Answer {
    let mut answer = write.object()?;
    let status = if let Some(wanted) = answer.pointer("/spec/resourceAttributes").filter(|spec| !spec.is_null()) {
        let text = |field: &str| wanted.get(field).and_then(Value::as_str).unwrap_or_default();
        let resource = match text("subresource") {
            "" => text("resource").to_owned(),
            subresource => format!("{}/{subresource}", text("resource")),
        };
        let request = AccessRequest {
            verb: text("verb"),
            group: text("group"),
            resource: &resource,
            namespace: text("namespace"),
            name: text("name"),
        };
        match user.may(&request) {
            Verdict::Allowed => json!({ "allowed": true }),
            Verdict::Denied(reason) if reason.is_empty() => json!({ "allowed": false }),
            Verdict::Denied(reason) => json!({ "allowed": false, "reason": reason }),
        }
    } else if answer.pointer("/spec/nonResourceAttributes").is_some_and(Value::is_object) {
        json!({ "allowed": true })
    } else {
        let message = "SelfSubjectAccessReview.authorization.k8s.io \"\" is invalid: spec.resourceAttributes: Invalid \
                       value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified";
        return Err(Status::new(422, "Invalid", message));
    };
    set(&mut answer, "status", status);
    Ok(respond::json(StatusCode::CREATED, &answer))
}

/// The rules that allow; those that deny cannot be said in this form, so the answer is incomplete then.
fn what_may_i(write: &Write<'_>, user: &User) -> Answer {
    let mut answer = write.object()?;
    let all = json!([{ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }]);
    let status = json!({
        "resourceRules": all,
        "nonResourceRules": [{ "verbs": ["*"], "nonResourceURLs": ["*"] }],
        "incomplete": !user.rules.is_empty(),
    });
    set(&mut answer, "status", status);
    Ok(respond::json(StatusCode::CREATED, &answer))
}

fn set(object: &mut Value, field: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(field.to_owned(), value);
    }
}
