//! What every command prints for programs: as the schema says, the same in JSON and in YAML, and as it was.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use boathook::sim::resource::APP_PROJECTS;
use clap::CommandFactory as _;
use serde::Deserialize as _;
use serde_json::{Value, json};
use tokio::process::Child;

use super::place::{Done, Place, Said, done, hook, interrupt, map, masked};

/// A command, a call of it that may be repeated, and the code that it ends with.
const CALLS: &[(&str, &[&str], i32)] = &[
    ("get", &["get"], 0),
    ("get apps", &["get", "apps"], 0),
    ("get app", &["get", "app", "shop"], 0),
    ("get hooks", &["get", "hooks", "shop"], 0),
    ("get history", &["get", "history", "shop"], 0),
    ("get windows", &["get", "windows"], 0),
    ("sync", &["sync", "shop", "--dry-run", "--allow-file-repositories"], 0),
    ("sync", &["sync", "shop", "-y", "--wait", "--allow-file-repositories"], 0),
    ("abort", &["abort", "shop", "-y"], 7),
    ("retry", &["retry", "shop", "-y", "--read-only"], 7),
    ("rerun", &["rerun", "shop", "good", "-y", "--read-only"], 7),
    ("rollback", &["rollback", "shop", "0", "-y", "--read-only"], 7),
    ("resume", &["resume", "shop", "-y", "--read-only"], 7),
    ("refresh", &["refresh", "shop", "--wait"], 0),
    ("approve", &["approve", "shop", "--prune", "-y"], 7),
    ("wait", &["wait", "shop", "--for", "hook=good"], 0),
    ("wait", &["wait", "--all", "--for", "operation"], 0),
    ("watch", &["watch", "-l", "team=front"], 130),
    ("logs", &["logs", "shop"], 0),
    ("plan", &["plan", "deploy.yaml"], 1),
    ("plan", &["plan", "--app", "shop", "--allow-file-repositories"], 0),
    ("version", &["version"], 0),
];

/// The commands that have `-o`, by their words.
fn with_format(command: &clap::Command, words: &str) -> BTreeSet<String> {
    let own = command.get_arguments().any(|own| own.get_long() == Some("output")) && !words.is_empty();
    let own = own.then(|| words.to_owned());
    let below = command.get_subcommands();
    let below = below.flat_map(|below| with_format(below, format!("{words} {}", below.get_name()).trim()));
    own.into_iter().chain(below).collect()
}

#[test]
fn every_command_with_a_format_is_among_the_calls() {
    let called: BTreeSet<String> = CALLS.iter().map(|(command, ..)| (*command).to_owned()).collect();
    assert_eq!(called, with_format(&boathook::cli::Cli::command(), ""));
}

/// What differs from run to run, as it never is.
fn stable(value: Value) -> Value {
    // When something was seen, and by whom, is another each time.
    const VOLATILE: [&str; 10] =
        ["elapsedMs", "startedAt", "endedAt", "pod", "pods", "uid", "time", "exit", "runs", "joinedLate"];
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| {
                let value = if VOLATILE.contains(&name.as_str()) { json!("*") } else { stable(value) };
                (name, value)
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(stable).collect(),
        other => other,
    }
}

/// As it is on every machine.
fn everywhere(text: &str) -> String {
    let own = |name: &str, value: &str| format!("\"{name}\": \"{value}\"");
    let text = regex::Regex::new(r"\b\d+m( 0s)?\b").unwrap().replace_all(text, "0s");
    let text = regex::Regex::new(r"pod good-\w+").unwrap().replace_all(&text, "pod good-NAME");
    text.replace(&own("architecture", std::env::consts::ARCH), &own("architecture", "ARCHITECTURE"))
        .replace(&own("system", std::env::consts::OS), &own("system", "SYSTEM"))
        .replace(&own("version", env!("CARGO_PKG_VERSION")), &own("version", "VERSION"))
        .replace(concat!("boathook ", env!("CARGO_PKG_VERSION")), "boathook VERSION")
}

/// The documents in a text, but not what happened meanwhile: of that not everything is seen each time.
fn shown(documents: impl Iterator<Item = Value>) -> String {
    let mut shown = String::new();
    for document in documents {
        assert_eq!(crate::schema::violations(&document), Vec::<String>::new(), "{document:#}");
        if document["kind"] != "Event" || document["type"] == "Left" {
            writeln!(shown, "{:#}", stable(document)).unwrap();
        }
    }
    masked(&shown)
}

async fn call(place: &Place, arguments: &[&str], format: &str) -> Done {
    let child = place.command(&[arguments, &["-o", format]].concat()).spawn().unwrap();
    if arguments[0] == "watch" { watched(place, child).await } else { done(child).await }
}

