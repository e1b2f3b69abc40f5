//! What there is to be read about an application.

use super::show::shots;
use super::world::{Repository, World};

#[tokio::test]
async fn git() {
    let repository = Repository::new();
    shots(
        || World::checkout(&repository, "Succeeded"),
        "{live} enter {giving up} {3 commits behind} c {Objects whose manifests change: 6}",
        &[
            ("git", ""),
            ("git_commit", "j"),
            ("git_commit_text", "enter {Reviewed-by}"),
            ("git_change", "j j j j"),
            ("git_filter", "/ \"coupons\" enter"),
            ("git_help", "?"),
        ],
    )
    .await;
}

#[tokio::test]
async fn differences() {
    let repository = Repository::new();
    shots(
        || World::checkout(&repository, "Succeeded"),
        "{live} enter {giving up} {3 commits behind} d {1.8.0}",
        &[
            ("diff", ""),
            ("diff_search", "/ \"image\" enter n"),
            ("diff_no_match", "/ \"nothing like it\" enter"),
            ("diff_help", "?"),
        ],
    )
    .await;
}

#[tokio::test]
async fn resources() {
    let repository = Repository::new();
    shots(
        || World::checkout(&repository, "Succeeded"),
        "{live} enter {giving up} {3 commits behind} v {database} {not there}",
        &[
            ("resources", "j j"),
            ("resources_marked", "j space / \"!secret\" enter"),
            ("resources_end", "G"),
            ("resources_diff_of_one", "j d {coupons}"),
            ("resources_diff_of_none", "G d"),
            ("resources_help", "?"),
            ("yaml_application", "y {kind: Application}"),
            ("yaml_secret", "j j j y {kind: Secret}"),
            ("yaml_changed", "j y {kind: ConfigMap}"),
            ("yaml_gone", "G y {!reading}"),
        ],
    )
    .await;
}

#[tokio::test]
async fn history() {
    let repository = Repository::new();
    shots(
        || World::checkout(&repository, "Succeeded"),
        "{live} enter {giving up} {3 commits behind} h {12.4s} {now}",
        &[
            ("history", ""),
            ("history_operation_selected", "j {31.5s}"),
            ("history_operation", "j {31.5s} enter {exit code 3}"),
            ("history_log", "j {31.5s} enter {exit code 3} enter {giving up}"),
            ("history_deployed", "G"),
            ("history_filter", "/ \"failed\" enter"),
        ],
    )
    .await;
}

#[tokio::test]
async fn events_and_requests() {
    let repository = Repository::new();
    shots(
        || World::checkout(&repository, "Succeeded"),
        "{live} enter {giving up} {3 commits behind}",
        &[
            ("events", "e {SyncError}"),
            ("events_text", "e {SyncError} enter {one or more}"),
            ("requests_none", "m"),
            (
                "requests_refresh",
                "ctrl-r {Cancel} ctrl-v {merge patch} ctrl-v enter {the cluster has taken it} m {refresh}",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn approvals() {
    let repository = Repository::new();
    shots(
        || World::checkout(&repository, "Succeeded"),
        "{live} A {for a person} {add coupons} {smoke}",
        &[
            ("approvals", ""),
            ("approvals_help", "?"),
            ("approvals_deferred", "z \"waits for the release notes\" enter {1 put off}"),
            ("approvals_diff", "d {1.8.0}"),
            ("dialog_approve", "a {pinned to} {!asking}"),
        ],
    )
    .await;
}
