//! The configuration: defaults, a file, the environment, flags; each wins over the one before. What a key is, and its
//! default, stands in one commented file that the program carries along: [`DEFAULT`]. Unknown keys are errors, and every
//! problem of a file is in one report, with its line.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_yaml::{Mapping, Value};

use crate::domain::scenario::reader::{Fields, Node, Problems, line_of_key, read_document};
pub use crate::domain::scenario::{Problem, ScenarioError as ConfigError};

/// The default configuration, with every key explained.
pub const DEFAULT: &str = include_str!("../assets/config.yaml");

/// Begin of the environment variables.
const PREFIX: &str = "BOATHOOK_";
/// Environment variables that begin so and are not about the configuration.
const OTHERS: &[&str] = &["CASES", "SEEDS", "TEST_KUBECONFIG", "KILL_AT", "LOG", "COMPLETION_TIMEOUT"];

/// The configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Config {
    /// Name of the theme; `auto`: by what the terminal can.
    pub theme: String,
    /// Refuse everything that writes.
    pub read_only: bool,
    /// Ring the bell when a hook or a watched operation fails.
    pub bell: bool,
    /// Tell the desktop, by OSC 9, when a hook fails or a watched operation ends.
    pub notify: bool,
    /// Set the terminal's title.
    pub title: bool,
    /// Take the mouse.
    pub mouse: bool,
    /// Wrap long log lines.
    pub log_wrap: bool,
    /// Show the times of log lines.
    pub log_times: bool,
    /// Lines of log kept free under what failed, from 2 to 40.
    pub log_lines: u16,
    /// What is kept of hooks' logs on disk.
    pub kept: Kept,
    /// How repositories are read.
    pub git: Git,
    /// Keys by the name of the action, in place of its default keys.
    pub keys: BTreeMap<String, Vec<String>>,
    /// Where each of these was said, for example `config.yaml line 12`. What the keys mean, the screen knows.
    pub key_places: BTreeMap<String, String>,
}

/// What is kept of hooks' logs on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Whether they are written to disk at all.
    pub enabled: bool,
    /// Of all together, in MiB; the oldest operations go first.
    pub mebibytes: u64,
    /// How many days an operation is kept.
    pub days: u64,
}

/// How repositories are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Git {
    /// A repository is fetched at most this often, unless somebody asks.
    pub every: Duration,
    /// Never fetch, use what is cached.
    pub offline: bool,
    /// Use the credentials of Argo CD's repository Secrets where they can be read.
    pub secrets: bool,
    /// Read `file:` repositories too.
    pub file_repositories: bool,
    /// Repositories that are read from a local checkout: address as the Application has it, and absolute path.
    pub checkouts: BTreeMap<String, PathBuf>,
}

impl Config {
    /// The default.
    ///
    /// # Errors
    /// None: the file is part of the program, and tested.
    pub fn new() -> Result<Self, ConfigError> {
        let empty = Self {
            theme: "auto".to_owned(),
            read_only: false,
            bell: true,
            notify: true,
            title: true,
            mouse: false,
            log_wrap: false,
            log_times: false,
            log_lines: 12,
            kept: Kept { enabled: true, mebibytes: 2048, days: 30 },
            git: Git {
                every: Duration::from_secs(180),
                offline: false,
                secrets: true,
                file_repositories: false,
                checkouts: BTreeMap::new(),
            },
            keys: BTreeMap::new(),
            key_places: BTreeMap::new(),
        };
        let mut config = empty.with("the default configuration", DEFAULT)?;
        // The default keys stand in the list of actions; the file only shows them.
        config.keys.clear();
        config.key_places.clear();
        Ok(config)
    }

    /// With what a file says. `origin` names it in errors.
    pub fn with(&self, origin: &str, text: &str) -> Result<Self, ConfigError> {
        let mut config = read_document(origin, text, |node, problems| {
            let mut config = Self { keys: BTreeMap::new(), ..self.clone() };
            if !node.value().is_null() {
                config.read(node, problems);
            }
            config
        })?;
        config.keep_keys_of(self, origin, text);
        Ok(config)
    }

    /// With the keys of a file of their own, `keys.yaml` beside the configuration; `origin` names it in errors.
    pub fn with_keys(&self, origin: &str, text: &str) -> Result<Self, ConfigError> {
        let mut config = read_document(origin, text, |node, problems| {
            let mut config = Self { keys: BTreeMap::new(), ..self.clone() };
            if let Some(fields) = node.fields(problems, &["apiVersion", "kind", "keys"]) {
                check_kind(&fields, problems, "Keys");
                config.read_keys(&fields, problems);
            }
            config
        })?;
        config.keep_keys_of(self, origin, text);
        Ok(config)
    }

