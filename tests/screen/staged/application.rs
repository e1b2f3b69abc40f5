//! One application: its phases, what failed, and what can be done.

use super::show::shots;
use super::world::{Repository, World};

#[tokio::test]
async fn that_failed() {
    let repository = Repository::new();
    shots(
        || World::checkout(&repository, "Failed"),
        "{live} enter {giving up} {3 commits behind}",
        &[
            ("app_failed", ""),
            ("app_help", "?"),
            ("app_next_panel", "tab"),
            ("app_hook_gone", "y {as Git has it}"),
            ("app_hook_yaml_command", ": \"yaml\" enter"),
            ("app_resume_refused", "C"),
            ("app_abort_refused", "x"),
            ("app_rerun_refused", "R"),
            ("app_confirm_refused", "P"),
        ],
    )
    .await;
}

#[tokio::test]
async fn that_succeeded() {
    let repository = Repository::new();
    shots(
        || World::checkout(&repository, "Succeeded"),
        "{live} enter {giving up} {3 commits behind}",
        &[("app_succeeded", ""), ("app_log", "l {4 lines}")],
    )
    .await;
}
