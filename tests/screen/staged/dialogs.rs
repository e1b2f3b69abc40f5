//! Dialogs: what will happen, before it does.

use super::show::shots;
use super::world::{Repository, World};

#[tokio::test]
async fn of_a_sync() {
    let repository = Repository::new();
    shots(
        || World::checkout(&repository, "Succeeded"),
        "{live} enter {giving up} {3 commits behind} s {smoke} {!asking}",
        &[
            ("dialog_sync", ""),
            ("dialog_sync_names", "tab \"v1\" {v1.7.3}"),
            ("dialog_sync_offer", "tab \"v1\" {v1.7.3} ctrl-n ctrl-n tab"),
            ("dialog_sync_prune", "tab tab enter {! deletes}"),
            ("dialog_sync_write", "ctrl-v {operation}"),
        ],
    )
    .await;
}

#[tokio::test]
async fn of_what_has_failed() {
    let repository = Repository::new();
    shots(
        || World::checkout(&repository, "Failed"),
        "{live} enter {giving up} {3 commits behind}",
        &[("dialog_retry", "r {etry} {!asking}"), ("dialog_refresh", "ctrl-r {efresh} {!asking}")],
    )
    .await;
}

#[tokio::test]
async fn of_what_has_succeeded() {
    let repository = Repository::new();
    shots(
        || World::checkout(&repository, "Succeeded"),
        "{live} enter {giving up} {3 commits behind}",
        &[
            ("dialog_rollback", "b {oll} {!asking}"),
            ("dialog_rollback_hooks", "h {12.4s} G b {oll} tab enter {!asking}"),
            ("dialog_auto_on", "T {utomat} {!asking}"),
            ("dialog_sync_marked", "v {database} j space space s {only 2 objects} {!asking}"),
        ],
    )
    .await;
}
