//! What a slip must not do: a variable that is not set, a hint that is followed elsewhere, a plan that nobody has seen.

use std::env;
use std::os::unix::fs::symlink;
use std::path::Path;

use boathook::sim::resource::APPLICATIONS;
use serde_json::{Value, json};

use super::place::{Place, done, hook, map};

fn has_operation(place: &Place, name: &str) -> bool {
    let application = place.world.get(&APPLICATIONS, "argocd", name).unwrap();
    application.get("operation").is_some() || application.pointer("/status/operationState").is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_variable_that_is_not_set_means_nothing_and_never_all() {
    let place = Place::new(&map("settings")).await;
    place.add("other", &json!({"team": "other"}), &map("other"));
    for empty in [
        &["sync", "-l", "", "-y", "--allow-file-repositories"][..],
        &["sync", "-l", " , ", "-y", "--allow-file-repositories"],
        &["sync", "-p", "", "-y", "--allow-file-repositories"],
        &["sync", "shop", "--revision", "", "-y", "--allow-file-repositories"],
        &["sync", "shop", "--context", "", "-y", "--allow-file-repositories"],
        &["sync", "shop", "--kubeconfig", "", "-y", "--allow-file-repositories"],
        &["sync", "shop", "-n", "", "-y", "--allow-file-repositories"],
        &["sync", "", "-y", "--allow-file-repositories"],
        &["approve", "shop", "--revision", "", "-y"],
        &["abort", "-l", "", "-y"],
        &["retry", "-p", "", "-y"],
        &["refresh", "-l", ""],
        &["wait", "-l", ""],
        &["get", "apps", "-l", ""],
        &["plan", "--app", "shop", "--revision", ""],
    ] {
        let refused = place.run(empty).await.expect(2);
        assert!(refused.out.is_empty() && !refused.err.is_empty(), "{empty:?}: {refused:#?}");
    }
    assert!(!has_operation(&place, "shop") && !has_operation(&place, "other"));
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_that_is_told_reaches_the_same_application_of_the_same_cluster() {
    let mut place = Place::new(&hook("slow", "PreSync", "")).await;
    let (ada, context) = (place.user("ada's"), place.context());
    let elsewhere = place.write_home("gone", &super::place::kubeconfig("http://127.0.0.1:1", "x"));
    let sync = ["sync", "shop", "-y", "--allow-file-repositories", "--wait", "--timeout", "0.1s"];
    let mut command = place.command(&[&sync[..], &["--kubeconfig", &ada, "--context", &context]].concat());
    command.env("KUBECONFIG", &elsewhere);
    let late = done(command.spawn().unwrap()).await.expect(6);
    place.world.until_message("waiting for completion of hook batch/Job/slow").await;
    let (_, hint) = late.err.split_once("it goes on, and ").unwrap();
    let (hint, _) = hint.split_once(" ends it").unwrap();
    assert!(hint.starts_with("boathook abort argocd/shop --kubeconfig "), "{hint}");
    assert!(hint.ends_with(&format!(" --context {context}")), "{hint}");
    // As a person would paste it.
    let mut pasted = place.named(Path::new("/bin/sh"), &["-c", &format!("{hint} -y --wait")]);
    let path = env::join_paths([Place::programs()].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap())));
    pasted.env("KUBECONFIG", &elsewhere).env("PATH", path.unwrap());
    done(pasted.spawn().unwrap()).await.expect(0);
    assert!(place.world.application().get("operation").is_none());
    // Under its name for kubectl it tells commands under that name.
    let plugin = place.home().join("kubectl-boathook");
    symlink(assert_cmd::cargo::cargo_bin!("boathook"), &plugin).unwrap();
    let none = done(place.named(&plugin, &["logs", "shop", "unheard-of"]).spawn().unwrap()).await.expect(8);
    assert!(none.err.contains("try: kubectl boathook get history argocd/shop, for earlier operations"), "{none:#?}");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_git_says_is_not_there_is_not_synced() {
    let place = Place::new(&map("settings")).await;
    place.add_at("nosrc", "no-such-folder", &json!({}));
    let sync = ["sync", "-y", "--allow-file-repositories"];
    for (more, reason) in [
        (&["shop", "--revision", "nonsense"][..], "revision \"nonsense\" was not found"),
        (&["shop", "--revision", "v9.x", "--wait"], "no tag matches the version range"),
        (&["nosrc", "--wait"], "no-such-folder: app path does not exist at revision"),
    ] {
        let refused = place.run(&[&sync[..], more].concat()).await.expect(1);
        assert!(refused.err.starts_with(&format!("boathook: {}: nothing was sent: ", more[0])), "{refused:#?}");
        assert!(refused.err.contains(reason), "{refused:#?}");
    }
    let several = place.run(&[&sync[..], &["--all", "--wait", "-o", "json"]].concat()).await.expect(1).documents();
    let outcomes: Vec<(&Value, &Value)> = several
        .iter()
        .filter(|document| document["kind"] == "Result")
        .map(|result| (&result["application"], &result["outcome"]))
        .collect();
    assert_eq!(outcomes, [(&json!("nosrc"), &json!("Findings")), (&json!("shop"), &json!("Succeeded"))]);
    assert!(!has_operation(&place, "nosrc") && has_operation(&place, "shop"));
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_a_sync_goes_to_what_nobody_has_seen_is_said() {
    let (place, server) = Place::over_http(&map("settings")).await;
    server.set_away(true);
    let over = ["wait", "shop", "--for", "operation", "--timeout", "60s"];
    let unseen = place.run(&["sync", "shop", "-y"]).await.expect(0);
    let words =
        "boathook: shop: what the sync does is not known, and it is to the target revision, whatever that is by then";
    assert!(unseen.err.contains(words), "{unseen:#?}");
    place.run(&over).await;
    server.set_away(false);
    let seen = place.run(&["sync", "shop", "-y", "--wait"]).await.expect(0);
    assert_eq!(seen.err, "", "what was seen is what is synced");
    let operation = &place.world.application()["status"]["operationState"]["operation"];
    assert_eq!(operation["sync"]["revision"].as_str().map(str::len), Some(40));
    // A commit that was not fetched may be there all the same.
    place.run(&["sync", "shop", "-y", "--revision", "0123456789012345678901234567890123456789"]).await.expect(0);
    place.run(&over).await;
    // What was fetched before is known still, and may be old.
    server.set_away(true);
    let old = place.run(&["sync", "shop", "-y"]).await.expect(0);
    assert!(old.err.starts_with("boathook: shop: the plan is of what was fetched before, at "), "{old:#?}");
    place.stop().await;
}

/// The first fetch leaves an empty cache behind, in which no revision is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_that_cannot_be_fetched_is_called_that_each_time() {
    let (place, _server) = Place::over_http(&map("settings")).await;
    let served =
        place.world.application()["spec"]["source"]["repoURL"].as_str().unwrap().replace("work/.git", "no.git");
    for (address, reason) in [("https://127.0.0.1:1/x.git", "not reachable: "), (&served, "no such repository: ")] {
        place.world.edit(|application| {
            application["spec"]["source"]["repoURL"] = json!(address);
            application["spec"]["source"]["targetRevision"] = json!("main");
        });
        for time in ["first", "second"] {
            let plan = place.run(&["plan", "--app", "shop"]).await.expect(1);
            let sync = place.run(&["sync", "shop", "--dry-run"]).await.expect(1);
            for done in [plan, sync] {
                let said = format!("{}{}", done.out, done.err);
                assert!(said.contains(address) && said.contains(reason), "{time}: {done:#?}");
                assert!(!said.contains("no branch") && !said.contains("not fetched yet"), "{time}: {done:#?}");
            }
        }
        let offline = place.run(&["plan", "--app", "shop", "--offline"]).await.expect(1);
        assert!(offline.out.contains("the repository was not fetched yet"), "{offline:#?}");
    }
    place.stop().await;
}