    /// Notes where the keys stand that were just read, and keeps those that were known before.
    fn keep_keys_of(&mut self, before: &Self, origin: &str, text: &str) {
        for name in self.keys.keys() {
            let line = line_of_key(text, &["keys", name]).map(|line| format!(" line {line}")).unwrap_or_default();
            self.key_places.insert(name.clone(), format!("{origin}{line}"));
        }
        for (name, keys) in &before.keys {
            self.keys.entry(name.clone()).or_insert_with(|| keys.clone());
        }
    }

    /// With what the environment says: `BOATHOOK_THEME`, `BOATHOOK_LOG__WRAP`, ...
    pub fn with_environment(&self, variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let mut config = self.clone();
        for (variable, value) in variables {
            let Some(name) = variable.strip_prefix(PREFIX).filter(|name| !OTHERS.contains(name)) else { continue };
            let path: Vec<String> = name.split("__").map(camel).collect();
            // A word is a word, `true` and `12` are what they are in a file.
            let value = serde_yaml::from_str(&value).unwrap_or(Value::String(value));
            let mut root = Mapping::new();
            put(&mut root, &path, value);
            let text = serde_yaml::to_string(&root).unwrap_or_default();
            config = config.with(&format!("the environment variable {variable}"), &text).map_err(|mut error| {
                // A variable has no lines.
                for problem in &mut error.problems {
                    problem.line = None;
                }
                error
            })?;
        }
        Ok(config)
    }

    fn read(&mut self, node: &Node<'_>, problems: &mut Problems) {
        let known =
            ["apiVersion", "kind", "theme", "readOnly", "bell", "notify", "title", "mouse", "log", "git", "keys"];
        let Some(fields) = node.fields(problems, &known) else { return };
        check_kind(&fields, problems, "Config");
        if let Some(theme) = fields.get("theme").and_then(|node| node.text(problems)) {
            self.theme = theme;
        }
        truth(&fields, problems, "readOnly", &mut self.read_only);
        truth(&fields, problems, "bell", &mut self.bell);
        truth(&fields, problems, "notify", &mut self.notify);
        truth(&fields, problems, "title", &mut self.title);
        truth(&fields, problems, "mouse", &mut self.mouse);
        self.read_log(&fields, problems);
        self.read_git(&fields, problems);
        self.read_keys(&fields, problems);
    }

    fn read_log(&mut self, fields: &Fields<'_>, problems: &mut Problems) {
        let known = ["wrap", "times", "lines", "keep", "keepMiB", "keepDays"];
        let Some(log) = fields.get("log").and_then(|node| node.fields(problems, &known)) else { return };
        truth(&log, problems, "wrap", &mut self.log_wrap);
        truth(&log, problems, "times", &mut self.log_times);
        if let Some(lines) = log.get("lines").and_then(|node| node.number(problems, 2, 40)) {
            self.log_lines = u16::try_from(lines).unwrap_or(self.log_lines);
        }
        truth(&log, problems, "keep", &mut self.kept.enabled);
        if let Some(mebibytes) = log.get("keepMiB").and_then(|node| node.number(problems, 1, 1 << 30)) {
            self.kept.mebibytes = mebibytes.unsigned_abs();
        }
        if let Some(days) = log.get("keepDays").and_then(|node| node.number(problems, 1, 10_000)) {
            self.kept.days = days.unsigned_abs();
        }
    }

    fn read_git(&mut self, fields: &Fields<'_>, problems: &mut Problems) {
        let known = ["every", "offline", "secrets", "fileRepositories", "checkouts"];
        let Some(git) = fields.get("git").and_then(|node| node.fields(problems, &known)) else { return };
        if let Some(every) = git.duration(problems, "every") {
            self.git.every = every.unsigned_abs();
        }
        truth(&git, problems, "offline", &mut self.git.offline);
        truth(&git, problems, "secrets", &mut self.git.secrets);
        truth(&git, problems, "fileRepositories", &mut self.git.file_repositories);
        for (address, node) in git.get("checkouts").map(|node| node.entries(problems)).unwrap_or_default() {
            let Some(folder) = node.text(problems).map(PathBuf::from) else { continue };
            if folder.is_absolute() {
                self.git.checkouts.insert(address, folder);
            } else {
                node.refuse(problems, format!("expected an absolute path, found {}", folder.display()));
            }
        }
    }

    fn read_keys(&mut self, fields: &Fields<'_>, problems: &mut Problems) {
        for (name, node) in fields.get("keys").map(|node| node.entries(problems)).unwrap_or_default() {
            let keys = node.list(problems).iter().filter_map(|node| node.text(problems)).collect();
            self.keys.insert(name, keys);
        }
    }
}

fn check_kind(fields: &Fields<'_>, problems: &mut Problems, kind: &str) {
    for (field, expected) in [("apiVersion", "boathook.dev/v1"), ("kind", kind)] {
        if let Some(node) = fields.get(field)
            && node.value().as_str() != Some(expected)
        {
            node.refuse(problems, format!("expected {expected}"));
        }
    }
}

