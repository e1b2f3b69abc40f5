//! The commands in a terminal: what moves, what is asked, colours.

use boathook::sim::resource::APPLICATIONS;
use portable_pty::CommandBuilder;

use super::place::{Place, hook, map};
use crate::pty::Terminal;

/// The program in a terminal, on a cluster of the test.
fn terminal(place: &Place, arguments: &[&str], variables: &[(&str, &str)]) -> Terminal {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_boathook"));
    command.args(arguments);
    let kubeconfig = place.world.path().join("kubeconfig");
    let own = [("KUBECONFIG", kubeconfig.to_str().unwrap())];
    Terminal::run(command, &[&own, variables].concat())
}

/// Whether it has written anything in a colour, bold or dim.
fn is_coloured(terminal: &Terminal) -> bool {
    regex::Regex::new("\x1b\\[[0-9;]+m").unwrap().is_match(&terminal.written())
}

const SYNC: [&str; 3] = ["sync", "shop", "--allow-file-repositories"];

fn was_sent(place: &Place) -> bool {
    let application = place.world.get(&APPLICATIONS, "argocd", "shop").unwrap();
    application.get("operation").is_some() || application.pointer("/status/operationState").is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_is_sent_only_if_the_answer_is_yes() {
    let place = Place::new(&map("settings")).await;
    for (answer, code) in [("n\r", 7), ("\r", 7), ("nonsense\r", 7), ("\x04", 7), ("\x03", 130)] {
        let mut terminal = terminal(&place, &SYNC, &[]);
        terminal.shows("sync shop? [y/N]");
        terminal.shows("ConfigMap/settings");
        terminal.press(answer);
        assert_eq!(terminal.end(), code, "{answer:?}");
        terminal.shows(if code == 7 { "boathook: shop: not sent: the answer was no" } else { "boathook: interrupted" });
        terminal.is_given_back();
        assert!(!was_sent(&place), "{answer:?}");
    }
    for answer in ["y\r", "YES\r"] {
        let mut terminal = terminal(&place, &SYNC, &[]);
        terminal.shows("sync shop? [y/N]");
        terminal.press(answer);
        assert_eq!(terminal.end(), 0, "{answer:?}");
        terminal.shows("shop: sync was asked for");
        place.run(&["wait", "shop", "--for", "operation", "--timeout", "60s"]).await.expect(0);
    }
    place.stop().await;
}

/// A line of a shell in a terminal, with the program as `$0`.
fn shell(place: &Place, line: &str) -> Terminal {
    let mut command = CommandBuilder::new("/bin/sh");
    command.args(["-c", line, env!("CARGO_BIN_EXE_boathook")]);
    let kubeconfig = place.world.path().join("kubeconfig");
    Terminal::run(command, &[("KUBECONFIG", kubeconfig.to_str().unwrap())])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_at_a_terminal_is_asked_wherever_the_output_goes() {
    let place = Place::new(&map("settings")).await;
    let sync = r#""$0" sync shop --allow-file-repositories"#;
    for redirected in ["2>error.log", "2>/dev/null", ">plan.txt 2>error.log", "</dev/null", "2>error.log | /bin/cat"] {
        let mut asking = shell(&place, &format!("{sync} {redirected}; echo CODE $?"));
        asking.shows("sync shop? [y/N]");
        asking.press("n\r");
        asking.shows("CODE");
        assert_eq!(asking.end(), 0);
        assert!(redirected.contains('|') || asking.written().contains("CODE 7"), "{redirected}");
        assert!(!was_sent(&place), "{redirected}");
    }
    // What comes through a pipe is no answer of a person.
    let mut asking = shell(&place, &format!("echo y | {sync}; echo CODE $?"));
    asking.shows("sync shop? [y/N]");
    asking.press("\r");
    asking.shows("CODE 7");
    assert!(!was_sent(&place));
    let mut asking = shell(&place, &format!("{sync} 2>error.log; echo CODE $?"));
    asking.shows("sync shop? [y/N]");
    asking.press("y\r");
    asking.shows("CODE 0");
    place.run(&["wait", "shop", "--for", "operation", "--timeout", "60s"]).await.expect(0);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_at_a_terminal_on_which_nobody_can_be_asked() {
    let place = Place::new(&map("settings")).await;
    let log = place.home().join("error.log");
    let mut command = CommandBuilder::new("/bin/sh");
    let line = format!(r#""$0" sync shop --allow-file-repositories 2>{}"#, log.display());
    command.args(["-c", &line, env!("CARGO_BIN_EXE_boathook")]);
    command.set_controlling_tty(false);
    let kubeconfig = place.world.path().join("kubeconfig");
    let refused = Terminal::run(command, &[("KUBECONFIG", kubeconfig.to_str().unwrap())]);
    assert_eq!(refused.end(), 7);
    let said = std::fs::read_to_string(log).unwrap();
    assert!(said.contains("shop: not sent: there is a terminal, but nobody can be asked on it"), "{said}");
    assert!(!was_sent(&place));
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_moves_is_at_the_bottom_and_gone_in_the_end() {
    let place = Place::new(&hook("slow", "PreSync", "")).await;
    let arguments = [&SYNC[..], &["-y", "--wait"]].concat();
    let following = terminal(&place, &arguments, &[]);
    following.until("the hook moves at the bottom", |screen| {
        let last = screen.trim_end().lines().last().unwrap_or_default();
        last.starts_with("shop  ") && last.ends_with("Job/slow (hook) running")
    });
    following.shows("shop: PreSync hook Job/slow ◐ running");
    place.run(&["abort", "shop", "-y", "--wait"]).await.expect(0);
    assert_eq!(following.end(), 5);
    following.until("what moved is gone", |screen| !screen.contains("Job/slow (hook) running"));
    assert!(is_coloured(&following));
    // In a terminal that cannot move, each change is a line.
    for (variables, is_dumb) in [(&[("TERM", "dumb")], true), (&[("NO_COLOR", "1")], false)] {
        let following = terminal(&place, &arguments, variables);
        following.shows("shop: PreSync hook Job/slow ◐ running");
        place.run(&["abort", "shop", "-y", "--wait"]).await.expect(0);
        assert_eq!(following.end(), 5, "{variables:?}");
        assert!(!is_coloured(&following), "{variables:?}");
        assert_eq!(following.written().contains('\x1b'), !is_dumb, "a dumb terminal knows no sequence at all");
    }
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_in_a_terminal_says_that_the_sync_goes_on() {
    let place = Place::new(&hook("slow", "PreSync", "")).await;
    let mut following = terminal(&place, &[&SYNC[..], &["-y", "--wait"]].concat(), &[]);
    following.shows("Job/slow (hook) running");
    following.press("\x03");
    assert_eq!(following.end(), 130);
    following.shows("boathook: interrupted; the operation of shop goes on");
    following.shows("try: boathook abort argocd/shop, to end it");
    following.is_given_back();
    assert!(was_sent(&place));
    place.run(&["abort", "shop", "-y", "--wait"]).await.expect(0);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_path_selects_does_nothing_to_a_terminal() {
    let mut place = Place::new(&map("settings")).await;
    place.world.synced(&serde_json::json!({})).await;
    place.world.edit(|application| {
        application["status"]["operationState"]["message"] = serde_json::json!("\u{1b}[31mred");
    });
    let printing = terminal(&place, &["get", "app", "shop", "-o", "jsonpath=.operation.message"], &[]);
    assert_eq!(printing.end(), 0);
    printing.shows(r"\x1b[31mred");
    assert!(!is_coloured(&printing));
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn colours_are_for_terminals_that_want_them() {
    let place = Place::new(&map("settings")).await;
    for (arguments, variables, expected) in [
        (&["get", "apps"][..], &[][..], true),
        (&["get", "apps"], &[("NO_COLOR", "1")], false),
        (&["get", "apps"], &[("NO_COLOR", "")], true),
        (&["get", "apps"], &[("TERM", "dumb")], false),
        (&["get", "apps", "--color", "never"], &[], false),
        (&["get", "apps", "--color", "always"], &[("NO_COLOR", "1")], true),
    ] {
        let printing = terminal(&place, arguments, variables);
        assert_eq!(printing.end(), 0);
        printing.shows("shop");
        assert_eq!(is_coloured(&printing), expected, "{arguments:?} {variables:?}");
    }
    place.stop().await;
}
