//! The simulated API server, asked over plain HTTP: the answers are those of a Kubernetes 1.36.

use serde_json::{Value, json};

use crate::http::{Http, Method, bare};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn config_map(name: &str) -> Value {
    json!({"metadata": {"name": name}, "data": {"key": "value"}})
}

#[tokio::test]
async fn discovery_answers_in_both_forms() {
    let (_simulator, http) = bare();
    assert_eq!(http.get("/version").await.json()["major"], "1");
    assert_eq!(http.get("/readyz").await.text, "ok");
    let groups = http.get("/apis").await.json();
    let names: Vec<_> = groups["groups"].as_array().unwrap().iter().map(|group| group["name"].clone()).collect();
    assert!(names.contains(&json!("argoproj.io")) && !names.contains(&json!("")), "{names:?}");
    let batch = http.get("/apis/batch/v1").await.json();
    let jobs: Vec<_> = batch["resources"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(jobs, ["cronjobs", "cronjobs/status", "jobs", "jobs/status"]);
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    let aggregated = http.ask(Method::GET, "/api", &[("Accept", accept)], "").await;
    assert_eq!(
        aggregated.headers["content-type"],
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    );
    let pods = aggregated.json()["items"][0]["versions"][0]["resources"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["resource"] == "pods")
        .cloned()
        .unwrap();
    assert_eq!(pods["scope"], "Namespaced");
    assert_eq!(pods["shortNames"], json!(["po"]));
}

const NONE: (&str, &str) = ("X-Nothing", "");
const JSON: (&str, &str) = ("Content-Type", "application/json");

/// Method, path, a header, body; and the code, reason and message that Kubernetes 1.36 answers.
type BadRequest =
    (&'static str, &'static str, (&'static str, &'static str), &'static str, u16, &'static str, &'static str);

const BAD_REQUESTS: &[BadRequest] = &[
    ("GET", "/api/v1/nopes", NONE, "", 404, "NotFound", "the server could not find the requested resource"),
    ("GET", "/api/v1/namespaces/x", NONE, "", 404, "NotFound", "namespaces \"x\" not found"),
    (
        "PUT",
        "/api/v1/namespaces",
        NONE,
        "",
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
    ),
    (
        "GET",
        "/api/v1/namespaces?limit=abc",
        NONE,
        "",
        400,
        "BadRequest",
        "strconv.ParseInt: parsing \"abc\": invalid syntax",
    ),
    (
        "GET",
        "/api/v1/namespaces?limit=99999999999999999999",
        NONE,
        "",
        400,
        "BadRequest",
        "strconv.ParseInt: parsing \"99999999999999999999\": value out of range",
    ),
    (
        "GET",
        "/api/v1/namespaces?resourceVersion=abc",
        NONE,
        "",
        400,
        "BadRequest",
        "invalid resource version: resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid syntax",
    ),
    (
        "GET",
        "/api/v1/namespaces?labelSelector=a%3D%3D%3Db",
        NONE,
        "",
        400,
        "BadRequest",
        "unable to parse requirement: found '=', expected: identifier",
    ),
    ("GET", "/api/v1/namespaces?fieldSelector=a%3Db", NONE, "", 400, "BadRequest", "field label not supported: a"),
    (
        "GET",
        "/api/v1/namespaces?resourceVersionMatch=Exact",
        NONE,
        "",
        422,
        "Invalid",
        "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
    ),
    (
        "GET",
        "/api/v1/namespaces?watch=1&sendInitialEvents=true",
        NONE,
        "",
        422,
        "Invalid",
        "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
    ),
    (
        "POST",
        MAPS,
        ("Content-Type", "text/plain"),
        "{}",
        415,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf",
    ),
    (
        "POST",
        MAPS,
        JSON,
        "{}",
        422,
        "Invalid",
        "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required",
    ),
    (
        "POST",
        "/api/v1/namespaces/none/configmaps",
        JSON,
        "{\"metadata\":{\"name\":\"x\"}}",
        404,
        "NotFound",
        "namespaces \"none\" not found",
    ),
    (
        "POST",
        MAPS,
        JSON,
        "{\"metadata\":{\"name\":\"x\",\"namespace\":\"y\"}}",
        400,
        "BadRequest",
        "the namespace of the provided object does not match the namespace sent on the request",
    ),
    (
        "POST",
        "/api/v1/namespaces/default/configmaps?dryRun=x",
        JSON,
        "{\"metadata\":{\"name\":\"x\"}}",
        422,
        "Invalid",
        "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"x\"]: supported values: \"All\"",
    ),
    (
        "DELETE",
        "/api/v1/namespaces/default/configmaps/x?propagationPolicy=Nope",
        NONE,
        "",
        422,
        "Invalid",
        "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"Nope\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"",
    ),
    (
        "DELETE",
        "/api/v1/namespaces/default",
        NONE,
        "",
        403,
        "Forbidden",
        "namespaces \"default\" is forbidden: this namespace may not be deleted",
    ),
    (
        "DELETE",
        "/api/v1/namespaces/default/configmaps/x",
        JSON,
        "{\"orphanDependents\":true,\"propagationPolicy\":\"Orphan\"}",
        422,
        "Invalid",
        "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Invalid value: \"Orphan\": orphanDependents and deletionPropagation cannot be both set",
    ),
    (
        "POST",
        "/api/v1/namespaces/default/secrets",
        JSON,
        "{\"metadata\":{\"name\":\"x\"},\"data\":{\"a\":\"%%\"}}",
        400,
        "BadRequest",
        "Secret in version \"v1\" cannot be handled as a Secret: illegal base64 data at input byte 0",
    ),
    (
        "POST",
        MAPS,
        JSON,
        "{\"metadata\":{\"name\":\"x\",\"creationTimestamp\":\"abc\"}}",
        400,
        "BadRequest",
        "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: parsing time \"abc\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"abc\" as \"2006\"",
    ),
    (
        "GET",
        MAPS,
        ("Accept", "application/vnd.kubernetes.protobuf"),
        "",
        406,
        "NotAcceptable",
        "only the following media types are accepted: application/json",
    ),
    (
        "POST",
        "/api/v1/namespaces/default/pods",
        JSON,
        "{\"metadata\":{\"name\":\"x\"},\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"b\",\"resources\":{\"requests\":{\"cpu\":\"1500m\"},\"limits\":{\"cpu\":\"1\"}}}]}}",
        422,
        "Invalid",
        "Pod \"x\" is invalid: spec.containers[0].resources.requests: Invalid value: \"1500m\": must be less than or equal to cpu limit of 1",
    ),
    (
        "POST",
        "/api/v1/namespaces/default/secrets",
        JSON,
        "{\"metadata\":{\"name\":\"x\"},\"type\":\"kubernetes.io/tls\"}",
        422,
        "Invalid",
        "Secret \"x\" is invalid: [data[tls.crt]: Required value, data[tls.key]: Required value]",
    ),
    (
        "POST",
        "/apis/coordination.k8s.io/v1/namespaces/default/leases",
        JSON,
        "{\"metadata\":{\"name\":\"x\"},\"spec\":{\"leaseDurationSeconds\":0}}",
        422,
        "Invalid",
        "Lease.coordination.k8s.io \"x\" is invalid: spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
    ),
];

#[tokio::test]
async fn bad_requests_get_the_answers_of_kubernetes_and_the_listener_stays_up() {
    let (_simulator, http) = bare();
    for (method, path, header, body, code, reason, message) in BAD_REQUESTS {
        let answer = http.ask(method.parse().unwrap(), path, &[*header], *body).await;
        assert_eq!(answer.failure(), (*code, (*reason).to_owned(), (*message).to_owned()), "{method} {path}");
    }
    for body in ["{", "[]", "nonsense", "{\"metadata\":3}", "{\"metadata\":{\"labels\":[1]}}", "\u{0}", "{\"data\":[]}"]
    {
        let answer = http.ask(Method::POST, MAPS, &[JSON], body).await;
        assert_eq!(
            (answer.code, answer.json()["reason"].as_str()),
            (400, Some("BadRequest")),
            "{body:?}: {}",
            answer.text
        );
    }
    // What says that it is JSON is not read as YAML.
    let yaml = "metadata: {name: yaml}";
    assert_eq!(http.ask(Method::POST, MAPS, &[JSON], yaml).await.failure().0, 400);
    assert_eq!(http.ask(Method::POST, MAPS, &[("Content-Type", "application/yaml")], yaml).await.code, 201);
    let deep = format!("a: {}", "[".repeat(1_000_000));
    let deep = http.ask(Method::POST, MAPS, &[("Content-Type", "application/yaml")], deep).await;
    assert_eq!(deep.failure().1, "BadRequest", "{}", deep.text);
    let fields: Vec<String> = (0..100_000).map(|number| format!("\"f{number}\":0")).collect();
    let many = format!("{{\"metadata\":{{\"name\":\"many\"}},{}}}", fields.join(","));
    let many = http.ask(Method::POST, &format!("{MAPS}?fieldValidation=Strict"), &[JSON], many).await;
    assert!(many.failure().2.contains("unknown field \"f0\", unknown field \"f1\""), "{}", many.text);
    let too_large = http.ask(Method::POST, MAPS, &[JSON], vec![b' '; 10 * 1024 * 1024]).await;
    assert_eq!(too_large.failure().0, 413, "{}", too_large.text);
    assert_eq!(http.with_token("wrong").get(MAPS).await.failure(), (401, "Unauthorized".into(), "Unauthorized".into()));
    assert_eq!(http.with_token("").get(MAPS).await.code, 401);
    assert_eq!(http.get("/nope").await.code, 404);
    assert_eq!(http.get("/api/v1/%zz").await.code, 404);
    assert_eq!(http.get(MAPS).await.code, 200);
}

#[tokio::test]
async fn writes_follow_the_rules_of_optimistic_concurrency() {
    let (_simulator, http) = bare();
    let created = http.post(MAPS, &config_map("x")).await;
    assert_eq!(created.code, 201);
    assert!(created.headers.contains_key("date"));
    let object = created.json();
    assert_eq!((object["kind"].as_str(), object["apiVersion"].as_str()), (Some("ConfigMap"), Some("v1")));
    assert_eq!(http.post(MAPS, &config_map("x")).await.failure().1, "AlreadyExists");
    let path = format!("{MAPS}/x");
    let changed = http.merge(&path, &json!({"data": {"key": "other"}})).await.json();
    assert_ne!(changed["metadata"]["resourceVersion"], object["metadata"]["resourceVersion"]);
    let stale = http.put(&path, &object).await;
    assert_eq!(stale.failure(), (409, "Conflict".into(), "Operation cannot be fulfilled on configmaps \"x\": the object has been modified; please apply your changes to the latest version and try again".into()));
    assert_eq!(stale.json()["details"], json!({"name": "x", "kind": "configmaps"}));
    let same = http.put(&path, &changed).await.json();
    assert_eq!(same["metadata"]["resourceVersion"], changed["metadata"]["resourceVersion"]);
    let dry = http.ask(Method::DELETE, &format!("{path}?dryRun=All"), &[], "").await;
    assert_eq!(dry.json()["status"], "Success");
    let refused = http
        .ask(Method::DELETE, &path, &[("Content-Type", "application/json")], r#"{"preconditions":{"uid":"q"}}"#)
        .await;
    assert_eq!(refused.failure().1, "Conflict");
    let deleted = http.delete(&path).await.json();
    assert_eq!(deleted["details"]["uid"], object["metadata"]["uid"]);
    assert_eq!(http.delete(&path).await.code, 404);
    let generated = http.post(MAPS, &json!({"metadata": {"generateName": "g-"}})).await.json();
    assert_eq!(generated["metadata"]["name"].as_str().unwrap().len(), 7);
}

/// What comes out of a patch is wrong with the patch, which is a 422 where a create or an update gets a 400.
#[tokio::test]
async fn a_patch_that_makes_no_object_of_the_kind_is_invalid() {
    let (_simulator, http) = bare();
    http.post(MAPS, &config_map("x")).await;
    for (kind, patch, why) in [
        ("merge", r#"{"kind":"Secret"}"#, "converting (v1.Secret) to (v1.ConfigMap): unknown conversion"),
        ("json", r#"[{"op":"replace","path":"/apiVersion","value":"v2"}]"#, "unknown conversion"),
        (
            "merge",
            r#"{"metadata":{"labels":{"a":1}}}"#,
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
        ),
        ("json", r#"[{"op":"add","path":"/data","value":3}]"#, "ConfigMap.data of type map[string]string"),
        ("strategic-merge", r#"{"data":{"a":3}}"#, "json: cannot unmarshal number"),
    ] {
        let header = ("Content-Type", &*format!("application/{kind}-patch+json"));
        let answer = http.ask(Method::PATCH, &format!("{MAPS}/x"), &[header], patch).await;
        let (code, reason, message) = answer.failure();
        assert_eq!((code, reason.as_str()), (422, "Invalid"), "{patch}: {message}");
        assert!(message.starts_with(" \"\" is invalid: patch: Invalid value: ") && message.contains(why), "{message}");
        assert_eq!(answer.json()["details"]["causes"][0]["field"], "patch");
    }
    let kept = http.merge(&format!("{MAPS}/x"), &json!({"kind": null})).await;
    assert_eq!((kept.code, kept.json()["kind"].as_str()), (200, Some("ConfigMap")));
}

#[tokio::test]
async fn a_list_comes_in_pages_that_belong_together() {
    let (simulator, http) = bare();
    for number in 0..7 {
        http.post(MAPS, &config_map(&format!("m-{number}"))).await;
    }
    let first = http.get(&format!("{MAPS}?limit=3")).await.json();
    assert_eq!(first["metadata"]["remainingItemCount"], 4);
    assert_eq!(first["items"][0].get("kind"), None, "items of built-in kinds do not say what they are");
    http.delete(&format!("{MAPS}/m-5")).await;
    http.post(MAPS, &config_map("m-4b")).await;
    let mut names = Vec::new();
    let mut page = first.clone();
    loop {
        names.extend(
            page["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()),
        );
        assert_eq!(page["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
        let Some(next) = page["metadata"]["continue"].as_str() else { break };
        page = http.get(&format!("{MAPS}?limit=3&continue={next}")).await.json();
    }
    assert_eq!(names, ["m-0", "m-1", "m-2", "m-3", "m-4", "m-5", "m-6"]);
    simulator.store().compact();
    let next = first["metadata"]["continue"].as_str().unwrap();
    assert_eq!(http.get(&format!("{MAPS}?limit=3&continue={next}")).await.failure().1, "Expired");
    assert_eq!(http.get(&format!("{MAPS}?continue=zz")).await.failure().0, 400);
    let selected = http.get(&format!("{MAPS}?fieldSelector=metadata.name%3Dm-1")).await.json();
    assert_eq!(selected["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_custom_resource_is_served_as_soon_as_it_is_defined() {
    let (_simulator, http) = bare();
    let boats = "/apis/example.com/v1/namespaces/default/boats";
    assert_eq!(http.get(boats).await.code, 404);
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "boats.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"kind": "Boat", "plural": "boats"},
            "versions": [
                {"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                 "additionalPrinterColumns": [{"name": "Crew", "type": "integer", "jsonPath": ".spec.crew"}],
                 "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "properties": {"crew": {"type": "integer"}}},
                    "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}},
                {"name": "v2", "served": true, "storage": false,
                 "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}},
            ],
        },
    });
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let created = http.post(definitions, &definition).await;
    assert_eq!(created.code, 201, "{}", created.text);
    assert_eq!(created.json()["status"]["conditions"][1]["type"], "Established");
    let boat = json!({"apiVersion": "example.com/v1", "kind": "Boat", "metadata": {"name": "b"}, "spec": {"crew": 3}, "status": {"x": 1}});
    let created = http.post(boats, &boat).await;
    assert_eq!(created.code, 201, "{}", created.text);
    assert_eq!(created.json().get("status"), None);
    let status =
        http.merge(&format!("{boats}/b/status"), &json!({"spec": {"crew": 9}, "status": {"at": "sea"}})).await.json();
    assert_eq!(
        (&status["spec"]["crew"], &status["status"]["at"], &status["metadata"]["generation"]),
        (&json!(3), &json!("sea"), &json!(1))
    );
    let other = http.get("/apis/example.com/v2/namespaces/default/boats/b").await.json();
    assert_eq!((other["apiVersion"].as_str(), &other["spec"]["crew"]), (Some("example.com/v2"), &json!(3)));
    let accept = [("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")];
    let table = http.ask(Method::GET, boats, &accept, "").await.json();
    assert_eq!(table["columnDefinitions"][1]["name"], "Crew");
    assert_eq!(table["rows"][0]["cells"], json!(["b", 3]));
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    let accept = [("Accept", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")];
    let metadata = http.ask(Method::GET, boats, &accept, "").await.json();
    assert_eq!((&metadata["kind"], metadata["items"][0].get("spec")), (&json!("PartialObjectMetadataList"), None));
    http.delete(&format!("{definitions}/boats.example.com")).await;
    assert_eq!(http.get(boats).await.code, 404);
}

#[tokio::test]
async fn access_rules_refuse_and_reviews_tell() {
    use boathook::domain::scenario::{AccessRule, Pattern};
    let (simulator, http) = bare();
    let rule = AccessRule {
        allow: false,
        verbs: vec![Pattern::new("delete")],
        groups: Vec::new(),
        resources: vec![Pattern::new("configmaps")],
        namespaces: Vec::new(),
        names: Vec::new(),
        reason: String::new(),
    };
    simulator.access().restrict("admin", &[rule]);
    let refused = http.delete(&format!("{MAPS}/x")).await;
    assert_eq!(refused.failure(), (403, "Forbidden".into(), "configmaps \"x\" is forbidden: User \"admin\" cannot delete resource \"configmaps\" in API group \"\" in the namespace \"default\"".into()));
    let review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    for (verb, allowed) in [("delete", false), ("get", true)] {
        let asked =
            json!({"spec": {"resourceAttributes": {"verb": verb, "resource": "configmaps", "namespace": "default"}}});
        assert_eq!(http.post(review, &asked).await.json()["status"]["allowed"], allowed, "{verb}");
    }
    let who = http.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", &json!({})).await.json();
    assert_eq!(who["status"]["userInfo"]["username"], "admin");
    let token = simulator.token().to_owned();
    simulator.access().expire(&token);
    assert_eq!(http.get(MAPS).await.code, 401);
}

#[tokio::test]
async fn many_simulators_run_in_one_process_and_stop() {
    let (first, second) = (bare(), bare());
    assert_ne!(first.0.url(), second.0.url());
    assert_ne!(first.0.token(), second.0.token());
    first.1.post(MAPS, &config_map("x")).await;
    assert_eq!(second.1.get(&format!("{MAPS}/x")).await.code, 404);
    let http: Http = first.1;
    first.0.stop().await;
    assert!(http.send(Method::GET, MAPS, &[], "").await.is_err());
    assert_eq!(second.1.get(MAPS).await.code, 200);
}

/// What leaves a selection is deleted for who watches it, and shown as it was when it was last part of it.
#[tokio::test]
async fn a_watch_shows_what_leaves_its_selection_as_it_was() {
    let (_simulator, http) = bare();
    let made = http.post(MAPS, &json!({"metadata": {"name": "a", "labels": {"k": "1"}}})).await.json();
    let from = made["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let moved = http.merge(&format!("{MAPS}/a"), &json!({"metadata": {"labels": {"k": "2"}}})).await.json();
    let watch = format!("{MAPS}?watch=1&timeoutSeconds=1&labelSelector=k%3D1&resourceVersion={from}");
    let events = http.get(&watch).await.text;
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(
        (&events[0]["type"], &events[0]["object"]["metadata"]["labels"]),
        (&json!("DELETED"), &json!({"k": "1"}))
    );
    assert_eq!(events[0]["object"]["metadata"]["resourceVersion"], moved["metadata"]["resourceVersion"]);
}

#[tokio::test]
async fn an_eviction_names_the_pod_that_it_evicts() {
    let (_simulator, http) = bare();
    let spec = json!({"containers": [{"name": "c", "image": "registry.example/c:1"}]});
    http.post("/api/v1/namespaces/default/pods", &json!({"metadata": {"name": "a"}, "spec": spec})).await;
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "b"}});
    let refused = http.post("/api/v1/namespaces/default/pods/a/eviction", &eviction).await;
    assert_eq!(refused.code, 400, "{}", refused.text);
    assert!(refused.text.contains("name in URL does not match name in Eviction object"), "{}", refused.text);
    let pod = http.get("/api/v1/namespaces/default/pods/a").await.json();
    assert_eq!(pod["metadata"].get("deletionTimestamp"), None);
}