fn truth(fields: &Fields<'_>, problems: &mut Problems, name: &str, value: &mut bool) {
    if let Some(truth) = fields.get(name).and_then(|node| node.truth(problems)) {
        *value = truth;
    }
}

/// `READ_ONLY` as it is written in a file: `readOnly`.
fn camel(name: &str) -> String {
    let mut words = name.split('_').map(str::to_lowercase);
    let first = words.next().unwrap_or_default();
    words.fold(first, |all, word| {
        let mut letters = word.chars();
        let capital: String = letters.next().map(|c| c.to_ascii_uppercase()).into_iter().collect();
        all + &capital + letters.as_str()
    })
}

fn put(map: &mut Mapping, path: &[String], value: Value) {
    match path {
        [] => {}
        [last] => drop(map.insert(last.as_str().into(), value)),
        [first, rest @ ..] => {
            let inner = map.entry(first.as_str().into()).or_insert_with(|| Value::Mapping(Mapping::new()));
            if let Some(inner) = inner.as_mapping_mut() {
                put(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_of_a_file_is_told_with_its_line() {
        let config = Config::new().unwrap();
        let error =
            config.with("my.yaml", "them: dark\nlog:\n  wrap: maybe\n  lines: 1000\nkeys: {sync: s}\n").unwrap_err();
        let text = error.to_string();
        for part in [
            "my.yaml is not valid:",
            "line 1: them: unknown key",
            "line 3: log.wrap:",
            "line 4: log.lines:",
            "line 5: keys.sync:",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(config.with("empty.yaml", "").unwrap(), config);
    }

    #[test]
    fn keys_may_have_a_file_of_their_own() {
        let config = Config::new().unwrap();
        let with =
            config.with_keys("keys.yaml", "apiVersion: boathook.dev/v1\nkind: Keys\nkeys: {top: [g g]}").unwrap();
        assert_eq!(with.keys["top"], ["g g"]);
        let error = config.with_keys("keys.yaml", "kind: Config\ntheme: dark").unwrap_err().to_string();
        assert!(
            error.contains("line 1: kind: expected Keys") && error.contains("line 2: theme: unknown key"),
            "{error}"
        );
    }

    #[test]
    fn the_default_file_says_what_is_the_default_without_it() {
        let bare = Config::new().unwrap().with("bare", "kind: Config").unwrap();
        let said = bare.with("default", DEFAULT).unwrap();
        assert_eq!(bare, said);
    }

    #[test]
    fn what_is_kept_and_what_is_fetched_can_be_chosen() {
        let text = "log: {keep: false, keepMiB: 10, keepDays: 3}\n\
                    git: {every: 10m, offline: true, secrets: false, fileRepositories: true, checkouts: {'https://a/b': /src/b}}";
        let config = Config::new().unwrap().with("f", text).unwrap();
        assert_eq!(config.kept, Kept { enabled: false, mebibytes: 10, days: 3 });
        let git = &config.git;
        assert_eq!((git.every, git.offline, git.secrets), (Duration::from_secs(600), true, false));
        assert!(git.file_repositories);
        assert_eq!(git.checkouts["https://a/b"], PathBuf::from("/src/b"));
        let error = config.with("f", "git:\n  checkouts:\n    https://a/b: src/b\n").unwrap_err().to_string();
        assert!(error.contains("line 3: git.checkouts.https://a/b: expected an absolute path"), "{error}");
        let variable = ("BOATHOOK_GIT__FILE_REPOSITORIES".to_owned(), "true".to_owned());
        assert!(Config::new().unwrap().with_environment([variable]).unwrap().git.file_repositories);
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let config = Config::new().unwrap().with("f", "theme: light\nlog: {wrap: false}").unwrap();
        let variables =
            [("BOATHOOK_LOG__WRAP", "true"), ("BOATHOOK_READ_ONLY", "true"), ("BOATHOOK_CASES", "7"), ("HOME", "/")];
        let config =
            config.with_environment(variables.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap();
        assert!(config.log_wrap && config.read_only);
        assert_eq!(config.theme, "light");
        let wrong = [("BOATHOOK_THEEM".to_owned(), "dark".to_owned())];
        let error = config.with_environment(wrong).unwrap_err().to_string();
        assert!(
            error.starts_with("the environment variable BOATHOOK_THEEM is not valid:\n  theem: unknown key"),
            "{error}"
        );
        let several = [("BOATHOOK_LOG__LINES", "7"), ("BOATHOOK_LOG__WRAP", "maybe")];
        let error = config.with_environment(several.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(error.unwrap_err().to_string().starts_with("the environment variable BOATHOOK_LOG__WRAP is not valid"));
    }
}