/// Lets an application leave what is watched, and ends the command.
async fn watched(place: &Place, mut child: Child) -> Done {
    let (mut notes, mut lines) = (Said::of(child.stderr.take()), Said::of(child.stdout.take()));
    notes.until("boathook: watching 1 application").await;
    let label = |team: &str| {
        place.world.change(&boathook::sim::resource::APPLICATIONS, "argocd", "web", |application| {
            application["metadata"]["labels"]["team"] = json!(team);
        });
    };
    label("back");
    lines.until("Left").await;
    // And it comes back.
    label("front");
    lines.until("Added").await;
    interrupt(&child);
    let rest = lines.all().await;
    let out = rest.join("\n") + "\n";
    Done { code: done(child).await.code, out, err: String::new() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_prints_documents_as_they_are_written_down() {
    let place = Place::new(&(hook("good", "PreSync", "") + &map("settings"))).await;
    place.add("web", &json!({"team": "front"}), &map("web"));
    place.write_home("deploy.yaml", &hook("good", "Postsync", ""));
    let windows = json!([{"kind": "allow", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}]);
    place.world.create(
        &APP_PROJECTS,
        json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "default", "namespace": "argocd"},
            "spec": {
                "sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}],
                "clusterResourceWhitelist": [{"group": "*", "kind": "*"}], "syncWindows": windows
            }
        }),
    );
    for name in ["shop", "web"] {
        place.run(&["sync", name, "-y", "--wait", "--allow-file-repositories"]).await.expect(0);
        place.run(&["wait", name, "--timeout", "60s"]).await.expect(0);
    }
    let (mut all, mut texts) = (String::new(), String::new());
    for (_, arguments, code) in CALLS {
        let json = call(&place, arguments, "json").await.expect(*code);
        let documents = serde_json::Deserializer::from_str(&json.out).into_iter::<Value>();
        let from_json = shown(documents.map(|document| document.unwrap_or_else(|error| panic!("{error}: {json:#?}"))));
        let yaml = call(&place, arguments, "yaml").await.expect(*code);
        if arguments[0] != "watch" {
            let documents = serde_yaml::Deserializer::from_str(&yaml.out).map(|own| Value::deserialize(own).unwrap());
            assert_eq!(shown(documents), from_json, "{arguments:?}");
        }
        assert!(!from_json.is_empty(), "{arguments:?}");
        writeln!(all, "--- boathook {} -o json\n{from_json}", arguments.join(" ")).unwrap();
        // What is told while it happens is not the same each time.
        if *arguments != ["watch", "-l", "team=front"] && !arguments.contains(&"--wait") {
            let text = call(&place, arguments, "text").await.expect(*code);
            writeln!(texts, "--- boathook {}\n{}", arguments.join(" "), text.shown()).unwrap();
        }
    }
    insta::assert_snapshot!("documents", everywhere(&all));
    insta::assert_snapshot!("texts", everywhere(&texts));
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_are_to_the_letter_for_programs_and_safe_to_show_for_people() {
    const HOSTILE: &str = "\u{1b}]0;title\u{7}\u{1b}[31mred\r\nand \u{202e}turned \u{9b}31m \\x1b";
    const SHOWN: &str = r"\x1b]0;title\x07\x1b[31mred and \u{202e}turned \x9b31m \x1b";
    let mut place = Place::new(&(hook("painted", "PreSync", "") + &map("settings"))).await;
    place.world.synced(&json!({})).await;
    place.run(&["wait", "shop", "--timeout", "60s"]).await.expect(0);
    place.world.edit(|application| application["status"]["operationState"]["message"] = json!(HOSTILE));
    let is_safe = |done: &Done| !done.out.chars().any(|c| c != '\n' && boathook::domain::text::is_hidden(c));
    for (arguments, pointer) in [
        (&["get", "app", "shop"][..], "/operation/message"),
        (&["get", "apps"], "/items/0/operation/message"),
        (&["wait", "shop", "--for", "operation"], "/message"),
    ] {
        for format in ["json", "yaml"] {
            let done = place.run(&[arguments, &["-o", format]].concat()).await.expect(0);
            let document: Value = serde_yaml::from_str(&done.out).unwrap();
            assert_eq!(document.pointer(pointer), Some(&json!(HOSTILE)), "{arguments:?}: {done:#?}");
            assert!(is_safe(&done), "{arguments:?} {format}: {done:?}");
        }
    }
    let path = place.run(&["get", "app", "shop", "-o", "jsonpath=.operation.message"]).await.expect(0);
    assert_eq!(path.out, format!("{HOSTILE}\n"));
    for arguments in
        [&["get", "app", "shop"][..], &["get", "apps", "-o", "wide"], &["wait", "shop", "--for", "operation"]]
    {
        let text = place.run(arguments).await.expect(0);
        assert!(text.out.contains(SHOWN) && is_safe(&text), "{arguments:?}: {text:#?}");
    }
    let log = place.run(&["logs", "shop", "painted", "-o", "json"]).await.expect(0);
    assert_eq!(log.document()["text"], json!("\u{1b}[31mred\tand \u{202e}turned"), "{log:#?}");
    assert!(is_safe(&log), "{log:?}");
    let log = place.run(&["logs", "shop", "painted"]).await.expect(0);
    assert_eq!(log.out, "\\x1b[31mred    and \\u{202e}turned\n");
    place.stop().await;
}
