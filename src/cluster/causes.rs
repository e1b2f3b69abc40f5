//! The texts of errors, without those that only announce the next one, and without what a kubeconfig, or a program that
//! it names, holds: tokens, keys, passwords.

use std::error::Error;
use std::process::Output;

use kube::client::AuthError;
use kube::config::KubeconfigError;

use crate::domain::text::one_line;

/// Characters of what a credential plugin says to people.
const MOST: usize = 300;

/// The texts of an error and of its causes, outermost first.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    // As the error says it, and as it may be shown.
    let mut texts: Vec<(String, String)> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        // Many outer texts end with the inner one: the inner one alone is enough.
        while texts.last().is_some_and(|(outer, _)| outer.contains(&text)) {
            texts.pop();
        }
        let shown = without_secrets(error);
        next = if shown.is_some() { None } else { error.source() };
        texts.push((text.clone(), shown.unwrap_or(text)));
    }
    texts.into_iter().map(|(_, shown)| shown).collect::<Vec<_>>().join(": ")
}

/// The causes of an error whose outer texts say more than the inner ones: the name of a file that cannot be read.
pub(super) fn whole(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = Some(error);
    while let Some(error) = next {
        if without_secrets(error).is_some() {
            return causes(error);
        }
        let inner = error.to_string();
        if !text.contains(&inner) {
            text = format!("{text}: {inner}");
        }
        next = error.source();
    }
    text
}

/// What may be shown of an error whose own text, or whose causes, hold more than that.
fn without_secrets(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(KubeconfigError::Parse(error)) = error.downcast_ref() {
        return Some(format!("it cannot be read as YAML: {}", without_values(error)));
    }
    match error.downcast_ref()? {
        AuthError::AuthExecRun { cmd, out } => Some(plugin_failed(cmd, out)),
        AuthError::AuthExecParse(error) => {
            Some(format!("the answer of the credential plugin cannot be read: {}", without_values(error)))
        }
        _ => None,
    }
}

/// What is wrong with a YAML document and where, without the lines around it and the values in it.
fn without_values(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let clause = text.lines().next().unwrap_or_default();
    let clause = clause.split("-->").next().unwrap_or_default().trim_end();
    let mut shown = String::new();
    let mut rest = clause;
    while let Some(begin) = rest.find(['"', '`', '\'']) {
        let (before, quoted) = rest.split_at(begin);
        shown.push_str(before);
        let mark = quoted.chars().next().unwrap_or('"');
        if mark == '\'' && before.ends_with(char::is_alphanumeric) {
            // An apostrophe.
            shown.push(mark);
            rest = quoted.strip_prefix(mark).unwrap_or_default();
            continue;
        }
        let inside = quoted.strip_prefix(mark).unwrap_or_default();
        // A quotation mark within the value would end it too early: all up to the last one counts as the value.
        let Some(end) = inside.rfind(mark) else {
            // Nobody knows where it ends.
            rest = "";
            shown.push('…');
            break;
        };
        let value = inside.split_at(end).0;
        // The names of fields are the format's own.
        if before.ends_with("field ") && value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            shown.push_str(value);
        } else {
            shown.push('…');
        }
        rest = inside.split_at(end).1.strip_prefix(mark).unwrap_or_default();
    }
    shown.push_str(rest);
    let mut shown = one_line(&shown, MOST);
    if let Some(place) = error.location().filter(|_| !shown.contains("line ")) {
        shown = format!("{shown} at line {}, column {}", place.line(), place.column());
    }
    shown
}

/// A credential plugin that failed: its name, how it ended, and what it said to people. Its arguments, its environment
/// and its standard output are where tokens are.
fn plugin_failed(command: &str, output: &Output) -> String {
    let name = program(command).map_or_else(String::new, |name| format!(" {}", one_line(&name, MOST)));
    let words = one_line(String::from_utf8_lossy(&output.stderr).trim(), MOST);
    let words = if words.is_empty() { words } else { format!(": {words}") };
    format!("the credential plugin{name} failed ({}){words}", output.status)
}

/// The program in a command as [`std::process::Command`] writes it: `NAME="value" "program" "argument"`.
fn program(command: &str) -> Option<String> {
    let mut rest = command.trim_start();
    loop {
        let begin = rest.find('"')?;
        let is_variable = rest.split_at(begin).0.ends_with('=');
        let (text, after) = quoted(rest.split_at(begin).1)?;
        if !is_variable {
            return Some(text);
        }
        rest = after;
    }
}

/// The text in quotation marks that a text begins with, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut chars = text.char_indices();
    chars.next().filter(|(_, c)| *c == '"')?;
    let mut inside = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((inside, text.get(at + 1..)?)),
            '\\' => inside.extend(chars.next().map(|(_, c)| c)),
            c => inside.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Command, ExitStatus};

    const SECRET: &str = "ab-SECRET-yz";

    #[test]
    fn what_a_kubeconfig_holds_is_in_no_error() {
        let broken = [
            "users:\n- name: a\n  user: {token: \"SECRET\n",
            "users:\n- name: a\n  user:\n    token: SECRET\n   client: [}\n",
            "users: SECRET\n",
            "users:\n- name: a\n  user: SECRET\n",
            "users:\n- name: a\n  user: {token: [SECRET, SECRET]}\n",
            "users:\n- name: a\n  user: {exec: {interactiveMode: SECRET}}\n",
            "users:\n- name: a\n  user: {exec: {interactiveMode: \"it's `a` SECRET \\\" one\"}}\n",
            "users:\n- name: a\n  user: {token: *SECRET}\n",
            "users:\n- name: a\n  user: {token: !SECRET [}\n",
            "\tSECRET: SECRET\n",
        ];
        for content in broken {
            let content = content.replace("SECRET", SECRET);
            let Err(error) = kube::config::Kubeconfig::from_yaml(&content) else { continue };
            let told = causes(&error);
            assert!(!told.contains("SECRET"), "{told}");
            assert!(told.contains("line ") && told.len() < 500 && !told.contains('\n'), "{told}");
        }
    }

    #[test]
    fn a_credential_plugin_that_fails_is_named_and_shows_nothing_else() {
        let mut command = Command::new("/usr/bin/get token");
        command.arg(SECRET).env("PASSWORD", format!("x\"{SECRET}")).env("B", "2");
        let output = Output {
            status: ExitStatus::from_raw(3 << 8),
            stdout: SECRET.into(),
            stderr: format!("\x1b[31mnot logged in\n{}", "x".repeat(5_000)).into(),
        };
        let run = AuthError::AuthExecRun { cmd: format!("{command:?}"), out: Box::new(output) };
        let told = causes(&kube::Error::Auth(run));
        assert!(told.starts_with("the credential plugin /usr/bin/get token failed (exit status: 3): "), "{told}");
        assert!(told.contains("not logged in") && !told.contains("SECRET"), "{told}");
        assert!(told.len() < 500 && !told.contains(['\n', '\x1b']), "{told}");
        let parse = serde_saphyr::from_str::<Vec<u8>>(&format!("{{\"token\": \"{SECRET}\"")).unwrap_err();
        let told = causes(&kube::Error::Auth(AuthError::AuthExecParse(Box::new(parse))));
        assert!(told.starts_with("the answer of the credential plugin") && !told.contains("SECRET"), "{told}");
        assert_eq!(program("gcloud config --token x"), None);
    }
}
