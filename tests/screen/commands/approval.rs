//! A sync that waits for somebody to approve what it deletes.

use serde_json::json;

use super::place::{Place, Said, done, map};

const SYNC: [&str; 6] = ["sync", "shop", "-y", "--allow-file-repositories", "--prune", "--wait"];
const WAITS: &str = "waits for pruning confirmation of ConfigMap/keep";
const APPROVE: &str = "boathook approve argocd/shop --prune";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_an_approval_says_for_which_and_how_to_give_it() {
    let careful = map("keep")
        .replace("  name: keep\n", "  name: keep\n  annotations: {argocd.argoproj.io/sync-options: Prune=confirm}\n");
    let mut place = Place::new(&(map("settings") + &careful)).await;
    place.world.synced(&json!({})).await;
    place.world.deploys(&map("settings"));
    let late = place.run(&[&SYNC[..], &["--timeout", "30s", "-o", "json"]].concat()).await.expect(6);
    let documents = late.documents();
    let says = format!("{WAITS}; {APPROVE}");
    let told = documents.iter().filter(|document| document["type"] == "Operation" && document["message"] == says);
    assert_eq!(told.map(|event| &event["to"]).collect::<Vec<_>>(), ["running"], "{late:#?}");
    let words = format!("it {WAITS}: {APPROVE} gives it, and boathook abort argocd/shop ends the operation");
    let result = documents.iter().find(|document| document["kind"] == "Result").unwrap();
    assert!(result["message"].as_str().unwrap().contains(&words), "{result:#}");
    place.run(&["abort", "shop", "-y", "--wait"]).await.expect(0);
    let mut sync = place.command(&SYNC).spawn().unwrap();
    let mut lines = Said::of(sync.stdout.take());
    lines.until(&format!("shop: operation running: {says}")).await;
    // Whoever has just approved it is not asked to.
    let approved = place.run(&["approve", "shop", "--prune", "-y", "--wait"]).await.expect(0);
    assert!(!approved.out.contains(WAITS), "{approved:#?}");
    done(sync).await.expect(0);
    let lines = lines.all().await;
    assert_eq!(lines.iter().filter(|line| line.contains(WAITS)).count(), 1, "{lines:#?}");
    place.stop().await;
}
