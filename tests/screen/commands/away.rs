//! A cluster that goes away, or parts of it, and comes back; what is kept of it meanwhile.

use boathook::sim::faults::{Action, Failure, Fault, FaultId, WatchOrder};
use boathook::sim::resource::APPLICATIONS;
use serde_json::json;

use super::place::{Place, Said, done, hook, long_line, map, own};

const SYNC: [&str; 5] = ["sync", "shop", "-y", "--wait", "--allow-file-repositories"];

/// The commands cannot watch these any more.
fn lost(place: &Place, resources: &[&str], failure: Failure) -> FaultId {
    let faults = place.world.simulator.faults();
    let fault = faults.add(Fault::new(own(&["list", "watch"], resources), Action::Fail(failure)));
    faults.order(own(&["watch"], resources), WatchOrder::Cut);
    fault
}

fn unavailable() -> Failure {
    Failure::Server { code: 503, message: String::new() }
}

fn count(lines: &[String], words: &str) -> usize {
    lines.iter().filter(|line| line.contains(words)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_a_cluster_is_away_is_told_once_and_once_that_it_is_back() {
    const APPS: &str = "boathook: the Applications of boathook-sim ";
    const HOOKS: &str = "boathook: the hooks in namespace shop of boathook-sim ";
    let place = Place::new(&hook("slow", "PreSync", "")).await;
    let mut sync = place.command(&SYNC).spawn().unwrap();
    let mut phases = Said::of(sync.stdout.take());
    phases.until("hook Job/slow ◐ running").await;
    let mut logs = place.command(&["logs", "shop", "slow", "-f"]).spawn().unwrap();
    let mut lines = Said::of(logs.stdout.take());
    lines.until("still at work").await;
    let (mut followed, mut read) = (Said::of(sync.stderr.take()), Said::of(logs.stderr.take()));
    let everything = ["applications", "jobs", "pods"];
    let fault = lost(&place, &everything, unavailable());
    // Long enough for it to be tried more than once.
    let limit = boathook::clock::Clock::real();
    let met = place.world.simulator.faults().until_met(fault, 12);
    limit.timeout(std::time::Duration::from_secs(150), met).await.unwrap();
    for notes in [&mut followed, &mut read] {
        notes.until("cannot be watched, and what is told of them is old: ").await;
    }
    place.world.simulator.faults().remove(fault);
    for notes in [&mut followed, &mut read] {
        notes.until("are watched again").await;
        notes.until("are watched again").await;
    }
    place.run(&["abort", "shop", "-y", "--wait"]).await.expect(0);
    done(sync).await.expect(5);
    done(logs).await.expect(0);
    for told in [followed.all().await, read.all().await] {
        for subject in [APPS, HOOKS] {
            assert_eq!(count(&told, &format!("{subject}cannot be watched")), 1, "{told:#?}");
            assert_eq!(count(&told, &format!("{subject}are watched again")), 1, "{told:#?}");
        }
    }
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_hooks_may_not_be_seen_is_told_where_they_are_waited_for() {
    const WORDS: &str = "boathook: the hooks in namespace shop of boathook-sim cannot be watched";
    let mut place = Place::new(&(hook("good", "PreSync", "") + &map("settings"))).await;
    place.world.synced(&json!({})).await;
    lost(&place, &["jobs"], Failure::Forbidden);
    let waited = place.run(&["wait", "shop", "--for", "phase=PreSync", "--timeout", "60s"]).await.expect(0);
    let told: Vec<String> = waited.err.lines().map(str::to_owned).collect();
    assert!(count(&told, WORDS) <= 1, "{waited:#?}");
    // Where no hook is waited for, it does not matter.
    let waited = place.run(&["wait", "shop", "--for", "healthy", "--timeout", "60s"]).await.expect(0);
    assert_eq!(waited.err, "");
    place.world.deploys(&hook("slow", "PreSync", ""));
    let mut sync = place.command(&SYNC).spawn().unwrap();
    let mut followed = Said::of(sync.stderr.take());
    followed.until(WORDS).await;
    place.world.until_message("waiting for completion of hook batch/Job/slow").await;
    place.run(&["abort", "shop", "-y", "--wait"]).await.expect(0);
    done(sync).await.expect(5);
    let told = followed.all().await;
    assert_eq!(count(&told, WORDS), 1, "{told:#?}");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_cluster_is_away_what_was_kept_is_shown_with_its_age() {
    let place = Place::new(&(hook("bad", "PreSync", "HookFailed") + &map("settings"))).await;
    place.keeps_hooks_until_read();
    place.run(&SYNC).await.expect(4);
    place.world.simulator.refuse_connections();
    let logs = place.run(&["logs", "shop", "bad"]).await.expect(0);
    assert_eq!(logs.out, "connecting to the database\nERROR: relation orders does not exist\n");
    assert!(logs.err.starts_with("boathook: boathook-sim cannot be reached\n"), "{logs:#?}");
    let age = "boathook: this is what was kept here of argocd/shop; its last operation that was seen here began at 20";
    assert!(logs.err.contains(age) && logs.err.ends_with(" ago\n"), "{logs:#?}");
    let followed = place.run(&["logs", "argocd/shop", "bad", "-f"]).await.expect(10);
    assert_eq!(followed.out, logs.out);
    assert!(followed.err.contains("there is nothing to follow"), "{followed:#?}");
    place.run(&["logs", "shop", "unheard-of"]).await.expect(8);
    let history = place.run(&["get", "history", "shop", "-o", "json"]).await.expect(0);
    assert!(history.err.contains(age), "{history:#?}");
    let document = history.document();
    let operations = document["operations"].as_array().unwrap();
    assert_eq!((operations.len(), &operations[0]["phase"]), (1, &json!("Failed")), "{document:#}");
    assert!(document["unreachable"].as_str().unwrap().starts_with("boathook-sim cannot be reached: "), "{document:#}");
    let text = place.run(&["get", "history", "shop"]).await.expect(0);
    assert!(text.out.starts_with("Operations that were followed\n"), "{text:#?}");
    // Of what nothing was kept, there is nothing to show.
    for arguments in [&["logs", "web"][..], &["get", "history", "other/shop"], &["get", "app", "shop"]] {
        let failed = place.run(arguments).await.expect(10);
        assert!(failed.err.starts_with("boathook: boathook-sim cannot be reached\n"), "{arguments:?}: {failed:#?}");
    }
    place.world.simulator.accept_connections().await.unwrap();
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_cannot_be_read_is_not_told_as_one_that_was_not_left() {
    let place = Place::new(&map("settings")).await;
    place.add("web", &json!({}), &hook("bad", "PreSync", ""));
    place.run(&["sync", "shop", "-y", "--wait", "--allow-file-repositories"]).await.expect(0);
    let kept = place.home().join(".local/state/boathook/v1");
    let clusters = std::fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().path());
    let [cluster] = &clusters.filter(|path| path.join("argocd/shop").is_dir()).collect::<Vec<_>>()[..] else {
        panic!("nothing was kept in {}", kept.display());
    };
    // Where a folder has to be.
    std::fs::write(cluster.join("argocd/web"), "").unwrap();
    let failed = place.run(&["sync", "web", "-y", "--wait", "--allow-file-repositories"]).await.expect(4);
    assert!(failed.err.contains("boathook: the log of web PreSync Job/bad cannot be read: "), "{failed:#?}");
    assert!(!failed.err.contains("has left no log"), "{failed:#?}");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_line_of_a_log_is_whole_where_a_program_reads_it() {
    let place = Place::new(&hook("long", "PreSync", "")).await;
    place.run(&SYNC).await.expect(0);
    let text = place.run(&["logs", "shop", "long"]).await.expect(0);
    assert_eq!(text.out, format!("{}\n", long_line()));
    let documents = place.run(&["logs", "shop", "long", "-o", "json"]).await.expect(0).documents();
    assert_eq!((&documents[0]["text"], documents[0].get("truncated")), (&json!(long_line()), None));
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_where_nobody_acts_says_so() {
    const NOBODY: &str = "no controller acts on operations here; start one with: boathook engine";
    let place = Place::without_engine(&hook("slow", "PreSync", "")).await;
    place.world.sync(&json!({}));
    for condition in ["operation", "synced", "healthy", "hook=slow", "phase=PreSync"] {
        let refused = place.run(&["wait", "shop", "--for", condition]).await.expect(7);
        assert_eq!(refused.err, format!("boathook: shop: {NOBODY}\n"), "{condition}");
    }
    let documents = place.run(&["wait", "shop", "-o", "json"]).await.expect(7).documents();
    assert_eq!((&documents[0]["outcome"], &documents[0]["exitCode"]), (&json!("Refused"), &json!(7)));
    place.run(&["wait", "shop", "--for", "deleted", "--timeout", "0.1s"]).await.expect(6);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_that_are_to_be_deleted_each_has_to_go() {
    let place = Place::new(&map("settings")).await;
    let late = place.run(&["wait", "gone", "shop", "--for", "deleted", "--timeout", "0.1s"]).await.expect(6);
    assert!(late.err.contains("shop: it is still there"), "{late:#?}");
    place.world.simulator.store().remove_raw(&APPLICATIONS, "argocd", "shop");
    place.run(&["wait", "gone", "shop", "--for", "deleted"]).await.expect(0);
    place.stop().await;
}
