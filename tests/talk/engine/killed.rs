//! The cases whose engine is killed at its writes; those that need another program are in `tests/needs_helm.rs`.

use super::kill::killed_at_writes;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_killed_at_writes_of_article() {
    killed_at_writes("article", 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_killed_at_writes_of_abort() {
    killed_at_writes("abort", 6).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_killed_at_writes_of_flaky() {
    killed_at_writes("flaky", 7).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_killed_at_writes_of_podhook() {
    killed_at_writes("podhook", 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_killed_at_writes_of_workflow() {
    killed_at_writes("workflow", 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_killed_at_writes_of_waves() {
    killed_at_writes("waves", 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_killed_at_writes_of_prune() {
    killed_at_writes("prune", 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_killed_at_writes_of_a_termination() {
    killed_at_writes("long", 4).await;
}
