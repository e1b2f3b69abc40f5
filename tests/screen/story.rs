//! An evening of an operator, by keys alone, on the simulated cluster with the engine.

use super::stage::play;

const STORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/screen/story.yaml");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_hook_is_understood_and_the_sync_retried_and_a_hook_run_again() {
    let told = play(STORY, 10.0, (140, 40), |mut operator| async move {
        // The list says which hook failed; the application shows why without a key.
        operator.sees("✖ db-migrate").await;
        operator.press(": \"app payments\" enter");
        operator.sees("canceling statement due to lock timeout").await;
        // The whole log.
        operator.press("l");
        operator
            .until("the log in full", |picture| {
                picture.text.contains("migrate: connecting") && picture.text.contains("lock timeout")
            })
            .await;
        operator.press("esc");
        // The same again, and this time it goes through.
        operator.sees("✖ Failed").await;
        operator.press("r");
        operator
            .push("Retry", "PostSync has passed", |picture| {
                picture.text.lines().any(|line| line.contains("✔ smoke")) && picture.text.contains("✔ db-migrate")
            })
            .await;
        operator.sees("✔ Succeeded").await;
        // One hook once more, outside of any operation.
        operator.press("G R");
        operator
            .push("Run again", "it runs again", |picture| picture.text.contains("run again outside the operation"))
            .await;
        operator
    })
    .await;
    assert!(told.iter().any(|line| line == "bell"), "{told:?}");
    assert!(told.iter().any(|line| line == "notify payments: db-migrate has failed"), "{told:?}");
    assert!(told.iter().any(|line| line == "notify payments: the operation has succeeded"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_that_takes_too_long_is_ended() {
    play(STORY, 10.0, (140, 40), |mut operator| async move {
        operator.sees("warehouse").await;
        operator.press(": \"app warehouse\" enter");
        operator.sees("reindexing shelf 1").await;
        operator.press("x");
        operator
            .push("Abort", "it has ended", |picture| {
                picture.text.contains("terminated") && !picture.text.contains("◐ reindex")
            })
            .await;
        operator
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_to_a_chosen_commit_goes_to_that_commit() {
    play(STORY, 10.0, (140, 40), |mut operator| async move {
        operator.sees("✖ db-migrate").await;
        operator.press(": \"app payments\" enter");
        operator.sees("✖ Failed").await;
        operator.press("s");
        operator.sees("Sync payments").await;
        operator.focus("evision").await;
        operator.press("\"v2\"");
        operator.sees("feat: coupons").await;
        operator
            .push("Sync", "it has gone to that commit", |picture| {
                picture.text.contains("✔ smoke")
                    && picture.text.contains("coupons")
                    && !picture.text.contains("vouchers")
            })
            .await;
        operator
    })
    .await;
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
