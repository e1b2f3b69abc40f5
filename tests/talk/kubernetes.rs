//! The simulator answers as a real API server did: the requests and answers of `kubernetes/record.py` are replayed.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use boathook::clock::Clock;
use boathook::sim::server::{Simulator, SimulatorOptions};
use http::Request;
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

/// Requests and answers of a Kubernetes 1.36.
const RECORDED: &str = include_str!("kubernetes/answers.jsonl");

/// What is answered differently, with the reason. `Message`: code and reason are the same, the words are not.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Differs {
    /// The code and the reason are the same, the words and the causes are not.
    Message,
}

/// By line of the recording.
const NAMESPACE: &str = "the namespace of the path is filled in before the configuration is taken apart";
/// By line of the recording.
const DIFFERENCES: &[(usize, Differs, &str)] = &[
    (56, Differs::Message, NAMESPACE),
    (57, Differs::Message, NAMESPACE),
    (69, Differs::Message, NAMESPACE),
    (86, Differs::Message, NAMESPACE),
];

async fn ask(client: &Client, token: &str, line: &Value) -> (u16, Value) {
    let text = |field: &str| line[field].as_str().unwrap();
    let body = match &line["body"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let request = Request::builder()
        .method(text("method"))
        .uri(text("path"))
        .header("Content-Type", text("type"))
        .header("User-Agent", "recorder/1")
        .header("Authorization", format!("Bearer {token}"))
        .body(Body::from(body.into_bytes()))
        .unwrap();
    let response = client.send(request).await.unwrap();
    let code = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (code, serde_json::from_slice(&bytes).unwrap())
}

/// Blanks what differs from run to run, as the recording script does.
fn trim(mut answer: Value) -> Value {
    if answer["kind"] == "Status" {
        let details = &answer["details"];
        return json!({
            "message": answer["message"],
            "reason": answer.get("reason").cloned().unwrap_or_else(|| json!("")),
            "causes": details.get("causes").cloned().unwrap_or_else(|| json!([])),
        });
    }
    let uid = answer["metadata"]["uid"].as_str().unwrap_or("no UID").to_owned();
    let kind = answer["kind"].as_str().unwrap_or_default().to_owned();
    if let Some(metadata) = answer["metadata"].as_object_mut() {
        for field in ["creationTimestamp", "uid", "resourceVersion"] {
            metadata.remove(field);
        }
    }
    if kind == "Service"
        && let Some(spec) = answer["spec"].as_object_mut()
    {
        spec.retain(|name, value| !name.starts_with("clusterIP") || *value == "None" || *value == json!(["None"]));
    }
    if !["Widget", "Pod", "Namespace"].contains(&kind.as_str()) {
        answer.as_object_mut().unwrap().remove("status");
    }
    blank(&mut answer, &uid);
    answer
}

fn blank(value: &mut Value, uid: &str) {
    match value {
        Value::Object(map) => {
            *map = std::mem::take(map)
                .into_iter()
                .map(|(name, mut value)| {
                    blank(&mut value, uid);
                    (name.replace(uid, "UID"), value)
                })
                .collect();
        }
        Value::Array(list) => list.iter_mut().for_each(|value| blank(value, uid)),
        Value::String(text) => {
            *text = text.replace(uid, "UID");
            if text.len() == 20 && text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok() {
                "TIME".clone_into(text);
            }
        }
        _ => {}
    }
}

/// Parts of a message that come in no order: the complaints of one kind of check after the other.
fn loosely(answer: &Value) -> Value {
    let mut answer = answer.clone();
    if let Some(causes) = answer.get_mut("causes").and_then(Value::as_array_mut) {
        causes.sort_by_key(ToString::to_string);
        causes.dedup();
        if causes.len() > 1 {
            answer["message"] = json!("");
        }
    }
    answer
}

#[tokio::test]
async fn answers_are_those_of_a_real_api_server() {
    let (clock, driver) = Clock::driven("2026-01-02T03:04:05Z".parse().unwrap());
    let options = SimulatorOptions { clock, controllers: false, ..SimulatorOptions::default() };
    let simulator = Simulator::start(options).unwrap();
    let client = Client::try_from(kube::Config::new(simulator.url().parse().unwrap())).unwrap();
    let post =
        |path: &str, body: &Value| json!({"method": "POST", "path": path, "type": "application/json", "body": body});
    let namespace = json!({"metadata": {"name": "boathook-recorded"}});
    let (code, answer) = ask(&client, simulator.token(), &post("/api/v1/namespaces", &namespace)).await;
    assert_eq!(code, 201, "{answer}");
    let mut wrong = Vec::new();
    for (number, line) in RECORDED.lines().enumerate() {
        let line: Value = serde_json::from_str(line).unwrap();
        if let Some(definition) = line.get("definition") {
            let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
            let (code, answer) = ask(&client, simulator.token(), &post(path, definition)).await;
            assert_eq!(code, 201, "{answer}");
            continue;
        }
        driver.advance(Duration::from_secs(1));
        let (code, answer) = ask(&client, simulator.token(), &line).await;
        let (got, expected) = (loosely(&trim(answer)), loosely(&line["answer"]));
        let difference = DIFFERENCES.iter().find(|(at, ..)| *at == number + 1);
        let same = match difference {
            None => got == expected,
            Some((_, Differs::Message, _)) => {
                assert_ne!(got, expected, "line {} does not differ any more", number + 1);
                got["reason"] == expected["reason"]
            }
        };
        if json!(code) != line["code"] || !same {
            wrong.push(format!(
                "line {}: {} {} {}\n  got {code} {got}\n  not {} {expected}",
                number + 1,
                line["method"],
                line["path"],
                line["body"],
                line["code"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{} answers differ:\n{}", wrong.len(), wrong.join("\n"));
    simulator.stop().await;
}

/// kubectl sends credentials to a server without TLS only as part of its address.
#[tokio::test]
async fn a_token_may_be_the_password_of_the_address() {
    let simulator = Simulator::start(SimulatorOptions::default()).unwrap();
    let client = Client::try_from(kube::Config::new(simulator.url().parse().unwrap())).unwrap();
    let basic = |password: &str| format!("Basic {}", BASE64_STANDARD.encode(format!("admin:{password}")));
    let bearer = |token: &str| format!("Bearer {token}");
    let token = simulator.token();
    for (path, credentials, code) in [
        ("/api/v1/namespaces?limit=1", basic(token), 200),
        ("/", basic(token), 200),
        ("/", bearer(token), 200),
        ("/", basic("wrong"), 401),
        ("/", bearer("wrong"), 401),
        ("/", format!("Digest {token}"), 401),
        ("/", "Basic !".to_owned(), 401),
        ("/version", "Basic !".to_owned(), 401),
        ("/", String::new(), 401),
        ("/version", String::new(), 200),
    ] {
        let mut request = Request::builder().uri(path);
        if !credentials.is_empty() {
            request = request.header("Authorization", &credentials);
        }
        let answer = client.send(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status().as_u16(), code, "{path} with {credentials}");
    }
    let address = simulator.url().replace("http://", &format!("http://admin:{token}@"));
    assert!(simulator.kubeconfig().contains(&format!("server: {address}\n")));
    simulator.stop().await;
}
