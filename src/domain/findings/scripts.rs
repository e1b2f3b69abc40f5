//! What the command of a hook says about errors and about running twice. Reads shell scripts as a person skims them: what
//! it is not sure of it does not report.

use serde_json::Value;

use super::code::Code;
use super::facts::Subject;
use super::finding::Finding;
use super::kinds::{containers, list, text};

const SHELLS: [&str; 6] = ["sh", "bash", "ash", "dash", "zsh", "ksh"];
/// Commands that do not fail, or whose failure nobody minds.
const HARMLESS: [&str; 18] = [
    "echo", "printf", "sleep", "true", ":", "export", "set", "exit", "date", "cd", "[", "test", "local", "shift",
    "trap", "wait", "return", "unset",
];
/// Words before the command in a line of shell.
const LEADING: [&str; 6] = ["do", "then", "else", "!", "{", "("];
/// Words that open or close a construct; what follows is a condition or a list.
const CONSTRUCTS: [&str; 11] = ["if", "elif", "while", "until", "for", "case", "esac", "fi", "done", "}", ")"];

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for container in containers(subject.object) {
        let words: Vec<&str> =
            list(container, "command").chain(list(container, "args")).filter_map(Value::as_str).collect();
        if let Some(script) = shell_script(&words)
            && let Some(reason) = goes_on_after(script)
        {
            findings.push(Finding::new(Code::ErrorsIgnored, subject.index, reason));
        }
        let source = text(container, "source");
        let all = if source.is_empty() { words.join(" ") } else { source.to_owned() };
        if let Some(words) = runs_only_once(&all) {
            let message = format!("\"{words}\" fails, or does it twice, when the hook runs again");
            findings.push(Finding::new(Code::UnsafeRerun, subject.index, message));
        }
    }
}

/// The script of `sh -c SCRIPT`, unless the shell is told to stop at errors.
fn shell_script<'a>(words: &[&'a str]) -> Option<&'a str> {
    let (program, rest) = words.split_first()?;
    if !SHELLS.contains(&program.rsplit('/').next()?) {
        return None;
    }
    let mut rest = rest.iter();
    let mut is_command = false;
    while let Some(word) = rest.next() {
        if *word == "-o" {
            if rest.next() == Some(&"errexit") {
                return None;
            }
        } else if let Some(flags) = word.strip_prefix('-').filter(|flags| !flags.starts_with('-')) {
            if flags.contains('e') {
                return None;
            }
            is_command |= flags.contains('c');
        } else {
            return is_command.then_some(word);
        }
    }
    None
}

/// Why the script goes on after an error; `None` if it does not, or is too clever to tell.
fn goes_on_after(script: &str) -> Option<String> {
    if script.contains("<<") || script.contains("errexit") {
        return None;
    }
    let statements = statements(script);
    if statements.iter().any(|statement| sets_errexit(statement)) || statements.iter().any(|s| is_branching(s)) {
        return None;
    }
    let (last, before) = statements.split_last()?;
    for statement in before {
        let mut words = statement.split_whitespace().skip_while(|word| LEADING.contains(word));
        let Some(command) = words.next() else { continue };
        // An assignment fails only if it runs something; arithmetic, `$((...))`, does not.
        let is_assignment = command.contains('=') && !statement.replace("$((", "").contains("$(");
        let is_handled = statement.contains("||") || CONSTRUCTS.contains(&command);
        if !is_assignment && !is_handled && !HARMLESS.contains(&command) {
            return Some(format!("the script goes on when \"{}\" fails", shortened(statement)));
        }
    }
    let ignored = ["|| true", "|| :", "|| exit 0"].iter().find(|ignored| last.ends_with(*ignored))?;
    Some(format!("the script ends well whatever happens: {ignored}"))
}

/// Whether a statement has a `set` with `e` among its flags, wherever they stand: `set -Eeuo pipefail`, `set -u -e`.
fn sets_errexit(statement: &str) -> bool {
    let mut words = statement.split_whitespace().skip_while(|word| *word != "set").skip(1);
    words.any(|word| word.strip_prefix('-').is_some_and(|flags| !flags.starts_with('-') && flags.contains('e')))
}

/// Whether a statement chooses what runs: which one is the last cannot be told by skimming.
fn is_branching(statement: &str) -> bool {
    statement.split_whitespace().next().is_some_and(|word| ["if", "case"].contains(&word))
}

/// The statements of a script, split at line ends and semicolons outside of quotes; without comments.
fn statements(script: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let mut current = String::new();
    let mut quote = None;
    let mut characters = script.chars().peekable();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (None, '\\') if characters.peek() == Some(&'\n') => {
                characters.next();
                current.push(' ');
            }
            (_, '\\') => {
                current.push(character);
                current.extend(characters.next());
            }
            (None, '#') if current.is_empty() || current.ends_with(char::is_whitespace) => {
                while characters.peek().is_some_and(|next| *next != '\n') {
                    characters.next();
                }
            }
            (None, '\n' | ';') => statements.push(std::mem::take(&mut current)),
            (None, '\'' | '"') => {
                quote = Some(character);
                current.push(character);
            }
            (Some(open), _) if open == character => {
                quote = None;
                current.push(character);
            }
            _ => current.push(character),
        }
    }
    statements.push(current);
    statements.retain(|statement| !statement.trim().is_empty());
    for statement in &mut statements {
        *statement = statement.trim().to_owned();
    }
    // A chain that is cut by a line end goes on in the next line.
    let mut whole: Vec<String> = Vec::new();
    for statement in statements {
        match whole.last_mut() {
            Some(last) if ["&&", "||", "|"].iter().any(|end| last.ends_with(end)) => {
                last.push(' ');
                last.push_str(&statement);
            }
            _ => whole.push(statement),
        }
    }
    whole
}

