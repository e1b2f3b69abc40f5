//! What a slip must not do: a variable that is not set, a hint that is followed elsewhere, a plan that nobody has seen.

use std::env;
use std::os::unix::fs::symlink;
use std::path::Path;

use boathook::sim::resource::APPLICATIONS;
use serde_json::json;

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
