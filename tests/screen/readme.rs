//! What the README says of the keys is what the program does.

use std::fmt::Write as _;
use std::fs;

use boathook::tui::{Action, Context};

const BEGIN: &str = "<!-- keys: made from the list of actions by a test -->\n";
const END: &str = "<!-- end of keys -->";

/// The keys of all actions, as the README shows them.
fn table() -> String {
    let mut table = "| Keys | Name | What it does |\n|---|---|---|\n".to_owned();
    for context in Context::ALL {
        let _ = writeln!(table, "| | | **{}** |", context.title());
        for info in Action::LIST.iter().filter(|info| info.context == context) {
            let keys: Vec<String> = info.keys.iter().map(|key| format!("`{}`", key.replace('|', "\\|"))).collect();
            let _ = writeln!(table, "| {} | `{}` | {} |", keys.join(" "), info.name, info.help.replace('|', "\\|"));
        }
    }
    table
}

/// To bring the README up to date: run with `INSTA_UPDATE=always`, as for snapshots.
#[test]
fn the_readme_lists_the_keys_of_every_action() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = fs::read_to_string(path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("the README has no place for the keys");
    let (shown, after) = rest.split_once(END).expect("the keys of the README do not end");
    let table = table();
    if shown != table && std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always") {
        fs::write(path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(shown, table, "run this test with INSTA_UPDATE=always to bring the README up to date");
}

#[test]
fn the_readme_shows_pictures_that_are_there() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    let readme = fs::read_to_string(format!("{root}README.md")).unwrap();
    let links: Vec<&str> = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    let files = links.iter().filter(|link| !link.starts_with("http") && !link.starts_with('#'));
    for file in files {
        assert!(fs::exists(format!("{root}{file}")).unwrap(), "{file} is not there");
    }
}
