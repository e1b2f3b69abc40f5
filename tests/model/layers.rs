//! Which module may import which, and which may name which crate. The design in one table: a line that breaks it fails
//! here with its file and number.

use std::fs;
use std::path::{Path, PathBuf};

/// Module of `src/`, the modules it may import besides itself. `clock` is everybody's.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("domain", &[]),
    ("config", &["domain"]),
    ("telemetry", &["domain"]),
    ("cluster", &["domain"]),
    ("git", &["domain"]),
    ("sim", &["domain"]),
    ("store", &["domain"]),
    ("argo", &["domain", "cluster", "git", "store"]),
    ("engine", &["domain", "cluster", "git"]),
    ("tui", &["domain", "config", "telemetry", "argo", "git", "store"]),
    ("cli", &["domain", "config", "telemetry", "argo", "git", "store"]),
    ("demo", &["domain", "config", "telemetry", "cluster", "git", "sim", "store", "argo", "engine", "tui", "cli"]),
    // The binary and the crate's root see everything.
    (
        "main",
        &["domain", "config", "telemetry", "cluster", "git", "sim", "store", "argo", "engine", "tui", "cli", "demo"],
    ),
    (
        "lib",
        &["domain", "config", "telemetry", "cluster", "git", "sim", "store", "argo", "engine", "tui", "cli", "demo"],
    ),
];

/// Crate, the modules that may name it. A crate that is not listed may be named anywhere but in `domain`.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("kube", &["cluster"]),
    ("k8s_openapi", &["cluster", "sim"]),
    ("schemars", &["cluster"]),
    ("git2", &["git"]),
    ("axum", &["sim", "engine"]),
    ("json_patch", &["sim"]),
    ("ratatui", &["tui"]),
    ("crossterm", &["tui", "main"]),
    ("tui_textarea", &["tui"]),
    ("ansi_to_tui", &["tui"]),
    ("clap", &["cli", "main"]),
    ("clap_complete", &["cli", "main"]),
    ("clap_mangen", &["cli", "main"]),
    ("color_eyre", &["main"]),
    ("serde_saphyr", &["domain", "cluster"]),
    ("etcetera", &["config", "main"]),
    ("tracing_subscriber", &["telemetry", "main"]),
    ("tracing_appender", &["telemetry", "main"]),
];

/// The only crates that `domain` may name: no input or output, no tasks, no wall clock.
const DOMAIN_CRATES: &[&str] = &[
    "std",
    "core",
    "alloc",
    "serde",
    "serde_json",
    "serde_saphyr",
    "serde_yaml",
    "jiff",
    "thiserror",
    "cronexpr",
    "globset",
    "base64",
];

/// Crates that `domain` must not name anywhere, also not by a full path: they do input or output, or run tasks.
const NOT_IN_DOMAIN: &[&str] =
    &["tokio", "tokio_util", "futures", "http", "http_body_util", "tower", "tracing", "bytes"];

/// What only `clock` may say: the wall clock, the monotonic one, and timers.
const TIME: &[&str] = &["SystemTime", "Instant::now", "Timestamp::now", "Zoned::now", "tokio::time"];

/// What `domain` may not say, although the standard library has it.
const NOT_PURE: &[&str] = &["std::fs", "std::net", "std::process", "std::env", "std::thread", "std::time::Instant"];

/// One line of code, its comment cut off.
struct Line {
    file: PathBuf,
    number: usize,
    module: String,
    code: String,
}

fn lines() -> Vec<Line> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    assert!(files.len() > 3, "the sources are not where this test looks for them");
    let mut lines = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&root).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_string_lossy();
        let module = first.trim_end_matches(".rs").to_owned();
        for (index, text) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            let code = text.split("//").next().unwrap_or_default().to_owned();
            lines.push(Line { file: inside.to_owned(), number: index + 1, module: module.clone(), code });
        }
    }
    join_imports(lines)
}

/// Puts an import that is set over several lines into its first line, so that what it names is found.
fn join_imports(lines: Vec<Line>) -> Vec<Line> {
    let mut joined: Vec<Line> = Vec::with_capacity(lines.len());
    for line in lines {
        match joined.last_mut() {
            Some(first) if first.file == line.file && is_open_import(&first.code) => {
                first.code.push_str(line.code.trim());
            }
            _ => joined.push(line),
        }
    }
    joined
}

