//! Standard output that nobody reads.

use serde_json::json;

use super::place::{Place, done, hook, map};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_that_prints_does_its_work_although_nobody_reads() {
    let mut place = Place::new(&(hook("bad", "PreSync", "") + &map("settings"))).await;
    place.world.synced(&json!({})).await;
    place.run(&["refresh", "shop", "--wait"]).await.expect(0);
    let manifest = place.write_home("all.yaml", &map("settings"));
    let manifest = manifest.to_str().unwrap();
    for (arguments, code) in [
        (&["get", "apps"][..], 0),
        (&["get", "app", "shop"], 0),
        (&["get", "app", "shop", "-o", "yaml"], 0),
        (&["get", "hooks", "shop"], 0),
        (&["get", "history", "shop", "-o", "json"], 0),
        (&["get", "windows"], 0),
        (&["logs", "shop"], 0),
        (&["wait", "shop", "--for", "operation"], 4),
        (&["sync", "shop", "--dry-run", "--allow-file-repositories"], 0),
        (&["sync", "shop", "-y", "--wait", "--allow-file-repositories", "-o", "json"], 4),
        (&["retry", "shop", "-y", "--wait"], 4),
        (&["refresh", "shop"], 0),
        (&["plan", manifest], 0),
        (&["plan", "--app", "shop", "--allow-file-repositories"], 0),
        (&["plan", "--explain", "all"], 0),
        (&["version"], 0),
        (&["man", "sync"], 0),
        (&["completions", "bash"], 0),
        (&["--help"], 0),
        (&["sync", "--help"], 0),
    ] {
        let mut child = place.command(arguments).spawn().unwrap();
        // Before anything is printed.
        drop(child.stdout.take());
        let done = done(child).await;
        assert_eq!(done.code, code, "{arguments:?}: {done:#?}");
        for words in ["Broken pipe", "panicked", "cannot write"] {
            assert!(!done.err.contains(words), "{arguments:?}: {done:#?}");
        }
    }
    place.stop().await;
}
