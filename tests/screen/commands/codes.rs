//! Every exit code, reached.

use std::fs::OpenOptions;
use std::time::Duration;

use boathook::cli::Exit;
use boathook::clock::Clock;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use super::place::{Done, Place, done, hook, map};

/// Waits until the program says this.
async fn until_said(child: &mut Child, words: &str) {
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let said = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(words) {
                return;
            }
        }
        panic!("it ended without saying {words:?}");
    };
    Clock::real().timeout(Duration::from_secs(150), said).await.unwrap_or_else(|_| panic!("never said: {words}"));
}

async fn sync(place: &Place, name: &str) -> Done {
    place.run(&["sync", name, "-y", "--wait", "--allow-file-repositories"]).await
}

/// A sync that somebody ends.
async fn aborted(place: &Place) -> Done {
    let arguments = ["sync", "slow", "-y", "--wait", "--allow-file-repositories"];
    let mut child = place.command(&arguments).spawn().unwrap();
    until_said(&mut child, "hook Job/slow ◐ running").await;
    place.run(&["abort", "slow", "-y"]).await.expect(0);
    done(child).await
}

/// A command that somebody interrupts.
async fn interrupted(place: &Place) -> Done {
    let mut child = place.command(&["watch"]).spawn().unwrap();
    let mut notes = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = Clock::real().timeout(Duration::from_secs(150), notes.next_line()).await.unwrap().unwrap();
    assert_eq!(first.as_deref(), Some("boathook: watching 4 applications"));
    let id = rustix::process::Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    done(child).await
}

/// What is printed goes to a disk that is full.
async fn unwritable(place: &Place) -> Done {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = place.command(&["get", "apps"]);
    command.stdout(full);
    done(command.spawn().unwrap()).await
}

#[test]
fn the_numbers_never_change_their_meaning() {
    let table = [
        (Exit::Success, 0),
        (Exit::Findings, 1),
        (Exit::Usage, 2),
        (Exit::SyncFailed, 3),
        (Exit::HookFailed, 4),
        (Exit::Aborted, 5),
        (Exit::TimedOut, 6),
        (Exit::Refused, 7),
        (Exit::NotFound, 8),
        (Exit::NoAccess, 9),
        (Exit::Unreachable, 10),
        (Exit::Internal, 70),
        (Exit::Interrupted, 130),
    ];
    assert_eq!(table.map(|(exit, _)| exit), Exit::ALL);
    assert_eq!(table.map(|(_, code)| code), Exit::ALL.map(Exit::code));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_exit_code_is_reached() {
    let place = Place::new(&map("settings")).await;
    place.add("hooked", &json!({}), &hook("bad", "PreSync", ""));
    place.add("slow", &json!({}), &hook("slow", "PreSync", ""));
    place.add(
        "invalid",
        &json!({}),
        "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 0}]}\n",
    );
    let manifest = place.write_home("dropped.yaml", &hook("good", "Postsync", ""));
    let stranger = place.stranger();
    let gone = place.write_home("gone", &super::place::kubeconfig("http://127.0.0.1:1", "x"));
    for exit in Exit::ALL {
        let reached = match exit {
            Exit::Success => sync(&place, "shop").await,
            Exit::Findings => place.run(&["plan", manifest.to_str().unwrap()]).await,
            Exit::Usage => place.run(&["get", "apps", "--output", "xml"]).await,
            Exit::SyncFailed => sync(&place, "invalid").await,
            Exit::HookFailed => sync(&place, "hooked").await,
            Exit::Aborted => aborted(&place).await,
            Exit::TimedOut => place.run(&["wait", "shop", "--for", "deleted", "--timeout", "0.1s"]).await,
            Exit::Refused => place.run(&["sync", "shop", "-y", "--read-only"]).await,
            Exit::NotFound => place.run(&["get", "app", "nothing"]).await,
            Exit::NoAccess => place.run(&["get", "apps", "--kubeconfig", &stranger]).await,
            Exit::Unreachable => place.run(&["get", "apps", "--kubeconfig", gone.to_str().unwrap()]).await,
            Exit::Internal => unwritable(&place).await,
            Exit::Interrupted => interrupted(&place).await,
        };
        assert_eq!(reached.code, i32::from(exit.code()), "{exit:?}: {reached:#?}");
        assert!(!reached.err.contains("panicked") && !reached.err.contains("RUST_BACKTRACE"), "{reached:#?}");
    }
    place.stop().await;
}
