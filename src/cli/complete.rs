//! Completion of what is not in the program: applications, contexts, hooks. What takes long or cannot be had is not
//! completed; nothing is ever said about it, because somebody is typing.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::CommandFactory as _;
use clap_complete::{CompleteEnv, CompletionCandidate};

use super::args::{Cli, ConnectArgs, PHASES, TargetArgs};
use super::context::{Context, Surroundings};
use super::live::{Needs, Session, Targets};
use crate::argo::{CaptureOptions, RepositoryOptions, contexts};
use crate::clock::Clock;
use crate::domain::application::AppKey;
use crate::domain::operation::parse_duration;

/// Longer nobody waits for a completion, unless the environment says otherwise.
const PATIENCE: Duration = Duration::from_secs(3);
/// The variable that says how long a cluster may take to answer, as a duration.
const PATIENCE_NAME: &str = "BOATHOOK_COMPLETION_TIMEOUT";
/// The name under which kubectl asks for the completions of `kubectl boathook`: it calls the program of this name with
/// the words of the line.
const FOR_KUBECTL: &str = "kubectl_complete-boathook";

/// Answers a shell that asks for completions, and ends the process then; does nothing in every other case. Must come
/// before anything is printed.
pub fn complete() {
    if is_for_kubectl() {
        // On a closed output there is nobody to tell.
        let _ = std::io::stdout().lock().write_all(for_kubectl().as_bytes());
        std::process::exit(0);
    }
    CompleteEnv::with_factory(Cli::command).complete();
}

fn is_for_kubectl() -> bool {
    let program = std::env::args_os().next().map(PathBuf::from);
    program.as_ref().and_then(|program| program.file_stem()).is_some_and(|name| name == FOR_KUBECTL)
}

/// The candidates for the last word as kubectl reads them: a line each, with what it is behind a tab, and at the end what
/// the shell is to do with them.
fn for_kubectl() -> String {
    // After these no space, no files: as the completions of kubectl itself number it.
    const NO_SPACE: u8 = 2;
    const NO_FILES: u8 = 4;
    let words: Vec<_> = std::iter::once("boathook".into()).chain(std::env::args_os().skip(1)).collect();
    let last = words.len().saturating_sub(1);
    let folder = std::env::current_dir().ok();
    let found = clap_complete::engine::complete(&mut Cli::command(), words, last, folder.as_deref());
    let (mut lines, mut what) = (String::new(), NO_FILES);
    for candidate in found.unwrap_or_default().iter().filter(|candidate| !candidate.is_hide_set()) {
        let value = candidate.get_value().to_string_lossy();
        if value.ends_with(['=', '/']) {
            what |= NO_SPACE;
        }
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        let help = help.lines().next().filter(|line| !line.is_empty()).map(|line| format!("\t{line}"));
        let _ = writeln!(lines, "{value}{}", help.unwrap_or_default());
    }
    let _ = writeln!(lines, ":{what}");
    lines
}

/// What can follow `-o`, where there is no room for more.
pub(super) fn formats(current: &OsStr) -> Vec<CompletionCandidate> {
    beginning(current, ["text", "json", "yaml", "name", "jsonpath="].map(str::to_owned).to_vec())
}

/// What can follow `-o`.
pub(super) fn formats_wide(current: &OsStr) -> Vec<CompletionCandidate> {
    beginning(current, ["text", "wide", "json", "yaml", "name", "jsonpath="].map(str::to_owned).to_vec())
}

/// Namespaces in which there are Applications: of all that may be seen, else where they are looked for.
pub(super) fn namespace_names(current: &OsStr) -> Vec<CompletionCandidate> {
    let known = |everywhere: bool| {
        // The namespace of the line is the word that is being typed.
        let connect = ConnectArgs { namespace: None, all_namespaces: everywhere, ..connect(&words()) };
        asked(&connect, async |session| {
            session.until(|picture| picture.is_complete.then_some(())).await.ok()?;
            let found: BTreeSet<_> = session.picture.apps.keys().map(|key| key.namespace.to_string()).collect();
            Some(found.into_iter().collect())
        })
    };
    let everywhere = known(true);
    beginning(current, if everywhere.is_empty() { known(false) } else { everywhere })
}

/// Contexts of the kubeconfig.
pub(super) fn context_names(current: &OsStr) -> Vec<CompletionCandidate> {
    let known = contexts(connect(&words()).kubeconfig.as_deref());
    beginning(current, known.map(|(names, _)| names).unwrap_or_default())
}

/// Applications, with their namespace where it is typed already or there are several.
pub(super) fn application_names(current: &OsStr) -> Vec<CompletionCandidate> {
    let with_namespace = current.to_string_lossy().contains('/');
    let names = asked(&connect(&words()), async |session| {
        session.until(|picture| picture.is_complete.then_some(())).await.ok()?;
        let picture = &session.picture;
        let full = |key: &crate::domain::application::AppKey| format!("{}/{}", key.namespace, key.name);
        let names = picture.apps.keys().map(|key| if with_namespace { full(key) } else { picture.name(key) });
        Some(names.collect())
    });
    beginning(current, names)
}

/// Projects of the applications.
pub(super) fn project_names(current: &OsStr) -> Vec<CompletionCandidate> {
    let names = asked(&connect(&words()), async |session| {
        session.until(|picture| picture.is_complete.then_some(())).await.ok()?;
        let projects = session.picture.apps.values().filter_map(|app| app.summary()).map(|own| own.project.to_string());
        Some(projects.collect::<BTreeSet<_>>().into_iter().collect())
    });
    beginning(current, names)
}