fn shortened(statement: &str) -> String {
    let words: Vec<&str> = statement.split_whitespace().take(3).collect();
    let text = words.join(" ");
    text.chars().take(40).collect()
}

/// The words that make it unsafe to run twice; `None` if there are none, or the script takes care.
fn runs_only_once(script: &str) -> Option<&'static str> {
    let text = script.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    // What must follow at once for it to be safe, and what is safe if it stands anywhere.
    let rules: [(&'static str, &[&str], &[&str]); 9] = [
        ("create table", &["if not exists"], &[]),
        ("create database", &["if not exists"], &["pg_database"]),
        ("create schema", &["if not exists", "authorization"], &[]),
        ("add column", &["if not exists"], &["information_schema"]),
        ("drop table", &["if exists"], &[]),
        (
            "insert into",
            &[],
            &["on conflict", "on duplicate", "not exists", "insert ignore", "insert or ", "merge into"],
        ),
        ("kubectl create", &[], &["--dry-run", "kubectl apply"]),
        ("helm install", &[], &["upgrade --install"]),
        ("createdb", &[], &["pg_database", "|| true", "--if-not-exists"]),
    ];
    rules.into_iter().find_map(|(words, directly, anywhere)| {
        if anywhere.iter().any(|safe| text.contains(safe)) {
            return None;
        }
        let unsafe_use = text.match_indices(words).any(|(at, _)| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let rest = text.get(at + words.len()..).unwrap_or_default();
            let is_word = !before.is_some_and(char::is_alphanumeric)
                && !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_' || next == '-');
            is_word && !directly.iter().any(|safe| rest.trim_start().starts_with(safe))
        });
        unsafe_use.then_some(words)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_goes_on_after_an_error_is_told_from_one_that_does_not() {
        for script in [
            "migrate up\necho done",
            "a; b",
            "cp x y\ncp y z",
            "migrate || true",
            "set -u\na\nb",
            "set -o pipefail\na\nb",
            "x=1\nfor i in 1 2; do run $i; done\necho ok",
        ] {
            assert!(goes_on_after(script).is_some(), "{script}");
        }
        for script in [
            "migrate up",
            "set -e\nmigrate up\necho done",
            "set -eu; a; b",
            "echo a; sleep 1; migrate",
            "a &&\n b &&\n c",
            "a || exit 1\nb",
            "psql -c 'select 1; select 2'",
            "# only\n# comments\nmigrate",
            "for i in $(seq 4); do echo \"step $i\"; sleep 0.5; done\necho done",
            "f=/tmp/x; n=$(cat $f 2>/dev/null || echo 0); n=$((n+1)); [ $n -ge 3 ]",
            "cat <<END\na\nEND\nb",
            "set -Eeuo pipefail\na\nb",
            "set -o pipefail -e\na\nb",
            "set -u -e; a; b",
            "cd /app && set -e\na\nb",
            "if migrate a; then migrate b; fi",
            "case $1 in\n a) migrate a;;\n b) migrate b;;\nesac",
            "",
        ] {
            assert_eq!(goes_on_after(script), None, "{script}");
        }
    }

    #[test]
    fn the_script_of_a_shell_is_found_unless_the_shell_stops_at_errors() {
        assert_eq!(shell_script(&["/bin/sh", "-c", "a; b"]), Some("a; b"));
        assert_eq!(shell_script(&["bash", "-x", "-c", "a"]), Some("a"));
        assert_eq!(shell_script(&["bash", "-ec", "a"]), None);
        assert_eq!(shell_script(&["bash", "-o", "errexit", "-c", "a"]), None);
        assert_eq!(shell_script(&["bash", "-o", "pipefail", "-c", "a"]), Some("a"));
        assert_eq!(shell_script(&["python", "-c", "a"]), None);
        assert_eq!(shell_script(&["sh", "script.sh"]), None);
        assert_eq!(shell_script(&["sh", "-c"]), None);
        assert_eq!(shell_script(&[]), None);
    }

    #[test]
    fn steps_that_cannot_run_twice_are_found_by_their_words() {
        assert_eq!(runs_only_once("psql -c 'CREATE  TABLE users (id int)'"), Some("create table"));
        assert_eq!(runs_only_once("create table if not exists a; CREATE TABLE b"), Some("create table"));
        assert_eq!(runs_only_once("kubectl create secret generic x"), Some("kubectl create"));
        assert_eq!(runs_only_once("helm install a b"), Some("helm install"));
        for safe in [
            "CREATE TABLE IF NOT EXISTS users (id int)",
            "kubectl create secret generic x --dry-run=client -o yaml | kubectl apply -f -",
            "INSERT INTO a VALUES (1) ON CONFLICT DO NOTHING",
            "migrate up",
            "recreate tables",
        ] {
            assert_eq!(runs_only_once(safe), None, "{safe}");
        }
    }
}
