//! Where manifests come from: revisions, several sources, repositories over http with and without credentials.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use boathook::sim::resource::{APP_PROJECTS, APPLICATIONS, CONFIG_MAPS, SECRETS};
use serde_json::{Value, json};

use super::git_server::GitServer;
use super::rows::{map, shop};
use super::world::{ARGOCD, Setup, World, phase};

fn value(world: &World, name: &str) -> Value {
    world.get(&CONFIG_MAPS, "shop", name).map(|map| map["data"]["a"].clone()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_sources_know_branches_tags_ranges_commits_and_head() {
    let mut world = shop(&map("m", "", "first")).await;
    world.git(&["tag", "v1.0.0"]);
    world.deploys(&map("m", "", "second"));
    world.git(&["tag", "-a", "v1.4.0", "-m", "second"]);
    let second = world.git(&["rev-parse", "HEAD"]);
    world.deploys(&map("m", "", "third"));
    world.git(&["tag", "v2.0.0"]);
    world.git(&["switch", "--quiet", "-c", "release/next"]);
    world.deploys(&map("m", "", "branch"));
    world.git(&["switch", "--quiet", "main"]);
    for (revision, wanted) in [
        ("HEAD", "third"),
        ("", "third"),
        ("main", "third"),
        ("release/next", "branch"),
        ("v1.0.0", "first"),
        ("v1.4.0", "second"),
        ("refs/tags/v1.0.0", "first"),
        ("1.*", "second"),
        (">=1.0.0 <3", "third"),
        (second.as_str(), "second"),
        (&second[..10], "second"),
    ] {
        world.edit(|application| application["spec"]["source"]["targetRevision"] = json!(revision));
        let state = world.synced(&json!({})).await;
        assert_eq!(
            (phase(&state).as_str(), value(&world, "m")),
            ("Succeeded", json!(wanted)),
            "{revision:?}: {state:?}"
        );
        let result = state.sync_result.unwrap();
        assert_eq!(result.revision.len(), 40, "{revision:?} is resolved: {}", result.revision);
    }
    for revision in ["3.*", "0123456789012345678901234567890123456789", "-x", "main^{tree}", "a..b"] {
        let state = world.synced(&json!({ "revision": revision })).await;
        assert_eq!(phase(&state), "Error", "{revision}");
        assert!(state.message.starts_with("ComparisonError: "), "{}", state.message);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_sources_can_be_several_each_at_its_own_revision() {
    let mut world = shop(&map("a", "", "1")).await;
    world.write("more/all.yaml", &map("b", "", "old"));
    let old = world.commit("more");
    world.write("more/all.yaml", &map("b", "", "new"));
    let new = world.commit("more");
    let repository = world.repository();
    let sources = json!([
        {"repoURL": repository, "path": "shop"},
        {"repoURL": repository, "path": "more", "targetRevision": old},
        {"repoURL": repository, "ref": "values"},
    ]);
    world.edit(|application| {
        application["spec"].as_object_mut().unwrap().remove("source");
        application["spec"]["sources"] = sources.clone();
    });
    let state = world.synced(&json!({})).await;
    assert_eq!(phase(&state), "Succeeded", "{}", state.message);
    assert_eq!((value(&world, "a"), value(&world, "b")), (json!("1"), json!("old")));
    let result = state.sync_result.unwrap();
    assert_eq!((result.revision.as_str(), &result.revisions), ("", &vec![new.clone(), old.clone(), new.clone()]));
    let application = world.refreshed().await;
    assert_eq!(application["status"]["sync"]["revisions"], json!([new, old, new]));
    assert_eq!(application["status"]["sourceTypes"], json!(["Directory", "Directory", ""]));
    assert_eq!(application["status"]["history"][0]["revisions"], json!([new, old, new]));
    // Revisions of a request count by index, and only if there is one for each.
    let state = world.synced(&json!({"revisions": [new, new, new]})).await;
    assert_eq!((phase(&state).as_str(), value(&world, "b")), ("Succeeded", json!("new")));
    world.synced(&json!({"revisions": [new]})).await;
    assert_eq!(value(&world, "b"), "old");
    world.stop().await;
}

/// With one worker, which whoever waits for a server does not keep.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_sources_that_do_not_answer_hold_up_nobody_else() {
    const SILENT: usize = 3;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut world = World::new(&Setup::made("")).await;
    world.options.workers = 1;
    world.deploys(&map("a", "", "1"));
    for index in 0..SILENT {
        let repository = format!("http://{address}/{index}.git");
        let name = format!("silent-{index}");
        let silent = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": name, "namespace": ARGOCD}, "operation": {"sync": {}},
            "spec": {"project": "default", "destination": {"name": "in-cluster", "namespace": "shop"},
                "source": {"repoURL": repository, "path": "."}}});
        world.create(&APPLICATIONS, silent);
    }
    world.start().await;
    // All of them are waited for.
    let mut connections = Vec::new();
    for _ in 0..SILENT {
        let limit = std::time::Duration::from_secs(60);
        let accepted = boathook::clock::Clock::real().timeout(limit, listener.accept()).await;
        connections.push(accepted.expect("one waits for the other").unwrap());
    }
    world.make_application(&json!({}));
    let state = world.synced(&json!({})).await;
    assert_eq!((phase(&state).as_str(), value(&world, "a")), ("Succeeded", json!("1")), "{}", state.message);
    drop(connections);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_sources_begin_anew_where_the_cache_was_damaged() {
    let mut world = shop(&map("a", "", "1")).await;
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    world.kill();
    let caches = || std::fs::read_dir(&world.options.repo_cache).unwrap().map(|entry| entry.unwrap().path());
    let cache = caches().find(|path| path.extension().is_some_and(|extension| extension == "git")).unwrap();
    // As after a power failure in the wrong moment.
    std::fs::remove_dir_all(cache.join("refs")).unwrap();
    std::fs::remove_dir_all(cache.join("objects")).unwrap();
    world.start().await;
    world.deploys(&map("b", "", "1"));
    let retry = json!({"limit": 2, "backoff": {"duration": "0.01s"}});
    world.request(&json!({"sync": {}, "retry": retry}));
    let state = world.end().await;
    assert_eq!(phase(&state), "Succeeded", "{}", state.message);
    assert_eq!(world.names(&CONFIG_MAPS), ["a", "b"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_sources_are_not_fetched_without_bound() {
    let mut world = shop(&map("a", "", "1")).await;
    world.kill();
    world.options.fetch.bytes = 200_000;
    // Something that cannot be packed well.
    let mut state: u64 = 42;
    let noise: String = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{:08x}", state >> 32)
    })
    .take(100_000)
    .collect();
    world.write("noise.txt", &noise);
    world.commit("noise");
    world.start().await;
    for _ in 0..2 {
        let state = world.synced(&json!({})).await;
        assert_eq!(phase(&state), "Error");
        assert!(state.message.contains("larger than the 200000 bytes"), "{}", state.message);
    }
    assert!(world.names(&CONFIG_MAPS).is_empty());
    world.stop().await;
}

fn secret(name: &str, fields: &Value) -> Value {
    let mut data = json!({});
    for (field, text) in fields.as_object().unwrap() {
        data[field] = STANDARD.encode(text.as_str().unwrap()).into();
    }
    let labels = json!({"argocd.argoproj.io/secret-type": "repository"});
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": ARGOCD, "labels": labels}, "data": data})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_sources_come_over_http() {
    let mut world = shop(&map("a", "", "1")).await;
    let server = GitServer::start(world.path(), None);
    let url = server.url("work/.git");
    world.edit(|application| application["spec"]["source"]["repoURL"] = json!(url));
    let state = world.synced(&json!({})).await;
    assert_eq!((phase(&state).as_str(), value(&world, "a")), ("Succeeded", json!("1")), "{}", state.message);
    world.deploys(&map("a", "", "2"));
    let state = world.synced(&json!({})).await;
    assert_eq!((phase(&state).as_str(), value(&world, "a")), ("Succeeded", json!("2")), "{}", state.message);
    let missing = server.url("nothing/here.git");
    world.edit(|application| application["spec"]["source"]["repoURL"] = json!(missing));
    let state = world.synced(&json!({})).await;
    assert_eq!(phase(&state), "Error");
    assert!(state.message.contains("no such repository"), "{}", state.message);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_sources_are_opened_with_the_credentials_of_repository_secrets() {
    let mut world = shop(&map("a", "", "1")).await;
    let server = GitServer::start(world.path(), Some(("ada", "hunter2")));
    let url = server.url("work/.git");
    world.edit(|application| application["spec"]["source"]["repoURL"] = json!(url));
    let refused = async |world: &mut World, words: &str| {
        let state = world.synced(&json!({})).await;
        assert_eq!(phase(&state), "Error");
        assert!(state.message.contains(words), "{words:?} is not in {:?}", state.message);
        let shown = world.application().to_string();
        assert!(!shown.contains("hunter"), "a password is shown: {shown}");
        assert!(world.names(&CONFIG_MAPS).is_empty());
    };
    refused(&mut world, "access denied").await;
    world.create(&SECRETS, secret("wrong", &json!({"url": url, "username": "ada", "password": "hunter1"})));
    refused(&mut world, "access denied").await;
    let keys = json!({"url": url, "githubAppID": "7", "githubAppPrivateKey": "hunter3"});
    world.change(&SECRETS, ARGOCD, "wrong", |own| own["data"] = secret("x", &keys)["data"].clone());
    refused(&mut world, "githubAppID of its repository Secret is not supported").await;
    // One of another project is not for this application.
    let theirs = json!({"url": url, "username": "ada", "password": "hunter2", "project": "theirs"});
    world.change(&SECRETS, ARGOCD, "wrong", |own| own["data"] = secret("x", &theirs)["data"].clone());
    refused(&mut world, "access denied").await;
    world.create(&SECRETS, secret("right", &json!({"url": url, "username": "ada", "password": "hunter2"})));
    let state = world.synced(&json!({})).await;
    assert_eq!((phase(&state).as_str(), value(&world, "a")), ("Succeeded", json!("1")), "{}", state.message);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_sources_are_not_read_under_project_rules_that_cannot_be_enforced() {
    let mut world = shop(&map("a", "", "1")).await;
    let any = json!({"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]});
    let project = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
        "metadata": {"name": "p", "namespace": ARGOCD}, "spec": any});
    world.create(&APP_PROJECTS, project);
    world.edit(|application| application["spec"]["project"] = json!("p"));
    for (field, rule, words) in [
        ("signatureKeys", json!([{"keyID": "4AEE18F83AFDEB23"}]), "spec.signatureKeys of project 'p' is not supported"),
        (
            "destinationServiceAccounts",
            json!([{"server": "*", "namespace": "*", "defaultServiceAccount": "x"}]),
            "spec.destinationServiceAccounts of project 'p' is not supported",
        ),
        ("permitOnlyProjectScopedClusters", json!(true), "is not a cluster of project 'p'"),
    ] {
        world.change(&APP_PROJECTS, ARGOCD, "p", |project| {
            project["spec"] = any.clone();
            project["spec"][field] = rule.clone();
        });
        let state = world.synced(&json!({})).await;
        assert_eq!(phase(&state), "Error");
        assert!(state.message.starts_with("InvalidSpecError: ") && state.message.contains(words), "{}", state.message);
        assert!(world.names(&CONFIG_MAPS).is_empty());
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_sources_that_were_pushed_a_moment_ago_are_found() {
    let mut world = shop(&map("a", "", "1")).await;
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    // The last fetch is young. What the spec asks for now is not in it.
    world.write("fresh/all.yaml", &map("b", "", "1"));
    world.commit("fresh");
    world.git(&["tag", "v9.9.1"]);
    world.edit(|application| {
        application["spec"]["source"]["path"] = json!("fresh");
        application["spec"]["source"]["targetRevision"] = json!("v9.9.1");
    });
    world
        .until("it is compared", |application, _| {
            let of = application.pointer("/status/sync/comparedTo/source/path");
            assert_eq!(application.pointer("/status/conditions"), None, "it is missed for a moment");
            of.is_some_and(|path| path == "fresh") && application["status"]["sync"]["status"] == "OutOfSync"
        })
        .await;
    world.stop().await;
}