/// Entries of the history of the application that is named before.
pub(super) fn history_ids(current: &OsStr) -> Vec<CompletionCandidate> {
    let ids = about(async |session, key| {
        let application = session.picture.details(key).application.clone()?;
        Some(application.status.history.iter().map(|entry| entry.id.to_string()).collect())
    });
    beginning(current, ids)
}

/// Hooks of the application that is named before.
pub(super) fn hook_names(current: &OsStr) -> Vec<CompletionCandidate> {
    beginning(current, hooks())
}

/// What can be waited for, with the hooks of the application that is named before.
pub(super) fn conditions(current: &OsStr) -> Vec<CompletionCandidate> {
    let mut known: Vec<String> = ["synced", "healthy", "operation", "deleted"].map(str::to_owned).to_vec();
    known.extend(PHASES.map(|phase| format!("phase={phase}")));
    // The cluster is asked only where a hook is meant.
    if current.to_string_lossy().starts_with("hook=") {
        known.extend(hooks().into_iter().map(|hook| format!("hook={hook}")));
    } else {
        known.push("hook=".to_owned());
    }
    beginning(current, known)
}

fn hooks() -> Vec<String> {
    about(async |session, key| {
        let now = session.clock.now();
        let view = session.picture.details(key).view(now);
        Some(view.tasks().filter(|task| task.is_hook).map(|task| task.key.object.name.clone()).collect())
    })
}

/// Asks about the application that is named before.
fn about(question: impl AsyncFnOnce(&mut Session, &AppKey) -> Option<Vec<String>>) -> Vec<String> {
    let Some(application) = argument(&words()) else { return Vec::new() };
    asked(&connect(&words()), async |session| {
        let targets = Targets::required(&TargetArgs::named(&application)).ok()?;
        let key = targets.choose_some(session).await.ok()?.into_iter().next()?;
        session.live.open(&key);
        session.until(|picture| picture.details(&key).is_settled.then_some(())).await.ok()?;
        question(session, &key).await
    })
}

fn beginning(current: &OsStr, names: Vec<String>) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    let is_plain = |name: &String| name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:@=".contains(c));
    names
        .into_iter()
        .filter(|name| name.starts_with(&*current) && is_plain(name))
        .map(CompletionCandidate::new)
        .collect()
}

/// The line that is being typed: what stands behind `--`, or behind the name where kubectl asks.
fn words() -> Vec<String> {
    let all = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    if is_for_kubectl() {
        return all.collect();
    }
    all.skip_while(|word| word != "--").skip(1).collect()
}

/// Which cluster the line names so far.
fn connect(words: &[String]) -> ConnectArgs {
    let value = |names: &[&str]| {
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if names.contains(&word.as_str()) {
                return words.next().cloned();
            }
            let joined = names.iter().find_map(|name| word.strip_prefix(name)?.strip_prefix('='));
            if let Some(value) = joined {
                return Some(value.to_owned());
            }
        }
        None
    };
    ConnectArgs {
        kubeconfig: value(&["--kubeconfig"]).map(Into::into),
        context: value(&["--context"]),
        namespace: value(&["-n", "--namespace"]),
        all_namespaces: words.iter().any(|word| word == "-A" || word == "--all-namespaces"),
    }
}

/// The first argument of the command: what is no flag, nor the value of one that is known to have one.
fn argument(words: &[String]) -> Option<String> {
    const WITH_VALUE: [&str; 12] = [
        "-n",
        "--namespace",
        "--context",
        "--kubeconfig",
        "-o",
        "--output",
        "--for",
        "--timeout",
        "-l",
        "--selector",
        "-p",
        "--project",
    ];
    let mut plain = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if WITH_VALUE.contains(&word.as_str()) {
            words.next();
        } else if !word.starts_with('-') {
            plain.push(word);
        }
    }
    // The program, the command, the application.
    plain.get(2).map(|word| (*word).clone())
}

/// Asks the cluster; nothing, where it takes long or cannot be asked.
fn asked(connect: &ConnectArgs, question: impl AsyncFnOnce(&mut Session) -> Option<Vec<String>>) -> Vec<String> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Vec::new() };
    let clock = Clock::real();
    let surroundings = Surroundings {
        output: Context::new(None),
        can_ask: false,
        state: None,
        repositories: RepositoryOptions::default(),
        capture: CaptureOptions::default(),
        read_only: true,
    };
    let given = std::env::var(PATIENCE_NAME).ok();
    let given = given.and_then(|text| Duration::try_from(parse_duration(&text).ok()?).ok());
    let patience = given.unwrap_or(PATIENCE);
    let asked = async {
        let mut session = Session::start(connect, Needs::default(), &surroundings, &clock).await.ok()?;
        session.limit(Some(patience));
        question(&mut session).await
    };
    let answer = runtime.block_on(clock.timeout(patience, asked));
    runtime.shutdown_background();
    answer.ok().flatten().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_line_says_which_cluster_and_which_application() {
        let words = line("boathook logs --context prod -n argocd checkout db");
        let connect = connect(&words);
        assert_eq!((connect.context.as_deref(), connect.namespace.as_deref()), (Some("prod"), Some("argocd")));
        assert_eq!(argument(&words).as_deref(), Some("checkout"));
        assert_eq!(super::connect(&line("boathook get --context=prod")).context.as_deref(), Some("prod"));
        assert_eq!(argument(&line("boathook logs")), None);
        assert_eq!(argument(&line("boathook wait --for hook= checkout")).as_deref(), Some("checkout"));
    }
}
