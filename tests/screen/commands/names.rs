//! What goes wrong, where names are printed, or what a path selects: neither tells of it, so that standard error does.

use serde_json::json;

use super::place::{Place, hook, map};

const SYNC: [&str; 4] = ["sync", "shop", "-y", "--allow-file-repositories"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_or_not_over_is_said_beside_names_and_paths() {
    let mut place = Place::new(&hook("slow", "PreSync", "")).await;
    let formats = [("name", ""), ("jsonpath=.exitCode", "7\n")];
    for (format, out) in formats {
        for command in ["retry", "abort"] {
            let refused = place.run(&[command, "shop", "-y", "-o", format]).await.expect(7);
            assert_eq!(refused.out, out, "{command} {format}");
            assert!(refused.err.starts_with("boathook: shop: ") && refused.err.lines().count() == 1, "{refused:#?}");
        }
    }
    place.world.sync(&json!({}));
    place.world.until_message("waiting for completion of hook batch/Job/slow").await;
    for (format, out) in formats {
        let refused = place.run(&[&SYNC[..], &["-o", format]].concat()).await.expect(7);
        assert!(refused.err.contains("boathook: shop: an operation of "), "{refused:#?}");
        assert_eq!(refused.out, out, "{format}");
        let late = ["wait", "shop", "--for", "operation", "--timeout", "0.1s", "-o", format];
        let late = place.run(&late).await.expect(6);
        assert!(late.err.starts_with("boathook: the time is over; shop: its operation is not over: "), "{late:#?}");
        assert_eq!(late.out, out.replace('7', "6"), "{format}");
    }
    // What tells of it in its document says it once.
    for format in ["json", "yaml"] {
        let refused = place.run(&["retry", "shop", "-y", "-o", format]).await.expect(7);
        assert_eq!(refused.err, "", "{refused:#?}");
    }
    place.run(&["abort", "shop", "-y", "--wait"]).await.expect(0);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_of_a_hook_that_failed_is_shown_beside_names_and_paths() {
    let place = Place::new(&(hook("bad", "PreSync", "HookFailed") + &map("settings"))).await;
    for (format, out) in [("name", ""), ("jsonpath=.exitCode", "4\n")] {
        place.keeps_hooks_until_read();
        let failed = place.run(&[&SYNC[..], &["--wait", "-o", format]].concat()).await.expect(4);
        assert!(failed.err.contains("(PreSync Job/bad)\n--- log of shop PreSync Job/bad"), "{failed:#?}");
        assert!(
            failed.err.ends_with("connecting to the database\nERROR: relation orders does not exist\n"),
            "{failed:#?}"
        );
        assert_eq!(failed.out, out, "{format}");
    }
    place.stop().await;
}