fn is_open_import(code: &str) -> bool {
    let code = code.trim_start();
    let is_import = code.starts_with("use ") || (code.starts_with("pub") && code.contains(" use "));
    is_import && !code.contains(';')
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The words that follow `prefix` at a word boundary: `crate::a` and `crate::{a::b, c}` give a, and a and c.
fn named_after<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut start = 0;
            for (index, c) in group.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => {
                        // Nothing follows the last comma of a group over several lines.
                        names.extend(Some(word(&group[start..index])).filter(|name| !name.is_empty()));
                        break;
                    }
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        names.push(word(&group[start..index]));
                        start = index + 1;
                    }
                    _ => {}
                }
            }
        } else {
            names.push(word(rest));
        }
    }
    names
}

fn word(text: &str) -> &str {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

fn breaches() -> Vec<String> {
    let mut breaches = Vec::new();
    for line in lines() {
        let mut breach = |what: String| breaches.push(format!("{}:{}: {what}", line.file.display(), line.number));
        let module = line.module.as_str();
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == module) else {
            if line.number == 1 {
                breach(format!("module {module} is not in the table of modules"));
            }
            continue;
        };
        for prefix in ["crate::", "boathook::"] {
            for name in named_after(&line.code, prefix) {
                let is_module = MAY_IMPORT.iter().any(|(module, _)| *module == name);
                if is_module && name != module && name != "clock" && !allowed.contains(&name) {
                    breach(format!("{module} may not import {name}"));
                }
            }
        }
        for (name, modules) in MAY_NAME {
            if !modules.contains(&module) && !named_after(&line.code, &format!("{name}::")).is_empty() {
                breach(format!("{module} may not name the crate {name}"));
            }
        }
        if module == "domain" {
            // A mod.rs only re-exports its own children.
            if !line.file.ends_with("mod.rs")
                && let Some(import) = line.code.trim_start().trim_start_matches("pub ").strip_prefix("use ")
            {
                let name = word(import);
                let local = ["crate", "super", "self"].contains(&name) || name.starts_with(char::is_uppercase);
                if !local && !DOMAIN_CRATES.contains(&name) {
                    breach(format!("domain is pure and may not use {name}"));
                }
            }
            for name in NOT_IN_DOMAIN {
                if !named_after(&line.code, &format!("{name}::")).is_empty() {
                    breach(format!("domain is pure and may not use {name}"));
                }
            }
            for path in NOT_PURE {
                if line.code.contains(path) {
                    breach(format!("domain is pure and may not use {path}"));
                }
            }
        }
        if module != "clock" {
            for time in TIME {
                if line.code.contains(time) {
                    breach(format!("only clock may use {time}; take a clock or a time as an argument"));
                }
            }
        }
    }
    breaches
}

#[test]
fn layers_are_kept() {
    let breaches = breaches();
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn layers_names_are_found_in_every_form_of_import() {
    assert_eq!(named_after("use crate::domain::hook;", "crate::"), ["domain"]);
    assert_eq!(named_after("use crate::{domain::{a, b}, sim};", "crate::"), ["domain", "sim"]);
    assert_eq!(named_after("let x = kube::Client::new(); my_kube::y();", "kube::"), ["Client"]);
    assert!(named_after("mycrate::x", "crate::").is_empty());
}

#[test]
fn layers_imports_over_several_lines_are_seen_whole() {
    let line = |number: usize, code: &str| Line {
        file: PathBuf::from("x.rs"),
        number,
        module: "domain".to_owned(),
        code: code.to_owned(),
    };
    let lines =
        join_imports(vec![line(1, "use crate::{"), line(2, "    domain::hook,"), line(3, "    sim,"), line(4, "};")]);
    assert_eq!(lines.len(), 1);
    assert_eq!(named_after(&lines[0].code, "crate::"), ["domain", "sim"]);
    let lines = join_imports(vec![line(1, "pub(crate) use super::{"), line(2, "a};"), line(3, "fn b() {")]);
    assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 3]);
}

/// A directory's `mod.rs` opens with what it is for and holds no logic.
#[test]
fn layers_mod_files_hold_no_logic() {
    for line in lines().iter().filter(|line| line.file.ends_with("mod.rs")) {
        let code = line.code.trim_start();
        assert!(
            !["fn ", "pub fn ", "impl ", "pub struct ", "pub enum ", "struct ", "enum "]
                .iter()
                .any(|start| code.starts_with(start)),
            "{}:{}: logic in a mod.rs: {code}",
            line.file.display(),
            line.number
        );
        if line.number == 1 {
            let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(&line.file)).unwrap();
            assert!(text.starts_with("//! "), "{}: does not say what it is for", line.file.display());
        }
    }
}
