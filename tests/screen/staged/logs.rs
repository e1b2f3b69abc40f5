//! The log of a hook long gone.

use super::show::shots;
use super::world::{Repository, World};

#[tokio::test]
async fn of_a_hook_that_is_gone() {
    let repository = Repository::new();
    shots(
        || World::checkout(&repository, "Failed"),
        "{live} enter {giving up} {3 commits behind} l {complete}",
        &[
            ("log", ""),
            ("log_times", "t"),
            ("log_wrapped", "w"),
            ("log_last_minute", "1"),
            ("log_everything_again", "1 0"),
            ("log_only", "& \"err\" enter"),
            ("log_without", "& \"!err\" enter"),
            ("log_search", "/ \"coupons\" enter N"),
            ("log_no_match", "/ \"nothing like it\" enter"),
            ("log_error", "e"),
            ("log_error_before", "E"),
            ("log_paused", "p"),
            ("log_all_attempts", "A"),
            ("log_help", "?"),
        ],
    )
    .await;
}
