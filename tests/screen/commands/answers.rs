//! What came of a request, and when it is not known yet; what cannot even be asked.

use std::time::Duration;

use boathook::clock::Clock;
use boathook::domain::operation::OperationPhase;
use boathook::sim::faults::{Action, Failure, Fault};
use boathook::sim::resource::APPLICATIONS;
use serde_json::json;
use tokio::process::Child;

use super::place::{Place, Said, done, hook, interrupt, map, own};

const SYNC: [&str; 5] = ["sync", "shop", "-y", "--wait", "--allow-file-repositories"];
/// That an answer is waited for.
const WAITS: &str = "boathook: interrupted; the answer to what was sent is waited for";

/// A sync whose request is on its way for so long, and that is interrupted then.
async fn interrupted_on_its_way(place: &Place, delay: Duration) -> (Child, Said<tokio::process::ChildStderr>) {
    let faults = place.world.simulator.faults();
    let fault = faults.add(Fault::new(own(&["patch"], &["applications"]), Action::Delay(delay)).times(1));
    let mut child = place.command(&SYNC).spawn().unwrap();
    let notes = Said::of(child.stderr.take());
    Clock::real().timeout(Duration::from_secs(150), faults.until_met(fault, 1)).await.unwrap();
    interrupt(&child);
    (child, notes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_before_the_answer_tells_what_was_taken_and_what_was_not() {
    let mut place = Place::new(&hook("slow", "PreSync", "")).await;
    // A comparison that comes first changes what was seen, and the request would have to be made anew.
    place.world.refreshed().await;
    let (child, notes) = interrupted_on_its_way(&place, Duration::from_secs(6)).await;
    done(child).await.expect(130);
    let told = notes.all().await;
    assert!(told.iter().any(|line| line == "boathook: interrupted; the operation of shop goes on"), "{told:#?}");
    assert!(place.world.application().get("operation").is_some());
    place.run(&["abort", "shop", "--wait"]).await.expect(0);
    // It did not arrive: nothing of it goes on.
    let (child, mut notes) = interrupted_on_its_way(&place, Duration::from_secs(3600)).await;
    notes.until(WAITS).await;
    place.world.simulator.restart().await.unwrap();
    done(child).await.expect(130);
    let told = notes.all().await;
    assert!(told.iter().any(|line| line.starts_with("boathook: shop: nothing was written: ")), "{told:#?}");
    assert!(!told.iter().any(|line| line.contains("goes on")), "{told:#?}");
    // Whoever interrupts once more does not wait for the answer.
    let (child, mut notes) = interrupted_on_its_way(&place, Duration::from_secs(3600)).await;
    notes.until(WAITS).await;
    interrupt(&child);
    notes.until("boathook: interrupted; it is not known yet whether the request for shop was taken").await;
    done(child).await.expect(130);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_asked_ends_with_the_code_of_its_reason() {
    let place = Place::new(&map("settings")).await;
    for (code, expected, words) in
        [(403, 9, "shop: "), (401, 9, "shop: "), (404, 8, "boathook: shop: it does not exist"), (503, 10, "shop: ")]
    {
        let failure = match code {
            401 => Failure::Unauthorized,
            403 => Failure::Forbidden,
            code => Failure::Server { code, message: String::new() },
        };
        let faults = place.world.simulator.faults();
        let fault = faults.add(Fault::new(own(&["get"], &["applications"]), Action::Fail(failure)));
        let failed = place.run(&["retry", "shop", "-y"]).await.expect(expected);
        assert!(failed.err.contains(words), "{code}: {failed:#?}");
        let documents = place.run(&["abort", "shop", "-y", "-o", "json"]).await.expect(expected).documents();
        assert_eq!(documents[0]["exitCode"], json!(expected), "{documents:#?}");
        assert!(faults.met(fault) >= 2, "{code}");
        faults.remove(fault);
    }
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_automated_application_gets_exactly_the_commit_that_was_approved_or_none() {
    let mut place = Place::with_spec(
        &(hook("bad", "PreSync", "") + &map("settings")),
        &json!({"syncPolicy": {"automated": {}, "retry": {"limit": 0}}}),
    )
    .await;
    // It is tried once, and fails: from then on automated sync leaves this commit alone.
    place.world.until("it was tried", |_, state| state.phase == Some(OperationPhase::Failed)).await;
    place.run(&["refresh", "shop", "--wait", "--timeout", "60s"]).await.expect(0);
    let tried = place.world.git(&["rev-parse", "HEAD"]).trim().to_owned();
    let approve = async |commit: &str| {
        place.run(&["approve", "shop", "--revision", commit, "-y", "--allow-file-repositories"]).await
    };
    approve(&tried).await.expect(0);
    let asked = place.world.application();
    let operation = asked.pointer("/operation").or(asked.pointer("/status/operationState/operation")).unwrap();
    assert_eq!(operation["sync"]["revision"], json!(tried), "pinned: {operation:#}");
    place.run(&["wait", "shop", "--for", "operation", "--timeout", "60s"]).await.expect(4);
    place.run(&["refresh", "shop", "--wait", "--timeout", "60s"]).await.expect(0);
    let before = place.world.application()["status"]["operationState"]["startedAt"].clone();
    // The controller has not seen this one: it would refuse a revision that it has not compared with.
    let unseen = place.world.deploys(&map("later"));
    let refused = approve(&unseen).await.expect(7);
    let words = "automated sync is on, and its controller has not compared shop with this commit yet";
    assert!(
        refused.err.contains(words) && refused.err.contains("try: boathook refresh argocd/shop --wait"),
        "{refused:#?}"
    );
    let application = place.world.get(&APPLICATIONS, "argocd", "shop").unwrap();
    assert_eq!((application.get("operation"), &application["status"]["operationState"]["startedAt"]), (None, &before));
    place.stop().await;
}
