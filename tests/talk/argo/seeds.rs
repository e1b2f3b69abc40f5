//! Runs at random: `BOATHOOK_SEEDS` of them, or only the one that `BOATHOOK_SEED` names.

use futures::StreamExt as _;

/// Runs at the same time: each waits most of the time.
const AT_ONCE: usize = 12;

/// Runs something with every seed, several at once, and tells which seeds failed.
pub(super) async fn each<F>(run: impl Fn(u64) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seeds = match number("BOATHOOK_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("BOATHOOK_SEEDS").unwrap_or(30)).collect(),
    };
    let count = seeds.len();
    let runs = seeds.into_iter().map(|seed| {
        let run = run(seed);
        async move { tokio::spawn(run).await.err().map(|_| seed) }
    });
    let failed: Vec<u64> = futures::stream::iter(runs)
        .buffer_unordered(AT_ONCE)
        .filter_map(|failed| async move { failed })
        .collect()
        .await;
    assert!(failed.is_empty(), "{} of {count} runs failed; set BOATHOOK_SEED to one of {failed:?}", failed.len());
}
