//! An evening of an operator, by keys alone, on the demo: its simulated cluster, its engine, its shop.

use super::stage::play;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_story() {
    let told = play("shop", 10.0, (140, 40), |mut operator| async move {
        // The list says which hook failed; the application shows why without a key.
        operator.sees("✖ send-test").await;
        operator.press(": \"app mail\" enter");
        operator.sees("got 421 from smtp.example.com").await;
        // The whole log.
        operator.press("l");
        operator
            .until("the log in full", |picture| {
                picture.text.contains("> npm run send-test") && picture.text.contains("3 passing, 1 failing")
            })
            .await;
        operator.press("esc");
        // The same again, and this time PostSync goes through.
        operator.sees("✖ Failed").await;
        operator.press("r");
        operator
            .push("Retry", "PostSync has passed", |picture| {
                picture.text.contains("✔ Succeeded") && picture.text.contains("✔ send-test")
            })
            .await;
        // One hook once more, outside of any operation.
        operator.press("G k R");
        operator
            .push("Run again", "it runs again", |picture| picture.text.contains("run again outside the operation"))
            .await;
        // A hook that would take a quarter of an hour is ended.
        operator.press("esc : \"app warehouse\" enter");
        operator.sees("reindexing shelf").await;
        operator.press("x");
        operator
            .push("Abort", "it has ended", |picture| {
                picture.text.contains("terminated") && !picture.text.contains("◐ reindex")
            })
            .await;
        // What was deployed last is taken back to a commit that somebody chose.
        operator.press("esc : \"app storefront\" enter");
        operator
            .until("what was deployed last is there", |picture| {
                picture.text.contains(" storefront ") && picture.text.contains("✔ Succeeded")
            })
            .await;
        operator.press("s");
        operator.sees("Sync storefront").await;
        operator.focus("evision").await;
        operator.press("\"v4.1\" tab");
        operator.sees("takes back").await;
        operator.press("backtab");
        operator
            .push("Sync", "it has gone to that commit", |picture| {
                picture.text.contains("✔ Succeeded")
                    && picture.text.contains("✔ integration-test")
                    && picture.text.contains("say the price with tax")
                    && !picture.text.contains("Sync storefront")
            })
            .await;
        operator
    })
    .await;
    for wanted in ["bell", "notify mail: send-test has failed", "notify mail: the operation has succeeded"] {
        assert!(told.iter().any(|line| line == wanted), "{wanted:?} is not in {told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_scenario_of_the_readme_can_be_played() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, rest) = readme.split_once("<!-- scenario: played by a test -->\n```yaml\n").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.yaml");
    std::fs::write(&file, rest.split_once("```").unwrap().0).unwrap();
    play(file.to_str().unwrap(), 10.0, (120, 35), |mut operator| async move {
        operator.sees("✖ migrate").await;
        operator
            .until("retried, and done", |picture| picture.text.contains("s ago grace") && !picture.text.contains('✖'))
            .await;
        operator
    })
    .await;
}
