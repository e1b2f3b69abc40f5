//! What must not be taken for what was asked for, and what comes to nothing.

use serde_json::json;

use super::place::{Place, Said, done, hook, map};

const SYNC: [&str; 4] = ["sync", "shop", "-y", "--allow-file-repositories"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_variable_that_is_empty_does_not_mean_everything() {
    let place = Place::new(&map("settings")).await;
    for arguments in [
        &["abort", "-l", "", "-y"][..],
        &["get", "apps", "-l", ""],
        &["sync", "-p", "", "-y"],
        &["sync", "shop", "--revision", "", "-y"],
        &["approve", "shop", "--revision", "", "-y"],
        &["get", "apps", "-n", ""],
        &["get", "apps", "-n", "BAD NS"],
        &["get", "apps", "--context", ""],
        &["get", "apps", ""],
    ] {
        let refused = place.run(arguments).await.expect(2);
        assert_eq!(refused.out, "", "{arguments:?}");
    }
    assert_eq!(place.world.application().get("operation"), None);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_is_told_as_one_and_no_gate_opens_for_it() {
    let place = Place::new(&(hook("bad", "PreSync", "") + &map("settings"))).await;
    let dry = [&SYNC[..], &["--wait", "--server-dry-run"]].concat();
    let text = place.run(&dry).await.expect(0);
    assert!(text.out.contains("shop: dry run succeeded, and nothing was changed in "), "{text:#?}");
    for words in
        ["shop: dry run: PreSync Job/bad would run\n", "shop: dry run: Sync ConfigMap/settings would be applied\n"]
    {
        assert!(text.out.contains(words), "{text:#?}");
    }
    let documents = place.run(&[&dry[..], &["-o", "json"]].concat()).await.expect(0).documents();
    assert_eq!(documents.last().unwrap()["dryRun"], json!(true), "{documents:#?}");
    let events: Vec<_> = documents.iter().filter(|document| document["kind"] == "Event").collect();
    assert!(!events.is_empty() && events.iter().all(|event| event["dryRun"] == true), "{documents:#?}");
    for condition in ["hook=bad", "phase=PreSync"] {
        let waited = place.run(&["wait", "shop", "--for", condition]).await.expect(8);
        assert!(waited.err.contains("its last operation was a dry run: nothing has run"), "{condition}: {waited:#?}");
    }
    let waited = place.run(&["wait", "shop", "--for", "operation"]).await.expect(0);
    assert!(waited.out.starts_with("shop: a dry run, which changed nothing: "), "{waited:#?}");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_in_git_is_not_sent() {
    let place = Place::new(&(hook("good", "PreSync", "") + &map("settings"))).await;
    for (more, code, words) in [
        (&["--revision", "nonsense"][..], 1, "shop: nothing was sent: revision \"nonsense\" was not found"),
        (&["--resource", ":ConfigMap:typo"], 8, "shop: nothing was sent: none of its objects is what --resource means"),
    ] {
        let refused = place.run(&[&SYNC[..], more].concat()).await.expect(code);
        assert!(refused.err.contains(words), "{refused:#?}");
    }
    place.world.edit(|application| application["spec"]["source"]["path"] = json!("nowhere"));
    let refused = place.run(&[&SYNC[..], &["-o", "json"]].concat()).await.expect(1);
    let documents = refused.documents();
    let message = documents.last().unwrap()["message"].as_str().unwrap();
    assert!(message.contains("nowhere: app path does not exist"), "{documents:#?}");
    let application = place.world.application();
    assert_eq!((application.get("operation"), application.pointer("/status/operationState")), (None, None));
    // What cannot be read, because nobody may, is sent as it was always done, and that is said.
    place.world.edit(|application| application["spec"]["source"]["path"] = json!("shop"));
    let sent = place.run(&["sync", "shop", "-y", "--wait"]).await.expect(0);
    let words = "boathook: shop: what the sync does is not known, and it is to the target revision";
    assert!(sent.err.contains(words), "{sent:#?}");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_spec_without_a_source_there_is_no_plan_and_nothing_is_sent() {
    let place = Place::new(&map("settings")).await;
    place.world.edit(|application| application["spec"] = json!(5));
    let plan = ["plan", "--app", "shop", "--allow-file-repositories"];
    let text = place.run(&plan).await.expect(1);
    assert!(text.out.starts_with("shop\n  the plan is not known: its spec has no source\n"), "{text:#?}");
    let document = place.run(&[&plan[..], &["-o", "json"]].concat()).await.expect(1).document();
    assert_eq!(document["problem"], json!("its spec has no source"), "{document:#}");
    let refused = place.run(&[&SYNC[..], &["--wait"]].concat()).await.expect(1);
    assert!(refused.err.contains("boathook: shop: nothing was sent: its spec has no source"), "{refused:#?}");
    assert_eq!(place.world.application().get("operation"), None);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hook_that_was_ended_it_is_not_said_what_it_waited_for() {
    let place = Place::new(&hook("slow", "PreSync", "")).await;
    let mut sync = place.command(&[&SYNC[..], &["--wait"]].concat()).spawn().unwrap();
    let mut said = Said::of(sync.stdout.take());
    said.until("hook Job/slow ◐ running").await;
    let aborted = place.run(&["abort", "shop", "-y", "--wait"]).await.expect(0);
    done(sync).await.expect(5);
    for line in said.all().await.iter().chain(&aborted.out.lines().map(str::to_owned).collect::<Vec<_>>()) {
        let is_over = line.contains('✖') || line.contains("over") || line.contains("failed");
        assert!(!is_over || !["being deleted", "held by", ">="].iter().any(|words| line.contains(words)), "{line}");
    }
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_has_begun_or_will_do_is_not_waited_for() {
    let place = Place::without_engine(&map("settings")).await;
    let refused = place.run(&["refresh", "shop", "--wait"]).await.expect(7);
    assert!(refused.err.contains("shop: no controller acts on operations here"), "{refused:#?}");
    place.world.sync(&json!({}));
    let none = place.run(&["logs", "shop"]).await.expect(8);
    assert!(none.err.contains("an operation is requested, and nobody has begun it"), "{none:#?}");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_final_when_no_attempt_is_left() {
    let mut place = Place::new(&(hook("bad", "PreSync", "") + &map("settings"))).await;
    let retries = ["--retry-limit", "5", "--retry-backoff", "10m", "--retry-backoff-max", "10m"];
    place.run(&[&SYNC[..], &retries].concat()).await.expect(0);
    place.world.until("it failed once", |_, state| state.message.contains("Retrying attempt #1")).await;
    for (condition, words) in
        [("hook=bad", "hook bad failed in attempt "), ("phase=PreSync", "PreSync failed in attempt ")]
    {
        let waited = place.run(&["wait", "shop", "--for", condition, "--timeout", "0.1s"]).await.expect(6);
        assert!(waited.err.contains(words) && waited.err.contains("another may follow"), "{condition}: {waited:#?}");
    }
    place.run(&["abort", "shop", "-y", "--wait"]).await.expect(0);
    let waited = place.run(&["wait", "shop", "--for", "hook=bad", "--timeout", "60s"]).await;
    assert!([4, 5].contains(&waited.code), "{waited:#?}");
    place.stop().await;
}
